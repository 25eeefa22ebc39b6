"""Hashes in a requirements file are promises: a file that is not one of them is never used."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import package
from tests.support.index_server import IndexServer
from tests.support.sdists import Sdist

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


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{origin}/made.tar.gz", "has no hash: --require-hashes asks for one"),
        ("made @ {origin}/made.tar.gz", "has no hash: --require-hashes asks for one"),
        ("made @ git+{origin}/made.git", "only a file can have one"),
        ("./made", "has no hash: only a file can have one"),
        ("-e ./made", "has no hash: only a file can have one"),
        ("outer --hash=sha256:{outer}", "has no hash: --require-hashes asks for one"),
        ("made", "made 1.0 is needed, but no hash is written for it"),
    ],
)
def test_nothing_is_run_of_a_source_without_the_hash_that_each_needs(
    line: str, said: str, stocked: IndexServer, run_pyscript: Program, requirements: Path, tmp_path: Path
) -> None:
    made = Sdist("made")
    stocked.add_page("/made.tar.gz", made.content)
    stocked.add_file(made.filename, made.content)
    outer = package("outer", requires=(f"made @ {stocked.origin}/made.tar.gz",))
    stocked.add(outer)
    made.write_project(tmp_path / "made")
    log = tmp_path / "build.log"
    requirements.write_text(f"--require-hashes\n{line.format(origin=stocked.origin, outer=outer.sha256)}\n")
    done = run_pyscript("--with-requirements", requirements, "-c", "", env={"BUILD_LOG": str(log)})
    assert done.returncode == 1
    assert said in done.stderr
    assert not log.exists()
    assert not any("made.tar.gz" in path or "made.git" in path for path in stocked.paths())


def test_a_hash_in_the_url_is_one(stocked: IndexServer, run_pyscript: Program, requirements: Path) -> None:
    made = Sdist("made")
    stocked.add_page("/made.tar.gz", made.content)
    requirements.write_text(f"--require-hashes\nmade @ {stocked.origin}/made.tar.gz#sha256={made.sha256}\n")
    done = run_pyscript("--with-requirements", requirements, "-c", "import made; print(made.VERSION)")
    assert done.stdout == "1.0\n", done.stderr
