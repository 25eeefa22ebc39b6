"""`pyscript completion`: each shell reads what is printed for it, and completes as a person at its prompt sees it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import Program, program_path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these are shells of POSIX")

_BASH = r"""
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_pyscript
printf '%s\n' "${COMPREPLY[@]}"
"""
_ZSH = r"""
setopt no_nomatch extended_glob null_glob
compdef() { }
# What the completion system does with what it is given, as far as a line of text shows it.
compset() { words[CURRENT]=${words[CURRENT]#*=} }
compadd() { while [[ $1 == -* ]]; do shift; done; print -rl -- $@ }
_describe() { local each; for each in ${(P)@[-1]}; do print -r -- ${${${each//\\\\:/$'\0'}%%:*}//$'\0'/:}; done }
_files() {
    case $1 in
        -g) print -rl -- ${~2} *(-/:s/%/\/) ;;
        -/) print -rl -- *(-/) ;;
        *) print -rl -- *(-.) ;;
    esac
}
source "$1"
shift
words=("$@") CURRENT=$#
_pyscript
"""


@pytest.fixture
def files(tmp_path: Path, home: Path) -> Path:
    """Return the directory in which is completed: a script, another file, a directory; and installed commands."""
    for name in ("report.py", "report.txt", "reports/inside.py"):
        path = tmp_path / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for name in ("greet", "green"):
        path = home / ".local" / "share" / "pyscript" / "commands" / name / "3f9a" / "command.json"
        path.parent.mkdir(parents=True)
        path.touch()
    return tmp_path / "work"


def by_bash(script: Path, words: list[str], program: Program, cwd: Path) -> set[str]:
    done = subprocess.run(
        ["bash", "--norc", "-c", _BASH, "bash", str(script), *words],
        env=program.variables(),
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return set(done.stdout.splitlines()) - {""}


def by_fish(script: Path, words: list[str], program: Program, cwd: Path) -> set[str]:
    line = " ".join("''" if word == "" and at < len(words) - 1 else word for at, word in enumerate(words))
    line = line.replace(" = ", "=")
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"],
        env=program.variables(),
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return {each.partition("\t")[0].removeprefix("--python=") for each in done.stdout.splitlines()}


def by_zsh(script: Path, words: list[str], program: Program, cwd: Path) -> set[str]:
    line = " ".join(words).replace(" = ", "=").split(" ")
    done = subprocess.run(
        ["zsh", "-f", "-c", _ZSH, "zsh", str(script), *line],
        env=program.variables(),
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    typed = words[-1]
    return {each for each in done.stdout.splitlines() if each.startswith(typed)}


SHELLS = {"bash": by_bash, "fish": by_fish, "zsh": by_zsh}
CASES: dict[str, tuple[list[str], set[str], set[str]]] = {
    "commands": (["pyscript", "in"], {"info", "install", "init"}, {"run", "uninstall"}),
    "options": (["pyscript", "install", "--na"], {"--name"}, {"--no-index", "--link"}),
    "options of pyscript itself": (["pyscript", "--wi"], {"--with", "--with-requirements"}, {"--name"}),
    "options behind an option": (["pyscript", "--with", "rich", "--wi"], {"--with-editable"}, {"--name"}),
    "scripts": (["pyscript", "rep"], {"report.py", "reports/"}, {"report.txt"}),
    "scripts of a command": (["pyscript", "info", "-q", "rep"], {"report.py", "reports/"}, {"report.txt"}),
    "arguments of a script": (["pyscript", "x.py", "rep"], {"report.py", "report.txt"}, {"--name"}),
    "arguments of a program": (["pyscript", "run", "pytest", "rep"], {"report.txt"}, {"repl"}),
    "choices": (["pyscript", "--link-mode", ""], {"fold", "hardlink", "copy"}, {"run", "report.py"}),
    "a command below a command": (["pyscript", "cache", "c"], {"clean"}, {"completion", "dir"}),
    "its options": (["pyscript", "cache", "prune", "--old"], {"--older-than"}, {"--json"}),
    "operands": (["pyscript", "completion", ""], {"bash", "fish", "zsh"}, {"run"}),
    "installed commands": (["pyscript", "uninstall", "gre"], {"greet", "green"}, {"report.py"}),
    "files": (["pyscript", "--env-file", "report.t"], {"report.txt"}, {"report.py"}),
    "directories": (["pyscript", "--cache-dir", "rep"], {"reports/"}, {"report.py", "report.txt"}),
    "behind an equals sign": (["pyscript", "--link-mode", "=", "h"], {"hardlink"}, {"fold"}),
}


@cache
def printed(shell: str) -> str:
    """Return what is printed for a shell; making it loads every command."""
    done = subprocess.run([program_path(), "completion", shell], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes(shell: str, case: str, run_pyscript: Program, files: Path, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = tmp_path / "completion"
    script.write_text(printed(shell))
    words, offered, others = CASES[case]
    if shell == "fish" and words[-2:-1] == ["="]:
        offered, others = {f"--link-mode={each}" for each in offered}, {f"--link-mode={each}" for each in others}
    found = SHELLS[shell](script, words, run_pyscript, files)
    if shell != "fish":
        found |= {f"{each}/" for each in found if (files / each).is_dir()}
    assert offered <= found
    assert not others & found


@pytest.mark.parametrize("arguments", [[], ["tcsh"]])
def test_other_shells_are_refused(arguments: list[str], run_pyscript: Program) -> None:
    done = run_pyscript("completion", *arguments)
    assert done.returncode == 2
    assert "error: " in done.stderr
