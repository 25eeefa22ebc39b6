"""`pyscript repl`: an interactive Python with a script's packages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import WriteScript, package
from tests.support.index_server import IndexServer
from tests.support.wheels import Wheel

LOOK = "import sys; print(sys.path[0], sys.argv, __name__)\n"


@pytest.fixture
def script(stocked: IndexServer, write_script: WriteScript) -> Path:
    return write_script("NUMBER = 42\nif __name__ == '__main__': print('it was run')", "speak<2")


def test_it_has_the_packages_and_the_scripts_folder_and_does_not_run_it(
    script: Path, run_pyscript: Program, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    typed = f"{LOOK}import x, speak; print(x.NUMBER, speak.__version__)\n"
    done = run_pyscript("repl", script, input=typed, cwd=tmp_path / "elsewhere")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{tmp_path} [''] __main__", "42 1.0"]


def test_run_runs_the_script_first_with_its_arguments(script: Path, run_pyscript: Program) -> None:
    done = run_pyscript("repl", "--run", script, "a", input="import sys; print(NUMBER, sys.argv)\n")
    assert done.stdout.splitlines() == ["it was run", f"42 ['{script}', 'a']"], done.stderr


def test_nothing_of_ours_is_left_among_the_names(script: Path, run_pyscript: Program) -> None:
    done = run_pyscript("repl", script, input="print(sorted(n for n in globals() if n[:2] != '__'))\n")
    assert done.stdout == "[]\n"


def test_what_python_reads_at_its_start_is_read(script: Path, run_pyscript: Program, tmp_path: Path) -> None:
    (tmp_path / "startup.py").write_text("from os.path import join as joined\n")
    environ = {"PYTHONSTARTUP": str(tmp_path / "startup.py")}
    done = run_pyscript("repl", script, input="print(joined('a', 'b'))\n", env=environ)
    assert done.stdout == os.path.join("a", "b") + "\n", done.stderr


def test_without_a_script_there_are_the_packages_that_were_asked_for(
    stocked: IndexServer, run_pyscript: Program
) -> None:
    typed = "import sys, speak; print([sys.path[0], speak.__version__])\n"
    done = run_pyscript("repl", "--with", "speak<2", input=typed)
    assert done.stdout == "['', '1.0']\n", done.stderr


def test_ipython_is_started_where_it_was_asked_for(
    script: Path, stocked: IndexServer, run_pyscript: Program, tmp_path: Path
) -> None:
    body = "import sys\ndef start_ipython(argv):\n    print(sys.path[0], argv)\n"
    stocked.add(Wheel("ipython", "9.0", files={"IPython/__init__.py": body.encode()}))
    done = run_pyscript("repl", script, "--with", "ipython")
    assert done.stdout == f"{tmp_path} ['--InteractiveShellApp.ignore_cwd=True']\n", done.stderr
    done = run_pyscript("repl", "--run", script, "a", "--with", "ipython")
    assert done.stdout.endswith(f"['--InteractiveShellApp.ignore_cwd=True', '-i', '{script}', 'a']\n")


def test_the_next_launch_of_the_script_is_warm(script: Path, stocked: IndexServer, run_pyscript: Program) -> None:
    run_pyscript("repl", script)
    stocked.add(package("speak", "1.5"))
    stocked.forget_requests()
    assert run_pyscript(script).stderr == ""
    assert stocked.paths() == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a.py", "b.py"], "One script at a time, please: a.py, b.py."),
        (["--run"], "--run: there is no script to run."),
        (["-"], "stdin is where you type, so no script can come from it."),
        (["missing.py"], "There is no script missing.py."),
    ],
)
def test_what_cannot_be_is_an_error(words: list[str], message: str, run_pyscript: Program) -> None:
    done = run_pyscript("repl", *words)
    assert done.returncode == 2
    assert message in done.stderr
