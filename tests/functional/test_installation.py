"""Ways to install pyscript: after each of them the first launch works, and the second one starts no Python but its own.

Whatever the shell script does not recognise is left to the Python launcher, so that is taken away before the second.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Program
from tests.functional.conftest import WriteScript
from tests.support.index_server import IndexServer
from tests.support.installation import (
    Installation,
    base_python,
    copy_sources,
    make_environment,
    pip_install,
    share_dependencies,
)

pytest.importorskip("pip", minversion="22.3", reason="pip installs what is tested here")
pytest.importorskip("hatchling", reason="without the network the backend has to be there")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the shell launcher is POSIX's")

SAID = ["greet 1.0\n", "greet 1.0\n", "failed"]


@pytest.fixture
def script(stocked: IndexServer, run_pyscript: Program, write_script: WriteScript) -> Path:
    run_pyscript.environ["PYSCRIPT_QUIET"] = "1"  # how long it took is nothing that a test can know
    path = write_script("import greet; greet.main()", "greet", head="#!/usr/bin/env pyscript\n")
    path.chmod(0o755)
    # A shell leaves a script that changed within the last second to Python.
    os.utime(path, (path.stat().st_mtime - 10,) * 2)
    return path


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Return what `pip install .` makes in an environment whose path has blanks."""
    home = tmp_path_factory.mktemp("a place with blanks")
    python = make_environment(home / "the environment")
    pip_install(python, ROOT, environ={"HOME": str(home), "PATH": "/usr/bin:/bin"})
    return Installation.of(python.with_name("pyscript"))


def test_pip_where_the_path_has_blanks(installed: Installation, run_pyscript: Program, script: Path) -> None:
    assert installed.launch_twice(run_pyscript, script) == SAID


def test_a_symbolic_link_from_elsewhere(
    installed: Installation, run_pyscript: Program, script: Path, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "one").symlink_to(installed.command)
    (tmp_path / "bin" / "pyscript").symlink_to("../one")
    linked = Installation(tmp_path / "bin" / "pyscript", installed.package)
    assert linked.launch_twice(run_pyscript, script) == SAID


def test_the_first_line_of_a_script_finds_a_link_on_path(
    installed: Installation, run_pyscript: Program, script: Path, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pyscript").symlink_to(installed.command)
    environ = run_pyscript.variables({"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"})
    for _ in range(2):
        done = subprocess.run([script], env=environ, capture_output=True, text=True, check=False)
        assert (done.stdout, done.stderr) == ("greet 1.0\n", "")


def test_pip_editable(run_pyscript: Program, script: Path, tmp_path: Path) -> None:
    sources = copy_sources(tmp_path / "my projects" / "pyscript")
    python = make_environment(tmp_path / "environment")
    pip_install(python, "--editable", sources, environ=run_pyscript.environ)
    editable = Installation(python.with_name("pyscript"), sources / "launcher")
    assert editable.launch_twice(run_pyscript, script) == SAID


def test_pip_for_one_user(run_pyscript: Program, script: Path, home: Path) -> None:
    python, environ = base_python(), run_pyscript.environ
    question = "import site; print(site.getuserbase(), site.getusersitepackages(), sep='\\n')"
    answer = subprocess.run([python, "-c", question], env=environ, capture_output=True, text=True, check=True)
    base, site_packages = map(Path, answer.stdout.splitlines())
    share_dependencies(site_packages)
    pip_install(python, "--user", ROOT, environ=environ)
    theirs = Installation(base / "bin" / "pyscript", site_packages / "launcher")
    assert home in theirs.command.parents
    assert theirs.launch_twice(run_pyscript, script) == SAID
