"""What is exported, taken by the tools that it is for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Program

pytestmark = pytest.mark.network

SCRIPT = """\
# /// script
# dependencies = ["rich", "jinja2", "docopt"]
# ///
import docopt, jinja2, rich
print("it runs")
"""
VALIDATE = """\
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
print(JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read()))
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "x.py"
    path.write_text(SCRIPT)
    return path


def test_pip_installs_the_requirements_by_their_hashes(script: Path, run_pyscript: Program, tmp_path: Path) -> None:
    done = run_pyscript("export", script, "--format", "requirements", "-o", "requirements.txt")
    assert done.returncode == 0, done.stderr
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "v"], cwd=tmp_path, check=True)
    python = tmp_path / "v" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--require-hashes"]
    subprocess.run([*command, "-r", "requirements.txt"], cwd=tmp_path, env=run_pyscript.environ, check=True)
    printed = subprocess.run([str(python), script], capture_output=True, text=True, check=True).stdout
    assert printed == "it runs\n"


def test_a_bill_of_materials_satisfies_the_schema(script: Path, run_pyscript: Program) -> None:
    bill = run_pyscript("export", script, "--format", "cyclonedx")
    assert bill.returncode == 0, bill.stderr
    validator = "cyclonedx-python-lib[json-validation]"
    done = run_pyscript("--with", validator, "-c", VALIDATE, input=bill.stdout)
    assert (done.returncode, done.stdout) == (0, "None\n"), done.stderr
