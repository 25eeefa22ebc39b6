"""Where things stand in a TOML text that a parser has found valid.

tomli gives values without their places, and a message about an item has to name its line. This is no second parser: it
knows strings, comments and brackets, which is what it takes to walk over an array.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
    (?P<gap>[ \t\n]+|\#[^\n]*)
    |(?P<mark>[\[\]{},])
    |(?P<value>
        \"{3}(?:\\.|[^\\])*?\"{3,5}
        |'{3}.*?'{3,5}
        |"(?:\\.|[^"\\\n])*"
        |'[^'\n]*'
        |[^\s\[\]{},"'\#]+
    )
    """,
    re.VERBOSE | re.DOTALL,
)


def find_key(toml: str, key: str, after: int = 0) -> int | None:
    """Return the offset where a line begins to set `key` or opens a table of that name, or None.

    It is the first such line from the one that holds the offset `after`: top-level keys stand before all tables. Keys
    written with escapes are not found.
    """
    found = _key_line(toml, key, after)
    return found.start("key") if found else None


def find_value(toml: str, key: str, after: int = 0) -> int | None:
    """Return the offset of the value where the line that `find_key` finds is ``key = value``, else None."""
    found = _key_line(toml, key, after)
    return found.end("equals") if found and found["equals"] else None


def find_array_items(toml: str, start: int) -> list[tuple[int, int]]:
    """Return start and end offsets of the items of the array that begins at `start`.

    >>> toml = "a = ['x', [1, 2]]"
    >>> [toml[start:end] for start, end in find_array_items(toml, 4)]
    ["'x'", '[1, 2]']
    """
    items: list[tuple[int, int]] = []
    depth, item_start, item_end = 0, -1, -1
    for token in _TOKEN.finditer(toml, start):
        mark = token["mark"]
        if token["gap"]:
            continue
        if depth == 1 and mark in {",", "]"}:
            if item_start >= 0:
                items.append((item_start, item_end))
            item_start = -1
            if mark == "]":
                break
            continue
        if depth and item_start < 0:
            item_start = token.start()
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(mark or "", 0)
        item_end = token.end()
    return items


def _key_line(toml: str, key: str, after: int = 0) -> re.Match[str] | None:
    expression = re.compile(
        rf"""
        ^[ \t]*(?:\[{{1,2}}[ \t]*)?
        (?:[\w-]+[ \t]*\.[ \t]*)*
        (?P<key>["']?{re.escape(key)}["']?)[ \t]*
        (?:(?P<equals>=[ \t]*)|[.\]])
        """,
        re.VERBOSE | re.MULTILINE,
    )
    return expression.search(toml, toml.rfind("\n", 0, after) + 1)
