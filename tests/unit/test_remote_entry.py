from __future__ import annotations

from pathlib import Path

import pytest

from launcher.cache import Bucket, Cache
from launcher.remote_entry import Entry, read_entry, write_entry
from launcher.script.remote_url import parse_remote

URL = parse_remote("https://me:secret@host/x.py")
ENTRY = Entry(b"x", ("https://host/x.py",), 5.0, float("inf"), '"tag"', None, "")


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_what_was_kept_is_read_again(cache: Cache) -> None:
    assert read_entry(URL, cache) is None
    write_entry(URL, ENTRY, cache)
    assert read_entry(URL, cache) == ENTRY


def test_that_nothing_is_there_is_kept_as_well(cache: Cache) -> None:
    entry = Entry(None, ("https://host/x.py",), 5.0, 0.0)
    write_entry(URL, entry, cache)
    assert read_entry(URL, cache) == entry


def test_other_credentials_see_something_else(cache: Cache) -> None:
    write_entry(URL, ENTRY, cache)
    assert read_entry(parse_remote("https://host/x.py"), cache) is None


def test_credentials_are_not_kept(cache: Cache) -> None:
    write_entry(URL, ENTRY, cache)
    (path,) = (cache.root / Bucket.HTTP).iterdir()
    assert "secret" not in path.name
    assert b"secret" not in path.read_bytes()


@pytest.mark.parametrize("cut", [0, 1, 20, -1])
def test_a_damaged_entry_is_none(cut: int, cache: Cache) -> None:
    write_entry(URL, ENTRY, cache)
    (path,) = (cache.root / Bucket.HTTP).iterdir()
    path.write_bytes(path.read_bytes()[:cut])
    assert read_entry(URL, cache) is None
