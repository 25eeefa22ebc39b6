"""From the command line to a command, and from an error to an exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence

from launcher.cli import console
from launcher.cli.commands import COMMANDS
from launcher.errors import PyscriptError

EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name and return the exit code; errors are shown, not raised."""
    try:
        return _dispatch(arguments)
    except PyscriptError as error:
        console.show_error(error)
        return _left_at_once(error.exit_code)
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        # Whoever read our output has gone; stdout must not be flushed again on the way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _dispatch(arguments: Sequence[str]) -> int:
    first = arguments[0] if arguments else ""
    if first == "run" or first not in COMMANDS:
        return COMMANDS["run"].main(arguments)
    return COMMANDS[first].main(arguments[1:])


def _left_at_once(exit_code: int) -> int:
    """Return the exit code, or end the process with it where downloads are under way that nobody waits for any more."""
    if threading.active_count() > 1:
        sys.stdout.flush()
        os._exit(exit_code)
    return exit_code


def _interrupted() -> int:
    """End as the signal would have ended us, so that a shell loop around us ends too."""
    console.leave()
    if sys.platform == "win32":
        return EXIT_INTERRUPTED
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
    return EXIT_INTERRUPTED
