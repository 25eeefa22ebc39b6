"""Markers that tell some targets of a lock from the others, as short as can be (pure).

Targets are few, so a marker is found as a circuit is: comparisons that hold for some of them, joined by ``and`` where
more than one is needed, and as few of these terms as cover the wanted targets and no others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from packaging.markers import Marker
from packaging.version import Version

Environment = Mapping[str, str]
"""The PEP 508 variables of one target."""

_TELLING = ("sys_platform", "platform_machine", "implementation_name")
"""Variables that are compared as texts, those first that people know best."""

_Term = tuple[int, tuple[int, ...]]
"""The targets for which it holds, as bits, and which comparisons it has."""


class TargetMarkers:
    """Markers over a fixed list of targets; bit i of a set of targets stands for the i-th."""

    def __init__(self, environments: Sequence[Environment]) -> None:
        self._all = (1 << len(environments)) - 1
        self._environments = environments
        self._comparisons = [*_of_systems(environments), *_of_versions(environments)]
        self._terms = _terms_of(self._comparisons)
        self._known: dict[int, Marker | None] = {self._all: None}

    def alike(self, target: int) -> int:
        """Return the targets that no marker tells from this one, itself among them: C libraries have none."""
        this = self._environments[target]
        variables = (*_TELLING, "python_full_version")
        return sum(
            1 << at
            for at, other in enumerate(self._environments)
            if all(other.get(name) == this.get(name) for name in variables)
        )

    def marker(self, targets: int) -> Marker | None:
        """Return what holds for these targets and no others; None where these are all.

        Raises `ValueError` where there is no such marker, or no target.
        """
        if targets not in self._known:
            terms = self._cover(targets)
            texts = [" and ".join(self._comparisons[at][1] for at in term) for _, term in terms]
            self._known[targets] = Marker(" or ".join(texts))
        return self._known[targets]

    def _cover(self, targets: int) -> list[_Term]:
        """Return few and short terms that together hold for the targets alone."""
        inside = [term for term in self._terms if not term[0] & ~targets]
        chosen: list[_Term] = []
        missing = targets
        while missing:
            useful = [term for term in inside if term[0] & missing]
            if not useful:
                raise ValueError("no marker tells these targets from the others")
            counts = [(term[0] & missing).bit_count() for term in useful]
            # The least to read for each target; of equal ones what says it of more.
            _, best = min(
                zip(counts, useful, strict=True), key=lambda each: (self._length(each[1]) / each[0], -each[0])
            )
            chosen.append(best)
            missing &= ~best[0]
        if not chosen:
            raise ValueError("no target, no marker")
        for term in chosen[:]:
            others = [other for other in chosen if other is not term]
            if others and not targets & ~_union(others):
                chosen = others
        return sorted(chosen, key=lambda term: term[1])

    def _length(self, term: _Term) -> int:
        """Return how much there is to read and to think: what something is not takes more than what it is."""
        return sum(3 if "!=" in self._comparisons[at][1] else 2 for at in term[1])


def _terms_of(comparisons: Sequence[tuple[int, str]]) -> list[_Term]:
    """Return one term, the shortest, for each set of targets that comparisons joined by ``and`` can hold for."""
    found: dict[int, tuple[int, ...]] = {}
    newest: dict[int, tuple[int, ...]] = {}
    for at, (bits, _) in enumerate(comparisons):
        newest.setdefault(bits, (at,))
    while newest:
        found |= newest
        longer: dict[int, tuple[int, ...]] = {}
        for bits, term in newest.items():
            for at, (held, _) in enumerate(comparisons):
                if bits & held and bits & held not in found:
                    longer.setdefault(bits & held, tuple(sorted((*term, at))))
        newest = longer
    return sorted(found.items(), key=lambda item: (len(item[1]), item[1]))


def _union(terms: Sequence[_Term]) -> int:
    bits = 0
    for held, _ in terms:
        bits |= held
    return bits


def _of_systems(environments: Sequence[Environment]) -> Iterator[tuple[int, str]]:
    """Yield comparisons for equality, where targets differ, and their contraries."""
    for name in _TELLING:
        values = dict.fromkeys(each.get(name, "") for each in environments)
        if len(values) < 2:
            continue
        for operator in ("==", "!="):
            for value in values:
                bits = sum(
                    1 << at
                    for at, each in enumerate(environments)
                    if (each.get(name, "") == value) == (operator == "==")
                )
                yield bits, f'{name} {operator} "{value}"'


def _of_versions(environments: Sequence[Environment]) -> Iterator[tuple[int, str]]:
    """Yield comparisons with each version from which on something is other, and their contraries."""
    versions = [Version(each["python_full_version"]) for each in environments]
    ordered = sorted(set(versions))
    for older, newer in pairwise(ordered):
        if older.release[:2] == newer.release[:2]:
            # Between two releases of a series: what is known of the older one ends right behind it.
            major, minor, micro = (*older.release, 0, 0)[:3]
            name, value = "python_full_version", f"{major}.{minor}.{micro + 1}"
        else:
            name, value = "python_version", ".".join(map(str, newer.release[:2]))
        below = sum(1 << at for at, version in enumerate(versions) if version <= older)
        yield below, f'{name} < "{value}"'
        yield (1 << len(versions)) - 1 & ~below, f'{name} >= "{value}"'
