"""From the command line to a command, and from an error to an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from launcher.cli import console, signals
from launcher.cli.commands import COMMANDS
from launcher.errors import PyscriptError


def main(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name and return the exit code; errors are shown, not raised."""
    try:
        return _dispatch_unless_ended(arguments)
    except signals.Ended:
        console.leave()
        return signals.end()
    except PyscriptError as error:
        console.show_error(error)
        return _left_at_once(error.exit_code)
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


def _dispatch_unless_ended(arguments: Sequence[str]) -> int:
    try:
        signals.listen()
        exit_code = _dispatch(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BaseException:
        signals.heed()
        raise
    return exit_code


def _dispatch(arguments: Sequence[str]) -> int:
    first = arguments[0] if arguments else ""
    if first == "run" or first not in COMMANDS:
        return COMMANDS["run"].main(arguments)
    return COMMANDS[first].main(arguments[1:])


def _left_at_once(exit_code: int) -> int:
    """Return the exit code, or end the process with it where downloads are under way that nobody waits for any more."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        _close_stdout()
    threading = sys.modules.get("threading")  # who has not loaded it has no threads
    if threading and threading.active_count() > 1:
        os._exit(exit_code)
    return exit_code


def _close_stdout() -> None:
    """Forget what could not be written to stdout: Python would try once more at its end, and complain."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
