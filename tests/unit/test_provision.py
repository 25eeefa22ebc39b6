"""The index is opened by whoever needs it first, once, and by nobody after the launch was given up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from launcher.cache import Cache
from launcher.errors import CacheUnusable
from launcher.provision import LazyIndex, ResolutionRequest
from launcher.reporter import SilentReporter
from launcher.resolve import index as index_module
from launcher.resolve.index import Index
from launcher.resolve.resolution import Policy
from launcher.settings import Settings
from tests.scenarios.interpreters import make_interpreter


@pytest.fixture
def lazy(tmp_path: Path) -> LazyIndex:
    wanted = ResolutionRequest((), Policy(), make_interpreter(), Settings(index_url="http://127.0.0.1:9/"))
    return LazyIndex(wanted, Cache(tmp_path), SilentReporter())


def test_threads_that_need_it_at_the_same_time_get_the_same(lazy: LazyIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    others_are_here = threading.Event()
    remember: Callable[..., None] = Index.remember_credentials
    ready: list[Index] = []

    def remember_slowly(self: Index, texts: Any) -> None:
        others_are_here.wait(0.2)
        remember(self, texts)
        ready.append(self)

    monkeypatch.setattr(index_module.Index, "remember_credentials", remember_slowly)
    found: list[tuple[Index, bool]] = []

    def open_it() -> None:
        opened = lazy.open()
        found.append((opened, opened in ready))

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lazy.close()
    assert found == [(ready[0], True)] * 4


def test_nobody_opens_it_after_the_launch_was_given_up(lazy: LazyIndex) -> None:
    lazy.close()
    with pytest.raises(CacheUnusable, match="given up"):
        lazy.open()
