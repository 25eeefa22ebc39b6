"""What desktops generate from descriptions of types and applications, and how it gets back to what it was.

Such a database is generated again after every change. Where nobody else changed anything since, it is put back byte for
byte instead: another version of the program, or a database that was never made, would leave something else.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from launcher.desktop.changes import SCRIPT_TYPE, Database, Kind, Place
from launcher.desktop.machine import Machine
from launcher.errors import RegistrationFailed
from launcher.value import Value

_SOURCES = {"update-mime-database": ("packages", "*.xml"), "update-desktop-database": ("", "**/*.desktop")}
_NO_SOURCES = hashlib.sha256().hexdigest()
_MIME_FILES = frozenset(
    f"{name}{suffix}"
    for name in (
        *("XMLnamespaces", "aliases", "generic-icons", "globs", "globs2", "icons", "magic", "mime.cache"),
        *("subclasses", "treemagic", "types", "version"),
    )
    for suffix in ("", ".new")
)
"""What `update-mime-database` makes besides a file for each type; a killed one leaves names with ``.new``."""


class Snapshot(Value):
    """What was generated for a database, by relative path, and the sha256 of what others had it generated from."""

    database: Database
    sources: str
    files: Mapping[str, bytes]
    directories: tuple[str, ...]


def snapshot(database: Database, ours: Collection[str]) -> Snapshot:
    """Return how a database is now; `ours` are the sources, by path, that are not somebody else's.

    One that knows us already, of an installation whose journal was lost, is nothing to go back to.
    """
    root = Path(database.directory)
    sources = _digest_of_sources(database, ours)
    files = {str(path.relative_to(root)): path.read_bytes() for path in _generated(database)}
    if any(SCRIPT_TYPE.encode() in content for content in files.values()):
        return Snapshot(database, sources if sources == _NO_SOURCES else "", {}, ())
    directories = tuple(sorted(path.name for path in root.iterdir() if path.is_dir())) if root.is_dir() else ()
    return Snapshot(database, sources, files, directories)


def refresh(database: Database, machine: Machine) -> None:
    """Have a database generated; raises `RegistrationFailed` where that is needed and not possible."""
    program = machine.find(database.program)
    if program:
        machine.run((program, database.directory))
    elif database.is_needed:
        raise RegistrationFailed(
            f"{database.program} is not on PATH, and without it no desktop knows a new type of files.",
            hint="Install the package shared-mime-info of your system.",
        )


def restore(former: Snapshot, ours: Collection[str], machine: Machine) -> None:
    """Bring a database back to what it was, or, where others changed what it is made from, up to date.

    Raises `FileNotWritten` or `RegistrationFailed` where that is not possible.
    """
    database, root = former.database, Path(former.database.directory)
    if not Path(database.directory, _SOURCES[database.program][0]).is_dir():
        return
    if _digest_of_sources(database, ours) != former.sources:
        refresh(database, machine)
        return
    for path in _generated(database):
        if str(path.relative_to(root)) not in former.files:
            machine.write(Place(Kind.FILE, str(path)), None, former=None)
    for name, content in former.files.items():
        place = Place(Kind.FILE, str(root / name))
        found = machine.read(place)
        if found != content:
            machine.write(place, content, former=found)
    for directory in {path.parent for path in _of_types(root, "")} - {root / name for name in former.directories}:
        with suppress(OSError):
            directory.rmdir()


def _generated(database: Database) -> list[Path]:
    root = Path(database.directory)
    if database.program != "update-mime-database":
        return [path for path in (root / "mimeinfo.cache",) if path.is_file()]
    return [path for path in sorted(root.glob("*")) if path.name in _MIME_FILES and path.is_file()] + [
        path for path in _of_types(root, "*.xml*") if path.suffix in (".xml", ".new")
    ]


def _of_types(root: Path, pattern: str) -> Iterator[Path]:
    """Yield what matches in the directories of types, ``text`` and its like, which are all but the sources'."""
    for directory in sorted(path for path in root.glob("*") if path.is_dir() and path.name != "packages"):
        yield from sorted(directory.glob(pattern)) if pattern else [directory / "any"]


def _digest_of_sources(database: Database, ours: Collection[str]) -> str:
    below, pattern = _SOURCES[database.program]
    digest = hashlib.sha256()
    for path in sorted(Path(database.directory, below).glob(pattern)):
        if str(path) not in ours and path.is_file():
            for part in (os.fsencode(path), path.read_bytes()):
                digest.update(b"%d:" % len(part) + part)
    return digest.hexdigest()
