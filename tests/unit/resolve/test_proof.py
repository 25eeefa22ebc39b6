"""Needs that follow one another are one way; what other lines speak of is never passed over."""

from __future__ import annotations

from launcher.resolve.graph import Node
from launcher.resolve.proof import Facts, Need, ways_of


def need(parent: str, child: str) -> Need:
    return (Node(parent), Node(child)), (1, 1)


def words(ways: list[list[Need]]) -> list[str]:
    return [" ".join([way[0][0][0].name, *(keys[1].name for keys, _ in way)]) for way in ways]


def test_a_way_goes_on_as_long_as_nothing_leads_to_it_or_away() -> None:
    line = [need("a", "b"), need("b", "c"), need("c", "d")]
    assert words(ways_of(line, {"a"})) == ["a b c d"]
    assert words(ways_of(line, {"a", "c"})) == ["a b c", "c d"]
    assert words(ways_of([*line, need("x", "c")], {"a", "x"})) == ["a b c", "c d", "x c"]
    assert words(ways_of([*line, need("b", "x")], {"a"})) == ["a b", "b c d", "b x"]


def test_a_circle_is_told_need_by_need() -> None:
    assert words(ways_of([need("a", "b"), need("b", "a")], set())) == ["a b", "b a"]


def test_facts_about_the_same_projects_are_put_together() -> None:
    facts = Facts(needs={(Node("a"), Node("b")): [(0b01, 0b100), (0b10, 0b010)]})
    assert facts.merged_needs() == {(Node("a"), Node("b")): (0b11, 0b110)}
