from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from launcher.errors import FileNotWritten
from launcher.script.rewriting import rewrite, write_new

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_content_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    script = tmp_path / "x.py"
    script.write_bytes(b"old")
    rewrite(str(script), b"new\r\n", former=b"old")
    assert script.read_bytes() == b"new\r\n"
    assert names(tmp_path) == ["x.py"]


@posix
@pytest.mark.parametrize("mode", [0o755, 0o600, 0o664, 0o4755])
def test_permissions_stay(tmp_path: Path, mode: int) -> None:
    script = tmp_path / "x.py"
    script.write_bytes(b"old")
    script.chmod(mode)
    rewrite(str(script), b"new")
    assert stat.S_IMODE(script.stat().st_mode) == mode


@posix
def test_a_new_file_gets_what_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        rewrite(str(tmp_path / "lock"), b"new")
        write_new(str(tmp_path / "x.py"), b"new", is_executable=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "x.py").stat().st_mode) == 0o750
    assert names(tmp_path) == ["lock", "x.py"]


@posix
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "x.py"
    target.write_bytes(b"old")
    link = tmp_path / "link.py"
    link.symlink_to("real/x.py")
    rewrite(str(link), b"new", former=b"old")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert names(tmp_path) == ["link.py", "real"]


@posix
def test_a_read_only_file_is_left_alone(tmp_path: Path) -> None:
    script = tmp_path / "x.py"
    script.write_bytes(b"old")
    script.chmod(0o444)
    with pytest.raises(FileNotWritten, match="is read-only") as caught:
        rewrite(str(script), b"new")
    assert caught.value.hint == f"To allow it: chmod u+w {script}"
    assert script.read_bytes() == b"old"


@posix
def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "x.py"
    script.write_bytes(b"old")

    def refuse(path: str, *_: object) -> int:  # root may write anywhere
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(FileNotWritten, match=f"no permission to make a file in {tmp_path}"):
        rewrite(str(script), b"new")
    assert script.read_bytes() == b"old"


@posix
def test_a_file_system_that_is_read_only_is_no_matter_of_permissions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "x.py"
    script.write_bytes(b"old")
    described = os.statvfs(script)
    read_only = os.statvfs_result((*described[:8], described.f_flag | os.ST_RDONLY, *described[9:]))
    monkeypatch.setattr(os, "statvfs", lambda _: read_only)
    with pytest.raises(FileNotWritten, match="is on a file system that is read-only") as caught:
        rewrite(str(script), b"new")
    assert "chmod" not in str(caught.value.hint)


def test_a_change_in_the_meantime_is_noticed(tmp_path: Path) -> None:
    script = tmp_path / "x.py"
    script.write_bytes(b"old, and more")
    with pytest.raises(FileNotWritten, match="was changed by somebody else"):
        rewrite(str(script), b"new", former=b"old")
    assert script.read_bytes() == b"old, and more"
    assert names(tmp_path) == ["x.py"]


def test_a_file_that_is_gone_is_not_made_again(tmp_path: Path) -> None:
    with pytest.raises(FileNotWritten, match="is not there"):
        rewrite(str(tmp_path / "x.py"), b"new", former=b"old")
    assert names(tmp_path) == []


def test_a_failure_on_the_way_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "x.py"
    script.write_bytes(b"old")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(FileNotWritten, match="No space left on device"):
        rewrite(str(script), b"new")
    assert script.read_bytes() == b"old"
    assert names(tmp_path) == ["x.py"]


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotWritten, match="is a directory"):
        rewrite(str(tmp_path), b"new")


@posix
def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileNotWritten, match="no regular file"):
        rewrite(str(tmp_path / "pipe"), b"new")


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotWritten) as caught:
        write_new(str(tmp_path / "no" / "x.py"), b"new")
    assert caught.value.hint == f"Make the directory first: {tmp_path / 'no'}"


@pytest.mark.parametrize("has_links", [True, False])
def test_what_is_there_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool) -> None:
    script = tmp_path / "x.py"
    script.write_bytes(b"old")

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    if not has_links:
        monkeypatch.setattr(os, "link", refuse)
        write_new(str(tmp_path / "y.py"), b"y")
        assert (tmp_path / "y.py").read_bytes() == b"y"
        (tmp_path / "y.py").unlink()
    with pytest.raises(FileNotWritten, match="is there already"):
        write_new(str(script), b"new")
    assert script.read_bytes() == b"old"
    assert names(tmp_path) == ["x.py"]
