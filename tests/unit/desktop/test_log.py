"""The logs of opened scripts: written, cut, removed, and never in the way."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from launcher.desktop import log as log_module
from launcher.desktop.log import FOLDER, Log


def test_a_log_has_what_was_done_and_what_the_script_said(tmp_path: Path) -> None:
    log = Log.open(tmp_path / "data", "/home/me/my report.py")
    log.write("Opening it \udcff")
    log.begin_output()
    os.write(log.descriptor, b"said \xff\n")
    assert log.output() == "said \ufffd\n"
    log.write("It has ended.")
    log.close()
    path = Path(log.path)
    assert path.parent == tmp_path / "data" / FOLDER
    assert path.name.startswith("my_report-")
    lines = path.read_bytes().splitlines()
    assert [line[20:] for line in (lines[0], lines[-1])] == [b"Opening it \\udcff", b"It has ended."]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 or os.name == "nt"


def test_another_process_goes_on_with_it(tmp_path: Path) -> None:
    first = Log.open(tmp_path, "x.py")
    first.write("one")
    second = Log.append(first.path)
    second.write("two")
    first.write("three")
    assert [line.split()[-1] for line in Path(first.path).read_text().splitlines()] == ["one", "two", "three"]


def test_where_no_log_can_be_written_there_is_none(tmp_path: Path) -> None:
    for log in (Log.append(""), Log.append(str(tmp_path / "gone"))):
        log.begin_output()
        log.write("something")
        log.cut()
        assert (log.path, log.output()) == ("", "")
        log.close()


@pytest.mark.skipif(os.name == "nt", reason="a file that is open cannot be removed there")
def test_what_a_script_said_can_be_shown_where_it_cannot_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "_LARGEST_BYTES", 100)
    monkeypatch.setattr(log_module, "_KEPT_BYTES", 10)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    log = Log.open(None, "x.py")
    log.write("Opening it")
    log.begin_output()
    os.write(log.descriptor, b"ValueError: why\n")
    assert (log.path, log.output()) == ("", "ValueError: why\n")
    os.write(log.descriptor, b"x" * 100 + b"\n")
    log.cut()
    os.write(log.descriptor, b"end\n")
    assert log.output().endswith("\nxxxxxxxxx\nend\n")
    assert list((tmp_path / "tmp").iterdir()) == []
    log.close()


@pytest.mark.parametrize("letter", ["a", "\u00fc", "\u5b57", "\U00020000", "\udcff"])
def test_a_long_name_has_a_log(letter: str, tmp_path: Path) -> None:
    log = Log.open(tmp_path, letter * 250 + ".py")
    assert Path(log.path).exists()
    log.close()


def test_old_logs_go_and_so_do_the_oldest_of_many(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    now = time.time()
    ages = {"old.log": 31 * 86_400, "kept.txt": 10**8, **{f"{number}.log": 60 * number for number in range(1, 61)}}
    for name, age in ages.items():
        (folder / name).write_text("")
        os.utime(folder / name, (now - age, now - age))
    log = Log.open(tmp_path, "x.py")
    left = {path.name for path in folder.iterdir()} - {Path(log.path).name}
    assert left == {"kept.txt", *(f"{number}.log" for number in range(1, 50))}


def test_a_log_that_has_become_long_keeps_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_LARGEST_BYTES", 1000)
    monkeypatch.setattr(log_module, "_KEPT_BYTES", 100)
    log = Log.open(tmp_path, "x.py")
    log.begin_output()
    os.write(log.descriptor, b"x" * 900)
    log.cut()
    assert os.path.getsize(log.path) > 900
    os.write(log.descriptor, b"y" * 150)
    log.cut()
    assert Path(log.path).read_bytes() == b"--- what came before was cut off\n" + b"y" * 100
    os.write(log.descriptor, b"end\n")
    assert log.output().endswith("yend\n")
