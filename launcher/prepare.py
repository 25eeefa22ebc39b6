"""From a request to a launch: the data path in one place, and the only module that wires the rooms together.

    script text -> metadata -> interpreter -> resolution -> wheels in the store -> environment -> launch record

`prepare` reads as that sentence. A step that finds its result in the cache imports nothing of what would make it: the
resolver and its network stack cost 150 ms, so they are imported where they are reached.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from launcher import settings as settings_module
from launcher.cache import Bucket, Cache
from launcher.environment import environment as environments
from launcher.environment.environment import Environment
from launcher.errors import CacheUnusable, CommandNotFound, Excerpt, InvalidMetadata
from launcher.launch import record as records
from launcher.launch.record import LaunchRecord
from launcher.python.discovery import InterpreterRequest, find_interpreter
from launcher.python.query import Interpreter
from launcher.reporter import Reporter
from launcher.resolve.resolution import Requested, Resolution
from launcher.script.inline_metadata import ScriptMetadata, read_metadata
from launcher.script.source import ScriptSource, read_script, read_stdin_script
from launcher.settings import Settings

if TYPE_CHECKING:
    from launcher.environment.wheel_store import StoredWheel, WheelStore
    from launcher.resolve.index import Candidate, Index

_DOWNLOADS_AT_ONCE = 8


class TargetKind(StrEnum):
    """What is to be run inside the environment."""

    SCRIPT = "script"
    STDIN = "stdin"
    MODULE = "module"
    CODE = "code"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the command line asked for.

    `tokens` are the arguments up to and with the target, `skipped` how many of them are not handed on, `arguments`
    those behind it. `command_line` holds the settings given as options; `directory` is the current one, absolute.
    """

    kind: TargetKind
    target: str
    arguments: tuple[str, ...]
    tokens: tuple[str, ...]
    skipped: int
    directory: str
    with_: tuple[str, ...] = ()
    with_requirements: tuple[str, ...] = ()
    with_editable: tuple[str, ...] = ()
    command_line: Mapping[str, object] | None = None
    may_be_recorded: bool = True


@dataclass(frozen=True, slots=True)
class Preparation:
    """A launch that only has to be executed, and how it came about.

    `content` is a script that cannot be read a second time (stdin, a pipe) and is handed over by a descriptor instead.
    """

    record: LaunchRecord
    argv: list[str]
    settings: Settings
    interpreter: Interpreter
    resolution: Resolution
    environment: Environment
    source: ScriptSource | None = None
    variables: Mapping[str, str] | None = None


def prepare(request: RunRequest, cache: Cache, environ: Mapping[str, str], reporter: Reporter) -> Preparation:
    """Make everything that `request` needs and return how to launch it; write the launch record.

    Raises a `PyscriptError` that says what kept the script from starting.
    """
    source = _read_source(request)
    metadata = _read_metadata(source, reporter)
    settings = _settle(request, source, metadata, environ)
    requested, settings, files = _requested(request, source, metadata, settings)
    wanted = InterpreterRequest(metadata.requires_python, settings.python, _requires_python_line(source, metadata))
    interpreter = find_interpreter(wanted, cache, reporter, refresh=settings.refresh)
    if request.with_editable:
        editables, built_from = _build_editables(request, interpreter, settings, cache, reporter)
        requested, files = (*requested, *editables), (*files, *built_from)
    resolution, environment = _environment_for(requested, interpreter, settings, cache, reporter)
    program = _program(request, environment, environ)
    preparation = Preparation(
        record=_record(request, source, program, environment, environ),
        argv=[program, *request.tokens[request.skipped :], *request.arguments],
        settings=settings,
        interpreter=interpreter,
        resolution=resolution,
        environment=environment,
        source=source,
        variables=_env_file_variables(settings),
    )
    if _may_be_recorded(request, preparation):
        _write_record(preparation.record, request, cache, environ, (interpreter.executable, *files))
    return preparation


# Script text -> metadata -> settings and requirements


def _read_source(request: RunRequest) -> ScriptSource | None:
    if request.kind is TargetKind.STDIN:
        return read_stdin_script()
    return read_script(request.target) if request.kind is TargetKind.SCRIPT else None


def _read_metadata(source: ScriptSource | None, reporter: Reporter) -> ScriptMetadata:
    if source is None:
        return ScriptMetadata(None, (), {}, None)
    metadata, warnings = read_metadata(source.text, source.path)
    for warning in warnings:
        reporter.warning(warning)
    return metadata


def _settle(
    request: RunRequest, source: ScriptSource | None, metadata: ScriptMetadata, environ: Mapping[str, str]
) -> Settings:
    tool = metadata.tool.get("pyscript", {})
    path = settings_module.config_path(environ)
    config = settings_module.read_config_file(path)
    settled = settings_module.resolve_settings(
        request.command_line or {}, environ, tool if isinstance(tool, dict) else {}, config, str(path)
    )
    return settings_module.with_relative_paths_from(settled, _directory_of(source, request))


def _directory_of(source: ScriptSource | None, request: RunRequest) -> str:
    if source is None or source.is_stdin:
        return request.directory
    return os.path.dirname(os.path.join(request.directory, source.path))


def _requested(
    request: RunRequest, source: ScriptSource | None, metadata: ScriptMetadata, settings: Settings
) -> tuple[tuple[Requested, ...], Settings, tuple[str, ...]]:
    """Return all requirements with their origins, the settings as requirements files change them, and those files."""
    directory = _directory_of(source, request)
    requested = [
        Requested(_with_absolute_path(dependency.text, directory), f"line {dependency.line_number} of {metadata_of}")
        for metadata_of in ([source.path] if source else [])
        for dependency in metadata.dependencies
    ]
    requested += [Requested(_with_absolute_path(text, request.directory), "--with") for text in request.with_]
    files: list[str] = []
    if request.with_requirements:
        # 40 ms for packaging, and few launches name a file.
        from launcher.resolve import requirements_file  # noqa: PLC0415

        for name in request.with_requirements:
            content = requirements_file.read_requirements_file(os.path.join(request.directory, name))
            requested += requirements_file.as_requested(content)
            settings = requirements_file.with_index_options(settings, content)
            files += content.paths
    return tuple(requested), settings, tuple(files)


def _with_absolute_path(text: str, directory: str) -> str:
    """Return a requirement that is a relative path (``./x.whl``) as an absolute one; others stay as they are."""
    if text.startswith(("./", "../", ".\\", "..\\")):
        return os.path.normpath(os.path.join(directory, text))
    return text


def _requires_python_line(source: ScriptSource | None, metadata: ScriptMetadata) -> Excerpt | None:
    if source is None or metadata.requires_python is None or metadata.block is None:
        return None
    lines = source.text.splitlines()
    for number in range(metadata.block.first_line, min(metadata.block.last_line, len(lines)) + 1):
        line = lines[number - 1]
        if "requires-python" in line:
            column = max(line.find(metadata.requires_python), 0) + 1
            return Excerpt(source.path, number, line, column, len(metadata.requires_python))
    return None


# Requirements -> resolution -> wheels in the store -> environment


def _environment_for(
    requested: Sequence[Requested], interpreter: Interpreter, settings: Settings, cache: Cache, reporter: Reporter
) -> tuple[Resolution, Environment]:
    """Return the resolution of `requested` and a complete environment of it, both from the cache where possible."""
    key = _resolution_key(requested, interpreter, settings)
    is_forced = settings.refresh or settings.upgrade
    if not is_forced and (found := _open_cached(key, interpreter, settings, cache)):
        return found
    with cache.lock(key, reporter, "preparing the same requirements"):
        if not is_forced and (found := _open_cached(key, interpreter, settings, cache)):
            return found
        started = time.monotonic()
        with _opened_index(settings, interpreter, cache) as open_index:
            resolution = None if is_forced else _cached_resolution(key, settings, cache)
            if resolution is None:
                resolution = _resolve(requested, interpreter, open_index, reporter)
            wheels = _stored_wheels(resolution, open_index, cache, reporter)
        environment = environments.create_environment(cache, interpreter, wheels, settings.link_mode, reporter)
        cache.write(Bucket.RESOLUTIONS, key, marshal.dumps((int(time.time()), resolution.to_bytes())))
        if wheels:
            count = f"{len(wheels)} package" + "s" * (len(wheels) != 1)
            reporter.finished(f"Prepared {count} in {time.monotonic() - started:.1f} s")
    _collect(cache, reporter)
    return resolution, environment


def _resolution_key(requested: Sequence[Requested], interpreter: Interpreter, settings: Settings) -> str:
    """Name a resolution by everything that can change its outcome (DESIGN, section 5)."""
    texts = sorted({(requirement.text.strip(), requirement.hashes) for requirement in requested})
    local = [_local_file(text) for text, _ in texts]
    stamps = [records.stamp_of(path) for path in local if path]
    parts = repr((texts, stamps, interpreter.identity, settings.resolution_key()))
    return hashlib.sha256(parts.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _local_file(text: str) -> str | None:
    """Return the path of a requirement on a file of this machine, None for all others."""
    if os.path.isabs(text):
        return text
    _, found, path = text.partition("file://")
    return path.partition("#")[0].partition(" ")[0] if found else None


def _cached_resolution(key: str, settings: Settings, cache: Cache) -> Resolution | None:
    content = cache.read(Bucket.RESOLUTIONS, key)
    if content is None:
        return None
    try:
        resolved_at, dumped = marshal.loads(content)
        resolution = Resolution.from_bytes(dumped)
    except (ValueError, EOFError, TypeError, KeyError):
        return None
    is_too_old = settings.max_age_s is not None and time.time() - resolved_at > settings.max_age_s
    return None if is_too_old else resolution


def _open_cached(
    key: str, interpreter: Interpreter, settings: Settings, cache: Cache
) -> tuple[Resolution, Environment] | None:
    resolution = _cached_resolution(key, settings, cache)
    if resolution is None:
        return None
    wheels = [(pin.candidate.name, pin.candidate.version, pin.candidate.sha256 or "") for pin in resolution.pins]
    name = environments.environment_key(interpreter, wheels, settings.link_mode)
    environment = environments.open_environment(cache, name)
    return (resolution, environment) if environment else None


class _LazyIndex:
    """The index, opened when something has to be asked of it."""

    def __init__(self, settings: Settings, interpreter: Interpreter, cache: Cache) -> None:
        self._settings, self._interpreter, self._cache = settings, interpreter, cache
        self._opened: Index | None = None

    def open(self) -> Index:
        if self._opened is None:
            # 115 ms: unearth and the HTTP client below it.
            from launcher.resolve.index import Index, IndexSettings  # noqa: PLC0415

            asked = self._settings
            self._opened = Index(
                IndexSettings(
                    index_url=asked.index_url,
                    extra_index_urls=asked.extra_index_url,
                    find_links=asked.find_links,
                    no_index=asked.no_index,
                    offline=asked.offline,
                    refresh=asked.refresh or asked.upgrade,
                    timeout_s=asked.timeout_s,
                    retries=asked.retries,
                ),
                self._interpreter,
                self._cache,
            )
        return self._opened

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()


@contextmanager
def _opened_index(settings: Settings, interpreter: Interpreter, cache: Cache) -> Iterator[_LazyIndex]:
    index = _LazyIndex(settings, interpreter, cache)
    try:
        yield index
    finally:
        index.close()


def _resolve(
    requested: Sequence[Requested], interpreter: Interpreter, index: _LazyIndex, reporter: Reporter
) -> Resolution:
    if not requested:
        return Resolution((), ())
    # 50 ms: the resolver library and packaging.
    from launcher.resolve.provider import Policy, resolve  # noqa: PLC0415

    return resolve(requested, interpreter, index.open(), Policy(), reporter)


def _stored_wheels(
    resolution: Resolution, index: _LazyIndex, cache: Cache, reporter: Reporter
) -> tuple[StoredWheel, ...]:
    """Return the wheel of each pin from the store, fetching and unpacking those it lacks, several at once."""
    if not resolution.pins:
        return ()
    from launcher.environment.wheel_store import WheelStore  # noqa: PLC0415

    store = WheelStore(cache)
    stored = {
        pin.candidate: store.get(pin.candidate.sha256) if pin.candidate.sha256 else None for pin in resolution.pins
    }
    missing = [candidate for candidate, wheel in stored.items() if wheel is None]
    if missing:
        reporter.step(f"Fetching {len(missing)} of {len(stored)} packages")
        opened = index.open()
        missing.sort(key=lambda candidate: -(candidate.size_bytes or 0))
        with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
            fetches = [(item, pool.submit(_fetch, item, opened, store, cache, reporter)) for item in missing]
            try:
                for candidate, fetch in fetches:
                    stored[candidate] = fetch.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return tuple(wheel for wheel in stored.values() if wheel is not None)


def _fetch(candidate: Candidate, index: Index, store: WheelStore, cache: Cache, reporter: Reporter) -> StoredWheel:
    name = candidate.sha256 or hashlib.sha256(candidate.url.encode()).hexdigest()
    with cache.lock(f"wheel-{name}", reporter, f"fetching {candidate.name}"):
        if candidate.sha256 and (found := store.get(candidate.sha256)):
            return found
        with cache.temporary_directory() as directory:
            wheel, sha256 = index.download(candidate, directory, reporter)
            return store.add(wheel, sha256, name=candidate.name, version=candidate.version)


def _collect(cache: Cache, reporter: Reporter) -> None:
    from launcher.environment.collection import collect_when_due  # noqa: PLC0415

    collect_when_due(cache, reporter)


def _build_editables(
    request: RunRequest, interpreter: Interpreter, settings: Settings, cache: Cache, reporter: Reporter
) -> tuple[tuple[Requested, ...], tuple[str, ...]]:
    """Build an editable wheel of each project; return them as requirements, and the files that decide about them."""
    # 80 ms: pypa/build, for the few launches that need it.
    from launcher.resolve.build import build_editable  # noqa: PLC0415

    def build_environment(requirements: Sequence[str], origin: str) -> Environment:
        asked = [Requested(text, origin) for text in requirements]
        return _environment_for(asked, interpreter, settings, cache, reporter)[1]

    requested: list[Requested] = []
    files: list[str] = []
    for path in request.with_editable:
        project = Path(request.directory, path)
        built = build_editable(project, interpreter, build_environment, cache, reporter)
        requested.append(Requested(f"{built.name}{built.extras} @ {built.wheel.as_uri()}", f"--with-editable {path}"))
        files += built.depends_on
    return tuple(requested), tuple(files)


# Environment -> launch


def _program(request: RunRequest, environment: Environment, environ: Mapping[str, str]) -> str:
    """Return the absolute path of what is executed: the environment's interpreter, or the program that was named."""
    if request.kind is not TargetKind.COMMAND:
        return str(environment.python)
    import shutil  # noqa: PLC0415

    for path in (str(environment.bin), environ.get("PATH", os.defpath)):
        if found := shutil.which(request.target, path=path):
            return os.path.abspath(found)
    raise CommandNotFound(
        f"There is no script {request.target!r} here, and no program of that name in the environment or on PATH.",
        hint=f"Check the name, or add what provides it: pyscript run --with PACKAGE {request.target}",
    )


def _env_file_variables(settings: Settings) -> dict[str, str]:
    variables: dict[str, str] = {}
    for name in settings.env_file:
        from dotenv import dotenv_values  # noqa: PLC0415

        if not os.path.isfile(name):
            raise InvalidMetadata(f"The env-file {name} does not exist.", hint="Check the path given to --env-file.")
        variables |= {key: value or "" for key, value in dotenv_values(name).items()}
    return variables


def _record(
    request: RunRequest, source: ScriptSource | None, program: str, environment: Environment, environ: Mapping[str, str]
) -> LaunchRecord:
    return LaunchRecord(
        program,
        str(environment.path),
        records.variables_of(dict(environ)),
        request.tokens if len(request.tokens) > 1 else (),
        request.skipped,
        source.head if source else None,
    )


def _may_be_recorded(request: RunRequest, preparation: Preparation) -> bool:
    """Tell whether the next launch may go by a record alone.

    Not where the answer can change without any file changing (an age limit, a forced refresh, a program somewhere on
    PATH), where the content was read from a pipe, where an env-file must be read each time, nor where a URL in a
    variable carries credentials, which must not be written down.
    """
    settings = preparation.settings
    if not request.may_be_recorded:
        return False
    if settings.refresh or settings.upgrade or settings.max_age_s is not None or settings.env_file:
        return False
    if preparation.source is not None and (preparation.source.is_stdin or not preparation.source.is_regular_file):
        return False
    if not preparation.record.program.startswith(str(preparation.environment.path) + os.sep):
        return False
    return "@" not in preparation.record.variables or "://" not in preparation.record.variables


def _write_record(
    record: LaunchRecord, request: RunRequest, cache: Cache, environ: Mapping[str, str], files: Sequence[str]
) -> None:
    """Write the record where the next launch looks for it; it is a convenience, so failing to write it is no error."""
    directory = records.working_directory(dict(environ))
    script = os.path.join(directory, request.target) if request.kind is TargetKind.SCRIPT else None
    for path in (str(settings_module.config_path(environ)), *files, *([script] if script and not record.head else [])):
        record.stamps[path] = records.stamp_of(path)
    path_of_record = records.record_path(str(cache.root), request.tokens, directory)
    content = records.encode(record)
    if path_of_record and content:
        with suppress(CacheUnusable):
            cache.write_file(Path(path_of_record), content)


def with_index_options(settings: Settings, **options: object) -> Settings:
    """Return `settings` with index options that a requirements file names, where nobody else set them."""
    changes = {name: value for name, value in options.items() if value and name not in settings.origins}
    return replace(settings, **changes)  # type: ignore[arg-type]
