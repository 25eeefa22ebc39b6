"""Source distributions of the default index, built with the backends that people use."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.conftest import Program

pytestmark = pytest.mark.network

VERSION = "import importlib.metadata as m, {module}; print(m.version('{name}'))"
RunScript = Callable[..., "CompletedProcess[str]"]


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one cache for all tests here: what builds need is fetched once."""
    return tmp_path_factory.mktemp("builds") / "cache"


@pytest.fixture
def run_script(run_pyscript: Program, shared_cache: Path, tmp_path: Path) -> RunScript:
    """Return a function that runs a script which needs one package, with options."""

    def run(body: str, requirement: str, *options: str) -> CompletedProcess[str]:
        script = tmp_path / "x.py"
        script.write_text(f'# /// script\n# dependencies = ["{requirement}"]\n# ///\n{body}\n')
        # A mirror that pip is told of may have wheels alone.
        environ = {"PYSCRIPT_CACHE_DIR": str(shared_cache), "PYSCRIPT_NO_PIP_CONFIG": "1"}
        return run_pyscript(*options, script, env=environ)

    return run


@pytest.mark.parametrize(
    ("name", "version"),
    [
        pytest.param("docopt", "0.6.2", id="setup.py alone"),
        pytest.param("wget", "3.2", id="setup.py alone, in a ZIP file"),
    ],
)
def test_what_has_no_wheel_is_built_and_remembered(name: str, version: str, run_script: RunScript) -> None:
    body = VERSION.format(module=name, name=name)
    done = run_script(body, f"{name}=={version}")
    assert (done.stdout, done.returncode) == (f"{version}\n", 0), done.stderr
    assert "setup.py" not in done.stderr, "the backend's output is not shown"
    again = run_script(body, f"{name}=={version}", "--offline")
    assert again.stdout == f"{version}\n", again.stderr


@pytest.mark.parametrize(
    ("name", "version"),
    [
        pytest.param("idna", "3.10", id="flit-core"),
        pytest.param("rich", "13.9.4", id="poetry-core"),
        pytest.param("iniconfig", "2.1.0", id="hatchling, with a plugin"),
        pytest.param("pluggy", "1.5.0", id="setuptools, with setuptools-scm"),
    ],
)
def test_each_backend_builds(name: str, version: str, run_script: RunScript, shared_cache: Path) -> None:
    body = VERSION.format(module=name, name=name)
    done = run_script(body, f"{name}=={version}", "--no-binary-package", name)
    assert (done.stdout, done.returncode) == (f"{version}\n", 0), done.stderr
    assert [*(shared_cache / "built-v1").glob(f"*/{name}-{version}-*.whl")] != []


def test_a_build_gives_the_modules_that_the_wheel_on_the_index_has(run_script: RunScript) -> None:
    listed = "sorted(str(path) for path in m.files('idna') if path.parts[0] == 'idna')"
    body = f"import importlib.metadata as m, json; print(json.dumps({listed}))"
    built, fetched = (run_script(body, "idna==3.10", *options) for options in (["--no-binary-package", "idna"], []))
    assert len(names := json.loads(built.stdout)) > 5
    assert names == json.loads(fetched.stdout)


def test_no_build_passes_over_what_would_be_built(run_script: RunScript) -> None:
    done = run_script("", "docopt==0.6.2", "--no-build")
    assert done.returncode == 1
    assert "docopt 0.6.2 has only a source distribution, and no-build forbids to build it" in done.stderr
