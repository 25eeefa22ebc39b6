"""A tree as lines of text: which branch is drawn where, and its guides. Pure.

A node that is reached in several ways is drawn in full once, as near to the top as it occurs; so are circles.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guides:
    """The pieces that lead to a node: to one that others follow and to a last one, and below either of them."""

    to_next: str = "├── "
    to_last: str = "└── "
    below_next: str = "│   "
    below_last: str = "    "


UNICODE = Guides()
ASCII = Guides("|-- ", "`-- ", "|   ", "    ")


@dataclass(frozen=True, slots=True)
class Branch:
    """One line: the guide and the node. `is_cut` says that what is below the node is drawn in full elsewhere."""

    guide: str
    node: str
    parent: str
    is_cut: bool = False


def draw(
    top: str, children: Mapping[str, Sequence[str]], depth: int | None = None, guides: Guides = UNICODE
) -> list[Branch]:
    """Return the lines below the node `top`, at most `depth` levels of them.

    >>> for branch in draw("x.py", {"x.py": ["a", "b"], "a": ["c"], "b": ["c"], "c": ["a"]}):
    ...     print(branch.guide + branch.node + " (*)" * branch.is_cut)
    ├── a
    │   └── c
    │       └── a (*)
    └── b
        └── c (*)
    """
    places = _places(top, children, depth)
    branches: list[Branch] = []
    # Not recursive: a hostile index can make a chain of a thousand packages.
    waiting = [(top, "", "", "", 0)]
    while waiting:
        node, parent, guide, margin, level = waiting.pop()
        is_here = places[node] == parent
        below = () if level == depth else children.get(node, ())
        if level:
            branches.append(Branch(guide, node, parent, is_cut=bool(below) and not is_here))
        for child in reversed(below if is_here else ()):
            is_last = child == below[-1]
            to_child, below_child = (
                (guides.to_last, guides.below_last) if is_last else (guides.to_next, guides.below_next)
            )
            waiting.append((child, node, margin + to_child, margin + below_child, level + 1))
    return branches


def _places(top: str, children: Mapping[str, Sequence[str]], depth: int | None) -> dict[str, str]:
    """Return below which parent each node is drawn in full: the first one, level by level, that is not too deep."""
    places = {top: ""}
    waiting = deque([(top, 0)])
    while waiting:
        node, level = waiting.popleft()
        if depth is not None and level >= depth:
            continue
        for child in children.get(node, ()):
            if child not in places:
                places[child] = node
                waiting.append((child, level + 1))
    return places
