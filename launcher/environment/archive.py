"""Refuse ZIP files that two readers could understand in two ways, or that would write outside their directory.

`zipfile` trusts the central directory, streaming readers trust the local headers, and some skip what lies between. A
wheel on which they disagree can show one content to a scanner and another to an installer, so every byte of the file
must belong to exactly one entry and both headers must agree (DESIGN, section 9.2; APPNOTE.TXT 4.3 for the layout).
"""

from __future__ import annotations

import mmap
import re
import stat
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64 = struct.Struct("<4sIQI")
_IS_ENCRYPTED = 0x1 | 0x40
_HAS_DESCRIPTOR = 0x8
_IS_UTF8 = 0x800
_MAX_16, _MAX_32 = 0xFFFF, 0xFFFFFFFF

_CHUNK_BYTES = 1 << 20
_MAX_DEFLATE_RATIO = 1032
"""Deflate cannot do better, so a larger claim is a lie (https://zlib.net/zlib_tech.html)."""
_BOMB_SIZE_BYTES, _BOMB_RATIO = 2 << 30, 200
"""The most compressible wheels on PyPI stay below 30 times; a large one beyond 200 times was made to fill a disk."""

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\\]|^[A-Za-z]:" + ("|:" if sys.platform == "win32" else ""))


class UnsafeArchive(ValueError):
    """The archive is ambiguous, damaged or dangerous; the message is one clause that says why."""


class EntryStream:
    """Read one entry of a checked archive; at its end everything that the headers say about it has been compared.

    `zipfile`'s own reader takes twice as long for small files, and passes over bytes behind the compressed data.
    """

    def __init__(self, content: mmap.mmap, entry: zipfile.ZipInfo) -> None:
        self.name = entry.filename
        self._content = content
        self._entry = entry
        name_length, extra_length = struct.unpack_from("<2H", content, entry.header_offset + 26)
        self._position: int = entry.header_offset + _LOCAL_HEADER.size + name_length + extra_length
        self._end: int = self._position + entry.compress_size
        self._inflate = zlib.decompressobj(-15) if entry.compress_type == zipfile.ZIP_DEFLATED else None
        self._waiting = b""
        self._size = self._crc = 0

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, none at the end; raises `UnsafeArchive` or `zlib.error`."""
        chunk = self._stored(size) if self._inflate is None else self._inflated(self._inflate, size)
        self._size += len(chunk)
        self._crc = zlib.crc32(chunk, self._crc)
        is_wrong = self._size > self._entry.file_size
        if not chunk:
            is_whole = self._inflate is None or (self._inflate.eof and not self._inflate.unused_data)
            is_wrong = not is_whole or (self._size, self._crc) != (self._entry.file_size, self._entry.CRC)
        if is_wrong:
            raise UnsafeArchive(f"{self.name!r} in it does not have the size and checksum that its headers say")
        return chunk

    def _stored(self, size: int) -> bytes:
        chunk = self._content[self._position : min(self._position + size, self._end)]
        self._position += len(chunk)
        return chunk

    def _inflated(self, inflate: zlib._Decompress, size: int) -> bytes:
        while True:
            if not self._waiting and self._position < self._end:
                self._waiting = self._stored(_CHUNK_BYTES)
            chunk = inflate.decompress(self._waiting, size)
            # Behind the end of the compressed data everything waits for ever.
            self._waiting = b"" if inflate.eof else inflate.unconsumed_tail
            if chunk or inflate.eof or (not self._waiting and self._position >= self._end):
                return chunk


@contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap]:
    """Give the content of a file without reading it."""
    with open(path, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content


def check_archive(content: mmap.mmap, entries: Sequence[zipfile.ZipInfo]) -> None:
    """Check the ZIP file with this content, whose central directory `zipfile` read as `entries`.

    Raises `UnsafeArchive`.
    """
    check_names([(entry.orig_filename, entry.filename) for entry in entries])
    for entry in entries:
        _check_entry(entry)
    total = sum(entry.file_size for entry in entries)
    if total > _BOMB_SIZE_BYTES and total > len(content) * _BOMB_RATIO:
        raise UnsafeArchive(f"it claims to hold {total >> 20} MiB in a file of {len(content) >> 10} KiB")
    _check_layout(content, entries)


def is_safe_name(name: str) -> bool:
    """Tell whether a relative POSIX path stays below its directory and can be shown to a person."""
    return not _UNSAFE.search(name) and not {"", ".", ".."} & set(name.split("/"))


def check_names(names: Sequence[tuple[str, str]]) -> None:
    """Check (name as stored, name as read) pairs: safe, unique, and no file that is a directory as well."""
    files: set[str] = set()
    directories: set[str] = set()
    for stored, read in names:
        is_directory = stored.endswith("/")
        if stored != read or not is_safe_name(stored.removesuffix("/")):
            raise UnsafeArchive(f"the file name {stored!r} is not allowed")
        if not is_directory:
            if stored in files:
                raise UnsafeArchive(f"it holds {stored!r} twice")
            files.add(stored)
        parent = stored.removesuffix("/") if is_directory else stored.rpartition("/")[0]
        while parent and parent not in directories:
            directories.add(parent)
            parent = parent.rpartition("/")[0]
    if clash := files & directories:
        raise UnsafeArchive(f"{min(clash)!r} is a file and a directory in it")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    """Check what the central directory says about one entry."""
    name = entry.filename
    if entry.flag_bits & _IS_ENCRYPTED:
        raise UnsafeArchive(f"{name!r} in it is encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnsafeArchive(f"{name!r} in it is compressed in a way that wheels do not use")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    # Bits 12-15 mean a file type only for archives made on Unix (APPNOTE 4.4.2), but some tools do not say so.
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or (kind == stat.S_IFDIR and not entry.is_dir()):
        raise UnsafeArchive(f"{name!r} in it is a link or a device and not a file")
    if entry.is_dir() and entry.file_size:
        raise UnsafeArchive(f"the directory {name!r} in it has content")
    largest = entry.compress_size
    if entry.compress_type == zipfile.ZIP_DEFLATED:
        largest = largest * _MAX_DEFLATE_RATIO
    if entry.file_size > largest:
        raise UnsafeArchive(f"{name!r} in it claims an impossible size")


def _check_layout(content: mmap.mmap, entries: Sequence[zipfile.ZipInfo]) -> None:
    """Check that entries, central directory and end records fill the file without gaps or overlaps."""
    directory = _directory_offset(content, len(entries))
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    expected = 0
    for index, entry in enumerate(ordered):
        if entry.header_offset != expected:
            raise UnsafeArchive(
                "it holds bytes that belong to no file" if index else "it does not start with a ZIP entry"
            )
        following = ordered[index + 1].header_offset if index + 1 < len(ordered) else directory
        expected = _entry_end(content, entry, following)
    if expected != directory:
        raise UnsafeArchive("it holds bytes that belong to no file")


def _directory_offset(content: mmap.mmap, count: int) -> int:
    """Return where the central directory starts; behind it only the end records may follow, to the end of the file."""
    end = len(content) - _END.size
    if end < 0 or content[end : end + 4] != b"PK\x05\x06":
        raise UnsafeArchive("there is something behind its end, or its end is missing")
    _, disk, start_disk, _, entry_count, size, offset, comment = _END.unpack_from(content, end)
    if comment or disk not in (0, _MAX_16) or start_disk not in (0, _MAX_16):
        raise UnsafeArchive("there is something behind its end, or it is one part of several")
    if end >= _LOCATOR64.size and content[end - _LOCATOR64.size :][:4] == b"PK\x06\x07":
        _, _, end64, _ = _LOCATOR64.unpack_from(content, end - _LOCATOR64.size)
        if end64 != end - _LOCATOR64.size - _END64.size or content[end64 : end64 + 4] != b"PK\x06\x06":
            raise UnsafeArchive("its two end records contradict each other")
        *_, count64, size64, offset64 = _END64.unpack_from(content, end64)
        for short, largest, long in (
            (entry_count, _MAX_16, count64),
            (size, _MAX_32, size64),
            (offset, _MAX_32, offset64),
        ):
            if short not in (largest, long):
                raise UnsafeArchive("its two end records contradict each other")
        entry_count, size, offset, end = count64, size64, offset64, end64
    if offset + size != end:
        raise UnsafeArchive("its central directory is not where its end record says")
    if entry_count != count:
        raise UnsafeArchive("its end record counts its files wrongly")
    return cast(int, offset)


def _entry_end(content: mmap.mmap, entry: zipfile.ZipInfo, following: int) -> int:
    """Return where an entry ends, after comparing its local header with the central directory."""
    start = entry.header_offset
    try:
        header = _LOCAL_HEADER.unpack_from(content, start)
    except struct.error as error:
        raise UnsafeArchive(f"{entry.filename!r} in it lies outside the file") from error
    signature, _, flags, method, _, _, crc, compressed, size, name_length, extra_length = header
    name_start = start + _LOCAL_HEADER.size
    name = content[name_start : name_start + name_length].decode("utf-8" if flags & _IS_UTF8 else "cp437", "replace")
    if signature != b"PK\x03\x04" or name != entry.orig_filename or method != entry.compress_type:
        raise UnsafeArchive(f"the two headers of {entry.filename!r} in it contradict each other")
    if (flags ^ entry.flag_bits) & (_IS_ENCRYPTED | _HAS_DESCRIPTOR):
        raise UnsafeArchive(f"the two headers of {entry.filename!r} in it contradict each other")
    claims = ((crc, entry.CRC, 0), (compressed, entry.compress_size, _MAX_32), (size, entry.file_size, _MAX_32))
    for local, central, stands_for_64 in claims:
        # With a descriptor the local header may leave them zero; 0xFFFFFFFF means "see the ZIP64 field".
        may_be_absent = (flags & _HAS_DESCRIPTOR and local == 0) or (stands_for_64 and local == stands_for_64)
        if local != central and not may_be_absent:
            raise UnsafeArchive(f"the two headers of {entry.filename!r} in it contradict each other")
    end: int = name_start + name_length + extra_length + entry.compress_size
    return end + _descriptor_size(content, entry, end, following) if flags & _HAS_DESCRIPTOR else end


def _descriptor_size(content: mmap.mmap, entry: zipfile.ZipInfo, start: int, following: int) -> int:
    """Return the size of the data descriptor at `start`: with or without signature, 32 or 64 bit (APPNOTE 4.3.9)."""
    size = following - start
    expected = {
        12: struct.pack("<3I", entry.CRC, entry.compress_size & _MAX_32, entry.file_size & _MAX_32),
        20: struct.pack("<I2Q", entry.CRC, entry.compress_size, entry.file_size),
    }
    expected.update({length + 4: b"PK\x07\x08" + body for length, body in tuple(expected.items())})
    if expected.get(size) != content[start:following]:
        raise UnsafeArchive(f"the two headers of {entry.filename!r} in it contradict each other")
    return size
