"""Every error a person can meet, as one tree.

::

    PyscriptError
    ├── UsageError              the command line, a variable or a config file is wrong        (2)
    ├── ScriptNotFound          the script is missing, unreadable, a directory or binary      (2)
    ├── InvalidMetadata         the block, a lock or a requirements file cannot be understood (2)
    ├── UntrustedScript         code from elsewhere that nobody agreed to
    ├── CommandNotFound         the target is neither a script nor a program
    ├── CommandNotInstalled     a script cannot be made a command, or there is no such command
    ├── InterpreterNotFound     no interpreter satisfies what was asked for
    ├── IndexUnreachable        an index, or a file on it, could not be read
    ├── SourceUnreachable       a script's URL, or a repository or directory, could not be read
    ├── PackageNotFound         no index knows the name
    ├── ResolutionImpossible    the requirements contradict one another
    ├── LockOutdated            the lock does not answer the script any more, and may not be made anew
    ├── HashMismatch            a file is not what the index or the lock says it is
    ├── InvalidWheel            a wheel or sdist contradicts itself or breaks its specification
    ├── InvalidBundle           a bundle is damaged, or is not for this Python
    ├── BuildFailed             a build backend could not make a wheel
    ├── NotAvailableOffline     the network is needed and was forbidden
    ├── CacheUnusable           the cache cannot be written, locked or trusted
    ├── DataUnusable            the data directory cannot be written or trusted
    ├── FileNotWritten          a file that was to be written or changed is left as it is
    ├── RegistrationFailed      the desktop cannot be told of scripts, or of this pyscript
    ├── AuditIncomplete         an index does not tell of known vulnerabilities               (3)
    └── LaunchFailed            the operating system refused to start the interpreter

Adapters turn foreign exceptions into these; only `launcher.cli` catches them. The number in brackets is the exit code
where it is not 1.
"""

from __future__ import annotations

from typing import ClassVar

from launcher.value import Value


class Excerpt(Value):
    """A line of somebody's file, with the place in it that an error is about.

    Line and column count from 1; `length` is the number of columns to underline.
    """

    path: str
    line_number: int
    line: str
    column: int = 1
    length: int = 1


class PyscriptError(Exception):
    """The root of every error that pyscript raises on purpose.

    `message` says what happened and why, `hint` what to do next, `reference` names the specification that decides, and
    `excerpt` shows the line that is to blame.
    """

    default_exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        reference: str | None = None,
        exit_code: int | None = None,
        excerpt: Excerpt | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.reference = reference
        self.exit_code = self.default_exit_code if exit_code is None else exit_code
        self.excerpt = excerpt


class UsageError(PyscriptError):
    """The command line, a variable or the config file asks for something that does not exist."""

    default_exit_code = 2


class ScriptNotFound(PyscriptError):
    """The script is missing, cannot be read, or is not a script."""

    default_exit_code = 2


class InvalidMetadata(PyscriptError):
    """Inline script metadata, a lock or a requirements file cannot be understood."""

    default_exit_code = 2


class UntrustedScript(PyscriptError):
    """A script from elsewhere was not agreed to, or what came is not what was agreed to."""


class CommandNotFound(PyscriptError):
    """The target of `run` is neither a script nor a program in the environment or on PATH."""


class CommandNotInstalled(PyscriptError):
    """A script cannot be made a command on PATH, or there is no command of that name that pyscript installed."""


class InterpreterNotFound(PyscriptError):
    """No interpreter satisfies `requires-python` and what the command line asked for."""


class IndexUnreachable(PyscriptError):
    """An index, or a file on it, could not be read."""


class SourceUnreachable(PyscriptError):
    """The URL of a script, or a repository or directory that a requirement names, could not be read."""


class PackageNotFound(PyscriptError):
    """No index or find-links location knows the name."""


class ResolutionImpossible(PyscriptError):
    """No set of candidates satisfies all requirements."""


class LockOutdated(PyscriptError):
    """A lock does not answer the script that it belongs to any more, or there is none where one has to be."""


class HashMismatch(PyscriptError):
    """A file is not what the index, the lock or the URL's fragment says it is."""


class InvalidWheel(PyscriptError):
    """A wheel or sdist contradicts itself or breaks its specification."""


class InvalidBundle(PyscriptError):
    """A bundle is damaged or contradicts itself, is not for this Python, or could not be run by any."""


class BuildFailed(PyscriptError):
    """A build backend could not make a wheel, or building was not allowed."""


class NotAvailableOffline(PyscriptError):
    """Something is not in the cache and `offline` forbids fetching it."""


class CacheUnusable(PyscriptError):
    """The cache cannot be written, locked or trusted."""


class DataUnusable(PyscriptError):
    """The data directory, in which downloaded interpreters are, cannot be written or trusted."""


class FileNotWritten(PyscriptError):
    """A script, or a file that a command was to write, cannot be written and is left as it is."""


class RegistrationFailed(PyscriptError):
    """The desktop cannot be told what to do with scripts: a program or a path is in the way."""


class AuditIncomplete(PyscriptError):
    """What is known of vulnerabilities could not be asked for all packages."""

    default_exit_code = 3


class LaunchFailed(PyscriptError):
    """The operating system refused to start the interpreter or the program."""
