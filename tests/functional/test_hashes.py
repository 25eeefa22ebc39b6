"""Hashes in a requirements file are promises: a file that is not one of them is never used."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import package
from tests.support.index_server import IndexServer

GREET = package("greet").sha256
OTHER = "0" * 64


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    return tmp_path / "requirements.txt"


def test_the_right_hash_is_accepted(stocked: IndexServer, run_pyscript: Program, requirements: Path) -> None:
    requirements.write_text(f"greet==1.0 --hash=sha256:{OTHER} --hash=sha256:{GREET}\n")
    done = run_pyscript("--with-requirements", requirements, "-m", "greet")
    assert done.stdout == "greet 1.0\n", done.stderr


def test_a_wrong_hash_is_refused(stocked: IndexServer, run_pyscript: Program, requirements: Path) -> None:
    requirements.write_text(f"greet==1.0 --hash=sha256:{OTHER}\n")
    done = run_pyscript("--with-requirements", requirements, "-m", "greet")
    assert (done.returncode, done.stdout) == (1, "")
    assert "has no file with one of the given hashes" in done.stderr


def test_hashes_that_exclude_each_other_leave_nothing(
    stocked: IndexServer, run_pyscript: Program, requirements: Path
) -> None:
    requirements.write_text(f"greet==1.0 --hash=sha256:{OTHER}\ngreet --hash=sha256:{GREET}\n")
    done = run_pyscript("--with-requirements", requirements, "-m", "greet")
    assert (done.returncode, done.stdout) == (1, "")
    assert "has no file with one of the given hashes" in done.stderr


@pytest.mark.parametrize("fragment", ["", f"#sha256={GREET}"])
def test_a_file_by_url_has_to_match_as_well(
    fragment: str, stocked: IndexServer, run_pyscript: Program, requirements: Path
) -> None:
    url = f"{stocked.origin}/files/greet-1.0-py3-none-any.whl{fragment}"
    requirements.write_text(f"greet @ {url} --hash=sha256:{OTHER}\n")
    done = run_pyscript("--with-requirements", requirements, "-m", "greet")
    assert (done.returncode, done.stdout) == (1, "")
    assert "hash" in done.stderr
    requirements.write_text(f"greet @ {url} --hash=sha256:{GREET}\n")
    assert run_pyscript("--with-requirements", requirements, "-m", "greet").stdout == "greet 1.0\n"
