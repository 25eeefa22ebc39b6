"""What a request needs: paths count from the script or from the current directory, and all of what it names counts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from launcher.reporter import SilentReporter
from launcher.request import RunRequest, TargetKind, read_needs, with_absolute_path
from launcher.value import replace

pytestmark = pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("./lib", "/srv/s/lib"),
        ("../lib[x] ; python_version > '3'", "/srv/lib[x] ; python_version > '3'"),
        (".", "/srv/s"),
        ("..", "/srv"),
        (".[x]", "/srv/s[x]"),
        ("lib @ ./a", "lib @ file:///srv/s/a"),
        (
            "lib[x]@../a#subdirectory=b ; python_version > '3'",
            "lib[x]@file:///srv/a#subdirectory=b ; python_version > '3'",
        ),
        ("lib @ file:///x", "lib @ file:///x"),
        ("lib>=1", "lib>=1"),
        (".hidden", ".hidden"),
        ("/abs/lib", "/abs/lib"),
    ],
)
def test_a_relative_path_becomes_absolute(text: str, expected: str) -> None:
    assert with_absolute_path(text, "/srv/s") == expected


def test_a_project_needs_no_dot() -> None:
    assert with_absolute_path("lib[x]", "/srv/s", is_path=True) == "/srv/s/lib[x]"


@pytest.mark.parametrize(
    ("own", "expected"), [('requires-python = ">=3.11"', ">=3.11,>=3.12"), ("dependencies = []", ">=3.12")]
)
def test_the_pythons_that_another_script_requires_are_required(own: str, expected: str, tmp_path: Path) -> None:
    for name, line in (("x.py", own), ("other.py", 'requires-python = ">=3.12"')):
        (tmp_path / name).write_text(f"# /// script\n# {line}\n# ///\n")
    script = str(tmp_path / "x.py")
    request = RunRequest(TargetKind.SCRIPT, script, (), (script,), 0, str(tmp_path))
    environ, with_other = {"HOME": str(tmp_path), "PYSCRIPT_NO_PIP_CONFIG": "1"}, ("other.py",)
    alone = read_needs(request, environ, SilentReporter())
    assert (alone.requires_python_line is not None) == (alone.requires_python is not None)
    needs = read_needs(replace(request, with_requirements=with_other), environ, SilentReporter())
    assert (needs.requires_python, needs.requires_python_line) == (expected, None)
