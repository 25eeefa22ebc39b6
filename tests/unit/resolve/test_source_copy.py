"""A copy of a directory to build from: what is in it, what is not, and what paths in it stand for."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from launcher.resolve import source_copy
from launcher.resolve.project_files import fingerprint
from launcher.resolve.source_copy import copy_project

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "work" / "a bäum"
    write(path, "pyproject.toml", "src/a.py", "src/build/b.py")
    return path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    path = tmp_path / "place"
    path.mkdir()
    return path


def write(directory: Path, *names: str, text: str = "") -> None:
    for name in names:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)


def names_below(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir())


def test_what_builds_and_tools_leave_behind_stays_behind(project: Path, place: Path) -> None:
    write(project, "build/lib/gone.py", "a.egg-info/SOURCES.txt", "src/__pycache__/a.pyc", ".venv/x", "env/pyvenv.cfg")
    write(project, "target/CACHEDIR.TAG", "node_modules/x", ".hidden/kept")
    copy = copy_project(project, "", place)
    assert copy.directory == place / "a bäum"
    assert names_below(copy.directory) == [".hidden/kept", "pyproject.toml", "src/a.py", "src/build/b.py"]
    assert fingerprint(str(copy.directory), is_editable=False) == fingerprint(str(project), is_editable=False)


def test_what_may_not_be_written_can_be_in_the_copy(project: Path, place: Path) -> None:
    (project / "src" / "a.py").chmod(0o444)
    (project / "src").chmod(0o555)
    copied = copy_project(project, "", place).directory / "src"
    (project / "src").chmod(0o755)
    assert (copied / "a.py").stat().st_mode & 0o777 == 0o644
    assert copied.stat().st_mode & 0o700 == 0o700


def test_links_and_special_files(project: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project.parent, "outside/x")
    for name, target in (("in", "src/a.py"), ("out", "../outside"), ("broken", "nowhere")):
        (project / name).symlink_to(target)
    os.mkfifo(project / "pipe")
    write(project, "large", text="12345")
    monkeypatch.setattr(source_copy, "_LARGE_BYTES", 5)
    copied = copy_project(project, "", place).directory
    assert os.readlink(copied / "in") == "src/a.py"
    assert os.readlink(copied / "out") == str(project.parent / "outside")
    assert os.readlink(copied / "large") == str(project / "large")
    assert not (copied / "pipe").exists()


def test_a_repository_above_is_copied_where_the_project_looks_at_it(project: Path, place: Path) -> None:
    work = project.parent
    write(work, ".git/HEAD", ".git/index", ".git/index.lock", ".git/objects/aa/bb", ".git/refs/tags/v1", "README.md")
    assert copy_project(project, "", place).directory == place / "a bäum"
    other = place.with_name("other")
    other.mkdir()
    write(project, "pyproject.toml", text='[tool.setuptools_scm]\nroot = ".."\n')
    copy = copy_project(project, "", other)
    assert copy.directory == other / "work" / "a bäum"
    assert names_below(other / "work" / ".git") == ["HEAD", "index", "objects/info/alternates", "refs/tags/v1"]
    assert (other / "work" / ".git/objects/info/alternates").read_text() == f"{work}/.git/objects\n"
    assert (other / "work" / "README.md").exists()


def test_the_repository_of_a_worktree_is_found(project: Path, place: Path) -> None:
    write(project, ".git", text="gitdir: ../main/.git/worktrees/a\n")
    copied = copy_project(project, "", place).directory
    assert (copied / ".git").read_text() == f"gitdir: {project.parent}/main/.git/worktrees/a\n"


def test_what_lies_beside_can_be_reached_and_is_called_as_it_is(project: Path, place: Path) -> None:
    write(project.parent, "dep/pyproject.toml")
    write(project, "pyproject.toml", text='readme = "../README.md"')
    copy = copy_project(project, "", place)
    assert (copy.directory / ".." / "dep" / "pyproject.toml").exists()
    said = f"Requires-Dist: dep @ {(place / 'dep').as_uri()}\n".encode()
    assert copy.with_original_paths(said) == f"Requires-Dist: dep @ {(project.parent / 'dep').as_uri()}\n".encode()


def test_a_project_in_a_subdirectory(project: Path, place: Path) -> None:
    write(project, "part/pyproject.toml")
    copy = copy_project(project, "part", place)
    assert copy.directory == place / "a bäum" / "part"
    assert (place / "a bäum" / "src" / "a.py").exists()
