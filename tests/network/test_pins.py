"""Requirements over the most downloaded packages resolve to the pins that uv gives them, today and on this Python."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from launcher.cache import Cache
from launcher.python.query import Interpreter, query
from launcher.reporter import SilentReporter
from launcher.resolve.index import Index
from launcher.resolve.index_settings import IndexSettings
from launcher.resolve.provider import resolve
from launcher.resolve.resolution import Policy, Requested

UV = shutil.which("uv")
BLOCKS: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("blocks.toml").read_text("utf-8"))["block"]

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(UV is None, reason="uv is not installed"),
    # Connections that were fetching ahead are given up, not closed, when the answer is there.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory for both caches, so that no page is fetched twice."""
    return tmp_path_factory.mktemp("pins")


@pytest.fixture(scope="module")
def interpreter(place: Path) -> Interpreter:
    return query(sys.executable, Cache(place / "cache"))


def pins_of_uv(requires: list[str], place: Path) -> list[str]:
    command = [
        *(str(UV), "pip", "compile", "-", "--only-binary", ":all:", "--python", sys.executable, "--no-config"),
        *("--cache-dir", str(place / "uv"), "--no-header", "--no-annotate", "--quiet"),
    ]
    done = subprocess.run(command, input="\n".join(requires), capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return sorted(line.partition(" ;")[0] for line in done.stdout.splitlines() if line)


@pytest.mark.parametrize("block", [pytest.param(block, id=" ".join(block["requires"])) for block in BLOCKS])
def test_block(block: dict[str, Any], place: Path, interpreter: Interpreter) -> None:
    requested = [Requested(text, f"line {number} of x.py") for number, text in enumerate(block["requires"], 3)]
    with Index(IndexSettings(), interpreter, Cache(place / "cache")) as index:
        resolution = resolve(requested, interpreter, index, Policy(), SilentReporter())
    ours = sorted(f"{pin.candidate.name}=={pin.candidate.version}" for pin in resolution)
    theirs = pins_of_uv(block["requires"], place)
    different = sorted(set(ours) ^ set(theirs))
    assert bool(different) is ("differs" in block), f"ours or uv's alone: {different}"
