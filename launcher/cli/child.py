"""A program that runs beside us in the foreground: it has the terminal, and we are there when it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

from launcher.errors import LaunchFailed

GRACE_S = 5.0
"""How long a program may take to end when it is asked to."""


def start(argv: Sequence[str], environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a program in our terminal and our process group; raises `LaunchFailed`."""
    try:
        return subprocess.Popen(argv, env=dict(environ), close_fds=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LaunchFailed(f"{argv[0]} could not be started: {reason}.") from error


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a program to its end and return its exit status, 128 and the number for a signal; raises `LaunchFailed`."""
    status = status_of(argv, environ)
    return status if status >= 0 else 128 - status


def status_of(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a program to its end and return its exit status, below zero for a signal; raises `LaunchFailed`.

    An interrupt from the keyboard is its alone, as in a shell: an editor has its own use for Ctrl-C.
    """
    with _interrupts_left_to_the_child():
        return start(argv, environ).wait()


def end(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> None:
    """End a program: ask it with a signal, wait for a moment, then kill it."""
    if process.poll() is None:
        if sys.platform == "win32":
            process.terminate()
        else:
            process.send_signal(number)
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _interrupts_left_to_the_child() -> Iterator[None]:
    """Hear no interrupt; by a function and not by ignoring it, because a program inherits what is ignored."""
    numbers = [signal.SIGINT]
    if sys.platform != "win32":
        numbers.append(signal.SIGQUIT)
    before = {number: signal.signal(number, _do_nothing) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    pass
