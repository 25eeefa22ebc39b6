"""The toolkits that are here, the best first, and how they stand in for one another."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from launcher.desktop.kdialog import KdialogWindows
from launcher.desktop.tk_window import TkWindows, has_tkinter
from launcher.desktop.window import Failure, ProgressWindow, Question, Windows, WindowUnavailable
from launcher.desktop.zenity import ZenityWindows

_T = TypeVar("_T")


def present_toolkits(environ: Mapping[str, str], wanted: str = "") -> list[Windows]:
    """Return what could show windows here, the best first; only the one that is `wanted`, if that is one of them."""
    makers: dict[str, Callable[[], Windows | None]] = {"tkinter": lambda: TkWindows(environ) if has_tkinter() else None}
    if sys.platform not in ("win32", "darwin"):
        makers["zenity"] = lambda: ZenityWindows(path, environ) if (path := _found("zenity", environ)) else None
        makers["kdialog"] = lambda: KdialogWindows(path, environ) if (path := _found("kdialog", environ)) else None
    if wanted in makers:
        makers = {wanted: makers[wanted]}
    return [windows for make in makers.values() if (windows := make()) is not None]


class FirstThatShows:
    """Several toolkits as one; satisfies `Windows`. One that shows nothing is not asked again."""

    def __init__(self, toolkits: Sequence[Windows]) -> None:
        self._toolkits = list(toolkits)

    def ask(self, question: Question) -> bool:
        """Show the question; see `Windows`."""
        return self._first(lambda windows: windows.ask(question))

    def tell(self, failure: Failure) -> None:
        """Show what went wrong; see `Windows`."""
        self._first(lambda windows: windows.tell(failure))

    def open_progress(self, title: str, heading: str, on_cancel: Callable[[], None]) -> ProgressWindow:
        """Open a window that shows progress; see `Windows`."""
        return self._first(lambda windows: windows.open_progress(title, heading, on_cancel))

    def _first(self, show: Callable[[Windows], _T]) -> _T:
        reasons = []
        for windows in tuple(self._toolkits):
            try:
                return show(windows)
            except WindowUnavailable as error:
                reasons.append(str(error))
                self._toolkits = [each for each in self._toolkits if each is not windows]
        raise WindowUnavailable("; ".join(reasons) or "no toolkit shows anything")


def _found(program: str, environ: Mapping[str, str]) -> str | None:
    return shutil.which(program, path=environ.get("PATH"))
