"""What a window says and what comes back: the types that the toolkits share, and which toolkit is there.

Where nobody sees a terminal, a window asks, shows progress and tells of errors: made with tkinter where the launcher's
Python has it, else with zenity, else with kdialog. Text is given as it came; each toolkit shows it cleaned.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Protocol

from launcher.value import Value


class WindowUnavailable(Exception):
    """Nothing could be shown; whoever wanted a window takes another way, so that nobody meets this error."""


class Question(Value):
    """What is asked before something runs.

    `rows` are labels and texts to decide by, `source` is what "View source" shows; `accept` and `reject` name the
    buttons. To reject is what Enter, Escape and closing the window do.
    """

    title: str
    heading: str
    rows: tuple[tuple[str, str], ...] = ()
    source: str = ""
    accept: str = "Run"
    reject: str = "Cancel"


class Failure(Value):
    """What went wrong: `heading` in plain words, `details` to unfold and copy, and the file that has all of it."""

    title: str
    heading: str
    details: str = ""
    log: str = ""


class ProgressWindow(Protocol):
    """A window that says what is being done, until it is closed. Every method may be called from any thread."""

    def update(self, text: str, fraction: float | None) -> None:
        """Show a text of one line or two, and how much is done, from 0 to 1; None where nobody knows.

        It never waits, and does nothing once the window is gone.
        """

    def is_cancelled(self) -> bool:
        """Tell whether the person asked to stop: by the button, by Escape or by closing the window."""

    def close(self) -> None:
        """Take the window away; returns when it is off the screen."""


class Windows(Protocol):
    """A toolkit. Every method raises `WindowUnavailable` where nothing could be shown at all."""

    def ask(self, question: Question) -> bool:
        """Return whether the person accepts; a window that is closed, or dies, is a no."""

    def tell(self, failure: Failure) -> None:
        """Show what went wrong; returns when the person has closed the window."""

    def open_progress(self, title: str, heading: str, on_cancel: Callable[[], None]) -> ProgressWindow:
        """Open a window that shows progress; `on_cancel` is called once, from a thread, if the person asks to stop."""


def choose_windows(environ: Mapping[str, str]) -> Windows | None:
    """Return what shows windows here, or None where there is no display, or nothing that could show any.

    ``PYSCRIPT_WINDOWS`` may name one toolkit, or say ``none``; any other word is as if it were not set.
    """
    wanted = environ.get("PYSCRIPT_WINDOWS", "")
    if wanted == "none" or not _has_display(environ):
        return None
    # Nobody loads these who has a warm launch or a terminal.
    from launcher.desktop.toolkits import FirstThatShows, present_toolkits  # noqa: PLC0415

    found = present_toolkits(environ, wanted)
    return FirstThatShows(found) if found else None


def _has_display(environ: Mapping[str, str]) -> bool:
    return sys.platform in ("win32", "darwin") or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
