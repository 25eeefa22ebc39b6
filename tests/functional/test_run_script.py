"""`pyscript run --script SCRIPT`: a program, a module or code in the script's own environment."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import WriteScript
from tests.functional.test_imports import loaded
from tests.support.index_server import IndexServer


@pytest.fixture
def script(stocked: IndexServer, write_script: WriteScript) -> Path:
    return write_script("raise SystemExit('it was run')", "speak<2")


def test_a_program_a_module_and_code_get_the_scripts_packages(script: Path, run_pyscript: Program) -> None:
    for words in (["speak", "now"], ["-m", "speak", "now"], ["-c", "import sys, speak; speak.main()", "now"]):
        done = run_pyscript("run", "--script", script, *words)
        assert (done.returncode, done.stdout) == (0, "speak 1.0 now\n"), done.stderr


def test_with_adds_to_them(script: Path, run_pyscript: Program) -> None:
    code = "import speak, greet; print(speak.__version__, greet.__version__)"
    done = run_pyscript("run", "--script", script, "--with", "greet", "-c", code)
    assert done.stdout == "1.0 1.0\n", done.stderr


def test_the_settings_in_the_block_hold(stocked: IndexServer, run_pyscript: Program, write_script: WriteScript) -> None:
    script = write_script("", block='dependencies = ["speak"]\n[tool.pyscript]\nconstraint = ["speak<2"]')
    assert run_pyscript("run", "--script", script, "speak").stdout == "speak 1.0\n"
    assert run_pyscript("run", "--with-requirements", script, "speak").stdout == "speak 2.0\n"


@pytest.mark.skipif(sys.platform == "win32", reason="the paths of an installation differ")
def test_the_second_time_it_is_recognised_until_the_script_changes(
    script: Path, run_pyscript: Program, write_script: WriteScript
) -> None:
    words = ("run", "--script", script, "speak", "now")
    run_pyscript(*words)
    assert {name for name in loaded(run_pyscript, *words) if name.startswith("launcher")} == {
        *("launcher", "launcher.launch", "launcher.launch.record", "launcher.launch.warm")
    }
    write_script("", "speak")
    assert run_pyscript(*words).stdout == "speak 2.0 now\n"


def test_a_script_as_the_target_is_refused_with_what_to_write_instead(script: Path, run_pyscript: Program) -> None:
    done = run_pyscript("run", "--script", script, "x.py")
    assert done.returncode == 2
    assert f"pyscript run --script {script} python x.py" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="the programs of this test are scripts")
@pytest.mark.parametrize(
    ("first_lines", "is_told"),
    [
        ("#!/opt/tools/bin/python3.12", True),
        ('#!/bin/sh\n\'\'\'exec\' "/opt/a long path/bin/python" "$0" "$@"', True),
        ("#!/usr/bin/env python3", False),  # that is the environment's
        ("#!/bin/sh\necho python", False),
    ],
)
def test_a_program_of_path_that_cannot_see_the_packages_is_told_of(
    first_lines: str, is_told: bool, script: Path, run_pyscript: Program, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "checker"
    program.parent.mkdir()
    program.write_text(f"{first_lines}\n")
    program.chmod(0o755)
    path = {"PATH": f"{program.parent}:{run_pyscript.environ['PATH']}"}
    said = f"{program}, from PATH, runs on a Python of its own, which does not have these packages."
    assert (said in run_pyscript("run", "--script", script, "checker", env=path).stderr) is is_told
    assert said not in run_pyscript("run", "checker", env=path).stderr  # no packages were asked for
    assert said not in run_pyscript("run", "--quiet", "--script", script, "checker", env=path).stderr


def test_a_script_that_is_missing_is_an_error(run_pyscript: Program) -> None:
    done = run_pyscript("run", "--script", "missing.py", "python")
    assert done.returncode == 2
    assert "There is no script missing.py." in done.stderr
