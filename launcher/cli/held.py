"""The terminal window of an opened script: ``pyscript open --in-terminal FOLDER`` runs it there and holds the window.

What is to be done comes by a file in a folder of our own, and is read before we say that we started: whoever waits for
that removes the folder.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from launcher.cache import Cache
from launcher.cli import child, console, signals
from launcher.cli.question import open_terminal
from launcher.cli.readiness import (
    Opening,
    Ready,
    lock_name_of,
    ready_after_asking,
    ready_at_once,
    wait_for_other,
)
from launcher.cli.run import open_cache, open_trust
from launcher.desktop.log import Log
from launcher.desktop.opening import OpenedScript, read_opened, without_file_manager
from launcher.desktop.plain_words import ending_of
from launcher.desktop.terminals import STARTED, start_in_terminal
from launcher.desktop.window import Question
from launcher.errors import PyscriptError
from launcher.reporter import Reporter

_ORDER_FILE = "order.json"
_LABEL_WIDTH = 16
_FIRST_LINES = 20
_NOTHING_RAN = 1


@dataclass(frozen=True, slots=True)
class Order:
    """What a terminal is for: to run what is ready (`argv`), to get `path` ready first, or to show what went wrong.

    `log` is the path of the log to go on with. The window `pauses` after success; it always does after an error.
    """

    path: str
    arguments: list[str] = field(default_factory=list)
    wants_gui: bool = False
    log: str = ""
    pauses: bool = True
    argv: list[str] = field(default_factory=list)
    environment: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    heading: str = ""
    details: str = ""


def start(order: Order, cache: Cache, log: Log) -> str:
    """Open a terminal for an order and return its name, once we run in it; raises `TerminalMissing`."""
    with cache.temporary_directory() as folder:
        (folder / _ORDER_FILE).write_text(json.dumps(asdict(order)), encoding="ascii")
        launcher = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "__main__.py")
        argv = [_python(), "-I", "-S", launcher, "open", "--in-terminal", str(folder)]
        return start_in_terminal(argv, folder, os.environ, log.descriptor)


def _python() -> str:
    """Return our interpreter; on Windows the one that has a console."""
    directory, name = os.path.split(sys.executable)
    if name.lower() == "pythonw.exe":
        return os.path.join(directory, "python.exe")
    return sys.executable


def main(folder: str) -> int:
    """Do what the order in a folder says, in this terminal."""
    try:
        order = Order(**json.loads((Path(folder) / _ORDER_FILE).read_bytes()))
        (Path(folder) / STARTED).touch()
    except (OSError, ValueError, TypeError):
        console.show_error(PyscriptError("This window came too late: nothing waits for it any more."))
        _hold("Press Enter to close this window.")
        return 1
    try:
        return serve(order)
    except Exception as error:
        console.show_internal_error(error)
        _hold("Press Enter to close this window.")
        return 1


def serve(order: Order) -> int:
    """Do what an order says and return the script's exit status; the window is held after an error."""
    name = os.path.basename(order.path)
    log = Log.append(order.log)
    if sys.stdout.isatty():
        # A file name may have bytes that are no text.
        title = console.sanitised(name).encode("utf-8", "replace").decode()
        sys.stdout.write(f"\x1b]0;{title}\x07")
        sys.stdout.flush()
    try:
        if order.heading:
            console.show_error(PyscriptError(order.heading, hint=order.details))
            _hold("Press Enter to close this window.")
            return 1
        ready, pauses = _ready(order, log)
        if ready is None:
            return _NOTHING_RAN
        status = _run(ready)
        log.write(f"It {ending_of(status)}.")
    except PyscriptError as error:
        log.write(f"{type(error).__name__}: {error.message}")
        console.show_error(error)
        where = f" The log is {log.path}." if log.path else ""
        _hold(f"{name} was not started.{where} Press Enter to close this window.")
        return error.exit_code
    except signals.Ended:
        log.write("The window was closed, or it was cancelled.")
        raise
    finally:
        log.close()
    if status or pauses:
        _hold(f"{name} {ending_of(status)}. Press Enter to close this window.")
    return status if status >= 0 else 128 - status


def _ready(order: Order, log: Log) -> tuple[Ready | None, bool]:
    """Return what is to run, and whether the window is held after success; None where nothing is."""
    if order.argv:
        return Ready(order.argv, order.environment, order.variables), order.pauses
    script = read_opened(order.path, wants_gui=order.wants_gui)
    os.chdir(os.path.dirname(order.path))
    opening = Opening(script, tuple(order.arguments), open_trust(), open_cache(None), log)
    # A script with a window of its own only borrows this one.
    pauses = script.pauses and not script.is_gui
    if ready := ready_at_once(opening, os.environ):
        return ready, pauses
    person = _AtTerminal(script)
    with opening.cache.lock_at_once(lock_name_of(script)) as is_first:
        if is_first:
            return ready_after_asking(opening, person, os.environ), pauses
    wait_for_other(script, opening.cache, person)
    return None, False


def _run(ready: Ready) -> int:
    """Run a script in this terminal and return its exit status; the terminal is left as it was before."""
    environ = ready.variables_of_run(without_file_manager(os.environ))
    with _same_terminal_afterwards():
        return child.status_of(ready.argv, environ)


@contextmanager
def _same_terminal_afterwards() -> Iterator[None]:
    """Undo what a program that was killed, or failed, did to how the terminal takes keys."""
    if sys.platform == "win32" or sys.stdin is None or not sys.stdin.isatty():
        yield
        return
    import termios  # noqa: PLC0415 - there is none on Windows

    before = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _hold(text: str) -> None:
    """Show how it ended, and wait for Enter; what was typed before does not count."""
    with open_terminal() as terminal:
        if terminal is not None:
            terminal.show([[]])
            terminal.ask([(f"[{text}]", "bold"), (" ", "")], {}, "", most=1)


class _AtTerminal:
    """Who opened the script, sitting at this terminal."""

    def __init__(self, script: OpenedScript) -> None:
        self._script = script

    def ask(self, question: Question) -> bool:
        """Show what the window would show, and return whether the script may run."""
        from launcher.cli.agreement import first_lines  # noqa: PLC0415 - loaded by who found out what to ask

        source = self._script.source
        with open_terminal() as terminal:
            if terminal is None:
                return False
            terminal.show([[(question.heading, "bold")], []])
            for label, text in question.rows:
                for number, line in enumerate(text.split("\n")):
                    terminal.show([[(f"  {'' if number else label:<{_LABEL_WIDTH}}", "dim"), (line, "")]])
            terminal.show([[], *first_lines(source, _FIRST_LINES), []])
            terminal.show([[("  [n] no", "")], [("  [y] yes, run it", "")], [("  [s] show all of it", "")]])
            answers = {"n": "no", "no": "no", "y": "yes", "yes": "yes", "s": "show", "show": "show"}
            while (answer := terminal.ask([("Run it?", "bold"), (" [n] ", "")], answers, "no")) == "show":
                terminal.show(first_lines(source, None))
            return answer == "yes"

    @contextmanager
    def reporting(self, _heading: str) -> Iterator[Reporter]:
        """Give the reporter that every launch in a terminal has."""
        try:
            yield console.make_reporter()
        finally:
            console.leave()
