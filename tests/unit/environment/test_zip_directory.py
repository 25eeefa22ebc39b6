"""The central directory, held against `zipfile`'s reading of it."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.environment.archive import mapped
from launcher.environment.zip_directory import Member, UnsafeArchive, decode_name, read_directory

ENTRY_BYTES, END_BYTES = 46, 22
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=9)


def members(path: Path, content: bytes) -> list[Member]:
    path.write_bytes(content)
    with mapped(path) as mapping:
        found, start = read_directory(mapping)
    assert content[start : start + 4] in (b"PK\x01\x02", b"PK\x05\x06")
    return found


def archive(*names: str, extra: bytes = b"") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name in names:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o100755 << 16
            entry.extra = extra
            made.writestr(entry, name.encode() * 9)
    return stream.getvalue()


def as_zipfile_has_it(content: bytes) -> list[tuple[object, ...]]:
    with zipfile.ZipFile(io.BytesIO(content)) as made:
        return [
            (
                *(e.orig_filename, e.flag_bits, e.compress_type, e.CRC, e.compress_size, e.file_size),
                *(e.external_attr >> 16, e.header_offset),
            )
            for e in made.infolist()
        ]


def without_bytes(found: list[Member]) -> list[tuple[object, ...]]:
    return [(member[0], *member[2:]) for member in found]


@given(st.lists(NAMES, max_size=5, unique=True))
def test_it_is_read_as_zipfile_reads_it(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    content = archive(*names)
    assert without_bytes(members(tmp_path_factory.mktemp("zip") / "x.zip", content)) == as_zipfile_has_it(content)


@given(st.binary(min_size=1, max_size=3), st.integers(0, 400))
def test_what_is_read_of_a_damaged_one_is_what_zipfile_reads(
    tmp_path_factory: pytest.TempPathFactory, damage: bytes, place: int
) -> None:
    content = bytearray(archive("one.py", "grüße.py"))
    place = len(content) - 1 - place % (2 * ENTRY_BYTES + 60)
    content[place : place + len(damage)] = damage
    try:
        found = members(tmp_path_factory.mktemp("zip") / "x.zip", bytes(content))
    except UnsafeArchive:
        return
    # zipfile knows no name behind a NUL, which no name may hold (see archive.py).
    if not any("\0" in member.name for member in found):
        assert without_bytes(found) == as_zipfile_has_it(bytes(content))


def test_names_that_are_not_said_to_be_utf_8_are_of_code_page_437() -> None:
    assert decode_name(b"\x81.py", 0) == "ü.py"
    with pytest.raises(UnsafeArchive, match="is not UTF-8 as it says"):
        decode_name(b"\x81.py", 0x800)


def changed(content: bytes, offset: int, form: str, value: int) -> bytes:
    """Change a field of the first entry of the directory, or of the end where the offset is negative."""
    spoiled = bytearray(content)
    struct.pack_into(form, spoiled, offset + (len(content) if offset < 0 else content.index(b"PK\x01\x02")), value)
    return bytes(spoiled)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (changed(archive("x"), 0, "<I", 0), "its central directory is damaged"),
        (changed(archive("x"), 6, "<H", 64), r"version 6\.4 of the ZIP format"),
        (changed(archive("x"), 28, "<H", 2), "its central directory is cut off"),
        (changed(archive("x"), 32, "<H", 9), "its central directory is cut off"),
        (changed(archive("x", "y"), 32, "<H", 44), "its central directory is cut off"),
        (changed(archive("x"), -12, "<H", 2), "counts its files wrongly"),
        (changed(archive("x"), -6, "<I", 1), "not where its end record says"),
        (changed(archive("x"), -18, "<H", 1), "one part of several"),
        (archive("x")[:-30], "it is not a zip file"),
        (archive("x", extra=b"\x75\x70\xff\x00"), "an extra field in its central directory is cut off"),
    ],
)
def test_a_damaged_directory_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(UnsafeArchive, match=reason):
        members(tmp_path / "x.zip", content)


def with_unicode_name(name: bytes, other: bytes, version: int = 1) -> bytes:
    field = struct.pack("<BI", version, zlib.crc32(name)) + other
    return archive(name.decode(), extra=struct.pack("<2H", 0x7075, len(field)) + field)


def test_another_name_in_an_extra_field_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeArchive, match="has another one beside it"):
        members(tmp_path / "x.zip", with_unicode_name(b"demo.py", b"evil.py"))
    for harmless in (with_unicode_name(b"demo.py", b"demo.py"), with_unicode_name(b"demo.py", b"x", version=2)):
        assert [member.name for member in members(tmp_path / "x.zip", harmless)] == ["demo.py"]


def test_large_sizes_stand_in_a_field_of_their_own(tmp_path: Path) -> None:
    field = struct.pack("<2H3Q", 1, 24, 5 << 32, 4 << 32, 0)
    content = bytearray(archive("x", extra=field))
    entry = content.rindex(b"PK\x01\x02")
    for offset in (20, 24, 42):
        struct.pack_into("<I", content, entry + offset, 0xFFFFFFFF)
    (member,) = members(tmp_path / "x.zip", bytes(content))
    assert (member.size_bytes, member.compressed_bytes, member.offset) == (5 << 32, 4 << 32, 0)
    assert without_bytes([member]) == as_zipfile_has_it(bytes(content))


def test_a_missing_large_size_is_refused(tmp_path: Path) -> None:
    content = bytearray(archive("x", extra=struct.pack("<2HI", 1, 4, 0)))
    struct.pack_into("<I", content, content.rindex(b"PK\x01\x02") + 24, 0xFFFFFFFF)
    with pytest.raises(UnsafeArchive, match="a ZIP64 field in its central directory is cut off"):
        members(tmp_path / "x.zip", bytes(content))


@pytest.mark.parametrize(("disk", "disks", "is_refused"), [(0, 1, False), (1, 1, True), (0, 2, True)])
def test_a_large_archive_of_several_parts_is_refused(tmp_path: Path, disk: int, disks: int, is_refused: bool) -> None:
    content = archive("x")
    end = len(content) - END_BYTES
    count, size, offset = struct.unpack_from("<H2I", content, end + 10)
    large_end = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
    large_end += struct.pack("<4sIQI", b"PK\x06\x07", disk, end, disks)
    content = content[:end] + large_end + content[end:]
    if is_refused:
        with pytest.raises(UnsafeArchive, match="one part of several"):
            members(tmp_path / "x.zip", content)
    else:
        assert without_bytes(members(tmp_path / "x.zip", content)) == as_zipfile_has_it(content)
