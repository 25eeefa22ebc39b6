"""Resolution -> wheels in the store: what is missing is downloaded and unpacked, several wheels at once."""

from __future__ import annotations

import threading

# What `queue` has for two threads without its 1 ms.
from _queue import SimpleQueue
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from launcher.cache import Cache
from launcher.digest import digest_of
from launcher.environment.stored_wheel import StoredWheel, find_stored_wheel
from launcher.errors import CacheUnusable
from launcher.reporter import Reporter
from launcher.resolve.resolution import Resolution
from launcher.value import replace

if TYPE_CHECKING:
    from launcher.resolve.candidate import Candidate
    from launcher.resolve.crew import Crew
    from launcher.resolve.index import Index
    from launcher.workers import Workers

_AT_ONCE = 8
STORE = "launcher.environment.wheel_store"
"""What a worker loads."""
_MOST_AHEAD_BYTES = 128 << 20
_MOST_REFUTED = 3
"""Where the resolver took back more decisions, it will take back others."""


WheelId = tuple[str, str | None, str | None]
"""What makes two wheels the same entry of the store: URL, sha256 and origin (PEP 610)."""


def wheel_id(candidate: Candidate) -> WheelId:
    """Return what tells the candidate's wheel from others; one URL may be named with another hash or origin."""
    return candidate.url, candidate.wheel_sha256, candidate.direct_url


class OpenableIndex(Protocol):
    """An index that is opened when something is asked of it, and the workers beside it."""

    @property
    def workers(self) -> Workers:
        """The processes that unpack."""

    def open(self) -> Index:
        """Return the index."""


class WheelFetch:
    """The wheels of one resolution on their way into the store, several at once.

    A wheel may be begun as soon as the resolver decides for it: it is downloaded while the resolver goes on, and
    unpacked by workers. The index is opened only where something is missing. `begun` has what was not there. Close it,
    and nothing more is begun.
    """

    def __init__(self, index: OpenableIndex, cache: Cache, reporter: Reporter) -> None:
        self._index = index
        self._cache = cache
        self._reporter = reporter
        self._crew: Crew | None = None
        self._ended: SimpleQueue[tuple[WheelId, StoredWheel | BaseException]] = SimpleQueue()
        self.begun: set[WheelId] = set()
        self._ahead: dict[str, str] = {}
        self._ahead_bytes = self._refuted = 0
        self._needed: frozenset[WheelId] | None = None
        self._lock = threading.Lock()
        self._under_way: list[Path] = []
        self._is_closed = False

    def begin_likely(self, candidate: Candidate) -> None:
        """Begin to fetch the wheel of a project that nothing was begun of; returns at once."""
        with self._lock:
            if candidate.name not in self._ahead:
                self._begin_ahead(candidate)

    def begin_decided(self, candidate: Candidate) -> None:
        """Begin to fetch a wheel that the resolver has decided for, which it may take back; returns at once."""
        with self._lock:
            former = self._ahead.get(candidate.name)
            if former != candidate.url:
                self._refuted += former is not None
                self._begin_ahead(candidate)

    def _begin_ahead(self, candidate: Candidate) -> None:
        """Begin to fetch a wheel that may turn out not to be needed.

        What is fetched for nothing is bounded: by `_MOST_AHEAD_BYTES`, and by ending with `_MOST_REFUTED` mistakes.
        """
        self._ahead[candidate.name] = candidate.url
        size_bytes = candidate.size_bytes
        # What is named by URL is not complete yet: its origin will be written into it (PEP 610).
        is_wheel_of_index = candidate.is_wheel and candidate.sha256 and candidate.index
        is_over = self._is_closed or self._needed is not None or self._refuted > _MOST_REFUTED
        if not is_wheel_of_index or size_bytes is None or is_over:
            return
        if self._ahead_bytes + size_bytes <= _MOST_AHEAD_BYTES and find_wheel(candidate, self._cache) is None:
            self._ahead_bytes += size_bytes
            self._has_begun(candidate)

    def stored(self, resolution: Resolution) -> tuple[StoredWheel, ...]:
        """Return the wheel of each pin from the store, when all are there.

        Raises `IndexUnreachable`, `HashMismatch`, `InvalidWheel` or `NotAvailableOffline` for the first wheel that
        fails; what was complete by then stays in the store.
        """
        candidates = {wheel_id(pin.candidate): pin.candidate for pin in resolution.pins}
        found = {key: find_wheel(each, self._cache) for key, each in candidates.items() if key not in self.begun}
        stored = {key: wheel for key, wheel in found.items() if wheel is not None}
        missing = {key: each for key, each in candidates.items() if key not in stored}
        with self._lock:
            self._needed = frozenset(missing)
        if missing:
            self._reporter.step("Fetching packages")
            # The largest first: it decides when all are there.
            for candidate in sorted(missing.values(), key=lambda candidate: -(candidate.size_bytes or 0)):
                if not self._has_begun(candidate):
                    self._fetch(candidate)
        while len(stored) < len(candidates):
            key, wheel = self._ended.get()
            if key not in candidates or key in stored:
                continue
            if isinstance(wheel, BaseException):
                raise wheel  # the first failure ends it
            stored[key] = wheel
            self._reporter.progress(len(missing) - len(candidates) + len(stored), len(missing))
        if for_nothing := self.begun - candidates.keys():
            self._reporter.detail(f"{len(for_nothing)} of {len(self.begun)} wheels were begun for nothing", level=2)
        return tuple(stored[key] for key in candidates)

    def close(self) -> None:
        """Give up what is still on its way: after an error, or because the resolver took it back."""
        self._is_closed = True
        if self._crew is not None:
            self._crew.close()
        for directory in tuple(self._under_way):
            self._cache.give_up(directory)

    def _has_begun(self, candidate: Candidate) -> bool:
        """Let the crew fetch a wheel, once; False where there is no thread to be had."""
        key = wheel_id(candidate)
        if key in self.begun:
            return True
        if self._crew is None:
            from launcher.resolve.crew import Crew  # noqa: PLC0415 - threads

            self._index.workers.load(STORE)
            self._crew = Crew(_AT_ONCE)
        if self._crew.submit(self._fetch, candidate):
            self.begun.add(key)
        return key in self.begun

    def _fetch(self, candidate: Candidate) -> None:
        key = wheel_id(candidate)
        if self._needed is not None and key not in self._needed:
            return
        try:
            self._ended.put((key, self._put_into_store(candidate)))
        except BaseException as error:
            self._ended.put((key, error))

    def _put_into_store(self, candidate: Candidate) -> StoredWheel:
        """Download and unpack one wheel, unless another launch does it at the same time; then take what that made."""
        key = candidate.wheel_sha256 or digest_of(candidate.url)
        with self._cache.lock(f"wheel-{key}", self._reporter, f"fetching {candidate.name}"):
            if found := find_wheel(candidate, self._cache):
                return found
            with self._cache.temporary_directory() as directory:
                self._under_way.append(directory)
                if self._is_closed:
                    raise CacheUnusable("Nobody wants it any more.")
                path, sha256 = self._index.open().download(candidate, directory, self._reporter)
                told = (sha256, candidate.name, candidate.version, candidate.direct_url)
                self._index.workers.call(f"{STORE}:add_wheel", str(self._cache.root), str(directory), str(path), *told)
            self._under_way.remove(directory)
            stored = find_stored_wheel(self._cache, sha256, candidate.direct_url)
            assert stored is not None, "it was put there"
            return stored


def with_built_wheels(resolution: Resolution, open_index: Callable[[], Index], cache: Cache) -> Resolution:
    """Return the resolution with a wheel for each pinned source, built now where the store does not have it.

    Several are built at once. Raises whatever `launcher.resolve.source_trees.SourceTrees` does.
    """
    to_build = [
        pin for pin in resolution.pins if not pin.candidate.is_wheel and find_wheel(pin.candidate, cache) is None
    ]
    if not to_build:
        return resolution
    index = open_index()
    for pin in to_build[1:]:
        index.submit(index.source_trees.wheel, pin.candidate)
    built = {pin: replace(pin, candidate=index.source_trees.with_wheel(pin.candidate)) for pin in to_build}
    return replace(resolution, pins=tuple(built.get(pin, pin) for pin in resolution.pins))


def found_wheels(resolution: Resolution, cache: Cache) -> tuple[StoredWheel, ...] | None:
    """Return the wheel of each pin from the store, or None where it lacks one."""
    found = [find_wheel(pin.candidate, cache) for pin in resolution.pins]
    wheels = tuple(wheel for wheel in found if wheel is not None)
    return wheels if len(wheels) == len(found) else None


def find_wheel(candidate: Candidate, cache: Cache) -> StoredWheel | None:
    """Return the candidate's wheel from the store, or None where it lacks it."""
    sha256 = candidate.wheel_sha256
    return find_stored_wheel(cache, sha256, candidate.direct_url) if sha256 else None
