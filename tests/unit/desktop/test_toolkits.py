from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from launcher.desktop import toolkits
from launcher.desktop.kdialog import KdialogWindows
from launcher.desktop.tk_window import TkWindows
from launcher.desktop.toolkits import FirstThatShows, present_toolkits
from launcher.desktop.window import Failure, ProgressWindow, Question, WindowUnavailable, choose_windows
from launcher.desktop.zenity import ZenityWindows


class Toolkit:
    def __init__(self, is_broken: bool) -> None:
        self.is_broken = is_broken
        self.asked = 0

    def ask(self, question: Question) -> bool:
        self.asked += 1
        if self.is_broken:
            raise WindowUnavailable("broken")
        return True

    def tell(self, failure: Failure) -> None:
        self.ask(Question("", ""))

    def open_progress(self, title: str, heading: str, on_cancel: Callable[[], None]) -> ProgressWindow:
        self.ask(Question("", ""))
        raise WindowUnavailable("none")


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return variables for a Linux desktop that has both programs, and a Python with tkinter."""
    for name in ("zenity", "kdialog"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(toolkits, "has_tkinter", lambda: True)
    return {"DISPLAY": ":0", "PATH": str(tmp_path)}


def test_tkinter_comes_first_then_zenity_then_kdialog(environ: dict[str, str], tmp_path: Path) -> None:
    assert [type(each) for each in present_toolkits(environ)] == [TkWindows, ZenityWindows, KdialogWindows]
    (tmp_path / "zenity").unlink()
    assert [type(each) for each in present_toolkits(environ, "no toolkit")] == [TkWindows, KdialogWindows]


@pytest.mark.parametrize(
    ("wanted", "kind"), [("tkinter", TkWindows), ("zenity", ZenityWindows), ("kdialog", KdialogWindows)]
)
def test_one_can_be_chosen(environ: dict[str, str], wanted: str, kind: type) -> None:
    assert [type(each) for each in present_toolkits(environ, wanted)] == [kind]
    assert choose_windows({**environ, "PYSCRIPT_WINDOWS": wanted}) is not None
    assert choose_windows({**environ, "PYSCRIPT_WINDOWS": "kdialog", "PATH": "/nowhere"}) is None


def test_there_is_none_without_any(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolkits, "has_tkinter", lambda: False)
    assert choose_windows({**environ, "PATH": "/nowhere"}) is None


def test_windows_and_macos_have_tkinter_alone(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert [type(each) for each in present_toolkits(environ)] == [TkWindows]
    assert choose_windows({}) is not None


def test_a_broken_toolkit_is_stood_in_for_and_not_asked_again() -> None:
    broken, whole = Toolkit(is_broken=True), Toolkit(is_broken=False)
    windows = FirstThatShows([broken, whole])
    assert windows.ask(Question("", ""))
    windows.tell(Failure("", ""))
    assert (broken.asked, whole.asked) == (1, 2)


def test_where_all_are_broken_the_reasons_are_told() -> None:
    windows = FirstThatShows([Toolkit(is_broken=True), Toolkit(is_broken=True)])
    with pytest.raises(WindowUnavailable, match="broken; broken"):
        windows.ask(Question("", ""))
    with pytest.raises(WindowUnavailable, match="no toolkit"):
        windows.open_progress("", "", lambda: None)
