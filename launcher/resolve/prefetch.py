"""Looking ahead: pages and metadata that the resolver will most likely ask for are fetched while it thinks.

Nothing here decides anything. A wrong guess costs a request, an error is met again by whoever needs the answer, and the
resolver's choices never depend on what has arrived.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from launcher.errors import PyscriptError
from launcher.resolve.dependencies import Dependency, DependencyReader
from launcher.resolve.releases import Compatibility, Releases
from launcher.resolve.rules import Rules
from launcher.resolve.version_set import positions

if TYPE_CHECKING:
    from launcher.resolve.candidate import Candidate
    from launcher.resolve.index import Index
    from launcher.resolve.metadata import WheelMetadata

_LOOKED_AT = 8
"""How many of the newest (or oldest) versions are tried for one that fits, before guessing is given up."""


class WheelsAhead(Protocol):
    """Who begins to fetch wheels before the resolution is complete; both may be called from any thread."""

    def begin_likely(self, candidate: Candidate) -> None:
        """Hear of the wheel that the resolver will most likely decide for."""

    def begin_decided(self, candidate: Candidate) -> None:
        """Hear of what the resolver has decided for, and may take back."""


class Prefetch:
    """Follows requirements from page to metadata to further requirements in the index's pool.

    `wheels` hear of the likeliest ones when what they need has been read.
    """

    def __init__(
        self,
        index: Index,
        reader: DependencyReader,
        compatibility: Compatibility,
        rules: Rules,
        wheels: WheelsAhead | None = None,
    ) -> None:
        self._index = index
        self._wheels = wheels
        self._rules = rules
        self._reader = reader
        self._compatibility = compatibility
        self._followed: set[tuple[str, tuple[str, ...]]] = set()
        self._fetched: set[tuple[str, int]] = set()
        self._lock = threading.Lock()

    def follow(self, dependencies: Iterable[Dependency]) -> None:
        """Begin to fetch what these requirements lead to; returns at once."""
        for dependency in dependencies:
            key = (dependency.name, dependency.extras)
            with self._lock:
                if dependency.url is not None or key in self._followed:
                    continue
                self._followed.add(key)
            self._index.submit(self._look_ahead, dependency)

    def metadata_of(self, releases: Releases, versions: Iterable[int]) -> None:
        """Begin to fetch the metadata of several versions, for a project of which one after the other is refused."""
        for version in versions:
            if (releases.name, version) not in self._fetched:
                self._fetched.add((releases.name, version))
                self._index.submit(self._read_metadata, releases, version, None)

    def _look_ahead(self, dependency: Dependency) -> None:
        with suppress(PyscriptError, ValueError):
            page = self._index.page(dependency.name)
            if page is None:
                return
            name = dependency.name
            releases = Releases(
                name, page, self._compatibility, self._index.choose_file, limits=self._rules.limits(name)
            )
            found = positions(releases.satisfying(dependency).bits & ~releases.refused_bits)
            likeliest = found[:_LOOKED_AT] if self._rules.takes_oldest(name) else found[: -_LOOKED_AT - 1 : -1]
            for version in likeliest:
                if self._read_metadata(releases, version, dependency.extras):
                    return

    def _read_metadata(self, releases: Releases, version: int, extras: tuple[str, ...] | None) -> bool:
        """Read one version's metadata, follow its requirements if `extras` is given; tell whether a wheel fits."""
        file = releases.likely(version)
        if file is None or releases.page is None:
            return False
        with suppress(PyscriptError, ValueError):
            candidate = self._index.candidate(releases.name, file, releases.page.source)
            metadata = self._index.metadata(candidate)
            if extras is None:
                return True
            if self._wheels is not None and self._may_be_chosen(candidate, metadata):
                self._wheels.begin_likely(candidate)
            read = self._reader.read
            found = [read(text, extra) for text in metadata.requires_dist for extra in ("", *extras)]
            self.follow(self._rules.replaced(dependency for dependency in found if dependency is not None))
        return True

    def _may_be_chosen(self, candidate: Candidate, metadata: WheelMetadata) -> bool:
        """Tell whether nothing is known that keeps the resolver from a wheel."""
        formats = self._index.formats
        takes_python = self._compatibility.takes_python(metadata.requires_python)
        return takes_python and formats.allow_wheels(candidate.name) and not self._rules.require_hashes
