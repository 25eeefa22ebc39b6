"""`pyscript SCRIPT` and `pyscript run`: what is run, with what, and what the script sees of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import WriteScript
from tests.support.index_server import IndexServer

SHOW = """
import json, os, sys
print(json.dumps({
    "argv": sys.argv, "file": __file__, "name": __name__, "path0": sys.path[0], "cwd": os.getcwd(),
    "prefix": sys.prefix, "venv": os.environ.get("VIRTUAL_ENV"), "PATH": os.environ["PATH"],
}))
"""


def test_a_script_runs_with_what_its_block_names(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    script = write_script("import speak, voice; print(speak.__version__, voice.__version__)", "speak")
    done = run_pyscript(script)
    assert (done.returncode, done.stdout) == (0, "2.0 1.5\n"), done.stderr
    assert done.stderr.startswith("Prepared 2 packages in ")


def test_the_second_launch_says_nothing_and_asks_nothing(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    script = write_script("import speak", "speak")
    run_pyscript(script)
    stocked.forget_requests()
    done = run_pyscript(script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert stocked.paths() == []


@pytest.mark.parametrize("block", ["", "dependencies = []", 'requires-python = ">=3.8"'])
def test_a_script_that_needs_nothing_runs_without_an_index(
    block: str, run_pyscript: Program, write_script: WriteScript
) -> None:
    done = run_pyscript(write_script(block=block), env={"PYSCRIPT_INDEX_URL": "http://127.0.0.1:1/"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")


def test_everything_behind_the_script_belongs_to_it(run_pyscript: Program, write_script: WriteScript) -> None:
    script = write_script(SHOW)
    for _ in range(2):
        seen = json.loads(run_pyscript(script, "--with", "a", "-h", "--", "").stdout)
        assert seen["argv"] == [str(script), "--with", "a", "-h", "--", ""]


def test_the_script_sees_what_python_script_would_show_it(
    run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    write_script(SHOW)
    (tmp_path / "elsewhere").mkdir()
    for _ in range(2):
        done = run_pyscript("../x.py", cwd=tmp_path / "elsewhere", env={"PYTHONHOME": "/nowhere"})
        seen = json.loads(done.stdout)
        plain = subprocess.run(
            [sys.executable, "../x.py"],
            cwd=tmp_path / "elsewhere",
            env=dict(run_pyscript.environ),
            capture_output=True,
            check=True,
        )
        expected = json.loads(plain.stdout)
        for name in ("argv", "file", "name", "path0", "cwd"):
            assert seen[name] == expected[name], name
        assert seen["venv"] == seen["prefix"]
        assert seen["PATH"].startswith(seen["prefix"] + os.sep)


def test_the_exit_status_is_the_scripts_own(run_pyscript: Program, write_script: WriteScript) -> None:
    script = write_script("import sys, os, signal\nsys.exit(7) if len(sys.argv) == 1 else os.kill(os.getpid(), 9)")
    for _ in range(2):
        assert run_pyscript(script).returncode == 7
        assert run_pyscript(script, "die").returncode == -9


def test_stdin_belongs_to_the_script(run_pyscript: Program, write_script: WriteScript) -> None:
    script = write_script("import sys; print(sys.stdin.read().upper())")
    for _ in range(2):
        assert run_pyscript(script, input="quiet").stdout == "QUIET\n"


def test_inherited_variables_reach_the_script(run_pyscript: Program, write_script: WriteScript, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "own_module.py").write_text("value = 42\n")
    script = write_script("import own_module; print(own_module.value)")
    assert run_pyscript(script, env={"PYTHONPATH": str(tmp_path / "mine")}).stdout == "42\n"


@pytest.mark.parametrize("name", ["tool", "tool.py"])
def test_a_shebang_runs_it_with_and_without_an_extension(
    name: str, run_pyscript: Program, write_script: WriteScript
) -> None:
    script = write_script(SHOW, name=name, head="#!/usr/bin/env pyscript\n")
    script.chmod(0o755)
    for _ in range(2):
        done = subprocess.run([script, "-v"], env=run_pyscript.variables(), capture_output=True, text=True, check=False)
        assert json.loads(done.stdout)["argv"] == [str(script), "-v"], done.stderr


def test_a_script_called_like_a_subcommand_needs_its_path(run_pyscript: Program, write_script: WriteScript) -> None:
    write_script("print('the script')", name="run")
    for _ in range(2):
        assert run_pyscript("./run", "no-such-program").stdout == "the script\n"
        assert run_pyscript("run", "no-such-program").returncode == 1


def test_run_is_the_same_explicitly(stocked: IndexServer, run_pyscript: Program, write_script: WriteScript) -> None:
    script = write_script("import greet; print(greet.__version__)", "greet")
    for _ in range(2):
        assert run_pyscript("run", script).stdout == "1.0\n"


def test_requirements_are_added(stocked: IndexServer, run_pyscript: Program, write_script: WriteScript) -> None:
    script = write_script("import greet, speak; print(speak.__version__)", "greet")
    for _ in range(2):
        assert run_pyscript("--with", "speak<2", script).stdout == "1.0\n"
    several = run_pyscript("--with", "voice>=1,<9,speak", "-c", "import speak, voice; print(voice.__version__)")
    assert several.stdout == "1.5\n", several.stderr
    assert run_pyscript(script).returncode == 1


def test_a_contradiction_is_an_error_that_names_both(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    done = run_pyscript("--with", "speak==2.0", write_script("", "speak==1.0"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert "speak==1.0" in done.stderr
    assert "speak==2.0" in done.stderr
    assert "--with" in done.stderr
    assert "line 2 of" in done.stderr


def test_a_removed_requirement_cannot_be_imported_any_more(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    body = "import importlib.util as u; print([bool(u.find_spec(n)) for n in ('greet', 'voice')])"
    assert run_pyscript(write_script(body, "greet", "voice")).stdout == "[True, True]\n"
    assert run_pyscript(write_script(body, "greet")).stdout == "[True, False]\n"


def test_a_program_of_the_environment_runs(stocked: IndexServer, run_pyscript: Program) -> None:
    for _ in range(2):
        done = run_pyscript("run", "--with", "greet", "greet", "--with", "x")
        assert done.stdout == "greet 1.0 --with x\n", done.stderr
    stocked.forget_requests()
    assert run_pyscript("--with", "greet", "greet").stdout == "greet 1.0\n"
    assert stocked.paths() == []


def test_python_itself_is_a_program_of_the_environment(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    script = write_script("import greet, sys; print(greet.__version__, sys.argv[1:])", "this-is-not-read")
    for _ in range(2):
        done = run_pyscript("run", "--with", "greet", "python", script, "a")
        assert done.stdout == "1.0 ['a']\n", done.stderr


def test_a_program_on_path_runs_with_the_environment(run_pyscript: Program) -> None:
    done = run_pyscript("run", "sh", "-c", 'echo "$VIRTUAL_ENV"; trap - PIPE; yes | head -n 1')
    assert done.stdout.endswith("\ny\n")
    assert "environments-v1" in done.stdout


def test_modules_and_code_run(stocked: IndexServer, run_pyscript: Program) -> None:
    for _ in range(2):
        assert run_pyscript("--with", "greet", "-m", "greet", "-c", "x").stdout == "greet 1.0 -c x\n"
        code = "import sys, greet\nprint(sys.argv, greet.__version__)"
        assert run_pyscript("--with", "greet", "-c", code, "-m").stdout == "['-c', '-m'] 1.0\n"


def test_a_script_comes_from_stdin(stocked: IndexServer, run_pyscript: Program) -> None:
    script = "# /// script\n# dependencies = ['greet']\n# ///\n" + SHOW.replace("import json", "import greet, json")
    for _ in range(2):
        done = run_pyscript("-", "a", input=script)
        assert json.loads(done.stdout)["argv"] == ["-", "a"], done.stderr
        assert json.loads(done.stdout)["file"] == "<stdin>"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no bash to make the pipe")
def test_a_script_comes_from_a_pipe(stocked: IndexServer, run_pyscript: Program, tmp_path: Path) -> None:
    block = "# /// script\\n# dependencies = ['greet']\\n# ///\\n"
    text = f"{block}import greet, sys; print(greet.__version__, sys.stdin.read())"
    for _ in range(2):
        done = subprocess.run(
            ["bash", "-c", f'pyscript <(printf "{text}") a'],
            env=run_pyscript.variables(),
            input="still mine",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == "1.0 still mine\n", done.stderr
    os.mkfifo(tmp_path / "fifo")
    writer = subprocess.Popen(["sh", "-c", f'printf "{text}" > "{tmp_path}/fifo"'])
    assert run_pyscript(tmp_path / "fifo", input="x").stdout == "1.0 x\n"
    assert writer.wait() == 0


def test_requirements_come_from_files(
    stocked: IndexServer, run_pyscript: Program, tmp_path: Path, write_script: WriteScript
) -> None:
    script = write_script("import greet, speak; print(speak.__version__)")
    (tmp_path / "requirements.txt").write_text("greet  # polite\nspeak < 2\n")
    arguments = ("--with-requirements", tmp_path / "requirements.txt", script)
    for _ in range(2):
        assert run_pyscript(*arguments).stdout == "1.0\n"
    (tmp_path / "requirements.txt").write_text("greet\nspeak\n")
    assert run_pyscript(*arguments).stdout == "2.0\n"
    other = write_script("", "greet", "speak==1.0", name="other.py")
    assert run_pyscript("--with-requirements", other, script).stdout == "1.0\n"


def test_variables_come_from_an_env_file(run_pyscript: Program, tmp_path: Path, write_script: WriteScript) -> None:
    script = write_script("import os; print(os.environ['COLOUR'], os.environ['SHAPE'])")
    (tmp_path / ".env").write_text("COLOUR=red\nSHAPE='round thing'\n")
    for colour in ("red", "blue"):
        (tmp_path / ".env").write_text(f"COLOUR={colour}\nSHAPE='round thing'\n")
        done = run_pyscript("--env-file", tmp_path / ".env", script, env={"SHAPE": "inherited"})
        assert done.stdout == f"{colour} inherited\n", done.stderr
    done = run_pyscript("--env-file", "missing.env", script)
    assert (done.returncode, done.stdout) == (2, "")
    assert "missing.env does not exist" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["missing.py"], 2, "There is no script missing.py."),
        (["missing"], 1, "There is no script 'missing' here, and no program of that name"),
        (["lsit", "--json"], 1, "hint: Did you mean pyscript list? Else check the name, or add what provides it"),
        (["./missing"], 2, "There is no script ./missing."),
        (["--wiht", "x", "x.py"], 2, "There is no option --wiht; did you mean --with?"),
        (["--timeout", "soon", "-c", "0"], 2, "--timeout: 'soon' is not a valid value"),
        (["--color", "maybe", "-c", "0"], 2, "--color: 'maybe' is not a valid value"),
        (["--with", "no good", "-c", "0"], 2, "no good"),
        (["--with-requirements", "none.txt", "-c", "0"], 2, "none.txt"),
        (["--with-editable", ".", "-c", "0"], 2, "neither a pyproject.toml nor a setup.py"),
        ([], 2, "nothing to run"),
    ],
)
def test_a_mistake_is_told_in_one_message(arguments: list[str], code: int, message: str, run_pyscript: Program) -> None:
    done = run_pyscript(*arguments)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_wrong_block_shows_the_line_and_a_caret(run_pyscript: Program, write_script: WriteScript) -> None:
    done = run_pyscript(write_script(block="dependencies = ['a',, 'b']"))
    assert done.returncode == 2
    assert "x.py:2" in done.stderr
    assert "# dependencies = ['a',, 'b']" in done.stderr
    assert "^" in done.stderr


def test_a_near_miss_is_warned_of_once(run_pyscript: Program, write_script: WriteScript) -> None:
    script = write_script("#/// script\n# dependencies = ['x']\n# ///\nprint('ran')")
    done = run_pyscript(script)
    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert "line 1" in done.stderr or ":1" in done.stderr
    assert run_pyscript("-q", script).stderr == ""


def test_version_and_help_are_for_stdout(run_pyscript: Program) -> None:
    assert run_pyscript("--version").stdout.startswith("pyscript ")
    done = run_pyscript("--help")
    assert "--with" in done.stdout
    assert done.stderr == ""
    assert run_pyscript("run", "--help").stdout.startswith("usage: pyscript run")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"A=\xff\xfe", "cannot be read"), (b"A=b\0c", "holds a zero byte"), (None, "cannot be read")],
)
def test_an_env_file_that_makes_no_sense_is_told(
    content: bytes | None, message: str, stocked: IndexServer, run_pyscript: Program, tmp_path: Path
) -> None:
    path = tmp_path / "my.env"
    path.mkdir() if content is None else path.write_bytes(content)
    done = run_pyscript("--env-file", path, "--with", "speak", "-c", "print('ran')")
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert stocked.paths("*") == [], "it was told only after everything had been prepared"
    assert "Traceback" not in done.stderr


def test_options_may_stand_in_front_of_a_subcommand(
    run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    script = write_script()
    for _ in range(2):
        assert run_pyscript("-q", "run", script).stdout == "hello\n"
    assert run_pyscript("-v", "cache", "dir").stdout == f"{cache_dir}\n"


def test_a_directory_does_not_hide_a_program(stocked: IndexServer, run_pyscript: Program, tmp_path: Path) -> None:
    (tmp_path / "greet").mkdir()
    assert run_pyscript("--with", "greet", "greet").stdout == "greet 1.0\n"


def test_home_is_where_the_system_says_when_no_variable_does(run_pyscript: Program) -> None:
    done = run_pyscript("cache", "dir", env={"HOME": None, "PYSCRIPT_CACHE_DIR": None})
    assert done.stdout.endswith("/.cache/pyscript\n")
