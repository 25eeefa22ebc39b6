"""ZIP files that readers could understand in two ways."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.environment.archive import UnsafeArchive, check_archive, check_names, is_safe_name
from tests.support.wheels import Wheel


def check(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with zipfile.ZipFile(path) as archive:
        check_archive(path, archive.infolist())


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
