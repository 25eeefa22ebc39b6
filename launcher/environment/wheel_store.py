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
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from configparser import Error as ConfigParserError
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast

from installer import install
from installer.destinations import WheelDestination
from installer.exceptions import InstallerError
from installer.records import Hash, InvalidRecordEntry, RecordEntry, parse_record_file
from installer.scripts import Script
from installer.sources import WheelContentElement, WheelFile
from installer.utils import Scheme, construct_record_file, get_launcher_kind, parse_metadata_file
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from launcher.cache import MAKE_ROOM, Bucket, Cache, remove_tree
from launcher.environment.archive import EntryStream, UnsafeArchive, check_archive, is_safe_name, mapped
from launcher.environment.manifest import (
    DATA,
    HEADERS,
    MANIFEST_FILE,
    REAL_DATA_DEPTH,
    SCRIPTS,
    SITE,
    TREE_FILE,
    EntryPoint,
    Manifest,
    ScriptFile,
    Tree,
    Trees,
    stub_name,
    trees_to_bytes,
)
from launcher.environment.shared_libraries import ELF_MAGIC, read_linkage, real_directories
from launcher.environment.store_writer import StoreWriter
from launcher.environment.stored_wheel import StoredWheel, find_stored_wheel, store_key, write_links
from launcher.errors import CacheUnusable, HashMismatch, InvalidWheel

__all__ = ["StoredWheel", "WheelStore"]

_IS_WINDOWS = sys.platform == "win32"
_TO_ROOT = "../../" if _IS_WINDOWS else "../../../"
"""From site-packages to the environment; it is the same for every environment, so RECORD is too."""
_ROW_PREFIXES = {"scripts": _TO_ROOT + ("Scripts/" if _IS_WINDOWS else "bin/"), "data": _TO_ROOT}
_FOLDERS = {"purelib": SITE, "platlib": SITE, "scripts": SCRIPTS, "data": DATA, "headers": HEADERS}
_ALGORITHMS = ("sha256", "sha384", "sha512")
"""The binary distribution format asks for sha256 or better in RECORD."""
_SIGNATURES = ("RECORD.jws", "RECORD.p7s")
_WRITTEN_BY_INSTALLERS = (*_SIGNATURES, "INSTALLER", "REQUESTED", "direct_url.json")
_INVALID_WHEEL_HINT = (
    "Nothing of it was installed. Ask for another version, or tell the project that its wheel is broken."
)


class _Contradiction(ValueError):
    """The wheel contradicts itself; the message is one clause that says how."""


def add_wheel(root: str, workplace: str, wheel_file: str, *told: Any) -> None:
    """Do what `WheelStore.add` does, which is `told` the rest, for the cache below `root` and in a process of its own.

    What is half made is in `workplace`, which whoever waits for it removes.
    """
    sha256, name, version, direct_url = told
    cache = Cache(root, workplace=workplace)
    WheelStore(cache).add(Path(wheel_file), sha256, name=name, version=version, direct_url=direct_url)


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
        key = store_key(sha256, direct_url)
        with self._cache.temporary_directory() as temporary:
            made = temporary / "wheel"
            try:
                with zipfile.ZipFile(wheel_file) as archive, mapped(wheel_file) as content:
                    check_archive(content, archive.infolist())
                    source = _VerifiedSource(archive, content)
                    _unpack(source, made, _Expected(canonicalize_name(name), version, direct_url))
                if not _IS_WINDOWS:
                    write_links(made, key)
            except (UnsafeArchive, _Contradiction) as error:
                raise _invalid(wheel_file, str(error)) from error
            except FileExistsError as error:
                reason = f"two of its files want the same place, {os.path.relpath(str(error.filename), made)!r}"
                raise _invalid(wheel_file, reason) from error
            except _FOREIGN_ERRORS as error:
                raise _invalid(wheel_file, _describe(error)) from error
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


_FOREIGN_ERRORS = (
    *(InstallerError, InvalidRecordEntry, AssertionError, ConfigParserError),
    *(zipfile.BadZipFile, zlib.error, EOFError, KeyError, UnicodeError, NotImplementedError, ValueError),
)
"""What installer and zipfile raise about a broken wheel."""


class _Expected:
    """What the resolution says a wheel is."""

    def __init__(self, name: str, version: str, direct_url: str | None) -> None:
        self.name = name
        self.version = version
        self.direct_url = direct_url


def _unpack(source: _VerifiedSource, made: Path, expected: _Expected) -> None:
    """Install the wheel into the directory `made`, in the layout of the store, and verify it on the way."""
    source.check_identity(expected)
    source.check_rows()
    destination = _StoreDestination(StoreWriter(str(made)), source, expected)
    extra = {"INSTALLER": b"pyscript\n"}
    if expected.direct_url is not None:
        extra["direct_url.json"] = expected.direct_url.encode()
    install(source, destination, extra)


class _VerifiedSource(WheelFile):
    """A wheel file whose RECORD is checked against its content while that is read."""

    def __init__(self, archive: zipfile.ZipFile, content: mmap.mmap) -> None:
        super().__init__(archive)
        self._content = content

    @cached_property
    def records(self) -> dict[str, tuple[str, str]]:
        """Path -> hash and size as RECORD gives them."""
        rows = parse_record_file(self.read_dist_info("RECORD").splitlines())
        return {path: (digest, size) for path, digest, size in rows}

    @cached_property
    def dist_info_filenames(self) -> list[str]:
        """Names of the files in the dist-info directory; installer's own way takes 30 ms for 3,000 files."""
        prefix = f"{self.dist_info_dir}/"
        return [name.removeprefix(prefix) for name in self._zipfile.namelist() if name.startswith(prefix)]

    @property
    def data_dir(self) -> str:
        """Name of the data directory: it goes with the dist-info directory, whose spelling may not be the file's."""
        return self.dist_info_dir.removesuffix(".dist-info") + ".data"

    def check_identity(self, expected: _Expected) -> None:
        """Compare file name, dist-info directory and METADATA with what was resolved."""
        head = self.read_dist_info("METADATA").replace("\r\n", "\n").partition("\n\n")[0]
        metadata = parse_metadata_file(head)
        names, versions = metadata.get_all("Name", []), metadata.get_all("Version", [])
        if len(names) != 1 or len(versions) != 1:
            raise _Contradiction("its METADATA does not give one name and one version")
        claims = (
            ("its METADATA says it is", names[0], versions[0]),
            ("its dist-info directory says it is", *self.dist_info_dir.removesuffix(".dist-info").rsplit("-", 1)),
            ("its file name says it is", self.distribution, self.version),
        )
        for claim, name, version in claims:
            if canonicalize_name(name) != expected.name or not _is_same_version(version, expected.version):
                raise _Contradiction(f"{claim} {name} {version}, not {expected.name} {expected.version}")

    def check_rows(self) -> None:
        """Compare the names in RECORD with those in the archive; content is compared when it is read."""
        record_file = f"{self.dist_info_dir}/RECORD"
        signatures = {f"{self.dist_info_dir}/{name}" for name in _SIGNATURES}
        names = {name for name in self._zipfile.namelist() if name[-1] != "/"}
        unlisted = names - self.records.keys() - {record_file} - signatures
        if unlisted:
            raise _Contradiction(f"it holds {min(unlisted)!r}, which its RECORD does not list")
        absent = {name for name in self.records.keys() - names if name[-1:] != "/"} - signatures
        if absent:
            raise _Contradiction(f"its RECORD lists {min(absent)!r}, which it does not hold")

    def get_contents(self) -> Iterator[WheelContentElement]:
        """Yield all files but byte code, which could differ from its source, and those only an installer may write."""
        installer_files = {f"{self.dist_info_dir}/{name}" for name in _WRITTEN_BY_INSTALLERS}
        for entry in self._zipfile.infolist():
            name = entry.filename
            if name[-1] == "/" or name in installer_files or "__pycache__/" in name:
                continue
            mode = entry.external_attr >> 16
            stream = EntryStream(self._content, entry)
            yield (name, "", ""), cast(BinaryIO, stream), stat.S_ISREG(mode) and bool(mode & 0o111)


class _StoreDestination(WheelDestination):
    """Write a wheel in the layout of the store, and compare each file with RECORD."""

    def __init__(self, writer: StoreWriter, source: _VerifiedSource, expected: _Expected) -> None:
        self._writer = writer
        self._source = source
        self._expected = expected
        self._entry_points: list[EntryPoint] = []
        self._script_files: list[ScriptFile] = []
        self._elf_files: list[str] = []

    def write_script(self, name: str, module: str, attr: str, section: str) -> RecordEntry:
        """Remember an entry point: its script holds the environment's path, so each environment writes its own."""
        if not is_safe_name(name) or "/" in name:
            raise _Contradiction(f"the script name {name!r} in its entry points is not allowed")
        self._entry_points.append(EntryPoint(name, module, attr, section == "gui"))
        return RecordEntry(name + (".exe" if _IS_WINDOWS else ""), None, None)

    def write_file(
        self, scheme: Scheme, path: str | os.PathLike[str], stream: BinaryIO, is_executable: bool
    ) -> RecordEntry:
        """Write one file; raises `_Contradiction` where it is not what RECORD says."""
        relative, folder = str(path), _FOLDERS[scheme]
        name = getattr(stream, "name", "")
        row = self._source.records.get(name)
        algorithm, digest = row[0].split("=", 1) if row and "=" in row[0] else ("sha256", "")
        if row and (not digest or algorithm not in _ALGORITHMS):
            raise _Contradiction(f"its RECORD has no usable hash for {name!r}")
        is_script = folder == SCRIPTS
        written = self._writer.write(
            folder, relative, stream, is_executable=is_executable or is_script, algorithm=algorithm
        )
        if row and (digest.rstrip("=") != written.digest or row[1] not in ("", str(written.size_bytes))):
            raise _Contradiction(f"{name!r} in it is not what its RECORD says")
        if is_script:
            is_python = written.head.startswith(b"#!python")
            self._script_files.append(ScriptFile(relative, is_python))
            if is_python:
                return RecordEntry(relative, None, None)
        elif folder == SITE and written.head.startswith(ELF_MAGIC):
            self._elf_files.append(relative)
        return RecordEntry(relative, Hash(algorithm, written.digest), written.size_bytes)

    def finalize_installation(
        self,
        scheme: Scheme,  # noqa: ARG002 - installer names it
        record_file_path: str,
        records: Iterable[tuple[Scheme, RecordEntry]],
    ) -> None:
        """Write RECORD and the manifest, and take the permission to write."""
        writer = self._writer
        # Where headers go depends on the interpreter's version, so RECORD cannot name them.
        rows = [(where, entry) for where, entry in records if where != "headers"]
        with construct_record_file(rows, lambda where: _ROW_PREFIXES.get(where)) as stream:
            writer.write(SITE, record_file_path, stream)
        site, data = writer.trees[SITE], writer.trees[DATA]
        if _IS_WINDOWS:
            self._write_stubs()
        manifest = Manifest(
            self._expected.name,
            self._expected.version,
            site[""],
            {name: entries for name, entries in data.items() if not name or name.count("/") < REAL_DATA_DEPTH},
            self._real_directories(site),
            tuple(self._entry_points),
            tuple(self._script_files),
            tuple(writer.files(HEADERS)),
        )
        writer.write_beside(TREE_FILE, trees_to_bytes(Trees(site, data)))
        writer.write_beside(MANIFEST_FILE, manifest.to_bytes())
        writer.protect()

    def _real_directories(self, site: Tree) -> tuple[str, ...]:
        linkages = {path: read_linkage(f"{self._writer.root}/{SITE}/{path}") for path in self._elf_files}
        libraries = {path: linkage for path, linkage in linkages.items() if linkage}
        return real_directories(libraries, site.keys(), {path.rpartition("/")[2] for path in self._elf_files})

    def _write_stubs(self) -> None:
        """Keep Windows' launchers beside the wheel, so that composing need not import installer (48 ms)."""
        for is_gui in {point.is_gui for point in self._entry_points}:
            script = Script("", "", "", "gui" if is_gui else "console")
            self._writer.write_beside(stub_name(is_gui), script._get_launcher_data(get_launcher_kind()) or b"")


def _check_hash(wheel_file: Path, sha256: str) -> None:
    with open(wheel_file, "rb") as stream:
        actual = hashlib.file_digest(stream, "sha256").hexdigest()
    if actual != sha256.lower():
        raise HashMismatch(
            f"{wheel_file.name} is not the file it should be: its sha256 is {actual}, expected {sha256}.",
            hint="Try again; if it stays so, the index or something on the way to it has changed the file.",
        )


def _is_same_version(found: str, expected: str) -> bool:
    try:
        return Version(found) == Version(expected)
    except InvalidVersion:
        return found == expected


def _invalid(wheel_file: Path, reason: str) -> InvalidWheel:
    return InvalidWheel(
        f"{wheel_file.name} is not a sound wheel: {reason}.",
        hint=_INVALID_WHEEL_HINT,
        reference="https://packaging.python.org/en/latest/specifications/binary-distribution-format/",
    )


def _describe(error: Exception) -> str:
    """Say in one clause what a foreign error means."""
    if isinstance(error, AssertionError):
        return "an entry point in it does not name a function"
    if isinstance(error, KeyError) and error.args:
        return str(error.args[0]).rstrip(".")
    return (str(error) or type(error).__name__).rstrip(".")
