"""A question to the person at the terminal, who may have given stdin to the script."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress

from launcher.cli import console
from launcher.cli.output import Line
from launcher.script.visible_text import visible

_LONGEST_ANSWER = 1024
_MOST_QUESTIONS = 3
_CONTROLLING = "CONIN$" if sys.platform == "win32" else "/dev/tty"
_STYLES = {"bad": "error", "warn": "warning", "": ""}


class Terminal:
    """Where somebody reads what is said on stderr and types answers."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def show(self, lines: Iterable[Line]) -> None:
        """Show lines of styled parts; what cannot be seen in a text, or would end the line, is escaped here."""
        for line in lines:
            texts = ((visible(text), _STYLES.get(style, style)) for text, style in line)
            shown = "".join(console.styled(text, style) if style and text else text for text, style in texts)
            self._write(shown.rstrip() + "\n")

    def ask(self, question: Line, answers: Mapping[str, str], default: str, *, most: int = _MOST_QUESTIONS) -> str:
        """Return what an answer stands for, `default` for an empty one and where nothing that is known is answered.

        It is asked `most` times, at most.
        What was typed, or pasted, before the question was there is no answer to it.
        """
        for _ in range(most):
            self._forget_what_was_typed()
            for text, style in question:
                self._write(console.styled(console.sanitised(text), style) if style else console.sanitised(text))
            typed = os.read(self._descriptor, _LONGEST_ANSWER)
            if not typed:
                self._write("\n")
                return default
            answer = typed.decode("utf-8", "replace").strip().lower()
            if not answer:
                return default
            if answer in answers:
                return answers[answer]
        return default

    def _forget_what_was_typed(self) -> None:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - there is none elsewhere

            while msvcrt.kbhit():
                msvcrt.getwch()
        else:
            import termios  # noqa: PLC0415 - there is none on Windows

            with suppress(termios.error):
                termios.tcflush(self._descriptor, termios.TCIFLUSH)

    def _write(self, text: str) -> None:
        stream = sys.stderr
        encoding = getattr(stream, "encoding", None) or "utf-8"
        # An answer must not be given to what could not be shown.
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()


@contextmanager
def open_terminal() -> Iterator[Terminal | None]:
    """Give the terminal, or None where nobody can be asked: messages go elsewhere, or there is no terminal.

    Where stdin is not one, answers are read from the controlling terminal: stdin is the script's.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    if sys.stdin is not None and sys.stdin.isatty():
        yield Terminal(sys.stdin.fileno())
        return
    try:
        descriptor = os.open(_CONTROLLING, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    except OSError:
        yield None
        return
    try:
        yield Terminal(descriptor)
    finally:
        os.close(descriptor)
