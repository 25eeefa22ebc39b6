"""The windows on a screen: what is asked, told and shown there, by each toolkit that is installed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from launcher.desktop.toolkits import present_toolkits
from launcher.desktop.window import Failure, Question, Windows
from launcher.desktop.window_reporter import WindowReporter
from tests.conftest import ROOT
from tests.support.screen import Screen, Window

HOSTILE = "<b>\x00\x1b[31m\u202e\U0001f600\ud800%s\\n&amp;" + "x" * 1_000_000
QUESTION = Question("Run it?", "Run report.py?", (("File", "/x/report.py"),), "print(1)\n" * 10_000)
TITLE = "^Run it"


@pytest.fixture(params=["tkinter", "zenity", "kdialog"])
def windows(request: pytest.FixtureRequest, screen: Screen) -> Windows:
    """Return each toolkit."""
    return toolkit(screen, request.param)


@pytest.fixture
def tk_windows(screen: Screen) -> Windows:
    return toolkit(screen, "tkinter")


def toolkit(screen: Screen, name: str) -> Windows:
    found = present_toolkits(screen.environ, name)
    if not found:
        pytest.skip(f"not installed: {name}")
    return found[0]


@pytest.fixture
def beside() -> Iterator[Callable[[Callable[[], object]], Future[object]]]:
    """Return what calls a function in a thread, because a dialog returns only when it is answered."""
    pool = ThreadPoolExecutor()
    yield pool.submit
    # A dialog that a failed test leaves open is closed with the screen, which comes after this.
    pool.shutdown(wait=False)


Beside = Callable[[Callable[[], object]], "Future[object]"]


@pytest.mark.parametrize(("key", "answer"), [("Return", False), ("Escape", False), ("alt+r", True), ("alt+F4", False)])
def test_a_question_is_answered_by_a_key(
    screen: Screen, tk_windows: Windows, beside: Beside, key: str, answer: bool
) -> None:
    asking = beside(lambda: tk_windows.ask(QUESTION))
    screen.dismiss(screen.wait_for_window(TITLE), key)
    assert asking.result() is answer
    assert screen.windows(TITLE) == []


def test_enter_never_runs_anything(screen: Screen, windows: Windows, beside: Beside) -> None:
    asking = beside(lambda: windows.ask(QUESTION))
    screen.press(screen.wait_for_window(TITLE), "Return")
    assert asking.result() is False


def test_the_button_that_has_the_keyboard_is_what_enter_does(
    screen: Screen, tk_windows: Windows, beside: Beside
) -> None:
    asking = beside(lambda: tk_windows.ask(QUESTION))
    window = screen.wait_for_window(TITLE)
    screen.press(window, "Tab", "Tab")
    screen.dismiss(window, "Return")
    assert asking.result() is True


@pytest.mark.parametrize(("hesitating_ms", "told"), [(3_600_000, []), (0, ["accepted"])])
def test_who_clicks_on_while_a_question_comes_up_has_not_said_yes(
    screen: Screen, tk_windows: Windows, hesitating_ms: int, told: list[str]
) -> None:
    code = f"""
import time
from launcher.desktop import tk_dialogs, tk_look
tk_dialogs._HESITATING_MS = {hesitating_ms}
root, told = tk_look.make_root(), []
message = dict(kind="question", title="Run it?", heading="h", rows=[], source="", accept="Run", reject="Cancel")
dialog = tk_dialogs.make_dialog(tk_look.Look(root), message, told.append)
dialog.appear()
while not dialog.window.winfo_viewable():
    root.update()
until = time.monotonic() + 0.3
while time.monotonic() < until:
    root.update()
run = dialog.band.winfo_children()[0]
run.event_generate("<Enter>")
for event in ("<Button-1>", "<ButtonRelease-1>", "<Alt-r>"):
    run.event_generate(event, x=9, y=9)
print(told[:1])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=screen.environ, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{told}\n"


def test_the_source_unfolds_and_folds(screen: Screen, tk_windows: Windows, beside: Beside) -> None:
    asking = beside(lambda: tk_windows.ask(QUESTION))
    window = screen.wait_for_window(TITLE)
    folded = screen.box_of(window)
    screen.press(window, "Tab", "space")
    screen.wait_until(lambda: height(screen, window) > folded.bottom - folded.top + 100, "the source is unfolded")
    assert screen.frame_of(window).bottom <= 700
    screen.press(window, "space")
    screen.wait_until(lambda: height(screen, window) == folded.bottom - folded.top, "the source is folded")
    screen.press(window, "Escape")
    assert asking.result() is False


def height(screen: Screen, window: Window) -> int:
    box = screen.box_of(window)
    return box.bottom - box.top


def test_a_failure_is_shown_until_it_is_closed(screen: Screen, windows: Windows, beside: Beside) -> None:
    telling = beside(lambda: windows.tell(Failure("It failed", "report.py failed.", "Traceback\n" * 100, "/the/log")))
    window = screen.wait_for_window("^It failed")
    assert not telling.done()
    screen.press(window, "Escape")
    telling.result()
    assert screen.windows("^It failed") == []


def test_a_failure_can_be_copied(screen: Screen, tk_windows: Windows, beside: Beside) -> None:
    telling = beside(lambda: tk_windows.tell(Failure("It failed", "report.py failed.", "Traceback", "/the/log")))
    window = screen.wait_for_window("^It failed")
    screen.press(window, "Tab", "Tab", "space")
    read = "import tkinter; root = tkinter.Tk(); root.withdraw(); print(root.clipboard_get())"

    def clipboard() -> str:
        done = subprocess.run(
            [sys.executable, "-c", read], env=screen.environ, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    screen.wait_until(clipboard, "it is in the clipboard")
    assert clipboard() == "report.py failed.\n\nTraceback\n\nLog: /the/log"
    screen.press(window, "Escape")
    telling.result()


def test_progress_is_off_the_screen_when_it_is_closed(screen: Screen, windows: Windows) -> None:
    progress = windows.open_progress("Preparing", "Preparing report.py", lambda: pytest.fail("nobody cancelled"))
    screen.wait_until(lambda: screen.windows("^Preparing"), "there is a window")
    for number in range(10):
        progress.update(f"Fetching packages\nnumpy {number}", number / 10)
    progress.close()
    assert screen.windows("^Preparing") == []
    assert not progress.is_cancelled()


def test_a_progress_window_cancels(screen: Screen, windows: Windows) -> None:
    cancelled = threading.Event()
    progress = windows.open_progress("Preparing", "Preparing report.py", cancelled.set)
    progress.update("Fetching packages\nnumpy", 0.5)
    window = screen.wait_until(lambda: next(iter(screen.windows("^Preparing")), None), "there is a window")
    screen.press(window, "Escape")
    assert cancelled.wait(60)
    assert progress.is_cancelled()
    progress.close()
    assert screen.windows("^Preparing") == []


def test_cancelling_is_shown_until_it_is_done(screen: Screen, tk_windows: Windows) -> None:
    cancelled = threading.Event()
    progress = tk_windows.open_progress("Preparing", "Preparing report.py", cancelled.set)
    window = screen.wait_until(lambda: next(iter(screen.windows("^Preparing")), None), "there is a window")
    screen.press(window, "Return")
    assert cancelled.wait(60)
    progress.update("Fetching on\n", 0.5)
    assert screen.windows("^Preparing") == [window]
    progress.close()
    assert screen.windows("^Preparing") == []


def test_a_reporter_shows_a_window_until_it_is_closed(screen: Screen, tk_windows: Windows) -> None:
    reporter = WindowReporter(tk_windows, "Preparing", "Preparing report.py", lambda: None, delay_s=0)
    reporter.step("Resolving")
    screen.wait_until(lambda: screen.windows("^Preparing"), "there is a window")
    reporter.close()
    assert screen.windows("^Preparing") == []


def test_hostile_text_is_only_text(screen: Screen, windows: Windows, beside: Beside) -> None:
    title = "Run it? " + HOSTILE
    asking = beside(lambda: windows.ask(Question(title, HOSTILE, ((HOSTILE, HOSTILE),) * 3, HOSTILE, HOSTILE, HOSTILE)))
    screen.press(screen.wait_for_window(TITLE), "Escape")
    assert asking.result() is False
    progress = windows.open_progress(title, HOSTILE, lambda: None)
    progress.update(HOSTILE, -3.0)
    progress.update(HOSTILE, float(10**9))
    screen.wait_until(lambda: screen.windows(TITLE), "there is a window")
    progress.close()


def test_windows_are_as_large_as_the_screen_is_fine(screen: Screen, tk_windows: Windows, beside: Beside) -> None:
    """The resolution that a desktop is set to stands in an X resource; those of fonts and colours change nothing."""
    failure = Failure("It failed", "report.py failed.\nIt says so.", "Traceback", "/the/log")
    sizes = []
    for resources in (
        "*padX: 0",
        "Xft.dpi: 192",
        "Xft.dpi: 96\n*font: fixed\n*padX: 50\n*background: black",
    ):
        (screen.home / ".Xdefaults").write_text(f"{resources}\n")
        telling = beside(lambda: tk_windows.tell(failure))
        window = screen.wait_for_window("^It failed")
        box = screen.box_of(window)
        sizes.append((box.right - box.left, box.bottom - box.top))
        screen.press(window, "Escape")
        telling.result()
    assert sizes[2] == sizes[0]
    assert 1.8 < sizes[1][0] / sizes[0][0] < 2.2
    assert 1.8 < sizes[1][1] / sizes[0][1] < 2.2


def test_a_window_that_is_killed_is_a_no(screen: Screen, tk_windows: Windows, beside: Beside) -> None:
    asking = beside(lambda: tk_windows.ask(QUESTION))
    window = screen.wait_for_window(TITLE)
    subprocess.run(["xdotool", "windowkill", str(window)], env=screen.environ, check=True)
    assert asking.result() is False


@pytest.mark.parametrize("name", ["tkinter", "zenity", "kdialog"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_progress_goes_with_the_launcher(screen: Screen, name: str, number: int, tmp_path: Path) -> None:
    toolkit(screen, name)
    code = f"""
import os, time
from launcher.desktop.toolkits import present_toolkits
progress = present_toolkits(os.environ, {name!r})[0].open_progress("Preparing", "h", lambda: None)
time.sleep(3600)
"""
    with (tmp_path / "launcher.log").open("wb") as log:
        launcher = subprocess.Popen(
            [sys.executable, "-c", code], env=screen.environ, cwd=ROOT, stderr=log, start_new_session=True
        )
    screen.wait_until(lambda: screen.windows("^Preparing"), "there is a window")
    os.killpg(launcher.pid, number)
    launcher.wait()
    screen.wait_until(lambda: not screen.windows("^Preparing"), "the window has gone")
