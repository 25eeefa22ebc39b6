"""What a lock (PEP 751) pins, as requirements that allow exactly its files (pure)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.pylock import Package, PackageVcs
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

from launcher.resolve.lockfile import validated_lock
from launcher.resolve.requirements_format import FileRequirement

_LOCK_VARIABLE = re.compile(r"""("[^"]*"|'[^']*') (in|not in) (extras|dependency_groups)""")
# Markers of requirements that hold, or do not hold, for every interpreter.
_ALWAYS = 'python_version >= "0"'
_NEVER = 'python_version < "0"'


@dataclass(frozen=True, slots=True)
class LockPins:
    """The pins of a lock, the directories of wheels that it names by path, and its `requires-python`."""

    requirements: tuple[FileRequirement, ...]
    find_links: tuple[str, ...]
    requires_python: str | None


def read_pins(table: Mapping[str, object], path: str, directory: str) -> LockPins:
    """Return what a parsed lock pins: its default groups and no extras.

    `directory` is the absolute one of the lock; paths in it start there. `path` is what messages call the file. A
    package of wheels or an sdist becomes ``name==version`` with the hashes of all its files. Raises `InvalidMetadata`
    for what is no lock by PEP 751.
    """
    lock = validated_lock(table, path)
    groups = lock.default_groups or ()
    requirements = tuple(_requirement(package, groups, path, directory) for package in lock.packages)
    wheel_paths = (wheel.path for package in lock.packages for wheel in package.wheels or () if wheel.path)
    find_links = dict.fromkeys(os.path.dirname(_absolute(wheel_path, directory)) for wheel_path in wheel_paths)
    return LockPins(requirements, tuple(find_links), str(lock.requires_python) if lock.requires_python else None)


def _requirement(package: Package, groups: Sequence[str], path: str, directory: str) -> FileRequirement:
    text = (
        f"{package.name} @ {_url(package, directory)}" if package.is_direct else f"{package.name}=={_version(package)}"
    )
    if package.marker is not None:
        text += f" ; {_without_lock_variables(package.marker, groups)}"
    is_editable = package.directory is not None and bool(package.directory.editable)
    return FileRequirement(text, f"{path}, package {package.name}", tuple(_hashes(package)), is_editable)


def _without_lock_variables(marker: Marker, groups: Sequence[str]) -> str:
    """Return the marker with what it says about extras and groups decided; requirements do not know these variables."""
    chosen = {canonicalize_name(group) for group in groups}

    def decide(found: re.Match[str]) -> str:
        is_in = found[3] == "dependency_groups" and canonicalize_name(found[1][1:-1]) in chosen
        return _ALWAYS if is_in == (found[2] == "in") else _NEVER

    return _LOCK_VARIABLE.sub(decide, str(marker))


def _version(package: Package) -> str:
    if package.version is not None:
        return str(package.version)
    if package.wheels:
        return str(parse_wheel_filename(package.wheels[0].filename)[1])
    assert package.sdist is not None, "what is not direct has wheels or an sdist"
    return str(parse_sdist_filename(package.sdist.filename)[1])


def _hashes(package: Package) -> Iterator[str]:
    files = (*(package.wheels or ()), package.sdist, package.archive)
    for hashes in (file.hashes for file in files if file is not None):
        yield from (f"{algorithm}:{value.lower()}" for algorithm, value in hashes.items())


def _url(package: Package, directory: str) -> str:
    source = package.vcs or package.archive or package.directory
    assert source is not None, "what is direct has one of the three"
    url = getattr(source, "url", None) or Path(_absolute(source.path or "", directory)).as_uri()
    if isinstance(source, PackageVcs):
        url = f"{source.type}+{url}@{source.commit_id}"
    return f"{url}#subdirectory={source.subdirectory}" if source.subdirectory else url


def _absolute(path: str, directory: str) -> str:
    return os.path.normpath(os.path.join(directory, path))
