"""Archives from elsewhere, tar however compressed and ZIP: unpacked so that nothing leaves a directory or fills a disk.

`tarfile` reads the tars, but what they hold is written here. Its own `data` filter is missing in Python 3.11.0 to
3.11.3 (Debian 12 has 3.11.2), and up to 3.11.12 links with long names lead it out of its directory (CVE-2025-4517).
Here links are made last, so that nothing is ever written through one.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import posixpath
import shutil
import stat
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

_MOST_FILES = 200_000
_MOST_BYTES = 8 << 30
_BOMB_BYTES, _BOMB_RATIO = 1 << 30, 200
"""Source text is compressed 10 times at most; a large archive beyond 200 times was made to fill a disk."""
_LARGEST_HEADER_BYTES = 1 << 20
"""tarfile brings a name or a pax header into memory whole, and a gigabyte of zeros is packed into a megabyte."""
_MOST_HEADER_BYTES = 256 << 20
_LONGEST_NAME, _DEEPEST = 4096, 100
_CHUNK_BYTES = 1 << 18

_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_DECOMPRESSORS: tuple[tuple[bytes, Callable[..., object]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
    (b"\x5d\x00\x00", lzma.open),
)
_IMPOSSIBLE_ON_WINDOWS = {*'<>:"|?*\\', *map(chr, range(32))}
_CLASHES = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR}
_IMPOSSIBLE_NAMES = {errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL}


class Unsound(ValueError):
    """The archive is damaged or dangerous; the message is one clause without a full stop."""


def unpack(archive: Path, directory: Path) -> None:
    """Unpack `archive` into `directory`, which is empty, or is made.

    Raises `Unsound` where it cannot be read, would write outside `directory`, or is made to fill a disk, and `OSError`
    where the directory cannot be written. Either may leave a part in it. Of permissions only that to execute is kept.
    """
    with _sound():
        tree = _Tree(directory)
        if _is_zip(archive):
            with zipfile.ZipFile(archive) as opened:
                _unpack_zip(opened, archive, tree)
        else:
            with _open_tar(archive) as (tar, stream):
                _unpack_tar(_members(tar, stream, archive), tar, tree)
        tree.make_links()


def read_file(archive: Path, is_wanted: Callable[[str], bool], most_bytes: int) -> bytes | None:
    """Return the content of the first file whose name is wanted, or None. Raises `Unsound`, and `OSError`."""
    with _sound():
        if _is_zip(archive):
            with zipfile.ZipFile(archive) as opened:
                found = next((each for each in opened.infolist() if is_wanted(each.filename)), None)
                return opened.read(found) if found and found.file_size <= most_bytes else None
        with _open_tar(archive) as (tar, stream):
            for member in _members(tar, stream, archive):
                if is_wanted(member.name) and member.isreg() and member.size <= most_bytes:
                    return cast(IO[bytes], tar.extractfile(member)).read()
    return None


class _Tree:
    """What is written below `root`: files and directories at once, links when everything else is there."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._made = {root}
        self._hard_links: list[tuple[str, Path, str]] = []
        self._symbolic_links: list[tuple[str, Path, str]] = []
        root.mkdir(exist_ok=True)

    def make_directory(self, name: str) -> None:
        self._make_directories(name, _parts(name))

    def write(self, name: str, content: IO[bytes], mode: int, mtime: float | None = None) -> None:
        """Write a file; make's rules need the time, and configure scripts the permission to execute."""
        path = self._place(name)
        with _possible(name), open(path, "xb") as stream:
            shutil.copyfileobj(content, stream, _CHUNK_BYTES)
        path.chmod(0o755 if mode & 0o100 else 0o644)
        if mtime is not None:
            with suppress(OSError, OverflowError, ValueError):
                os.utime(path, (mtime, mtime))

    def link(self, name: str, target: str, is_symbolic: bool) -> None:
        """Note a link; its place is made now, because later another link could stand in the way to it."""
        links = self._symbolic_links if is_symbolic else self._hard_links
        links.append((name, self._place(name), self._checked_target(name, target) if is_symbolic else target))

    def make_links(self) -> None:
        for name, path, target in self._hard_links:
            source = self._root.joinpath(*_parts(target))
            if not os.path.isfile(source):
                raise Unsound(f"{name!r} in it is a link to no file in it")
            with _possible(name):
                os.link(source, path)
        for name, path, target in self._symbolic_links:
            with _possible(name):
                _link_or_copy(path, target)

    def _place(self, name: str) -> Path:
        """Return where a file is to be, in a directory that is there and is no link."""
        parts = _parts(name)
        if not parts:
            raise _not_allowed(name)
        return self._make_directories(name, parts[:-1]) / parts[-1]

    def _make_directories(self, name: str, parts: list[str]) -> Path:
        path = self._root
        for part in parts:
            path = path / part
            if path not in self._made:
                with _possible(name):
                    path.mkdir(mode=0o755, exist_ok=True)
                self._made.add(path)
                _check_limits(len(self._made), 0, 0)
        return path

    def _checked_target(self, name: str, target: str) -> str:
        """Return a link's target in a form in which it climbs first and then only goes down.

        So it stays inside whatever other links are on its way down, as each of them does.
        """
        normal = posixpath.normpath(target)
        climbs = normal.split("/").count("..")
        if not target or target.startswith("/") or climbs >= len(_parts(name)) or not _is_possible(target):
            raise Unsound(f"{name!r} in it is a link that leads out of it")
        return normal


def _link_or_copy(path: Path, target: str) -> None:
    try:
        path.symlink_to(target)
    except OSError:
        # Windows lets few people make links; tarfile copies there, too.
        source = path.parent / target
        if sys.platform != "win32" or path.exists() or not source.is_file():
            raise
        shutil.copyfile(source, path)


def _parts(name: str) -> list[str]:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or len(parts) > _DEEPEST or not _is_possible(name):
        raise _not_allowed(name)
    return parts


def _is_possible(name: str) -> bool:
    impossible = _IMPOSSIBLE_ON_WINDOWS if sys.platform == "win32" else {"\0"}
    return len(name) <= _LONGEST_NAME and impossible.isdisjoint(name)


def _not_allowed(name: str) -> Unsound:
    shown = repr(name if len(name) < 100 else f"{name[:100]}…")
    return Unsound(f"the file name {shown} is not allowed")


# Tar


class _Metered(io.BufferedIOBase):
    """An unpacked tar as tarfile sees it: it reads no more than was allowed since the last time.

    A header that is larger than any true one is not brought into memory, and one that claims to be smaller than nothing
    does not lead back to where it stands.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._allowed = 0
        self.header_bytes = 0

    def allow_header(self) -> None:
        self._allowed = _LARGEST_HEADER_BYTES

    def allow_content(self, size: int) -> None:
        self.header_bytes += _LARGEST_HEADER_BYTES - self._allowed
        self._allowed = size

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= self._allowed:
            raise Unsound("a header in it is larger than any true one")
        self._allowed -= size
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True


@contextmanager
def _open_tar(archive: Path) -> Iterator[tuple[tarfile.TarFile, _Metered]]:
    head = _head(archive)
    opener = next((opener for magic, opener in _DECOMPRESSORS if head.startswith(magic)), open)
    with cast(IO[bytes], opener(archive, "rb")) as unpacked:
        stream = _Metered(unpacked)
        stream.allow_header()
        with tarfile.open(fileobj=stream, mode="r:", encoding="utf-8") as tar:
            yield tar, stream


def _members(tar: tarfile.TarFile, stream: _Metered, archive: Path) -> Iterator[tarfile.TarInfo]:
    count, total, packed = 0, 0, archive.stat().st_size
    while member := tar.next():
        tar.members.clear()  # type: ignore[attr-defined] # it would keep all of them
        stream.allow_content(member.size)
        count, total = count + 1, total + member.size
        if member.size < 0 or stream.header_bytes > _MOST_HEADER_BYTES:
            raise Unsound("its headers are larger than any true ones, or contradict one another")
        _check_limits(count, total, packed)
        yield member
        stream.allow_header()


def _unpack_tar(members: Iterator[tarfile.TarInfo], tar: tarfile.TarFile, tree: _Tree) -> None:
    for member in members:
        if member.isdir():
            tree.make_directory(member.name)
        elif member.isreg():
            with cast(IO[bytes], tar.extractfile(member)) as content:
                tree.write(member.name, content, member.mode, member.mtime)
        elif member.issym() or member.islnk():
            tree.link(member.name, member.linkname, member.issym())
        else:
            raise Unsound(f"{member.name!r} in it is neither a file nor a directory nor a link")


# ZIP


def _is_zip(archive: Path) -> bool:
    return _head(archive).startswith(_ZIP_MAGIC)


def _unpack_zip(opened: zipfile.ZipFile, archive: Path, tree: _Tree) -> None:
    entries = opened.infolist()
    _check_limits(len(entries), sum(entry.file_size for entry in entries), archive.stat().st_size)
    for entry in entries:
        name, mode = entry.filename, entry.external_attr >> 16
        # Written on Windows, a backslash is a separator, and a colon stands behind a drive.
        if "\\" in name or ":" in name:
            raise _not_allowed(name)
        if stat.S_ISLNK(mode):
            if entry.file_size > _LONGEST_NAME:
                raise _not_allowed(name)
            tree.link(name, opened.read(entry).decode("utf-8", "surrogateescape"), is_symbolic=True)
        elif entry.is_dir():
            tree.make_directory(name)
        else:
            with opened.open(entry) as content:
                tree.write(name, content, mode)


# Both


def _head(archive: Path) -> bytes:
    with archive.open("rb") as stream:
        return stream.read(8)


def _check_limits(count: int, total: int, packed: int) -> None:
    if count > _MOST_FILES or total > _MOST_BYTES or (total > _BOMB_BYTES and total > packed * _BOMB_RATIO):
        raise Unsound(f"it claims to hold {count} files of {total >> 20} MiB in {packed >> 10} KiB")


@contextmanager
def _possible(name: str) -> Iterator[None]:
    """Tell what the archive is to blame for from a directory that cannot be written."""
    try:
        yield
    except OSError as error:
        if error.errno in _CLASHES:
            raise Unsound(f"{name!r} is in it twice, or as a file and a directory") from error
        if error.errno in _IMPOSSIBLE_NAMES:
            raise _not_allowed(name) from error
        raise


_DAMAGE = (tarfile.TarError, EOFError, ValueError, ArithmeticError, LookupError, RecursionError)
"""What tarfile raises about a header that makes no sense; the words are about its own code."""
_SAID_OF_IT = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError)


@contextmanager
def _sound() -> Iterator[None]:
    try:
        yield
    except Unsound:
        raise
    except _DAMAGE as error:
        raise Unsound("it is neither a tar nor a ZIP file, or it is damaged") from error
    except (*_SAID_OF_IT, OSError) as error:
        # A damaged gzip or bzip2 stream is an OSError without a number.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Unsound(str(error).rstrip(".") or type(error).__name__) from error
