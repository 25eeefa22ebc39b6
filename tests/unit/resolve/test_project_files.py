"""Which files of a directory decide what is built of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from launcher.resolve import project_files
from launcher.resolve.project_files import fingerprint, local_path, watched_paths


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    for name in ("pyproject.toml", "src/a.py"):
        (tmp_path / name).write_text("x")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/srv/lib", "/srv/lib"),
        ("/srv/lib[x]", "/srv/lib"),
        ("/srv/lib ; python_version > '3'", "/srv/lib"),
        ("lib @ file:///srv/a%20b#subdirectory=c", "/srv/a b"),
        ("lib @ file:/srv/lib", "/srv/lib"),
        ("lib@file://localhost/srv/lib", "/srv/lib"),
        ("lib @ git+file:///srv/lib", None),
        ("lib @ https://host/file:///lib.zip", None),
        ("git+file:///srv/lib@main", None),
        ("lib>=1", None),
        ("lib @ https://host/lib.zip", None),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")
def test_paths_in_requirements(text: str, expected: str | None) -> None:
    assert local_path(text) == expected


def test_every_file_decides_where_the_project_is_copied(project: Path) -> None:
    before = fingerprint(str(project), is_editable=False)
    (project / "src" / "a.py").write_text("longer")
    changed = fingerprint(str(project), is_editable=False)
    (project / "src" / "b.py").write_text("")
    assert len({before, changed, fingerprint(str(project), is_editable=False)}) == 3


@pytest.mark.parametrize(
    "name",
    [
        *("build/lib/x.py", "dist/x", "target/CACHEDIR.TAG", "a.egg-info/x", "src/__pycache__/a.pyc", ".git/x"),
        "env/pyvenv.cfg",
    ],
)
def test_what_builds_leave_behind_does_not(name: str, project: Path) -> None:
    before = fingerprint(str(project), is_editable=False)
    (project / name).parent.mkdir(parents=True)
    (project / name).write_text("x")
    assert fingerprint(str(project), is_editable=False) == before


@pytest.mark.parametrize("name", ["build/__init__.py", "src/build/a.py", "src/dist/data.txt"])
def test_a_package_may_be_called_as_what_builds_leave_behind(name: str, project: Path) -> None:
    (project / name).parent.mkdir(parents=True)
    before = fingerprint(str(project), is_editable=False)
    (project / name).write_text("x")
    assert fingerprint(str(project), is_editable=False) != before


def test_a_description_that_was_rewritten_as_it_was_is_the_same_where_it_decides_alone(project: Path) -> None:
    before = fingerprint(str(project), is_editable=True)
    os.utime(project / "pyproject.toml", (1, 1))
    assert fingerprint(str(project), is_editable=True) == before


def test_only_the_description_decides_where_the_project_is_used_in_place(project: Path) -> None:
    before = fingerprint(str(project), is_editable=True)
    (project / "src" / "a.py").write_text("longer")
    assert fingerprint(str(project), is_editable=True) == before
    (project / "pyproject.toml").write_text("longer")
    assert fingerprint(str(project), is_editable=True) != before
    assert watched_paths(str(project), is_editable=True) == [
        str(project / name) for name in ("pyproject.toml", "setup.py", "setup.cfg")
    ]


def test_directories_are_watched_for_new_files(project: Path) -> None:
    assert watched_paths(str(project), is_editable=False) == [
        *(str(project / name) for name in ("pyproject.toml", "src/a.py")),
        *(str(path) for path in (project, project / "src")),
    ]


def test_a_huge_directory_is_not_read_to_its_end(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_files, "_MOST_FILES", 1)
    assert len(watched_paths(str(project), is_editable=False)) == 3


def test_a_file_decides_alone(project: Path) -> None:
    path = str(project / "src" / "a.py")
    assert watched_paths(path, is_editable=False) == [path]
