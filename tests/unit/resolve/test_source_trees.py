"""Sources: what happens to what is laid out for a build. Builds themselves are tested with the installed program."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from launcher.cache import Bucket, Cache
from launcher.errors import CacheUnusable
from launcher.resolve.fetcher import Fetcher
from launcher.resolve.source_trees import SourceTrees
from launcher.resolve.wheel_files import WheelFiles
from launcher.resolve.workshop import Workshop
from tests.scenarios.interpreters import make_interpreter


@pytest.fixture
def cache(cache_dir: Path) -> Cache:
    return Cache(cache_dir)


@pytest.fixture
def trees(cache: Cache) -> SourceTrees:
    return SourceTrees(make_interpreter(), cache, WheelFiles(cache, Fetcher(offline=True)), Workshop())


def test_what_is_laid_out_goes_at_the_end(trees: SourceTrees, cache: Cache) -> None:
    directories = [trees._temporary_directory() for _ in range(2)]
    assert sorted(directories) == sorted(cache.directory(Bucket.TMP).iterdir())
    (directories[0] / "file").touch()
    trees.close()
    assert list(cache.directory(Bucket.TMP).iterdir()) == []


def test_no_room_for_it_is_told(trees: SourceTrees, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.directory(Bucket.TMP)

    def refuse(path: object, *_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(CacheUnusable, match=r"The cache cannot be used: No space left on device \(.*tmp") as caught:
        trees._temporary_directory()
    assert (caught.value.hint or "").startswith("Make room")
