"""A desktop with a file manager that nobody sees, and what was opened on it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import program_path, refuse_missing
from tests.support.screen import Screen

_EDITOR = """\
#!/bin/sh
printf '{"who": "editor", "file": "%s"}\\n' "$1" >> "$EVIDENCE"
"""


@dataclass(frozen=True)
class Desk:
    """A screen with an editor for text and Python, and the file in which whatever is opened says so."""

    screen: Screen
    evidence: Path

    @property
    def data(self) -> Path:
        """Where pyscript keeps what is no cache."""
        return self.screen.home / ".local" / "share" / "pyscript"

    def wrote(self) -> list[dict[str, Any]]:
        """Return what was written by what was opened, in that order."""
        if not self.evidence.exists():
            return []
        return [json.loads(line) for line in self.evidence.read_text(encoding="utf-8").splitlines()]

    def wait_until_written(self, count: int = 1) -> dict[str, Any]:
        """Return the latest of `count` entries once they are all there."""
        self.screen.wait_until(lambda: len(self.wrote()) >= count, f"{count} things were opened")
        assert len(self.wrote()) == count
        return self.wrote()[-1]

    def wait_until_all_ended(self) -> None:
        """Return when nothing of pyscript runs any more, nor what it shows windows with."""
        self.screen.wait_until(lambda: not self._running(), "nothing of pyscript is running")

    def _running(self) -> list[str]:
        ours = (str(program_path().parent), self.screen.environ["PYSCRIPT_CACHE_DIR"])
        shown = ("zenity", "xterm", "kdialog")
        lines = self.screen.running().values()
        return [line for line in lines if line.startswith(shown) or any(path in line for path in ours)]


@pytest.fixture
def desk(screen: Screen, tmp_path: Path) -> Desk:
    """Return a desk in front of that screen; its editor is the system's, so the home directory is empty."""
    refuse_missing("gio", "update-desktop-database", "update-mime-database", "xterm", "zenity")
    evidence, editor = tmp_path / "evidence.jsonl", tmp_path / "editor"
    screen.environ["EVIDENCE"] = str(evidence)
    editor.write_text(_EDITOR)
    editor.chmod(0o755)
    entry = {"Type": "Application", "Name": "Editor", "Exec": f"{editor} %f", "MimeType": "text/plain;text/x-python;"}
    lines = ["[Desktop Entry]", *(f"{key}={value}" for key, value in entry.items())]
    applications = screen.system / "share" / "applications"
    (applications / "editor.desktop").write_text("\n".join(lines) + "\n")
    subprocess.run(["update-desktop-database", applications], env=screen.environ, check=True)
    return Desk(screen, evidence)


@pytest.fixture(params=["pcmanfm", "thunar"])
def file_manager(request: pytest.FixtureRequest) -> str:
    """Return the name of a file manager."""
    name: str = request.param
    refuse_missing(name)
    return name


def tree_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return everything below a folder: modes and contents by name, where a link leads as its content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        content = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = (stat.S_IMODE(path.lstat().st_mode), content)
    return found
