"""Answers of unearth are asked for once, for each interpreter and each unearth."""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher.cache import Bucket, Cache
from launcher.resolve import remembered_finder
from launcher.resolve.remembered_finder import RememberedFinder

TAGS = ("cp311-cp311-linux", "py3-none-any")


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def fail() -> str:
    raise AssertionError("nobody should be asked")


def test_an_answer_is_asked_for_once(cache: Cache) -> None:
    first = RememberedFinder(cache, TAGS)
    assert first.choice(("a.whl", "b.whl"), lambda: "b.whl") == "b.whl"
    assert first.choice(("c.whl", "d.whl"), lambda: None) is None
    assert first.default_index(lambda: "https://index.invalid/") == "https://index.invalid/"
    first.save()
    second = RememberedFinder(cache, TAGS)
    assert second.choice(("a.whl", "b.whl"), fail) == "b.whl"
    assert second.choice(("c.whl", "d.whl"), fail) is None
    assert second.default_index(fail) == "https://index.invalid/"


def test_other_files_other_tags_and_another_unearth_are_other_questions(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = RememberedFinder(cache, TAGS)
    first.choice(("a.whl", "b.whl"), lambda: "b.whl")
    first.save()
    assert RememberedFinder(cache, TAGS).choice(("a.whl", "c.whl"), lambda: "c.whl") == "c.whl"
    assert RememberedFinder(cache, TAGS[1:]).choice(("a.whl", "b.whl"), lambda: "a.whl") == "a.whl"
    monkeypatch.setattr(remembered_finder, "_code_of_unearth", lambda: "another")
    assert RememberedFinder(cache, TAGS).choice(("a.whl", "b.whl"), lambda: "a.whl") == "a.whl"


@pytest.mark.parametrize("content", [b"", b"no marshal", b"\xe9\x01\x00\x00\x00", b"(\x02\x00\x00\x00"])
def test_a_damaged_file_is_asked_anew(content: bytes, cache: Cache) -> None:
    first = RememberedFinder(cache, TAGS)
    first.choice(("a.whl", "b.whl"), lambda: "b.whl")
    first.save()
    (entry,) = cache.directory(Bucket.INDEX).iterdir()
    entry.write_bytes(content)
    assert RememberedFinder(cache, TAGS).choice(("a.whl", "b.whl"), lambda: "a.whl") == "a.whl"


def test_it_does_not_grow_for_ever(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered_finder, "_MOST_ANSWERS", 2)
    finder = RememberedFinder(cache, TAGS)
    for name in ("a", "b", "c"):
        finder.choice((f"{name}.whl", f"{name}2.whl"), lambda: "x")
    assert finder.choice(("c.whl", "c2.whl"), fail) == "x"
    assert finder.choice(("a.whl", "a2.whl"), lambda: "asked again") == "asked again"
