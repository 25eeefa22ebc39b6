"""`pyscript prepare`: everything but the launch, for one script or several."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import WriteScript, package
from tests.support.index_server import Fault, Hold, IndexServer

IMPORT = "import speak; print(speak.__version__)"


def records(cache_dir: Path) -> list[str]:
    """Return the launches that have a record, without the directories that mirror where they start."""
    return sorted(path.name for path in (cache_dir / "launch-v1").rglob("*.launch"))


def test_the_first_launch_is_warm(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    script = write_script(IMPORT, "speak")
    done = run_pyscript("prepare", script)
    version = ".".join(done.stdout.rpartition(" ")[2].split(".")[:2])
    assert done.stdout.startswith(f"{script} is ready: 2 packages, Python {version}."), done.stderr
    assert records(cache_dir) == ["x.py.launch"]
    stocked.forget_requests()
    done = run_pyscript(script)
    assert (done.stdout, done.stderr, stocked.paths()) == ("2.0\n", "", [])


@pytest.mark.parametrize(
    ("options", "launched_by"),
    [
        (("--with", "greet"), "--with greet x.py.launch"),
        (("-U",), "x.py.launch"),
        (("-q", "--refresh", "--with", "greet", "--timeout=9"), "--with greet x.py.launch"),
        (("-qU", "--json"), "x.py.launch"),
    ],
)
def test_options_that_only_say_how_to_prepare_are_no_part_of_the_launch(
    options: tuple[str, ...],
    launched_by: str,
    stocked: IndexServer,
    run_pyscript: Program,
    write_script: WriteScript,
    cache_dir: Path,
) -> None:
    write_script(IMPORT, "speak")
    # Options may stand on either side of the script.
    done = run_pyscript("prepare", *options[:1], *options[1:2], "x.py", *options[2:])
    assert done.returncode == 0, done.stderr
    assert records(cache_dir) == [launched_by]


def test_upgrading_takes_what_is_new(stocked: IndexServer, run_pyscript: Program, write_script: WriteScript) -> None:
    script = write_script(IMPORT, "speak")
    run_pyscript("prepare", script)
    stocked.add(package("speak", "3.0"))
    run_pyscript("prepare", script)
    assert run_pyscript(script).stdout == "2.0\n"
    run_pyscript("prepare", "--upgrade", script)
    assert run_pyscript(script).stdout == "3.0\n"


def test_the_environments_python_is_printed_for_editors(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    scripts = [write_script("", "speak", name="a.py"), write_script("", "greet", name="b.py")]
    pythons = run_pyscript("prepare", "--print-python", *scripts).stdout.splitlines()
    assert len(pythons) == 2
    subprocess.run([pythons[0], "-c", "import speak, voice"], check=True)
    subprocess.run([pythons[1], "-c", "import greet"], check=True)


def test_one_failure_does_not_keep_the_others_from_being_ready(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    good = write_script("", "greet", name="good.py")
    bad = write_script("", "nothere", name="bad.py")
    done = run_pyscript("prepare", bad, "missing.py", good)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{good} is ready: 1 package, ")
    assert "There is no package called nothere" in done.stderr
    assert "There is no script missing.py" in done.stderr
    assert f"2 of 3 scripts could not be prepared: {bad}, missing.py." in done.stderr
    assert records(cache_dir) == ["good.py.launch"]


def test_what_was_told_is_not_lost_where_a_download_still_runs_at_the_end(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    good = write_script("", "greet", name="good.py")
    bad = write_script("", "nothere", "speak", name="bad.py")
    hold = Hold()
    stocked.fail("/simple/speak/", Fault(hold=hold))
    done = run_pyscript("prepare", good, bad)
    hold.release()
    assert "1 of 2 scripts could not be prepared" in done.stderr
    assert done.stdout.startswith(f"{good} is ready: 1 package, ")


@pytest.mark.skipif(sys.platform == "win32", reason="names are text there")
def test_a_name_that_is_no_text_is_no_obstacle(run_pyscript: Program, tmp_path: Path) -> None:
    script = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.py")
    Path(script).write_text("")
    done = run_pyscript("prepare", script)
    assert f"{script} is ready: no packages" in done.stdout, done.stderr


def test_json_has_a_row_for_each_script(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    script = write_script("", "speak")
    done = run_pyscript("prepare", "--json", script, "missing.py")
    ready, failed = json.loads(done.stdout)
    assert ready["script"] == str(script)
    assert ready["packages"] == {"speak": "2.0", "voice": "1.5"}
    assert ready["environment"].startswith(str(cache_dir))
    assert os.access(ready["python"], os.X_OK)
    assert failed == {"script": "missing.py", "error": "There is no script missing.py."}


def test_requirements_alone_can_be_prepared_for_an_image(stocked: IndexServer, run_pyscript: Program) -> None:
    done = run_pyscript("prepare", "--with", "speak")
    assert done.stdout.startswith("The environment is ready: 2 packages, "), done.stderr
    stocked.forget_requests()
    assert run_pyscript("--with", "speak", "-c", IMPORT).stdout == "2.0\n"
    assert stocked.paths() == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["prepare"], 2, "pyscript prepare: no script given; see pyscript prepare --help"),
        (["prepare", "--wiht", "a", "x.py"], 2, "There is no option --wiht; did you mean --with?"),
        (["prepare", "gone.py"], 2, "There is no script gone.py."),
        (["prepare", "--color", "blue", "x.py"], 2, "--color: 'blue' is not a valid value"),
    ],
)
def test_a_mistake_is_told(arguments: list[str], code: int, message: str, run_pyscript: Program) -> None:
    done = run_pyscript(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
