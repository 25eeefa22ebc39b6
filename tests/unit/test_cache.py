"""What is in the cache is whole, what is locked is locked, and what is removed is gone."""

from __future__ import annotations

import os
import stat
import sys
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from launcher.cache import Bucket, Cache, remove_tree
from launcher.errors import CacheUnusable
from launcher.reporter import SilentReporter


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "below" / "cache")


def test_the_cache_belongs_to_its_owner_and_says_what_it_is(cache: Cache) -> None:
    cache.directory(Bucket.WHEELS)
    assert stat.S_IMODE(cache.root.stat().st_mode) == 0o700
    assert (cache.root / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")


def test_a_cache_others_can_write_to_is_closed(cache: Cache) -> None:
    cache.root.mkdir(parents=True)
    cache.root.chmod(0o777)
    cache.directory(Bucket.TMP)
    assert stat.S_IMODE(cache.root.stat().st_mode) == 0o700


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give a directory away")
def test_a_cache_of_somebody_else_is_refused(cache: Cache) -> None:
    cache.root.mkdir(parents=True)
    os.chown(cache.root, 12345, -1)
    with pytest.raises(CacheUnusable, match="belongs to another user") as caught:
        cache.directory(Bucket.TMP)
    assert caught.value.hint
    assert "PYSCRIPT_CACHE_DIR" in caught.value.hint


def test_an_entry_is_read_back_and_leaves_nothing_in_tmp(cache: Cache) -> None:
    assert cache.read(Bucket.METADATA, "key") is None
    cache.write(Bucket.METADATA, "key", b"one")
    cache.write(Bucket.METADATA, "key", b"two")
    assert cache.read(Bucket.METADATA, "key") == b"two"
    assert not list(cache.directory(Bucket.TMP).iterdir())


def test_a_write_that_fails_leaves_the_old_entry_and_nothing_in_tmp(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.write(Bucket.METADATA, "key", b"old")

    def refuse(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(CacheUnusable, match="No space left on device"):
        cache.write(Bucket.METADATA, "key", b"new")
    assert cache.read(Bucket.METADATA, "key") == b"old"
    assert not list(cache.directory(Bucket.TMP).iterdir())


def test_the_first_to_publish_a_key_wins(cache: Cache) -> None:
    for content in ("first", "second"):
        with cache.temporary_directory() as made:
            (made / "inner").mkdir()
            (made / "inner" / "file").write_text(content)
            published = cache.publish(made / "inner", Bucket.WHEELS, "key")
    assert (published / "file").read_text() == "first"
    assert not list(cache.directory(Bucket.TMP).iterdir())


def test_a_cache_that_cannot_be_made_says_which_path_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CacheUnusable, match=r"(File exists|Not a directory) \(.*file") as caught:
        Cache(tmp_path / "file" / "cache").directory(Bucket.TMP)
    assert caught.value.hint


class _Hearing(SilentReporter):
    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, text: str) -> None:
        self.steps.append(text)


def test_a_lock_keeps_others_out_and_says_what_they_wait_for(cache: Cache) -> None:
    order: list[str] = []
    hearing = _Hearing()
    entered = threading.Event()

    def wait_for_it() -> None:
        entered.set()
        with cache.lock("key", hearing, "preparing the same"):
            order.append("second")

    with cache.lock("key", SilentReporter(), "preparing the same"):
        other = threading.Thread(target=wait_for_it)
        other.start()
        entered.wait()
        other.join(timeout=0.1)
        order.append("first")
    other.join()
    assert order == ["first", "second"]
    assert hearing.steps == ["Waiting for another launch that is preparing the same"]


def test_a_lock_is_that_of_filelock(cache: Cache) -> None:
    hearing = _Hearing()
    path = cache.directory(Bucket.LOCKS) / "key.lock"
    with cache.lock("key", hearing, "x"), pytest.raises(Timeout):
        FileLock(path).acquire(timeout=0)
    is_held = threading.Event()

    def hold() -> None:
        with FileLock(path):
            is_held.set()
            time.sleep(0.05)

    holder = threading.Thread(target=hold)
    holder.start()
    is_held.wait()
    with cache.lock("key", hearing, "doing the same"):
        pass
    holder.join()
    assert hearing.steps == ["Waiting for another launch that is doing the same"]


@pytest.mark.skipif(sys.platform == "win32", reason="links are for whoever may make them")
def test_a_lock_is_taken_on_no_file_elsewhere(cache: Cache, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (cache.directory(Bucket.LOCKS) / "key.lock").symlink_to(elsewhere)
    with pytest.raises(CacheUnusable), cache.lock("key", SilentReporter(), "x"):
        pass
    assert not elsewhere.exists()


def test_different_keys_do_not_wait_for_each_other(cache: Cache) -> None:
    hearing = _Hearing()
    with cache.lock("one", hearing, "x"), cache.lock("two", hearing, "x"):
        assert hearing.steps == []


def test_write_protected_trees_can_be_removed_and_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    tree = tmp_path / "tree"
    (tree / "inner").mkdir(parents=True)
    (tree / "inner" / "file").write_bytes(b"12345")
    (tree / "link").symlink_to(outside)
    for directory in (tree / "inner", tree):
        directory.chmod(0o555)
    sizes: list[int] = []
    remove_tree(tree, sizes.append)
    assert not tree.exists()
    assert (outside / "kept").exists()
    assert sum(sizes) == 5
    remove_tree(tree)


def test_an_abandoned_cache_loses_what_is_half_made_and_makes_nothing_more(cache: Cache) -> None:
    with cache.temporary_directory() as made:
        (made / "half").touch()
        cache.abandon()
        assert not made.exists()
    with pytest.raises(CacheUnusable, match="given up"), cache.temporary_directory():
        pass


def test_giving_up_a_directory_that_is_interrupted_is_ended_by_abandoning(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Path) -> None:
        raise KeyboardInterrupt

    with cache.temporary_directory() as made:
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr("launcher.cache.remove_tree", interrupted)
            cache.give_up(made)
        cache.abandon()
        assert not list(cache.path(Bucket.TMP, "").iterdir())


def test_many_threads_may_make_the_cache_at_once(tmp_path: Path) -> None:
    for attempt in range(20):
        cache = Cache(tmp_path / str(attempt))
        start = threading.Barrier(8)
        failures: list[CacheUnusable] = []

        def use(
            cache: Cache = cache, start: threading.Barrier = start, failures: list[CacheUnusable] = failures
        ) -> None:
            start.wait()
            try:
                cache.write(Bucket.METADATA, "key", b"x")
            except CacheUnusable as error:
                failures.append(error)

        threads = [threading.Thread(target=use) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []


def test_collection_is_due_once_a_day(cache: Cache) -> None:
    cache.directory(Bucket.TMP)
    assert not cache.is_due_for_collection()
    assert not cache.is_due_for_collection()
    then = time.time() - 2 * 86_400
    os.utime(cache.collected_marker, (then, then))
    assert cache.is_due_for_collection()
    assert not cache.is_due_for_collection()
