r"""Lines as Python sees them in a source file: they end at ``\n``, ``\r\n`` or a lone ``\r``, and at nothing else.

These are the universal newlines of `open()`. `str.splitlines` knows eight more line ends (form feed, U+2028, ...),
which are ordinary characters inside a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

_LINE = r"([^\r\n]*)(?:\r\n|\r|\n|\Z)"
_LINE_END = rb"\r\n|\r|\n"


def with_plain_newlines(text: str) -> str:
    r"""Return `text` with every line end written as ``\n``."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def split_lines(text: str) -> list[str]:
    r"""Return the lines of `text` without their ends; text that ends with a line end has an empty last line.

    >>> split_lines("a\r\nb\x0c\rc")
    ['a', 'b\x0c', 'c']
    """
    return with_plain_newlines(text).split("\n")


def lines_from(text: str, offset: int) -> Iterator[str]:
    """Yield the lines of `text` from `offset` on, one at a time, without their ends."""
    pattern = re.compile(_LINE)
    while offset < len(text) and (line := pattern.match(text, offset)):
        yield line[1]
        offset = line.end()


def line_number_at(text: str, offset: int) -> int:
    """Return the number, from 1, of the line that holds the character at `offset`."""
    ends = text.count("\n", 0, offset) + text.count("\r", 0, offset) - text.count("\r\n", 0, offset)
    return ends + 1


def end_of_line(content: bytes, line_number: int) -> int:
    """Return the offset behind a line and its line end; the size of `content` where the line is the last or missing."""
    end = next(islice(re.finditer(_LINE_END, content), line_number - 1, None), None)
    return end.end() if end else len(content)
