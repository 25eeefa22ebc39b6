"""Source text as it may be shown to somebody who decides by it: nothing in it is hidden or moves. Pure.

Characters that turn the direction of writing show code in another order than Python reads it ("Trojan Source",
CVE-2021-42574), and others are not seen at all. They are shown by their numbers instead.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterator

from launcher.script.lines import split_lines

_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that are letters or marks by their category, and look like nothing."""
_HARMLESS = frozenset("\t\x0c\u200c\u200d\ufe0e\ufe0f\xad")
"""What ordinary texts have: tabs, form feeds between functions, and parts of emoji and of some writings."""
_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_MOST_LINES_TO_COMPARE = 4_000
"""Comparing takes time with the square of it."""


def visible(line: str, width: int | None = None) -> str:
    r"""Return a line with what cannot be seen in it written as Python escapes, cut at `width` with a word on the rest.

    >>> visible("if x:\u202e # admin"), visible("a" * 30, 20)
    ('if x:\\u202e # admin', 'aaaaaaaaaaaaaaaaaaaa … 10 more characters')
    """
    line = line.expandtabs(4)
    if not line.isprintable() or not line.isascii():
        line = "".join(_escaped(each) if _is_hidden(each) else each for each in line)
    if width is None or len(line) <= width:
        return line
    return f"{line[:width]} … {len(line) - width:,} more characters"


def deceptive_lines(text: str) -> list[int]:
    r"""Return the numbers of lines with characters that show something else than Python reads.

    >>> deceptive_lines("a\n\u202eb\n\U0001f469\u200d\U0001f680")
    [2]
    """
    if text.isascii() and text.replace("\n", "").replace("\r", "").isprintable():
        return []
    return [
        number
        for number, line in enumerate(split_lines(text), 1)
        if not line.isprintable() and any(each not in _HARMLESS and _is_hidden(each) for each in line)
    ]


def changes(before: str, after: str, most: int) -> tuple[int, int, list[str]]:
    r"""Return how many lines came and went between two texts, and the first of them, behind ``+`` and ``-``.

    >>> changes("a\nb\n", "a\nc\n", 10)
    (1, 1, ['-b', '+c'])
    """
    old, new = split_lines(before), split_lines(after)
    if len(old) + len(new) > _MOST_LINES_TO_COMPARE:
        was, is_ = set(old), set(new)
        rows = [*(f"-{each}" for each in old if each not in is_), *(f"+{each}" for each in new if each not in was)]
    else:
        rows = list(_changed_rows(old, new))
    added = sum(row.startswith("+") for row in rows)
    return added, len(rows) - added, rows[:most]


def _changed_rows(old: list[str], new: list[str]) -> Iterator[str]:
    for kind, old_start, old_end, new_start, new_end in difflib.SequenceMatcher(None, old, new, False).get_opcodes():
        if kind != "equal":
            yield from (f"-{line}" for line in old[old_start:old_end])
            yield from (f"+{line}" for line in new[new_start:new_end])


def _is_hidden(character: str) -> bool:
    if character in _UNSEEN or "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
        return True
    category = unicodedata.category(character)
    return category in _HIDDEN or (category == "Zs" and character != " ")


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
