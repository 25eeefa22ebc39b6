"""`pyscript init`: a new script that runs at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import package
from tests.support.index_server import IndexServer

SERIES = "{}.{}".format(*sys.version_info)


@pytest.mark.parametrize(("name", "file"), [("tool", "tool.py"), ("tool.py", "tool.py"), ("my.tool", "my.tool.py")])
def test_it_runs_at_once_and_needs_no_index(run_pyscript: Program, tmp_path: Path, name: str, file: str) -> None:
    done = run_pyscript("init", name, cwd=tmp_path, env={"PYSCRIPT_NO_INDEX": "1"})
    assert done.returncode == 0, done.stderr
    script = tmp_path / file
    head = f'#!/usr/bin/env pyscript\n# /// script\n# requires-python = ">={SERIES}"\n# dependencies = []\n# ///\n\n"""'
    assert script.read_text().startswith(head)
    assert run_pyscript(script).stdout == f"Hello from {script.stem}!\n"
    if os.name != "nt":
        assert done.stdout == f"Wrote {file}. To run it: ./{file}\n"
        assert os.access(script, os.X_OK)


def test_requirements_and_python_are_written(stocked: IndexServer, run_pyscript: Program, tmp_path: Path) -> None:
    path = tmp_path / "tool.py"
    done = run_pyscript("init", path, "--with", "speak,greet<2", "--with", "voice", "--python", ">=3.9")
    assert done.returncode == 0, done.stderr
    assert path.read_text().startswith(
        '#!/usr/bin/env pyscript\n# /// script\n# requires-python = ">=3.9"\n'
        '# dependencies = [\n#     "speak>=2.0",\n#     "greet<2",\n#     "voice>=1.5",\n# ]\n# ///\n\n"""'
    )
    assert run_pyscript(path).returncode == 0


def test_a_version_of_python_is_where_it_begins(run_pyscript: Program, tmp_path: Path) -> None:
    assert run_pyscript("init", "tool", "--python", SERIES, cwd=tmp_path).returncode == 0
    assert f'# requires-python = ">={SERIES}"\n' in (tmp_path / "tool.py").read_text()


def test_the_cli_template_is_a_command(run_pyscript: Program, tmp_path: Path) -> None:
    run_pyscript("init", "tool", "--template", "cli", cwd=tmp_path)
    assert run_pyscript(tmp_path / "tool.py").stdout == "Hello, world!\n"
    assert run_pyscript(tmp_path / "tool.py", "you", "-n", "2").stdout == "Hello, you!\n" * 2


@pytest.mark.parametrize(("template", "requirement"), [("web", "requests"), ("data", "pandas")])
def test_a_template_brings_its_requirements(
    stocked: IndexServer, run_pyscript: Program, tmp_path: Path, template: str, requirement: str
) -> None:
    stocked.add(package(requirement, "2.5"))
    assert run_pyscript("init", "tool", "--template", template, cwd=tmp_path).returncode == 0
    assert f'#     "{requirement}>=2.5",\n' in (tmp_path / "tool.py").read_text()


def test_a_script_with_a_window_is_a_pyw_file(run_pyscript: Program, tmp_path: Path) -> None:
    assert run_pyscript("init", "tool", "--gui", cwd=tmp_path).returncode == 0
    assert "import tkinter" in (tmp_path / "tool.pyw").read_text()


def test_templates_are_listed(run_pyscript: Program) -> None:
    lines = run_pyscript("init", "--template", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["script", "cli", "data", "web", "gui"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("there",), "there.py is there already."),
        (("link",), "link.py is there already."),
        (("no/tool",), "no/tool.py cannot be written"),
        (("folder",), "folder is a directory."),
        (("folder/",), "folder/ is a directory."),
        (("..",), ".. is a directory."),
        (("-",), "A new script needs a name."),
        (("https://127.0.0.1/x",), "https://127.0.0.1/x is not on this machine."),
        (("json",), "A script called json.py would hide Python's own module json"),
        (("speak", "--with", "Speak>=1"), "A script called speak.py would hide the package speak from itself."),
        (("a", "b"), "One script at a time, please: a, b."),
        (("tool", "--template", "clo"), "hint: Did you mean cli?"),
        (("tool", "--template", "cli", "--gui"), "--gui is a template of its own, and so is cli."),
        (("tool", "--with", "speak==99"), "speak==99 (the command line) cannot be satisfied"),
        (("tool", "--with", "a b"), "'a b' (the command line) is not a valid requirement"),
        (("tool", "--python", "9.9"), "9.9"),
        ((), "usage: pyscript init [OPTION...] NAME"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    stocked: IndexServer, run_pyscript: Program, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    directory = tmp_path / "here"
    (directory / "folder").mkdir(parents=True)
    (directory / "there.py").write_text("mine")
    (directory / "link.py").symlink_to("nowhere")
    before = sorted(directory.rglob("*"))
    done = run_pyscript("init", *arguments, cwd=directory)
    assert done.returncode != 0
    assert message in done.stderr
    assert sorted(directory.rglob("*")) == before
    assert (directory / "there.py").read_text() == "mine"


def test_what_cannot_be_had_is_not_written(run_pyscript: Program, stocked: IndexServer, tmp_path: Path) -> None:
    done = run_pyscript("init", "new.py", "--with", "nosuch")
    assert (done.returncode, (tmp_path / "new.py").exists()) == (1, False)
    assert "new.py was not written." in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="the quotes of a POSIX shell")
def test_how_to_run_it_can_be_pasted(run_pyscript: Program) -> None:
    assert run_pyscript("init", "a b").stdout == "Wrote a b.py. To run it: './a b.py'\n"
