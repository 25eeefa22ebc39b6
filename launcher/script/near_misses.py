"""Lines that nearly open or close a script block.

By the specification they make no block, and a script whose requirements are silently ignored fails far from the cause.
So the person is told which line it is and how to write it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from launcher.script.lines import line_number_at, lines_from

_OPENING = "# /// script"
_CLOSING = "# ///"
_LINE_END = r"[\r\n]"
_CLOSING_LINE = r"[\r\n]# ///(?![^\r\n])"
_SHOWN = 60


def near_miss(text: str, path: str) -> str | None:
    """Return a warning about the first line that looks meant to open or close a script block, or None.

    For a text without a valid script block. Linear in the length of `text`.
    """
    for start, end in _lines_with_slashes(text):
        line = text[start:end]
        if _squeezed(line) != "#///script":
            continue
        if line != _OPENING:
            return _advice(path, line_number_at(text, start), line, "opens no metadata block", _OPENING)
        if not _is_empty_block(text, end):
            return _unclosed(text, end, line_number_at(text, start), path)
    return None


def _is_empty_block(text: str, opening_end: int) -> bool:
    """Tell whether the closing line follows at once. That is no block by the specification, and nothing is missed."""
    return next(islice(lines_from(text, opening_end), 1, None), None) == _CLOSING


def _unclosed(text: str, opening_end: int, opening: int, path: str) -> str:
    """Say why the block opened in line `opening` is not closed."""
    number, line = opening, ""
    for number, line in enumerate(lines_from(text, opening_end), opening):
        if number == opening:
            continue
        if "///" in line and _squeezed(line) == "#///":
            return _advice(path, number, line, f"does not close the metadata block of line {opening}", _CLOSING)
        if line != "#" and not line.startswith("# "):
            break
    else:
        return f'{path}, line {opening}: this metadata block is never closed. Write "{_CLOSING}" behind its last line.'
    if line.startswith("#"):
        return (
            f"{path}, line {number}: {_shown(line)} breaks the metadata block of line {opening}. "
            'Put one space behind the "#".'
        )
    if re.compile(_CLOSING_LINE).search(text, opening_end):
        return (
            f'{path}, line {number}: this line does not begin with "#", so the metadata block of line {opening} '
            'ends before it is closed. Begin every line of the block with "# ".'
        )
    return (
        f"{path}, line {opening}: this metadata block is never closed. "
        f'Write "{_CLOSING}" behind its last line, before line {number}.'
    )


def _lines_with_slashes(text: str) -> Iterator[tuple[int, int]]:
    position = 0
    while (found := text.find("///", position)) >= 0:
        start = max(text.rfind("\n", position, found), text.rfind("\r", position, found)) + 1
        end = re.compile(_LINE_END).search(text, found)
        position = end.start() if end else len(text)
        yield start, position


def _squeezed(line: str) -> str:
    return "".join(line.split()).lower()


def _advice(path: str, number: int, line: str, failure: str, mend: str) -> str:
    return f'{path}, line {number}: {_shown(line)} {failure}: {_flaw(line, mend)}. Write "{mend}".'


def _shown(line: str) -> str:
    line = line.strip()
    return f'"{line}"' if len(line) <= _SHOWN else f'"{line[:_SHOWN]}..."'


def _flaw(line: str, mend: str) -> str:
    if "\t" in line.strip():
        return "a tab stands where one space belongs"
    if line[:1].isspace():
        return "it must begin in the first column"
    if line[-1:].isspace():
        return "nothing may follow it, spaces neither"
    if line != line.lower():
        return "it must be written in small letters"
    if mend == _CLOSING:
        return 'one space must stand between "#" and "///"'
    return 'one space must stand on either side of "///"'
