"""The central directory of a ZIP file (APPNOTE.TXT 4.3), read once and strictly.

`zipfile` makes an object of 25 attributes for each entry and forgives what we have to refuse; with checking those again
it took more than twice as long, 10 us for each file.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from typing import NamedTuple

_ENTRY = struct.Struct("<4s2xBx2H4x3I3H6xHI")
"""Without what does not matter here, such as times; of the attributes the half that is Unix's mode."""
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64 = struct.Struct("<4sIQI")
_LARGEST_COMMENT = 0xFFFF
_NEWEST_VERSION = 63
"""The version of APPNOTE.TXT whose features an entry may need, times ten; as `zipfile` has it."""
_ZIP64_FIELD, _UNICODE_NAME_FIELD = 0x0001, 0x7075

IS_UTF8 = 0x800
MAX_16, MAX_32 = 0xFFFF, 0xFFFFFFFF


class UnsafeArchive(ValueError):
    """The archive is ambiguous, damaged or dangerous; the message is one clause that says why."""


class Member(NamedTuple):
    """One entry as the central directory describes it; `offset` is that of its local header, `mode` that of Unix."""

    name: str
    stored_name: bytes
    flags: int
    method: int
    crc: int
    compressed_bytes: int
    size_bytes: int
    mode: int
    offset: int


def read_directory(content: mmap.mmap) -> tuple[list[Member], int]:
    """Return the entries in the directory's order, and where the directory starts; raises `UnsafeArchive`.

    Directory and end records reach to the end of the file, and the directory holds as many entries as they say.
    """
    start, end, count = _directory_place(content)
    directory = content[start:end]
    members: list[Member] = []
    at = 0
    while at < len(directory):
        try:
            fields = _ENTRY.unpack_from(directory, at)
        except struct.error as error:
            raise UnsafeArchive("its central directory is cut off") from error
        signature, version, flags, method, crc, compressed, size = fields[:7]
        name_length, extra_length, comment_length, mode, offset = fields[7:]
        if signature != b"PK\x01\x02":
            raise UnsafeArchive("its central directory is damaged")
        if version > _NEWEST_VERSION:
            raise UnsafeArchive(f"it needs version {version / 10} of the ZIP format")
        name_end = at + _ENTRY.size + name_length
        extra_end = name_end + extra_length
        stored_name = directory[at + _ENTRY.size : name_end]
        if extra_length:
            extra = directory[name_end:extra_end]
            size, compressed, offset = _with_extra(extra, stored_name, (size, compressed, offset))
        name = decode_name(stored_name, flags)
        members.append(Member(name, stored_name, flags, method, crc, compressed, size, mode, offset))
        at = extra_end + comment_length
    if at != len(directory):
        raise UnsafeArchive("its central directory is cut off")
    if len(members) != count:
        raise UnsafeArchive("its end record counts its files wrongly")
    return members, start


def decode_name(stored: bytes, flags: int) -> str:
    """Return a file name as text; raises `UnsafeArchive` where it says that it is UTF-8 and is not."""
    if stored.isascii():
        return stored.decode("ascii")
    try:
        return stored.decode("utf-8" if flags & IS_UTF8 else "cp437")
    except UnicodeDecodeError as error:
        raise UnsafeArchive(f"the file name {stored!r} is not UTF-8 as it says") from error


def _with_extra(extra: bytes, stored_name: bytes, claims: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return size, compressed size and offset with those that stand in the ZIP64 field (APPNOTE 4.5.3)."""
    at = 0
    values = list(claims)
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        field = extra[at + 4 : at + 4 + length]
        at += 4 + length
        if len(field) != length:
            raise UnsafeArchive("an extra field in its central directory is cut off")
        if kind == _ZIP64_FIELD:
            for index, value in enumerate(values):
                if value == MAX_32:
                    if len(field) < 8:
                        raise UnsafeArchive("a ZIP64 field in its central directory is cut off")
                    (values[index],) = struct.unpack_from("<Q", field)
                    field = field[8:]
        # Readers that know this field take the name in it (APPNOTE 4.6.9), the others do not.
        elif kind == _UNICODE_NAME_FIELD and not _is_same_name(field, stored_name):
            raise UnsafeArchive(f"the file name {stored_name!r} has another one beside it")
    return values[0], values[1], values[2]


def _is_same_name(field: bytes, stored_name: bytes) -> bool:
    """Tell whether a field with a name in Unicode repeats the stored name, or is to be ignored."""
    if len(field) < 5:
        return False
    version, crc = struct.unpack_from("<BI", field)
    return version != 1 or crc != zlib.crc32(stored_name) or field[5:] == stored_name


def _directory_place(content: mmap.mmap) -> tuple[int, int, int]:
    """Return start, end and number of entries of the central directory.

    Behind it only the end records may follow, to the end of the file.
    """
    end = len(content) - _END.size
    if end < 0 or content[end : end + 4] != b"PK\x05\x06":
        if content.rfind(b"PK\x05\x06", max(0, end - _LARGEST_COMMENT)) < 0:
            raise UnsafeArchive("it is not a zip file")
        raise UnsafeArchive("there is something behind its end, or its end is missing")
    _, disk, start_disk, _, entry_count, size, offset, comment = _END.unpack_from(content, end)
    if comment or disk not in (0, MAX_16) or start_disk not in (0, MAX_16):
        raise UnsafeArchive("there is something behind its end, or it is one part of several")
    locator = end - _LOCATOR64.size
    if locator >= 0 and content[locator : locator + 4] == b"PK\x06\x07":
        short = ((entry_count, MAX_16), (size, MAX_32), (offset, MAX_32))
        end, (entry_count, size, offset) = _large_end(content, locator, short)
    if offset + size != end:
        raise UnsafeArchive("its central directory is not where its end record says")
    return offset, end, entry_count


def _large_end(
    content: mmap.mmap, locator: int, short: tuple[tuple[int, int], ...]
) -> tuple[int, tuple[int, int, int]]:
    """Return where the ZIP64 end record starts, and number of entries, size and offset of the directory in it."""
    _, disk, start, disks = _LOCATOR64.unpack_from(content, locator)
    if disk or disks > 1:
        raise UnsafeArchive("it is one part of several")
    if start != locator - _END64.size or content[start : start + 4] != b"PK\x06\x06":
        raise UnsafeArchive("its two end records contradict each other")
    count, size, offset = _END64.unpack_from(content, start)[-3:]
    for (value, largest), large in zip(short, (count, size, offset), strict=True):
        if value not in (largest, large):
            raise UnsafeArchive("its two end records contradict each other")
    return start, (count, size, offset)
