"""Refuse ZIP files that two readers could understand in two ways, or that would write outside their directory.

`zipfile` trusts the central directory, streaming readers trust the local headers, and some skip what lies between. A
wheel on which they disagree can show one content to a scanner and another to an installer, so every byte of the file
must belong to exactly one entry and both headers must agree (APPNOTE.TXT 4.3 has the layout).
"""

from __future__ import annotations

import mmap
import os
import re
import stat
import struct
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path

from launcher.environment.zip_directory import MAX_32, Member, UnsafeArchive, decode_name, read_directory
from launcher.inflate import crc32, decompressobj

__all__ = ["Member", "UnsafeArchive", "check_names", "checked_members", "is_safe_name", "mapped", "read_member"]

_LOCAL_HEADER = struct.Struct("<4s2x2H4x3I2H")
_LENGTHS = struct.Struct("<2H")
_STORED, _DEFLATED = 0, 8
_IS_ENCRYPTED = 0x1 | 0x40
_HAS_DESCRIPTOR = 0x8

_CHUNK_BYTES = 1 << 20
"""What is larger is read in pieces: eight wheels at once may hold large libraries."""
_COMPRESSED_CHUNK_BYTES = 1 << 18
_MAPPED_BYTES = 4 << 20
_MAX_DEFLATE_RATIO = 1032
"""Deflate cannot do better, so a larger claim is a lie (https://zlib.net/zlib_tech.html)."""
_BOMB_SIZE_BYTES, _BOMB_RATIO = 2 << 30, 200
"""The most compressible wheels on PyPI stay below 30 times; a large one beyond 200 times was made to fill a disk."""

_UNSAFE = r"[\x00-\x1f\x7f-\x9f\\]|^[A-Za-z]:" + ("|:" if sys.platform == "win32" else "")


@contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap]:
    """Give the content of a file without reading it; raises `UnsafeArchive` where it has none."""
    with open(path, "rb") as stream:
        if not os.fstat(stream.fileno()).st_size:
            raise UnsafeArchive("it is not a zip file, but empty")
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield content


def checked_members(content: mmap.mmap) -> list[Member]:
    """Return what a ZIP file holds, in the file's order, directories included; raises `UnsafeArchive`."""
    members, directory = read_directory(content)
    check_names([member.name for member in members])
    _check_members(members)
    total = sum([member.size_bytes for member in members])
    if total > _BOMB_SIZE_BYTES and total > len(content) * _BOMB_RATIO:
        raise UnsafeArchive(f"it claims to hold {total >> 20} MiB in a file of {len(content) >> 10} KiB")
    members.sort(key=attrgetter("offset"))
    _check_layout(content, members, directory)
    return members


def read_member(content: mmap.mmap, member: Member) -> Iterable[bytes]:
    """Return the content of a checked member in pieces, mostly one.

    At their end everything that the headers say about it has been compared, and that its compressed data end where
    they should. Never is more than a piece in memory, whatever the headers say. Raises `UnsafeArchive`, or what
    `launcher.inflate.BROKEN` lists.
    """
    if member.size_bytes > _CHUNK_BYTES:
        return _read_in_pieces(content, member)
    start, end = _data_place(content, member)
    if member.method == _STORED:
        body = content[start:end]
        is_whole = True
    else:
        inflate = decompressobj(-15)
        # One byte more than there should be, so that the end of the compressed data is read, and a lie seen.
        body = inflate.decompress(content[start:end], member.size_bytes + 1)
        is_whole = inflate.eof and not inflate.unused_data
    if not is_whole or len(body) != member.size_bytes or crc32(body) != member.crc:
        raise _broken(member)
    return (body,)


def _read_in_pieces(content: mmap.mmap, member: Member) -> Iterator[bytes]:
    pieces = _slices(content, *_data_place(content, member))
    if member.method == _DEFLATED:
        pieces = _inflated(pieces, member)
    size = crc = 0
    for piece in pieces:
        size += len(piece)
        crc = crc32(piece, crc)
        if size > member.size_bytes:
            break
        yield piece
    if (size, crc) != (member.size_bytes, member.crc):
        raise _broken(member)


def _inflated(chunks: Iterator[bytes], member: Member) -> Iterator[bytes]:
    inflate = decompressobj(-15)
    for chunk in chunks:
        waiting = chunk
        while waiting:
            yield inflate.decompress(waiting, _CHUNK_BYTES)
            waiting = inflate.unconsumed_tail
        if inflate.eof:
            break
    # All was read, but not all of it was given out.
    while not inflate.eof and (piece := inflate.decompress(b"", _CHUNK_BYTES)):
        yield piece
    if not inflate.eof or inflate.unused_data or next(chunks, b""):
        raise _broken(member)


def _slices(content: mmap.mmap, start: int, end: int) -> Iterator[bytes]:
    freed = start
    for at in range(start, end, _COMPRESSED_CHUNK_BYTES):
        yield content[at : min(at + _COMPRESSED_CHUNK_BYTES, end)]
        if at - freed > _MAPPED_BYTES:
            freed = _release(content, freed, at)


def _release(content: mmap.mmap, start: int, end: int) -> int:
    """Take what was read out of our memory: the system counts the whole file as ours otherwise."""
    if sys.platform != "win32" and hasattr(content, "madvise"):
        start -= start % mmap.PAGESIZE
        content.madvise(mmap.MADV_DONTNEED, start, end - start)
    return end


def _data_place(content: mmap.mmap, member: Member) -> tuple[int, int]:
    """Return where the content of a member starts and ends."""
    name_length, extra_length = _LENGTHS.unpack_from(content, member.offset + 26)
    start: int = member.offset + _LOCAL_HEADER.size + name_length + extra_length
    return start, start + member.compressed_bytes


def _broken(member: Member) -> UnsafeArchive:
    return UnsafeArchive(f"{member.name!r} in it does not have the size and checksum that its headers say")


def is_safe_name(name: str) -> bool:
    """Tell whether a relative POSIX path stays below its directory and can be shown to a person."""
    return not re.search(_UNSAFE, name) and not {"", ".", ".."} & set(name.split("/"))


def check_names(names: Sequence[str]) -> None:
    """Check that names are safe and unique, and that no file is a directory as well; a directory's ends with ``/``."""
    files = [name for name in names if name[-1:] != "/"]
    directories = {name[:-1] for name in names if name[-1:] == "/"}
    if not _are_plain([*files, *directories]):
        for name in names:
            if not is_safe_name(name.removesuffix("/")):
                raise UnsafeArchive(f"the file name {name!r} is not allowed")
    unique = set(files)
    if len(unique) != len(files):
        raise UnsafeArchive(f"it holds {min(name for name in unique if files.count(name) > 1)!r} twice")
    found: set[str] = set()
    above = directories.union([name.rpartition("/")[0] for name in files])
    while above := above - found - {""}:
        found |= above
        above = {name.rpartition("/")[0] for name in above}
    if clash := unique & found:
        raise UnsafeArchive(f"{min(clash)!r} is a file and a directory in it")


def _are_plain(names: Sequence[str]) -> bool:
    """Tell quickly whether all names are safe; what this says of none has to be judged one by one."""
    text = f"/{'/'.join(names)}/"
    odd = ("\\", ":", "//", "/./", "/../")
    return text.isascii() and text.isprintable() and not any(part in text for part in odd)


def _check_members(members: Sequence[Member]) -> None:
    """Check what the central directory says about each entry."""
    for name, _, flags, method, _, compressed_bytes, size_bytes, mode, _ in members:
        kind = stat.S_IFMT(mode)
        if flags & _IS_ENCRYPTED:
            raise UnsafeArchive(f"{name!r} in it is encrypted")
        if method not in (_DEFLATED, _STORED):
            raise UnsafeArchive(f"{name!r} in it is compressed in a way that wheels do not use")
        # Bits 12-15 mean a file type only for archives made on Unix (APPNOTE 4.4.2), but some tools do not say so.
        if kind not in (stat.S_IFREG, 0) and (kind != stat.S_IFDIR or name[-1] != "/"):
            raise UnsafeArchive(f"{name!r} in it is a link or a device and not a file")
        if size_bytes and name[-1] == "/":
            raise UnsafeArchive(f"the directory {name!r} in it has content")
        if size_bytes > compressed_bytes * (_MAX_DEFLATE_RATIO if method == _DEFLATED else 1):
            raise UnsafeArchive(f"{name!r} in it claims an impossible size")


def _check_layout(content: mmap.mmap, members: Sequence[Member], directory: int) -> None:
    """Check that entries and the central directory fill the file up to the end records without gaps or overlaps."""
    expected = 0
    followers = [member.offset for member in members[1:]]
    for member, following in zip(members, [*followers, directory], strict=True):
        if member.offset != expected:
            raise UnsafeArchive(
                "it holds bytes that belong to no file" if expected else "it does not start with a ZIP entry"
            )
        expected = _member_end(content, member, following)
    if expected != directory:
        raise UnsafeArchive("it holds bytes that belong to no file")


def _member_end(content: mmap.mmap, member: Member, following: int) -> int:
    """Return where an entry ends, after comparing its local header with the central directory."""
    try:
        header = _LOCAL_HEADER.unpack_from(content, member.offset)
    except struct.error as error:
        raise UnsafeArchive(f"{member.name!r} in it lies outside the file") from error
    signature, flags, method, crc, compressed_bytes, size_bytes, name_length, extra_length = header
    name_start = member.offset + _LOCAL_HEADER.size
    name = content[name_start : name_start + name_length]
    local = (name, flags, method, crc, compressed_bytes, size_bytes)
    # member[1:7] is the same of the central directory.
    if signature != b"PK\x03\x04" or (local != member[1:7] and not _agree(member, Member("", *local, 0, 0))):
        raise _contradictory(member)
    end: int = name_start + name_length + extra_length + member.compressed_bytes
    return end + _descriptor_size(content, member, end, following) if flags & _HAS_DESCRIPTOR else end


def _agree(central: Member, local: Member) -> bool:
    """Tell whether what differs between the two headers of an entry may differ."""
    if decode_name(local.stored_name, local.flags) != central.name or local.method != central.method:
        return False
    if (local.flags ^ central.flags) & (_IS_ENCRYPTED | _HAS_DESCRIPTOR):
        return False
    claims = (
        (local.crc, central.crc, 0),
        (local.compressed_bytes, central.compressed_bytes, MAX_32),
        (local.size_bytes, central.size_bytes, MAX_32),
    )
    for stated, known, stands_for_64 in claims:
        # With a descriptor the local header may leave them zero; 0xFFFFFFFF means "see the ZIP64 field".
        may_be_absent = (local.flags & _HAS_DESCRIPTOR and stated == 0) or (stands_for_64 and stated == stands_for_64)
        if stated != known and not may_be_absent:
            return False
    return True


def _descriptor_size(content: mmap.mmap, member: Member, start: int, following: int) -> int:
    """Return the size of the data descriptor at `start`: with or without signature, 32 or 64 bit (APPNOTE 4.3.9)."""
    size = following - start
    crc, compressed_bytes, size_bytes = member.crc, member.compressed_bytes, member.size_bytes
    expected = {
        12: struct.pack("<3I", crc, compressed_bytes & MAX_32, size_bytes & MAX_32),
        20: struct.pack("<I2Q", crc, compressed_bytes, size_bytes),
    }
    expected.update({length + 4: b"PK\x07\x08" + body for length, body in tuple(expected.items())})
    if expected.get(size) != content[start:following]:
        raise _contradictory(member)
    return size


def _contradictory(member: Member) -> UnsafeArchive:
    return UnsafeArchive(f"the two headers of {member.name!r} in it contradict each other")
