"""Our policy for the resolver library, and the way from requirements to a resolution.

nab-resolver (PubGrub) thinks; it asks here which version to try, what that needs and what to decide next. Newest first;
what was asked for first is decided first, unless it keeps getting into conflicts (as uv does it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nab_resolver.errors import ResolutionError, ResolutionTerminatedError
from nab_resolver.resolver import BaseProvider, Resolver, Solution
from nab_resolver.types import RangeProtocol, RootRequirement

from launcher.errors import HashMismatch, PackageNotFound, ResolutionImpossible
from launcher.reporter import Reporter
from launcher.resolve.candidate import Candidate
from launcher.resolve.dependencies import DependencyReader
from launcher.resolve.graph import Graph, Knowledge, Node, UrlFound, knowledge_from
from launcher.resolve.prefetch import Prefetch, WheelsAhead
from launcher.resolve.resolution import Pin, Policy, Requested, Resolution
from launcher.resolve.roots import Root, read_roots
from launcher.resolve.rules import Rules
from launcher.resolve.urls import mask_credentials
from launcher.resolve.version_set import VersionSet

if TYPE_CHECKING:
    from launcher.python.query import Interpreter
    from launcher.resolve.index import Index

_CONFLICTS_THAT_COUNT = 5
"""From so many on a project is decided early because of its conflicts (the figure is uv's)."""
_CONFLICTS_BEFORE_WIDENING = 20
_WIDENED_AT_ONCE = 8
"""After each so many conflicts in all, so many more versions are compared in what they need."""
_AHEAD_PER_REFUSAL = 4
_MOST_AHEAD = 64
"""Of a project of which versions are refused, so many times as many next ones are fetched ahead, and no more."""
_REFUSALS_BEFORE_LOOKING_BEYOND = 2
"""After more refusals, versions count that nobody asks for yet: `boto3` asks for another `botocore` in each version."""


def resolve(
    requested: Sequence[Requested],
    interpreter: Interpreter,
    index: Index,
    policy: Policy,
    reporter: Reporter,
    wheels: WheelsAhead | None = None,
) -> Resolution:
    """Return the candidates that satisfy all requirements together: the newest, unless `policy` says otherwise.

    `wheels` hear of each candidate that is likely or decided for, also of one that is taken back later.

    Raises `ResolutionImpossible` with an explanation, `PackageNotFound`, `InvalidMetadata` for what is no requirement,
    `BuildFailed` for what cannot be built or must not, `IndexUnreachable`, `HashMismatch` and `NotAvailableOffline`.
    """
    reader = DependencyReader(interpreter.markers)
    rules = Rules(policy, reader, index)
    roots = rules.replaced_roots(read_roots(requested, reader, index))
    names = ", ".join(dict.fromkeys(root.dependency.name for root in roots))
    reporter.step(f"Resolving {names}")
    graph, solution = _solve(roots, rules, interpreter, index, reporter, wheels)
    _warn(graph, solution, reporter)
    return _resolution(graph, solution, index)


def _solve(
    roots: Sequence[Root],
    rules: Rules,
    interpreter: Interpreter,
    index: Index,
    reporter: Reporter,
    wheels: WheelsAhead | None,
) -> tuple[Graph, Solution[Node, int]]:
    """Attempt to resolve until nothing new is learned that could let an attempt succeed."""
    ahead: Prefetch | None = None
    knowledge: Knowledge | None = None
    while True:
        graph = Graph(index, interpreter, roots, rules, knowledge or Knowledge())
        ahead = ahead or Prefetch(index, graph.reader, graph.compatibility, rules, wheels)
        ahead.follow(root.dependency for root in roots)
        if knowledge is None:
            _require_known(roots, index)
            graph.knowledge = knowledge = knowledge_from(roots, index)
        provider = _Provider(graph, ahead, wheels)
        resolver = Resolver(provider, range_type=VersionSet)
        try:
            solution = resolver.solve(provider.root_requirements())
        except UrlFound:
            continue
        except ResolutionTerminatedError as error:
            raise ResolutionImpossible(
                "No answer was found in reasonable time.", hint="Narrow the requirements: pin some of the packages."
            ) from error
        except ResolutionError as error:
            if error.incompatibility is not None and _admit_more(knowledge, graph, error):
                continue
            # 5 ms, and only a contradiction has to be explained.
            from launcher.resolve.explanation import explain  # noqa: PLC0415

            raise explain(error, graph, interpreter) from None  # its own words are the resolver's, not a person's
        stats = resolver.stats
        reporter.detail(f"Resolved in {stats.rounds} rounds, {stats.conflicts} conflicts", level=2)
        return graph, solution


def _require_known(roots: Sequence[Root], index: Index) -> None:
    """Raise `PackageNotFound` for the first written requirement that no index knows."""
    for root in roots:
        if root.candidate is None and index.page(root.dependency.name) is None:
            looked_at = (
                ", ".join(map(mask_credentials, index.places_of(root.dependency.name))) or "the find-links locations"
            )
            raise PackageNotFound(
                f"There is no package called {root.dependency.name} ({root.requested.origin}).",
                hint=f"Check the spelling: what is imported may be installed by another name. Asked: {looked_at}",
            )


def _admit_more(knowledge: Knowledge, graph: Graph, error: ResolutionError) -> bool:
    """Let in the pre-releases and yanked versions that contradicting requirements ask for; tell if there are any."""
    assert error.incompatibility is not None
    nodes = {term.package for clause in error.incompatibility.walk() for term in clause.terms}
    names = {node.name for node in nodes if isinstance(node, Node)}
    prereleases = (graph.wants_prereleases & names) - knowledge.prereleases
    knowledge.prereleases |= prereleases
    is_more = bool(prereleases)
    for name in names & graph.wants_yanked.keys():
        known = knowledge.yanked.setdefault(name, set())
        is_more = is_more or not graph.wants_yanked[name] <= known
        known |= graph.wants_yanked[name]
    return is_more


class _Provider(BaseProvider[Node, int]):
    """Answers the resolver's questions from the graph."""

    def __init__(self, graph: Graph, ahead: Prefetch, wheels: WheelsAhead | None) -> None:
        self._graph = graph
        self._wheels = wheels
        self._conflict_counts: Mapping[Node, int] = {}
        self._alike: dict[tuple[str, int, int], VersionSet | None] = {}
        self._ahead = ahead
        self._order: dict[Node, int] = {}
        self._decided: Mapping[Node, int] = {}
        self._tried: dict[str, set[int]] = {}
        self._asked: dict[str, int] = {}

    def root_requirements(self) -> list[RootRequirement[Node, int]]:
        """Return the written requirements, one for each node they ask for."""
        found: list[RootRequirement[Node, int]] = []
        for root in self._graph.roots:
            needs: dict[Node, VersionSet] = {}
            self._graph.require(needs, root.dependency)
            found += [RootRequirement(node, versions, root) for node, versions in needs.items()]
            for node, versions in needs.items():
                self._asked[node.name] = self._asked.get(node.name, -1) & versions.bits
        self._remember_order(requirement.package for requirement in found)
        return found

    def _remember_order(self, nodes: Any) -> None:
        for node in nodes:
            self._order.setdefault(node, len(self._order))

    def choose_version(self, package: Node, version_range: RangeProtocol[int]) -> int | None:
        """Return the newest (or oldest) usable version in the range, unless another one is preferred.

        For an extra it is the one decided for its project.
        """
        assert isinstance(version_range, VersionSet)
        releases = self._graph.releases(package.name)
        bits = version_range.bits & releases.all_bits & ~releases.refused_bits
        decided = self._decided.get(Node(package.name)) if package.extra else None
        if decided is not None and bits >> decided & 1:
            return decided
        for text in self._graph.rules.preferred.get(package.name, ()):
            at = releases.position_of(text)
            if at is not None and bits >> at & 1 and self._graph.is_usable(package.name, at):
                return at
        is_oldest_first = self._graph.rules.takes_oldest(package.name)
        self._fetch_ahead(package.name, bits, is_oldest_first)
        while bits:
            first = (bits & -bits if is_oldest_first else bits).bit_length() - 1
            if self._graph.is_usable(package.name, first):
                return first
            bits &= ~(1 << first)
        return None

    def _fetch_ahead(self, name: str, bits: int, is_oldest_first: bool) -> None:
        """Begin to fetch what will be needed if this project's versions go on being refused."""
        if not bits:
            return
        # Deciding the same version once more, which backtracking does, is no refusal.
        tried = self._tried.setdefault(name, set())
        tried.update(_first_of(bits, 1, is_oldest_first))
        refused = len(tried) - 1
        if not refused:
            return
        count = min(refused * _AHEAD_PER_REFUSAL, _MOST_AHEAD)
        next_ones = _first_of(bits, count, is_oldest_first)
        if refused > _REFUSALS_BEFORE_LOOKING_BEYOND and len(next_ones) < count:
            beyond = _behind(next_ones[-1], self._ordinary(name), is_oldest_first)
            next_ones += _first_of(beyond, count - len(next_ones), is_oldest_first)
        self._ahead.metadata_of(self._graph.releases(name), next_ones)

    def _ordinary(self, name: str) -> int:
        """Return the versions that anybody may get who asks for the project, as bits."""
        releases = self._graph.releases(name)
        if releases.page is None:
            return 0
        page = releases.page
        ordinary = page.all_bits & ~(page.prerelease_bits | page.yanked_bits | releases.refused_bits)
        # What was asked for rules out all others: their metadata would be fetched for nothing.
        return ordinary & self._asked.get(name, -1)

    def has_satisfying_version(self, package: Node, version_range: RangeProtocol[int]) -> bool:
        """Return whether a usable version is in the range."""
        return self.choose_version(package, version_range) is not None

    def get_dependencies(self, package: Node, version: int) -> Mapping[Node, VersionSet]:
        """Return what a version needs; what that leads to is fetched ahead."""
        self._ahead.follow(self._graph.stated(package, version))
        if self._wheels is not None and not package.extra:
            self._wheels.begin_decided(self._graph.candidate(package.name, version))
        needs = self._graph.needs(package, version)
        self._remember_order(needs)
        return needs

    def receive_decision_scan_hint(
        self, positive_ranges: Mapping[Node, RangeProtocol[int]], decisions: Mapping[Node, int]
    ) -> None:
        """Keep the decisions, which extras follow."""
        del positive_ranges
        self._decided = decisions

    def is_ready(self, package: Node) -> bool:
        """Return False for an extra whose project is undecided: it has to be the same version."""
        return not package.extra or Node(package.name) in self._decided

    def prioritize(
        self,
        package: Node,
        version_range: RangeProtocol[int],
        conflict_counts: Mapping[Node, int],
        culprit_counts: Mapping[Node, int] | None = None,
    ) -> tuple[int, int]:
        """Return what orders decisions: no choice left, then troubled projects, then first come first served."""
        assert isinstance(version_range, VersionSet)
        self._conflict_counts = conflict_counts
        order = self._order.get(package, len(self._order))
        if package.extra or version_range.is_single:
            return 0, order
        if conflict_counts.get(package, 0) >= _CONFLICTS_THAT_COUNT:
            return 1, order
        if culprit_counts is not None and culprit_counts.get(package, 0) >= _CONFLICTS_THAT_COUNT:
            return 2, order
        return 3, order

    def widen_decision(self, package: Node, version: int) -> VersionSet | None:
        """Return the versions that need the same, so that all are refused in one step, once conflicts are many.

        Without it, each of them is refused by itself, and each time everything behind it is decided anew.
        """
        step = sum(self._conflict_counts.values()) // _CONFLICTS_BEFORE_WIDENING
        if not step or package.extra:
            return None
        key = (package.name, version, step)
        if key not in self._alike:
            self._alike[key] = self._find_alike(package, version, step * _WIDENED_AT_ONCE)
        return self._alike[key]

    def _find_alike(self, package: Node, version: int, count: int) -> VersionSet | None:
        releases, wanted = self._graph.releases(package.name), self._graph.needs_text(package, version)
        if releases.page is None or wanted is None:
            return None
        is_oldest_first = self._graph.rules.takes_oldest(package.name)
        others = _first_of(_behind(version, self._ordinary(package.name), is_oldest_first), count, is_oldest_first)
        self._ahead.metadata_of(releases, others)
        alike = 1 << version
        for other in others:
            candidate = releases.usable(other)
            if not isinstance(candidate, Candidate) or not candidate.is_wheel:
                continue  # comparing is no reason to run the backend of a source that may never be asked for
            if self._graph.is_usable(package.name, other) and self._graph.needs_text(package, other) == wanted:
                alike |= 1 << other
        return VersionSet(alike)


def _first_of(bits: int, count: int, is_oldest_first: bool) -> list[int]:
    """Return the first `count` versions in the order in which they are tried."""
    found: list[int] = []
    while bits and len(found) < count:
        found.append((bits & -bits if is_oldest_first else bits).bit_length() - 1)
        bits &= ~(1 << found[-1])
    return found


def _behind(version: int, bits: int, is_oldest_first: bool) -> int:
    """Return those of the versions that are tried after this one."""
    return bits & (-2 << version if is_oldest_first else (1 << version) - 1)


def _warn(graph: Graph, solution: Solution[Node, int], reporter: Reporter) -> None:
    """Say what was done that a person may not have meant."""
    for node, version in sorted(solution.pins.items()):
        if graph.lacks_extra(node, version):
            text = graph.releases(node.name).version_text(version)
            reporter.warning(f"{node.name} {text} has no extra called {node.extra!r}; it is ignored.")
    for root in graph.roots:
        name = root.dependency.name
        is_bounded = root.candidate or root.dependency.specifiers or name in graph.rules.constraints
        if graph.rules.takes_oldest(name) and not is_bounded:
            reporter.warning(f"{name} has no lower bound ({root.requested.origin}), so its oldest version is taken.")
    if names := graph.without_upload_times:
        reporter.warning(
            f"The index does not state when files of {', '.join(names)} were uploaded; exclude-newer leaves these out."
        )


def _verified(graph: Graph, candidate: Candidate) -> Candidate:
    graph.require_hash(candidate)
    if not graph.allows_file(candidate):
        raise HashMismatch(
            f"{candidate.filename} has the sha256 {candidate.sha256}, which is none of those given for it.",
            hint="Somebody changed the file, or the hash belongs to another one: find out which before going on.",
        )
    return candidate


def _resolution(graph: Graph, solution: Solution[Node, int], index: Index) -> Resolution:
    extras: dict[str, set[str]] = {}
    needed: dict[str, set[str]] = {}
    for node in solution.pins:
        extras.setdefault(node.name, set()).update({node.extra} - {""})
    for parent, child in solution.edges:
        if parent.name != child.name:
            needed.setdefault(parent.name, set()).add(child.name)
    pins = tuple(
        Pin(
            candidate=_verified(graph, index.with_sha256(graph.candidate(node.name, version))),
            extras=tuple(sorted(extras[node.name])),
            dependencies=tuple(sorted(needed.get(node.name, ()))),
        )
        for node, version in sorted(solution.pins.items())
        if not node.extra
    )
    return Resolution(pins, tuple(sorted({node.name for node in solution.roots})))
