"""Locks of real packages: pip and uv install from them, and each target gets what it would get alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from launcher.cache import Cache
from launcher.python.query import query
from launcher.reporter import SilentReporter
from launcher.resolve.index import Index
from launcher.resolve.index_settings import IndexSettings
from launcher.resolve.lockfile import Lock, read_lock
from launcher.resolve.platforms import DEFAULT_PLATFORMS
from launcher.resolve.provider import resolve
from launcher.resolve.resolution import Policy, Requested
from launcher.resolve.targets import target_interpreter
from tests.conftest import Program

UV = shutil.which("uv")
PYTHONS = ("3.14", "3.13", "3.12", "3.11")

SETS = {
    "requests": ["requests<3", "rich"],
    "fastapi": ["fastapi[standard]"],
    "science": ["pandas", "matplotlib"],
    "systems": ["click", "tqdm", "pywin32; sys_platform == 'win32'", "uvloop; sys_platform != 'win32'", "redis"],
}

pytestmark = [
    pytest.mark.network,
    # Connections that were fetching ahead are given up, not closed, when the answer is there.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

MakeLock = Callable[[str], Path]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory for the caches, so that no page is fetched twice."""
    return tmp_path_factory.mktemp("locks")


@pytest.fixture
def make_lock(place: Path, run_pyscript: Program) -> MakeLock:
    """Return a function that locks one of the sets, once, and gives the lock's path."""

    def make(name: str) -> Path:
        script, path = place / f"{name}.py", place / f"pylock.{name}.toml"
        if path.exists():
            return path
        script.write_text(f"# /// script\n# requires-python = '>=3.11'\n# dependencies = {SETS[name]}\n# ///\n")
        # What a target gets alone is found without pip's configuration, too.
        alike = {"PYSCRIPT_NO_PIP_CONFIG": "1"}
        done = run_pyscript("lock", "--cache-dir", place / "cache", script, env=alike)
        assert done.returncode == 0, done.stderr
        return path

    return make


@pytest.fixture(scope="module")
def pip(place: Path) -> Path:
    """Return a Python with a pip that reads locks."""
    python = place / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run([sys.executable, "-m", "venv", str(place / "venv")], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", "pip>=26.1"], check=True)
    return python


def pins_here(lock: Lock, python: Path) -> set[str]:
    """Return what the interpreter gets of a lock."""
    interpreter = query(str(python), Cache(python.parent / "cache"))
    return {f"{each.name}=={each.version}" for each in lock.packages_for(interpreter.markers)}


@pytest.mark.parametrize("name", SETS)
def test_pip_installs_from_the_lock(name: str, make_lock: MakeLock, pip: Path, tmp_path: Path) -> None:
    path, report = make_lock(name), tmp_path / "report.json"
    command = [str(pip), "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", str(report)]
    done = subprocess.run([*command, "-r", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    installed = [each["metadata"] for each in json.loads(report.read_text("utf-8"))["install"]]
    found = {f"{each['name'].lower().replace('_', '-').replace('.', '-')}=={each['version']}" for each in installed}
    assert found == pins_here(read_lock(path.read_bytes(), path.name), pip)


@pytest.mark.skipif(UV is None, reason="uv is not installed")
@pytest.mark.parametrize("name", SETS)
def test_uv_syncs_with_the_lock(name: str, make_lock: MakeLock, pip: Path, place: Path, tmp_path: Path) -> None:
    path, empty = make_lock(name), tmp_path / "empty"
    environment = {**os.environ, "UV_CACHE_DIR": str(place / "uv")}
    subprocess.run([str(UV), "venv", "--quiet", "--python", sys.executable, str(empty)], check=True, env=environment)
    command = [
        str(UV),
        "pip",
        "sync",
        "--dry-run",
        "--no-config",
        "--color",
        "never",
        "--python",
        str(empty),
        str(path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    found = {line.removeprefix(" + ") for line in done.stderr.splitlines() if line.startswith(" + ")}
    assert found == pins_here(read_lock(path.read_bytes(), path.name), pip)


@pytest.mark.parametrize("name", SETS)
def test_each_target_gets_what_it_would_get_alone(name: str, make_lock: MakeLock, place: Path) -> None:
    lock = read_lock(make_lock(name).read_bytes(), name)
    cache = Cache(place / "cache")
    requested = [Requested(text, f"line {number} of x.py") for number, text in enumerate(SETS[name], 3)]
    with Index(IndexSettings(), query(sys.executable, cache), cache) as index:
        for python in PYTHONS:
            for platform in DEFAULT_PLATFORMS:
                target = target_interpreter(python, platform)
                alone = resolve(requested, target, index, Policy(), SilentReporter())
                locked = {each.name: str(each.version) for each in lock.packages_for(target.markers)}
                assert locked == {pin.candidate.name: pin.candidate.version for pin in alone}, f"{python} on {platform}"
