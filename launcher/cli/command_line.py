"""From the command line to a command, and from an error to an exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from launcher.cli import console
from launcher.cli.commands import COMMANDS
from launcher.errors import PyscriptError


class _Ended(BaseException):
    """A signal asked the process to end; the argument is its number."""


def main(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name and return the exit code; errors are shown, not raised."""
    try:
        _listen_to_signals()
        exit_code = _dispatch(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
        return exit_code
    except PyscriptError as error:
        console.show_error(error)
        return _left_at_once(error.exit_code)
    except KeyboardInterrupt:
        return _ended_by(signal.SIGINT)
    except _Ended as ended:
        return _ended_by(ended.args[0])
    except BrokenPipeError:
        _close_stdout()
        return 1
    except OSError as error:
        _close_stdout()
        console.show_error(PyscriptError(f"The operating system refused: {error}."))
        return _left_at_once(1)
    except Exception as error:
        console.show_internal_error(error)
        return _left_at_once(1)


def _dispatch(arguments: Sequence[str]) -> int:
    first = arguments[0] if arguments else ""
    if first == "run" or first not in COMMANDS:
        return COMMANDS["run"].main(arguments)
    return COMMANDS[first].main(arguments[1:])


def _listen_to_signals() -> None:
    """Let signals that end the process be heard as exceptions, so that what is half made is removed."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler if name == "SIGINT" else _end)


def _end(number: int, _frame: FrameType | None) -> None:
    raise _Ended(number)


def _left_at_once(exit_code: int) -> int:
    """Return the exit code, or end the process with it where downloads are under way that nobody waits for any more."""
    if threading.active_count() > 1:
        os._exit(exit_code)
    return exit_code


def _ended_by(number: int) -> int:
    """End as the signal would have ended us, so that a shell loop around us ends too."""
    console.leave()
    if sys.platform != "win32":
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    return 128 + number


def _close_stdout() -> None:
    """Forget what could not be written to stdout: Python would try once more at its end, and complain."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
