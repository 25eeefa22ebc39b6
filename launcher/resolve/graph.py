"""What the resolver walks over: projects and their extras as nodes, and what each version of a node needs.

Everything is worked out when it is first asked for and then stays the same, which is what the resolver relies on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from launcher.errors import HashMismatch, InvalidWheel, PyscriptError
from launcher.resolve.candidate import Candidate
from launcher.resolve.dependencies import Dependency, DependencyReader
from launcher.resolve.releases import Admission, Compatibility, Obstacle, Releases, Unusable
from launcher.resolve.resolution import Requested
from launcher.resolve.roots import Root, candidate_at
from launcher.resolve.rules import Rules
from launcher.resolve.version_set import VersionSet, positions
from launcher.value import replace

if TYPE_CHECKING:
    from launcher.python.query import Interpreter
    from launcher.resolve.index import Index
    from launcher.resolve.metadata import WheelMetadata
    from launcher.resolve.page_files import PageFile


class Node(NamedTuple):
    """A project, or one of its extras, which is a node that needs the project in the same version."""

    name: str
    extra: str = ""

    def __str__(self) -> str:
        return f"{self.name}[{self.extra}]" if self.extra else self.name


class Knowledge:
    """What an attempt at resolving taught that the next attempt starts from: URLs, and what requirements admit."""

    def __init__(self, root_urls: frozenset[str] = frozenset(), prereleases: Iterable[str] = ()) -> None:
        self.root_urls = root_urls
        self.urls: dict[str, dict[str, Candidate]] = {}
        self.prereleases = set(prereleases)
        self.yanked: dict[str, set[str]] = {}


def knowledge_from(roots: Sequence[Root], index: Index) -> Knowledge:
    """Return what the written requirements ask for: URLs, pre-releases, and yanked versions by exact pin."""
    knowledge = Knowledge(root_urls=frozenset(root.dependency.name for root in roots if root.candidate))
    for root in roots:
        name = root.dependency.name
        if root.dependency.asks_for_prereleases:
            knowledge.prereleases.add(name)
        if root.candidate is not None:
            knowledge.urls.setdefault(name, {})[root.candidate.url] = root.candidate
        elif root.dependency.is_pinned and (page := index.page(name)):
            bits = page.matching(root.dependency.specifiers) & page.yanked_bits
            knowledge.yanked.setdefault(name, set()).update(page.versions[at] for at in positions(bits))
    return knowledge


class UrlFound(Exception):
    """A package needs another one by URL that this attempt did not know; it starts again with it."""


class Graph:
    """The nodes and what they need, on one index and for one interpreter."""

    def __init__(
        self, index: Index, interpreter: Interpreter, roots: Sequence[Root], rules: Rules, knowledge: Knowledge
    ) -> None:
        self.index = index
        self.roots = roots
        self.rules = rules
        self.knowledge = knowledge
        self.reader = DependencyReader(interpreter.markers)
        self.compatibility = Compatibility(interpreter.tags, interpreter.version)
        self._interpreter = interpreter
        self.wants_prereleases: set[str] = set()
        self.wants_yanked: dict[str, set[str]] = {}
        self._releases: dict[str, Releases] = {}
        self._needs: dict[tuple[Node, int], dict[Node, VersionSet]] = {}
        self._stated: dict[tuple[Node, int], list[Dependency]] = {}
        self._readable: dict[tuple[str, int], bool] = {}
        self._hashes: dict[str, frozenset[str]] = {}
        for root in (*roots, *(each for group in rules.constraints.values() for each in group)):
            if root.requested.hashes:
                given = frozenset(text.removeprefix("sha256:") for text in root.requested.hashes)
                self._hashes[root.dependency.name] = self._hashes.get(root.dependency.name, given) & given

    def allows_file(self, candidate: Candidate) -> bool:
        """Tell whether the hashes that requirements give for a project, if any, allow this file of it."""
        hashes = self._hashes.get(candidate.name)
        return hashes is None or candidate.sha256 in hashes

    def has_hashes(self, name: str) -> bool:
        """Tell whether somebody wrote which files of a project may be taken: by hashes, or in the URL that names it."""
        return name in self._hashes or any(
            root.dependency.name == name and root.candidate and root.candidate.sha256 for root in self.roots
        )

    def require_hash(self, candidate: Candidate) -> None:
        """Raise `HashMismatch` where each file needs a hash that was written, and nobody wrote one for this project."""
        if self.rules.require_hashes and not self.has_hashes(candidate.name):
            shown = f" --hash=sha256:{candidate.sha256}" if candidate.sha256 else ", with its --hash"
            raise HashMismatch(
                f"{candidate.name} {candidate.version} is needed, but no hash is written for it, and --require-hashes "
                "asks for one for every package.",
                hint=f"Add it to the file: {candidate.name}=={candidate.version}{shown}",
            )

    @property
    def without_upload_times(self) -> list[str]:
        """The projects with files that a limit on their age left out because nobody states their age."""
        return sorted(name for name, releases in self._releases.items() if releases.has_unknown_times)

    def releases(self, name: str) -> Releases:
        """Return the versions of a project. Raises `IndexUnreachable` and `NotAvailableOffline`."""
        found = self._releases.get(name)
        if found is None:
            has_only_urls = name in self.knowledge.root_urls
            found = self._releases[name] = Releases(
                name=name,
                page=None if has_only_urls else self.index.page(name),
                compatibility=self.compatibility,
                choose=self._choose,
                formats=self.index.formats,
                urls=tuple(self.knowledge.urls.get(name, {}).values()),
                admission=Admission(name in self.knowledge.prereleases, self.knowledge.yanked.get(name, set())),
                hashes=self._hashes.get(name),
                limits=self.rules.limits(name),
            )
        return found

    def _choose(self, name: str, files: Sequence[PageFile], source: str) -> Candidate | None:
        return self.index.choose_file(name, files, source, self._interpreter)

    def require(self, needs: dict[Node, VersionSet], dependency: Dependency) -> None:
        """Add what a requirement asks for to `needs`: the project and each extra."""
        admitted = self.releases(dependency.name).satisfying(self._with_known_url(dependency))
        for extra in ("", *dependency.extras):
            node = Node(dependency.name, extra)
            needs[node] = needs[node] & admitted if node in needs else admitted

    def is_usable(self, name: str, version: int) -> bool:
        """Tell whether a version has a wheel that fits, or a source, whose METADATA can be read and fits too."""
        key = (name, version)
        if key not in self._readable:
            releases = self.releases(name)
            candidate = releases.usable(version)
            reason = candidate if isinstance(candidate, Unusable) else self._flaw_in_metadata(candidate)
            if reason is not None:
                releases.reject(version, reason)
            self._readable[key] = reason is None
        return self._readable[key]

    def _metadata_of(self, candidate: Candidate) -> WheelMetadata:
        """Return the metadata of a candidate; an error about a URL that somebody wrote shows where it is written."""
        try:
            return self.index.metadata(self._source_of_metadata(candidate))
        except PyscriptError as error:
            named = (root.requested for root in self.roots if root.candidate and root.candidate.url == candidate.url)
            error.excerpt = error.excerpt or next((requested.excerpt for requested in named), None)
            raise

    def _source_of_metadata(self, candidate: Candidate) -> Candidate:
        """Return what says of a candidate what it needs: for an sdist on another machine, a wheel of its version.

        Nothing can be built as it would be there, and mostly one of them fits another platform.
        """
        if candidate.is_wheel or not candidate.index or self._interpreter.executable:
            return candidate
        releases = self.releases(candidate.name)
        at = releases.position_of(candidate.version)
        if releases.page is None or at is None:
            return candidate
        wheel = next((file for file in releases.page.files_of(at) if file.is_wheel), None)
        return candidate if wheel is None else self.index.candidate(candidate.name, wheel, releases.page.source)

    def _flaw_in_metadata(self, candidate: Candidate) -> Unusable | None:
        if not candidate.is_wheel:
            self.require_hash(candidate)  # its backend may have to be run
        try:
            metadata = self._metadata_of(candidate)
        except InvalidWheel as error:
            return Unusable(Obstacle.METADATA, error.message)
        if not self.compatibility.takes_python(metadata.requires_python):
            return Unusable(Obstacle.PYTHON, metadata.requires_python or "")
        try:
            for text in metadata.requires_dist:
                self.reader.read(text)
        except ValueError as error:
            return Unusable(Obstacle.METADATA, f"{candidate.filename} has a requirement that is none: {error}")
        return None

    def candidate(self, name: str, version: int) -> Candidate:
        """Return the wheel or source of a usable version."""
        found = self.releases(name).usable(version)
        assert isinstance(found, Candidate), f"{name} {version} is not usable"
        return found

    def needs(self, node: Node, version: int) -> dict[Node, VersionSet]:
        """Return what a usable version of a node needs."""
        key = (node, version)
        found = self._needs.get(key)
        if found is None:
            found = self._needs[key] = self._work_out_needs(node, version)
        return found

    def _work_out_needs(self, node: Node, version: int) -> dict[Node, VersionSet]:
        needs: dict[Node, VersionSet] = {}
        itself = VersionSet.singleton(version)
        if node.extra:
            needs[Node(node.name)] = itself
        for dependency in self.stated(node, version):
            self._note_admissions(dependency)
            self.require(needs, dependency)
        for other in [other for other in needs if other.name == node.name]:
            needs[other] = needs[other] & itself
            if other == node and version in needs[other]:
                del needs[other]
        return needs

    def needs_text(self, node: Node, version: int) -> str | None:
        """Return a text that is the same for versions that need the same; None for what is said of this version alone.

        That is what names a URL or the project itself.
        """
        stated = self.stated(node, version)
        if any(each.url is not None or each.name == node.name for each in stated):
            return None
        return repr(sorted((each.name, each.extras, str(each.specifiers)) for each in stated))

    def stated(self, node: Node, version: int) -> list[Dependency]:
        """Return the requirements in METADATA that hold for a node; those of an extra without those of its project."""
        key = (node, version)
        if key not in self._stated:
            self._stated[key] = self.rules.replaced(self._read_stated(node, version))
        return self._stated[key]

    def _read_stated(self, node: Node, version: int) -> list[Dependency]:
        metadata = self._metadata_of(self.candidate(node.name, version))
        if not node.extra:
            return [found for text in metadata.requires_dist if (found := self.reader.read(text))]
        texts = [text for text in metadata.requires_dist if self.reader.may_concern(text, node.extra)]
        try:
            pairs = [(self.reader.read(text, node.extra), self.reader.read(text)) for text in texts]
        except ValueError as error:
            raise InvalidWheel(
                f"A requirement of {node} {self.releases(node.name).version_text(version)}: {error}."
            ) from error
        return [dependency for dependency, anyway in pairs if dependency and not anyway]

    def lacks_extra(self, node: Node, version: int) -> bool:
        """Tell whether a version does not know the extra that the node stands for."""
        if not node.extra:
            return False
        metadata = self._metadata_of(self.candidate(node.name, version))
        return node.extra not in metadata.provides_extra and not self.stated(node, version)

    def _with_known_url(self, dependency: Dependency) -> Dependency:
        """Return the requirement with its URL as the candidate there has it; raises `UrlFound` for a new one."""
        if dependency.url is None:
            return dependency
        known = self.knowledge.urls.setdefault(dependency.name, {})
        if dependency.url in known:
            return dependency
        asked = Requested(dependency.text, "a requirement of another package")
        candidate = candidate_at(dependency, asked, self.index)
        if candidate.url not in known:
            known[candidate.url] = candidate
            raise UrlFound
        return replace(dependency, url=candidate.url)

    def _note_admissions(self, dependency: Dependency) -> None:
        """Remember what a wheel's requirement would let in: where all else fails, it is let in for everybody."""
        if dependency.asks_for_prereleases:
            self.wants_prereleases.add(dependency.name)
        releases = self.releases(dependency.name)
        page = releases.page
        if page is None:
            return
        if releases.lacks_final(dependency):
            self.wants_prereleases.add(dependency.name)
        if dependency.is_pinned and (yanked := page.matching(dependency.specifiers) & page.yanked_bits):
            self.wants_yanked.setdefault(dependency.name, set()).update(page.versions[at] for at in positions(yanked))
