"""What went wrong, in words for somebody who double-clicked a file: pure."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from itertools import pairwise

from launcher import errors
from launcher.desktop.window import Failure
from launcher.errors import PyscriptError

_PREFIX = "pyscript: "
_LONGEST = 300
_LINES_OF_OUTPUT = 400

_HEADINGS: Mapping[type[PyscriptError], str] = {
    errors.ScriptNotFound: "{name} cannot be opened.",
    errors.InvalidMetadata: "What {name} says that it needs cannot be understood.",
    errors.UsageError: "A setting for {name} is wrong.",
    errors.UntrustedScript: "{name} was not run.",
    errors.InterpreterNotFound: "{name} needs a Python that is not here and could not be fetched.",
    errors.IndexUnreachable: "{name} needs packages, and they cannot be fetched. Is this computer online?",
    errors.SourceUnreachable: "{name} needs something that cannot be fetched. Is this computer online?",
    errors.NotAvailableOffline: "{name} needs packages that are not here, and fetching them was forbidden.",
    errors.PackageNotFound: "{name} needs a package that does not exist.",
    errors.ResolutionImpossible: "{name} needs packages that do not go together.",
    errors.LockOutdated: "{name} and its lock do not fit together any more.",
    errors.HashMismatch: "A package that {name} needs is not what it should be, so nothing was run.",
    errors.InvalidWheel: "A package that {name} needs is damaged.",
    errors.BuildFailed: "A package that {name} needs could not be built on this computer.",
    errors.CacheUnusable: "What {name} needs cannot be kept on this computer. Is its disk full?",
    errors.DataUnusable: "What you agreed to run cannot be read or written down.",
    errors.LaunchFailed: "{name} could not be started.",
}

_REASONS: Mapping[str, str] = {
    "ModuleNotFoundError": "it needs a module that it does not ask for",
    "FileNotFoundError": "it did not find a file",
    "PermissionError": "it was not allowed to use a file",
    "EOFError": "it waited for something to be typed, and it has no terminal",
    "MemoryError": "it needs more memory than there is",
    "SyntaxError": "its code has a mistake",
    "IndentationError": "its code has a mistake",
    "KeyboardInterrupt": "it was interrupted",
}
"""What the commonest exceptions mean; all others are shown by their names."""


def failure_of_error(error: PyscriptError, name: str, log: str) -> Failure:
    """Return what to tell of an error that kept the script called `name` from starting; `log` is a path."""
    heading = next((text for kind, text in _HEADINGS.items() if isinstance(error, kind)), "{name} was not started.")
    parts = [error.message]
    if excerpt := error.excerpt:
        caret = " " * (excerpt.column - 1) + "^" * excerpt.length
        parts.append(f"{excerpt.path}, line {excerpt.line_number}:\n{excerpt.line}\n{caret}")
    if error.hint:
        parts.append(error.hint)
    return Failure(f"Error: {name}", heading.format(name=name), "\n\n".join(parts), log)


def failure_of_run(status: int, output: str, name: str, log: str) -> Failure:
    """Return what to tell of a script that ended with this exit status, below zero for a signal, and said `output`."""
    lines = output.rstrip().splitlines()
    return Failure(f"Error: {name}", _heading(status, lines, name), "\n".join(lines[-_LINES_OF_OUTPUT:]), log)


def ending_of(status: int) -> str:
    """Return how a program ended that ended with an exit status, below zero for a signal.

    >>> ending_of(0), ending_of(3), ending_of(-11)
    ('has ended', 'ended with exit status 3', 'was ended by signal 11 (Segmentation fault)')
    """
    if status >= 0:
        return f"ended with exit status {status}" if status else "has ended"
    if status == -signal.SIGINT:
        return "was interrupted"
    description = signal.strsignal(-status) if -status in signal.valid_signals() else None
    return f"was ended by signal {-status}" + (f" ({description})" if description else "")


def _heading(status: int, lines: list[str], name: str) -> str:
    last = _last_of(lines)
    if last.startswith(_PREFIX):
        return last.removeprefix(_PREFIX)
    if status < 0:
        return f"{name} crashed: it {ending_of(status)}."
    if not last:
        return f"{name} ended with an error (exit status {status}), and said nothing."
    if found := re.match(r"(?:\w+\.)*(\w+)(?:: |$)", last):
        if reason := _REASONS.get(found[1]):
            said = last[found.end() :]
            return f"{name} stopped: {reason}" + (f" ({said})." if said else ".")
        if any("Traceback (most recent call last)" in line for line in lines):
            return f"{name} stopped because of an error: {last}"
    return f"{name} ended with an error (exit status {status}): {last}"


def _last_of(lines: list[str]) -> str:
    """Return the last line, which says what went wrong; in a group of exceptions it stands before the first of them."""
    if not lines:
        return ""
    last = lines[-1]
    if re.fullmatch(r"\s*\+-+", last):
        heads = [head for head, line in pairwise(lines) if line.startswith("  +-+---")]
        last = heads[0].lstrip(" |") if heads else last
    return last.strip()[:_LONGEST]
