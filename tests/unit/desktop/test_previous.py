"""The application that gets Python files that are not for pyscript."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from launcher.desktop import previous, windows
from launcher.desktop.changes import REG_SZ, encoded
from launcher.desktop.journal import Journal, JournalFile, State
from launcher.desktop.previous import previous_application
from tests.support.registry import ModelRegistry


def remember(data: Path, opener: str) -> JournalFile:
    file = JournalFile(data)
    file.directory.mkdir(mode=0o700, parents=True)
    file.write(Journal(State.COMPLETE, "1.0", "linux", "/p", True, opener, ()))
    return file


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Return the variables of somebody with two editors, of which the lists name the second."""
    applications = tmp_path / "applications"
    applications.mkdir()
    for name in ("first", "second"):
        (applications / f"{name}.desktop").write_text(f"[Desktop Entry]\nName={name}\nExec=sh {name} %f\n")
    (applications / "mimeapps.list").write_text("[Default Applications]\ntext/plain=gone.desktop;second.desktop;\n")
    return {
        "HOME": str(tmp_path),
        "PYSCRIPT_DATA_DIR": str(tmp_path / "data"),
        "XDG_DATA_HOME": str(tmp_path),
        "XDG_DATA_DIRS": "/none",
        "XDG_CONFIG_DIRS": "/none",
        "PATH": os.defpath,
    }


@pytest.mark.parametrize(("opener", "name"), [("first.desktop", "first"), ("gone.desktop", "second"), ("", "second")])
def test_it_is_the_remembered_one_or_the_next_best(
    environ: dict[str, str], tmp_path: Path, opener: str, name: str
) -> None:
    remember(tmp_path / "data", opener)
    found = previous_application(environ)
    assert found is not None
    assert found.command("/x.py") == ("sh", name, "/x.py")


def test_without_a_journal_or_with_a_damaged_one_it_is_the_next_best(environ: dict[str, str], tmp_path: Path) -> None:
    for content in (None, b"damaged"):
        if content:
            remember(tmp_path / "data", "first.desktop").path.write_bytes(content)
        found = previous_application(environ)
        assert found is not None
        assert found.name == "second"


def test_there_may_be_none(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "applications" / "mimeapps.list").unlink()
    assert previous_application(environ) is None


def test_on_windows_it_is_what_the_registry_says(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = ModelRegistry()
    command = r"HKEY_LOCAL_MACHINE\Software\Classes\Python.File\shell\open\command"
    registry.set(command, "", encoded(REG_SZ, r'"C:\py.exe" "%1" %*'))
    registry.set(r"HKEY_CURRENT_USER\Software\Classes\.py", "", encoded(REG_SZ, windows.PROG_IDS[".py"]))
    monkeypatch.setattr(previous, "open_registry", lambda: registry)
    remember(tmp_path / "data", "Python.File")
    found = previous_application(environ)
    assert found is not None
    assert found.command("x.py") == (r"C:\py.exe", "x.py")
