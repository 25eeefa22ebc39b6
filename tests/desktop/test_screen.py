"""The private screen that double-clicks are tested on: what it tells is so, and nothing of it stays behind."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

from tests.desktop.conftest import Desk
from tests.support.file_manager import FileManager
from tests.support.picture import Box, Picture
from tests.support.screen import Screen


def test_a_double_click_opens_what_was_clicked_on(desk: Desk, file_manager: str, tmp_path: Path) -> None:
    """Nothing of pyscript is installed here: a file with a block is the editor's like any other."""
    with FileManager(desk.screen, tmp_path / "letters", file_manager) as letters:
        with_block = letters.drop("a b%.py", "# /// script\n# ///\n")
        plain = letters.drop("plain.py", "print()\n")
        letters.double_click(plain)
        assert desk.wait_until_written(1) == {"who": "editor", "file": str(plain)}
        letters.double_click(with_block)
        assert desk.wait_until_written(2) == {"who": "editor", "file": str(with_block)}


def test_windows_are_found_pictured_and_closed(screen: Screen) -> None:
    process = screen.start("zenity", "--info", "--title=Tea is ready", "--text=Two cups")
    window = screen.wait_for_window("^Tea")
    assert screen.titles() == ["Tea is ready"]
    box = screen.box_of(window)
    content = screen.save_picture("tea", window).read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) == (box.right - box.left + 2, box.bottom - box.top + 21)
    screen.dismiss(window, "Return")
    assert process.wait() == 0
    assert screen.windows() == []


def test_whatever_runs_on_a_screen_ends_with_it(environ: dict[str, str], tmp_path: Path, screen: Screen) -> None:
    """Also what has left its parents, and does not want to."""
    with Screen(tmp_path / "other", environ) as other:
        stubborn = "trap '' TERM HUP; echo $$ > pid; while true; do sleep 1; done"
        other.start("setsid", "sh", "-c", f'sh -c "{stubborn.replace("$", chr(92) + "$")}" &')
        pid = int(other.wait_until(lambda: _text(other.home / "pid"), "it runs"))
        assert pid in other.running()
        assert pid not in screen.running()
    assert other.running() == {}
    assert not Path(f"/proc/{pid}").exists() or _state(pid) == "Z"


def test_a_change_is_found_where_it_is() -> None:
    before = Picture(320, 200, bytes(4 * 320 * 200))
    rows = bytearray(before.pixels)
    for y in range(80, 110):
        rows[4 * (320 * y + 160) : 4 * (320 * y + 200)] = b"\x7f" * 160
    rows[4 * (320 * 10 + 10) : 4 * (320 * 10 + 12)] = b"\x7f" * 8
    after = Picture(320, 200, bytes(rows))
    everywhere = Box(0, 0, 320, 200)
    assert before.largest_change(after, everywhere) == Box(160, 80, 200, 112)
    assert before.largest_change(after, Box(0, 0, 100, 100)) == Box(8, 8, 16, 16)
    assert before.largest_change(before, everywhere) is None
    assert before.is_blank
    assert not after.is_blank


def _text(path: Path) -> str:
    with suppress(FileNotFoundError):
        return path.read_text().strip()
    return ""


def _state(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return "Z"
