"""Archives of sources: what is in them comes out, and nothing leaves its directory."""

from __future__ import annotations

import errno
import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from launcher import unpacking
from launcher.errors import CacheUnusable, InvalidWheel
from launcher.resolve.source_archive import read_pkg_info, unpack
from tests.support.sdists import Sdist

SDIST = Sdist("demo")


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    content = b"escaped" if kind == tarfile.REGTYPE else b""
    entry.size = len(content)
    return entry, content


@pytest.fixture
def place(tmp_path: Path) -> Path:
    path = tmp_path / "place"
    path.mkdir()
    return path


def test_a_tar_and_its_pkg_info(tmp_path: Path, place: Path) -> None:
    archive = SDIST.write(tmp_path)
    assert read_pkg_info(archive) == SDIST.pkg_info.encode()
    top = unpack(archive, place)
    assert top == place / "demo-1.0"
    assert (top / "src" / "demo.py").read_text() == "VERSION = '1.0'\n"


def test_a_zip_without_pkg_info_keeps_what_is_executable(tmp_path: Path, place: Path) -> None:
    archive = tmp_path / "main.zip"
    archive.write_bytes(SDIST.zip_content)
    with zipfile.ZipFile(archive, "a") as opened:
        entry = zipfile.ZipInfo("demo-main/configure")
        entry.external_attr = 0o100755 << 16
        opened.writestr(entry, "#!/bin/sh\n")
    assert read_pkg_info(archive) is None
    top = unpack(archive, place)
    assert top.name == "demo-main"
    assert (top / "configure").stat().st_mode & 0o111


def test_links_inside_are_fine(tmp_path: Path, place: Path) -> None:
    archive = Sdist("demo", members=[member("demo-1.0/README", tarfile.SYMTYPE, "PKG-INFO")]).write(tmp_path)
    assert (unpack(archive, place) / "README").read_text() == SDIST.pkg_info


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        (
            [member("demo-1.0/link", tarfile.SYMTYPE, "/etc/passwd")],
            "'demo-1.0/link' in it is a link that leads out of it",
        ),
        ([member("other/file")], "it should hold one directory with a project, and holds 2 files and directories"),
    ],
)
def test_what_is_no_sdist(
    members: list[tuple[tarfile.TarInfo, bytes]], reason: str, tmp_path: Path, place: Path
) -> None:
    archive = Sdist("demo", members=members).write(tmp_path)
    with pytest.raises(InvalidWheel) as caught:
        unpack(archive, place)
    assert caught.value.message == f"demo-1.0.tar.gz is not a sound source archive: {reason}."
    assert caught.value.hint


def test_a_link_is_no_project(tmp_path: Path, place: Path) -> None:
    archive = tmp_path / "demo-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(member("demo-1.0", tarfile.SYMTYPE, ".")[0])
    with pytest.raises(InvalidWheel, match="it should hold one directory"):
        unpack(archive, place)


@pytest.mark.parametrize("keep", [0, 5, 60])
def test_a_damaged_archive(keep: int, tmp_path: Path, place: Path) -> None:
    archive = tmp_path / "demo-1.0.tar.gz"
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for entry, content in [member("demo-1.0/pyproject.toml"), member("demo-1.0/x")]:
            tar.addfile(entry, io.BytesIO(content))
    archive.write_bytes(stream.getvalue()[:keep])
    with pytest.raises(InvalidWheel, match="is not a sound source archive"):
        unpack(archive, place)


def test_an_archive_that_would_fill_a_disk(tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_MOST_BYTES", 10)
    archive = SDIST.write(tmp_path)
    for look in (lambda: unpack(archive, place), lambda: read_pkg_info(archive)):
        with pytest.raises(InvalidWheel, match="claims to hold"):
            look()
    assert list(place.iterdir()) == []


def test_a_full_disk(tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", refuse)
    with pytest.raises(CacheUnusable, match=r"demo-1\.0\.tar\.gz cannot be unpacked into the cache: No space left"):
        unpack(SDIST.write(tmp_path), place)
