"""Composed environments with packages of the default index: what only real wheels can prove."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Program

pytestmark = pytest.mark.network

RunScript = Callable[..., str]


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one cache for all tests here: nothing is downloaded twice."""
    return tmp_path_factory.mktemp("environments") / "cache"


@pytest.fixture
def run_script(run_pyscript: Program, shared_cache: Path, tmp_path: Path) -> RunScript:
    """Return a function that runs a script which needs packages, and gives what it printed."""

    def run(body: str, *dependencies: str) -> str:
        script = tmp_path / "x.py"
        script.write_text(f"# /// script\n# dependencies = {list(dependencies)}\n# ///\n{textwrap.dedent(body)}")
        done = run_pyscript(script, env={"PYSCRIPT_CACHE_DIR": str(shared_cache)})
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


def test_extension_modules_find_the_libraries_that_their_wheels_bundle(run_script: RunScript) -> None:
    body = """
        import io
        import numpy
        from PIL import Image, features
        picture = Image.fromarray(numpy.full((8, 8, 3), 200, dtype="uint8"))
        picture.save(stream := io.BytesIO(), "JPEG")
        print(Image.open(stream).size, numpy.linalg.det(numpy.eye(3)), features.check("freetype2"))
    """
    assert run_script(body, "numpy", "pillow") == "(8, 8) 1.0 True"


def test_libraries_of_several_wheels_find_each_other(run_script: RunScript) -> None:
    body = """
        from PySide6.QtCore import QCoreApplication, QTimer
        app = QCoreApplication([])
        QTimer.singleShot(0, app.quit)
        print(app.exec())
    """
    assert run_script(body, "pyside6-essentials") == "0"


def test_namespace_packages_of_several_projects(run_script: RunScript) -> None:
    body = """
        import google.api_core, google.protobuf, google.auth, google.rpc.status_pb2
        import zope.interface, zope.event
        import importlib.metadata as m
        names = "google-api-core", "protobuf", "google-auth", "googleapis-common-protos", "zope-interface", "zope-event"
        print([str(f) for name in names for f in m.files(name) if not f.locate().exists()])
    """
    assert run_script(body, "google-api-core", "zope.interface", "zope.event") == "[]"


def test_console_scripts_data_files_and_programs(run_script: RunScript) -> None:
    body = """
        import pathlib, subprocess, sys
        def first(*command):
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0]
        print(first("pygmentize", "-V"), first("ruff", "--version"), first(sys.executable, "-m", "rich.palette"))
        print(pathlib.Path(sys.prefix, "share/jupyter/kernels/python3/kernel.json").exists())
        print(first("jupyter", "kernelspec", "list"))
    """
    assert run_script(body, "pygments", "ruff", "rich", "ipykernel").split("\n")[1:] == ["True", "Available"]


def test_resources_and_entry_points(run_script: RunScript) -> None:
    body = """
        import importlib.metadata as m, importlib.resources as r
        print(r.files("certifi").joinpath("cacert.pem").stat().st_size > 100_000)
        points = m.entry_points(group="pytest11")
        print(sorted(point.name for point in points), points["xdist"].load().__name__)
    """
    lines = run_script(body, "certifi", "pytest-xdist").split("\n")
    assert lines[0] == "True" and lines[1].endswith("xdist.plugin")


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_multiprocessing_with_extension_modules(run_script: RunScript, method: str) -> None:
    body = f"""
        import multiprocessing, numpy
        def work(n):
            return int(numpy.arange(n).sum())
        if __name__ == "__main__":
            with multiprocessing.get_context("{method}").Pool(2) as pool:
                print(pool.map(work, [10, 100]))
    """
    assert run_script(body, "numpy") == "[45, 4950]"


def test_coverage_measures_modules_of_the_environment(run_script: RunScript) -> None:
    body = """
        import os, tempfile
        os.chdir(tempfile.mkdtemp())
        import coverage
        measured = coverage.Coverage(source=["idna"])
        measured.start()
        import idna
        measured.stop()
        print(any("idna" in name for name in measured.get_data().measured_files()))
    """
    assert run_script(body, "coverage", "idna") == "True"


def test_byte_code_is_shared_by_environments(run_script: RunScript, shared_cache: Path) -> None:
    body = "import rich.console; print(rich.console.__cached__)"
    first = os.path.realpath(run_script(body, "rich"))
    written = os.stat(first).st_mtime_ns
    second = os.path.realpath(run_script(body, "rich", "idna"))
    assert second == first and os.stat(second).st_mtime_ns == written
    assert first.startswith(str(shared_cache.resolve() / "wheels-v1"))
