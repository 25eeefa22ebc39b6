"""What commands print on stdout: lines of styled parts, and columns that line up.

Everything is plain where stdout is no terminal, and ASCII where its encoding is not Unicode.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from launcher.cli import console

Part = tuple[str, str]
"""A text and its style, a name in `_STYLES`, or empty for none."""
Line = Sequence[Part]

_STYLES = {"bold": "1", "dim": "2", "name": "1", "new": "33", "good": "32"}
_GAP = "  "


def print_parts(*parts: Part) -> None:
    """Print one line; text from outside loses its control characters here, and its line ends are escaped."""
    if sys.stdout is None:
        return
    has_color = console.has_color(sys.stdout)
    texts = ((console.sanitised(text).replace("\n", "\\n"), style) for text, style in parts)
    line = "".join(f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style and has_color else text for text, style in texts)
    sys.stdout.write(_encodable(line.rstrip()) + "\n")


def confirm(*parts: Part) -> None:
    """Print one line that says what a command did; not with ``-q``, for whoever calls it has the exit code."""
    if not console.is_quiet():
        print_parts(*parts)


def print_columns(rows: Iterable[Sequence[Line]], right_aligned: Iterable[int] = ()) -> None:
    """Print rows of cells, each a line of parts, so that cells of one column begin, or end, below one another."""
    table = [list(row) for row in rows]
    count = max(map(len, table), default=0)
    widths = [max((_width(row[at]) for row in table if at < len(row)), default=0) for at in range(count)]
    to_the_right = set(right_aligned)
    for row in table:
        parts: list[Part] = []
        for at, cell in enumerate(row):
            blanks = (" " * (widths[at] - _width(cell)), "")
            gap = [(_GAP, "")] if at and widths[at] else []
            parts += [*gap, blanks, *cell] if at in to_the_right else [*gap, *cell, blanks]
        print_parts(*_without_trailing_blanks(parts))


def counted(count: int, noun: str) -> str:
    """Return a number and what it counts.

    >>> counted(1, "package"), counted(0, "wheel")
    ('1 package', '0 wheels')
    """
    return f"{count} {noun}" + "s" * (count != 1)


def speaks_unicode() -> bool:
    """Tell whether lines and arrows may be drawn on stdout."""
    return (getattr(sys.stdout, "encoding", "") or "").lower().replace("-", "") == "utf8"


def _without_trailing_blanks(parts: list[Part]) -> list[Part]:
    while parts and not parts[-1][0].strip():
        parts.pop()
    return parts


def _width(line: Line) -> int:
    return sum(len(console.sanitised(text)) for text, _ in line)


def _encodable(text: str) -> str:
    """Return the text with what stdout cannot write, such as the odd bytes of a file name, replaced."""
    if getattr(sys.stdout, "errors", "strict") != "strict":
        return text
    encoding = getattr(sys.stdout, "encoding", "") or "utf-8"
    return text.encode(encoding, "replace").decode(encoding, "replace")
