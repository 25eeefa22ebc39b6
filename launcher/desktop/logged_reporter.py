"""A preparation's progress in a window, and in the log what of it is worth keeping."""

from __future__ import annotations

from collections.abc import Callable

from launcher.desktop.log import Log
from launcher.desktop.window import Windows
from launcher.desktop.window_reporter import WindowReporter


class LoggedReporter(WindowReporter):
    """A `WindowReporter` whose steps, details and warnings a log has as well: a window that went says nothing more."""

    def __init__(self, windows: Windows, title: str, heading: str, on_cancel: Callable[[], None], log: Log) -> None:
        super().__init__(windows, title, heading, on_cancel)
        self._log = log

    def step(self, text: str) -> None:
        """Write and show it."""
        self._log.write(text)
        super().step(text)

    def detail(self, text: str, level: int = 1) -> None:
        """Write it, unless it is one of very many."""
        if level == 1:
            self._log.write(text)

    def warning(self, text: str) -> None:
        """Write it: nobody is to be stopped by a window for it."""
        self._log.write(f"Warning: {text}")

    def finished(self, text: str) -> None:
        """Write it."""
        self._log.write(text)
