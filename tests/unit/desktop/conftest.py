"""A home directory, and stand-ins for the programs that generate databases in it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from launcher.desktop.machine import Machine


def generate(words: Sequence[str]) -> None:
    """Do what the programs do that generate databases, as far as files go."""
    program, root = words[0], Path(words[-1])
    if program == "update-mime-database":
        packages = sorted((root / "packages").glob("*.xml"))
        (root / "text").mkdir(exist_ok=True)
        (root / "mime.cache").write_bytes(b"".join(path.read_bytes() for path in packages))
        for path in packages:
            (root / "text" / path.name).write_bytes(path.read_bytes())
    elif program == "update-desktop-database":
        (root / "mimeinfo.cache").write_bytes(b"".join(path.read_bytes() for path in sorted(root.glob("*.desktop"))))


@pytest.fixture(autouse=True)
def _no_power_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no disk: what is asked here is what a killed process leaves."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def machine() -> Machine:
    return Machine(run=generate, find=lambda name: name)


def everything_in(home: Path) -> dict[str, bytes | str | None]:
    """Return each file, link and directory below a directory with what it holds."""
    found: dict[str, bytes | str | None] = {}
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        found[name] = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
    return found
