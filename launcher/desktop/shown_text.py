"""Text as a window may show it: nothing in it is hidden, turns round, or is more than a window can bear. Pure.

What comes here was written by a script, a server or a file's name. Toolkits read markup, ends of strings and control
characters in it, and some take minutes for a line of a megabyte.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator

from launcher.script.lines import split_lines
from launcher.script.visible_text import visible

_ESCAPE_SEQUENCE = r"\x1b\[[0-9;:?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
"""Colours and titles, which programs write for terminals."""
_FIRST_SENTENCE = r"^([^\n]{,120}?[.!?]) (?=[A-Z])"
_LONGEST_LINE = 1_000
_MOST_LINES = 20_000
_MOST_CHARACTERS = 2_000_000
_LONGEST_PATH = 96
_LONGEST_TITLE = 70
_TEXT_WIDTH = 72
_LONGEST_LABEL = 24
_LONGEST_HEADING = 800
_LONGEST_ROW = 500
_MOST_ROW_LINES = 10
"""One row must not push the others out of sight."""
_MOST_MARKS = 4
_MOST_LOOKED_AT = 10_000


def source_text(text: str) -> str:
    r"""Return source as somebody reads it who decides by it: what cannot be seen is written as Python escapes.

    >>> source_text("a = 1\n# \u202eb")
    'a = 1\n# \\u202eb'
    """
    lines = split_lines(text)
    shown, is_all = _within_limits(lines)
    return "\n".join(shown if is_all else [*shown, f"… {_lines(len(lines) - len(shown))}"])


def output_text(text: str) -> str:
    r"""Return what a program wrote, without what it meant for a terminal; the end of it, if there is much.

    >>> output_text("\x1b[31mred\x1b[0m\r\nnext\x00")
    'red\nnext\\x00'
    """
    lines = re.sub(_ESCAPE_SEQUENCE, "", text).splitlines()
    shown, is_all = _within_limits(reversed(lines))
    shown.reverse()
    return "\n".join(shown if is_all else [f"{_lines(len(lines) - len(shown))} before …", *shown])


def title_text(text: str) -> str:
    """Return one short line, for the title of a window."""
    return elided(_one_line(text), _LONGEST_TITLE)


def label_text(text: str) -> str:
    """Return what stands before a row, or on a button."""
    return elided(_one_line(text), _LONGEST_LABEL)


def heading_text(text: str) -> str:
    r"""Return a few lines in plain words, the first sentence by itself; too many of them lose their end.

    >>> heading_text("It stopped. A file is missing. Look for it.")
    'It stopped.\nA file is missing. Look for it.'
    """
    text = re.sub(_ESCAPE_SEQUENCE, "", _bounded(text)).strip()
    text = re.sub(_FIRST_SENTENCE, r"\1\n", text)
    lines = [_clear(line) for line in text.splitlines()]
    return _cut(
        "\n".join(" ".join(elided(word, _LONGEST_PATH) for word in line.split(" ")) for line in lines), _LONGEST_HEADING
    )


def row_text(text: str) -> str:
    r"""Return what stands beside a label: a path or an address loses its middle where it is long, all else its end.

    >>> row_text("/home/" + "long/" * 40 + "report.py")[:20], row_text("a\n<b>")
    ('/home/long/long/long', 'a\n<b>')
    """
    lines = [_clear(line) for line in _bounded(text).splitlines()]
    if len(lines) > _MOST_ROW_LINES:
        lines[_MOST_ROW_LINES - 1 :] = ["…"]
    if len(lines) == 1 and re.match(r"[/~]|[A-Za-z]:[\\/]|\w+://", lines[0]):
        return elided(lines[0], _LONGEST_PATH)
    return _cut("\n".join(lines), _LONGEST_ROW)


def elided(text: str, most: int) -> str:
    """Return a text without its middle where it is longer than that; the end of a path says more than its middle.

    >>> elided("/home/somebody/report.py", 15)
    '/home/s…port.py'
    """
    if len(text) <= most:
        return text
    kept = most - 1
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


def wrapped(text: str, indent: str = "") -> str:
    r"""Return a text in lines that a toolkit need not wrap, those after the first indented.

    >>> wrapped("a " * 40, "  ").splitlines()[1][:5]
    '  a a'
    """
    lines: list[str] = []
    for line in text.splitlines():
        wrap = textwrap.TextWrapper(_TEXT_WIDTH, indent if lines else "", indent, break_on_hyphens=False)
        lines += wrap.wrap(line) or [""]
    return "\n".join(lines)


def _one_line(text: str) -> str:
    return _clear(" ".join(_bounded(text).split()))


def _clear(line: str, width: int | None = None) -> str:
    r"""Return a line in which nothing is hidden, nor hides its neighbours: marks are heaped up on a letter only so far.

    >>> _clear("a" + "\u0301" * 9).count("\u0301")
    4
    """
    shown = visible(line, width)
    return shown if shown.isascii() else "".join(_without_heaps(shown))


def _without_heaps(text: str) -> Iterator[str]:
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) or unicodedata.category(character) == "Me" else 0
        if marks <= _MOST_MARKS:
            yield character


def _bounded(text: str) -> str:
    """Return what is worth looking at of a text of which a few lines are shown at most; looking takes time."""
    return elided(text, _MOST_LOOKED_AT)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _within_limits(lines: Iterable[str]) -> tuple[list[str], bool]:
    """Return the lines as they may be shown, and whether these are all of them."""
    shown: list[str] = []
    left = _MOST_CHARACTERS
    for line in lines:
        if len(shown) == _MOST_LINES or left < 0:
            return shown, False
        if len(line) > _MOST_LOOKED_AT:
            shown.append(f"{_clear(line[:_LONGEST_LINE])} … {len(line) - _LONGEST_LINE:,} more characters")
        else:
            shown.append(_clear(line, _LONGEST_LINE))
        left -= len(shown[-1]) + 1
    return shown, True


def _lines(count: int) -> str:
    return f"{count:,} more {'line' if count == 1 else 'lines'}"
