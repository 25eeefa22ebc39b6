"""The wheel store: every wheel is verified and unpacked once, and never written to again.

A stored wheel is ``wheels-v1/<sha256>/`` with ``site-packages/``, ``scripts/``, ``data/`` and ``headers/`` for the
schemes of the binary distribution format, and `launcher.environment.manifest`'s two files. Only the empty
``__pycache__`` directories are writable: byte code is compiled lazily, once, for every environment.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from launcher.cache import MAKE_ROOM, Bucket, Cache, remove_tree
from launcher.environment.archive import Member, checked_members, is_safe_name, mapped, read_member
from launcher.environment.dist_info import Rows, header_fields, plain_entry_points, plain_rows
from launcher.environment.manifest import DATA, HEADERS, SCRIPTS, SITE, EntryPoint, ScriptFile, stub_name
from launcher.environment.shared_libraries import ELF_MAGIC
from launcher.environment.store_writer import StoreWriter
from launcher.environment.stored_wheel import StoredWheel, find_stored_wheel, store_key, write_links
from launcher.errors import CacheUnusable, HashMismatch, InvalidWheel
from launcher.inflate import BROKEN
from launcher.value import replace

__all__ = ["StoredWheel", "WheelStore"]

_IS_WINDOWS = sys.platform == "win32"
_FOLDERS = {"purelib": SITE, "platlib": SITE, "scripts": SCRIPTS, "data": DATA, "headers": HEADERS}
_ALGORITHMS = ("sha256", "sha384", "sha512")
"""The binary distribution format asks for sha256 or better in RECORD."""
_SIGNATURES = ("RECORD.jws", "RECORD.p7s")
_WRITTEN_BY_INSTALLERS = (*_SIGNATURES, "INSTALLER", "REQUESTED", "direct_url.json")
_INVALID_WHEEL_HINT = (
    "Nothing of it was installed. Ask for another version, or tell the project that its wheel is broken."
)


_SAID_OF_WHEELS: tuple[type[Exception], ...] = (ValueError, *BROKEN)
"""What reading a wheel raises that is not sound; `UnsafeArchive` and `_Contradiction` are of the former."""


class _Contradiction(ValueError):
    """The wheel contradicts itself; the message is one clause that says how."""


def add_wheel(root: str, workplace: str, wheel_file: str, *told: Any) -> None:
    """Do what `WheelStore.add_hashed` does, which is `told` the rest, in a process of its own for the cache at `root`.

    What is half made is in `workplace`, which whoever waits for it removes.
    """
    sha256, name, version, direct_url = told
    cache = Cache(root, workplace=workplace)
    WheelStore(cache).add_hashed(Path(wheel_file), sha256, name=name, version=version, direct_url=direct_url)


class WheelStore:
    """The unpacked wheels of one cache. Every method may be called from several threads at once."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def get(self, sha256: str, direct_url: str | None = None) -> StoredWheel | None:
        """Return the wheel with this hash, or None where the store has none that is whole."""
        return find_stored_wheel(self._cache, sha256, direct_url)

    def add(
        self,
        wheel_file: Path,
        sha256: str,
        *,
        name: str,
        version: str,
        direct_url: str | None = None,
    ) -> StoredWheel:
        """Verify the file `wheel_file`, unpack it and return it; what is stored already is returned at once.

        `name` and `version` are what was resolved, and must be what the wheel says of itself. `direct_url` is the
        text of ``direct_url.json`` (PEP 610) without secrets; a wheel is stored anew for each.

        Raises `HashMismatch` where the file is not the one with `sha256`, `InvalidWheel` where it contradicts itself or
        the binary distribution format, and `CacheUnusable` where it cannot be written.
        """
        if stored := self.get(sha256, direct_url):
            return stored
        _check_hash(wheel_file, sha256)
        return self.add_hashed(wheel_file, sha256, name=name, version=version, direct_url=direct_url)

    def add_hashed(
        self,
        wheel_file: Path,
        sha256: str,
        *,
        name: str,
        version: str,
        direct_url: str | None = None,
    ) -> StoredWheel:
        """Do as `add` for a file of ours that `sha256` was just computed of, while it was downloaded or built.

        Hashing it once more takes 1.6 ms for each MB.
        """
        if stored := self.get(sha256, direct_url):
            return stored
        key = store_key(sha256, direct_url)
        with self._cache.temporary_directory() as temporary:
            made = temporary / "wheel"
            try:
                with mapped(wheel_file) as content:
                    expected = _Expected(_canonical(name), version, direct_url)
                    _Unpacking(_WheelFile(wheel_file.name, content), str(made), expected).run()
                if not _IS_WINDOWS:
                    write_links(made, key)
            except FileExistsError as error:
                reason = f"two of its files want the same place, {os.path.relpath(str(error.filename), made)!r}"
                raise _invalid(wheel_file, reason) from error
            except _SAID_OF_WHEELS as error:
                raise _invalid(wheel_file, str(error)) from error
            except OSError as error:
                raise CacheUnusable(
                    f"{wheel_file.name} cannot be unpacked into the cache: {error.strerror or error}.",
                    hint=MAKE_ROOM,
                ) from error
            target = self._cache.path(Bucket.WHEELS, key)
            if target.exists() and self.get(sha256, direct_url) is None:
                remove_tree(target)
            self._cache.publish(made, Bucket.WHEELS, key)
        if (stored := self.get(sha256, direct_url)) is None:
            raise CacheUnusable(
                f"{wheel_file.name} was unpacked into the cache but cannot be read there.",
                hint="Run pyscript cache clean, or set PYSCRIPT_CACHE_DIR to another directory.",
            )
        return stored


class _Expected(NamedTuple):
    """What the resolution says a wheel is."""

    name: str
    version: str
    direct_url: str | None


class _WheelFile:
    """A wheel file: what it holds, and what it says of itself. installer's `WheelFile` reads it twice by `zipfile`."""

    def __init__(self, file_name: str, content: mmap.mmap) -> None:
        self._file_name = file_name
        self._content = content
        self.members = checked_members(content)
        self._by_name = {member.name: member for member in self.members}
        self._texts: dict[str, tuple[bytes]] = {}
        tops = {name.partition("/")[0] for name in self._by_name if ".dist-info" in name}
        found = [top for top in tops if top.endswith(".dist-info")]
        if len(found) != 1:
            raise _Contradiction("it does not have exactly one .dist-info directory")
        self.dist_info = found[0]
        self.data = self.dist_info.removesuffix(".dist-info") + ".data"
        record = self.text("RECORD")
        rows = plain_rows(record)
        self.rows = _rows_by_installer(record) if rows is None else rows

    def text(self, name: str) -> str:
        """Return a file of the dist-info directory; raises `_Contradiction` where it is missing or not UTF-8."""
        path = f"{self.dist_info}/{name}"
        if path not in self._by_name:
            raise _Contradiction(f"it has no {path!r}")
        self._texts[path] = (b"".join(read_member(self._content, self._by_name[path])),)
        try:
            return self._texts[path][0].decode()
        except UnicodeDecodeError as error:
            raise _Contradiction(f"{path!r} in it is not UTF-8") from error

    def read(self, member: Member) -> Iterable[bytes]:
        """Return the content of a member in pieces."""
        return self._texts.get(member.name) or read_member(self._content, member)

    def check_identity(self, expected: _Expected) -> None:
        """Compare file name, dist-info directory and METADATA with what was resolved, and WHEEL with what we know."""
        fields = header_fields(self.text("METADATA"))
        names, versions = fields.get("name", []), fields.get("version", [])
        if len(names) != 1 or len(versions) != 1:
            raise _Contradiction("its METADATA does not give one name and one version")
        stem_name, _, stem_version = self.dist_info.removesuffix(".dist-info").rpartition("-")
        claims = (
            ("its METADATA says it is", names[0], versions[0]),
            ("its dist-info directory says it is", stem_name, stem_version),
            ("its file name says it is", *_file_name_claims(self._file_name)),
        )
        for claim, name, version in claims:
            if not _is_same_name(name, expected.name) or not _is_same_version(version, expected.version):
                raise _Contradiction(f"{claim} {name} {version}, not {expected.name} {expected.version}")
        format_versions = header_fields(self.text("WHEEL")).get("wheel-version") or ["?"]
        if not format_versions[0].startswith("1."):
            raise _Contradiction(f"its format is Wheel-Version {format_versions[0]}, and only 1.x is known")

    def check_rows(self) -> None:
        """Compare the names in RECORD with those in the archive; content is compared when it is read."""
        signatures = {f"{self.dist_info}/{name}" for name in _SIGNATURES}
        names = {name for name in self._by_name if name[-1] != "/"}
        unlisted = names - self.rows.keys() - {f"{self.dist_info}/RECORD"} - signatures
        if unlisted:
            raise _Contradiction(f"it holds {min(unlisted)!r}, which its RECORD does not list")
        absent = {name for name in self.rows.keys() - names if name[-1:] != "/"} - signatures
        if absent:
            raise _Contradiction(f"its RECORD lists {min(absent)!r}, which it does not hold")

    def entry_points(self) -> list[EntryPoint]:
        """Return the scripts that its entry points ask for; each environment writes its own, with its path in them."""
        if f"{self.dist_info}/entry_points.txt" not in self._by_name:
            return []
        text = self.text("entry_points.txt")
        if (found := plain_entry_points(text)) is None:
            found = _entry_points_by_installer(text)
        for point in found:
            if not is_safe_name(point.name) or "/" in point.name:
                raise _Contradiction(f"the script name {point.name!r} in its entry points is not allowed")
        return found

    def place_of(self, name: str) -> tuple[str, str]:
        """Return the folder of the store that a file belongs into, and its path there."""
        if not name.startswith(self.data):
            return SITE, name
        top, _, rest = name.partition("/")
        if top != self.data:
            return SITE, name
        scheme, _, relative = rest.partition("/")
        if scheme not in _FOLDERS or not relative:
            raise _Contradiction(f"{name!r} in it is not in a directory that wheels may have below {self.data}")
        return _FOLDERS[scheme], relative


class _Unpacking:
    """One wheel on its way into the store: each file is compared with RECORD while it is written."""

    def __init__(self, wheel: _WheelFile, made: str, expected: _Expected) -> None:
        self._wheel = wheel
        self._writer = StoreWriter(made)
        self._expected = expected
        self._script_files: list[ScriptFile] = []
        self._elf_files: list[str] = []

    def run(self) -> None:
        """Verify the wheel and write it into the new directory, in the layout of the store."""
        wheel, writer, expected = self._wheel, self._writer, self._expected
        wheel.check_identity(expected)
        wheel.check_rows()
        points = wheel.entry_points()
        for point in points:
            # A script holds the environment's path, so each environment writes its own.
            writer.add_row(SCRIPTS, point.name + (".exe" if _IS_WINDOWS else ""))
        left_out = {f"{wheel.dist_info}/{name}" for name in ("RECORD", *_WRITTEN_BY_INSTALLERS)}
        for member in wheel.members:
            name = member.name
            # Byte code could differ from its source.
            if name[-1] != "/" and name not in left_out and "__pycache__/" not in name:
                self._write_member(member)
        self._write_own("INSTALLER", b"pyscript\n")
        if expected.direct_url is not None:
            self._write_own("direct_url.json", expected.direct_url.encode())
        writer.write_record(f"{wheel.dist_info}/RECORD")
        if _IS_WINDOWS:
            _write_stubs(writer, points)
        manifest = writer.manifest(expected.name, expected.version, self._elf_files)
        writer.write_manifest(replace(manifest, entry_points=tuple(points), script_files=tuple(self._script_files)))
        writer.protect()

    def _write_member(self, member: Member) -> None:
        """Write one file; raises `_Contradiction` where it is not what RECORD says."""
        name = member.name
        folder, relative = self._wheel.place_of(name)
        stated, stated_size = self._wheel.rows[name]
        algorithm, _, digest = stated.partition("=")
        if not digest or algorithm not in _ALGORITHMS:
            raise _Contradiction(f"its RECORD has no usable hash for {name!r}")
        is_script = folder == SCRIPTS
        is_executable = is_script or bool(member.mode & 0o111 and stat.S_ISREG(member.mode))
        written = self._writer.write(
            folder, relative, self._wheel.read(member), is_executable=is_executable, algorithm=algorithm
        )
        size = str(written.size_bytes)
        if digest.rstrip("=") != written.digest or stated_size not in ("", size):
            raise _Contradiction(f"{name!r} in it is not what its RECORD says")
        if is_script:
            is_python = written.head.startswith(b"#!python")
            self._script_files.append(ScriptFile(relative, is_python))
            if is_python:
                # Each environment writes its own.
                self._writer.add_row(folder, relative)
                return
        elif folder == SITE and written.head.startswith(ELF_MAGIC):
            self._elf_files.append(relative)
        self._writer.add_row(folder, relative, f"{algorithm}={written.digest}", size)

    def _write_own(self, name: str, content: bytes) -> None:
        """Write a file of the dist-info directory that only an installer may write."""
        path = f"{self._wheel.dist_info}/{name}"
        written = self._writer.write(SITE, path, (content,))
        self._writer.add_row(SITE, path, f"sha256={written.digest}", str(written.size_bytes))


# What installer does: the odd cases. Importing it takes 60 ms alone, and 35 in a process that knows `email`.


def _rows_by_installer(record: str) -> Rows:
    from csv import Error as CsvError  # noqa: PLC0415

    from installer.records import InvalidRecordEntry, parse_record_file  # noqa: PLC0415

    try:
        return {path: (digest, size) for path, digest, size in parse_record_file(record.splitlines())}
    except (InvalidRecordEntry, CsvError) as error:
        raise _Contradiction(f"its RECORD cannot be read: {error}") from error


def _entry_points_by_installer(text: str) -> list[EntryPoint]:
    from configparser import Error as ConfigParserError  # noqa: PLC0415

    from installer.utils import parse_entrypoints  # noqa: PLC0415

    try:
        return [EntryPoint(name, module, attr, kind == "gui") for name, module, attr, kind in parse_entrypoints(text)]
    except AssertionError as error:
        raise _Contradiction("an entry point in it does not name a function") from error
    except ConfigParserError as error:
        raise _Contradiction(f"its entry points cannot be read: {error}") from error


def _file_name_claims(file_name: str) -> tuple[str, str]:
    """Return name and version in a wheel's file name; raises `ValueError` where it is none."""
    parts = file_name.split("-")
    if len(parts) == 5 and all(parts) and len(file_name.split()) == 1 and file_name.endswith(".whl"):
        return parts[0], parts[1]
    from installer.utils import parse_wheel_filename  # noqa: PLC0415

    parsed = parse_wheel_filename(file_name)
    return parsed.distribution, parsed.version


def _write_stubs(writer: StoreWriter, points: list[EntryPoint]) -> None:
    """Keep Windows' launchers beside the wheel, so that composing need not import installer."""
    for is_gui in {point.is_gui for point in points}:
        writer.write_beside(stub_name(is_gui), windows_stub(is_gui=is_gui))


def windows_stub(*, is_gui: bool) -> bytes:
    """Return Windows' launcher, the program that starts the script behind it; empty elsewhere."""
    from installer.scripts import Script  # noqa: PLC0415
    from installer.utils import get_launcher_kind  # noqa: PLC0415

    return Script("", "", "", "gui" if is_gui else "console")._get_launcher_data(get_launcher_kind()) or b""


# 24 ms: packaging, which a process that only unpacks needs for odd spellings alone.


def _canonical(name: str) -> str:
    if name.isascii() and name.islower() and name.replace("-", "").isalnum() and "--" not in name:
        return name
    from packaging.utils import canonicalize_name  # noqa: PLC0415

    return canonicalize_name(name)


def _is_same_name(found: str, expected: str) -> bool:
    """Tell whether a name is one way to write `expected`, which is canonical."""
    return expected in (found, found.replace("_", "-").replace(".", "-").lower()) or _canonical(found) == expected


def _is_same_version(found: str, expected: str) -> bool:
    if found == expected:
        return True
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415

    try:
        return Version(found) == Version(expected)
    except InvalidVersion:
        return False


def _check_hash(wheel_file: Path, sha256: str) -> None:
    with open(wheel_file, "rb") as stream:
        actual = hashlib.file_digest(stream, "sha256").hexdigest()
    if actual != sha256.lower():
        raise HashMismatch(
            f"{wheel_file.name} is not the file it should be: its sha256 is {actual}, expected {sha256}.",
            hint="Try again; if it stays so, the index or something on the way to it has changed the file.",
        )


def _invalid(wheel_file: Path, reason: str) -> InvalidWheel:
    return InvalidWheel(
        f"{wheel_file.name} is not a sound wheel: {reason}.",
        hint=_INVALID_WHEEL_HINT,
        reference="https://packaging.python.org/en/latest/specifications/binary-distribution-format/",
    )
