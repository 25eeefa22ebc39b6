"""`pyscript desktop`: what a desktop opens scripts with, asked of its own programs, in a home directory of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import Program, program_path
from tests.unit.desktop.conftest import everything_in

PROGRAMS = ("gio", "update-mime-database", "update-desktop-database")

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or not all(map(shutil.which, PROGRAMS)),
    reason="needs a desktop of freedesktop.org: " + ", ".join(PROGRAMS),
)

BLOCK = "# /// script\n# dependencies = []\n# ///\n"
EDITOR = "[Desktop Entry]\nType=Application\nName=Editor\nExec={} %F\nMimeType=text/plain;text/x-python;\n"


class Desk:
    """A home directory with an editor for Python files, what opens files there, and pyscript."""

    def __init__(self, home: Path, program: Program) -> None:
        self.home, self.program = home, program
        self.data = home / ".local" / "share"
        self.list = home / ".config" / "mimeapps.list"
        self.opened = home.parent / "opened"
        self.files = home.parent / "files"
        self.files.mkdir()
        system = home.parent / "system"
        (system / "applications").mkdir(parents=True)
        recorder = self.recorder(system / "editor", "editor")
        (system / "applications" / "editor.desktop").write_text(EDITOR.format(recorder))
        subprocess.run(["update-desktop-database", system / "applications"], check=True)
        program.environ["XDG_DATA_DIRS"] = f"{system}:/usr/share"

    def recorder(self, path: Path, name: str) -> Path:
        """Make a program that notes what it was called with."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"""#!/bin/sh\nprintf '%s\\n' {name} "$@" > '{self.opened}.new'\nmv '{self.opened}.new' '{self.opened}'\n"""
        )
        path.chmod(0o755)
        return path

    def __call__(self, *words: str | Path) -> str:
        """Run a program of the desktop and return what it says."""
        done = subprocess.run(
            words, env=self.program.variables({"LC_ALL": "C.UTF-8"}), capture_output=True, text=True, check=False
        )
        return done.stdout

    def pyscript(self, *words: str) -> str:
        done = self.program("desktop", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def status(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.program("desktop", "status", "--json").stdout)
        return found

    def write(self, name: str, content: str) -> Path:
        (self.files / name).write_text(content)
        return self.files / name

    def type_of(self, path: Path) -> str:
        return self("gio", "info", "-a", "standard::content-type", path).split()[-1]

    def default_of(self, mime_type: str) -> str:
        first = self("gio", "mime", mime_type).partition("\n")[0]
        return first.rpartition(": ")[2]

    def open(self, path: Path) -> list[str]:
        """Open a file as a file manager does, and return the words of the recorder that was called."""
        self.opened.unlink(missing_ok=True)
        self("gio", "open", path)
        for _ in range(2400):
            if self.opened.exists():
                return self.opened.read_text().splitlines()
            time.sleep(0.025)
        raise AssertionError("nothing was opened")


@pytest.fixture
def desk(home: Path, run_pyscript: Program) -> Desk:
    return Desk(home, run_pyscript)


def test_scripts_with_a_block_are_opened_by_pyscript_and_others_by_the_editor(desk: Desk) -> None:
    named = desk.home.parent / 'my "tools" $HOME `é\\' / "pyscript"
    named.parent.mkdir()
    shutil.copy(program_path(), named)
    desk.program.environ["PATH"] = f"{named.parent}:{desk.program.environ['PATH']}"
    desk.pyscript("install")
    desk.recorder(named, "pyscript")
    script, plain = desk.write("my report 100%.py", BLOCK), desk.write("plain.py", "print()\n")
    window = desk.write("window.pyw", f"#!/usr/bin/env python3\n'''é'''\n{BLOCK}")
    assert [desk.type_of(each) for each in (script, window)] == ["text/x-pep723-script"] * 2
    assert desk.open(script) == ["pyscript", "open", str(script)]
    assert desk.open(window) == ["pyscript", "open", str(window)]
    assert desk.open(plain) == ["editor", str(plain)]
    desk.pyscript("uninstall")
    assert desk.open(script) == ["editor", str(script)]


def test_all_python_files_can_be_for_pyscript_which_knows_who_they_were_for(desk: Desk) -> None:
    assert "files without a block are for Editor (editor.desktop)" in desk.pyscript("install", "--all-python")
    for mime_type in ("text/x-pep723-script", "text/x-python", "text/x-python3"):
        assert desk.default_of(mime_type) == "pyscript-open.desktop"
    # Installing again asks the journal, not the desktop, who opened them before.
    desk.pyscript("install", "--all-python")
    assert desk.status()["previous_application"] == "editor.desktop"
    desk.pyscript("install")
    assert desk.default_of("text/x-python") == "editor.desktop"


def test_the_entry_is_valid(desk: Desk) -> None:
    validate = shutil.which("desktop-file-validate")
    if validate is None:
        pytest.skip("desktop-file-validate is not installed")
    desk.pyscript("install", "--all-python")
    assert desk(validate, desk.data / "applications" / "pyscript-open.desktop") == ""


@pytest.mark.parametrize("is_used", [False, True])
def test_uninstalling_leaves_the_home_directory_byte_for_byte(desk: Desk, is_used: bool) -> None:
    if is_used:
        (desk.data / "mime" / "packages").mkdir(parents=True)
        package = '<?xml version="1.0"?>\n<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">'
        package += '<mime-type type="x-my/thing"><glob pattern="*.thing"/></mime-type></mime-info>'
        (desk.data / "mime" / "packages" / "mine.xml").write_text(package)
        (desk.data / "applications").mkdir()
        shutil.copy(desk.home.parent / "system/applications/editor.desktop", desk.data / "applications/mine.desktop")
        desk("update-mime-database", desk.data / "mime")
        desk("update-desktop-database", desk.data / "applications")
        desk.list.parent.mkdir()
        desk.list.write_bytes(b"# mine\r\n[Added Associations]\r\ntext/x-python=mine.desktop;\r\n\xff")
    before = everything_in(desk.home)
    for options in (["--all-python"], []):
        desk.pyscript("install", *options)
        assert (desk.data / "mime" / "mime.cache").read_bytes().count(b"text/x-pep723-script")
    assert desk.program("desktop", "status").returncode == 0
    desk.pyscript("uninstall")
    assert everything_in(desk.home) == before
    assert "not set up" in desk.pyscript("uninstall")
    assert everything_in(desk.home) == before


def test_a_dry_run_lists_everything_and_changes_nothing(desk: Desk) -> None:
    shown = desk.pyscript("install", "--dry-run", "-v")
    assert everything_in(desk.home) == {}
    desk.pyscript("install")
    installed = everything_in(desk.home)
    written = {str(desk.home / name) for name, content in installed.items() if content is not None}
    generated = {path for path in written if "/share/mime/" in path and "packages" not in path}
    generated |= {str(desk.data / "applications" / "mimeinfo.cache")}
    assert {path for path in written - generated if path not in shown} == set()
    for words in ("Exec=", "<magic", "text/x-pep723-script=pyscript-open.desktop", f"{desk.data}/mime  by update-mime"):
        assert words in shown
    undone = desk.pyscript("uninstall", "--dry-run")
    assert everything_in(desk.home) == installed
    assert undone.count("removed") == 4
    assert {f"  {desk.home / name}" for name, content in installed.items() if content is None} <= {
        *undone.splitlines(),
        f"  {desk.data}/mime/text",  # generated
    }


def test_it_is_silent_when_asked_to_be(desk: Desk) -> None:
    assert [desk.pyscript(each, "-q") for each in ("install", "install", "uninstall", "uninstall")] == [""] * 4


def test_a_list_for_one_desktop_comes_first_and_is_not_forgotten(desk: Desk) -> None:
    desk.list.parent.mkdir()
    kde = desk.list.with_name("kde-mimeapps.list")
    kde.write_bytes(b"[Default Applications]\ntext/x-python=editor.desktop\n")
    before = everything_in(desk.home)
    desk.program.environ["XDG_CURRENT_DESKTOP"] = "KDE"
    desk.pyscript("install", "--all-python")
    assert desk.status()["taken_over_by"] == {}
    assert desk.default_of("text/x-python") == "pyscript-open.desktop"
    assert desk.status()["previous_application"] == "editor.desktop"
    desk.pyscript("install")
    assert kde.read_bytes() == b"[Default Applications]\ntext/x-python=editor.desktop\n"
    desk.pyscript("uninstall")
    assert everything_in(desk.home) == before


def test_the_status_tells_what_others_did(desk: Desk) -> None:
    assert desk.program("desktop", "status").returncode == 1
    assert desk.status() == {"installed": False}
    desk.pyscript("install")
    assert (desk.status()["problems"], desk.status()["handler"]) == ([], str(program_path()))
    desk("gio", "mime", "text/x-pep723-script", "editor.desktop")
    assert desk.status()["taken_over_by"] == {"text/x-pep723-script": "editor.desktop"}
    (desk.data / "applications" / "pyscript-open.desktop").unlink()
    done = desk.program("desktop", "status")
    assert done.returncode == 1
    assert "text/x-pep723-script is opened by editor.desktop now" in done.stderr
    assert "pyscript-open.desktop is missing" in done.stderr
    desk.pyscript("install")
    assert desk.default_of("text/x-pep723-script") == "pyscript-open.desktop"
    entry = desk.data / "applications" / "pyscript-open.desktop"
    entry.write_bytes(entry.read_bytes() + b"X-Mine=true\n")
    assert f"warning: {entry} stays: it was changed by somebody else." in desk.program("desktop", "uninstall").stderr
    entry.unlink()
    assert desk.default_of("text/x-pep723-script") == "editor.desktop"
    assert b"pyscript" not in desk.list.read_bytes()


def test_the_status_tells_that_the_program_is_gone(desk: Desk) -> None:
    named = desk.home.parent / "tools" / "pyscript"
    named.parent.mkdir()
    shutil.copy(program_path(), named)
    path = desk.program.environ["PATH"]
    desk.program.environ["PATH"] = f"{named.parent}:{path}"
    desk.pyscript("install")
    assert desk.status()["handler"] == str(named)
    named.unlink()
    assert desk.status()["handler_exists"] is False
    script = desk.write("x.py", BLOCK)
    assert desk.open(script) == ["editor", str(script)]
    # Another installation takes over, and removes what the first one made.
    desk.pyscript("install")
    assert (desk.status()["handler"], desk.status()["problems"]) == (str(program_path()), [])
    desk.pyscript("uninstall")
    left = everything_in(desk.home)
    left.pop(".cache", None)  # of gio
    assert left == {}


def test_a_program_in_a_cache_is_warned_of(desk: Desk) -> None:
    named = desk.home.parent / ".cache" / "uv" / "pyscript"
    named.parent.mkdir(parents=True)
    shutil.copy(program_path(), named)
    desk.program.environ["PATH"] = f"{named.parent}:{desk.program.environ['PATH']}"
    assert "is in a cache" in desk.program("desktop", "install").stderr


KILLED = """
import os, signal, sys
from launcher.desktop import machine
from launcher.script import rewriting
left = int(sys.argv.pop(1))
def dying(call):
    def wrapper(*args, **kwargs):
        global left
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return call(*args, **kwargs)
    return wrapper
os.replace = dying(os.replace)
machine.subprocess.run = dying(machine.subprocess.run)
from launcher.cli.desktop import main
sys.exit(main(sys.argv[1:]))
"""


def test_killed_at_any_moment_it_is_undone_to_the_last_byte(desk: Desk) -> None:
    desk.list.parent.mkdir()
    desk.list.write_bytes(b"[Default Applications]\ntext/plain=editor.desktop\n")
    desk.data.mkdir(parents=True)
    before = everything_in(desk.home)
    for left in range(8):
        command = [sys.executable, "-c", KILLED, str(left), "install", "--all-python"]
        killed = subprocess.run(command, env=desk.program.variables(), capture_output=True, check=False)
        assert killed.returncode == -9, killed.stderr
        if left:
            assert "interrupted" in desk.program("desktop", "status").stderr
        desk.pyscript("uninstall")
        assert everything_in(desk.home) == before, left


def test_several_at_once_take_their_turns(desk: Desk) -> None:
    words = [["install"], ["install", "--all-python"], ["uninstall"], ["install"], ["uninstall"]]
    started = [desk.program.start("desktop", *each) for each in words]
    assert [(each.wait(), each.stderr.read() if each.stderr else "") for each in started if each.wait()] == []
    desk.pyscript("uninstall")
    assert everything_in(desk.home) == {}


def test_without_a_place_for_data_it_says_so(desk: Desk) -> None:
    done = desk.program("desktop", "install", env={"HOME": None, "XDG_DATA_HOME": None})
    assert done.returncode == 1
    assert "There is no place to note what is changed" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_data_directory_that_may_not_be_written_is_said(desk: Desk) -> None:
    desk.data.mkdir(parents=True)
    desk.data.chmod(0o555)
    before = everything_in(desk.home)
    done = desk.program("desktop", "install")
    assert (done.returncode, everything_in(desk.home)) == (1, before)
    assert "Permission denied" in done.stderr
