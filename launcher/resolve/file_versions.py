"""Which version each file of a project is of, by its name alone, and the versions in their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

_SDIST_SUFFIXES = (".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar.Z", ".tar")
_LONGEST_PLAIN = 60
"""In characters: int() refuses some longer ones, and `Version` says what is wrong with them."""

WHEEL_NAME = r'([^"-]*-[^"-]*-)[^"]*\.whl'
"""What may be the name of a wheel; the group is what is before its tags and its build number."""

_Release = tuple[int, tuple[int, ...]]
"""Epoch and release without the zeros at its end: the first that PEP 440 compares."""


_Found = tuple[_Release, str, list[int], Version | None]


class FilesOfVersion(NamedTuple):
    """A version, normalised, and where its files are among those that were grouped."""

    version: str
    is_prerelease: bool
    positions: list[int]


def group_by_version(name: str, filenames: Sequence[str], starts: Sequence[str | bytes]) -> list[FilesOfVersion]:
    """Return the versions, oldest first; files not of this project or without a valid version are left out.

    `name` is canonical. `starts` has what `WHEEL_NAME` finds of each file name, and nothing for what is no wheel.
    """
    found: list[_Found] = []
    for text, positions in _by_text(name, filenames, starts).items():
        plain = _plain_release(text)
        if plain is not None:
            # One in two has a zero that might be too many.
            text = ".".join(map(str, plain)) if text[0] == "0" or ".0" in text else text
            found.append(((0, plain if plain[-1] else _without_zeros(plain)), text, positions, None))
        elif (version := _version_or_none(text)) is not None:
            found.append(((version.epoch, _without_zeros(version.release)), str(version), positions, version))
    found.sort(key=itemgetter(0))
    ordered: list[FilesOfVersion] = []
    for _, same in groupby(found, itemgetter(0)):
        alike = list(same)
        if len(alike) > 1:
            ordered += _ordered(alike)
        else:
            _, text, positions, version = alike[0]
            ordered.append(FilesOfVersion(text, version is not None and version.is_prerelease, positions))
    return ordered


def _by_text(name: str, filenames: Sequence[str], starts: Iterable[str | bytes]) -> dict[str, list[int]]:
    """Return the positions by version as it is written; most wheels stand next to others of their version."""
    found: dict[str, list[int]] = {}
    is_ours: dict[str, bool] = {}
    last_start: str | bytes = ""
    of_last: list[int] = []
    sdist_start = "\0"
    for at, (filename, start) in enumerate(zip(filenames, starts, strict=True)):
        if start:
            if filename.count("-") not in (4, 5):
                continue
            if start != last_start:
                last_start = start
                project, text, _ = filename.split("-", 2)
                if project not in is_ours:
                    is_ours[project] = canonicalize_name(project) == name
                of_last = found.setdefault(text, []) if is_ours[project] else []
            of_last.append(at)
        elif filename.startswith(sdist_start) and filename.endswith(_SDIST_SUFFIXES[0]):
            found.setdefault(filename[len(sdist_start) : -len(_SDIST_SUFFIXES[0])], []).append(at)
        elif (version := version_of_sdist(filename, name)) is not None:
            found.setdefault(version, []).append(at)
            if filename.endswith(_SDIST_SUFFIXES[0]):
                sdist_start = filename[: -len(version) - len(_SDIST_SUFFIXES[0])]
    return found


def _ordered(alike: Iterable[_Found]) -> list[FilesOfVersion]:
    """Return versions with the same release: of equal ones the text of the first counts."""
    by_version: dict[Version, FilesOfVersion] = {}
    for _, text, positions, known in alike:
        version = known or Version(text)
        entry = by_version.setdefault(version, FilesOfVersion(text, version.is_prerelease, []))
        entry.positions.extend(positions)
    for entry in by_version.values():
        entry.positions.sort()
    return [by_version[version] for version in sorted(by_version)]


def _plain_release(text: str) -> tuple[int, ...] | None:
    """Return the numbers of a version that has nothing else; `Version` takes 2.5 us, and nine in ten are plain."""
    if len(text) > _LONGEST_PLAIN or not (text.isascii() and text.replace(".", "").isdigit()):
        return None
    try:
        return tuple(map(int, text.split(".")))
    except ValueError:
        return None


def _without_zeros(release: tuple[int, ...]) -> tuple[int, ...]:
    while release and not release[-1]:
        release = release[:-1]
    return release


def _version_or_none(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def version_of_sdist(filename: str, name: str) -> str | None:
    """Return the version part of an sdist's file name, None where it is not a file of project `name`."""
    for suffix in _SDIST_SUFFIXES:
        if filename.endswith(suffix):
            stem = filename[: -len(suffix)]
            for end in (at for at, character in enumerate(stem) if character == "-"):
                if canonicalize_name(stem[:end]) == name:
                    return stem[end + 1 :]
    return None


def rank_of_sdist(filename: str) -> int:
    """Return 0 for an sdist in the format of the specification, which is the first suffix, and more for others."""
    return next(rank for rank, suffix in enumerate(_SDIST_SUFFIXES) if filename.endswith(suffix))
