"""`--with-editable`: a project in development is built by its own backend, and its source is what runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import WriteScript
from tests.support.index_server import IndexServer
from tests.support.sdists import Sdist

PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "mine"
version = "1.0"
"""


def mine(statement: str) -> Sdist:
    """Return a project whose backend asks for ``greet`` and runs `statement` when it builds."""
    return Sdist(
        "mine",
        requires=["voice"],
        extras={"loud": ["speak"]},
        more_requires=["greet"],
        statement=statement,
        files={"pyproject.toml": PYPROJECT, "src/mine.py": "value = 1\n"},
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return mine("import greet").write_project(tmp_path / "project")


def test_changes_in_the_source_are_seen_at_once(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, project: Path
) -> None:
    script = write_script("import mine, voice; print(mine.value, voice.__version__)")
    assert run_pyscript("--with-editable", "project", script).stdout == "1 1.5\n"
    # Of another size: Python takes byte code for that of a file that was changed within the same second.
    (project / "src" / "mine.py").write_text("value = 22\n")
    stocked.forget_requests()
    done = run_pyscript("--with-editable", "project", script)
    assert (done.stdout, done.stderr) == ("22 1.5\n", "")
    assert stocked.paths() == []


def test_extras_of_it_are_installed(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, project: Path
) -> None:
    script = write_script("import mine, speak; print(speak.__version__)")
    assert run_pyscript("--with-editable", "project[loud]", script).stdout == "2.0\n"
    assert run_pyscript("--with-editable", "project", script).returncode == 1


def test_a_requirements_file_can_name_it(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, project: Path, tmp_path: Path
) -> None:
    (tmp_path / "requirements.txt").write_text("-e ./project\n")
    script = write_script("import mine; print(mine.value)")
    done = run_pyscript("--with-requirements", "requirements.txt", script)
    assert done.stdout == "1\n", done.stderr


def test_a_change_of_its_description_builds_it_again(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, project: Path
) -> None:
    script = write_script("import mine; print(mine.value)")
    run_pyscript("--with-editable", "project", script)
    backend = (project / "backend.py").read_text()
    (project / "backend.py").write_text(backend.replace("'voice'", "'missing-one'"))
    assert run_pyscript("--with-editable", "project", script).stdout == "1\n"
    with (project / "pyproject.toml").open("a") as stream:
        stream.write("# changed\n")
    done = run_pyscript("--with-editable", "project", script)
    assert done.returncode == 1
    assert "missing-one" in done.stderr


def test_a_failing_backend_shows_its_last_words(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, project: Path
) -> None:
    mine("raise RuntimeError('out of glue')").write_project(project)
    done = run_pyscript("--with-editable", "project", write_script())
    assert (done.returncode, done.stdout) == (1, "")
    assert "could not be built" in done.stderr
    assert "the backend was here" in done.stderr
    assert "out of glue" in done.stderr
    assert "error: " in done.stderr


def test_a_broken_description_is_told(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, project: Path
) -> None:
    (project / "pyproject.toml").write_text("[build-system\n")
    done = run_pyscript("--with-editable", "project", write_script())
    assert done.returncode == 1
    assert "could not be built" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_interpreters_do_not_write_into_it_at_once(
    stocked: IndexServer,
    run_pyscript: Program,
    write_script: WriteScript,
    interpreters: Mapping[str, str],
    tmp_path: Path,
) -> None:
    if not interpreters:
        pytest.skip("needs another interpreter")
    alone = "import time; os.mkdir('busy'); time.sleep(0.4); os.rmdir('busy')"
    Sdist("made", statement=alone).write_project(tmp_path / "made")
    script = write_script("import made; print(made.VERSION)")
    pythons = [[], ["--python", next(iter(interpreters.values()))]]
    launches = [run_pyscript.start(*python, "--with-editable", "made", script) for python in pythons]
    assert [launch.communicate(timeout=60)[0] for launch in launches] == ["1.0\n"] * 2
