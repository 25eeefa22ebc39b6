"""What a script gets, gathered to be written for other tools: pins, who wants each, and which files it may be."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from launcher.cache import Cache
from launcher.environment.fetch import find_wheel
from launcher.environment.manifest import SITE
from launcher.environment.stored_wheel import StoredWheel
from launcher.errors import NotAvailableOffline
from launcher.provision import LazyIndex
from launcher.reporter import Reporter
from launcher.resolve.candidate import Candidate
from launcher.resolve.locked import read_script_lock
from launcher.resolve.lockfile import Lock
from launcher.resolve.relations import Relation, relations_in
from launcher.resolve.resolution import Pin, Resolution
from launcher.resolve.urls import is_version_control, without_fragment
from launcher.settings import is_of_script
from launcher.share.licences import Description, describe
from launcher.survey import Survey

if TYPE_CHECKING:
    from launcher.resolve.index import Index


@dataclass(frozen=True, slots=True)
class Exported:
    """The packages of a script, whose file name is `title`; `hashes` are the sha256 of the files allowed for each."""

    title: str
    survey: Survey
    pins: tuple[Pin, ...]
    relations: tuple[Relation, ...]
    hashes: Mapping[str, Sequence[str]]

    @property
    def python(self) -> str:
        """The interpreter as people say it: ``Python 3.12.1 on linux (x86_64)``."""
        interpreter = self.survey.interpreter
        markers = interpreter.markers
        platform = f"{markers.get('sys_platform')} ({markers.get('platform_machine')})"
        name = "PyPy" if interpreter.implementation == "pypy" else "Python"
        return f"{name} {interpreter.version} on {platform}"

    @property
    def without_hash(self) -> list[str]:
        """The packages of which no file is named by a hash: repositories and directories."""
        return [pin.candidate.name for pin in self.pins if not self.hashes.get(pin.candidate.name)]

    @property
    def index_options(self) -> list[str]:
        """The places that the script itself names for its packages, as options of pip."""
        settings = self.survey.needs.settings
        origins = settings.origins
        found: list[str] = []
        if settings.index_url and is_of_script(origins.get("index_url", "")):
            found.append(f"--index-url {settings.index_url}")
        extra = settings.extra_index_url if is_of_script(origins.get("extra_index_url", "")) else ()
        named = [each.url for each in settings.index] if is_of_script(origins.get("index", "")) else []
        found += [f"--extra-index-url {url}" for url in dict.fromkeys((*extra, *named))]
        if is_of_script(origins.get("find_links", "")):
            found += [f"--find-links {place}" for place in settings.find_links]
        return found


def gather(script: str, survey: Survey, cache: Cache, reporter: Reporter) -> Exported:
    """Return what a resolution has, with the hashes of all files of each release that its lock or its index states.

    Raises `IndexUnreachable` where an index cannot be asked for them.
    """
    resolution, needs = survey.resolution, survey.needs
    assert resolution is not None
    hashes = _locked_hashes(resolution, read_script_lock(needs.lock)) if needs.lock is not None else {}
    hashes |= _stated_hashes(
        [pin.candidate for pin in resolution if pin.candidate.name not in hashes], survey, cache, reporter
    )
    relations = relations_in(resolution, needs.requested, needs.policy, survey.interpreter, cache)
    return Exported(Path(script).name, survey, resolution.pins, relations, hashes)


def _locked_hashes(resolution: Resolution, lock: Lock) -> dict[str, Sequence[str]]:
    """Return the sha256 of all files that a lock has of each of its pins, for any platform, and the pin's own."""
    versions = {pin.candidate.name: pin.candidate.version for pin in resolution}
    found: dict[str, set[str]] = {}
    for package in lock.content.packages:
        if package.version is not None and str(package.version) != versions.get(package.name):
            continue
        files = [*(package.wheels or ()), package.sdist, package.archive]
        stated = [file.hashes.get("sha256", "").lower() for file in files if file is not None]
        found.setdefault(package.name, set()).update(filter(None, stated))
    return {
        pin.candidate.name: tuple(sorted({*_own_hashes(pin.candidate), *found[pin.candidate.name]}))
        for pin in resolution
        if pin.candidate.name in found
    }


def _stated_hashes(
    candidates: Sequence[Candidate], survey: Survey, cache: Cache, reporter: Reporter
) -> dict[str, Sequence[str]]:
    """Return the sha256 of all files that the indexes state of each candidate's release."""
    with closing(LazyIndex(survey.wanted, cache, reporter)) as lazy:
        for candidate in candidates:
            if candidate.index:
                index = lazy.open()
                index.submit(index.page, candidate.name)
        return {each.name: _hashes(each, lazy.open() if each.index else None) for each in candidates}


def descriptions_of(resolution: Resolution, cache: Cache) -> dict[str, Description]:
    """Return what the stored wheels of a resolution say of themselves, by name; one that is not stored is left out."""
    found = {}
    for pin in resolution:
        wheel = find_wheel(pin.candidate, cache)
        metadata = None if wheel is None else _metadata_in(wheel)
        if metadata is not None:
            found[pin.candidate.name] = describe(metadata)
    return found


def _metadata_in(wheel: StoredWheel) -> bytes | None:
    for path in (wheel.path / SITE).glob("*.dist-info/METADATA"):
        with suppress(OSError):
            return path.read_bytes()
    return None


def is_from_index(candidate: Candidate) -> bool:
    """Tell whether a candidate is named by its version; others are named by where they are."""
    return bool(candidate.index)


def location_of(candidate: Candidate) -> str:
    """Return the URL of a candidate that is named by it, as a requirement has it: without hashes and credentials."""
    where = re.search(r"[#&](subdirectory=[^&]*)", candidate.url)
    return without_fragment(candidate.url) + (f"#{where[1]}" if where else "")


def _own_hashes(candidate: Candidate) -> list[str]:
    is_file = candidate.index or not is_version_control(candidate.url)
    return [candidate.sha256] if candidate.sha256 and is_file else []


def _hashes(candidate: Candidate, index: Index | None) -> tuple[str, ...]:
    own = _own_hashes(candidate)
    if index is None:
        return tuple(own)
    stated: list[str] = []
    # With what is in the cache one file is known at least.
    with suppress(NotAvailableOffline):
        page = index.page(candidate.name)
        if page is not None and candidate.version in page.versions:
            files = page.files_of(page.versions.index(candidate.version))
            stated = [file.sha256 for file in files if file.sha256]
    return tuple(sorted({*own, *stated}))
