"""A stand-in for the process of a window, which says what it was told to say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from launcher.desktop.window_process import WindowProcess


class FakeProcess:
    """Keeps what it was started with and sent; `script` has the lines and the exit status of each one, in turn."""

    script: ClassVar[list[tuple[list[str], int]]] = []
    complaint_of_all: ClassVar[str] = ""
    started: ClassVar[list[FakeProcess]] = []

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self.command, self.environ = list(command), dict(environ)
        self._lines, self._status = FakeProcess.script.pop(0)
        self.sent: list[str] = []
        self.is_closed = self.is_kept = False
        FakeProcess.started.append(self)

    @classmethod
    def kept(cls, command: Sequence[str], environ: Mapping[str, str]) -> FakeProcess:
        process = cls(command, environ)
        process.is_kept = True
        return process

    @property
    def complaint(self) -> str:
        return FakeProcess.complaint_of_all

    def send(self, line: str) -> None:
        self.sent.append(line)

    def lines(self) -> Iterator[str]:
        yield from self._lines

    coming_up = WindowProcess.coming_up

    def wait(self, timeout_s: float | None = None) -> int | None:
        return None if timeout_s is not None else self._status

    def kill(self) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True

    @classmethod
    def expect(cls, *script: tuple[list[str], int], complaint: str = "") -> None:
        """Let the processes from now on say this."""
        cls.script, cls.started, cls.complaint_of_all = list(script), [], complaint
