"""``pyscript open``: what a double-click on a script calls. Windows ask and tell, because nobody sees a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from launcher.cli import console, signals
from launcher.cli.arguments import NoOptions, SplitArguments
from launcher.cli.readiness import (
    Opening,
    Ready,
    lock_name_of,
    ready_after_asking,
    ready_at_once,
    wait_for_other,
)
from launcher.cli.run import configure_console, open_cache, open_trust
from launcher.desktop import plain_words
from launcher.desktop.log import Log
from launcher.desktop.opening import is_ended_from_outside, read_opened, run_without_terminal, without_file_manager
from launcher.desktop.window import Failure, Question, Windows, WindowUnavailable, choose_windows
from launcher.errors import LaunchFailed, PyscriptError, ScriptNotFound, UsageError
from launcher.python.places import data_directory

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from launcher.cli import held
    from launcher.reporter import Reporter

_REFUSED = 1
_NOT_DONE = 1


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript open``."""
    from argparse import SUPPRESS  # noqa: PLC0415 - as below

    from launcher.cli.parser import add_general_options, build_script_parser  # noqa: PLC0415

    parser = build_script_parser(
        "open",
        "SCRIPT [ARG...]",
        "Run a script as a double-click does: windows ask before it runs for the first time, show\n"
        "what is being prepared, and tell of errors. A script with a window of its own gets no terminal;\n"
        "any other gets a new one, which stays open until Enter.",
    )
    group = parser.add_argument_group("how to run")
    group.add_argument("--gui", action="store_true", help="give the script no terminal, whatever it says itself")
    # What the new terminal calls, and nobody else.
    group.add_argument("--in-terminal", metavar="FOLDER", help=SUPPRESS)
    add_general_options(parser)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript open``; returns the exit status of a script without a terminal, 0 where a terminal has it."""
    split, options = _split(arguments)
    configure_console(options)
    if options.in_terminal:
        # What a terminal shows and asks.
        from launcher.cli import held  # noqa: PLC0415

        return held.main(options.in_terminal)
    if not split.target:
        console.print_usage(build_parser())
        return UsageError.default_exit_code
    if options.cache_dir:
        # For the terminal as well, which calls us again.
        os.environ["PYSCRIPT_CACHE_DIR"] = os.path.abspath(options.cache_dir)
    path = os.path.abspath(split.target[0])
    if _is_url(split.target[0]):
        # What is written down of it must not have its password.
        from launcher.resolve.urls import mask_credentials  # noqa: PLC0415

        path = mask_credentials(split.target[0])
    log = Log.open(data_directory(os.environ, sys.platform), path)
    log.write(f"Opening {path}")
    try:
        return _Click(path, split.arguments, options.gui, log).run()
    finally:
        log.close()


def _split(arguments: Sequence[str]) -> tuple[SplitArguments, Namespace | NoOptions]:
    if arguments and arguments[0][:1] != "-":
        return SplitArguments((), (arguments[0],), tuple(arguments[1:])), NoOptions()
    # 8 ms: argparse, for who gives options.
    from launcher.cli.parser import split_arguments  # noqa: PLC0415

    parser = build_parser()
    split = split_arguments(parser, arguments)
    return split, parser.parse_args(split.options)


def _is_url(text: str) -> bool:
    return "://" in text and not os.path.exists(text)


class _Click:
    """One double-click: the file, its arguments, and how its person is told of what happens."""

    def __init__(self, path: str, arguments: tuple[str, ...], wants_gui: bool, log: Log) -> None:
        self._path, self._arguments, self._wants_gui, self._log = path, arguments, wants_gui, log
        self._name = os.path.basename(path)
        self._windows_or_none: Windows | None = None
        self._is_chosen = False

    def run(self) -> int:
        """Open the file; whatever goes wrong is told."""
        try:
            return self._open()
        except PyscriptError as error:
            self._log.write(f"{type(error).__name__}: {error.message}")
            if _is_watched():
                console.show_error(error)
            self._tell(plain_words.failure_of_error(error, self._name, self._log.path))
            return error.exit_code
        except signals.Ended:
            self._log.write("Cancelled.")
            raise
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            self._log.write(f"Something went wrong inside pyscript: {what}")
            self._tell(
                Failure(
                    f"Error: {self._name}",
                    "Something went wrong inside pyscript. Please report it.",
                    what,
                    self._log.path,
                )
            )
            raise

    def _open(self) -> int:
        path = self._path
        if _is_url(path):
            raise UsageError(f"{path} is a URL, and this opens files.", hint="Run it from a terminal: pyscript URL")
        script = read_opened(path, wants_gui=self._wants_gui)
        if not script.has_block and self._is_given_to_another():
            return 0
        try:
            os.chdir(os.path.dirname(path))
        except OSError as error:
            raise ScriptNotFound(f"The folder of {path} cannot be entered: {error.strerror}.") from error
        os.environ["PWD"] = os.path.dirname(path)
        opening = Opening(script, self._arguments, open_trust(), open_cache(None), self._log)
        ready = ready_at_once(opening, os.environ)
        if ready is None:
            if self._windows is None:
                return self._start_in_terminal(opening, None)
            try:
                ready, status = self._ready_before_others(opening)
            except WindowUnavailable:
                self._windows_or_none = None
                return self._start_in_terminal(opening, None)
            if ready is None:
                return status
        signals.heed()
        if script.is_gui:
            return self._run_without_terminal(ready)
        return self._start_in_terminal(opening, ready)

    def _is_given_to_another(self) -> bool:
        """Give a file that is not for us to who opened such files before; tell whether that is asked for and possible.

        It is asked for where all Python files come to us, because the desktop tells files by their names alone.
        """
        # What stands in the journal of a registration, for files without a block.
        from launcher.desktop.previous import application_for_plain_files  # noqa: PLC0415

        application = application_for_plain_files(os.environ)
        if application is None:
            return False
        self._log.write(f"It has no block, so it is for {application.name}.")
        command = application.command(self._path)
        if application.needs_terminal:
            from launcher.cli import held  # noqa: PLC0415 - as below

            return self._give(held.Order(self._path, log=self._log.path, argv=list(command), pauses=False)) == 0
        import subprocess  # noqa: PLC0415 - 10 ms, for files without a block

        try:
            subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        except OSError as error:
            self._log.write(f"It could not be started: {error}")
            return False
        return True

    def _ready_before_others(self, opening: Opening) -> tuple[Ready | None, int]:
        """Ask and prepare unless another double-click is about to; return what to run, or the exit code."""
        with opening.cache.lock_at_once(lock_name_of(opening.script)) as is_first:
            if is_first:
                return ready_after_asking(opening, self, os.environ), _REFUSED
        self._log.write("Another double-click came first.")
        wait_for_other(opening.script, opening.cache, self)
        return None, 0

    def _run_without_terminal(self, ready: Ready) -> int:
        environ = ready.variables_of_run(without_file_manager(os.environ))
        status = run_without_terminal(ready.argv, environ, self._log)
        output = self._log.output()
        self._log.write(f"It {plain_words.ending_of(status)}.")
        if status and not is_ended_from_outside(status):
            self._tell(plain_words.failure_of_run(status, output, self._name, self._log.path))
        return status if status >= 0 else 128 - status

    def _start_in_terminal(self, opening: Opening, ready: Ready | None) -> int:
        """Let a new terminal run what is ready, or get it ready first."""
        from launcher.cli import held  # noqa: PLC0415 - json, and what finds a terminal

        order = held.Order(
            path=self._path,
            arguments=list(self._arguments),
            wants_gui=self._wants_gui,
            log=self._log.path,
            pauses=opening.script.pauses,
            argv=ready.argv if ready else [],
            environment=ready.environment if ready else "",
            variables=dict(ready.variables) if ready else {},
        )
        return self._give(order)

    def _give(self, order: held.Order) -> int:
        from launcher.cli import held  # noqa: PLC0415 - as above
        from launcher.desktop.terminals import TerminalMissing  # noqa: PLC0415

        try:
            terminal = held.start(order, open_cache(None), self._log)
        except TerminalMissing as error:
            self._log.write(f"No terminal: {error}")
            if _is_watched():
                return held.serve(order)
            failure = Failure(
                f"Error: {self._name}",
                f"{self._name} needs a terminal, and none could be opened.",
                f"{error}\n\nInstall one, such as xterm, or name yours in the variable TERMINAL.",
                self._log.path,
            )
            if order.heading or self._windows is None:
                # Nobody sees a window or a terminal, but perhaps what a scheduler mails.
                told = order if order.heading else failure
                log = f"The log is {self._log.path}" if self._log.path else None
                console.show_error(LaunchFailed(f"{told.heading}\n{told.details}", hint=log))
            else:
                self._windows.tell(failure)
            return _NOT_DONE
        self._log.write(f"Given to {terminal}.")
        return 0

    # What a person sees

    @property
    def _windows(self) -> Windows | None:
        """The windows that there are here; looked for once one is needed."""
        if not self._is_chosen:
            self._windows_or_none, self._is_chosen = choose_windows(os.environ), True
        return self._windows_or_none

    def ask(self, question: Question) -> bool:
        """Return whether the script may run; raises `WindowUnavailable`."""
        assert self._windows is not None
        return self._windows.ask(question)

    @contextmanager
    def reporting(self, heading: str) -> Iterator[Reporter]:
        """Give a reporter whose window, if it comes, is gone behind the block; its Cancel interrupts us."""
        from launcher.desktop.logged_reporter import LoggedReporter  # noqa: PLC0415 - threads

        assert self._windows is not None
        signals.listen_to_interrupts()
        title = f"Preparing {self._name}"
        reporter = LoggedReporter(self._windows, title, heading, signals.interrupt, self._log)
        try:
            yield reporter
        finally:
            reporter.close()

    def _tell(self, failure: Failure) -> None:
        """Show a window, else a terminal with the same words; where there is neither, the log has them."""
        self._log.write(failure.heading)
        windows = self._windows
        if windows is not None:
            try:
                windows.tell(failure)
            except WindowUnavailable:
                windows = self._windows_or_none = None
        if windows is None and not _is_watched():
            from launcher.cli import held  # noqa: PLC0415 - as above

            self._give(held.Order(self._path, log=self._log.path, heading=failure.heading, details=failure.details))


def _is_watched() -> bool:
    """Tell whether somebody who typed this reads what is said; a file manager gives no stdin."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
