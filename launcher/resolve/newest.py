"""The newest version that each pin of a resolution could have, if nobody else had a say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from packaging.version import Version

from launcher.resolve.candidate import Candidate
from launcher.resolve.dependencies import DependencyReader, parse_dependency
from launcher.resolve.graph import Graph, Knowledge
from launcher.resolve.resolution import Pin, Policy
from launcher.resolve.rules import Rules
from launcher.resolve.version_set import positions

if TYPE_CHECKING:
    from launcher.python.query import Interpreter
    from launcher.resolve.index import Index


def newest_versions(pins: Iterable[Pin], policy: Policy, interpreter: Interpreter, index: Index) -> dict[str, str]:
    """Return the newest version by name: one that is not yanked and can be installed on this interpreter.

    Pre-releases count for a pin that is one, or where there is nothing else. A project that no index has is left out,
    and so is one that came from a URL. `policy` is that for others: constraints and overrides hold back as other
    requirements do. Raises `IndexUnreachable` and `NotAvailableOffline`.
    """
    asked = [pin.candidate for pin in pins if pin.candidate.index]
    for candidate in asked:
        index.submit(index.page, candidate.name)
    prereleases = {candidate.name for candidate in asked if Version(candidate.version).is_prerelease}
    rules = Rules(policy, DependencyReader(interpreter.markers), index)
    graph = Graph(index, interpreter, (), rules, Knowledge(prereleases=prereleases))
    found = ((candidate.name, _newest(graph, candidate.name)) for candidate in asked)
    return {name: version for name, version in found if version is not None}


def _newest(graph: Graph, name: str) -> str | None:
    releases = graph.releases(name)
    for position in reversed(positions(releases.satisfying(parse_dependency(name)).bits & ~releases.refused_bits)):
        if position < releases.count and isinstance(releases.usable(position), Candidate):
            return releases.version_text(position)
    return None
