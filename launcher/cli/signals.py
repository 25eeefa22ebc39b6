"""Signals that ask the process to end, heard as exceptions so that what is half made is removed."""

from __future__ import annotations

# The module below `signal`, whose enumerations take 1.2 ms.
import _signal as signal
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


class Ended(BaseException):
    """A signal asked the process to end."""


_heard: list[int] = []


def listen() -> None:
    """Raise `Ended` from now on where a signal would end the process; signals that are ignored stay ignored."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _end)
    sys.unraisablehook = _show_unless_ended


def interrupt() -> None:
    """Interrupt the main thread as Ctrl-C does, from whichever thread, also where Ctrl-C is ignored.

    It is in what a shell started in the background, and so in desktops, and in what they start.
    """
    import threading  # noqa: PLC0415 - who calls this from another thread has loaded it

    main_thread = threading.main_thread().ident
    if sys.platform == "win32" or main_thread is None:
        import _thread  # noqa: PLC0415

        _thread.interrupt_main()
    else:
        # To the very thread: what it waits for is given up at once.
        signal.pthread_kill(main_thread, signal.SIGINT)


def listen_to_interrupts() -> None:
    """Raise `Ended` where `interrupt` is called; call this in the main thread."""
    signal.signal(signal.SIGINT, _end)


def heed() -> None:
    """Raise `Ended` where a signal was heard before, even if a library swallowed what was raised then.

    Python drops exceptions that arise in finalizers and callbacks of weak references, and a library may turn one into
    another on its way: a thread that was never started cannot be joined.
    """
    if _heard:
        raise Ended


def first_heard() -> int | None:
    """Return the number of the first signal that asked the process to end."""
    return _heard[0] if _heard else None


def end() -> int:
    """End as the first signal heard would have ended us, so that a shell loop around us ends too."""
    number = _heard[0]
    if sys.platform != "win32":
        signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
        os.kill(os.getpid(), number)
    return 128 + number


def _end(number: int, _frame: FrameType | None) -> None:
    _heard.append(number)
    raise Ended


def _show_unless_ended(unraisable: sys.UnraisableHookArgs) -> None:
    if not isinstance(unraisable.exc_value, Ended):
        sys.__unraisablehook__(unraisable)
