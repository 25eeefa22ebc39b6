"""Version sets against Python's own sets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from launcher.resolve.version_set import VersionSet, positions

SIZE = 12
EVERY = frozenset(range(SIZE))
sets = st.frozensets(st.integers(0, SIZE - 1))


def made(members: frozenset[int]) -> VersionSet:
    return VersionSet(sum(1 << member for member in members))


def members(versions: VersionSet) -> frozenset[int]:
    return frozenset(member for member in EVERY if member in versions)


@given(sets, sets)
def test_algebra_is_that_of_sets(left: frozenset[int], right: frozenset[int]) -> None:
    a, b = made(left), made(right)
    assert members(a & b) == left & right
    assert members(a | b) == left | right
    assert members(a - b) == left - right
    assert members(~a) == EVERY - left
    assert a.is_subset(b) == (left <= right)
    assert a.is_superset(b) == (left >= right)
    assert a.is_disjoint(b) == left.isdisjoint(right)
    assert (a.relation(b).is_subset, a.relation(b).is_disjoint) == (left <= right, left.isdisjoint(right))
    assert (a == b) == (left == right)
    assert hash(a) == hash(made(left))


@given(sets, sets)
def test_the_law_on_which_the_resolver_terminates(left: frozenset[int], right: frozenset[int]) -> None:
    for x in (made(left), ~made(left), VersionSet.full()):
        for y in (made(right), ~made(right)):
            assert x.is_subset((x - y) | y)


@given(sets)
def test_newest_is_the_highest(left: frozenset[int]) -> None:
    assert made(left).newest == max(left, default=None)
    assert made(left).is_empty == (not left)
    assert made(left).is_single == (len(left) == 1)
    assert positions(made(left).bits) == sorted(left)


def test_complements_contain_what_does_not_exist_yet() -> None:
    assert 1000 in ~VersionSet.singleton(3)
    assert 3 not in ~VersionSet.singleton(3)
    assert not (~VersionSet.singleton(3)).is_single
    assert (~VersionSet.empty()) == VersionSet.full()
