"""Who needs whom, seen from either end, with sizes and what holds a package back."""

from __future__ import annotations

from packaging.specifiers import SpecifierSet

from launcher.cli.package_graph import TOP, PackageGraph
from launcher.resolve.candidate import Candidate
from launcher.resolve.relations import Relation
from launcher.resolve.resolution import Pin, Requested
from launcher.survey import PackageSize


def graph(
    needs: dict[str, list[str]], newest: dict[str, str] | None = None, limits: tuple[Relation, ...] = ()
) -> PackageGraph:
    """Return a graph of versions 1.0; `needs` maps names, or `TOP`, to what they need, such as ``a<2``."""
    relations = []
    for by, texts in needs.items():
        for text in texts:
            name, _, limit = text.partition("<")
            requested = Requested(text, "line 3 of x.py") if by == TOP else None
            relations.append(Relation(name, by or None, SpecifierSet(f"<{limit}" if limit else ""), requested))
    names = dict.fromkeys(relation.needed for relation in relations)
    pins = {name: Pin(Candidate(name, "1.0", f"{name}.whl", "")) for name in names}
    sizes = {name: PackageSize(10**at, True) for at, name in enumerate(names)}
    return PackageGraph(pins, relations, limits, sizes, newest or {})


def test_a_package_is_below_whoever_needs_it() -> None:
    found = graph({TOP: ["a", "b"], "a": ["c"], "b": ["c"]})
    assert found.children() == {TOP: ["a", "b"], "a": ["c"], "b": ["c"]}


def test_turned_round_it_ends_at_what_somebody_wrote() -> None:
    found = graph({TOP: ["a<2"], "a": ["b"], "c": ["b"], "b": []})
    parents = found.parents()
    assert parents["b"] == ["a", "c"]
    (leaf,) = parents["a"]
    relation = found.relation(leaf)
    assert relation is not None and relation.requested is not None
    assert relation.requested.text == "a<2"
    assert found.relation("a") is None
    assert parents[TOP] == ["b"]


def test_a_circle_has_a_beginning_when_it_is_turned_round() -> None:
    found = graph({TOP: ["a", "d"], "a": ["b"], "b": ["a"], "d": []})
    assert found.parents()[TOP] == ["d", "a"]


def test_sizes_add_up_over_all_that_is_below() -> None:
    found = graph({TOP: ["a", "b"], "a": ["c"], "c": ["a", "b"]})
    assert found.below("a") == {"a", "b", "c"}
    assert found.size(found.below("a")) == 111
    assert found.size(["a", "unknown"]) is None


def test_the_newest_version_is_held_back_by_whoever_does_not_take_it() -> None:
    found = graph({TOP: ["a", "b<2"], "a": ["b<3"]}, newest={"a": "1.0", "b": "2.5"})
    assert found.newer("a") is None
    assert found.newer("b") == "2.5"
    assert [(each.by, each.text) for each in found.holders("b")] == [(None, "<2")]
    assert found.holders("a") == []


def test_a_constraint_holds_back_but_asks_for_nothing() -> None:
    limit = Relation("b", None, SpecifierSet("<2"), Requested("b<2", "--constraint"))
    found = graph({TOP: ["a"], "a": ["b"]}, newest={"b": "2.5"}, limits=(limit,))
    assert found.children()[TOP] == ["a"]
    assert found.holders("b") == [limit]
    by, leaf = found.parents()["b"]
    assert (by, found.relation(leaf)) == ("a", limit)


def test_a_requirement_that_is_not_known_holds_nothing_back() -> None:
    assert Relation("a", "b").admits("99")


def test_specifiers_are_written_with_the_lower_bound_first() -> None:
    assert Relation("a", "b", SpecifierSet("<4,!=3.1,>=2")).text == ">=2,!=3.1,<4"
