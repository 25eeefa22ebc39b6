"""Make a bundle: a script with everything it needs in one file.

script -> a resolution for each interpreter that was asked for -> their wheels -> where these run -> one file
"""

from __future__ import annotations

import os
import re
import tempfile
from _queue import SimpleQueue
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from launcher.cache import Cache
from launcher.environment.archive import UnsafeArchive, checked_members, mapped
from launcher.errors import BuildFailed, InvalidWheel, PyscriptError, UsageError
from launcher.prepare import interpreter_for
from launcher.provision import LazyIndex
from launcher.python.bundle_fit import is_for
from launcher.python.query import Interpreter
from launcher.reporter import Reporter
from launcher.request import Needs, RunRequest, read_needs
from launcher.resolve.candidate import Candidate
from launcher.resolve.crew import Crew
from launcher.resolve.dependencies import parse_dependency
from launcher.resolve.metadata import metadata_in_wheel, parse_metadata
from launcher.resolve.resolution import Resolution
from launcher.resolve.targets import target_interpreter
from launcher.script.bundle_manifest import BundledFile, BundledWheel, BundleManifest
from launcher.share.bundle_lock import lock_of
from launcher.share.bundle_targets import range_of, runs_on, targets_of
from launcher.share.bundle_writer import BundleContent, bootstrap_hash, refuse_other_file, write_bundle
from launcher.share.reach import Libc, SetWheel, WheelSet
from launcher.survey import Survey, resolve_needs
from launcher.value import replace

ANY = "any"
"""Instead of a platform: only wheels that run on every one."""
_AT_ONCE = 8
_PURE = "-none-any"
_STDIN_NAME = "script.py"


@dataclass(frozen=True, slots=True)
class BundleRequest:
    """What to bundle: the request that launches it, the platforms and Pythons it is for (none: those here), and where.

    `output` is None for a file of the script's name here.
    """

    request: RunRequest
    platforms: tuple[str, ...]
    pythons: tuple[str, ...]
    output: str | None


@dataclass(frozen=True, slots=True)
class MadeBundle:
    """A bundle that was written, its size, and the packages whose wheels are not for every platform."""

    path: str
    size_bytes: int
    manifest: BundleManifest
    native: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _FetchedWheel:
    """A wheel on this disk."""

    path: Path
    sha256: str
    name: str
    version: str


def make_bundle(wanted: BundleRequest, cache: Cache, environ: Mapping[str, str], reporter: Reporter) -> MadeBundle:
    """Make a bundle and write it; nothing is left where that fails.

    Raises what keeps a requirement from being there, `UsageError` for what is no single file, `BuildFailed` where a
    wheel for another platform would have to be built, and `FileNotWritten`.
    """
    needs = read_needs(wanted.request, environ, reporter)
    name = _script_name(needs)
    output = wanted.output or f"{Path(name).stem}.pyz"
    refuse_other_file(output)
    with cache.temporary_directory() as directory:
        bundling = _Bundling(needs, directory, cache, reporter)
        bundling.add_all(_interpreters(wanted, interpreter_for(needs, cache, reporter)))
        reporter.step("Writing the bundle")
        content = bundling.content(name)
        size = write_bundle(output, content, environ)
    native = {name for chosen in bundling.sets for name, wheel in chosen.wheels.items() if not wheel.is_pure}
    return MadeBundle(output, size, content.manifest, tuple(sorted(native)))


def _script_name(needs: Needs) -> str:
    """Return what the script is called in the bundle; raises `UsageError` for what is no single file."""
    source = needs.source
    if source is not None and source.bundle is not None:
        raise UsageError(f"{source.path} is a bundle already.", hint="Bundle the script that it was made of.")
    if source is None or source.is_inside_directory or (source.content and not source.text):
        raise UsageError(
            "A bundle is made of one script; this is an application of several files.",
            hint="Bundle the script that its packages belong to, or make a project of it.",
        )
    if source.is_stdin or not source.is_regular_file:
        return _STDIN_NAME
    name = os.path.basename(source.path)
    stem = re.sub(r"[^\w.+ -]", "_", Path(name).stem.lstrip("."), flags=re.ASCII) or "script"
    return f"{stem}.py"


def _interpreters(wanted: BundleRequest, here: Interpreter) -> Iterator[Interpreter]:
    """Yield the interpreters to make the bundle for; what is not here has no executable.

    On every platform means the one here and one of each system with the same wheels; a later one that is served
    already costs nothing.
    """
    own = ".".join(map(str, here.version_info[:2])) + ("t" if here.free_threaded else "")
    for python in wanted.pythons or ("",):
        for platform in wanted.platforms or ("",):
            is_here = platform in ("", ANY)
            if is_here and python in ("", own):
                found = here
            else:
                found = target_interpreter(python or own, _platform_of(here) if is_here else platform)
            if platform != ANY:
                yield found
                continue
            yield _with_pure_tags(found)
            for other in ("linux-x86_64", "macos-arm64", "windows-x86_64"):
                yield _with_pure_tags(target_interpreter(python or own, other))


def _with_pure_tags(interpreter: Interpreter) -> Interpreter:
    return replace(interpreter, tags=tuple(tag for tag in interpreter.tags if tag.endswith(_PURE)))


def _platform_of(interpreter: Interpreter) -> str:
    """Return the platform of an interpreter by the best tag that names one, with its C library."""
    platforms = (tag.rpartition("-")[2] for tag in interpreter.tags)
    return next((each for each in platforms if not each.startswith(("linux_", "any"))), interpreter.paths["platform"])


class _Bundling:
    """What goes into a bundle, gathered for one interpreter after the other."""

    def __init__(self, needs: Needs, directory: Path, cache: Cache, reporter: Reporter) -> None:
        self._needs = needs
        self._directory = directory
        self._cache = cache
        self._reporter = reporter
        self._fetched: dict[str, _FetchedWheel] = {}
        self.sets: list[WheelSet] = []

    def add_all(self, interpreters: Iterator[Interpreter]) -> None:
        """Resolve for each interpreter that is not served yet, and fetch the wheels."""
        for interpreter in interpreters:
            served = targets_of(self.sets, self._needs.requires_python, lambda *_: 0) if self.sets else ()
            if not any(is_for(target, interpreter) for target in served):
                self.sets.append(self._chosen_for(interpreter))

    def _chosen_for(self, interpreter: Interpreter) -> WheelSet:
        needs, is_elsewhere = self._needs, not interpreter.executable
        if is_elsewhere:
            # What is built here is for here.
            needs = replace(needs, settings=replace(needs.settings, no_build=True))
        try:
            survey = resolve_needs(needs, interpreter, self._cache, self._reporter)
            resolution = survey.resolution
            assert resolution is not None
            wheels = self._fetch(survey, resolution)
        except PyscriptError as error:
            if is_elsewhere:
                where = interpreter.paths.get("platform", "elsewhere")
                error.message = f"For Python {interpreter.markers['python_version']} on {where}: {error.message}"
            raise
        return WheelSet(
            wheels=wheels,
            requirements=tuple(_requirements(survey.needs, resolution)),
            made_for=interpreter,
            here=_libc_of(interpreter),
            is_fixed=bool(needs.policy.overrides),
        )

    # Wheels

    def _fetch(self, survey: Survey, resolution: Resolution) -> dict[str, SetWheel]:
        """Put the wheels of a resolution into the directory, several at once."""
        for candidate in (pin.candidate for pin in resolution):
            if candidate.is_editable:
                raise BuildFailed(
                    f"{candidate.name} is used in place (editable), which a bundle cannot do.",
                    hint="Require its directory as it is: --with PATH instead of --with-editable PATH.",
                )
        candidates = [pin.candidate for pin in resolution]
        ended: SimpleQueue[tuple[Candidate, _FetchedWheel | BaseException]] = SimpleQueue()
        self._reporter.step("Fetching packages")
        with ExitStack() as stack:
            index = stack.enter_context(closing(LazyIndex(survey.wanted, self._cache, self._reporter)))
            crew = stack.enter_context(closing(Crew(_AT_ONCE)))

            def fetch(candidate: Candidate) -> None:
                try:
                    ended.put((candidate, self._fetched_wheel(candidate, index)))
                except BaseException as error:
                    ended.put((candidate, error))

            for candidate in sorted(candidates, key=lambda each: -(each.size_bytes or 0)):
                if not crew.submit(fetch, candidate):
                    fetch(candidate)
            found = {}
            for count in range(1, len(candidates) + 1):
                candidate, fetched = ended.get()
                if isinstance(fetched, BaseException):
                    raise fetched
                found[candidate.name] = self._checked(candidate, fetched, survey.interpreter)
                self._reporter.progress(count, len(candidates))
        return found

    def _fetched_wheel(self, candidate: Candidate, index: LazyIndex) -> _FetchedWheel:
        if candidate.sha256 in self._fetched and candidate.is_wheel:
            return self._fetched[candidate.sha256]
        directory = Path(tempfile.mkdtemp(dir=self._directory))
        path, digest = index.open().download(candidate, directory, self._reporter)
        return self._fetched.setdefault(digest, _FetchedWheel(path, digest, candidate.name, candidate.version))

    def _checked(self, candidate: Candidate, fetched: _FetchedWheel, interpreter: Interpreter) -> SetWheel:
        """Return a wheel after looking at it as the store does, but for its content; its hash stands for that."""
        name = fetched.path.name
        try:
            with mapped(fetched.path) as content:
                checked_members(content)
            metadata = parse_metadata(metadata_in_wheel(fetched.path))
        except (UnsafeArchive, ValueError) as error:
            raise InvalidWheel(f"{name} is not a sound wheel: {error}.", hint="Ask for another version.") from error
        if not metadata.is_of(candidate.name, candidate.version):
            said = f"{metadata.name} {metadata.version}"
            raise InvalidWheel(f"{name} is not what it should be: it says that it is {said}.")
        wheel = SetWheel(name, metadata)
        if not candidate.is_wheel and all(tag.endswith(_PURE) for tag in interpreter.tags) and not wheel.is_pure:
            raise BuildFailed(
                f"{candidate.name} {candidate.version} has no wheel for any platform, and what was built of its source "
                f"is for this one: {name}.",
                hint="Make a bundle for each platform there, or leave --python-platform any out.",
            )
        return wheel

    # Content

    def content(self, script_name: str) -> BundleContent:
        """Return everything that the bundle holds."""
        assert self._needs.source is not None
        names = sorted({wheel.filename for chosen in self.sets for wheel in chosen.wheels.values()})
        by_name: dict[str, _FetchedWheel] = {}
        for fetched in self._fetched.values():
            if by_name.setdefault(fetched.path.name, fetched) is not fetched:
                raise InvalidWheel(f"There are two different files called {fetched.path.name}.")
        numbers = {name: number for number, name in enumerate(names)}
        requires_python = self._needs.requires_python
        targets = targets_of(self.sets, requires_python, lambda chosen, name: numbers[chosen.wheels[name].filename])
        wheels = [_bundled(by_name[name]) for name in names]
        lock, script = lock_of(wheels, targets).encode(), self._needs.source.content
        manifest = BundleManifest(
            script=BundledFile(f"script/{script_name}", sha256(script).hexdigest(), len(script)),
            wheels=tuple(wheels),
            targets=targets,
            requires_python=range_of(targets),
            runs_on=runs_on(targets),
            lock_sha256=sha256(lock).hexdigest(),
            bootstrap=bootstrap_hash(),
        )
        return BundleContent(manifest, script, lock, [by_name[name].path for name in names])


def _bundled(wheel: _FetchedWheel) -> BundledWheel:
    file = BundledFile(f"wheels/{wheel.path.name}", wheel.sha256, wheel.path.stat().st_size)
    return BundledWheel(file, wheel.name, wheel.version)


def _requirements(needs: Needs, resolution: Resolution) -> Iterator[str]:
    """Yield what the script requires; where that is a bare path or URL, the names that were asked for instead."""
    are_named = True
    for requested in needs.requested:
        try:
            parse_dependency(requested.text.partition(" ;" if "@" in requested.text else ";")[0])
        except ValueError:
            are_named = False
        else:
            yield requested.text
    if not are_named:
        yield from resolution.roots


def _libc_of(interpreter: Interpreter) -> Libc:
    """Return the C library of an interpreter, which what is built for it asks for."""
    names = {"manylinux": "glibc", "musllinux": "musl"}
    for tag in interpreter.tags:
        found = re.search(r"-(manylinux|musllinux)_(\d+)_(\d+)_\w+$", tag)
        if found is not None:
            return names[found[1]], int(found[2]), int(found[3])
    return ()
