"""Which versions of a project could be installed on one interpreter, and for the others: why not.

A version is looked at when the resolver gets to it, newest first, so a page of 2,000 versions costs as much as the few
that matter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import product

from packaging.specifiers import InvalidSpecifier

from launcher.cutoff import is_before
from launcher.resolve.candidate import Candidate
from launcher.resolve.dependencies import Dependency
from launcher.resolve.formats import Formats
from launcher.resolve.page_files import PUT_THERE, PageFile
from launcher.resolve.pages import ProjectPage, parse_specifiers
from launcher.resolve.roots import Root
from launcher.resolve.rules import Limits
from launcher.resolve.version_set import VersionSet
from launcher.value import Value

_NO_LIMITS = Limits()


class Obstacle(Enum):
    """Why a version cannot be installed; the order is that in which reasons matter when files differ."""

    PYTHON = "needs another Python"
    PLATFORM = "has no wheel for this interpreter and platform"
    SDIST = "has only a source distribution, and no-build forbids to build it"
    WHEEL = "has only wheels, and no-binary forbids to use them"
    FORMATS = "has wheels that no-binary forbids to use, and no-build forbids to build it"
    HASH = "has no file with one of the given hashes"
    METADATA = "has metadata that contradicts itself"
    CONSTRAINT = "is outside a constraint"
    NEWER = "was uploaded too late"
    PRERELEASE = "is a pre-release"


class Unusable(Value):
    """Why one version cannot be installed; `detail` is what the file or page says, such as a requires-python."""

    obstacle: Obstacle
    detail: str = ""


def tags_of(filename: str) -> list[str]:
    """Return the tags that a wheel's file name stands for (PEP 425: compressed tag sets).

    >>> tags_of("demo-1.0-py2.py3-none-any.whl")
    ['py2-none-any', 'py3-none-any']
    """
    parts = filename.removesuffix(".whl").rsplit("-", 3)[1:]
    return ["-".join(each) for each in product(*(part.split(".") for part in parts))]


def has_ordinary_name(file: PageFile) -> bool:
    """Tell whether a wheel's name leaves nothing to judge but its tags: no build number, no empty part."""
    return file.filename.count("-") == 4 and "__" not in file.filename


class Compatibility:
    """What one interpreter takes: tags by priority and requires-python, each text judged once."""

    def __init__(self, tags: Sequence[str], python_version: str) -> None:
        self._priorities = {tag: priority for priority, tag in enumerate(tags)}
        self._ranks: dict[str, int | None] = {}
        self._pythons: dict[str, bool] = {}
        self.python_version = python_version

    def rank(self, filename: str) -> int | None:
        """Return the priority of a wheel's best tag, 0 being the best, or None where no tag fits."""
        tag = "-".join(filename.removesuffix(".whl").rsplit("-", 3)[1:])
        if tag not in self._ranks:
            ranks = [self._priorities.get(each) for each in tags_of(filename)]
            self._ranks[tag] = min((rank for rank in ranks if rank is not None), default=None)
        return self._ranks[tag]

    def best_ranked(self, wheels: Sequence[PageFile]) -> Sequence[PageFile]:
        """Return the fitting wheels with the best tag, mostly one; all of them where their names say more than tags.

        unearth judges by the tag first, too. Where one is left, it is not asked, and need not be loaded.
        """
        if not all(map(has_ordinary_name, wheels)):
            return wheels
        ranks = [self.rank(file.filename) or 0 for file in wheels]
        return [file for file, rank in zip(wheels, ranks, strict=True) if rank == min(ranks)]

    def takes_python(self, requires_python: str | None) -> bool:
        """Tell whether the interpreter satisfies a requires-python; one that cannot be understood is not satisfied."""
        if not requires_python:
            return True
        found = self._pythons.get(requires_python)
        if found is None:
            try:
                found = parse_specifiers(requires_python).contains(self.python_version, prereleases=True)
            except InvalidSpecifier:
                found = False
            self._pythons[requires_python] = found
        return found

    def wheels(self, files: Iterable[PageFile]) -> tuple[list[PageFile], Unusable | None]:
        """Return the wheels that fit, or why there are none."""
        wheels = [file for file in files if file.is_wheel]
        if not wheels:
            return [], Unusable(Obstacle.SDIST)
        ours = [file for file in wheels if self.takes_python(file.requires_python)]
        if not ours:
            return [], Unusable(Obstacle.PYTHON, wheels[0].requires_python or "")
        fitting = [file for file in ours if self.rank(file.filename) is not None]
        if not fitting:
            return [], Unusable(
                Obstacle.PLATFORM, ", ".join(sorted({tag for file in ours for tag in tags_of(file.filename)}))
            )
        return fitting, None


class Admission(Value):
    """What the requirements on a project let in beyond the ordinary: all pre-releases, and some yanked versions."""

    prereleases: bool = False
    yanked: Collection[str] = ()


@dataclass(slots=True)
class Releases:
    """One project as one resolution sees it: positions of `VersionSet` are those of its page, then of its URLs.

    `choose` picks the best of several fitting wheels or of several sdists; `hashes`, where there are any, limit the
    files, and `formats` says which of the two may be used at all.
    """

    name: str
    page: ProjectPage | None
    compatibility: Compatibility
    choose: Callable[[str, Sequence[PageFile], str], Candidate | None]
    urls: tuple[Candidate, ...] = ()
    admission: Admission = field(default_factory=Admission)
    hashes: frozenset[str] | None = None
    formats: Formats = field(default_factory=Formats)
    limits: Limits = field(default_factory=Limits)
    has_unknown_times: bool = False
    _refused_bits: int | None = None
    _found: dict[int, Candidate | Unusable] = field(default_factory=dict)
    _sets: dict[tuple[str, str | None], VersionSet] = field(default_factory=dict)

    @property
    def refused_bits(self) -> int:
        """The versions that the limits forbid."""
        if self._refused_bits is None:
            self._refused_bits = 0 if self.limits == _NO_LIMITS else self._find_refused()
        return self._refused_bits

    def _find_refused(self) -> int:
        first = len(self.page.versions) if self.page else 0
        refused = sum(1 << at for at in range(first, self.count) if self._outside(at) is not None)
        if self.page is None:
            return refused
        for root in self.limits.constraints:
            refused |= self.page.all_bits & ~self.page.matching(root.dependency.specifiers)
        if self.limits.prerelease == "disallow":
            refused |= self.page.prerelease_bits
        if self.limits.uploaded_before is not None:
            in_time = (self._times_in_time(self.page.upload_times_of(at)) for at in range(first))
            refused |= sum(1 << at for at, are_in_time in enumerate(in_time) if not any(are_in_time))
        return refused

    def _outside(self, position: int) -> Root | None:
        """Return the constraint that forbids a version."""
        version = self.version_text(position)
        is_outside = (root for root in self.limits.constraints if not root.dependency.takes(version))
        return next(is_outside, None)

    def _refusal(self, position: int) -> Unusable:
        """Return why the limits forbid a version."""
        if (root := self._outside(position)) is not None:
            return Unusable(Obstacle.CONSTRAINT, f"{root.dependency.text} ({root.requested.origin})")
        assert self.page is not None, "only constraints forbid what is named by URL"
        if self.limits.prerelease == "disallow" and self.page.prerelease_bits >> position & 1:
            return Unusable(Obstacle.PRERELEASE)
        is_unknown = all(file.upload_time is None for file in self.page.files_of(position))
        return Unusable(Obstacle.NEWER, "" if is_unknown else f"{self.limits.uploaded_before}")

    def _in_time(self, files: Sequence[PageFile]) -> Sequence[PageFile]:
        """Return the files that were uploaded in time; one whose time nobody states was not."""
        if self.limits.uploaded_before is None:
            return files
        are_in_time = self._times_in_time([file.upload_time for file in files])
        return [file for file, is_in_time in zip(files, are_in_time, strict=True) if is_in_time]

    def _times_in_time(self, times: Sequence[str | None]) -> list[bool]:
        moment = self.limits.uploaded_before or ""
        self.has_unknown_times = self.has_unknown_times or None in times
        return [time is not None and (time == PUT_THERE or is_before(time, moment)) for time in times]

    @property
    def count(self) -> int:
        """How many versions there are, usable or not."""
        return (len(self.page.versions) if self.page else 0) + len(self.urls)

    @property
    def all_bits(self) -> int:
        """All versions, usable or not, as bits."""
        return (1 << self.count) - 1

    def version_text(self, position: int) -> str:
        """Return the version at a position as text."""
        on_page = len(self.page.versions) if self.page else 0
        if self.page and position < on_page:
            return self.page.versions[position]
        return self.urls[position - on_page].version

    def position_of(self, version: str) -> int | None:
        """Return the position of a version, written as `version_text` has it; None where there is none."""
        if self.urls:
            return next((at for at in range(self.count) if self.version_text(at) == version), None)
        if self.page is None or version not in self.page.versions:
            return None
        return self.page.versions.index(version)

    def lockable_files(self, position: int) -> list[PageFile]:
        """Return all files of a version on the page that may be used, on whichever interpreter.

        Yanked ones are among them only where all are.
        """
        if self.page is None or position >= len(self.page.versions):
            return []
        files = self._with_given_hashes(self._in_time(self.page.files_of(position)))
        wheels, sdists = self.formats.allow_wheels(self.name), self.formats.allow_build(self.name)
        allowed = [file for file in files if (wheels if file.is_wheel else sdists)]
        return [file for file in allowed if file.yanked is None] or allowed

    def satisfying(self, dependency: Dependency) -> VersionSet:
        """Return the versions that a requirement admits.

        Yanked ones only by exact pin (PEP 592); pre-releases only where the specifier names one or nothing else
        satisfies it (PEP 440). Where requirements name the project's URL, only what is there counts.
        """
        key = (str(dependency.specifiers), dependency.url)
        found = self._sets.get(key)
        if found is None:
            bits = self._url_bits(dependency) if self.urls else self._page_bits(dependency)
            found = self._sets[key] = VersionSet(bits)
        return found

    def _page_bits(self, dependency: Dependency) -> int:
        page = self.page
        if page is None:
            return 0
        bits = page.matching(dependency.specifiers)
        if not (dependency.is_pinned or self.limits.is_pinned) and bits & page.yanked_bits:
            admitted = sum(1 << at for at, text in enumerate(page.versions) if text in self.admission.yanked)
            bits &= ~(page.yanked_bits & ~admitted)
        if self._admits_prereleases(dependency):
            return bits
        final, allowed = bits & ~page.prerelease_bits, ~self.refused_bits
        is_necessary = not final or (bits & allowed and not final & allowed)
        return bits if is_necessary else final

    def _admits_prereleases(self, dependency: Dependency) -> bool:
        limits = self.limits
        is_asked_for = self.admission.prereleases or dependency.asks_for_prereleases or limits.names_prereleases
        return is_asked_for or limits.prerelease == "allow"

    def lacks_final(self, dependency: Dependency) -> bool:
        """Tell whether only pre-releases satisfy a requirement and the limits."""
        page = self.page
        return page is not None and not page.matching(dependency.specifiers) & ~(
            page.prerelease_bits | self.refused_bits
        )

    def _url_bits(self, dependency: Dependency) -> int:
        first = len(self.page.versions) if self.page else 0
        return sum(
            1 << (first + at)
            for at, candidate in enumerate(self.urls)
            if (dependency.url is None or candidate.url == dependency.url) and dependency.takes(candidate.version)
        )

    def usable(self, position: int) -> Candidate | Unusable:
        """Return the best wheel of a version, else its sdist, or why there is neither."""
        found = self._found.get(position)
        if found is None:
            found = self._found[position] = self._look_at(position)
        return found

    def reject(self, position: int, reason: Unusable) -> None:
        """Remember that a version turned out to be unusable, for example by its METADATA."""
        self._found[position] = reason

    def _look_at(self, position: int) -> Candidate | Unusable:
        if self.refused_bits >> position & 1:
            return self._refusal(position)
        on_page = len(self.page.versions) if self.page else 0
        if position >= on_page or self.page is None:
            candidate = self.urls[position - on_page]
            # Where the URL does not state a hash, the file is looked at when it has been chosen.
            if self.hashes is not None and candidate.sha256 and candidate.sha256 not in self.hashes:
                return Unusable(Obstacle.HASH)
            fits = not candidate.is_wheel or self.compatibility.rank(candidate.filename) is not None
            return candidate if fits else Unusable(Obstacle.PLATFORM, ", ".join(tags_of(candidate.filename)))
        files, reason = self._usable_files(self._in_time(self.page.files_of(position)))
        if reason is not None:
            return reason
        kept: Sequence[PageFile] = [file for file in files if file.yanked is None] or files
        if kept[0].is_wheel and len(kept) > 1:
            kept = self.compatibility.best_ranked(kept)
        return self.choose(self.name, kept, self.page.source) or Unusable(Obstacle.PLATFORM)

    def _usable_files(self, files: Sequence[PageFile]) -> tuple[list[PageFile], Unusable | None]:
        """Return the wheels that may be used, else the sdists, or why there are neither."""
        wheels, reason = self.compatibility.wheels(files)
        if reason is None and not self.formats.allow_wheels(self.name):
            wheels, reason = [], Unusable(Obstacle.WHEEL)
        allowed = self._with_given_hashes(wheels)
        if allowed:
            return allowed, None
        if wheels:
            reason = Unusable(Obstacle.HASH)
        sdists = [file for file in files if not file.is_wheel]
        if not sdists or not self.formats.allow_build(self.name):
            is_neither = sdists and reason is not None and reason.obstacle is Obstacle.WHEEL
            return [], Unusable(Obstacle.FORMATS) if is_neither else reason
        ours = [file for file in sdists if self.compatibility.takes_python(file.requires_python)]
        if not ours:
            return [], Unusable(Obstacle.PYTHON, sdists[0].requires_python or "")
        allowed = self._with_given_hashes(ours)
        return allowed, None if allowed else Unusable(Obstacle.HASH)

    def _with_given_hashes(self, files: Sequence[PageFile]) -> list[PageFile]:
        return [file for file in files if self.hashes is None or file.sha256 in self.hashes]

    def likely(self, position: int) -> PageFile | None:
        """Return the wheel that `usable` will most likely choose, without asking anybody: for fetching ahead.

        None for an sdist: its backend might have to be run, which is done for none that is not needed.
        """
        if self.page is None or position >= len(self.page.versions):
            return None
        wheels, _ = self.compatibility.wheels(self._in_time(self.page.files_of(position)))
        return min(wheels, key=lambda file: self.compatibility.rank(file.filename) or 0, default=None)
