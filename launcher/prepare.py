"""From a request to a launch: the data path in one place; with `provision`, what wires the rooms together.

    script text -> metadata -> interpreter -> resolution -> wheels in the store -> environment -> launch record

`prepare` reads as that sentence. A step that finds its result in the cache imports nothing of what would make it: the
resolver and its network stack cost 150 ms, so they are imported where they are reached.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from launcher.cache import Bucket, Cache
from launcher.environment.environment import Environment
from launcher.errors import (
    CacheUnusable,
    CommandNotFound,
    InterpreterNotFound,
    InvalidMetadata,
    LockOutdated,
    UsageError,
)
from launcher.launch import record as records
from launcher.launch import warm
from launcher.launch.record import LaunchRecord
from launcher.provision import ResolutionRequest, begin_loading, provision
from launcher.python.discovery import InterpreterRequest, Obtain, find_interpreter
from launcher.python.query import Interpreter
from launcher.reporter import Reporter
from launcher.request import Needs, RunRequest, TargetKind, read_needs
from launcher.resolve.resolution import Resolution, watched_files
from launcher.script.source import LOCK_OPENING, ScriptSource
from launcher.settings import Settings, has_credentials
from launcher.value import Value, field, replace

if TYPE_CHECKING:
    from launcher.python.demand import Demand, NotFetched
    from launcher.resolve.fetcher import Fetcher
    from launcher.workers import Workers

MOST_STAMPS = 200
"""Comparing so many takes a shell about as long as Python takes to start."""
_CLOCK_TICK_NS = 20_000_000
"""File systems may take the time of a change from a clock that is this much behind."""


class Preparation(Value):
    """A launch that only has to be executed, and how it came about.

    `variables` are those of env-files, for names that are not set. A `source` that is no regular file cannot be read a
    second time, so its content has to be handed over.
    """

    record: LaunchRecord
    argv: list[str]
    interpreter: Interpreter
    resolution: Resolution
    environment: Environment
    source: ScriptSource | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


def prepare(request: RunRequest, cache: Cache, environ: Mapping[str, str], reporter: Reporter) -> Preparation:
    """Make everything that `request` needs and return how to launch it; write the launch record.

    Raises a `PyscriptError` that says what kept the script from starting.
    """
    started_ns = time.time_ns()
    needs = read_needs(request, environ, reporter)
    with begin_loading(needs, cache) as workers:
        interpreter = interpreter_for(needs, cache, reporter)
        bundle = needs.source.bundle if needs.source else None
        if bundle is not None:
            from launcher.python.bundle_fit import refuse_misfit  # noqa: PLC0415 - for the few bundles

            refuse_misfit(bundle, interpreter)
        wanted, (resolution, environment, key) = _provisioned(request, needs, interpreter, cache, reporter, workers)
    if bundle is not None:
        # By this its bootstrap knows that it need not unpack anything in this environment.
        cache.write_file(cache.path(Bucket.BUNDLES, bundle.digest) / f"{environment.key}.environment", b"")
    program = _program(request, needs, environment, environ, reporter)
    record = _record(request, needs, program, environment, environ)
    files = (interpreter.executable, str(cache.path(Bucket.RESOLUTIONS, key)), *needs.files)
    record.stamps |= {path: records.stamp_of(path) for path in (*files, *watched_files(wanted.written, resolution))}
    if _may_be_recorded(request, needs, record, started_ns):
        _write_record(record, request, cache, environ, started_ns)
    _collect(environment, cache, reporter)
    return Preparation(
        record=record,
        argv=[program, *request.tokens[request.skipped :], *request.arguments],
        interpreter=interpreter,
        resolution=resolution,
        environment=environment,
        source=None if request.script else needs.source,
        variables=needs.variables,
    )


def _provisioned(
    request: RunRequest,
    needs: Needs,
    interpreter: Interpreter,
    cache: Cache,
    reporter: Reporter,
    workers: Workers | None,
) -> tuple[ResolutionRequest, tuple[Resolution, Environment, str]]:
    """Return what the needs come to on an interpreter; a lock that is outdated, or to be upgraded, is made anew."""
    outdated = None
    if needs.lock is None or not needs.settings.upgrade:
        wanted = _wanted(request, needs, interpreter)
        try:
            return wanted, provision(wanted, cache, reporter, workers)
        except LockOutdated as error:
            if needs.lock is None or needs.lock.insisting:
                raise
            outdated = error
    # 40 ms more than a resolution: the targets of a lock, for those who changed what it is for.
    from launcher.relocking import relock  # noqa: PLC0415

    own = tuple(each for each in needs.requested if each.excerpt is not None)
    lock = relock(replace(needs, requested=own), interpreter, outdated, cache, reporter)
    wanted = _wanted(request, replace(needs, lock=lock), interpreter)
    return wanted, provision(wanted, cache, reporter, workers)


def _wanted(request: RunRequest, needs: Needs, interpreter: Interpreter) -> ResolutionRequest:
    needs, may_build = with_sources_applied(needs, interpreter), request.may_build
    return ResolutionRequest(
        needs.requested, needs.policy, interpreter, needs.settings, may_build=may_build, lock=needs.lock
    )


def interpreter_for(needs: Needs, cache: Cache, reporter: Reporter, obtain: Obtain | None = None) -> Interpreter:
    """Return the interpreter that the script and the settings ask for; raises as `find_interpreter` does.

    One that is not here is downloaded, unless another way to `obtain` it is given.
    """
    settings = needs.settings
    wanted = InterpreterRequest(
        needs.requires_python,
        settings.python,
        lambda: needs.requires_python_line,
        settings.origins.get("python", "--python"),
    )
    obtain = obtain or obtaining(settings, cache, reporter)
    if needs.lock is not None and (narrower := needs.lock.range_of_others):
        both = replace(wanted, requires_python=",".join(filter(None, (needs.requires_python, narrower))))
        # Where there is none, the lock does not fit what the script asks for, and is complained about as such.
        with suppress(InterpreterNotFound, InvalidMetadata, UsageError):
            return find_interpreter(both, cache, reporter, refresh=settings.refresh, obtain=obtain)
    return find_interpreter(wanted, cache, reporter, refresh=settings.refresh, obtain=obtain)


def obtaining(settings: Settings, cache: Cache, reporter: Reporter) -> Obtain:
    """Return what gets an interpreter from elsewhere; it imports nothing until it is asked for one."""

    def obtain(demand: Demand) -> str | NotFetched:
        # 27 ms for the list of builds and 50 for the HTTP client.
        from launcher.python.installations import obtain  # noqa: PLC0415

        with closing(open_fetcher(settings)) as fetcher:
            return obtain(demand, settings, fetcher, cache, reporter)

    return obtain


def open_fetcher(settings: Settings) -> Fetcher:
    """Return an HTTP client as the settings want it, to be closed when it is not needed any more."""
    from launcher.resolve.access import Access  # noqa: PLC0415
    from launcher.resolve.fetcher import Fetcher  # noqa: PLC0415 - 20 ms, 50 with a connection

    access = Access.of(settings)
    return Fetcher(timeout_s=settings.timeout_s, retries=settings.retries, offline=settings.offline, access=access)


def with_sources_applied(needs: Needs, interpreter: Interpreter) -> Needs:
    """Return the needs with the block's requirements taken from where ``[tool.pyscript.sources]`` says."""
    if not needs.settings.sources or needs.source is None:
        return needs
    # 2 ms, for the few scripts that have sources.
    from launcher.resolve.sources import sources_for, with_sources  # noqa: PLC0415

    path = needs.source.path
    of_block = [each for each in needs.requested if each.excerpt and each.excerpt.path == path]
    others = [each for each in needs.requested if not (each.excerpt and each.excerpt.path == path)]
    sources = sources_for(needs.settings.sources, interpreter)
    return replace(needs, requested=(*with_sources(of_block, sources), *others))


def _collect(environment: Environment, cache: Cache, reporter: Reporter) -> None:
    if cache.is_due_for_collection():
        # 13 ms, once a day.
        from launcher.environment.collection import collect_quietly  # noqa: PLC0415

        collect_quietly(cache, environment.key, reporter)


# Environment -> launch


def _program(
    request: RunRequest, needs: Needs, environment: Environment, environ: Mapping[str, str], reporter: Reporter
) -> str:
    """Return the absolute path of what is executed: the environment's interpreter, or the program that was named."""
    if request.kind is not TargetKind.COMMAND:
        return str(environment.python)
    import shutil  # noqa: PLC0415

    if found := shutil.which(request.target, path=str(environment.bin)):
        return os.path.abspath(found)
    if found := shutil.which(request.target, path=environ.get("PATH", os.defpath)):
        if needs.requested and _has_a_python_of_its_own(found):
            reporter.warning(
                f"{found}, from PATH, runs on a Python of its own, which does not have these packages. "
                f"If the program should have them: --with {request.target}"
            )
        return os.path.abspath(found)
    raise CommandNotFound(
        f"There is no script {request.target!r} here, and no program of that name in the environment or on PATH.",
        hint=f"Check the name, or add what provides it: pyscript run --with PACKAGE {request.target}",
    )


def _has_a_python_of_its_own(program: str) -> bool:
    """Tell whether a program is one that pip and its like make, whose first lines name the Python that runs it.

    ``env python`` finds the one of the environment.
    """
    import re  # noqa: PLC0415

    try:
        with open(program, "rb") as stream:
            head = stream.read(512)
    except OSError:
        return False
    # Where the path is too long for the system, a shell starts it.
    return bool(re.match(rb"#! ?(?:/bin/sh\n'''exec' )?\"?/[^\n]*/(?:python|pypy)[\d.]*t?[\"\s]", head))


def _record(
    request: RunRequest, needs: Needs, program: str, environment: Environment, environ: Mapping[str, str]
) -> LaunchRecord:
    record = LaunchRecord(
        program,
        str(environment.path),
        records.variables_of(dict(environ)),
        request.tokens if len(request.tokens) > 1 else (),
        request.skipped,
        _head(needs.source) if needs.source and not request.script else None,
    )
    if needs.source and not record.head and (request.script or request.kind is TargetKind.SCRIPT):
        path = os.path.join(request.directory, needs.source.path)
        record.stamps[path] = records.stamp_of(path)
    if request.kind is TargetKind.COMMAND:
        record.stamps[os.path.join(request.directory, request.target)] = None  # a script of that name would come first
    return record


def _head(source: ScriptSource) -> bytes | None:
    """Return the head of a script, None for one with a lock in it: that is long, and a stamp stands for all of it."""
    return None if LOCK_OPENING in source.text else source.head


def _may_be_recorded(request: RunRequest, needs: Needs, record: LaunchRecord, started_ns: int) -> bool:
    """Tell whether the next launch may go by a record alone.

    Not where the answer can change without any file changing (an age limit, a forced refresh, a program somewhere on
    PATH), where the content was read from a pipe, where a file has changed since it was read, where so many files
    decide that comparing them is left to Python, nor where a URL carries credentials, which must not be written down.
    """
    is_rereadable = needs.source is None or needs.source.is_regular_file
    is_inside = record.program.startswith(record.environment + os.sep)
    is_named = request.kind is not TargetKind.COMMAND or len(request.tokens) > 1
    head = (record.head or b"").decode("utf-8", "replace")
    written = "\0".join((record.variables, *request.tokens, head))
    if not (request.may_be_recorded and needs.is_lasting and is_rereadable and is_inside and is_named):
        return False
    if len(record.stamps) > MOST_STAMPS:
        return False
    if any(stamp and stamp[0] > started_ns - _CLOCK_TICK_NS for stamp in record.stamps.values()):
        return False
    return not has_credentials(written)


def _write_record(
    record: LaunchRecord, request: RunRequest, cache: Cache, environ: Mapping[str, str], started_ns: int
) -> None:
    """Write the record where the next launch looks for it; it is a convenience, so failing to write it is no error."""
    is_anywhere = request.means_the_same_anywhere
    directory = records.ANYWHERE if is_anywhere else records.working_directory(dict(environ))
    if directory == records.ANYWHERE and not is_anywhere:
        return  # somebody has a directory of that name
    path = records.record_path(str(cache.root), request.tokens, directory)
    record.place = records.record_place(request.tokens, directory) or ""
    content = records.encode(record)
    if path and content:
        with suppress(CacheUnusable):
            cache.write_file(Path(path), content)
            warm.note_seen(path, started_ns)
            records.write_stamps(str(cache.root), record)
