"""A desktop with a file manager that nobody sees, and what was opened on it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import screen as screens
from tests.support.screen import Screen

_OF_THE_DESKTOP = ("gio", "update-desktop-database", "update-mime-database", "xterm", "zenity")
_EDITOR = """\
#!/bin/sh
printf '{"who": "editor", "file": "%s"}\\n' "$1" >> "$EVIDENCE"
"""


@dataclass(frozen=True)
class Desk:
    """A screen with an editor for text and Python, and the file in which whatever is opened says so."""

    screen: Screen
    evidence: Path

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


@pytest.fixture
def screen(environ: dict[str, str], tmp_path: Path) -> Iterator[Screen]:
    """Return a screen with a window manager, or skip the test where the programs for one are missing."""
    missing = [name for name in (*screens.PROGRAMS, *_OF_THE_DESKTOP) if shutil.which(name) is None]
    refuse_missing(missing)
    with Screen(tmp_path, environ) as screen:
        yield screen


def refuse_missing(programs: list[str]) -> None:
    """Skip the test where programs are missing; where CI has installed them all, that they are missing is an error."""
    if programs and os.environ.get("REQUIRE_DOUBLE_CLICKS"):
        pytest.fail(f"these were to be installed: {', '.join(programs)}")
    if programs:
        pytest.skip(f"not installed: {', '.join(programs)}")


@pytest.fixture
def desk(screen: Screen, tmp_path: Path) -> Desk:
    """Return a desk in front of that screen; its editor is the system's, so the home directory is empty."""
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
    refuse_missing([name] if shutil.which(name) is None else [])
    return name
