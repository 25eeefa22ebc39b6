"""One resolution for each of several targets, as alike as can be: what a lock is made of.

Each target is resolved by itself, the newest Python first, and prefers what the ones before it got. So one version
serves all where it can, and none gets an older one because of another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from launcher.errors import BuildFailed, PyscriptError, ResolutionImpossible
from launcher.python.query import Interpreter
from launcher.python.request import satisfies
from launcher.reporter import Reporter, SilentReporter
from launcher.resolve.candidate import Candidate
from launcher.resolve.index import Index
from launcher.resolve.lockfile import Lock
from launcher.resolve.page_files import PageFile
from launcher.resolve.platforms import Platform
from launcher.resolve.provider import resolve
from launcher.resolve.releases import Compatibility
from launcher.resolve.resolution import Policy, Requested, Resolution
from launcher.resolve.target_markers import TargetMarkers
from launcher.resolve.targets import series_of, target_interpreter, usable_somewhere
from launcher.value import replace

_RELEASE_IN_MARKER = re.compile(
    r"""python_full_version\s*(<=?|>=?|[=!]=)\s*["'](3)\.(\d+)\.(\d+)["']"""
    r"""|["'](3)\.(\d+)\.(\d+)["']\s*(<=?|>=?|[=!]=)\s*python_full_version"""
)
_LINES_OF_A_REASON = 2
"""Of those that an error would have: what cannot be satisfied, and the first thing that stands against it."""


@dataclass(frozen=True)
class Target:
    """A kind of machine and an interpreter on it."""

    platform: Platform
    interpreter: Interpreter

    @property
    def is_elsewhere(self) -> bool:
        """Whether its interpreter is none of this machine."""
        return not self.interpreter.executable

    @property
    def python(self) -> str:
        """Its Python for people: ``3.12``, or ``3.12.2`` where releases of the series differ."""
        return series_of(self.interpreter.version)

    @cached_property
    def compatibility(self) -> Compatibility:
        """What its interpreter takes."""
        return Compatibility(self.interpreter.tags, self.interpreter.version)

    def may_use(self, file: PageFile) -> bool:
        """Tell whether a machine of this kind can use a wheel, be it a newer one; the one at hand is no other."""
        if not file.is_wheel or not self.compatibility.takes_python(file.requires_python):
            return False
        if not self.is_elsewhere:
            return self.compatibility.rank(file.filename) is not None
        return usable_somewhere(file.filename, self.platform, self.interpreter.tags)

    def __str__(self) -> str:
        """Return what messages call it."""
        return f"Python {self.python} on {self.platform.name}"


@dataclass(frozen=True)
class UniversalRequest:
    """What is to be resolved for every target.

    `requested_for` and `index_for` say what is required there and where it is looked for: both may depend on markers.
    `former` is the lock whose versions are kept where they will do, but for those of the `upgraded` projects.

    Where there is no answer, the `optional_platforms` are left out, and Pythons newer than 3.`newest_required`; None
    requires all.
    """

    requested_for: Callable[[Interpreter], Sequence[Requested]]
    index_for: Callable[[Interpreter], Index]
    policy: Policy
    requires_python: SpecifierSet | None = None
    former: Lock | None = None
    upgraded: frozenset[str] = frozenset()
    optional_platforms: frozenset[Platform] = frozenset()
    newest_required: int | None = None


def resolve_universally(
    targets: Iterable[Target], wanted: UniversalRequest, reporter: Reporter
) -> dict[Target, Resolution]:
    """Return the resolution of each target, and of those that turn out to differ from them in a release of Python.

    Those that may be left out and have no answer are, with a warning. Raises `ResolutionImpossible` that names the
    target where another one has none, or where two differ that no marker can tell apart, and whatever else
    `launcher.resolve.provider.resolve` raises.
    """
    waiting = list(targets)
    work = _Work(wanted, waiting, reporter)
    while waiting:
        for _, of_one_python in groupby(waiting, lambda target: target.interpreter.version_info):
            work.resolve_each(list(of_one_python))
        waiting = work.undistinguished()
    work.align()
    work.warn()
    ordered = sorted(work.found, key=lambda target: -Version(target.interpreter.version).release[1])
    return {target: work.found[target] for target in ordered}


class _Work:
    """The resolutions so far."""

    def __init__(self, wanted: UniversalRequest, targets: Sequence[Target], reporter: Reporter) -> None:
        self.found: dict[Target, Resolution] = {}
        self._wanted = wanted
        self._targets = targets
        self._left_out: dict[Platform | str, PyscriptError] = {}
        self._reporter = reporter

    def resolve_each(self, targets: Sequence[Target]) -> None:
        """Resolve for targets of one Python; leave out what may be, where another one shows that it is to blame."""
        failures: dict[Target, PyscriptError] = {}
        for target in targets:
            if target.platform in self._left_out:
                continue
            try:
                self.resolve(target)
            except (ResolutionImpossible, BuildFailed) as error:
                if not self._is_optional(target) and target.platform not in self._wanted.optional_platforms:
                    raise
                if not failures and self._is_optional(target):
                    self._refuse_hopeless(target)
                failures[target] = error
        is_found = any(target in self.found for target in targets)
        for target, failure in failures.items():
            if is_found and target.platform in self._wanted.optional_platforms:
                self._leave_out(target.platform, failure)
            elif not self.found and self._is_optional(target):
                self._left_out.setdefault(f"Python {target.python}", failure)
            else:
                raise failure

    def _is_optional(self, target: Target) -> bool:
        """Tell whether its Python may be left out."""
        required = self._wanted.newest_required
        return required is not None and target.interpreter.version_info[1] > required

    def _refuse_hopeless(self, target: Target) -> None:
        """Raise where a Python that must have an answer has none either: then that is what a person has to know."""
        required = (each for each in self._targets if each.platform == target.platform and not self._is_optional(each))
        if not self.found and (first := next(required, None)) is not None:
            self.resolve(first)
            del self.found[first]

    def _leave_out(self, platform: Platform, error: PyscriptError) -> None:
        self._left_out[platform] = error
        self.found = {target: each for target, each in self.found.items() if target.platform != platform}

    def warn(self) -> None:
        """Say what was left out, and why."""
        for what, error in self._left_out.items():
            name = what.name if isinstance(what, Platform) else what
            lines = (error.message.partition("\n")[2] or error.message).splitlines()
            reason = " ".join(line.strip() for line in lines[:_LINES_OF_A_REASON])
            self._reporter.warning(f"The lock is not for {name}: {reason}.")

    def resolve(self, target: Target, first: Mapping[str, str] | None = None) -> None:
        """Resolve for one target; `first` are versions that it is to have, if it can."""
        wanted, interpreter = self._wanted, target.interpreter
        policy = replace(wanted.policy, preferred=self._preferred(target, first or {}))
        index = wanted.index_for(interpreter)
        # What there is to be told, of the requirements and of odd packages, is the same for each of them.
        reporter = SilentReporter() if self.found else self._reporter
        self._reporter.step(f"Resolving for {target}")
        try:
            resolution = resolve(wanted.requested_for(interpreter), interpreter, index, policy, reporter)
        except (ResolutionImpossible, BuildFailed) as error:
            raise _with_target(error, target) from error
        if not self.found:
            read_ahead(resolution, (each for each in self._targets if each != target), index)
        self.found[target] = resolution

    def _preferred(self, target: Target, first: Mapping[str, str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return the versions to prefer: those locked before, those of this Python elsewhere, those of others here.

        What another Python got on another platform is not among them: it may be old for a reason that is not here.
        """
        python = target.interpreter.version_info
        same_python = [each for each in self.found if each.interpreter.version_info == python]
        same_platform = [each for each in self.found if each.platform == target.platform]
        same_platform.sort(key=lambda each: abs(each.interpreter.version_info[1] - python[1]))
        by_name: dict[str, dict[str, None]] = {}
        for versions in (
            first,
            self._former_versions(target.interpreter),
            *map(self._versions, [*same_python, *same_platform]),
        ):
            for name, version in versions.items():
                by_name.setdefault(name, {})[version] = None
        return tuple((name, tuple(by_name[name])) for name in sorted(by_name))

    def _former_versions(self, interpreter: Interpreter) -> dict[str, str]:
        former, upgraded = self._wanted.former, self._wanted.upgraded
        packages = former.packages_for(interpreter.markers) if former else []
        return {each.name: str(each.version) for each in packages if each.version and each.name not in upgraded}

    def undistinguished(self) -> list[Target]:
        """Return targets for the releases of Python that some marker tells from the later ones of their series.

        Such as 3.11.2 where something is needed below 3.11.3 (redis needs async-timeout there).
        """
        micros: dict[int, set[int]] = {}
        for target, resolution in self.found.items():
            index = self._wanted.index_for(target.interpreter)
            texts = [each.text for each in self._wanted.requested_for(target.interpreter)]
            # An sdist from an index was not asked itself, where it cannot be built as it would be there.
            asked = [pin.candidate for pin in resolution if pin.candidate.is_wheel or not pin.candidate.index]
            texts += [text for candidate in asked for text in index.metadata(candidate).requires_dist]
            for minor, micro in _releases_named_in(texts):
                micros.setdefault(minor, set()).add(micro)
        missing = (self._below(target, micros) for target in list(self.found) if target.is_elsewhere)
        found = dict.fromkeys(target for group in missing for target in group if target not in self.found)
        return sorted(found, key=lambda target: target.interpreter.version_info, reverse=True)

    def _below(self, target: Target, micros: Mapping[int, Iterable[int]]) -> Iterator[Target]:
        """Yield the targets that stand for the releases below those where a marker begins to say otherwise."""
        _, minor, last = target.interpreter.version_info
        for micro in sorted(micros.get(minor, ())):
            version = f"3.{minor}.{micro - 1}"
            is_allowed = self._wanted.requires_python is None or satisfies(
                self._wanted.requires_python, Version(version)
            )
            if 0 < micro <= last and is_allowed:
                threading = "t" * target.interpreter.free_threaded
                yield Target(target.platform, target_interpreter(version + threading, target.platform.name))

    def align(self) -> None:
        """Let targets that no marker can tell apart have the same; raises `ResolutionImpossible` where they cannot."""
        targets = list(self.found)
        markers = TargetMarkers([target.interpreter.markers for target in targets])
        for at, target in enumerate(targets):
            alike = [other for position, other in enumerate(targets) if markers.alike(at) >> position & 1]
            for other in alike:
                if other is target or self._versions(other) == self._versions(target):
                    continue
                self.resolve(target, self._versions(other))
                if self._versions(other) != self._versions(target):
                    raise self._irreconcilable(target, other)

    def _versions(self, target: Target) -> dict[str, str]:
        return {pin.candidate.name: pin.candidate.version for pin in self.found[target]}

    def _irreconcilable(self, target: Target, other: Target) -> ResolutionImpossible:
        ours, theirs = self._versions(target), self._versions(other)
        name = next(name for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name))
        return ResolutionImpossible(
            f"{target} and {other} need different versions of {name} ({ours.get(name, 'none')} and "
            f"{theirs.get(name, 'none')}), and no marker can tell them apart.",
            hint="Make a lock for each: --platform names the machines, and -o the file.",
            reference="PEP 508",
        )


def read_ahead(resolution: Resolution, targets: Iterable[Target], index: Index) -> None:
    """Begin to fetch what files for other targets say that they need; returns at once.

    Most of them will be asked for: the same versions in wheels for another platform or Python.
    """
    compatibilities = [each.compatibility for each in targets]
    index.submit(_read_all, [pin.candidate for pin in resolution], compatibilities, index)


def _read_all(candidates: Iterable[Candidate], compatibilities: Sequence[Compatibility], index: Index) -> None:
    for candidate in candidates:
        page = index.page(candidate.name) if candidate.is_wheel and candidate.index else None
        if page is None or candidate.version not in page.versions or candidate.filename.endswith("-none-any.whl"):
            continue
        files = page.files_of(page.versions.index(candidate.version))
        seen = {candidate.filename}
        for compatibility in compatibilities:
            wheels, _ = compatibility.wheels(files)
            best = min(wheels, key=lambda file, of=compatibility: of.rank(file.filename) or 0, default=None)  # type: ignore[misc]
            if best is not None and best.filename not in seen:
                seen.add(best.filename)
                index.submit(index.metadata, index.candidate(candidate.name, best, page.source))


def _releases_named_in(texts: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield the releases, as minor and micro, from which on markers in requirements say otherwise than below."""
    for text in texts:
        if "python_full_version" not in text:
            continue
        for found in _RELEASE_IN_MARKER.finditer(text):
            operator, minor, micro = found[1] or found[8], int(found[3] or found[6]), int(found[4] or found[7])
            is_behind = operator in ("<=", ">") if found[1] else operator in (">=", "<")
            if operator in ("==", "!="):
                yield minor, micro
                yield minor, micro + 1
            else:
                yield minor, micro + is_behind


def _with_target(error: PyscriptError, target: Target) -> PyscriptError:
    """Return the error with the target that it is about."""
    message = error.message.replace(target.interpreter.version, target.python)
    hint = "A lock has to serve every Python that requires-python allows and every --platform."
    is_answer = isinstance(error, ResolutionImpossible)
    return type(error)(
        f"There is no answer for {target}.\n{message}" if is_answer else f"{message}\nIt is needed on {target}.",
        hint=f"{error.hint} {hint}" if error.hint else hint,
        reference=error.reference,
        excerpt=error.excerpt,
    )
