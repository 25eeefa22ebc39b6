"""Archives of people who mean harm, and of others: nothing leaves the directory or fills a disk."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import stat
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launcher import unpacking
from launcher.unpacking import Unsound, read_file, unpack

Member = tuple[tarfile.TarInfo, bytes]

ONLY_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="such names, links or limits are POSIX's")


@pytest.fixture(autouse=True)
def no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Python 3.11.0 to 3.11.3 is, and as no test may notice."""
    for name in ("data_filter", "tar_filter", "fully_trusted_filter"):
        monkeypatch.delattr(tarfile, name, raising=False)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    path = tmp_path / "around" / "place"
    path.mkdir(parents=True)
    return path


def file(name: str, content: bytes = b"content", **attributes: object) -> Member:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    for attribute, value in attributes.items():
        setattr(entry, attribute, value)
    return entry, content


def other(name: str, kind: bytes, target: str = "") -> Member:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry, b""


def link(name: str, target: str) -> Member:
    return other(name, tarfile.SYMTYPE, target)


def hard_link(name: str, target: str) -> Member:
    return other(name, tarfile.LNKTYPE, target)


def tar_of(members: Iterable[Member], tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tar_format) as tar:
        for entry, content in members:
            tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def header(kind: bytes, size: int, name: str = "top/x") -> bytes:
    """Return one header as it stands in a tar; tarfile does not write those that lie."""
    entry = tarfile.TarInfo(name)
    entry.type = kind
    block = bytearray(entry.tobuf(tarfile.GNU_FORMAT))
    # Sizes below zero take the base of 256 (GNU).
    block[124:136] = b"%011o\0" % size if size >= 0 else (size + (1 << 96)).to_bytes(12, "big")
    block[148:156] = b"%06o\0 " % (256 + sum(block[:148]) + sum(block[156:]))
    return bytes(block)


def zip_of(*entries: tuple[str, int, bytes]) -> bytes:
    """Return a ZIP file of (name, mode, content)."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as opened:
        for number, (name, mode, content) in enumerate(entries):
            entry = zipfile.ZipInfo(f"placeholder{number}")
            entry.filename, entry.external_attr = name, mode << 16
            opened.NameToInfo.clear()  # it would warn of a name that is there twice
            opened.writestr(entry, content)
    return stream.getvalue()


def unpack_content(content: bytes, place: Path) -> list[str]:
    """Unpack an archive and return what is there now; nothing may be beside it."""
    archive = place.parent.parent / "archive"
    archive.write_bytes(content)
    try:
        unpack(archive, place)
    finally:
        assert list(place.parent.iterdir()) == [place]
    return sorted(path.relative_to(place).as_posix() for path in place.rglob("*"))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("tar_format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_files_keep_their_content_time_and_the_permission_to_execute(
    pack: Callable[[bytes], bytes], tar_format: int, place: Path
) -> None:
    long = "top/" + "ä" * 120
    members = [
        file("top/configure", b"#!/bin/sh\n", mode=0o4777, mtime=1_600_000_000),
        file(long, mode=0o600),
        file("top/x" * 3, size=0),
    ]
    assert unpack_content(pack(tar_of(members, tar_format)), place)[0] == "top"
    configure = (place / "top/configure").stat()
    assert (stat.S_IMODE(configure.st_mode), configure.st_mtime) == (0o755, 1_600_000_000)
    assert (place / long).read_bytes() == b"content"
    assert stat.S_IMODE((place / long).stat().st_mode) == 0o644


@ONLY_POSIX
def test_links_inside_are_made(place: Path) -> None:
    members = [
        link("top/early", "sub/../file"),
        hard_link("top/twin", "./top/file"),
        link("top/sub/up", "../file"),
        link("top/dangling", "nothing"),
        link("top/directory", "sub"),
        file("top/file"),
    ]
    with pytest.raises(Unsound, match="'top/twin' in it is a link to no file"):
        unpack_content(tar_of([hard_link("top/twin", "top/none")]), place)
    unpack_content(tar_of(members), place)
    for name in ("early", "twin", "sub/up", "directory/up"):
        assert (place / "top" / name).read_bytes() == b"content"
    assert os.readlink(place / "top/early") == "file"
    assert (place / "top/twin").stat().st_nlink == 2


LED_ASTRAY = [
    *[
        link("/".join(("deep", *"abcdefgh"[:count], "i" if count == 8 else "abcdefgh"[count])), "x" * 200)
        for count in range(3)
    ],
    link("deep/way", "/".join(["x" * 200] * 18) + "/../../../etc"),
    file("deep/way/escaped"),
]
"""The pattern of CVE-2025-4517: links so long that the filter gave up resolving them."""


@ONLY_POSIX
@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([file("../escaped")], "the file name '../escaped' is not allowed"),
        ([file("/escaped")], "the file name '/escaped' is not allowed"),
        ([file("top/../../escaped")], "is not allowed"),
        ([file("top/a\0b", pax_headers={"path": "top/a\0b"})], "is not allowed"),
        ([file("top/" + "x" * 300)], "is not allowed"),
        ([file("x/" * 3000 + "x")], "x/x/x/…' is not allowed"),
        ([file("x/" * 150 + "x")], "is not allowed"),
        ([file(".")], "is not allowed"),
        ([link("top/link", "/etc/passwd")], "'top/link' in it is a link that leads out of it"),
        ([link("top/link", "../../escaped")], "leads out of it"),
        ([link("top/link", "sub/../../../escaped")], "leads out of it"),
        ([link("top/link", "")], "leads out of it"),
        ([link("top/link", "a\0b")], None),
        ([hard_link("top/link", "../escaped")], "is not allowed"),
        ([hard_link("top/link", "/etc/passwd")], "is not allowed"),
        ([hard_link("top/link", "top")], "is a link to no file"),
        ([link("top/a", "b"), file("top/b"), hard_link("top/c", "top/a")], "is a link to no file"),
        # Through a link, before it and behind it.
        ([link("top/link", "."), file("top/link/x")], "'top/link' is in it twice"),
        ([file("top/link/x"), link("top/link", ".")], "is in it twice"),
        ([link("a", "."), link("a/a/a/c", "../../../x")], "'a' is in it twice"),
        ([link("top/link", "file"), file("top/link")], "is in it twice"),
        (LED_ASTRAY, "leads out of it|is in it twice"),
        ([file("top/x", b"1"), file("top/./x", b"2")], r"'top/\./x' is in it twice"),
        ([file("top/x"), file("top/x/y")], "is in it twice, or as a file and a directory"),
        ([file("top/x/y"), file("top/x")], "is in it twice, or as a file and a directory"),
        ([other("top/x", tarfile.CHRTYPE)], "'top/x' in it is neither a file nor a directory nor a link"),
        ([other("top/x", tarfile.BLKTYPE)], "is neither"),
        ([other("top/x", tarfile.FIFOTYPE)], "is neither"),
        ([other("top/x", b"Z")], "is neither"),
    ],
)
def test_what_a_tar_may_not_hold(members: list[Member], reason: str | None, place: Path) -> None:
    content = tar_of(members)
    if reason is None:
        # The header ends it at the NUL, and so it says something else.
        unpack_content(content, place)
        return
    with pytest.raises(Unsound, match=reason):
        unpack_content(content, place)


@ONLY_POSIX
def test_odd_names_are_only_names(place: Path) -> None:
    names = ["top/\x1b[1mbold", "top/two\nlines", "top/C:\\x", "top/Icon\r", "top/\udcff", "top/ "]
    assert unpack_content(tar_of([file(name) for name in names]), place) == sorted(["top", *names])


@ONLY_POSIX
@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([("../escaped", 0, b"")], "is not allowed"),
        ([("/escaped", 0, b"")], "is not allowed"),
        ([("a\\..\\b", 0, b"")], "is not allowed"),
        ([("C:/x", 0, b"")], "is not allowed"),
        ([("top/link", 0o120777, b"/etc/passwd")], "leads out of it"),
        ([("top/link", 0o120777, b"x" * 5000)], "is not allowed"),
        ([("top/x", 0, b"1"), ("top/x", 0, b"2")], "is in it twice"),
    ],
)
def test_what_a_zip_may_not_hold(entries: list[tuple[str, int, bytes]], reason: str, place: Path) -> None:
    with pytest.raises(Unsound, match=reason):
        unpack_content(zip_of(*entries), place)


@ONLY_POSIX
def test_a_zip_of_a_repository(place: Path) -> None:
    entries = [
        ("top/", 0o40755, b""),
        ("top/run", 0o100755, b"1"),
        ("top/link", 0o120777, b"run"),
        ("top/\x1b", 0, b""),
    ]
    assert unpack_content(zip_of(*entries), place) == ["top", "top/\x1b", "top/link", "top/run"]
    assert os.access(place / "top/link", os.X_OK)


# Memory, time and disks


@pytest.mark.parametrize(
    "content",
    [
        header(tarfile.XHDTYPE, (8 << 30) - 1),
        header(tarfile.XGLTYPE, (8 << 30) - 1),
        header(tarfile.GNUTYPE_LONGNAME, (8 << 30) - 1),
        header(tarfile.GNUTYPE_LONGLINK, (8 << 30) - 1),
        header(tarfile.REGTYPE, 0) + header(tarfile.XHDTYPE, 2 << 20),
        # Releases before 3.11.14 read the whole rest for a size below zero, or begin again without end (CVE-2025-8194).
        header(tarfile.XHDTYPE, -512),
    ],
    ids=["pax", "global", "name", "target", "pax-later", "below-zero"],
)
def test_a_header_without_measure_is_not_brought_into_memory(content: bytes, place: Path) -> None:
    with pytest.raises(Unsound, match="a header in it is larger than any true one"):
        unpack_content(gzip.compress(content + bytes(4 << 20), 1), place)


@pytest.mark.parametrize("size", [-1, -512, -1024])
def test_a_file_smaller_than_nothing(size: int, place: Path) -> None:
    with pytest.raises(Unsound, match=r"contradict one another|neither a tar nor|larger than any true one"):
        unpack_content(header(tarfile.REGTYPE, 0) + header(tarfile.REGTYPE, size) + bytes(4096), place)


def test_headers_are_limited_in_sum(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_MOST_HEADER_BYTES", 8000)
    members = [file(f"top/{number}", pax_headers={"comment": "x" * 500}) for number in range(10)]
    with pytest.raises(Unsound, match="its headers are larger than any true ones"):
        unpack_content(tar_of(members), place)


def test_the_files_of_a_sparse_tar_are_as_large_as_they_say(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GNU tar's map of a sparse file: ten bytes at 2000, and the rest is nothing."""
    content = b"1\n2000\n10\n".ljust(512, b"\0") + b"0123456789"
    sparse = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "top/x",
        "GNU.sparse.realsize": "4000",
    }
    archive = tar_of([file("top/GNUSparseFile.0/x", content, pax_headers=sparse)])
    unpack_content(archive, place)
    assert (place / "top/x").read_bytes() == bytes(2000) + b"0123456789" + bytes(1990)
    monkeypatch.setattr(unpacking, "_MOST_BYTES", 3999)
    with pytest.raises(Unsound, match="claims to hold"):
        unpack_content(archive, place)


def test_the_map_of_a_sparse_file_is_limited(place: Path) -> None:
    sparse = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "top/x", "GNU.sparse.realsize": "1"}
    archive = tar_of([file("top/x", b"999999\n" + b"1\n" * (1 << 20), pax_headers=sparse)])
    with pytest.raises(Unsound, match="a header in it is larger than any true one"):
        unpack_content(gzip.compress(archive, 1), place)


def test_an_archive_that_would_fill_a_disk(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_BOMB_BYTES", 1000)
    monkeypatch.setattr(unpacking, "_BOMB_RATIO", 2)
    zeros = bytes(100_000)
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("top/zeros", zeros)
    for content in (gzip.compress(tar_of([file("top/zeros", zeros)])), zipped.getvalue()):
        with pytest.raises(Unsound, match="it claims to hold 1 files of 0 MiB in 0 KiB"):
            unpack_content(content, place)
        assert list(place.iterdir()) == []


def test_more_files_or_directories_than_a_project_has(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_MOST_FILES", 20)
    files = [f"top/{number}" for number in range(25)]
    for content in (
        tar_of([file(name) for name in files]),
        tar_of([link(name, "x") for name in files]),
        zip_of(*((name, 0, b"") for name in files)),
        tar_of([file("a/" * 12 + "x"), file("b/" * 12 + "x")]),
    ):
        with pytest.raises(Unsound, match=r"it claims to hold 2[0-9] files"):
            unpack_content(content, place)


def test_members_are_not_kept_in_memory(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    write = unpacking._Tree.write
    opened: list[tarfile.TarFile] = []
    original = tarfile.TarFile.next

    def remember(tar: tarfile.TarFile) -> tarfile.TarInfo | None:
        opened.append(tar)
        return original(tar)

    def count(*arguments: object) -> None:
        kept.append(len(opened[-1].members))  # type: ignore[attr-defined]
        write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(tarfile.TarFile, "next", remember)
    monkeypatch.setattr(unpacking._Tree, "write", count)
    unpack_content(tar_of([file(f"top/{number}") for number in range(5)]), place)
    assert kept == [0] * 5


@ONLY_POSIX
def test_a_full_disk_is_no_fault_of_the_archive(place: Path) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    content = tar_of([file("top/x", bytes(300_000))])
    archive = place.parent.parent / "archive"
    archive.write_bytes(content)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError) as caught:
            unpack(archive, place)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.errno == errno.EFBIG


# Damage


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        gzip.compress(b"no archive", mtime=0),
        gzip.compress(tar_of([file("top/x", bytes(20_000))]), mtime=0)[:-30],
        tar_of([file("top/x", bytes(20_000))])[:2000],
        zip_of(("top/x", 0, b"1"))[:-5],
        b"\xfd7zXZ\x00 no archive",
        b"BZh no archive",
        header(tarfile.XHDTYPE, 0) * 1500,
    ],
    ids=["empty", "none", "none-packed", "gzip-cut", "tar-cut", "zip-cut", "no-xz", "no-bzip2", "headers-alone"],
)
def test_what_is_none_or_damaged(content: bytes, place: Path) -> None:
    with pytest.raises(Unsound) as caught:
        unpack_content(content, place)
    assert str(caught.value) and not str(caught.value).endswith(".")


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 5119), st.binary(min_size=1, max_size=12)), min_size=1, max_size=4))
def test_no_damage_is_an_error_of_ours(damages: list[tuple[int, bytes]]) -> None:
    members = [file("top/x", pax_headers={"comment": "ä"}), link("top/y", "x"), hard_link("top/z", "top/x")]
    content = bytearray(tar_of(members))
    for position, damage in damages:
        content[position : position + len(damage)] = damage
    with tempfile.TemporaryDirectory() as directory, suppress(Unsound):
        archive = Path(directory, "archive")
        archive.write_bytes(content)
        unpack(archive, Path(directory, "place"))
    assert not os.path.lexists(directory)


# One file


def test_one_file_is_read_without_unpacking(tmp_path: Path) -> None:
    members = [link("top/PKG-INFO", "x"), file("top/PKG-INFO", b"right"), file("top/PKG-INFO", b"wrong")]
    zipped = zip_of(("top/PKG-INFO", 0, b"right"), ("top/y", 0, b""))
    for content in (gzip.compress(tar_of(members)), zipped):
        path = tmp_path / "archive"
        path.write_bytes(content)
        assert read_file(path, lambda name: name.endswith("INFO"), 5) == b"right"
        assert read_file(path, lambda name: name == "none", 5) is None
        assert read_file(path, lambda name: name.endswith("INFO"), 4) in (None, b"")
