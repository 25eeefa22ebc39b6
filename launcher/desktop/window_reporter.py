"""A preparation's progress in a window, which appears only where there is something to wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable

from launcher.desktop.window import ProgressWindow, Windows, WindowUnavailable
from launcher.reporter import SilentReporter, megabytes

_REFRESHING_S = 0.1
_CLOSING_S = 5.0
"""A window that is not there by then is left to close itself when it comes."""
_MOST_NAMES = 3


class WindowReporter(SilentReporter):
    """Shows steps, names and sizes in a window that opens `delay_s` after the first step; satisfies `Reporter`.

    `on_cancel` is called once, from a thread, if the person asks to stop. Where no window can be shown, nothing is.
    """

    def __init__(
        self, windows: Windows, title: str, heading: str, on_cancel: Callable[[], None], delay_s: float = 0.5
    ) -> None:
        self._windows, self._title, self._heading, self._on_cancel = windows, title, heading, on_cancel
        self._delay_s = delay_s
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None
        self._progress = _Progress()

    def step(self, text: str) -> None:
        """Show the step, in a window of its own if it takes long."""
        with self._lock:
            self._progress.begin_step(text)
            if self._thread is None and not self._is_over.is_set():
                self._thread = threading.Thread(target=self._show, name="progress window", daemon=True)
                self._thread.start()

    def progress(self, done: int, total: int) -> None:
        """Show it beside the names."""
        with self._lock:
            self._progress.have_parts(done, total)

    def download_started(self, name: str, size_bytes: int | None) -> None:
        """Show its name, and count its size in."""
        with self._lock:
            self._progress.begin_download(name, size_bytes)

    def download_advanced(self, name: str, count_bytes: int) -> None:
        """Let the bar grow."""
        with self._lock:
            self._progress.advance_download(name, count_bytes)

    def download_finished(self, name: str) -> None:
        """Take the name away."""
        with self._lock:
            self._progress.end_download(name)

    def close(self) -> None:
        """Take the window away, if there is one; returns when it is off the screen."""
        self._is_over.set()
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(_CLOSING_S)

    def _show(self) -> None:
        if self._is_over.wait(self._delay_s):
            return
        try:
            window = self._windows.open_progress(self._title, self._heading, self._on_cancel)
        except WindowUnavailable:
            return
        try:
            self._keep_up(window)
        finally:
            window.close()

    def _keep_up(self, window: ProgressWindow) -> None:
        shown = None
        while True:
            with self._lock:
                now = self._progress.shown()
            if now != shown:
                window.update(*now)
                shown = now
            if self._is_over.wait(_REFRESHING_S):
                return


class _Progress:
    """What is known of the current step, and of the downloads under way: these may have begun before it."""

    def __init__(self) -> None:
        self._step = ""
        self._parts = (0, 0)
        self._missing_bytes: dict[str, int] = {}
        self._done_bytes = self._total_bytes = 0
        self._furthest = 0.0

    def begin_step(self, text: str) -> None:
        self._step, self._parts, self._furthest = text, (0, 0), 0.0
        self._done_bytes, self._total_bytes = 0, sum(self._missing_bytes.values())

    def have_parts(self, done: int, total: int) -> None:
        self._parts = (done, total)

    def begin_download(self, name: str, size_bytes: int | None) -> None:
        self._missing_bytes[name] = size_bytes or 0
        self._total_bytes += size_bytes or 0

    def advance_download(self, name: str, count_bytes: int) -> None:
        self._done_bytes += count_bytes
        missing = self._missing_bytes.get(name, 0) - count_bytes
        self._missing_bytes[name] = max(0, missing)
        self._total_bytes += max(0, -missing)  # nobody told its size, or a wrong one

    def end_download(self, name: str) -> None:
        self._missing_bytes.pop(name, None)

    def shown(self) -> tuple[str, float | None]:
        """Return the step, in a second line what is being downloaded, and how much is done."""
        names = sorted(self._missing_bytes, key=lambda name: -self._missing_bytes[name])
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        done, total = self._parts
        count = f"{done} of {total}" if total else ""
        amount = f"{megabytes(self._done_bytes)} of {megabytes(self._total_bytes)}" if self._total_bytes else ""
        details = (count, amount, ", ".join(names[:_MOST_NAMES]) + more)
        return f"{self._step}\n" + " \N{MIDDLE DOT} ".join(filter(None, details)), self._fraction()

    def _fraction(self) -> float | None:
        """Return how much is done, as far as is known; a bar never goes back when more turns out to be needed.

        What has arrived counts for one half, what has become of it for the other.
        """
        known = [done / total for done, total in (self._parts, (self._done_bytes, self._total_bytes)) if total]
        self._furthest = min(1.0, max(self._furthest, sum(known) / len(known) if known else 0.0))
        return self._furthest or None
