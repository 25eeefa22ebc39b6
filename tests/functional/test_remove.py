"""`pyscript remove`: requirements out of a script's block."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Program
from tests.functional.conftest import WriteScript
from tests.support.index_server import IndexServer

BLOCK = '# /// script\n# dependencies = [\n#   "Speak[a]>=1", # loud\n#   # calm\n#   "greet",\n# ]\n# ///\n'


def test_a_requirement_goes_with_the_comment_on_its_line(
    index: IndexServer, run_pyscript: Program, tmp_path: Path
) -> None:
    script = tmp_path / "x.py"
    script.write_text(f"#!/bin/x\n{BLOCK}print()\n")
    done = run_pyscript("remove", script, "speak", env={"PYSCRIPT_INDEX_URL": index.index_url})
    assert done.stdout == f"Removed Speak[a]>=1 from {script}.\n", done.stderr
    assert script.read_text() == f"#!/bin/x\n{BLOCK}print()\n".replace('#   "Speak[a]>=1", # loud\n', "")
    assert index.paths() == []


def test_what_is_not_there_is_said_with_near_names(run_pyscript: Program, tmp_path: Path) -> None:
    script = tmp_path / "x.py"
    script.write_text(BLOCK)
    done = run_pyscript("remove", script, "greet", "speek")
    assert done.returncode == 2
    assert done.stderr == f"error: The block of {script} does not require speek.\nhint: Did you mean Speak?\n"
    assert script.read_text() == BLOCK
    done = run_pyscript("remove", script, "numpy")
    assert done.stderr.endswith("hint: Requirements that are there: Speak[a]>=1, greet.\n")


def test_a_script_without_a_block_has_nothing_to_remove(run_pyscript: Program, write_script: WriteScript) -> None:
    script = write_script("print()")
    done = run_pyscript("remove", script, "rich")
    assert done.returncode == 2
    assert "hint: Requirements that are there: none." in done.stderr
    assert script.read_text() == "print()\n"


def test_a_removed_requirement_is_not_importable_any_more(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    script = write_script("import greet", "greet", "speak")
    assert run_pyscript(script).returncode == 0
    done = run_pyscript("remove", script, "greet", "--json")
    assert json.loads(done.stdout) == {
        "script": str(script),
        "changes": [{"before": "greet", "after": None}],
        "newer": [],
        "lock": None,
    }
    assert "No module named 'greet'" in run_pyscript(script).stderr


def test_a_lock_that_cannot_be_made_now_does_not_keep_a_requirement(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    script = write_script("", "greet", "speak")
    assert run_pyscript("lock", script, "--here").returncode == 0
    env = {"PYSCRIPT_OFFLINE": "1", "PYSCRIPT_CACHE_DIR": str(tmp_path / "empty")}
    done = run_pyscript("remove", script, "greet", env=env)
    assert done.returncode == 0
    assert "warning: The lock cannot be made anew now: " in done.stderr
    assert "greet" not in script.read_text()
