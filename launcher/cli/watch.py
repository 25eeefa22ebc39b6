"""``pyscript --watch``: run a script, and run it again whenever something that it reads has changed.

What is run is our child and has the terminal. It is prepared anew each time, which costs next to nothing where only its
code has changed. watchfiles tells of changes, and this is its only importer.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from launcher.cache import Cache
from launcher.cli import child, console, signals
from launcher.cli.launching import arguments_of, variables_for
from launcher.cli.watched import Watched, watched_before, watched_with
from launcher.errors import PyscriptError, UsageError
from launcher.launch import warm
from launcher.prepare import Preparation, prepare
from launcher.reporter import SilentReporter
from launcher.request import RunRequest, TargetKind, read_needs
from launcher.value import replace

_LOOK_EVERY_MS = 200
"""How soon it is seen that the child has ended."""
_QUIET_FOR_MS = 60
"""Saving a file makes several changes: they count together until so long nothing happens."""
_ONCE = ("refresh", "upgrade")
"""What is asked for when it begins, and not again with each change."""


def watch(request: RunRequest, cache: Cache) -> int:
    """Run what is asked for again and again; ends by a signal only.

    Raises `UsageError` for what cannot be run twice, and what keeps the very first run from starting where no change of
    a file could mend it.
    """
    if request.kind is TargetKind.STDIN:
        raise UsageError("What comes from stdin is there only once.", hint="Save the script to a file to watch it.")
    request = replace(request, may_be_recorded=False)
    read_needs(request, os.environ, SilentReporter()) if not _is_there(request) else None
    running: subprocess.Popen[bytes] | None = None
    try:
        while True:
            started_ns = time.time_ns()
            watched = watched_before(request)
            try:
                preparation, watched = _prepared(request, cache)
                running = _started(preparation)
                request = _settled(request)
            except PyscriptError as error:
                console.show_error(error)
                console.show_note("Waiting for a change.")
            with _terminal_kept():
                changed = _next_change(watched, running, started_ns)
                if running is not None:
                    child.end(running)
                running = None
            console.show_note(f"{_named(changed)} changed; running it again.")
    except BaseException:
        _end_with_us(running)
        raise
    finally:
        cache.abandon()


def _is_there(request: RunRequest) -> bool:
    script = request.script or (request.target if request.kind is TargetKind.SCRIPT else None)
    return script is None or os.path.exists(script)


def _prepared(request: RunRequest, cache: Cache) -> tuple[Preparation, Watched]:
    preparation = prepare(request, cache, os.environ, console.make_reporter())
    console.leave()
    if preparation.source is not None and not preparation.source.is_regular_file:
        raise UsageError(f"{request.target} can be read only once.", hint="Save the script to a file to watch it.")
    needs = read_needs(request, os.environ, SilentReporter())
    return preparation, watched_with(request, needs, preparation.resolution)


def _started(preparation: Preparation) -> subprocess.Popen[bytes]:
    environment = preparation.record.environment
    warm.note_use(environment)
    return child.start(arguments_of(preparation), warm.environment_for(environment, variables_for(preparation)))


def _settled(request: RunRequest) -> RunRequest:
    kept = {name: value for name, value in request.command_line.items() if name not in _ONCE}
    return replace(request, command_line=kept)


def _next_change(watched: Watched, running: subprocess.Popen[bytes] | None, started_ns: int) -> list[str]:
    """Wait for a change and return the files; say meanwhile how the child ended."""
    is_first = True
    for changes in _changes(watched):
        signals.heed()
        if running is not None and running.poll() is not None:
            console.show_note(f"{_ended(running.returncode)} Waiting for a change.")
            running = None
        changed = sorted(changes)
        if is_first:
            # What was written while it was prepared, when nobody was looking.
            changed = changed or watched.changed_since(started_ns, time.time_ns())
            is_first = False
        if changed:
            return changed
    signals.heed()
    raise AssertionError("only a signal ends the watching")


def _changes(watched: Watched) -> Iterator[set[str]]:
    """Give sets of changed files, and an empty one whenever nothing has happened for a moment."""
    try:
        # 70 ms; the child has been started, and needs them for itself.
        import watchfiles  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            "--watch needs the package watchfiles, which is not installed with pyscript here.",
            hint="Install it into the environment of pyscript: pip install watchfiles",
        ) from error
    looking = watchfiles.watch(
        *watched.directories,
        watch_filter=lambda _, path: watched.concerns(path),
        step=_QUIET_FOR_MS,
        rust_timeout=_LOOK_EVERY_MS,
        yield_on_timeout=True,
        recursive=False,
        ignore_permission_denied=True,
    )
    # What our own handler raises in it, it turns into an interrupt.
    with suppress(KeyboardInterrupt):
        for changes in looking:
            yield {path for _, path in changes}


def _end_with_us(running: subprocess.Popen[bytes] | None) -> None:
    """End the child, because something ends us; Ctrl-C in a terminal reached it as well, and it may need a moment."""
    if running is None:
        return
    is_told = signals.first_heard() == signal.SIGINT and sys.stdin is not None and sys.stdin.isatty()
    try:
        if is_told:
            running.wait(child.GRACE_S)
        child.end(running)
    except (signals.Ended, subprocess.TimeoutExpired):
        running.kill()
        running.wait()


def _ended(status: int) -> str:
    if status >= 0:
        return f"It ended with exit code {status}." if status else "It ended."
    return f"It was ended by {signal.Signals(-status).name}."


def _named(changed: list[str]) -> str:
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return os.path.relpath(changed[0]) + more


@contextmanager
def _terminal_kept() -> Iterator[None]:
    """Give the terminal back as it was, whatever a program did to it that was ended in the middle."""
    if sys.platform == "win32":
        yield
        return
    import termios  # noqa: PLC0415 - there is none on Windows

    try:
        before = termios.tcgetattr(0)
    except (OSError, ValueError, termios.error):
        yield
        return
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
