"""A project's page on an index: its versions in order, their files, and which ones a specifier takes.

Pure: `index` fetches and stores. A page is parsed when it is fetched; what is stored loads without parsing a version.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from launcher.resolve.urls import is_safe_filename, may_list, split_credentials

PUT_THERE = ""
"""The upload time of a file that a person put into a find-links location: nothing is too new there."""

FIND_LINKS = "find-links"
"""The `source` of a page made of what find-links locations have."""

_FORMAT = 1
_SDIST_SUFFIXES = (".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar.Z", ".tar")
_LEGACY_WILDCARD = r"(?<![=!])(>=|<=|>|<|~=)\s*([^\s,*]+)\.\*"


class PageFile(NamedTuple):
    """One file of a page. `yanked` is the reason (maybe empty) or None; `core_metadata` as in `Candidate`.

    `upload_time` is as PEP 700 has it, None where it is not stated, or `PUT_THERE`.
    """

    filename: str
    url: str
    sha256: str | None
    requires_python: str | None
    yanked: str | None
    size_bytes: int | None
    core_metadata: str | bool | None
    upload_time: str | None

    @property
    def is_wheel(self) -> bool:
        """Whether it is a wheel, by its name."""
        return self.filename.endswith(".whl")


@dataclass(slots=True)
class ProjectPage:
    """The versions of one project, oldest first, each with its files.

    The bit i of `prerelease_bits` and `yanked_bits` speaks of ``versions[i]``; a version is yanked when all its files
    are. `source` says for people where the page came from. `files` holds plain tuples: most are never looked at.
    """

    name: str
    versions: tuple[str, ...]
    files: tuple[tuple[tuple[object, ...], ...], ...]
    prerelease_bits: int
    yanked_bits: int
    source: str
    _parsed: dict[int, Version] = field(default_factory=dict, repr=False)
    _matching: dict[str, int] = field(default_factory=dict, repr=False)

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
        """Return the files of the version at a position."""
        return tuple(map(PageFile._make, self.files[position]))

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
        """Return the page as plain tuples, for `marshal`."""
        files = tuple(tuple(tuple(file) for file in files) for files in self.files)
        return (_FORMAT, self.name, self.versions, files, self.prerelease_bits, self.yanked_bits, self.source)

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> ProjectPage:
        """Return the page that `to_row` took apart; raises `ValueError` for another format."""
        version, name, versions, files, prereleases, yanked, source = row
        if version != _FORMAT:
            raise ValueError(f"page format {version!r} is not {_FORMAT}")
        return cls(name, versions, files, prereleases, yanked, source)


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
    by_version: dict[Version, list[PageFile]] = {}
    parsed: dict[str, Version | None] = {}
    seen: set[str] = set()
    is_ours: dict[str, bool] = {}
    for file in files:
        filename = file.filename
        if filename.endswith(".whl"):
            parts = filename.split("-", 2)
            if parts[0] not in is_ours:
                is_ours[parts[0]] = canonicalize_name(parts[0]) == name
            text = parts[1] if is_ours[parts[0]] and filename.count("-") in (4, 5) else None
        else:
            text = version_of_sdist(filename, name)
        if text is None or filename in seen:
            continue
        seen.add(filename)
        if text not in parsed:
            parsed[text] = _version_or_none(text)
        version = parsed[text]
        if version is not None:
            by_version.setdefault(version, []).append(file)
    ordered = sorted(by_version)
    return ProjectPage(
        name=name,
        versions=tuple(str(version) for version in ordered),
        files=tuple(tuple(by_version[version]) for version in ordered),
        prerelease_bits=_bits(version.is_prerelease for version in ordered),
        yanked_bits=_bits(all(file.yanked is not None for file in by_version[version]) for version in ordered),
        source=source,
    )


def merge_pages(first: ProjectPage, second: ProjectPage) -> ProjectPage:
    """Return a page with the files of both; of two files with the same name that of `first` counts."""
    files = [file for page in (first, second) for at in range(len(page.versions)) for file in page.files_of(at)]
    return make_page(first.name, files, f"{first.source} and {second.source}")


def _bits(flags: Iterable[bool]) -> int:
    return sum(1 << position for position, flag in enumerate(flags) if flag)


def _version_or_none(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def best_sdist(files: Iterable[PageFile]) -> PageFile:
    """Return one of several sdists of a version: that in the format of the specification, which is the first suffix."""
    ranks = {suffix: rank for rank, suffix in enumerate(_SDIST_SUFFIXES)}
    return min(files, key=lambda file: min(rank for end, rank in ranks.items() if file.filename.endswith(end)))


def version_of_sdist(filename: str, name: str) -> str | None:
    """Return the version part of an sdist's file name, None where it is not a file of project `name`."""
    for suffix in _SDIST_SUFFIXES:
        if filename.endswith(suffix):
            stem = filename[: -len(suffix)]
            for end in (at for at, character in enumerate(stem) if character == "-"):
                if canonicalize_name(stem[:end]) == name:
                    return stem[end + 1 :]
    return None


def files_in_json(content: bytes, page_url: str) -> list[PageFile]:
    """Return the files of a PEP 691 page (with PEP 592, 658, 700 and 714); raises `ValueError` for anything else."""
    page = json.loads(content)
    if not isinstance(page, dict) or not isinstance(page.get("files"), list):
        raise ValueError("it has no list of files")
    if not str((page.get("meta") or {}).get("api-version", "1.0")).startswith("1."):
        raise ValueError("its API version is not 1.x")
    origin = _origin_on_the_network(page_url)
    files = (_file_from_json(row, page_url, origin) for row in page["files"] if isinstance(row, dict))
    return [file for file in files if file is not None]


def _origin_on_the_network(page_url: str) -> str:
    """Return what a URL of http or https begins with, up to its path; empty for others.

    >>> _origin_on_the_network("https://host:8080/simple/"), _origin_on_the_network("file:///srv/simple/")
    ('https://host:8080', '')
    """
    parts = urlsplit(page_url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else ""


def _file_from_json(row: Mapping[str, Any], page_url: str, origin: str) -> PageFile | None:
    """Return one row; pages have thousands of them, so the ordinary ones take the shortest way."""
    filename, url = row.get("filename"), row.get("url")
    if not isinstance(filename, str) or not isinstance(url, str) or not is_safe_filename(filename):
        return None
    if origin and url.startswith("/") and "@" not in url and not url.startswith("//"):
        url = origin + url
    elif not url.startswith("https://") or "@" in url:
        url = split_credentials(urljoin(page_url, url))[0]
        if not may_list(page_url, filename, url):
            return None
    get = row.get
    hashes, yanked, size = get("hashes"), get("yanked"), get("size")
    sha256 = hashes.get("sha256") if isinstance(hashes, dict) else None
    metadata = get("core-metadata", False) or get("dist-info-metadata", False) or get("data-dist-info-metadata")
    return PageFile(
        filename,
        url,
        sha256 if isinstance(sha256, str) else None,
        _text_or_none(get("requires-python")),
        (yanked if isinstance(yanked, str) else "") if yanked else None,
        size if isinstance(size, int) else None,
        (metadata.get("sha256") or True if isinstance(metadata, dict) else True) if metadata else None,
        _text_or_none(get("upload-time")),
    )


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def parse_specifiers(text: str) -> SpecifierSet:
    """Return a specifier set, forgiving the ``>=3.6.*`` of old packages; raises `InvalidSpecifier`."""
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return SpecifierSet(re.sub(_LEGACY_WILDCARD, r"\1\2", text))
