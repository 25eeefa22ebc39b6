"""The facts that a contradiction consists of: the leaves of the resolver's proof, and of these what is needed for it.

PubGrub leaves a proof, a graph of clauses. Its leaves are facts: what somebody wrote, what a version needs, and that no
version of a kind can be installed. A proof may lean on more of what was written than it has to, because the resolver
went another way first. So each written requirement is left out once: where the facts still contradict one another, it
had nothing to do with it. That asks nobody and looks at the facts alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from nab_resolver.errors import ResolutionError, ResolutionTerminatedError
from nab_resolver.resolver import BaseProvider, Resolver
from nab_resolver.types import Incompatibility, IncompatibilityCause, RangeProtocol, RootRequirement

from launcher.resolve.graph import Graph, Node
from launcher.resolve.roots import Root
from launcher.resolve.version_set import VersionSet
from launcher.value import replace

Need = tuple[tuple[Node, Node], tuple[int, int]]
"""Who needs what, and in which versions of which versions, as bits."""

_MOST_ROUNDS = 20_000
"""Rounds of trying to do with less, over all requirements: about two seconds."""


@dataclass(slots=True)
class Facts:
    """The leaves of a proof. `needs` maps (who needs, what) to (in which versions, of which versions) for each fact."""

    roots: list[Root] = field(default_factory=list)
    needs: dict[tuple[Node, Node], list[tuple[int, int]]] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)

    def merged_needs(self) -> dict[tuple[Node, Node], tuple[int, int]]:
        """Return the needs with those of one project for another put together."""
        merged: dict[tuple[Node, Node], tuple[int, int]] = {}
        for key, facts in self.needs.items():
            by = which = 0
            for versions, needed in facts:
                by, which = by | versions, which | needed
            merged[key] = by, which
        return merged


def facts_of(error: ResolutionError, graph: Graph) -> Facts:
    """Return the facts of a contradiction, with no more of what was written than it takes."""
    assert error.incompatibility is not None
    facts = _leaves(error.incompatibility, graph)
    rounds = 0
    for root in list(facts.roots):
        others = [other for other in facts.roots if other != root]
        # What names a project's URL decides which versions there are for all others.
        if len(others) == len(facts.roots) or not others or root.candidate or rounds >= _MOST_ROUNDS:
            continue
        fewer, needed = _contradiction_in(replace(facts, roots=others), graph, _MOST_ROUNDS - rounds)
        rounds += needed
        facts = fewer or facts
    return facts


def ways_of(needs: Sequence[Need], apart: Set[str]) -> list[list[Need]]:
    """Join needs that follow one another, where nothing else leads to a project on the way or on from it.

    Projects `apart` are never on the way. Each need is in one way.
    """
    leading_to = Counter(child.name for (_, child), _ in needs)
    leading_from = Counter(parent.name for (parent, _), _ in needs)
    leading_on = {parent.name: need for need in needs for parent in need[0][:1]}
    inner = {name for name in leading_on if leading_to[name] == leading_from[name] == 1} - apart
    ways = []
    for need in needs:
        if need[0][0].name not in inner:
            way = [need]
            while (name := way[-1][0][1].name) in inner:
                way.append(leading_on[name])
            ways.append(way)
    # What leads round in a circle begins nowhere.
    joined = {need[0] for way in ways for need in way}
    return ways + [[need] for need in needs if need[0] not in joined]


def _leaves(proof: Incompatibility[Node, int], graph: Graph) -> Facts:
    facts = Facts()
    for clause in proof.walk():
        terms = clause.terms
        if clause.cause is IncompatibilityCause.ROOT and isinstance(clause.origin, Root):
            if clause.origin not in facts.roots:
                facts.roots.append(clause.origin)
        elif clause.cause is IncompatibilityCause.DEPENDENCY:
            # A project that needs another version of itself makes a clause of one term.
            these = _bits(terms[1].constraint) if len(terms) == 2 else 0
            key = (terms[0].package, terms[-1].package)
            facts.needs.setdefault(key, []).append((_bits(terms[0].constraint), these))
        elif clause.cause is IncompatibilityCause.NO_VERSIONS:
            name = terms[0].package.name
            existing = graph.releases(name).all_bits
            facts.refused[name] = facts.refused.get(name, 0) | (_bits(terms[0].constraint) & existing)
    facts.roots.sort(key=graph.roots.index)
    return facts


def _bits(constraint: object) -> int:
    assert isinstance(constraint, VersionSet)
    return constraint.bits


def _contradiction_in(facts: Facts, graph: Graph, most_rounds: int) -> tuple[Facts | None, int]:
    """Return those of the facts that contradict one another, None where they do not, and how many rounds it took."""
    world = _FactsAlone(facts, graph)
    resolver = Resolver(world, range_type=VersionSet, max_iterations=most_rounds)
    try:
        resolver.solve(world.root_requirements())
    except ResolutionTerminatedError:
        return None, most_rounds
    except ResolutionError as error:
        found = None if error.incompatibility is None else _leaves(error.incompatibility, graph)
        return found, resolver.stats.rounds
    return None, resolver.stats.rounds


class _FactsAlone(BaseProvider[Node, int]):
    """A world in which nothing is known but some facts: what they do not forbid can be installed and needs nothing."""

    def __init__(self, facts: Facts, graph: Graph) -> None:
        self._facts = facts
        self._graph = graph
        self._needs: dict[Node, list[tuple[Node, int, int]]] = {}
        for (parent, child), found in facts.needs.items():
            for by, which in found:
                self._needs.setdefault(parent, []).append((child, by, which))

    def root_requirements(self) -> list[RootRequirement[Node, int]]:
        found: list[RootRequirement[Node, int]] = []
        for root in self._facts.roots:
            needs: dict[Node, VersionSet] = {}
            self._graph.require(needs, root.dependency)
            found += [RootRequirement(node, versions, root) for node, versions in needs.items()]
        return found

    def choose_version(self, package: Node, version_range: RangeProtocol[int]) -> int | None:
        assert isinstance(version_range, VersionSet)
        existing = self._graph.releases(package.name).all_bits
        return VersionSet(version_range.bits & existing & ~self._facts.refused.get(package.name, 0)).newest

    def has_satisfying_version(self, package: Node, version_range: RangeProtocol[int]) -> bool:
        return self.choose_version(package, version_range) is not None

    def get_dependencies(self, package: Node, version: int) -> Mapping[Node, VersionSet]:
        needs: dict[Node, VersionSet] = {}
        for child, by, which in self._needs.get(package, ()):
            if by >> version & 1:
                needs[child] = needs.get(child, VersionSet.full()) & VersionSet(which)
        return needs

    def prioritize(
        self,
        package: Node,
        version_range: RangeProtocol[int],
        conflict_counts: Mapping[Node, int],
        culprit_counts: Mapping[Node, int] | None = None,
    ) -> tuple[int, Node]:
        del version_range, culprit_counts
        return -conflict_counts.get(package, 0), package

    def widen_decision(self, package: Node, version: int) -> None:
        """Never widen."""
