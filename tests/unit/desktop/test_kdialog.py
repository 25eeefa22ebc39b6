from __future__ import annotations

import shutil

import pytest

from launcher.desktop import kdialog
from launcher.desktop.kdialog import KdialogProgress, KdialogWindows
from launcher.desktop.window import Failure, Question, WindowUnavailable
from tests.unit.desktop.fake_process import FakeProcess

QUESTION = Question("Run a.py?", "Run <b>it</b>?", (("File", "C:\\new\\a&b.py"),), "print(1)\n")


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> KdialogWindows:
    monkeypatch.setattr(kdialog, "WindowProcess", FakeProcess)
    monkeypatch.setattr(shutil, "which", lambda program, path: program)
    return KdialogWindows("kdialog", {"DISPLAY": ":9"})


@pytest.mark.parametrize(
    ("lines", "status", "answer"),
    [(["run"], 0, True), (["nothing"], 0, False), ([], 0, False), ([], 1, False), (["run"], 1, False)],
)
def test_only_a_yes_that_is_spelled_out_is_one(
    windows: KdialogWindows, lines: list[str], status: int, answer: bool
) -> None:
    FakeProcess.expect((lines, status))
    assert windows.ask(QUESTION) is answer
    words = FakeProcess.started[0].command
    assert words[-9:] == ["nothing", "Cancel", "on", "source", "View source", "off", "run", "Run", "off"]
    text = words[words.index("--radiolist") + 1]
    assert text.startswith("<qt>")
    assert "Run &lt;b&gt;it&lt;/b&gt;?" in text
    assert "C:\\\\new\\\\a&amp;b.py" in text


def test_the_source_is_shown_and_the_question_asked_again(windows: KdialogWindows) -> None:
    FakeProcess.expect((["source"], 0), ([], 0), (["run"], 0))
    assert windows.ask(QUESTION)
    assert [process.command[3] for process in FakeProcess.started] == ["--radiolist", "--textbox", "--radiolist"]


@pytest.mark.parametrize("status", [134, 255, -6, 128 + 15])
def test_what_is_aborted_is_unavailable(windows: KdialogWindows, status: int) -> None:
    FakeProcess.expect((["run"], status), ([], status))
    with pytest.raises(WindowUnavailable):
        windows.ask(QUESTION)
    with pytest.raises(WindowUnavailable):
        windows.tell(Failure("t", "h"))


def test_details_are_an_argument_that_is_not_too_long(windows: KdialogWindows) -> None:
    FakeProcess.expect(([], 2), ([], 1))
    windows.tell(Failure("t", "h", "<!--\n&&&&&&&\n" * 100_000 + "the last line", "/log"))
    command = FakeProcess.started[0].command
    assert command[3] == "--detailederror"
    assert command[-1].endswith("the last line</pre></qt>")
    assert max(len(word.encode()) for word in command) < 128 * 1024
    windows.tell(Failure("t", "h"))
    assert FakeProcess.started[1].command[3] == "--error"


def test_progress_that_d_bus_does_not_reach_is_unavailable(windows: KdialogWindows) -> None:
    FakeProcess.expect(([], 3))
    with pytest.raises(WindowUnavailable, match="D-Bus"):
        windows.open_progress("t", "h", lambda: None)
    assert FakeProcess.started[0].is_closed


def test_progress_without_the_program_that_shows_it_is_unavailable() -> None:
    with pytest.raises(WindowUnavailable, match="kdialog_progress_helper"):
        KdialogWindows("kdialog", {"PATH": "/nowhere"}).open_progress("t", "h", lambda: None)


@pytest.mark.parametrize(("status", "is_cancelled"), [(0, True), (-9, False)])
def test_a_progress_window_that_was_closed_cancels(
    windows: KdialogWindows, status: int, is_cancelled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kdialog, "_POLLING_S", 0)
    calls: list[str] = []
    FakeProcess.expect((["shown"], status))
    progress = windows.open_progress("t", "<h>", lambda: calls.append("cancelled"))
    assert isinstance(progress, KdialogProgress)
    progress.update("a\n<b>", 0.5)
    progress._threads[0].join()
    assert progress.is_cancelled() is is_cancelled
    assert calls == ["cancelled"] * is_cancelled
    assert progress._shown == "49 <qt><p><b>&lt;h&gt;</b></p>a<br>&lt;b&gt;</qt>"
    progress.close()
