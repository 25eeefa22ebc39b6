"""Resolution -> wheels in the store: what is missing is downloaded and unpacked, several wheels at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from launcher.cache import Cache
from launcher.digest import digest_of
from launcher.environment.stored_wheel import StoredWheel, find_stored_wheel
from launcher.reporter import Reporter
from launcher.resolve.resolution import Resolution
from launcher.value import replace

if TYPE_CHECKING:
    from launcher.environment.wheel_store import WheelStore
    from launcher.resolve.candidate import Candidate
    from launcher.resolve.index import Index

_AT_ONCE = 8


def stored_wheels(
    resolution: Resolution, open_index: Callable[[], Index], cache: Cache, reporter: Reporter
) -> tuple[StoredWheel, ...]:
    """Return the wheel of each pin from the store, fetching those it lacks; the index is opened only for them.

    Raises `IndexUnreachable`, `HashMismatch`, `InvalidWheel` or `NotAvailableOffline` for the first wheel that fails;
    what was complete by then stays in the store.
    """
    if not resolution.pins:
        return ()
    stored = {pin.candidate: find_wheel(pin.candidate, cache) for pin in resolution.pins}
    missing = [candidate for candidate, wheel in stored.items() if wheel is None]
    if missing:
        # 70 ms: installer, and threads.
        from concurrent.futures import ThreadPoolExecutor, as_completed  # noqa: PLC0415

        from launcher.environment.wheel_store import WheelStore  # noqa: PLC0415

        store = WheelStore(cache)
        reporter.step("Fetching packages")
        index = open_index()
        # The largest first: it decides when all are there.
        missing.sort(key=lambda candidate: -(candidate.size_bytes or 0))
        pool = ThreadPoolExecutor(_AT_ONCE)
        try:
            fetches = {
                candidate: pool.submit(_fetch, candidate, index, store, cache, reporter) for candidate in missing
            }
            for done, fetch in enumerate(as_completed(fetches.values()), 1):
                fetch.result()  # the first failure ends it
                reporter.progress(done, len(fetches))
            stored |= {candidate: fetch.result() for candidate, fetch in fetches.items()}
        finally:
            # No waiting: after an error or an interrupt nobody wants what is still on its way.
            pool.shutdown(wait=False, cancel_futures=True)
    return tuple(wheel for wheel in stored.values() if wheel is not None)


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


def _fetch(candidate: Candidate, index: Index, store: WheelStore, cache: Cache, reporter: Reporter) -> StoredWheel:
    """Download and unpack one wheel, unless another launch does it at the same time; then take what that one made."""
    name = candidate.wheel_sha256 or digest_of(candidate.url)
    with cache.lock(f"wheel-{name}", reporter, f"fetching {candidate.name}"):
        if found := find_wheel(candidate, cache):
            return found
        with cache.temporary_directory() as directory:
            wheel, sha256 = index.download(candidate, directory, reporter)
            name, version = candidate.name, candidate.version
            return store.add(wheel, sha256, name=name, version=version, direct_url=candidate.direct_url)
