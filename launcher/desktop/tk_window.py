"""Windows made with tkinter, by `tk_program` in a process of its own, which runs the launcher's own Python.

Lines of JSON go there and come back: first what to show, then each progress; back come what happened to the window and
what the person did.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from launcher.desktop.shown_text import heading_text, label_text, output_text, row_text, source_text, title_text
from launcher.desktop.window import Failure, Question, WindowUnavailable
from launcher.desktop.window_process import WindowProcess

_PROGRAM = Path(__file__).with_name("tk_program.py")
_STARTING_S = 20.0
"""A display may take the connection and say nothing: somebody who waits for a window that long has none."""


_Message = dict[str, Any]


def has_tkinter() -> bool:
    """Tell whether this Python has tkinter; Debian's own, for one, comes without."""
    from importlib.util import find_spec  # noqa: PLC0415 - 2 ms, and only a window asks

    return bool(sys.executable) and find_spec("_tkinter") is not None and find_spec("tkinter") is not None


class TkWindows:
    """Windows made with tkinter; satisfies `Windows`. The variables are what the windows' processes get."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def ask(self, question: Question) -> bool:
        """Show the question; see `Windows`."""
        shown = {
            "rows": [[label_text(label), row_text(text)] for label, text in question.rows],
            "source": source_text(question.source),
            "accept": label_text(question.accept),
            "reject": label_text(question.reject),
        }
        process, events = self._opened("question", question.title, question.heading, shown)
        with closing(process):
            return any(event.get("event") == "accepted" for event in events)

    def tell(self, failure: Failure) -> None:
        """Show what went wrong; see `Windows`."""
        shown = {"details": output_text(failure.details), "log": row_text(failure.log)}
        process, events = self._opened("failure", failure.title, failure.heading, shown)
        with closing(process):
            for _ in events:
                pass

    def open_progress(self, title: str, heading: str, on_cancel: Callable[[], None]) -> TkProgress:
        """Open a window that shows progress; see `Windows`."""
        return TkProgress(*self._opened("progress", title, heading, {}), on_cancel)

    def _opened(self, kind: str, title: str, heading: str, rest: _Message) -> tuple[WindowProcess, Iterator[_Message]]:
        """Start the program, and return it and what it tells from then on, once its window is on the screen."""
        # Isolated: nothing in the current directory or in the variables may stand in for what it imports.
        process = WindowProcess([sys.executable, "-I", "-S", str(_PROGRAM)], self._environ)
        process.send(json.dumps({"kind": kind, "title": title_text(title), "heading": heading_text(heading), **rest}))
        events = _events(process)
        with process.coming_up(_STARTING_S):
            first = next(events, {})
            if first.get("event") != "shown":
                process.wait()
                raise WindowUnavailable(first.get("reason") or process.complaint or "tkinter showed nothing")
        return process, events


class TkProgress:
    """A progress window that is on the screen; satisfies `ProgressWindow`."""

    def __init__(self, process: WindowProcess, events: Iterator[_Message], on_cancel: Callable[[], None]) -> None:
        self._process, self._events, self._on_cancel = process, events, on_cancel
        self._cancelled = threading.Event()
        self._listener = threading.Thread(target=self._listen, name="progress window", daemon=True)
        self._listener.start()

    def update(self, text: str, fraction: float | None) -> None:
        """Show it; see `ProgressWindow`."""
        self._process.send(json.dumps({"text": heading_text(text), "fraction": fraction}))

    def is_cancelled(self) -> bool:
        """Tell whether the person asked to stop."""
        return self._cancelled.is_set()

    def close(self) -> None:
        """Take the window away; see `ProgressWindow`."""
        self._process.close()
        if threading.current_thread() is not self._listener:
            self._listener.join()

    def _listen(self) -> None:
        for event in self._events:
            if event.get("event") == "cancelled" and not self._cancelled.is_set():
                self._cancelled.set()
                self._on_cancel()
        self._process.wait()


def _events(process: WindowProcess) -> Iterator[_Message]:
    for line in process.lines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event
