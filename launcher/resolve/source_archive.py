"""Archives of sources, sdists above all: unpacked without leaving their directory, and their PKG-INFO."""

from __future__ import annotations

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launcher.errors import CacheUnusable, InvalidWheel

_MOST_FILES = 200_000
_MOST_BYTES = 8 << 30
_BOMB_BYTES, _BOMB_RATIO = 1 << 30, 200
"""Source text is compressed 10 times at most; a large archive beyond 200 times was made to fill a disk."""
_LARGEST_PKG_INFO_BYTES = 16 << 20
_HINT = "Nothing of it was used. Ask for another version, or tell the project that its archive is broken."


class _Unsafe(ValueError):
    """The archive is dangerous or nothing that could be built; the message is one clause."""


def unpack(archive: Path, directory: Path) -> Path:
    """Unpack `archive` (tar, however compressed, or ZIP) into `directory` and return its top directory.

    Raises `InvalidWheel` where it cannot be read, would write outside `directory`, or is made to fill a disk.
    """
    with _sound(archive):
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                _unpack_zip(opened, archive, directory)
        else:
            with tarfile.open(archive) as tar:
                _unpack_tar(tar, archive, directory)
        entries = sorted(directory.iterdir())
        if len(entries) == 1 and entries[0].is_dir():
            return entries[0]
        if any((directory / name).exists() for name in ("pyproject.toml", "setup.py")):
            return directory
        raise _Unsafe(f"it should hold one directory with a project, and holds {len(entries)} files and directories")


def read_pkg_info(archive: Path) -> bytes | None:
    """Return PKG-INFO from the top directory of an sdist, or None where it has none. Raises as `unpack`."""
    with _sound(archive):
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                found = next((each for each in opened.infolist() if _is_pkg_info(each.filename)), None)
                return opened.read(found) if found and found.file_size < _LARGEST_PKG_INFO_BYTES else None
        with tarfile.open(archive) as tar:
            for member in _limited_members(tar, archive):
                if _is_pkg_info(member.name) and member.isfile() and member.size < _LARGEST_PKG_INFO_BYTES:
                    stream = tar.extractfile(member)
                    return stream.read() if stream else None
    return None


def _is_pkg_info(name: str) -> bool:
    return name.endswith("/PKG-INFO") and name.removeprefix("./").count("/") == 1


def _unpack_tar(tar: tarfile.TarFile, archive: Path, directory: Path) -> None:
    if not hasattr(tarfile, "data_filter"):
        raise _Unsafe("unpacking it safely takes Python 3.11.4 or newer, which pyscript has to be installed with")
    links: set[str] = set()
    for member in _limited_members(tar, archive):
        parts = _parts(member.name)
        # The filter follows links that are there already; releases before 3.11.13 could be led astray by long ones.
        if _leads_through(links, parts[:-1] if member.issym() else parts):
            raise _Unsafe(f"{member.name!r} in it leads through a link")
        if member.islnk() and _leads_through(links, _parts(member.linkname)):
            raise _Unsafe(f"{member.name!r} in it is a link to a link")
        if member.issym():
            links.add("/".join(parts))
        tar.extract(member, directory, filter="data")


def _parts(name: str) -> list[str]:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise _Unsafe(f"the file name {name!r} is not allowed")
    return parts


def _leads_through(links: set[str], parts: list[str]) -> bool:
    return any("/".join(parts[:count]) in links for count in range(1, len(parts) + 1))


def _limited_members(tar: tarfile.TarFile, archive: Path) -> Iterator[tarfile.TarInfo]:
    total, packed = 0, archive.stat().st_size
    for count, member in enumerate(tar):
        total += member.size
        _check_limits(count, total, packed)
        yield member


def _unpack_zip(opened: zipfile.ZipFile, archive: Path, directory: Path) -> None:
    entries = opened.infolist()
    _check_limits(len(entries), sum(entry.file_size for entry in entries), archive.stat().st_size)
    for entry in entries:
        name, mode = entry.filename, entry.external_attr >> 16
        if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/") or not name.isprintable():
            raise _Unsafe(f"the file name {name!r} is not allowed")
        if stat.S_ISLNK(mode):
            raise _Unsafe(f"{name!r} in it is a link")
        target = Path(opened.extract(entry, directory))
        # zipfile drops the permission to execute, which configure scripts need.
        if mode & 0o111 and not entry.is_dir():
            target.chmod(0o755)


def _check_limits(count: int, total: int, packed: int) -> None:
    if count > _MOST_FILES or total > _MOST_BYTES or (total > _BOMB_BYTES and total > packed * _BOMB_RATIO):
        raise _Unsafe(f"it claims to hold {count} files of {total >> 20} MiB in {packed >> 10} KiB")


_FOREIGN_ERRORS: tuple[type[Exception], ...] = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError),
    *(NotImplementedError, ValueError, KeyError, shutil.Error),
)


@contextmanager
def _sound(archive: Path) -> Iterator[None]:
    try:
        yield
    except _FOREIGN_ERRORS as error:
        reason = str(error).rstrip(".") or type(error).__name__
        if isinstance(error, tarfile.ReadError) and not isinstance(error, _Unsafe):
            reason = "it is neither a tar nor a ZIP file, or it is damaged"
        raise InvalidWheel(f"{archive.name} is not a sound source archive: {reason}.", hint=_HINT) from error
    except OSError as error:
        # A damaged gzip or bzip2 stream is an OSError without a number.
        if error.errno is None:
            raise InvalidWheel(f"{archive.name} is not a sound source archive: {error}.", hint=_HINT) from error
        raise CacheUnusable(
            f"{archive.name} cannot be unpacked into the cache: {error.strerror or error}.",
            hint="Make room or mend the permissions there, or set PYSCRIPT_CACHE_DIR to another directory.",
        ) from error
