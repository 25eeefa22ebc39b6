"""A file manager on a private screen, and a person who double-clicks in it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.support.picture import Box
from tests.support.screen import Screen, Window

_SIZE = (960, 620)
_FIRST_FILE = "2026-11 letter from Ada.txt"
"""Wider than the names that tests use: the grid that icons stand in does not change with the next one."""


class FileManager:
    """A window of the file manager `program` on `folder`; use as a context manager.

    Files are put where `drop` says, and their icons found as what has changed on the screen then.
    """

    def __init__(self, screen: Screen, folder: Path, program: str = "pcmanfm") -> None:
        self.screen, self.folder, self.program = screen, folder, program
        self._icons: dict[Path, Box] = {}
        self._clicks = 0

    def __enter__(self) -> FileManager:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / _FIRST_FILE).write_text("Dear friend,\n")
        self._process: subprocess.Popen[bytes] = self.screen.start(self.program, self.folder)
        self.window: Window = self.screen.wait_for_window(f"^{self.folder.name}( - .*)?$")
        self.screen.move(self.window, 0, 0)
        self.screen.resize(self.window, *_SIZE)
        self._move_away()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def drop(self, name: str, content: str | bytes, mode: int = 0o644) -> Path:
        """Put a file into the folder and learn where its icon is.

        It is renamed into place: one that is empty for a moment is taken for a text.
        """
        assert name > _FIRST_FILE, "icons are sorted"
        assert all(name > path.name for path in self._icons), "icons are sorted, and those after this one would move"
        aside = self.folder.parent / f".{self.folder.name}-{name}"
        aside.write_bytes(content if isinstance(content, bytes) else content.encode())
        aside.chmod(mode)
        before = self.screen.wait_until_steady(self._contents)
        path = self.folder / name
        os.replace(aside, path)
        self.screen.wait_until(
            lambda: before.largest_change(self.screen.picture(), self._contents()), f"there is an icon of {name}"
        )
        after = self.screen.wait_until_steady(self._contents)
        change = before.largest_change(after, self._contents())
        assert change is not None
        self._icons[path] = change
        return path

    def double_click(self, path: Path) -> None:
        """Double-click on the icon of a file that was dropped.

        Each time somewhere else on its upper half, where no text is: two in the same place are one of four clicks.
        """
        self._clicks += 1
        self.screen.activate(self.window)
        self._move_away()
        # Only around it: in a window that lies before the other icons a bar may move.
        icon = self._icons[path]
        self.screen.wait_until_steady(lambda: icon)
        left, top = (icon.left + icon.right) // 2 - 5, icon.top + (icon.bottom - icon.top) // 4
        self.screen.click(left + 10 * (self._clicks % 2), top, times=2)

    def _contents(self) -> Box:
        """Return where icons are: not the sidebar, nor the lines above and below that say how many there are."""
        width, height = _SIZE
        return Box(175, 85, width - 20, height - 20)

    def _move_away(self) -> None:
        """Move the mouse to where nothing lights up below it; after a start it is an hourglass that turns."""
        self.screen.point_at(990, 690)
