"""Which files a run reads that a person edits."""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher.cli.watched import Watched, watched_before
from launcher.request import RunRequest, TargetKind


def request_for(directory: Path, kind: TargetKind, target: str, *arguments: str) -> RunRequest:
    return RunRequest(kind, target, arguments, (target,), 0, str(directory))


def names(directory: Path, paths: frozenset[str]) -> set[str]:
    return {Path(path).relative_to(directory.resolve()).as_posix() for path in paths if Path(path).exists()}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, content in {
        "x.py": "import os, near as n\nfrom package import thing\ndef f():\n    import indented, absent\n",
        "near.py": "from far import y\nimport x\n",
        "far.py": "def (:\n",
        "indented.py": "",
        "unrelated.py": "",
        "package/thing.py": "import by_package\n",
        "package/inner/deep.py": "",
        "package/.git/hook.py": "",
        "by_package.py": "",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_modules_are_followed_and_packages_are_taken_whole(project: Path) -> None:
    watched = watched_before(request_for(project, TargetKind.SCRIPT, "x.py"))
    assert names(project, watched.files) == {
        *("x.py", "near.py", "far.py", "indented.py", "by_package.py", "package/thing.py", "package/inner/deep.py")
    }
    assert names(project, watched.folders) == {"package", "package/inner"}
    top = str(project.resolve())
    assert watched.concerns(f"{top}/package/inner/new.py")
    assert watched.concerns(f"{top}/absent.py")  # which may come
    assert watched.concerns(f"{top}/pylock.x.toml")
    assert not watched.concerns(f"{top}/unrelated.py")
    assert not watched.concerns(f"{top}/package/.git/hook.py")
    assert not watched.concerns(f"{top}/package/thing.txt")


@pytest.mark.parametrize(
    ("kind", "target"), [(TargetKind.MODULE, "near.nothing"), (TargetKind.CODE, "import json; x = 1\nimport near")]
)
def test_a_module_and_code_have_modules_too(kind: TargetKind, target: str, project: Path) -> None:
    watched = watched_before(request_for(project, kind, target))
    assert {"near.py", "far.py", "x.py"} <= names(project, watched.files)


def test_python_files_among_the_arguments_count(project: Path) -> None:
    watched = watched_before(request_for(project, TargetKind.COMMAND, "pytest", "-q", "near.py", "notes.txt"))
    assert {"near.py", "far.py"} <= names(project, watched.files)
    assert not watched.concerns(str(project.resolve() / "notes.txt"))


def test_a_script_counts_by_the_name_of_its_link_and_by_its_own(project: Path, tmp_path: Path) -> None:
    try:
        (project / "link.py").symlink_to("far.py")
    except OSError:
        pytest.skip("no links here")
    watched = watched_before(request_for(project, TargetKind.SCRIPT, "link.py"))
    assert watched.concerns(str(project / "link.py"))
    assert watched.concerns(str((project / "far.py").resolve()))


def test_what_was_written_since_is_told_but_for_the_future(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text("")
    modified = file.stat().st_mtime_ns
    watched = Watched(frozenset({str(file), str(tmp_path / "absent.py")}))
    assert watched.changed_since(modified - 1, modified + 1) == [str(file)]
    assert watched.changed_since(modified, modified + 1) == []
    assert watched.changed_since(modified - 2, modified - 1) == []
