"""Which editor is taken, and how it is told to open a script."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from launcher.cli.editor import Editor, find_editor
from launcher.errors import CommandNotFound, UsageError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="programs are told by their suffix there")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    for name in ("code", "vim", "mine", "with blank"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def found(programs: Path, chosen: str | None = None, **environ: str) -> list[str]:
    editor = find_editor(chosen, {"PATH": str(programs), **environ})
    return [word.removeprefix(f"{programs}/") for word in editor.words]


@pytest.mark.parametrize(
    ("chosen", "environ", "expected"),
    [
        ("mine -x", {"VISUAL": "vim", "EDITOR": "code"}, ["mine", "-x"]),
        (None, {"VISUAL": "vim -p", "EDITOR": "code"}, ["vim", "-p"]),
        (None, {"VISUAL": " ", "EDITOR": "mine 'a b'"}, ["mine", "a b"]),
        (None, {"EDITOR": "with blank"}, ["with blank"]),
        (None, {"DISPLAY": ":0"}, ["code"]),
        (None, {"WAYLAND_DISPLAY": "wayland-0"}, ["code"]),
        (None, {"TERM_PROGRAM": "vscode"}, ["code"]),
    ],
)
def test_what_a_person_names_comes_first(
    chosen: str | None, environ: dict[str, str], expected: list[str], programs: Path
) -> None:
    assert found(programs, chosen, **environ) == expected


@pytest.mark.skipif(sys.platform == "darwin", reason="there is always a screen")
def test_without_a_screen_it_is_one_for_the_terminal(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert found(programs) == ["vim"]
    with pytest.raises(CommandNotFound, match="There is no editor"):
        find_editor(None, {"PATH": str(tmp_path_factory.mktemp("empty"))})


def test_one_that_is_named_and_not_there_is_an_error(programs: Path) -> None:
    with pytest.raises(UsageError, match=r"--editor names the editor 'emacs', which is no program on PATH\."):
        found(programs, "emacs -nw", EDITOR="vim")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["/bin/vim"], ["/bin/vim", "x.py"]),
        (["/bin/code"], ["/bin/code", "--wait", "w.code-workspace", "x.py"]),
        (["/bin/codium", "-w"], ["/bin/codium", "-w", "w.code-workspace", "x.py"]),
        (["C/Code.cmd", "--wait", "-n"], ["C/Code.cmd", "--wait", "-n", "w.code-workspace", "x.py"]),
    ],
)
def test_vs_code_gets_the_workspace_and_waits(words: list[str], expected: list[str]) -> None:
    assert Editor(tuple(words)).opening("x.py", Path("w.code-workspace")) == expected


def test_a_script_that_begins_with_a_dash_is_no_option() -> None:
    assert Editor(("vim",)).opening("-x.py") == ["vim", "./-x.py"]
