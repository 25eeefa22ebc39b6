"""Make wheels for tests: sound ones, odd ones, and ones that are broken in one precise way.

>>> import tempfile
>>> wheel = Wheel("demo", "1.0", requires=("rich>=13",), entry_points={"console_scripts": {"demo": "demo:main"}})
>>> wheel.filename
'demo-1.0-py3-none-any.whl'
>>> path = wheel.write(Path(tempfile.mkdtemp()))
>>> path.name, wheel.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
('demo-1.0-py3-none-any.whl', True)
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import struct
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from importlib import metadata
from pathlib import Path

_TIME = (2020, 1, 1, 0, 0, 0)
"""A fixed time, so that the same description gives the same bytes and the same sha256."""


class Flaw(Enum):
    """One way in which a wheel is broken on purpose; everything else about it stays sound."""

    NO_RECORD = auto()
    NO_METADATA = auto()
    NO_WHEEL_FILE = auto()
    WHEEL_VERSION_2 = auto()
    RECORD_HASH_DIFFERS = auto()
    RECORD_SIZE_DIFFERS = auto()
    RECORD_ROW_WITHOUT_HASH = auto()
    RECORD_ROW_WITHOUT_FILE = auto()
    RECORD_LACKS_A_FILE = auto()
    METADATA_NAME_DIFFERS = auto()
    METADATA_VERSION_DIFFERS = auto()
    DIST_INFO_NAME_DIFFERS = auto()
    TWO_DIST_INFOS = auto()
    PARENT_PATH = auto()
    ABSOLUTE_PATH = auto()
    BACKSLASH_PATH = auto()
    CONTROL_CHARACTER_PATH = auto()
    DRIVE_PATH = auto()
    SYMBOLIC_LINK = auto()
    DUPLICATE_NAME = auto()
    FILE_IS_DIRECTORY_TOO = auto()
    LEADING_GARBAGE = auto()
    TRAILING_GARBAGE = auto()
    GAP_BETWEEN_ENTRIES = auto()
    LOCAL_NAME_DIFFERS = auto()
    LOCAL_SIZE_DIFFERS = auto()
    ENCRYPTED = auto()
    SIZE_LIES = auto()
    CRC_DIFFERS = auto()
    TRUNCATED = auto()
    NOT_A_ZIP = auto()
    BAD_ENTRY_POINT = auto()


_EXTRA_PATHS = {
    Flaw.PARENT_PATH: "../escaped.py",
    Flaw.ABSOLUTE_PATH: "/tmp/escaped.py",
    Flaw.BACKSLASH_PATH: "pkg\\escaped.py",
    Flaw.CONTROL_CHARACTER_PATH: "esc\x1b[31maped.py",
    Flaw.DRIVE_PATH: "C:/escaped.py",
    Flaw.SYMBOLIC_LINK: "link.py",
}


@dataclass(frozen=True)
class Wheel:
    """A description of a wheel; `content` is the file, `write` puts it on disk.

    `files` are relative to site-packages (default: one module that is named after the project and knows `VERSION`);
    `data` are relative to the ``.data`` directory (``scripts/x``, ``data/share/x``, ``headers/x.h``, ``purelib/x.py``);
    `executables` names those of both that get mode 0755. `metadata_lines` are added to METADATA as they are.
    """

    name: str
    version: str = "1.0"
    files: Mapping[str, str | bytes] | None = None
    requires: Sequence[str] = ()
    extras: Mapping[str, Sequence[str]] = field(default_factory=dict)
    requires_python: str | None = None
    entry_points: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    data: Mapping[str, str | bytes] = field(default_factory=dict)
    executables: Collection[str] = ()
    tag: str = "py3-none-any"
    build_tag: str = ""
    root_is_purelib: bool = True
    metadata_lines: Sequence[str] = ()
    directory_entries: Sequence[str] = ()
    compression: int = zipfile.ZIP_DEFLATED
    flaw: Flaw | None = None

    @property
    def module(self) -> str:
        """The name with everything replaced that an identifier cannot hold."""
        return re.sub(r"[-_.]+", "_", self.name)

    @property
    def stem(self) -> str:
        """``name-version`` as in the file name and in ``name-version.dist-info``."""
        return f"{self.module}-{self.version}"

    @property
    def filename(self) -> str:
        """The wheel's proper file name."""
        return "-".join(filter(None, (self.stem, self.build_tag, self.tag))) + ".whl"

    @property
    def sha256(self) -> str:
        """The hash of the whole file, in hex."""
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def metadata(self) -> bytes:
        """The METADATA file; an index serves it next to the wheel (PEP 658)."""
        name = "somebody-else" if self.flaw is Flaw.METADATA_NAME_DIFFERS else self.name
        version = "99.9" if self.flaw is Flaw.METADATA_VERSION_DIFFERS else self.version
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        if self.requires_python is not None:
            lines.append(f"Requires-Python: {self.requires_python}")
        lines += [f"Requires-Dist: {text}" for text in self.requires]
        for extra, texts in self.extras.items():
            lines.append(f"Provides-Extra: {extra}")
            for text in texts:
                requirement, semicolon, marker = text.partition(";")
                condition = f"({marker.strip()}) and " if semicolon else ""
                lines.append(f'Requires-Dist: {requirement.strip()} ; {condition}extra == "{extra}"')
        return "\n".join([*lines, *self.metadata_lines, "", "Made for a test.", ""]).encode()

    @cached_property
    def content(self) -> bytes:
        """The whole wheel."""
        if self.flaw is Flaw.NOT_A_ZIP:
            return b"<html>Not found</html>"
        return _spoil_archive(self._archive(), self)

    def write(self, directory: Path) -> Path:
        """Write the wheel into `directory` (made where missing) under its proper name."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / self.filename
        path.write_bytes(self.content)
        return path

    def _archive(self) -> bytes:
        members = self._members()
        stream = io.BytesIO()
        executables = {*self.executables, *(f"{self.stem}.data/{name}" for name in self.executables)}
        with zipfile.ZipFile(stream, "w", self.compression) as archive:
            for name in self.directory_entries:
                archive.writestr(zipfile.ZipInfo(name.rstrip("/") + "/", _TIME), b"")
            for name, content in members:
                entry = zipfile.ZipInfo("placeholder", _TIME)
                entry.filename = name
                entry.external_attr = (0o100755 if name in executables else 0o100644) << 16
                if self.flaw is Flaw.SYMBOLIC_LINK and name == _EXTRA_PATHS[self.flaw]:
                    entry.external_attr = 0o120777 << 16
                entry.compress_type = self.compression
                archive.writestr(entry, content)
        return stream.getvalue()

    def _members(self) -> list[tuple[str, bytes]]:
        """Return every (name, content) in order, RECORD last."""
        files = self.files
        if files is None:
            files = {f"{self.module}.py": f"VERSION = {self.version!r}\n"}
        info = f"{self.stem}.dist-info"
        if self.flaw is Flaw.DIST_INFO_NAME_DIFFERS:
            info = f"somebody_else-{self.version}.dist-info"
        contents: list[tuple[str, str | bytes]] = list(files.items())
        contents += [(f"{self.stem}.data/{name}", content) for name, content in self.data.items()]
        if self.flaw in _EXTRA_PATHS:
            contents.append((_EXTRA_PATHS[self.flaw], "target.py"))
        if self.flaw is Flaw.DUPLICATE_NAME:
            contents.append((f"{info}/METADATA", self.metadata))
        if self.flaw is Flaw.FILE_IS_DIRECTORY_TOO:
            contents += [("clash", "a file"), ("clash/inside.py", "")]
        if self.flaw is Flaw.TWO_DIST_INFOS:
            contents.append(("other-1.0.dist-info/METADATA", "Name: other\nVersion: 1.0\n"))
        if self.flaw is not Flaw.NO_METADATA:
            contents.append((f"{info}/METADATA", self.metadata))
        if self.flaw is not Flaw.NO_WHEEL_FILE:
            contents.append((f"{info}/WHEEL", self._wheel_file()))
        if self.entry_points or self.flaw is Flaw.BAD_ENTRY_POINT:
            contents.append((f"{info}/entry_points.txt", self._entry_points_file()))
        members = [(name, content if isinstance(content, bytes) else content.encode()) for name, content in contents]
        if self.flaw is not Flaw.NO_RECORD:
            members.append((f"{info}/RECORD", self._record(members, f"{info}/RECORD")))
        return members

    def _wheel_file(self) -> str:
        version = "2.0" if self.flaw is Flaw.WHEEL_VERSION_2 else "1.0"
        lines = [
            f"Wheel-Version: {version}",
            "Generator: tests",
            f"Root-Is-Purelib: {str(self.root_is_purelib).lower()}",
        ]
        pythons, abis, platforms = (part.split(".") for part in self.tag.split("-"))
        lines += [f"Tag: {p}-{a}-{q}" for p in pythons for a in abis for q in platforms]
        return "\n".join([*lines, ""])

    def _entry_points_file(self) -> str:
        groups = dict(self.entry_points)
        if self.flaw is Flaw.BAD_ENTRY_POINT:
            groups["console_scripts"] = {"bad": "no_attribute"}
        return "".join(
            f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in points.items()) + "\n"
            for group, points in groups.items()
        )

    def _record(self, members: Sequence[tuple[str, bytes]], record_name: str) -> bytes:
        rows = []
        for name, content in dict(members).items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
            rows.append([name, f"sha256={digest}", str(len(content))])
        if self.flaw is Flaw.RECORD_HASH_DIFFERS:
            rows[0][1] = "sha256=" + "A" * 43
        elif self.flaw is Flaw.RECORD_SIZE_DIFFERS:
            rows[0][2] = str(int(rows[0][2]) + 1)
        elif self.flaw is Flaw.RECORD_ROW_WITHOUT_HASH:
            rows[0][1:] = ["", ""]
        elif self.flaw is Flaw.RECORD_LACKS_A_FILE:
            del rows[0]
        elif self.flaw is Flaw.RECORD_ROW_WITHOUT_FILE:
            rows.append(["absent.py", "sha256=" + "A" * 43, "1"])
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerows([*rows, [record_name, "", ""]])
        return stream.getvalue().encode()


def _spoil_archive(archive: bytes, wheel: Wheel) -> bytes:
    """Apply those flaws that are about the ZIP file and not about what is in it."""
    directory = archive.index(b"PK\x01\x02")
    first_name_length = struct.unpack_from("<H", archive, 26)[0]
    spoiled = bytearray(archive)
    match wheel.flaw:
        case Flaw.LEADING_GARBAGE:
            return b"#!/bin/sh\n" + archive
        case Flaw.TRAILING_GARBAGE:
            return archive + b"garbage"
        case Flaw.TRUNCATED:
            return archive[:-40]
        case Flaw.LOCAL_NAME_DIFFERS:
            spoiled[30 : 30 + first_name_length] = b"x" * first_name_length
        case Flaw.LOCAL_SIZE_DIFFERS:
            struct.pack_into("<I", spoiled, 22, struct.unpack_from("<I", archive, 22)[0] + 1)
        case Flaw.CRC_DIFFERS:
            for offset in (14, directory + 16):
                spoiled[offset] ^= 0xFF
        case Flaw.ENCRYPTED:
            spoiled[6] |= 1
            spoiled[directory + 8] |= 1
        case Flaw.SIZE_LIES:
            for offset in (22, directory + 24):
                struct.pack_into("<I", spoiled, offset, 1)
        case Flaw.GAP_BETWEEN_ENTRIES:
            return _insert_before_directory(archive, directory, b"hidden bytes")
        case _:
            pass
    return bytes(spoiled)


def _insert_before_directory(archive: bytes, directory: int, hidden: bytes) -> bytes:
    """Put bytes between the last entry and the central directory, and mend the offset that points to the latter."""
    spoiled = bytearray(archive[:directory] + hidden + archive[directory:])
    struct.pack_into("<I", spoiled, len(spoiled) - 22 + 16, directory + len(hidden))
    return bytes(spoiled)


def repacked(name: str) -> Wheel:
    """Return a real package, one of those installed beside the tests, as a wheel again; its METADATA is ours."""
    distribution = metadata.distribution(name)
    files = {
        str(path): path.read_binary()
        for path in distribution.files or ()
        if "__pycache__" not in path.parts and not path.parts[0].endswith(".dist-info") and path.parts[0] != ".."
    }
    requires = [text for text in distribution.requires or () if "extra ==" not in text]
    return Wheel(distribution.name, distribution.version, files=files, requires=requires)
