"""ZIP files that readers could understand in two ways."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.environment import archive
from launcher.environment.archive import (
    UnsafeArchive,
    check_names,
    checked_members,
    is_safe_name,
    mapped,
    read_member,
)
from launcher.inflate import BROKEN
from tests.support.wheels import Wheel

REFUSALS: tuple[type[Exception], ...] = (UnsafeArchive, *BROKEN)


def contents(path: Path, content: bytes) -> dict[str, bytes]:
    path.write_bytes(content)
    with mapped(path) as mapping:
        return {member.name: b"".join(read_member(mapping, member)) for member in checked_members(mapping)}


def check(path: Path, content: bytes) -> None:
    """Compare what is read with what `zipfile` reads."""
    found = contents(path, content)
    with zipfile.ZipFile(path) as whole:
        assert found == {name: whole.read(name) for name in whole.namelist()}


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


@given(st.binary(max_size=3000), st.booleans(), st.integers(1, 4000), st.integers(1, 4000))
def test_entries_are_read_as_zipfile_reads_them(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, is_deflated: bool, piece: int, compressed_piece: int
) -> None:
    path = tmp_path_factory.mktemp("zip") / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if is_deflated else zipfile.ZIP_STORED) as whole:
        whole.writestr("x", content * 3)
        whole.writestr("zeros", bytes(9000))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive, "_CHUNK_BYTES", piece)
        patch.setattr(archive, "_COMPRESSED_CHUNK_BYTES", compressed_piece)
        patch.setattr(archive, "_MAPPED_BYTES", 5000)
        assert contents(path, path.read_bytes()) == {"x": content * 3, "zeros": bytes(9000)}


def test_no_piece_is_larger_than_agreed_upon_whatever_the_headers_say(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as whole:
        whole.writestr("zeros", bytes(40 << 20))
    with mapped(path) as mapping:
        (member,) = checked_members(mapping)
        assert max(len(piece) for piece in read_member(mapping, member)) <= 1 << 20
        small = member._replace(size_bytes=10)
        with pytest.raises(UnsafeArchive, match="does not have the size and checksum"):
            read_member(mapping, small)


@pytest.mark.parametrize("size", [100, 3 << 20])
@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
@pytest.mark.parametrize("wrong", ["crc", "size_bytes"])
def test_what_the_headers_say_is_compared_at_the_end(tmp_path: Path, size: int, compression: int, wrong: str) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", compression) as whole:
        whole.writestr("x", bytes(range(100)) * (size // 100))
    with mapped(path) as mapping:
        (member,) = checked_members(mapping)
        assert len(b"".join(read_member(mapping, member))) == size // 100 * 100
        for change in (-1, 1):
            lying = member._replace(**{wrong: getattr(member, wrong) + change})
            with pytest.raises(UnsafeArchive, match="does not have the size and checksum"):
                b"".join(read_member(mapping, lying))


@given(st.integers(0, 2000), st.integers(1, 255))
def test_a_flipped_byte_is_never_passed_over(
    tmp_path_factory: pytest.TempPathFactory, position: int, change: int
) -> None:
    whole = Wheel("demo", files={"x": bytes(range(256)) * 4}).content
    spoiled = bytearray(whole)
    spoiled[position % len(whole)] ^= change
    try:
        found = contents(tmp_path_factory.mktemp("zip") / "x.zip", bytes(spoiled))
    except REFUSALS:
        return
    with zipfile.ZipFile(io.BytesIO(whole)) as sound:
        # Times, versions and attributes may differ: they are in one header only, or mean nothing here.
        assert found == {name: sound.read(name) for name in sound.namelist()}


def test_an_empty_file_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(UnsafeArchive, match="not a zip file, but empty"):
        contents(tmp_path / "x.zip", b"")


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
        check_names(names)
    except UnsafeArchive:
        return
    files = [name for name in names if not name.endswith("/")]
    assert len(files) == len(set(files))
    for name in files:
        assert not any(other.startswith(name + "/") for other in names)
        assert not {"", ".", ".."} & set(name.split("/"))
