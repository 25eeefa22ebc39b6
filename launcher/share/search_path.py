"""The directory that commands are put into, and PATH, on which it should be; the only importer of userpath."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from launcher.errors import DataUnusable, UsageError

_UNSAFE = r"[^\w@%+=:,./ \\-]"
"""What a shell would take for more than a character of a path: userpath writes paths as they are, in quotes."""


def bin_directory(environ: Mapping[str, str], platform: str) -> Path:
    """Return where commands are put: ``PYSCRIPT_BIN_DIR``, else ``XDG_BIN_HOME``, else ``~/.local/bin``.

    Raises `UsageError` where the first is not absolute, and `DataUnusable` where nothing names a place.
    """
    if chosen := environ.get("PYSCRIPT_BIN_DIR"):
        if not os.path.isabs(chosen):
            raise UsageError(f"The variable PYSCRIPT_BIN_DIR: {chosen!r} is not an absolute path.", hint="Give one.")
        return Path(os.path.normpath(chosen))
    if (xdg := environ.get("XDG_BIN_HOME", "")) and os.path.isabs(xdg):
        return Path(os.path.normpath(xdg))
    home = environ.get("USERPROFILE" if platform == "win32" else "HOME", "")
    if not os.path.isabs(home):
        raise DataUnusable(
            "There is no place for commands: neither HOME nor PYSCRIPT_BIN_DIR is set.",
            hint="Set PYSCRIPT_BIN_DIR to a directory that is on PATH.",
        )
    return Path(home, ".local", "bin")


def is_on_path(directory: Path, environ: Mapping[str, str]) -> bool:
    """Tell whether programs in a directory are found by their names."""
    return os.path.realpath(directory) in {os.path.realpath(each) for each in _directories(environ)}


def namesakes(file: Path, environ: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the first program on PATH that hides one at `file`, and the first that is hidden by it; or None."""
    before: list[str] = []
    behind: list[str] = []
    found = before
    for directory in _directories(environ):
        path = os.path.join(directory, file.name)
        if os.path.realpath(directory) == os.path.realpath(file.parent):
            found = behind
        elif os.path.isfile(path) and os.access(path, os.X_OK):
            found.append(path)
    if found is before:  # it is not on PATH at all, and hides nothing
        return None, None
    return next(iter(before), None), next(iter(behind), None)


def can_be_added(directory: Path) -> bool:
    """Tell whether the directory can be written into a shell's configuration without being taken for more."""
    return not re.search(_UNSAFE, str(directory))


def path_line(directory: Path) -> str:
    """Return the line of a shell's configuration that puts the directory on PATH, whatever its name is made of."""
    quoted = re.sub(r'([\\"$`])', r"\\\1", str(directory))
    return f'export PATH="{quoted}:$PATH"'


def add_to_path(directory: Path) -> bool:
    """Put the directory on PATH in the configuration of the person's shell, and tell whether that will do."""
    import userpath  # noqa: PLC0415 - starts programs to find out which shell it is

    return bool(userpath.prepend(str(directory), "pyscript"))


def _directories(environ: Mapping[str, str]) -> list[str]:
    return [each for each in environ.get("PATH", "").split(os.pathsep) if os.path.isabs(each)]
