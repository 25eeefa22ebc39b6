"""Paths in requirements count from the script, or from the current directory."""

from __future__ import annotations

import os

import pytest

from launcher.request import _with_absolute_path

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
    assert _with_absolute_path(text, "/srv/s") == expected


def test_a_project_needs_no_dot() -> None:
    assert _with_absolute_path("lib[x]", "/srv/s", is_path=True) == "/srv/s/lib[x]"
