"""Wheels are fetched as soon as they are decided for, each once, and what is fetched for nothing is bounded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from launcher.cache import Bucket, Cache
from launcher.environment import fetch
from launcher.environment.fetch import WheelFetch, wheel_id
from launcher.errors import IndexUnreachable
from launcher.reporter import Reporter
from launcher.resolve.candidate import Candidate
from launcher.resolve.direct_url import archive_origin
from launcher.resolve.resolution import Pin, Resolution
from launcher.value import replace
from launcher.workers import Workers
from tests.support.wheels import Wheel
from tests.unit.environment.conftest import Listener


class Served:
    """An index that has wheels at hand, and that hands out those that are `held` only when they are let go."""

    def __init__(self) -> None:
        self.workers = Workers(0)
        self.wheels: dict[Candidate, Wheel] = {}
        self.downloads: list[Candidate] = []
        self.broken: set[str] = set()
        self.held: set[str] = set()
        self.asked = threading.Event()
        self.let_go = threading.Event()

    def open(self) -> Served:
        return self

    def add(self, name: str, version: str = "1.0", size_bytes: int | None = 1000) -> Candidate:
        wheel = Wheel(name, version)
        candidate = Candidate(
            name,
            version,
            wheel.filename,
            f"https://x.test/{wheel.filename}",
            wheel.sha256,
            size_bytes,
            index="https://x.test/",
        )
        self.wheels[candidate] = wheel
        return candidate

    def download(self, candidate: Candidate, directory: Path, reporter: Reporter) -> tuple[Path, str]:
        self.downloads.append(candidate)
        self.asked.set()
        if candidate.name in self.held:
            self.let_go.wait(10)
        if f"{candidate.name} {candidate.version}" in self.broken:
            raise IndexUnreachable(f"{candidate.name} is not to be had")
        wheel = self.wheels[candidate]
        return wheel.write(directory), wheel.sha256


@pytest.fixture
def index() -> Iterator[Served]:
    served = Served()
    yield served
    served.let_go.set()


@pytest.fixture
def wheels(index: Served, cache: Cache, listener: Listener) -> Iterator[WheelFetch]:
    with closing(WheelFetch(index, cache, listener)) as fetching:  # type: ignore[arg-type]
        yield fetching


def resolution(*candidates: Candidate) -> Resolution:
    return Resolution(tuple(Pin(each) for each in candidates), tuple(each.name for each in candidates))


def test_what_was_begun_ahead_is_not_fetched_again(index: Served, wheels: WheelFetch) -> None:
    one, two = index.add("one"), index.add("two")
    wheels.begin_decided(one)
    wheels.begin_decided(one)
    assert [wheel.name for wheel in wheels.stored(resolution(one, two))] == ["one", "two"]
    assert sorted(index.downloads, key=lambda each: each.name) == [one, two]


def test_what_is_stored_is_not_begun(index: Served, wheels: WheelFetch, cache: Cache, listener: Listener) -> None:
    one = index.add("one")
    wheels.stored(resolution(one))
    with closing(WheelFetch(index, cache, listener)) as again:  # type: ignore[arg-type]
        again.begin_decided(one)
        assert len(again.stored(resolution(one))) == 1
    assert index.downloads == [one]


def test_what_was_taken_back_is_told_but_neither_waited_for_nor_a_failure(
    index: Served, wheels: WheelFetch, listener: Listener
) -> None:
    taken_back, better = index.add("one", "2.0"), index.add("one", "1.0")
    index.broken.add("one 2.0")
    wheels.begin_decided(taken_back)
    wheels.begin_decided(better)
    assert [wheel.version for wheel in wheels.stored(resolution(better))] == ["1.0"]
    assert "1 of 2 wheels were begun for nothing" in listener.details


def test_a_needed_wheel_that_failed_ahead_ends_it(index: Served, wheels: WheelFetch) -> None:
    one = index.add("one")
    index.broken.add("one 1.0")
    wheels.begin_decided(one)
    with pytest.raises(IndexUnreachable, match="one is not to be had"):
        wheels.stored(resolution(one))


def test_what_is_likely_is_begun_once_and_counts_as_a_mistake_where_another_is_decided_for(
    index: Served, wheels: WheelFetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_MOST_REFUTED", 0)
    likely, unlikely, decided = index.add("one", "3.0"), index.add("one", "2.0"), index.add("one", "1.0")
    wheels.begin_likely(likely)
    wheels.begin_likely(unlikely)
    assert wheels.begun == {wheel_id(likely)}
    wheels.begin_decided(decided)
    assert wheels.begun == {wheel_id(likely)}
    assert [wheel.version for wheel in wheels.stored(resolution(decided))] == ["1.0"]


def test_after_some_mistakes_nothing_more_is_begun_ahead(
    index: Served, wheels: WheelFetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_MOST_REFUTED", 2)
    tried = [index.add("one", f"{number}.0") for number in range(9, 0, -1)]
    for candidate in tried:
        wheels.begin_decided(candidate)
    wheels.begin_decided(index.add("other"))
    wheels.stored(resolution(tried[-1]))
    assert set(index.downloads) <= {*tried[:3], tried[-1]}
    assert tried[-1] in index.downloads


def test_little_is_begun_ahead_and_nothing_of_unknown_size(
    index: Served, wheels: WheelFetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_MOST_AHEAD_BYTES", 2500)
    sizes = {"one": 1000, "huge": 2000, "two": 1000, "three": 1000, "unknown": None}
    candidates = [index.add(name, size_bytes=size_bytes) for name, size_bytes in sizes.items()]
    for candidate in candidates:
        wheels.begin_decided(candidate)
    assert wheels.begun == {wheel_id(each) for each in candidates if each.name in ("one", "two")}
    assert len(wheels.stored(resolution(*candidates))) == 5


def test_closing_removes_what_is_half_made(index: Served, wheels: WheelFetch, cache: Cache) -> None:
    index.held.add("one")
    wheels.begin_decided(index.add("one"))
    index.asked.wait(10)
    assert len(list(cache.path(Bucket.TMP, "").iterdir())) == 1
    wheels.close()
    assert not list(cache.path(Bucket.TMP, "").iterdir())


def test_a_wheel_that_was_begun_as_the_indexs_is_not_taken_for_the_one_named_by_url(
    index: Served, wheels: WheelFetch
) -> None:
    from_index = index.add("one")
    named = replace(from_index, index="", direct_url=archive_origin(from_index.url, from_index.sha256 or ""))
    index.wheels[named] = index.wheels[from_index]
    wheels.begin_likely(from_index)
    (stored,) = wheels.stored(resolution(named))
    (origin,) = stored.path.rglob("direct_url.json")
    assert origin.read_text() == named.direct_url


def test_where_no_thread_is_to_be_had_wheels_are_fetched_all_the_same(
    index: Served, wheels: WheelFetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    one, two = index.add("one"), index.add("two")
    wheels.begin_likely(one)
    assert not wheels.begun
    assert len(wheels.stored(resolution(one, two))) == 2


def no_thread(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_after_closing_nothing_is_begun(index: Served, wheels: WheelFetch) -> None:
    wheels.close()
    wheels.begin_likely(index.add("one"))
    assert not wheels.begun
