"""What a registration changed, and what was there before: written before anything is, and removed last.

Whatever kills an installation, the next `install` or `uninstall` finds here what may have been written and what belongs
in its place. Of what we wrote the sha256 is enough; what was there before is kept whole.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from launcher.desktop.changes import Database, Kind, Place
from launcher.desktop.databases import Snapshot
from launcher.desktop.machine import missing_directories
from launcher.errors import DataUnusable
from launcher.script.rewriting import rewrite
from launcher.trust import unusable_data
from launcher.value import Value

_FORMAT = 1


class State(StrEnum):
    """How far a registration is; whatever is not complete was interrupted."""

    INSTALLING = "installing"
    COMPLETE = "complete"
    UNINSTALLING = "uninstalling"


class Record(Value):
    """A place that was or is to be written: what was there `before`, and the sha256 of all that is ours in it.

    Of a shared file nothing but `application` is ours, wherever it is named.
    """

    place: Place
    before: bytes | None
    written: tuple[str, ...]
    application: str = ""

    def is_ours(self, content: bytes | None) -> bool:
        """Tell whether a content is what we wrote, and nobody changed since."""
        return content is not None and sha256_of(content) in self.written


class Journal(Value):
    """A registration: what it is, by which version, what it changed, and which directories or keys it made."""

    state: State
    version: str
    platform: str
    handler: str
    is_for_all_python: bool
    opener: str
    records: tuple[Record, ...]
    made: tuple[str, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    refreshes: tuple[tuple[str, ...], ...] = ()

    @property
    def paths(self) -> frozenset[str]:
        """The paths of all places."""
        return frozenset(each.place.path for each in self.records)

    def record_of(self, place: Place) -> Record | None:
        """Return the record of a place, or None where it has none."""
        return next((each for each in self.records if each.place == place), None)


class JournalFile:
    """The journal in a directory of the data directory; the directory is there while the journal is.

    Every method raises `DataUnusable` where that cannot be used, or where another user could have written it.
    """

    def __init__(self, data: Path | None) -> None:
        if data is None:
            raise DataUnusable(
                "There is no place to note what is changed: neither HOME nor XDG_DATA_HOME is set.",
                hint="Set HOME, or PYSCRIPT_DATA_DIR to a directory of your own.",
            )
        self.directory = data / "desktop"
        self.path = self.directory / "journal.json"

    def read(self) -> Journal | None:
        """Return the journal, or None where nothing is registered."""
        try:
            with open(self.path, "rb") as stream:
                found = (os.fstat(stream.fileno()), os.stat(self.directory))
                content = stream.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._unusable(f"cannot be read: {error.strerror}") from error
        is_foreign = sys.platform != "win32" and any(each.st_uid != os.geteuid() for each in found)
        # The directory is made for its owner alone; the file has whatever mode new files get.
        if is_foreign or (sys.platform != "win32" and stat.S_IMODE(found[1].st_mode) & 0o022):
            raise self._unusable("can be written by others")
        try:
            return _parsed(json.loads(content))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._unusable("is damaged, or was written by another version of pyscript") from error

    def write(self, journal: Journal) -> None:
        """Put a journal in the place of the former one, whole and on the disk; the directory has to be there."""
        content = json.dumps(_table(journal), indent=1).encode()
        with unusable_data(self.path):
            rewrite(str(self.path), content)

    def remove(self) -> None:
        """Remove the journal, and what a killed write of it left."""
        with unusable_data(self.path):
            for path in (*self._temporaries(), self.path):
                path.unlink(missing_ok=True)

    @contextmanager
    def locked(self, on_wait: Callable[[], None]) -> Iterator[tuple[str, ...]]:
        """Hold the directory, made where it is missing, against other processes; give what was made for it.

        A directory can be locked as a file can, so nothing has to be left behind for it.
        """
        is_held = False
        while not is_held:
            made = missing_directories(str(self.path))
            with unusable_data(self.directory):
                self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _held(self.directory, on_wait) as is_held:
                if not is_held:
                    continue
                try:
                    yield made
                finally:
                    if not self.path.exists():
                        self._leave_nothing(made)

    def _leave_nothing(self, made: Sequence[str]) -> None:
        """Remove what was made for a journal that is not there: now, or by one that was killed before it wrote it."""
        with suppress(OSError):
            half_written = list(self._temporaries())
            for path in half_written:
                path.unlink()
            ours = [str(self.directory), *([str(self.directory.parent)] if half_written else []), *reversed(made)]
            for directory in ours:
                with suppress(FileNotFoundError):
                    os.rmdir(directory)

    def _temporaries(self) -> Iterator[Path]:
        yield from self.directory.glob(f".{self.path.name}.*.tmp")

    def _unusable(self, reason: str) -> DataUnusable:
        return DataUnusable(
            f"{self.path}, where it is kept what pyscript told your desktop, {reason}.",
            hint="Move it away, then: pyscript desktop install, and pyscript desktop uninstall to undo that.",
        )


def sha256_of(content: bytes) -> str:
    """Return the sha256 of a content in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


@contextmanager
def _held(directory: Path, on_wait: Callable[[], None]) -> Iterator[bool]:
    """Hold a directory against other processes; False where who held it before has removed it."""
    if sys.platform == "win32":  # no directory can be locked there, and two at once write the same values
        yield True
        return
    import fcntl  # noqa: PLC0415 - there is none on Windows

    with unusable_data(directory):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError:  # a file system without locks: two at once are too unlikely to refuse the one
            pass
        yield directory.exists() and os.path.samestat(os.stat(directory), os.fstat(descriptor))
    finally:
        os.close(descriptor)


def _table(journal: Journal) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        **{name: getattr(journal, name) for name in ("state", "version", "platform", "handler", "opener")},
        "all-python": journal.is_for_all_python,
        "records": [
            {
                "kind": each.place.kind,
                "path": each.place.path,
                "name": each.place.name,
                "before": _text(each.before),
                "written": each.written,
                "application": each.application,
            }
            for each in journal.records
        ],
        "made": journal.made,
        "snapshots": [
            {
                "program": each.database.program,
                "directory": each.database.directory,
                "needed": each.database.is_needed,
                "sources": each.sources,
                "files": {name: _text(content) for name, content in each.files.items()},
                "directories": each.directories,
            }
            for each in journal.snapshots
        ],
        "refreshes": journal.refreshes,
    }


def _parsed(table: dict[str, Any]) -> Journal:
    """Return the journal in a table; raises `ValueError` and its kin for what is none."""
    if table["format"] != _FORMAT:
        raise ValueError("another format")
    return Journal(
        state=State(table["state"]),
        version=str(table["version"]),
        platform=str(table["platform"]),
        handler=str(table["handler"]),
        is_for_all_python=bool(table["all-python"]),
        opener=str(table["opener"]),
        records=tuple(
            Record(
                Place(Kind(each["kind"]), each["path"], each["name"]),
                _content(each["before"]),
                tuple(each["written"]),
                each["application"],
            )
            for each in table["records"]
        ),
        made=tuple(table["made"]),
        snapshots=tuple(
            Snapshot(
                Database(each["program"], each["directory"], each["needed"]),
                each["sources"],
                {name: base64.b64decode(content) for name, content in each["files"].items()},
                tuple(each["directories"]),
            )
            for each in table["snapshots"]
        ),
        refreshes=tuple(map(tuple, table["refreshes"])),
    )


def _text(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()


def _content(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
