"""Scripts of real packages run with the locks that pip and uv make of them, and then without any request."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from launcher.cache import remove_tree
from tests.conftest import Program

UV = shutil.which("uv")
SETS = {
    "requests": (["requests<3", "rich"], "import requests, rich; print(requests.__version__)"),
    "fastapi": (["fastapi[standard]"], "import fastapi, uvicorn; print(fastapi.__version__)"),
}

Make = Callable[[Path, list[str], Path], None]


def _run(command: list[str | Path], directory: Path) -> None:
    environ = {**os.environ, "UV_CACHE_DIR": str(directory.parent / "uv")}
    done = subprocess.run(command, cwd=directory, env=environ, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr


def by_uv_compile(script: Path, requires: list[str], lock: Path) -> None:
    requirements = script.with_name("requirements.in")
    requirements.write_text("\n".join(requires))
    options: list[str | Path] = [
        "--quiet",
        "--no-config",
        "--format",
        "pylock.toml",
        "--python",
        sys.executable,
        "-o",
        lock,
    ]
    _run([str(UV), "pip", "compile", *options, requirements], script.parent)


def by_uv_export(script: Path, requires: list[str], lock: Path) -> None:
    _run([str(UV), "export", "--quiet", "--script", script, "--format", "pylock.toml", "-o", lock], script.parent)


def by_pip(script: Path, requires: list[str], lock: Path) -> None:
    python = script.parent / "venv" / "bin" / "python"
    _run([sys.executable, "-m", "venv", script.parent / "venv"], script.parent)
    _run([python, "-m", "pip", "install", "--quiet", "pip>=26.1"], script.parent)
    _run([python, "-m", "pip", "--quiet", "lock", "-o", lock, *requires], script.parent)


@pytest.mark.network
@pytest.mark.skipif(UV is None or sys.platform == "win32", reason="uv is not installed, or a venv looks otherwise")
@pytest.mark.parametrize("make", [by_uv_compile, by_uv_export, by_pip])
@pytest.mark.parametrize("name", SETS)
def test_a_script_runs_with_it(name: str, make: Make, run_pyscript: Program, cache_dir: Path, tmp_path: Path) -> None:
    requires, body = SETS[name]
    script = tmp_path / "tool.py"
    series = f"{sys.version_info.major}.{sys.version_info.minor}"
    block = f"# /// script\n# requires-python = '>={series}'\n# dependencies = {requires}\n# ///\n"
    script.write_text(f"{block}{body}\n")
    make(script, requires, tmp_path / "pylock.tool.toml")
    done = run_pyscript("--locked", "-p", series, script)
    assert done.returncode == 0, done.stderr
    for bucket in ("launch-v1", "environments-v1", "resolutions-v1"):
        remove_tree(cache_dir / bucket)
    again = run_pyscript("--locked", "--offline", "-p", series, script)
    assert again.stdout == done.stdout, again.stderr
