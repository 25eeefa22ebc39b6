"""What a launch would use, found out without launching: the data path, walked as far as a question needs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from launcher.cache import Cache
from launcher.environment.collection import directory_size
from launcher.environment.environment import Environment
from launcher.environment.fetch import find_wheel
from launcher.environment.manifest import SITE
from launcher.errors import LockOutdated
from launcher.prepare import interpreter_for, with_sources_applied
from launcher.provision import LazyIndex, ResolutionRequest, environment_of, resolve_anew
from launcher.python.query import Interpreter
from launcher.reporter import Reporter
from launcher.request import Needs, RunRequest, read_needs
from launcher.resolve.resolution import Resolution, remember_resolution, remembered_resolution
from launcher.value import replace

if TYPE_CHECKING:
    from launcher.python.demand import Demand, NotFetched
    from launcher.resolve.candidate import Candidate


@dataclass(frozen=True, slots=True)
class Survey:
    """What a request needs and what of that is there.

    `resolution` is None where nobody resolved the requirements yet, `resolved_at` when it was, in seconds since the
    epoch; `environment` is None where there is none that is complete.
    """

    needs: Needs
    interpreter: Interpreter
    resolution: Resolution | None = None
    resolved_at: int | None = None
    environment: Environment | None = None

    @property
    def wanted(self) -> ResolutionRequest:
        """The resolution that it is about."""
        needs = self.needs
        return ResolutionRequest(needs.requested, needs.policy, self.interpreter, needs.settings, lock=needs.lock)


@dataclass(frozen=True, slots=True)
class LockState:
    """The lock of a script: what it is called, which program made it, and why it is outdated, if it is."""

    label: str
    made_by: str
    outdated: str | None


@dataclass(frozen=True, slots=True)
class PackageSize:
    """What a package takes: unpacked in the store, or to download where it is not there; None where nobody says."""

    size_bytes: int | None
    is_stored: bool


def look(request: RunRequest, cache: Cache, environ: Mapping[str, str], reporter: Reporter) -> Survey:
    """Return what is there for `request`; nothing is resolved, downloaded or built.

    Raises what reading the script and finding an interpreter raise.
    """
    needs = read_needs(request, environ, reporter)
    interpreter = interpreter_for(needs, cache, reporter, None if needs.settings.no_python_download else _not_now)
    return with_remembered(Survey(with_sources_applied(needs, interpreter), interpreter), cache)


def resolve(request: RunRequest, cache: Cache, environ: Mapping[str, str], reporter: Reporter) -> Survey:
    """Return what `request` needs with its resolution: the one a launch would use, made now where there is none.

    Raises what a launch would raise up to there. Where the request may not build, nothing of what is needed is
    run: it raises `BuildFailed` for what only a build would tell, `InterpreterNotFound` for a Python that is not here.
    """
    needs = read_needs(request, environ, reporter)
    interpreter = interpreter_for(needs, cache, reporter, None if request.may_build else _not_now)
    return resolve_needs(needs, interpreter, cache, reporter, may_build=request.may_build)


def resolve_needs(
    needs: Needs, interpreter: Interpreter, cache: Cache, reporter: Reporter, *, may_build: bool = True
) -> Survey:
    """Return needs with their resolution on an interpreter, made now where there is none; raises as `resolve` does."""
    survey = Survey(with_sources_applied(needs, interpreter), interpreter)
    try:
        return _resolved(survey, cache, reporter, may_build)
    except LockOutdated as error:
        if needs.lock is None or needs.lock.insisting:
            raise
        # A launch makes the lock anew; who only looks changes no file.
        reporter.warning(f"{error.message} A launch locks again; this is what it would get.")
        return _resolved(replace(survey, needs=replace(survey.needs, lock=None)), cache, reporter, may_build)


def _resolved(survey: Survey, cache: Cache, reporter: Reporter, may_build: bool) -> Survey:
    started_ns = time.time_ns()
    wanted = replace(survey.wanted, may_build=may_build)
    key = wanted.key
    if not wanted.is_forced and (known := with_remembered(survey, cache, key)).resolution is not None:
        return known
    with cache.lock(key, reporter, "preparing the same requirements"):
        if not wanted.is_forced and (known := with_remembered(survey, cache, key)).resolution is not None:
            return known
        with closing(LazyIndex(wanted, cache, reporter)) as index:
            resolution = resolve_anew(wanted, index, reporter)
        remember_resolution(key, resolution, started_ns, cache)
    return replace(survey, resolution=resolution, resolved_at=int(time.time()))


def lock_state(survey: Survey) -> LockState | None:
    """Return how it is with the script's lock, None where it has none; raises `InvalidMetadata` for what is none."""
    script_lock, wanted = survey.needs.lock, survey.wanted
    if script_lock is None:
        return None
    # 80 ms: packaging, for scripts with a lock.
    from launcher.resolve.lock_freshness import refuse_outdated  # noqa: PLC0415
    from launcher.resolve.lock_terms import terms_of  # noqa: PLC0415
    from launcher.resolve.locked import read_script_lock  # noqa: PLC0415

    lock = read_script_lock(script_lock)
    made_by, outdated = lock.content.created_by, None
    try:
        terms = terms_of(script_lock.metadata, wanted.settings, wanted.policy)
        refuse_outdated(lock, script_lock, terms, wanted.of_script, survey.interpreter)
    except LockOutdated as error:
        outdated = error.message
    return LockState(script_lock.label, made_by, outdated)


def with_needs_told(survey: Survey, cache: Cache) -> Survey:
    """Return the survey with who needs whom in its resolution, where a lock does not say it and wheels here do."""
    resolution = survey.resolution
    if survey.needs.lock is None or resolution is None or any(pin.dependencies for pin in resolution):
        return survey
    # For the locks of other tools only.
    from launcher.resolve.dependencies import DependencyReader  # noqa: PLC0415
    from launcher.resolve.known_needs import with_known_needs  # noqa: PLC0415
    from launcher.resolve.metadata import WheelMetadata, parse_metadata, remembered_metadata  # noqa: PLC0415

    def metadata_of(candidate: Candidate) -> WheelMetadata | None:
        if (remembered := remembered_metadata(candidate, cache)) or not (wheel := find_wheel(candidate, cache)):
            return remembered
        for path in (wheel.path / SITE).glob("*.dist-info/METADATA"):
            with suppress(OSError, ValueError):
                return parse_metadata(path.read_bytes())
        return None

    reader = DependencyReader(survey.interpreter.markers)
    return replace(survey, resolution=with_known_needs(resolution, survey.needs.requested, reader, metadata_of))


def newest_versions(survey: Survey, cache: Cache, reporter: Reporter) -> dict[str, str]:
    """Return the newest version that each pin could have, by name; raises what asking the index raises."""
    # 150 ms: the network stack and the resolver, for this question only.
    from launcher.resolve import newest  # noqa: PLC0415

    assert survey.resolution is not None
    reporter.step("Looking for newer versions")
    policy = survey.needs.policy.for_others()
    wanted = replace(survey.wanted, policy=policy, lock=None)
    with closing(LazyIndex(wanted, cache, reporter)) as index:
        return newest.newest_versions(survey.resolution.pins, policy, survey.interpreter, index.open())


def _not_now(_: Demand) -> NotFetched:
    from launcher.python.demand import NotFetched  # noqa: PLC0415 - loaded by who asks

    return NotFetched("None was downloaded, because this only looks.", "launch or prepare the script, which gets one")


def package_sizes(survey: Survey, cache: Cache) -> dict[str, PackageSize]:
    """Return the size of each pin of the resolution, by name."""
    sizes = {}
    for pin in survey.resolution or ():
        wheel = find_wheel(pin.candidate, cache)
        size_bytes = directory_size(wheel.path)[0] if wheel else pin.candidate.size_bytes
        sizes[pin.candidate.name] = PackageSize(size_bytes, wheel is not None)
    return sizes


def environment_size(environment: Environment) -> int:
    """Return the bytes that an environment takes by itself, without what it shares with the wheel store."""
    return directory_size(environment.path, without_shared=True)[0]


def with_remembered(survey: Survey, cache: Cache, key: str | None = None) -> Survey:
    """Return the survey with what the cache has for it; `key` names its resolution, where that is known already."""
    key = key or survey.wanted.key  # which takes looking at folders
    settings = survey.needs.settings
    known = remembered_resolution(key, settings, cache)
    if known is None:
        return survey
    resolution, resolved_at = known
    environment = environment_of(resolution, survey.interpreter, settings, cache)
    return replace(survey, resolution=resolution, resolved_at=resolved_at, environment=environment)
