"""Manifests and trees survive being written; anything else is recognised."""

from __future__ import annotations

import marshal

import pytest

from launcher.environment.manifest import (
    EntryPoint,
    Manifest,
    ScriptFile,
    Trees,
    trees_from_bytes,
    trees_to_bytes,
)

MANIFEST = Manifest(
    "demo",
    "1.0",
    {"demo": True, "single.py": False},
    {"": {"share": True}, "share": {"x": False}},
    ("demo/lib",),
    (EntryPoint("run", "demo", "main", True),),
    (ScriptFile("old", True),),
    ("x.h",),
)


def test_a_manifest_survives() -> None:
    assert Manifest.from_bytes(MANIFEST.to_bytes()) == MANIFEST


def test_trees_survive() -> None:
    trees = Trees({"": {"a": True}, "a": {}}, {"": {}})
    assert trees_from_bytes(trees_to_bytes(trees)) == trees


@pytest.mark.parametrize(
    "content", [b"", b"garbage", marshal.dumps(None), marshal.dumps((2, "demo")), MANIFEST.to_bytes()[:-9]]
)
def test_other_content_is_not_a_manifest(content: bytes) -> None:
    with pytest.raises(ValueError):
        Manifest.from_bytes(content)


def test_another_format_is_not_a_manifest() -> None:
    content = (99, *marshal.loads(MANIFEST.to_bytes())[1:])
    with pytest.raises(ValueError, match="another format"):
        Manifest.from_bytes(marshal.dumps(content))


@pytest.mark.parametrize("content", [b"", marshal.dumps(7), marshal.dumps((1, 2, 3))])
def test_other_content_is_not_a_tree(content: bytes) -> None:
    with pytest.raises(ValueError):
        trees_from_bytes(content)
