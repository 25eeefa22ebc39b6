"""Make a script's lock: what it needs, resolved for every machine and Python that it is for, as one PEP 751 file.

needs -> targets -> a resolution of each -> the packages of one lock
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass

from packaging.markers import Marker
from packaging.pylock import Pylock
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from launcher.cache import Cache
from launcher.errors import FileNotWritten
from launcher.provision import LazyIndex, ResolutionRequest
from launcher.python.query import Interpreter
from launcher.reporter import Reporter
from launcher.request import Needs
from launcher.resolve.index import Index
from launcher.resolve.lock_packages import LockPlace, lock_packages
from launcher.resolve.lock_terms import terms_of
from launcher.resolve.lockfile import Lock
from launcher.resolve.platforms import Platform, all_platforms, platform_of, read_platform
from launcher.resolve.resolution import Requested, Resolution
from launcher.resolve.sources import sources_for, with_sources
from launcher.resolve.targets import pythons_for, target_interpreter
from launcher.resolve.universal import Target, UniversalRequest, resolve_universally
from launcher.script.block_editor import with_block
from launcher.script.inline_metadata import find_block
from launcher.script.rewriting import rewrite
from launcher.script.source import LOCK_BLOCK, decode
from launcher.value import replace

HERE = "here"
"""What stands for this machine and the interpreter of a launch alone, among the platforms of a lock."""
_DEFAULT = "default"
_MADE_BY = "pyscript"


@dataclass(frozen=True)
class LockRequest:
    """What a lock is to be made of: a script's needs, and the `interpreter` that it is launched with here.

    `directory` is the absolute one that paths in the lock count from. `platforms` are named as `read_platform` has it,
    or `HERE`, or ``default``; where none is named, those of the `former` lock, or the default ones. What the former
    lock has is kept where it will do, but for the `upgraded` projects, or all where `is_upgrade`. `command` is how
    people make it again.
    """

    needs: Needs
    interpreter: Interpreter
    directory: str
    command: str
    former: Lock | None = None
    platforms: tuple[str, ...] = ()
    is_upgrade: bool = False
    upgraded: frozenset[str] = frozenset()


def make_lock(wanted: LockRequest, cache: Cache, reporter: Reporter) -> Lock:
    """Return the lock that is asked for; nothing is written but what the cache keeps of it.

    Raises `UsageError` for a platform that nobody knows, and what resolving raises.
    """
    platforms, targets = _targets(wanted)
    with ExitStack() as opened:
        indexes = _Indexes(wanted, cache, reporter, opened)
        resolutions = _resolutions(wanted, targets, indexes, reporter)
        place = LockPlace(wanted.directory, indexes.for_, wanted.needs.policy)
        packages = lock_packages(resolutions, place)
    served = list(resolutions)
    content = Pylock(
        lock_version=Version("1.0"),
        environments=_environments(served),
        requires_python=_requires_python(wanted, targets, served),
        created_by=_MADE_BY,
        packages=packages,
    )
    content.validate()
    needs = wanted.needs
    return Lock(content, _heading(wanted), terms_of(needs.metadata, needs.settings, needs.policy), platforms)


def _heading(wanted: LockRequest) -> tuple[str, ...]:
    assert wanted.needs.source is not None, "a lock is of a script"
    return (
        f"# What {os.path.basename(wanted.needs.source.path)} gets: these versions and files, and no others.",
        f"# Made by: {wanted.command}",
    )


# Targets


def _targets(wanted: LockRequest) -> tuple[tuple[str, ...], list[Target]]:
    """Return the platforms as the lock names them, and its targets: the newest Python first, the default ones last."""
    chosen = wanted.platforms or (wanted.former.platforms if wanted.former else ())
    names = chosen or (_DEFAULT,)
    interpreter = wanted.interpreter
    this = Target(platform_of(interpreter), interpreter)
    if HERE in names:
        return (HERE,), [this]
    platforms = list(all_platforms(names))
    if not chosen and not any(map(this.platform.is_like, platforms)):
        # A lock has to serve the machine that it is made on, unless a person says otherwise.
        names = (*names, this.platform.oldest.name)
        platforms.append(this.platform.oldest)
    current = interpreter.version_info[:2]
    pythons = pythons_for(_stated_range(wanted, interpreter), current)
    targets = [
        Target(platform, target_interpreter(python, platform.name)) for python in pythons for platform in platforms
    ]
    if not chosen and not _is_ordinary(interpreter):
        targets.append(this)
    written = tuple(name if name == _DEFAULT else read_platform(name).name for name in names)
    return (() if written == (_DEFAULT,) else written), targets


def _is_ordinary(interpreter: Interpreter) -> bool:
    """Tell whether what is locked for CPython of its version serves the interpreter."""
    is_plain = interpreter.implementation == "cpython" and not interpreter.free_threaded and not interpreter.debug
    return is_plain and not interpreter.is_prerelease


def _stated_range(wanted: LockRequest, interpreter: Interpreter) -> SpecifierSet | None:
    """Return the Pythons that the script is for; where it does not say, those that the former lock is for."""
    if wanted.needs.requires_python is not None:
        return SpecifierSet(wanted.needs.requires_python)
    is_kept = wanted.former is not None and wanted.former.terms is not None and not wanted.is_upgrade
    former = wanted.former.content.requires_python if wanted.former and is_kept else None
    is_for_this = former is not None and former.contains(interpreter.version, prereleases=True)
    return former if is_for_this else None


def _requires_python(wanted: LockRequest, targets: Sequence[Target], served: Sequence[Target]) -> SpecifierSet:
    """Return the script's range, or that of the targets; without the newest Pythons where these were left out."""
    stated = _stated_range(wanted, wanted.interpreter)
    oldest = min(target.interpreter.version_info[:2] for target in targets)
    allowed = stated if stated is not None else SpecifierSet(f">={oldest[0]}.{oldest[1]}")
    newest, last = (max(target.interpreter.version_info[:2] for target in each) for each in (targets, served))
    return allowed if last == newest else allowed & SpecifierSet(f"<{last[0]}.{last[1] + 1}")


def _optional_platforms(wanted: LockRequest, targets: Sequence[Target]) -> frozenset[Platform]:
    """Return the platforms that nobody asked for by name and that are not this machine's."""
    names = wanted.platforms or (wanted.former.platforms if wanted.former else ())
    named = {read_platform(name) for name in names if name not in (HERE, _DEFAULT)}
    this = platform_of(wanted.interpreter)
    platforms = {target.platform for target in targets}
    return frozenset(each for each in platforms - named if not this.is_like(each))


def _environments(targets: Sequence[Target]) -> list[Marker]:
    """Return what the lock is for, as markers: systems and architectures; of one interpreter its version, too."""
    variables = ["sys_platform", "platform_machine", "implementation_name"]
    if any(not target.is_elsewhere for target in targets) and len(targets) == 1:
        variables.append("python_version")
    texts = (
        " and ".join(f'{name} == "{target.interpreter.markers[name]}"' for name in variables) for target in targets
    )
    return [Marker(text) for text in dict.fromkeys(texts)]


# Resolutions


def _resolutions(
    wanted: LockRequest,
    targets: Sequence[Target],
    indexes: _Indexes,
    reporter: Reporter,
) -> dict[Target, Resolution]:
    if not wanted.needs.requested:
        return {target: Resolution((), ()) for target in targets}
    universal = UniversalRequest(
        requested_for=indexes.requested_for,
        index_for=indexes.for_,
        policy=wanted.needs.policy,
        requires_python=_stated_range(wanted, wanted.interpreter),
        former=None if wanted.is_upgrade else wanted.former,
        upgraded=wanted.upgraded,
        optional_platforms=_optional_platforms(wanted, targets),
        newest_required=wanted.interpreter.version_info[1],
    )
    return resolve_universally(targets, universal, reporter)


class _Indexes:
    """The index as the targets see it: the same one for all whose packages come from the same sources."""

    def __init__(self, wanted: LockRequest, cache: Cache, reporter: Reporter, opened: ExitStack) -> None:
        self._wanted, self._cache, self._reporter, self._opened = wanted, cache, reporter, opened
        self._by_sources: dict[tuple[object, ...], Index] = {}

    def for_(self, interpreter: Interpreter) -> Index:
        """Return the index for a target's interpreter; what has to be built is built by the one at hand."""
        wanted = self._wanted
        settings = wanted.needs.settings
        found = sources_for(settings.sources, interpreter) if settings.sources else {}
        sources = tuple(replace(source, marker=None) for source in found.values())
        if sources not in self._by_sources:
            settings = replace(settings, sources=sources)
            policy = wanted.needs.policy
            request = ResolutionRequest(wanted.needs.requested, policy, wanted.interpreter, settings)
            lazy = self._opened.enter_context(closing(LazyIndex(request, self._cache, self._reporter)))
            index = self._by_sources[sources] = lazy.open()
            index.begin(each.text for each in self.requested_for(interpreter))
            # Most of what was needed before is needed again: their pages need not wait for one another.
            former = wanted.former.content.packages if wanted.former else ()
            index.begin(package.name for package in former if not package.is_direct)
        return self._by_sources[sources]

    def requested_for(self, interpreter: Interpreter) -> list[Requested]:
        """Return the requirements as sources have it on a target."""
        needs = self._wanted.needs
        found = sources_for(needs.settings.sources, interpreter) if needs.settings.sources else {}
        return with_sources(needs.requested, found) if found else list(needs.requested)


def changes_between(former: Lock | None, lock: Lock) -> Iterator[tuple[str, str, str]]:
    """Yield for each project with other versions than before its name, the former ones and the new ones, as texts."""
    before, after = _versions_of(former), _versions_of(lock)
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield name, before.get(name, ""), after.get(name, "")


def _versions_of(lock: Lock | None) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for package in lock.content.packages if lock else ():
        version = package.version or (package.vcs.commit_id[:10] if package.vcs else "")
        found.setdefault(package.name, []).append(str(version) or "?")
    return {name: ", ".join(versions) for name, versions in found.items()}


# Where a lock stands


@dataclass(frozen=True)
class LockDestination:
    """Where a lock is kept: a file, or the script at `path` itself, as a block of its own."""

    path: str
    is_embedded: bool = False

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"the lock in {self.path}" if self.is_embedded else self.path

    def read(self) -> bytes | None:
        """Return the text that is there, or None; raises `FileNotWritten` where it cannot be read."""
        try:
            with open(self.path, "rb") as stream:
                content = stream.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FileNotWritten(
                f"{self.path} cannot be read: {error.strerror}.", hint="Name another file: -o FILE."
            ) from error
        if not self.is_embedded:
            return content
        block = find_block(decode(content, self.path), self.path, LOCK_BLOCK)
        return None if block is None else block.metadata.encode("utf-8", "surrogatepass")

    def write(self, lock: Lock) -> None:
        """Put the lock there in one step; raises `FileNotWritten`, or `InvalidMetadata` by the script."""
        if not self.is_embedded:
            rewrite(self.path, lock.to_text().encode("utf-8"))
            return
        with open(self.path, "rb") as stream:
            content = stream.read()
        rewrite(self.path, with_block(content, LOCK_BLOCK, lock.to_text(), self.path), former=content)
