"""What a build backend prints: kept for the case that it fails, and then only the lines that say why. Pure."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import IO

_KEPT_LINES = 2000
_SHOWN_LINES = 20
_KEPT_CHARACTERS, _SHOWN_CHARACTERS = 10_000, 1000
"""Of one line: commands of compilers are long, and a backend that prints no end of line fills the memory."""
_FRAME = re.compile(r'  File "(?P<path>[^"]*)", line \d+')
_OF_THE_TOOLS = re.compile(r"pyproject_hooks[/\\]|<frozen |[/\\]setuptools[/\\]build_meta\.py")

_HINTS = (
    (
        r"command '[^']*(gcc|g\+\+|cc|clang)[^']*' failed: No such file|unable to execute '?[\w./+-]*(gcc|cc|clang)"
        r"|(gcc|g\+\+|\bcc|clang)(-\d+)?: (command )?not found|Unknown compiler|No CMAKE_\w+_COMPILER could be found"
        r"|Microsoft Visual C\+\+ .* is required|error: could not find a C compiler",
        "It needs a C compiler, and there is none here: install one (gcc, Xcode's command line tools, Visual C++), or "
        "ask for a version that has a wheel for this Python.",
    ),
    (
        r"can't find Rust compiler|rustc.{0,40}not found|cargo.{0,40}(not found|is not installed)|Rust toolchain.*not",
        "It needs a Rust compiler, and there is none here: install Rust, or ask for a version that has a wheel.",
    ),
    (
        r"Python\.h: No such file|'Python\.h' file not found",
        "It needs the headers of Python: install python3-dev (python3-devel), or use a Python that has them.",
    ),
    (
        r"\b(longintrepr|graminit|pycore_\w+)\.h'?:? (No such file|file not found)"
        r"|(PyThreadState|PyFrameObject|PyCodeObject|PyLongObject|struct _(ts|frame|longobject))\b.{0,60} no member"
        r"|no member named .{0,40} in '?(struct _(ts|frame|longobject)|Py\w+)",
        "It was written for an older Python, whose insides were others: ask for a newer version of it, or give the "
        'script an older Python, such as requires-python = "<3.11".',
    ),
    (
        r"fatal error: '?[\w./+-]+\.h'?:? (No such file|file not found)|library '?-l\w+'? not found|cannot find -l\w",
        "It needs the development files of a C library that is not here; the lines above say which.",
    ),
    (
        r"No module named '?(pkg_resources|distutils|imp)\b|no attribute '(ImpImporter|SafeConfigParser|getargspec)'",
        "It was written for an older Python or older build tools: ask for a newer version of it, or give --python.",
    ),
    (
        r"No module named '?(?P<module>[\w.]+)",
        "It imports {module} while it is built, and does not say so in its build requirements: tell the project, or "
        "ask for another version.",
    ),
)


class BuildOutput:
    """The lines of one build."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)

    def add(self, line: str) -> None:
        """Keep a line, without its end."""
        self._lines.append(line)

    def last_lines(self) -> str:
        """Return the lines to show, marked as somebody else's words: the end, without the tools' own frames."""
        lines = [line for line in _without_frames_of_tools(list(self._lines)) if line.strip()]
        return "\n".join(f"  | {_shortened(line)}" for line in lines[-_SHOWN_LINES:])

    def hint(self) -> str | None:
        """Return what a person can do about a failure that is well known, or None."""
        text = "\n".join(self._lines)
        for pattern, hint in _HINTS:
            if found := re.search(pattern, text):
                return hint.format(**found.groupdict())
        return None


def lines_of(stream: IO[str]) -> Iterator[str]:
    """Yield what is read, line by line and without the ends; one that is longer than any comes in pieces."""
    while line := stream.readline(_KEPT_CHARACTERS):
        yield line.rstrip("\n")


def _shortened(line: str) -> str:
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]} …"


def _without_frames_of_tools(lines: list[str]) -> list[str]:
    """Leave out of tracebacks what only says how the backend was called."""
    kept: list[str] = []
    is_left_out = False
    for line in lines:
        if frame := _FRAME.match(line):
            is_left_out = _OF_THE_TOOLS.search(frame["path"]) is not None
        elif not line.startswith("    "):
            is_left_out = False
        if not is_left_out:
            kept.append(line)
    return kept
