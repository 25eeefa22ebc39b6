"""Each step of a launch imports what it needs and no more: which packages are loaded is pinned here.

A library that creeps into an early step costs every launch that takes it; see the figures in `docs/explanation`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher import resolve
from launcher.cache import remove_tree
from tests.conftest import Program
from tests.functional.conftest import WriteScript, package
from tests.support.index_server import IndexServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the paths of an installation differ")

LIBRARIES = {
    *("build", "dotenv", "filelock", "httpx2", "installer", "nab_resolver", "packaging", "pbs_installer"),
    *("pyproject_hooks", "python_discovery", "rich", "tomli", "tomlkit", "truststore", "unearth", "watchfiles"),
}
HEAVY = {"asyncio", "email", "http", "json", "logging", "random", "shutil", "ssl", "subprocess", "tempfile", "zipfile"}
SELDOM_NEEDED = {
    *("argparse", "asyncio", "concurrent.futures", "configparser", "importlib.metadata", "multiprocessing", "secrets"),
    *("shutil", "tarfile", "tempfile", "urllib.request", "zipfile"),
}
"""What no ordinary first launch needs; zipfile alone takes 8 ms."""
OF_FAILURES_AND_SOURCES = {
    *("build", "build_output", "explanation", "finder", "git_program", "newest", "proof", "relations"),
    *("requirements_file", "source_archive", "source_copy", "source_identity", "source_places", "source_trees"),
    *("sources", "version_control"),
}
"""What of `launcher.resolve` only a contradiction, a source, or a choice that workers make needs."""


def loaded(program: Program, *arguments: str | Path) -> set[str]:
    """Return the modules that the Python launcher loads for these arguments, up to where it becomes the script."""
    (launcher,) = program.path.parent.parent.glob("lib/python3.*/site-packages/launcher/__main__.py")
    # By the name that the shell launcher uses: what was remembered of interpreters depends on it.
    python = program.path.parent / "python{}.{}".format(*sys.version_info)
    done = subprocess.run(
        [python, "-I", "-S", "-X", "importtime", launcher, *arguments],
        env=program.variables(),
        cwd=program.directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


def tops(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules} & (LIBRARIES | HEAVY)


@pytest.fixture
def script(stocked: IndexServer, run_pyscript: Program, write_script: WriteScript) -> Path:
    path = write_script("", "speak")
    assert run_pyscript(path).returncode == 0
    return path


def test_a_warm_launch_loads_the_launch_alone(run_pyscript: Program, script: Path) -> None:
    modules = loaded(run_pyscript, script)
    assert {module for module in modules if module.startswith("launcher")} == {
        *("launcher", "launcher.launch", "launcher.launch.record", "launcher.launch.warm")
    }
    assert not modules & {"os", "site", "re", "typing", "dataclasses", "pathlib"}


def test_a_warm_double_click_loads_no_window_and_no_step_of_the_data_path(
    run_pyscript: Program, script: Path, tmp_path: Path
) -> None:
    window = tmp_path / "x.pyw"
    window.write_bytes(script.read_bytes())
    assert run_pyscript("trust", "add", window).returncode == 0
    assert run_pyscript("prepare", window).returncode == 0
    # The script itself is another process, which is told of nothing.
    modules = loaded(run_pyscript, "open", window)
    rooms = {module.split(".")[1] for module in modules if module.startswith("launcher.")}
    assert not rooms & {"prepare", "provision", "request", "environment"}
    ours = {module for module in modules if module.startswith("launcher.desktop.")}
    assert ours == {f"launcher.desktop.{name}" for name in ("beside", "log", "opening", "plain_words", "window")}
    assert tops(modules) <= {"tomli", "subprocess"}
    assert not modules & {"argparse", "hashlib"}


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_help_and_version_load_no_step_of_the_data_path(argument: str, run_pyscript: Program) -> None:
    modules = loaded(run_pyscript, argument)
    rooms = {module.split(".")[1] for module in modules if module.startswith("launcher.")}
    assert rooms == {"launch", "cli", "errors", "reporter", "settings", "cache", "value"}
    assert tops(modules) <= {"shutil"}  # argparse's own


def test_a_remembered_resolution_and_its_environment_load_no_library_but_tomli(
    run_pyscript: Program, script: Path, cache_dir: Path
) -> None:
    shutil.rmtree(cache_dir / "launch-v1")
    assert tops(loaded(run_pyscript, script)) <= {"tomli"}


def test_pips_configuration_loads_no_more(run_pyscript: Program, script: Path, cache_dir: Path) -> None:
    shutil.rmtree(cache_dir / "launch-v1")
    # Without its files, of which this machine may have some.
    more = {"PYSCRIPT_NO_PIP_CONFIG": "", "PIP_CONFIG_FILE": os.devnull, "PIP_TRUSTED_HOST": "a.host"}
    run_pyscript.environ.update(more)
    modules = loaded(run_pyscript, script)
    assert "launcher.pip_configuration" in modules
    assert tops(modules) <= {"tomli"}


def test_stored_wheels_without_an_environment_load_no_more(
    run_pyscript: Program, script: Path, cache_dir: Path
) -> None:
    shutil.rmtree(cache_dir / "launch-v1")
    shutil.rmtree(cache_dir / "environments-v1")
    modules = loaded(run_pyscript, script)
    assert tops(modules) <= {"tomli"}
    assert "launcher.environment.compose" in modules
    assert "launcher.environment.wheel_store" not in modules


def test_a_new_resolution_from_fresh_pages_loads_the_resolver_and_nothing_of_the_network(
    run_pyscript: Program, script: Path, cache_dir: Path
) -> None:
    shutil.rmtree(cache_dir / "launch-v1")
    shutil.rmtree(cache_dir / "resolutions-v1")
    modules = tops(loaded(run_pyscript, script))
    assert {"nab_resolver", "packaging"} <= modules
    assert not modules & {"asyncio", "email", "http", "httpx2", "installer", "pbs_installer", "ssl", "unearth"}


@pytest.fixture
def one_processor() -> Iterator[None]:
    """Let what is started have one processor only, so that nothing is left to workers."""
    if sys.platform != "linux":
        pytest.skip("only Linux lets a process say so")
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(usable)})
    yield
    os.sched_setaffinity(0, usable)


@pytest.fixture
def two_processors() -> None:
    """Let there be workers, which have other processes to load what they need."""
    if sys.platform != "linux" or len(os.sched_getaffinity(0)) == 1:
        pytest.skip("one processor has no workers")


@pytest.mark.usefixtures("two_processors")
def test_a_first_launch_loads_the_resolver_and_the_network_alone(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    modules = loaded(run_pyscript, write_script("", "speak"))
    # Without a terminal there is no rich.
    assert {module.partition(".")[0] for module in modules} & LIBRARIES == {"nab_resolver", "packaging", "tomli"}
    assert {"http.client", "ssl"} <= modules
    assert not modules & SELDOM_NEEDED
    ours = {module.removeprefix("launcher.resolve.") for module in modules}
    assert {"connections", "index", "provider"} <= ours
    assert not ours & OF_FAILURES_AND_SOURCES
    assert {path.stem for path in Path(resolve.__file__).parent.iterdir()} >= OF_FAILURES_AND_SOURCES


@pytest.mark.usefixtures("two_processors")
def test_a_wheel_that_is_here_needs_no_network(
    tmp_path: Path, run_pyscript: Program, write_script: WriteScript
) -> None:
    wheel = package("greet").write(tmp_path / "wheels")
    modules = loaded(run_pyscript, write_script("", f"greet @ {wheel.as_uri()}"))
    assert "nab_resolver" in modules
    assert not modules & {"http.client", "ssl", "urllib.request", "launcher.resolve.connections"}


@pytest.mark.usefixtures("two_processors")
def test_what_unpacks_and_judges_is_loaded_by_workers(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    stocked.add(package("greet", "2.0"), package("greet", "2.0", tag="py2.py3-none-any"))
    modules = loaded(run_pyscript, write_script("", "greet"))
    assert "nab_resolver" in modules
    assert not modules & {"filelock", "httpx2", "launcher.environment.archive", "unearth"}


@pytest.mark.usefixtures("one_processor")
def test_a_wheel_written_as_most_are_comes_into_the_store_without_installer(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    # One wheel: several threads would tell of what they load in one line.
    script = write_script("", "greet")
    assert run_pyscript(script).returncode == 0
    for bucket in ("launch-v1", "environments-v1", "wheels-v1"):
        remove_tree(cache_dir / bucket)
    modules = loaded(run_pyscript, script)
    # What import_module loads by name is not told, only what that needs.
    assert "launcher.environment.archive" in modules
    assert not modules & {"configparser", "csv", "installer"}


@pytest.mark.usefixtures("one_processor")
def test_only_a_choice_that_was_never_made_loads_the_finder(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    stocked.add(package("greet", "2.0"), package("greet", "2.0", tag="py2.py3-none-any"))
    script = write_script("", "greet")
    assert "unearth" in tops(loaded(run_pyscript, script))
    shutil.rmtree(cache_dir / "launch-v1")
    shutil.rmtree(cache_dir / "resolutions-v1")
    modules = tops(loaded(run_pyscript, script))
    assert "nab_resolver" in modules
    assert "unearth" not in modules
