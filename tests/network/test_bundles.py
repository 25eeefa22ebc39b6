"""Bundles of real packages run in an empty environment, with native code and without a network."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Program

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux can take the network away"),
]

SCRIPTS = {
    "pure": ("requests<3", "rich", "import requests, rich; rich.print(requests.__name__, 6 * 7)", "requests 42\n"),
    "native": (
        "pandas",
        "tzdata",
        "import pandas; print(pandas.DataFrame({'a': [1, 2]}).sum().to_dict(), len(pandas.__version__) > 2)",
        "{'a': 3} True\n",
    ),
}


@pytest.mark.parametrize("kind", SCRIPTS)
def test_real_packages_run_from_a_bundle(kind: str, run_pyscript: Program, tmp_path: Path) -> None:
    *requirements, body, said = SCRIPTS[kind]
    (tmp_path / "tool.py").write_text(f"# /// script\n# dependencies = {requirements}\n# ///\n{body}\n")
    # An index of this machine may have the wheels of this machine alone.
    run_pyscript.environ["PYSCRIPT_NO_PIP_CONFIG"] = "1"
    options = ["--python-platform", "any"] if kind == "pure" else []
    made = run_pyscript("bundle", "tool.py", *options)
    assert made.returncode == 0, made.stderr
    if kind == "pure":
        assert "and newer on any system" in made.stdout
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)
    alone = ["unshare", "-n", "-r", "env", "-i"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("namespaces are not allowed here")
    for _ in range(2):
        done = subprocess.run(
            [*alone, f"HOME={tmp_path}", sys.executable, tmp_path / "tool.pyz"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stdout, done.stderr) == (said, "")
