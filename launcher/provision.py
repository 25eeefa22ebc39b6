"""From requirements to an environment that has them: resolution, wheels in the store, links.

The middle of the data path. A step that finds its result in the cache imports nothing of what would make it.
"""

from __future__ import annotations

import time
from _thread import allocate_lock
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from typing import TYPE_CHECKING

from launcher.cache import Bucket, Cache
from launcher.digest import digest_of
from launcher.environment import environment as environments
from launcher.environment.environment import Environment
from launcher.environment.fetch import STORE, WheelFetch, found_wheels, with_built_wheels
from launcher.environment.stored_wheel import store_key
from launcher.errors import CacheUnusable
from launcher.python.query import Interpreter
from launcher.reporter import Reporter
from launcher.request import Needs
from launcher.resolve.resolution import (
    DECIDING_SETTINGS,
    Policy,
    Requested,
    Resolution,
    remember_resolution,
    remembered_resolution,
    resolution_key,
)
from launcher.settings import Settings
from launcher.value import Value, replace

if TYPE_CHECKING:
    from launcher.resolve.index import Index
    from launcher.resolve.locked import LockedRequest
    from launcher.resolve.prefetch import WheelsAhead
    from launcher.resolve.script_lock import ScriptLock
    from launcher.resolve.workshop import Chain
    from launcher.workers import Workers


class ResolutionRequest(Value):
    """Everything that decides a resolution; `chain` says what is to be built with it, if anything.

    Where `may_build` is False, no code of a source is run, and what only that would tell is an error.
    With a `lock`, what the script requires is what that has; other requirements are resolved beside it.
    """

    requested: tuple[Requested, ...]
    policy: Policy
    interpreter: Interpreter
    settings: Settings
    chain: Chain = ()
    may_build: bool = True
    lock: ScriptLock | None = None

    @property
    def key(self) -> str:
        """The name of the resolution in the cache."""
        key = resolution_key(self.requested, self.policy, self.interpreter, self.settings)
        if self.lock is None:
            return key
        # Whether a lock is outdated depends on who gave a setting, too: an option counts, a machine's own does not.
        origins = self.settings.origins
        by_option = [name for name in DECIDING_SETTINGS if origins.get(name, "").startswith("--")]
        return digest_of(f"{key} {self.lock.key} {by_option}")

    @property
    def beside_lock(self) -> tuple[Requested, ...]:
        """What is asked for that the script does not require itself, as by ``--with``; only it has no line there."""
        return tuple(each for each in self.requested if each.excerpt is None)

    @property
    def of_script(self) -> tuple[Requested, ...]:
        """What the script requires itself."""
        return tuple(each for each in self.requested if each.excerpt is not None)

    @property
    def needs_pages(self) -> bool:
        """Whether an index has to be asked what it has."""
        return self.lock is None or bool(self.beside_lock)

    @property
    def is_forced(self) -> bool:
        """Whether nothing counts that is remembered."""
        return self.settings.refresh or self.settings.upgrade

    @property
    def written(self) -> tuple[Requested, ...]:
        """Every requirement that somebody wrote and that may name a URL or a path."""
        return (*self.requested, *self.policy.overrides)


def provision(
    wanted: ResolutionRequest, cache: Cache, reporter: Reporter, workers: Workers | None = None
) -> tuple[Resolution, Environment, str]:
    """Return the resolution, a complete environment of it, both from the cache where possible, and the former's key.

    `workers` are those that have begun to load, if any. Raises whatever kept a requirement from being there.
    """
    key, interpreter, settings = wanted.key, wanted.interpreter, wanted.settings
    if not wanted.is_forced and (found := _from_cache(key, interpreter, settings, cache, reporter)):
        return (*found, key)
    started_ns = time.time_ns()
    # What is made for a build waits for nobody, so that builds of two launches can not wait for each other.
    waiting = nullcontext() if wanted.chain else cache.lock(key, reporter, "preparing the same requirements")
    with waiting:
        if not wanted.is_forced and (found := _from_cache(key, interpreter, settings, cache, reporter)):
            return (*found, key)
        started = time.monotonic()
        known = None if wanted.is_forced else remembered_resolution(key, settings, cache)
        with (
            closing(LazyIndex(wanted, cache, reporter, workers)) as index,
            closing(WheelFetch(index, cache, reporter)) as fetch,
        ):
            resolution = known[0] if known else resolve_anew(wanted, index, reporter, fetch)
            resolution = with_built_wheels(resolution, index.open, cache)
            wheels = fetch.stored(resolution)
        environment = environments.create_environment(cache, interpreter, wheels, settings.link_mode, reporter)
        if known is None or known[0] != resolution:
            remember_resolution(key, resolution, started_ns, cache)
        if wheels and not wanted.chain:
            count = f"{len(wheels)} package" + "s" * (len(wheels) != 1)
            reporter.finished(f"Prepared {count} in {time.monotonic() - started:.1f} s")
    return resolution, environment, key


@contextmanager
def begin_loading(needs: Needs, cache: Cache) -> Iterator[Workers | None]:
    """Let a worker load what asks unearth and what unpacks, where nothing was ever asked with this cache.

    That takes 150 ms, in which an interpreter is looked for and the rest is imported. Gives no workers where what is
    needed may be there.
    """
    if not needs.requested or cache.path(Bucket.INDEX, "").is_dir():
        yield None
        return
    from launcher.resolve.remembered_finder import FINDER  # noqa: PLC0415 - 3 ms with the next
    from launcher.workers import Workers  # noqa: PLC0415

    with closing(Workers()) as workers:
        # Which index is the default is unearth's to say, and a lock needs none.
        has_index = needs.settings.index_url or needs.settings.no_index or needs.lock
        workers.load(*(() if has_index else (FINDER,)), STORE)
        yield workers


def _from_cache(
    key: str, interpreter: Interpreter, settings: Settings, cache: Cache, reporter: Reporter
) -> tuple[Resolution, Environment] | None:
    """Return a remembered resolution and its environment, composed anew where only that is missing; else None.

    No lock is needed: what is composed is renamed into place, and of several at once the first is taken.
    """
    known = remembered_resolution(key, settings, cache)
    if known is None:
        return None
    resolution, _ = known
    if environment := environment_of(resolution, interpreter, settings, cache):
        return resolution, environment
    wheels = found_wheels(resolution, cache)
    if wheels is None:
        return None
    return resolution, environments.create_environment(cache, interpreter, wheels, settings.link_mode, reporter)


def environment_of(
    resolution: Resolution, interpreter: Interpreter, settings: Settings, cache: Cache
) -> Environment | None:
    """Return the environment of a resolution, or None where there is none that is complete."""
    pinned = [pin.candidate for pin in resolution.pins]
    names = [(each.name, each.version, store_key(each.wheel_sha256 or "", each.direct_url)) for each in pinned]
    return environments.open_environment(cache, environments.environment_key(interpreter, names, settings.link_mode))


class LazyIndex:
    """The index, opened when something has to be asked of it."""

    def __init__(
        self,
        wanted: ResolutionRequest,
        cache: Cache,
        reporter: Reporter,
        workers: Workers | None = None,
    ) -> None:
        self._wanted, self._cache, self._reporter = wanted, cache, reporter
        self._opened: Index | None = None
        self._is_closed = False
        self._lock = allocate_lock()
        self._workers, self._owns_workers = workers, workers is None

    @property
    def workers(self) -> Workers:
        """The processes that share the work; they are started when there is work for them."""
        if self._workers is None:
            from launcher.workers import Workers  # noqa: PLC0415 - 2 ms

            self._workers = Workers()
        return self._workers

    def open(self) -> Index:
        """Return the index; it is opened once, by whichever thread comes first, and not after `close`."""
        with self._lock:
            if self._is_closed:
                raise CacheUnusable("The launch was given up.")
            if self._opened is None:
                self._opened = self._made()
            return self._opened

    def _made(self) -> Index:
        # 88 ms: packaging, and what reads pages and sources.
        from launcher.resolve.access import Access  # noqa: PLC0415
        from launcher.resolve.formats import allowed_formats  # noqa: PLC0415
        from launcher.resolve.index import Index  # noqa: PLC0415
        from launcher.resolve.index_settings import IndexSettings  # noqa: PLC0415
        from launcher.resolve.workshop import Workshop  # noqa: PLC0415

        asked = self._wanted.settings
        places = IndexSettings(
            index_url=asked.index_url,
            extra_index_urls=asked.extra_index_url,
            find_links=asked.find_links,
            no_index=asked.no_index,
            named=asked.index,
            sources=_indexes_by_package(asked, self._wanted.interpreter),
            access=Access.of(asked),
            offline=asked.offline,
            refresh=self._wanted.is_forced,
            timeout_s=asked.timeout_s,
            retries=asked.retries,
            needs_pages=self._wanted.needs_pages,
            origins=asked.origins,
        )
        workshop = Workshop(
            formats=allowed_formats(asked),
            make_environment=self._build_environment if self._wanted.may_build else None,
            reporter=self._reporter,
            chain=self._wanted.chain,
            require_hashes=self._wanted.policy.require_hashes,
            tools_key=f"{places.key()} {self._wanted.policy.for_others().key()}",
        )
        index = Index(places, self._wanted.interpreter, self._cache, workshop, self.workers)
        # A remembered resolution names URLs without their credentials.
        index.remember_credentials(requirement.text for requirement in self._wanted.written)
        return index

    def _build_environment(self, requirements: Sequence[str], origin: str, chain: Chain) -> Environment:
        requested = tuple(Requested(text, origin) for text in requirements)
        policy = self._wanted.policy.for_others()
        wanted = replace(self._wanted, requested=requested, policy=policy, chain=chain, lock=None)
        return provision(wanted, self._cache, self._reporter, self.workers)[1]

    def close(self) -> None:
        """Close what was opened."""
        if self._workers is not None and self._owns_workers:
            self._workers.close()
        with self._lock:
            self._is_closed = True
        if self._opened is not None:
            self._opened.close()


def _indexes_by_package(settings: Settings, interpreter: Interpreter) -> dict[str, str]:
    if not settings.sources:
        return {}
    from launcher.resolve.sources import sources_for  # noqa: PLC0415 - as below

    return {name: each.index for name, each in sources_for(settings.sources, interpreter).items() if each.index}


def resolve_anew(
    wanted: ResolutionRequest,
    index: LazyIndex,
    reporter: Reporter,
    wheels: WheelsAhead | None = None,
) -> Resolution:
    """Return the resolution by the index; raises as `launcher.resolve.provider.resolve` does.

    `wheels` hear which ones it will most likely have, before it is complete. Where there is a lock, also as
    `launcher.resolve.locked.resolve_locked`.
    """
    if wanted.lock is not None:
        # 45 ms, of which packaging's requirements and markers are most.
        from launcher.resolve import locked  # noqa: PLC0415

        found = locked.resolve_locked(_locked_request(wanted, wanted.lock), index.open)
        if not wanted.beside_lock:
            return found
        policy = locked.with_pins(wanted.policy, found)
        beside = replace(wanted, requested=wanted.beside_lock, policy=policy, lock=None)
        return locked.joined(found, resolve_anew(beside, index, reporter, wheels))
    if not wanted.requested:
        return Resolution((), ())
    opened = index.open()
    opened.begin([requested.text for requested in wanted.requested])
    # 50 ms: the resolver library. Meanwhile the first pages arrive.
    from launcher.resolve.provider import resolve  # noqa: PLC0415

    return resolve(wanted.requested, wanted.interpreter, opened, wanted.policy, reporter, wheels)


def _locked_request(wanted: ResolutionRequest, lock: ScriptLock) -> LockedRequest:
    from launcher.resolve.formats import allowed_formats  # noqa: PLC0415 - with the lock only
    from launcher.resolve.lock_terms import terms_of  # noqa: PLC0415 - as above
    from launcher.resolve.locked import LockedRequest  # noqa: PLC0415 - as above

    terms = None if lock.insisting == "frozen" else terms_of(lock.metadata, wanted.settings, wanted.policy)
    return LockedRequest(lock, wanted.of_script, wanted.interpreter, allowed_formats(wanted.settings), terms)
