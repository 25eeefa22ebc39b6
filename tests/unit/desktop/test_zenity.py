from __future__ import annotations

from pathlib import Path

import pytest

from launcher.desktop import zenity
from launcher.desktop.window import Failure, Question, WindowUnavailable
from launcher.desktop.zenity import ZenityProgress, ZenityWindows
from tests.unit.desktop.fake_process import FakeProcess

QUESTION = Question("Run a_b.py?", "Run <b>it</b>?", (("File", "/x/a_b.py"),), "print(1)\n", accept="Run_it")
NO_DISPLAY = "(zenity:1): Gtk-WARNING **: 08:25:09.235: cannot open display: :77"


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> ZenityWindows:
    monkeypatch.setattr(zenity, "WindowProcess", FakeProcess)
    return ZenityWindows("zenity", {"DISPLAY": ":9"})


@pytest.mark.parametrize(("status", "answer"), [(0, True), (1, False)])
def test_its_exit_status_is_the_answer(windows: ZenityWindows, status: int, answer: bool) -> None:
    FakeProcess.expect(([], status))
    assert windows.ask(QUESTION) is answer
    process = FakeProcess.started[0]
    assert process.is_closed
    assert process.is_kept
    assert process.command[:2] == ["zenity", "--question"]
    words = process.command
    assert {"--default-cancel", "--no-markup", "--ok-label=_Run__it", "--extra-button=View source"} <= set(words)
    assert "--text=Run <b>it</b>?\n\nFile: /x/a_b.py" in words
    assert all(word.startswith("--") for word in words[1:])


def test_the_source_is_shown_and_the_question_asked_again(windows: ZenityWindows) -> None:
    FakeProcess.expect((["View source"], 1), ([], 0), ([], 0))
    assert windows.ask(QUESTION)
    assert [process.command[1] for process in FakeProcess.started] == ["--question", "--text-info", "--question"]
    path = Path(FakeProcess.started[1].command[2].removeprefix("--filename="))
    assert not path.exists()
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("status", "complaint"), [(1, NO_DISPLAY), (255, ""), (-6, ""), (139, ""), (1, "Failed to open display")]
)
def test_what_shows_nothing_is_unavailable(windows: ZenityWindows, status: int, complaint: str) -> None:
    FakeProcess.expect(([], status), ([], status), complaint=complaint)
    with pytest.raises(WindowUnavailable):
        windows.ask(QUESTION)
    with pytest.raises(WindowUnavailable):
        windows.tell(Failure("t", "h"))
    assert all(process.is_closed for process in FakeProcess.started)


def test_a_failure_names_the_log_and_shows_the_details_where_asked(windows: ZenityWindows) -> None:
    FakeProcess.expect((["View details"], 1), ([], 0), ([], 0))
    windows.tell(Failure("t", "It failed.", "Traceback", "/the/log"))
    first = FakeProcess.started[0].command
    assert "--error" in first
    assert "--text=It failed.\n\nLog: /the/log" in first
    assert [process.command[1] for process in FakeProcess.started] == ["--error", "--text-info", "--error"]


def test_progress_is_lines_in_which_nothing_is_markup_or_an_escape(windows: ZenityWindows) -> None:
    FakeProcess.expect(([], 0))
    progress = windows.open_progress("t", "Preparing <i>", lambda: pytest.fail("nobody cancelled"))
    progress.update("Fetching C:\\new\n<b>x</b> & y", 0.5)
    progress.update("Done", 1.0)
    progress.update("Waiting", None)
    progress.close()
    assert not FakeProcess.started[0].is_kept
    assert "--text=Preparing \u2039i\u203a" in FakeProcess.started[0].command
    assert FakeProcess.started[0].sent == [
        "#Preparing \u2039i\u203a\\nFetching C:\\\\new\\n\u2039b\u203ax\u2039/b\u203a \uff06 y",
        "pulsate:false\n50",
        "#Preparing \u2039i\u203a\\nDone",
        "pulsate:false\n99",
        "#Preparing \u2039i\u203a\\nWaiting",
        "pulsate:true",
    ]


@pytest.mark.parametrize(
    ("status", "complaint", "is_cancelled"), [(1, "", True), (1, NO_DISPLAY, False), (-9, "", False)]
)
def test_only_its_cancel_button_cancels(
    windows: ZenityWindows, status: int, complaint: str, is_cancelled: bool
) -> None:
    calls: list[str] = []
    FakeProcess.expect(([], status), complaint=complaint)
    progress = windows.open_progress("t", "h", lambda: calls.append("cancelled"))
    assert isinstance(progress, ZenityProgress)
    progress._listener.join()
    assert progress.is_cancelled() is is_cancelled
    assert calls == ["cancelled"] * is_cancelled
    progress.close()
