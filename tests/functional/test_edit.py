"""`pyscript edit`: the person's editor, with the script's environment."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import WriteScript
from tests.support.index_server import IndexServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the editors of these tests are shell scripts")

SHOW = '#!/bin/sh\nfor word; do echo "$word"; done\necho "$VIRTUAL_ENV"\n'


@pytest.fixture
def script(stocked: IndexServer, write_script: WriteScript) -> Path:
    return write_script("", "speak<2")


def program(path: Path, text: str = SHOW) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def editor(tmp_path: Path) -> Path:
    return program(tmp_path / "bin" / "myedit")


def test_the_editor_gets_the_script_and_its_environment(script: Path, editor: Path, run_pyscript: Program) -> None:
    done = run_pyscript("edit", script, env={"EDITOR": f"{editor} --nofork"})
    assert done.returncode == 0, done.stderr
    *words, environment = done.stdout.splitlines()
    assert words == ["--nofork", str(script)]
    python = run_pyscript("prepare", "--print-python", script).stdout.strip()
    assert python.startswith(f"{environment}/")


def test_visual_comes_before_editor_and_an_option_before_both(
    script: Path, editor: Path, run_pyscript: Program, tmp_path: Path
) -> None:
    other = program(tmp_path / "bin" / "other", "#!/bin/sh\necho other\n")
    environ = {"VISUAL": str(other), "EDITOR": str(editor)}
    assert run_pyscript("edit", script, env=environ).stdout == "other\n"
    assert run_pyscript("edit", script, "--editor", str(editor), env=environ).stdout.startswith(str(script))


def test_vs_code_waits_and_gets_a_workspace_that_names_the_interpreter(
    script: Path, run_pyscript: Program, tmp_path: Path, write_script: WriteScript
) -> None:
    code = program(tmp_path / "bin" / "code")
    before = sorted(tmp_path.iterdir())
    done = run_pyscript("edit", script, env={"VISUAL": str(code)})
    wait, workspace, opened, _ = done.stdout.splitlines()
    assert (wait, opened) == ("--wait", str(script))
    content = json.loads(Path(workspace).read_text())
    assert content["folders"] == [{"path": str(tmp_path)}]
    python = content["settings"]["python.defaultInterpreterPath"]
    assert version_of_speak(python) == "1.0"
    assert sorted(tmp_path.iterdir()) == sorted({*before, tmp_path / "cache"})  # nothing beside the script
    # The path stays and leads to what the block asks for now.
    Path(workspace).write_text(json.dumps({**content, "mine": 1}))
    write_script("", "speak")
    run_pyscript("edit", script, env={"VISUAL": f"{code} --wait"})
    assert json.loads(Path(workspace).read_text())["mine"] == 1
    assert version_of_speak(python) == "2.0"


def version_of_speak(python: str) -> str:
    code = "import speak; print(speak.__version__)"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_a_workspace_goes_with_the_environment(script: Path, run_pyscript: Program, tmp_path: Path) -> None:
    code = program(tmp_path / "bin" / "code")
    workspace = Path(run_pyscript("edit", script, env={"VISUAL": str(code)}).stdout.splitlines()[1])
    run_pyscript("cache", "clean", script)
    assert not workspace.exists()


def test_a_script_that_cannot_be_prepared_is_opened_all_the_same(
    stocked: IndexServer, editor: Path, run_pyscript: Program, write_script: WriteScript
) -> None:
    script = write_script("", "speak<<2")
    done = run_pyscript("edit", script, env={"EDITOR": str(editor)})
    assert done.stdout.splitlines()[0] == str(script)
    assert done.returncode == 2  # it is still broken afterwards
    assert "The script is opened without its packages." in done.stderr
    mend = program(editor.with_name("mend"), '#!/bin/sh\nsed -i.bak "s/<<2/<2/" "$1"\n')
    done = run_pyscript("edit", script, env={"EDITOR": str(mend)})
    assert done.returncode == 0, done.stderr


def test_what_was_edited_is_ready_for_its_next_launch(
    script: Path, stocked: IndexServer, editor: Path, run_pyscript: Program
) -> None:
    change = program(editor.with_name("change"), '#!/bin/sh\nsed -i.bak "s/speak<2/greet/" "$1"\n')
    assert run_pyscript("edit", script, env={"EDITOR": str(change)}).returncode == 0
    stocked.forget_requests()
    done = run_pyscript(script)
    assert (done.returncode, done.stderr, stocked.paths()) == (0, "", [])


def test_the_editors_exit_status_is_handed_on(script: Path, run_pyscript: Program, tmp_path: Path) -> None:
    failing = program(tmp_path / "bin" / "failing", "#!/bin/sh\nexit 5\n")
    assert run_pyscript("edit", script, env={"EDITOR": str(failing)}).returncode == 5


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"EDITOR": "nosuch --x"}, "The variable EDITOR names the editor 'nosuch', which is no program on PATH."),
        ({"EDITOR": "'"}, 'The variable EDITOR: "\'" cannot be read'),
        ({"PATH": "/nowhere"}, "There is no editor: neither VISUAL nor EDITOR is set"),
    ],
)
def test_without_an_editor_it_says_how_to_name_one(
    environ: dict[str, str], message: str, script: Path, run_pyscript: Program
) -> None:
    done = run_pyscript("edit", script, env=environ)
    assert done.returncode != 0
    assert message in done.stderr


def test_an_archive_is_refused_because_an_editor_shows_bytes(
    script: Path, editor: Path, run_pyscript: Program, tmp_path: Path
) -> None:
    run_pyscript("bundle", script, "-o", "tool.pyz")
    content = (tmp_path / "tool.pyz").read_bytes()
    done = run_pyscript("edit", "tool.pyz", env={"EDITOR": str(editor)})
    assert (done.returncode, done.stdout) == (2, "")
    assert "tool.pyz is an archive, which no editor shows as text." in done.stderr
    assert (tmp_path / "tool.pyz").read_bytes() == content


def test_a_script_that_is_missing_is_not_begun(run_pyscript: Program, editor: Path, tmp_path: Path) -> None:
    done = run_pyscript("edit", "new.py", env={"EDITOR": str(editor)})
    assert (done.returncode, done.stdout) == (2, "")
    assert "Begin one with: pyscript init new.py" in done.stderr
    assert not (tmp_path / "new.py").exists()
