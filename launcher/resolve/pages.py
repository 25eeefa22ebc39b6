"""A project's page on an index: its versions in order, their files, and which ones a specifier takes.

Pure: `index` fetches and stores. Versions are parsed when a page is fetched; what is stored loads without parsing one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.version import Version

from launcher.errors import IndexUnreachable
from launcher.resolve.file_versions import WHEEL_NAME, FilesOfVersion, group_by_version, rank_of_sdist
from launcher.resolve.page_files import FileRows, PageFile

FIND_LINKS = "find-links"
"""The `source` of a page made of what find-links locations have."""

_FORMAT = 2
_LEGACY_WILDCARD = r"(?<![=!])(>=|<=|>|<|~=)\s*([^\s,*]+)\.\*"

_T = TypeVar("_T")


@dataclass(slots=True)
class ProjectPage:
    """The versions of one project, oldest first, each with its files.

    The bit i of `prerelease_bits` and `yanked_bits` speaks of ``versions[i]``; a version is yanked when all its files
    are. `source` says for people where the page came from.
    """

    name: str
    versions: tuple[str, ...]
    rows: FileRows
    prerelease_bits: int
    yanked_bits: int
    source: str
    _parsed: dict[int, Version] = field(default_factory=dict, repr=False)
    _matching: dict[str, int] = field(default_factory=dict, repr=False)
    _files: dict[int, tuple[PageFile, ...]] = field(default_factory=dict, repr=False)

    @property
    def all_bits(self) -> int:
        """The set of all versions of the page."""
        return (1 << len(self.versions)) - 1

    def version(self, position: int) -> Version:
        """Return the parsed version at a position."""
        found = self._parsed.get(position)
        if found is None:
            found = self._parsed[position] = Version(self.versions[position])
        return found

    def files_of(self, position: int) -> tuple[PageFile, ...]:
        """Return the files of the version at a position; raises `IndexUnreachable` where the page has no JSON there."""
        found = self._files.get(position)
        if found is None:
            found = self._files[position] = self._read(self.rows.files_of, position)
        return found

    def upload_times_of(self, position: int) -> list[str | None]:
        """Return when each file of the version at a position was uploaded; raises as `files_of` does."""
        return self._read(self.rows.upload_times_of, position)

    def _read(self, read: Callable[[int], _T], position: int) -> _T:
        try:
            return read(position)
        except ValueError as error:
            project = f"{self.name} {self.versions[position]}"
            raise IndexUnreachable(
                f"What {self.source} says of the files of {project} cannot be read: {error}.",
                hint="When the index has been mended, --refresh reads its page again.",
                reference="PEP 691",
            ) from error

    def matching(self, specifiers: SpecifierSet) -> int:
        """Return the versions that all `specifiers` contain, pre-releases and yanked ones included, as bits."""
        bits = self.all_bits
        for specifier in specifiers:
            key = str(specifier)
            found = self._matching.get(key)
            if found is None:
                found = self._matching[key] = self._matching_one(specifier)
            bits &= found
        return bits

    def _matching_one(self, specifier: Specifier) -> int:
        """Bisect instead of testing each version: what PEP 440's operators take is one run of the ordered versions."""
        operator, text = specifier.operator, specifier.version
        count = len(self.versions)

        def takes(position: int) -> bool:
            return specifier.contains(self.version(position), prereleases=True)

        if operator in (">=", ">"):
            return _run(_first(0, count, takes), count)
        if operator in ("<=", "<"):
            return _run(0, _first(0, count, lambda position: not takes(position)))
        if operator in ("==", "!=", "~="):
            lowest = Version(text.removesuffix(".*") + ".dev0" if text.endswith(".*") else text)
            start = _first(0, count, lambda position: self.version(position) >= lowest)
            is_outside: Callable[[int], bool] = takes if operator == "!=" else (lambda position: not takes(position))
            run = _run(start, _first(start, count, is_outside))
            return self.all_bits & ~run if operator == "!=" else run
        return sum(1 << i for i, version in enumerate(self.versions) if specifier.contains(version, prereleases=True))

    def to_row(self) -> tuple[Any, ...]:
        """Return the page as plain values, for `marshal`, but for the content of its rows."""
        rows = (self.rows.bounds, self.rows.page_url)
        return (_FORMAT, self.name, self.versions, *rows, self.prerelease_bits, self.yanked_bits, self.source)

    @classmethod
    def from_row(cls, row: tuple[Any, ...], content: bytes | memoryview) -> ProjectPage:
        """Return the page that `to_row` took apart, with the content at the end of `content`.

        Raises `ValueError` for another format.
        """
        version, name, versions, bounds, page_url, prereleases, yanked, source = row
        if version != _FORMAT:
            raise ValueError(f"page format {version!r} is not {_FORMAT}")
        size = bounds[-1]
        rows = FileRows(content[len(content) - size :], bounds, page_url)
        return cls(name, versions, rows, prereleases, yanked, source)


def _first(start: int, end: int, test: Callable[[int], bool]) -> int:
    """Return the first position that passes a test which, once passed, all later ones pass."""
    while start < end:
        middle = (start + end) // 2
        if test(middle):
            end = middle
        else:
            start = middle + 1
    return start


def _run(start: int, end: int) -> int:
    return ((1 << (end - start)) - 1) << start if end > start else 0


def make_page(name: str, files: Iterable[PageFile], source: str) -> ProjectPage:
    """Group files by version; those whose names are not of this project or carry no valid version are left out.

    `name` is canonical. Of two files with the same name the first one counts.
    """
    by_name: dict[str, PageFile] = {}
    for file in files:
        by_name.setdefault(file.filename, file)
    known = list(by_name.values())
    starts = [found[1] if (found := re.fullmatch(WHEEL_NAME, filename)) else "" for filename in by_name]
    groups = group_by_version(name, list(by_name), starts)
    rows = FileRows.of_files([known[at] for at in group.positions] for group in groups)
    is_yanked = (all(known[at].yanked is not None for at in group.positions) for group in groups)
    return grouped_page(name, groups, rows, is_yanked, source)


def grouped_page(
    name: str, groups: Sequence[FilesOfVersion], rows: FileRows, is_yanked: Iterable[bool], source: str
) -> ProjectPage:
    """Return the page of files in groups; `is_yanked` tells it of each version."""
    return ProjectPage(
        name=name,
        versions=tuple(group.version for group in groups),
        rows=rows,
        prerelease_bits=_bits(group.is_prerelease for group in groups),
        yanked_bits=_bits(is_yanked),
        source=source,
    )


def merge_pages(first: ProjectPage, second: ProjectPage) -> ProjectPage:
    """Return a page with the files of both; of two files with the same name that of `first` counts."""
    files = [file for page in (first, second) for at in range(len(page.versions)) for file in page.files_of(at)]
    return make_page(first.name, files, f"{first.source} and {second.source}")


def _bits(flags: Iterable[bool]) -> int:
    return sum(1 << position for position, flag in enumerate(flags) if flag)


def best_sdist(files: Iterable[PageFile]) -> PageFile:
    """Return one of several sdists of a version: that in the format of the specification."""
    return min(files, key=lambda file: rank_of_sdist(file.filename))


def parse_specifiers(text: str) -> SpecifierSet:
    """Return a specifier set, forgiving the ``>=3.6.*`` of old packages; raises `InvalidSpecifier`."""
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return SpecifierSet(re.sub(_LEGACY_WILDCARD, r"\1\2", text))
