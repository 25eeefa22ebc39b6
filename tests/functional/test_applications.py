"""A directory with a `__main__.py` and a zip application are run as Python runs them, with what they need."""

from __future__ import annotations

import zipapp
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.support.index_server import IndexServer

SHOW = "import sys\nimport inner, greet\nprint(sys.argv, sys.path[0], inner.WORD, greet.__version__)\n"
BLOCK = "# /// script\n# dependencies = ['greet']\n# ///\n"


@pytest.fixture
def app(stocked: IndexServer, tmp_path: Path) -> Path:
    directory = tmp_path / "app"
    directory.mkdir()
    (directory / "__main__.py").write_text(BLOCK + SHOW)
    (directory / "inner.py").write_text("WORD = 'hi'\n")
    return directory


def test_a_directory_is_run_with_what_the_block_of_its_main_names(
    app: Path, stocked: IndexServer, run_pyscript: Program
) -> None:
    for name in ("app", "./app", "app/"):
        done = run_pyscript(name, "-v")
        assert done.stdout.startswith(f"{[name, '-v']} "), done.stderr
        assert done.stdout.endswith(" hi 1.0\n")


def test_a_directory_is_recognised_until_its_main_changes(
    app: Path, stocked: IndexServer, run_pyscript: Program
) -> None:
    run_pyscript("app")
    stocked.forget_requests()
    assert run_pyscript("app").stderr == ""
    assert stocked.paths() == []
    (app / "__main__.py").write_text("print('no block any more')")
    assert run_pyscript("app").stdout == "no block any more\n"
    (app / "__main__.py").unlink()
    done = run_pyscript("./app")
    assert done.returncode == 2
    assert "./app is a directory." in done.stderr


@pytest.mark.parametrize("shebang", [None, "/usr/bin/env pyscript"])
def test_a_zip_application_gets_what_options_add(
    shebang: str | None, app: Path, stocked: IndexServer, run_pyscript: Program
) -> None:
    archive = app.with_name("tool")
    zipapp.create_archive(app, archive, interpreter=shebang)
    for _ in range(2):
        done = run_pyscript("--with", "greet", "tool", "-v")
        assert done.stdout == f"['tool', '-v'] {archive} hi 1.0\n", done.stderr
    assert "No module named 'greet'" in run_pyscript("tool").stderr


def test_a_zip_application_is_recognised_until_it_changes(app: Path, run_pyscript: Program) -> None:
    archive = app.with_name("tool.pyz")
    (app / "__main__.py").write_text("print(1)")
    zipapp.create_archive(app, archive)
    for _ in range(2):
        assert run_pyscript("tool.pyz").stdout == "1\n"
    (app / "__main__.py").write_text("print(22)")
    zipapp.create_archive(app, archive)
    assert run_pyscript("tool.pyz").stdout == "22\n"


def test_an_error_in_the_block_names_the_main(app: Path, run_pyscript: Program) -> None:
    (app / "__main__.py").write_text("# /// script\n# dependencies = [1]\n# ///\n")
    done = run_pyscript("app")
    assert done.returncode == 2
    assert "app/__main__.py:2:" in done.stderr.replace("\\", "/")
