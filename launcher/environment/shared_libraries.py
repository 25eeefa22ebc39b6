"""Find the shared libraries that look for others outside their own wheel.

The dynamic linker takes ``$ORIGIN`` from the path a library was opened by, and the kernel then resolves ``..`` in it.
Below a symbolic link to a directory of the store, ``$ORIGIN/../../nvidia/cublas/lib`` would be sought in the store,
where other wheels are not. Such a library's directory has to be a real one in the environment (nvidia-*, torch, Qt).
"""

from __future__ import annotations

import posixpath
import re
import struct
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

ELF_MAGIC = b"\x7fELF"

_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NEEDED, _DT_STRTAB, _DT_STRSZ, _DT_RPATH, _DT_RUNPATH = 1, 5, 10, 15, 29
_LARGEST_TABLE = 16 << 20

_FROM_THE_SYSTEM = re.compile(
    r"(ld-linux.*|libc|libm|libdl|librt|libpthread|libutil|libnsl|libresolv|libcrypt|libgcc_s|libstdc\+\+|libatomic|libgomp"
    r"|libz|libX\w+|libxcb.*|libGL\w*|libEGL|libglib-2\.0|libgthread-2\.0|libgobject-2\.0|libpython3.*)\.so(\.[\d.]+)?"
)
"""Libraries that come from the operating system (PEP 600 and its forerunners), or that the interpreter has loaded."""


class Linkage(NamedTuple):
    """What one shared library asks of the dynamic linker."""

    needed: tuple[str, ...]
    search_paths: tuple[str, ...]


def real_directories(
    libraries: Mapping[str, Linkage], directories: Collection[str], file_names: Collection[str]
) -> tuple[str, ...]:
    """Return the directories that must not be symbolic links in an environment.

    `libraries` maps relative paths of a wheel's ELF files to their linkage, `directories` are all directories of the
    wheel, and `file_names` the base names of its libraries.
    """
    found: set[str] = set()
    for path, linkage in libraries.items():
        foreign = [name for name in linkage.needed if name not in file_names and not _FROM_THE_SYSTEM.fullmatch(name)]
        directory = posixpath.dirname(path)
        if foreign and any(target not in directories for target in _origin_targets(directory, linkage.search_paths)):
            found.add(directory)
    return tuple(sorted(found - {""}))


def read_linkage(path: str) -> Linkage | None:
    """Return the linkage of the ELF file at `path`, or None where it has none or cannot be understood."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(64)
            if head[:4] != ELF_MAGIC or head[4:5] not in (b"\1", b"\2") or head[5:6] not in (b"\1", b"\2"):
                return None

            def read(offset: int, size: int) -> bytes:
                if size > _LARGEST_TABLE:
                    raise ValueError("a table of an absurd size")
                stream.seek(offset)
                return stream.read(size)

            return _Elf(head, read).linkage()
    except (OSError, ValueError, struct.error, OverflowError):
        return None


class _Elf:
    """The few tables of an ELF file that name its needs (System V ABI, chapters 4 and 5)."""

    def __init__(self, head: bytes, read: Callable[[int, int], bytes]) -> None:
        self._read = read
        self._is_64 = head[4] == 2
        self._order = "<" if head[5] == 1 else ">"
        offsets = struct.unpack_from(self._order + ("Q" if self._is_64 else "I"), head, 32 if self._is_64 else 28)
        entry_size, count = struct.unpack_from(self._order + "2H", head, 54 if self._is_64 else 42)
        table = read(offsets[0], entry_size * count)
        self._segments = [self._segment(table, index * entry_size) for index in range(count)]

    def linkage(self) -> Linkage | None:
        """Return what the dynamic section says, or None for a static file."""
        dynamic = next((segment for segment in self._segments if segment[0] == _PT_DYNAMIC), None)
        if dynamic is None:
            return None
        _, offset, _, size = dynamic
        tags = list(struct.iter_unpack(self._order + ("2Q" if self._is_64 else "2I"), self._read(offset, size)))
        values = dict(tags)
        if _DT_STRTAB not in values:
            return None
        strings = self._read(self._file_offset(values[_DT_STRTAB]), values.get(_DT_STRSZ, 0))
        needed = tuple(_text(strings, value) for tag, value in tags if tag == _DT_NEEDED)
        # DT_RPATH counts only where there is no DT_RUNPATH.
        found = next((_text(strings, values[tag]) for tag in (_DT_RUNPATH, _DT_RPATH) if tag in values), "")
        return Linkage(needed, tuple(filter(None, found.split(":"))))

    def _segment(self, table: bytes, at: int) -> tuple[int, int, int, int]:
        """Return (type, file offset, address, size in the file) of a program header."""
        if self._is_64:
            kind, _, offset, address, _, size = struct.unpack_from(self._order + "2I4Q", table, at)
        else:
            kind, offset, address, _, size = struct.unpack_from(self._order + "5I", table, at)
        return kind, offset, address, size

    def _file_offset(self, address: int) -> int:
        for kind, offset, start, size in self._segments:
            if kind == _PT_LOAD and start <= address < start + size:
                return offset + address - start
        raise ValueError("an address outside every segment")


def _text(strings: bytes, start: int) -> str:
    return strings[start : strings.index(b"\0", start)].decode("utf-8", "replace")


def _origin_targets(directory: str, search_paths: Iterable[str]) -> list[str]:
    """Return where ``$ORIGIN`` paths lead, relative to the site root."""
    targets = []
    for path in search_paths:
        for origin in ("$ORIGIN", "${ORIGIN}"):
            if path == origin or path.startswith(origin + "/"):
                target = posixpath.normpath(posixpath.join(directory or ".", "." + path[len(origin) :]))
                targets.append("" if target == "." else target)
    return targets
