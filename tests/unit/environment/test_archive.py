"""ZIP files that readers could understand in two ways."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.environment.archive import EntryStream, UnsafeArchive, check_archive, check_names, is_safe_name, mapped
from tests.support.wheels import Wheel


def check(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with zipfile.ZipFile(path) as archive, mapped(path) as mapping:
        check_archive(mapping, archive.infolist())
        for entry in archive.infolist():
            assert b"".join(iter(partial(EntryStream(mapping, entry).read, 7), b"")) == archive.read(entry)


class _Pipe(io.BytesIO):
    """A stream that cannot seek, so that zipfile writes data descriptors."""

    def seekable(self) -> bool:
        return False

    def seek(self, *position: int) -> int:
        raise io.UnsupportedOperation("seek")


def streamed() -> bytes:
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one.txt", b"1" * 100)
        archive.writestr("two.txt", b"2" * 100)
    return pipe.getvalue()


def test_archives_written_to_a_pipe_are_fine(tmp_path: Path) -> None:
    check(tmp_path / "x.zip", streamed())


def test_data_descriptors_must_agree(tmp_path: Path) -> None:
    content = bytearray(streamed())
    descriptor = content.index(b"PK\x07\x08")
    content[descriptor + 12] ^= 1
    with pytest.raises(UnsafeArchive, match=r"the two headers of 'one\.txt' in it contradict"):
        check(tmp_path / "x.zip", bytes(content))


def test_large_archive_structures_are_fine(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, archive.open("x", "w", force_zip64=True) as member:
        member.write(b"x")
    check(tmp_path / "x.zip", stream.getvalue())
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(0x10001):
            archive.writestr(zipfile.ZipInfo(f"{number}"), b"")
    assert b"PK\x06\x06" in stream.getvalue()
    check(tmp_path / "x.zip", stream.getvalue())


def test_the_two_end_records_must_agree(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(0x10001):
            archive.writestr(zipfile.ZipInfo(f"{number}"), b"")
    content = bytearray(stream.getvalue())
    struct.pack_into("<H", content, len(content) - 12, 7)
    with pytest.raises(UnsafeArchive, match="two end records contradict"):
        check(tmp_path / "x.zip", bytes(content))


def test_a_comment_could_hide_a_second_end(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("x", b"")
        archive.comment = b"hello"
    with pytest.raises(UnsafeArchive, match="something behind its end"):
        check(tmp_path / "x.zip", stream.getvalue())


def test_bytes_behind_the_compressed_data_of_an_entry_are_refused(tmp_path: Path) -> None:
    content = bytearray(Wheel("demo", files={"x": "x" * 50}).content)
    size = struct.unpack_from("<I", content, 18)[0]
    content[31 + size : 31 + size] = b"hide"
    directory = content.index(b"PK\x01\x02")
    for offset in (18, directory + 20):
        struct.pack_into("<I", content, offset, size + 4)
    entry = directory
    while content[entry : entry + 4] == b"PK\x01\x02":
        (start,) = struct.unpack_from("<I", content, entry + 42)
        struct.pack_into("<I", content, entry + 42, start + 4 if start else 0)
        entry += 46 + sum(struct.unpack_from("<3H", content, entry + 28))
    struct.pack_into("<I", content, len(content) - 6, directory)
    with pytest.raises(UnsafeArchive, match="'x' in it does not have the size and checksum"):
        check(tmp_path / "x.zip", bytes(content))


@given(st.binary(max_size=3000), st.booleans(), st.integers(1, 4000))
def test_entries_are_read_as_zipfile_reads_them(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, is_deflated: bool, size: int
) -> None:
    path = tmp_path_factory.mktemp("zip") / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if is_deflated else zipfile.ZIP_STORED) as archive:
        archive.writestr("x", content * 3)
    with zipfile.ZipFile(path) as archive, mapped(path) as mapping:
        stream = EntryStream(mapping, archive.infolist()[0])
        assert b"".join(iter(partial(stream.read, size), b"")) == content * 3


@given(st.integers(0, 2000), st.integers(1, 255))
def test_a_flipped_byte_is_never_passed_over(
    tmp_path_factory: pytest.TempPathFactory, position: int, change: int
) -> None:
    whole = Wheel("demo", files={"x": bytes(range(256)) * 4}).content
    spoiled = bytearray(whole)
    spoiled[position % len(whole)] ^= change
    path = tmp_path_factory.mktemp("zip") / "x.zip"
    path.write_bytes(spoiled)
    try:
        with zipfile.ZipFile(path) as archive, mapped(path) as mapping:
            check_archive(mapping, archive.infolist())
            found = {
                e.filename: b"".join(iter(partial(EntryStream(mapping, e).read, 99), b"")) for e in archive.infolist()
            }
    except (UnsafeArchive, zipfile.BadZipFile, zlib.error, NotImplementedError, UnicodeDecodeError):
        return
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        # Times, versions and attributes may differ: they are in one header only, or mean nothing here.
        assert found == {name: archive.read(name) for name in archive.namelist()}


def test_overlapping_entries_are_a_bomb(tmp_path: Path) -> None:
    content = bytearray(Wheel("demo", files={"aaaa": "x" * 50, "bbbb": "x" * 50}).content)
    first = content.index(b"PK\x01\x02")
    second = content.index(b"PK\x01\x02", first + 4)
    struct.pack_into("<I", content, second + 42, 0)
    with pytest.raises(UnsafeArchive, match="bytes that belong to no file"):
        check(tmp_path / "x.zip", bytes(content))


def test_an_impossible_size_is_refused(tmp_path: Path) -> None:
    content = bytearray(Wheel("demo", files={"x": "x" * 50}).content)
    for offset in (22, content.index(b"PK\x01\x02") + 24):
        struct.pack_into("<I", content, offset, 1 << 30)
    with pytest.raises(UnsafeArchive, match="claims an impossible size"):
        check(tmp_path / "x.zip", bytes(content))


@pytest.mark.parametrize("name", ["a", "a/b.py", "a b", "ü.py", "..a", "a..", ".hidden", "a/.b"])
def test_ordinary_names_are_safe(name: str) -> None:
    assert is_safe_name(name)


@pytest.mark.parametrize(
    "name", ["", "/a", "a//b", "a/", "..", "a/../b", "./a", "a\\b", "a\nb", "a\x7f", "\x9bm", "C:/a", "c:"]
)
def test_names_that_could_escape_or_speak_to_a_terminal_are_not(name: str) -> None:
    assert not is_safe_name(name)


@given(st.lists(st.text("ab/.", min_size=1, max_size=6), max_size=6))
def test_accepted_names_can_all_be_made_below_one_directory(names: list[str]) -> None:
    try:
        check_names([(name, name) for name in names])
    except UnsafeArchive:
        return
    files = [name for name in names if not name.endswith("/")]
    assert len(files) == len(set(files))
    for name in files:
        assert not any(other.startswith(name + "/") for other in names)
        assert not {"", ".", ".."} & set(name.split("/"))
