"""Windows made with zenity, where the launcher's Python has no tkinter."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from launcher.desktop.shown_text import (
    heading_text,
    label_text,
    output_text,
    row_text,
    source_text,
    title_text,
    wrapped,
)
from launcher.desktop.window import Failure, Question, WindowUnavailable
from launcher.desktop.window_process import WindowProcess

_ACCEPTED, _REJECTED = 0, 1
_WIDTH = ("--width=480",)
_INDENT = "        "
_TEXT_SIZE = ("--width=760", "--height=520")
_VIEW_SOURCE, _VIEW_DETAILS = "View source", "View details"
_FAILING_S = 0.4
_NO_DISPLAY = ("cannot open display", "Failed to open display")
"""Its exit status is that of Cancel when there is no display; only the complaint tells."""


class ZenityWindows:
    """Windows made with zenity; satisfies `Windows`. What it shows is never markup."""

    def __init__(self, program: str, environ: Mapping[str, str]) -> None:
        self._program, self._environ = program, environ

    def ask(self, question: Question) -> bool:
        """Show the question; see `Windows`."""
        rows = [wrapped(f"{label_text(label)}: {row_text(text)}", _INDENT) for label, text in question.rows]
        text = "\n".join((wrapped(heading_text(question.heading)), "", *rows))
        labels = (f"--ok-label={_label(question.accept)}", f"--cancel-label={_label(question.reject)}")
        more = (f"--extra-button={_VIEW_SOURCE}",) if question.source else ()
        while True:
            words = ("--question", "--default-cancel", *labels, *more, *_message(question.title, text))
            status, answer = self._run(words)
            if answer != _VIEW_SOURCE:
                return status == _ACCEPTED
            self._show_text(question.title, source_text(question.source))

    def tell(self, failure: Failure) -> None:
        """Show what went wrong; see `Windows`."""
        log = ("", wrapped(f"Log: {row_text(failure.log)}", _INDENT)) if failure.log else ()
        text = "\n".join((wrapped(heading_text(failure.heading)), *log))
        more = (f"--extra-button={_VIEW_DETAILS}",) if failure.details else ()
        words = ("--error", "--ok-label=Close", *more, *_message(failure.title, text))
        while self._run(words)[1] == _VIEW_DETAILS:
            self._show_text(failure.title, output_text(failure.details))

    def open_progress(self, title: str, heading: str, on_cancel: Callable[[], None]) -> ZenityProgress:
        """Open a window that shows progress; see `Windows`."""
        return ZenityProgress(self._program, self._environ, title, heading_text(heading), on_cancel)

    def _run(self, words: Sequence[str]) -> tuple[int, str]:
        """Return the exit status of a dialog and what it wrote; raises `WindowUnavailable`."""
        with closing(WindowProcess.kept([self._program, *words], self._environ)) as process:
            lines = list(process.lines())
            status = process.wait()
            if _has_failed(status, process.complaint):
                raise WindowUnavailable(process.complaint or f"zenity ended with {status}")
            return status or 0, lines[0] if lines else ""

    def _show_text(self, title: str, text: str) -> None:
        # A file, because no argument may be so long, and its input tells that we are there.
        with tempfile.TemporaryDirectory(prefix="pyscript-") as directory:
            path = Path(directory) / "text"
            path.write_text(text, "utf-8", "replace")
            shown = (f"--filename={path}", f"--title={title_text(title)}", "--font=monospace")
            self._run(("--text-info", *shown, *_TEXT_SIZE, "--ok-label=Back", "--cancel-label=Close"))


class ZenityProgress:
    """A progress window of zenity; satisfies `ProgressWindow`. At the end of its input it goes."""

    def __init__(
        self, program: str, environ: Mapping[str, str], title: str, heading: str, on_cancel: Callable[[], None]
    ) -> None:
        self._heading, self._on_cancel = heading, on_cancel
        words = ("--progress", "--pulsate", "--auto-close", f"--title={title_text(title)}", *_WIDTH)
        self._process = WindowProcess([program, *words, f"--text={_line([heading])}"], environ)
        # It tells nobody that it is there, only that it is not.
        if self._process.wait(_FAILING_S) is not None:
            complaint = self._process.complaint
            self._process.close()
            raise WindowUnavailable(complaint or "zenity ended at once")
        self._is_closing = False
        self._cancelled = threading.Event()
        self._listener = threading.Thread(target=self._listen, name="progress window", daemon=True)
        self._listener.start()

    def update(self, text: str, fraction: float | None) -> None:
        """Show it; see `ProgressWindow`. What begins with a # is the text, and what is not, a percentage."""
        self._process.send("#" + _line([self._heading, *heading_text(text).splitlines()]))
        # At 100 it would close by itself.
        self._process.send("pulsate:true" if fraction is None else f"pulsate:false\n{min(99, int(fraction * 100))}")

    def is_cancelled(self) -> bool:
        """Tell whether the person asked to stop."""
        return self._cancelled.is_set()

    def close(self) -> None:
        """Take the window away; see `ProgressWindow`."""
        self._is_closing = True
        self._process.close()
        if threading.current_thread() is not self._listener:
            self._listener.join()

    def _listen(self) -> None:
        for _ in self._process.lines():
            pass
        status = self._process.wait()
        if status == _REJECTED and not self._is_closing and not _has_failed(status, self._process.complaint):
            self._cancelled.set()
            self._on_cancel()


def _has_failed(status: int | None, complaint: str) -> bool:
    return status not in (_ACCEPTED, _REJECTED) or any(each in complaint for each in _NO_DISPLAY)


def _message(title: str, text: str) -> tuple[str, ...]:
    return (f"--title={title_text(title)}", f"--text={text}", "--no-markup", *_WIDTH)


def _line(lines: Sequence[str]) -> str:
    """Return lines as a progress window takes them: in one, where a backslash begins an escape.

    zenity 4 reads markup there, zenity 3 does not, and neither can be told: so nothing in it looks like markup.
    """
    unmarked = "\n".join(lines).translate({ord("<"): "\u2039", ord(">"): "\u203a", ord("&"): "\uff06"})
    return unmarked.replace("\\", "\\\\").replace("\n", "\\n")


def _label(text: str) -> str:
    """Return the text of a button whose first letter opens it, with Alt."""
    return "_" + label_text(text).replace("_", "__")
