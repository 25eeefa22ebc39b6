"""A tree as lines: each node in full once, as near to the top as it occurs."""

from __future__ import annotations

from launcher.cli.tree_lines import ASCII, draw


def text(top: str, children: dict[str, list[str]], depth: int | None = None) -> list[str]:
    return [branch.guide + branch.node + " (*)" * branch.is_cut for branch in draw(top, children, depth, guides=ASCII)]


def test_guides_lead_to_every_node() -> None:
    assert text("top", {"top": ["a", "b"], "a": ["c", "d"], "c": ["e"], "b": ["f"]}) == [
        "|-- a",
        "|   |-- c",
        "|   |   `-- e",
        "|   `-- d",
        "`-- b",
        "    `-- f",
    ]


def test_what_is_needed_twice_is_shown_in_full_nearest_to_the_top() -> None:
    children = {"top": ["a", "b"], "a": ["c"], "c": ["b", "leaf"], "b": ["leaf", "d"]}
    assert text("top", children) == [
        "|-- a",
        "|   `-- c",
        "|       |-- b (*)",
        "|       `-- leaf",
        "`-- b",
        "    |-- leaf",
        "    `-- d",
    ]


def test_a_circle_ends() -> None:
    assert text("top", {"top": ["a"], "a": ["b"], "b": ["a", "b"]}) == [
        "`-- a",
        "    `-- b",
        "        |-- a (*)",
        "        `-- b (*)",
    ]


def test_depth_cuts_without_a_word() -> None:
    children = {"top": ["a", "b"], "a": ["b", "c"], "b": ["d"]}
    assert text("top", children, 1) == ["|-- a", "`-- b"]
    assert text("top", children, 2) == ["|-- a", "|   |-- b", "|   `-- c", "`-- b", "    `-- d"]


def test_a_chain_of_thousands_is_no_matter() -> None:
    chain = {str(number): [str(number + 1)] for number in range(3000)}
    assert len(draw("0", chain)) == 3000


def test_nothing_below_is_nothing() -> None:
    assert draw("top", {}) == []
