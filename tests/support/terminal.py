"""A person at a terminal: the program under test runs in one of its own, and is answered when it asks."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.conftest import Program

_LONGEST_S = 60.0
_IN_ITS_OWN_TERMINAL = """\
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(2, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def at_terminal(
    program: Program,
    *arguments: str | Path,
    answers: Sequence[str],
    typed_before: str = "",
    stdin: bytes | None = None,
) -> tuple[int, str]:
    """Run the program in a terminal and return its exit code and all that is seen there.

    Each answer is typed when a question is asked, which is told by its end, ``[n] ``. `typed_before` is typed at once.
    What is given as `stdin` comes through a pipe instead of from the terminal.
    """
    ours, theirs = pty.openpty()
    if typed_before:
        os.write(ours, typed_before.encode())
    process = subprocess.Popen(
        [sys.executable, "-c", _IN_ITS_OWN_TERMINAL, str(program.path), *map(str, arguments)],
        env=program.variables({"TERM": "xterm", "COLUMNS": "200"}),
        cwd=program.directory,
        stdin=theirs if stdin is None else subprocess.PIPE,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    if process.stdin is not None:
        process.stdin.write(stdin or b"")
        process.stdin.close()
    seen = _conversation(ours, list(answers))
    os.close(ours)
    return process.wait(_LONGEST_S), seen.decode("utf-8", "replace").replace("\r\n", "\n")


def _conversation(ours: int, answers: list[str]) -> bytes:
    """Answer each question and return everything that was seen, the answers among it."""
    seen, answered_up_to = b"", 0
    while True:
        assert select.select([ours], [], [], _LONGEST_S)[0], seen
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux says so where the other end is closed
            return seen
        if not piece:
            return seen
        seen += piece
        if answers and seen[answered_up_to:].endswith(b"[n] "):
            answered_up_to = len(seen)
            os.write(ours, answers.pop(0).encode() + b"\n")
