"""The file that starts a command, on POSIX and on Windows."""

from __future__ import annotations

import ast
import io
import os
import shlex
import zipfile

import pytest

from launcher.share.command_file import Launcher, shell_command, windows_command

LAUNCHER = Launcher("/home/me/.local/bin/pyscript", "/lib/pyscript.sh", "C:\\Python\\python.exe")


@pytest.mark.parametrize(
    "words",
    [
        ("/data/greet",),
        ("--with", "rich>=13,<15", "--python", "3.12", "/data/greet"),
        ("--with", "it's", '/my home/$HOME/`id`/"x"/a\nb/greet'),
        (os.fsdecode(b"/caf\xe9/greet"),),
    ],
)
def test_the_shell_gets_exactly_these_words(words: tuple[str, ...]) -> None:
    text = os.fsdecode(shell_command("greet", words, LAUNCHER))
    assert text.startswith("#!/bin/sh\n# greet ")
    statement = text.partition("\nset -- ")[2].partition(' "$@"\n')[0]
    assert shlex.split(statement) == list(words)


def test_paths_of_pyscript_are_quoted() -> None:
    text = shell_command("greet", ("/x",), Launcher("/my bin/pyscript", "/it's/pyscript.sh", "")).decode()
    assignment = next(line for line in text.splitlines() if line.startswith("pyscript_itself="))
    assert shlex.split(assignment) == ["pyscript_itself=/my bin/pyscript", "recognition=/it's/pyscript.sh"]


@pytest.mark.parametrize(("is_gui", "python"), [(False, "python.exe"), (True, "pythonw.exe")])
def test_windows_gets_a_program_with_the_words_in_it(is_gui: bool, python: str) -> None:
    words = ("--with", "rich", "C:\\data\\it's\\greet.py")
    made = windows_command(b"MZ stub", words, LAUNCHER, is_gui=is_gui)
    assert made.startswith(b"MZ stub#!C:\\Python\\" + python.encode() + b"\n")
    code = zipfile.ZipFile(io.BytesIO(made)).read("__main__.py").decode()
    assignment = ast.parse(code).body[1]
    assert isinstance(assignment, ast.Assign)
    assert ast.literal_eval(assignment.value) == list(words)
    assert "sys.exit(main())" in code
