"""`pyscript upgrade`: the pins and lower bounds of a script's block at what is newest."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import WriteScript, package
from tests.support.index_server import IndexServer


@pytest.fixture
def script(stocked: IndexServer, write_script: WriteScript) -> Path:
    stocked.add(package("greet", "1.4"), package("greet", "2.1"), package("greet", "3.0"))
    stocked.add(package("fresh", "1.0"), package("fresh", "9.0rc1"))
    return write_script("import greet\ngreet.main()", "speak==1.0", "greet >=1, <3", "fresh", "voice~=1.0")


def test_pins_and_lower_bounds_are_raised_and_limits_kept(
    script: Path, stocked: IndexServer, run_pyscript: Program
) -> None:
    before = script.read_text()
    done = run_pyscript("upgrade", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"Changed speak==1.0 → speak==2.0 in {script}.",
        f"Changed greet >=1, <3 → greet >=2.1, <3 in {script}.",
        f"Changed voice~=1.0 → voice~=1.5 in {script}.",
    ]
    after = before.replace("speak==1.0", "speak==2.0").replace(">=1, <3", ">=2.1, <3").replace("~=1.0", "~=1.5")
    assert script.read_text() == after
    assert run_pyscript("upgrade", script).stdout == f"{script} asks for the newest already.\n"
    assert run_pyscript(script).stdout == "greet 2.1\n"


def test_only_those_that_are_named_are_raised(script: Path, run_pyscript: Program) -> None:
    done = run_pyscript("upgrade", script, "Greet", "--json")
    assert json.loads(done.stdout)["changes"] == [{"before": "greet >=1, <3", "after": "greet >=2.1, <3"}]
    done = run_pyscript("upgrade", script, "gret")
    assert done.returncode == 2
    assert "hint: Did you mean greet?" in done.stderr


def test_a_version_is_not_an_upgrade(script: Path, run_pyscript: Program) -> None:
    before = script.read_text()
    done = run_pyscript("upgrade", script, "voice", "greet==1.4")
    assert (done.returncode, script.read_text()) == (2, before)
    assert f"hint: To choose the version: pyscript add {script} 'greet==1.4'" in done.stderr
    # As it stands in the block it is a name for that line.
    assert run_pyscript("upgrade", script, "greet >=1, <3").returncode == 0
    assert "greet >=2.1, <3" in script.read_text()


def test_a_requirement_without_versions_gets_the_newest_at_the_next_launch(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    script = write_script("import greet\ngreet.main()", "greet")
    assert run_pyscript(script).stdout == "greet 1.0\n"
    stocked.add(package("greet", "2.0"))
    assert run_pyscript(script).stdout == "greet 1.0\n"
    assert run_pyscript("upgrade", script).stdout == "The next launch gets greet 2.0, not 1.0.\n"
    assert run_pyscript(script).stdout == "greet 2.0\n"


def test_a_script_without_a_block_stays_without_one(run_pyscript: Program, write_script: WriteScript) -> None:
    script = write_script("print()")
    assert run_pyscript("upgrade", script).stdout == f"{script} asks for the newest already.\n"
    assert script.read_text() == "print()\n"


def test_nothing_is_raised_beyond_what_the_oldest_allowed_python_can_have(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    series = "{}.{}".format(*sys.version_info)
    stocked.add(package("modern", "1.5"), package("modern", "2.0", requires_python=f">={series}"))
    script = write_script("", "modern>=1", block='requires-python = ">=3.9"')
    assert run_pyscript("upgrade", script).stdout == f"Changed modern>=1 → modern>=1.5 in {script}.\n"


def test_what_the_oldest_python_gets_does_not_hold_back_a_pin_that_would_not_work_here(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    series = "{}.{}".format(*sys.version_info)
    stocked.add(package("modern", "1.5", requires_python=f"<{series}"))
    stocked.add(package("modern", "1.0"), package("modern", "2.0", requires_python=f">={series}"))
    script = write_script("", "modern==1.0", block='requires-python = ">=3.9"')
    assert run_pyscript("upgrade", script).stdout == f"Changed modern==1.0 → modern==2.0 in {script}.\n"


def test_what_contradicts_leaves_the_file_as_it_is(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    script = write_script("", "speak>=2", "voice<1")
    before = script.read_bytes()
    done = run_pyscript("upgrade", script)
    assert done.returncode == 1
    assert f"{script} was left as it is." in done.stderr
    assert script.read_bytes() == before
