"""Tools that install pyscript as a command, each with an environment of its own behind a link."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Program, program_path
from tests.support.installation import Installation

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(sys.platform == "win32", reason="the shell launcher is POSIX's"),
]

WAYS = {"uv": ("uv", "tool", "install"), "pipx": ("pipx", "install")}


@pytest.mark.parametrize("tool", WAYS)
def test_the_second_launch_starts_no_python_but_its_own(tool: str, run_pyscript: Program, tmp_path: Path) -> None:
    program = shutil.which(tool, path=program_path().parent) or shutil.which(tool)
    if program is None:
        pytest.skip(f"{tool} is not installed")
    home = tmp_path / "a home"
    commands = home / "bin"
    places = {
        **{"UV_TOOL_DIR": str(home / "tools"), "UV_TOOL_BIN_DIR": str(commands), "UV_PYTHON": sys.executable},
        **{"PIPX_HOME": str(home / "pipx"), "PIPX_BIN_DIR": str(commands), "PIPX_MAN_DIR": str(home / "man")},
    }
    environ = run_pyscript.variables({**places, "PYSCRIPT_QUIET": "1"})
    done = subprocess.run(
        [program, *WAYS[tool][1:], ROOT], env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    script = tmp_path / "x.py"
    script.write_text("# /// script\n# dependencies = ['cowsay==6.1']\n# ///\nimport cowsay\nprint('moo')\n")
    # A shell leaves a script that changed within the last second to Python.
    os.utime(script, (script.stat().st_mtime - 10,) * 2)
    run_pyscript.environ["PYSCRIPT_QUIET"] = "1"
    installed = Installation.of(commands / "pyscript")
    assert installed.command.is_symlink()
    assert installed.launch_twice(run_pyscript, "x.py") == ["moo\n", "moo\n", "failed"]
