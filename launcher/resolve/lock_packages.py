"""From the resolutions of several targets to the packages of one lock (PEP 751)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from packaging.pylock import Package, PackageArchive, PackageDirectory, PackageSdist, PackageVcs, PackageWheel
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from launcher.python.query import Interpreter
from launcher.resolve.candidate import Candidate
from launcher.resolve.dependencies import DependencyReader
from launcher.resolve.graph import Graph, Knowledge
from launcher.resolve.index import Index
from launcher.resolve.page_files import PageFile
from launcher.resolve.pages import parse_specifiers
from launcher.resolve.resolution import Pin, Policy, Resolution
from launcher.resolve.rules import Rules
from launcher.resolve.target_markers import TargetMarkers
from launcher.resolve.universal import Target
from launcher.resolve.urls import (
    filename_of,
    is_version_control,
    path_from_file_url,
    split_credentials,
    without_fragment,
)

_UPLOAD_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|\+00:00)")

_Identity = tuple[str, str, str]
"""Name, version and where it comes from: what one entry of a lock is about."""


@dataclass(frozen=True)
class LockPlace:
    """Where a lock will stand, and where its files are looked up.

    `directory` is the absolute one that paths in it count from. `index_for` and `policy` are those it was resolved by.
    """

    directory: str
    index_for: Callable[[Interpreter], Index]
    policy: Policy
    _graphs: dict[Interpreter, Graph] = field(default_factory=dict)

    def graph_for(self, interpreter: Interpreter) -> Graph:
        """Return what knows of each project which of its files may be used there."""
        if interpreter not in self._graphs:
            index = self.index_for(interpreter)
            rules = Rules(self.policy, DependencyReader(interpreter.markers), index)
            self._graphs[interpreter] = Graph(index, interpreter, (), rules, Knowledge())
        return self._graphs[interpreter]


def lock_packages(resolutions: Mapping[Target, Resolution], place: LockPlace) -> list[Package]:
    """Return the entries of a lock that gives each target its resolution, sorted by name and version."""
    targets = list(resolutions)
    markers = TargetMarkers([target.interpreter.markers for target in targets])
    users: dict[_Identity, dict[Target, Pin]] = {}
    for target, resolution in resolutions.items():
        for pin in resolution:
            users.setdefault(_identity(pin.candidate), {})[target] = pin
    versions: dict[str, dict[_Identity, None]] = {}
    for identity in users:
        versions.setdefault(identity[0], {})[identity] = None
    entries = []
    for identity in sorted(users, key=lambda each: (each[0], Version(each[1]), each[2])):
        pins = users[identity]
        entries.append(
            Package(
                name=NormalizedName(identity[0]),
                marker=markers.marker(sum(1 << targets.index(target) for target in pins)),
                dependencies=_dependencies(pins, resolutions, versions) or None,
                **_source(pins, place),
            )
        )
    return entries


def _identity(candidate: Candidate) -> _Identity:
    return candidate.name, candidate.version, candidate.index or candidate.url


def _dependencies(
    pins: Mapping[Target, Pin],
    resolutions: Mapping[Target, Resolution],
    versions: Mapping[str, Mapping[_Identity, None]],
) -> list[Mapping[str, str]]:
    """Return which other entries these pins need, by name alone where that says which."""
    needed: dict[tuple[str, str], None] = {}
    for target, pin in pins.items():
        for other in resolutions[target]:
            name = other.candidate.name
            if name in pin.dependencies:
                needed[name, other.candidate.version if len(versions[name]) > 1 else ""] = None
    ordered = sorted(needed, key=lambda each: (each[0], Version(each[1] or "0")))
    return [{"name": name} | ({"version": version} if version else {}) for name, version in ordered]


def _source(pins: Mapping[Target, Pin], place: LockPlace) -> dict[str, Any]:
    """Return what an entry says of where its package comes from."""
    candidate = next(iter(pins.values())).candidate
    if candidate.index:
        return _from_index(pins, place)
    if is_version_control(candidate.url):
        return {"vcs": _repository(candidate)}
    if candidate.state is not None:
        return {"directory": _directory(candidate, place)}
    return {"version": Version(candidate.version), "archive": _archive(candidate, place)}


# From an index


def _from_index(pins: Mapping[Target, Pin], place: LockPlace) -> dict[str, Any]:
    chosen = {pin.candidate.filename: pin.candidate for pin in pins.values()}
    files = {file.filename: file for file in _usable_files(list(pins), next(iter(chosen.values())), place)}
    stated = {name: _file(chosen.get(name, file), file, place) for name, file in files.items()}
    for name in chosen.keys() - stated.keys():
        stated[name] = _file(chosen[name], None, place)
    first = next(iter(chosen.values()))
    requires_python = {each.requires_python for each in chosen.values()}
    sdist = next((name for name in sorted(chosen) if not chosen[name].is_wheel), None)
    wheels = sorted(name for name in stated if name.endswith(".whl") and stated[name]["hashes"])
    return {
        "version": Version(first.version),
        "requires_python": _specifiers(requires_python.pop()) if len(requires_python) == 1 else None,
        "index": _url_of_index(first.index),
        "sdist": PackageSdist(**stated[sdist]) if sdist else None,
        "wheels": [PackageWheel(**stated[name]) for name in wheels] or None,
    }


def _usable_files(targets: Sequence[Target], candidate: Candidate, place: LockPlace) -> list[PageFile]:
    """Return the wheels of a version that some of the targets, or newer machines of their kind, can use."""
    releases = place.graph_for(targets[0].interpreter).releases(candidate.name)
    at = releases.position_of(candidate.version)
    files = [] if at is None else releases.lockable_files(at)
    return [file for file in files if file.sha256 and any(target.may_use(file) for target in targets)]


def _file(chosen: Candidate | PageFile, on_page: PageFile | None, place: LockPlace) -> dict[str, Any]:
    """Return what a lock says of one file."""
    is_named_by_url = filename_of(chosen.url) == chosen.filename
    return {
        "name": None if is_named_by_url else chosen.filename,
        "upload_time": _moment(on_page.upload_time) if on_page else None,
        **_where(chosen.url, place),
        "size": chosen.size_bytes,
        "hashes": {"sha256": chosen.sha256} if chosen.sha256 else {},
    }


def _moment(text: str | None) -> datetime | None:
    """Return the time that an index states, where it does so as PEP 700 has it."""
    return datetime.fromisoformat(text) if text and _UPLOAD_TIME.fullmatch(text) else None


def _specifiers(text: str | None) -> SpecifierSet | None:
    return parse_specifiers(text) if text else None


def _url_of_index(source: str) -> str | None:
    """Return the index's URL; None for find-links, and for a page that has files of both."""
    is_url = source.startswith(("https://", "http://", "file://")) and " " not in source
    return split_credentials(source)[0] if is_url else None


# Named by URL


def _archive(candidate: Candidate, place: LockPlace) -> PackageArchive:
    return PackageArchive(
        **_where(without_fragment(candidate.url), place),
        size=candidate.size_bytes,
        hashes={"sha256": candidate.sha256 or ""},
        subdirectory=_subdirectory(candidate.url),
    )


def _repository(candidate: Candidate) -> PackageVcs:
    origin = json.loads(candidate.direct_url or "{}")
    said = origin.get("vcs_info", {})
    return PackageVcs(
        type=str(said.get("vcs", "git")),
        url=str(origin.get("url", "")),
        requested_revision=said.get("requested_revision"),
        commit_id=str(said.get("commit_id", "")),
        subdirectory=_subdirectory(candidate.url),
    )


def _directory(candidate: Candidate, place: LockPlace) -> PackageDirectory:
    return PackageDirectory(
        path=_relative(str(path_from_file_url(candidate.url)), place),
        editable=True if candidate.is_editable else None,
        subdirectory=_subdirectory(candidate.url),
    )


def _subdirectory(url: str) -> str | None:
    return parse_qs(urlsplit(url).fragment).get("subdirectory", [None])[0]


def _where(url: str, place: LockPlace) -> dict[str, Any]:
    """Return a file's URL, or for one of this machine its path."""
    if not url.startswith("file:"):
        return {"url": split_credentials(url)[0], "path": None}
    return {"url": None, "path": _relative(str(path_from_file_url(url)), place)}


def _relative(path: str, place: LockPlace) -> str:
    """Return a path as it counts from the lock, with slashes; an absolute one where it is on another drive."""
    try:
        return os.path.relpath(path, place.directory).replace(os.sep, "/")
    except ValueError:
        return path
