from __future__ import annotations

import json
import queue
import sys
from pathlib import Path
from typing import Any

import pytest

from launcher.desktop import tk_window
from launcher.desktop.tk_window import TkWindows, has_tkinter
from launcher.desktop.window import Failure, Question, WindowUnavailable
from tests.unit.desktop.fake_process import FakeProcess

SHOWN = '{"event": "shown"}'
QUESTION = Question("Run a.py?", "Run it?", (("File", "/x/a.py"),), "print('\u202e')\n")


@pytest.fixture(autouse=True)
def _no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tk_window, "WindowProcess", FakeProcess)


def message() -> dict[str, Any]:
    found = json.loads(FakeProcess.started[0].sent[0])
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        ([SHOWN, '{"event": "accepted"}'], True),
        ([SHOWN], False),
        ([SHOWN, "no JSON", "[]", '{"event": "cancelled"}'], False),
    ],
)
def test_only_what_was_accepted_is_a_yes(lines: list[str], answer: bool) -> None:
    FakeProcess.expect((lines, 0))
    assert TkWindows({"DISPLAY": ":9"}).ask(QUESTION) is answer
    process = FakeProcess.started[0]
    assert process.is_closed
    assert process.environ == {"DISPLAY": ":9"}


def test_the_program_runs_isolated_and_gets_clean_text_in_one_line() -> None:
    FakeProcess.expect(([SHOWN], 0))
    TkWindows({}).ask(QUESTION)
    process = FakeProcess.started[0]
    assert process.command[:3] == [sys.executable, "-I", "-S"]
    assert Path(process.command[3]).name == "tk_program.py"
    assert [line for line in process.sent if "\n" in line] == []
    assert message() == {
        "kind": "question",
        "title": "Run a.py?",
        "heading": "Run it?",
        "rows": [["File", "/x/a.py"]],
        "source": "print('\\u202e')\n",
        "accept": "Run",
        "reject": "Cancel",
    }


def test_a_failure_has_its_details_and_its_log() -> None:
    FakeProcess.expect(([SHOWN], 0))
    TkWindows({}).tell(Failure("t", "h", "\x1b[1mdetails", "/log"))
    assert message() == {"kind": "failure", "title": "t", "heading": "h", "details": "details", "log": "/log"}
    assert FakeProcess.started[0].is_closed


@pytest.mark.parametrize(
    ("lines", "complaint", "reason"),
    [
        (['{"event": "unavailable", "reason": "no display"}'], "", "no display"),
        ([], "X Error of failed request", "X Error of failed request"),
        ([], "", "tkinter showed nothing"),
    ],
)
def test_what_never_shows_is_unavailable(lines: list[str], complaint: str, reason: str) -> None:
    windows = TkWindows({})
    FakeProcess.expect(*[(lines, 1)] * 3, complaint=complaint)
    with pytest.raises(WindowUnavailable, match=reason):
        windows.ask(QUESTION)
    with pytest.raises(WindowUnavailable, match=reason):
        windows.tell(Failure("t", "h"))
    with pytest.raises(WindowUnavailable, match=reason):
        windows.open_progress("t", "h", lambda: None)
    assert all(process.is_closed for process in FakeProcess.started)


def test_cancelling_is_told_once() -> None:
    told: queue.SimpleQueue[str] = queue.SimpleQueue()
    FakeProcess.expect(([SHOWN, '{"event": "cancelled"}', '{"event": "cancelled"}'], 0))
    window = TkWindows({}).open_progress("t", "h", lambda: told.put("cancelled"))
    assert told.get(timeout=60) == "cancelled"
    window.update("step\nnames", 0.5)
    window.close()
    assert window.is_cancelled()
    assert told.empty()
    assert json.loads(FakeProcess.started[0].sent[1]) == {"text": "step\nnames", "fraction": 0.5}


def test_a_window_that_goes_by_itself_cancels_nothing() -> None:
    FakeProcess.expect(([SHOWN], -9))
    window = TkWindows({}).open_progress("t", "h", lambda: pytest.fail("nobody cancelled"))
    window.close()
    assert not window.is_cancelled()


def test_a_python_without_tkinter_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "_tkinter" else object())
    assert not has_tkinter()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert has_tkinter()
