"""Windows as processes: programs that stand in for zenity and kdialog, and processes that die, hang or do not start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from launcher.desktop import tk_window, window_process
from launcher.desktop.kdialog import KdialogWindows
from launcher.desktop.tk_window import TkWindows
from launcher.desktop.window import Failure, Question, WindowUnavailable
from launcher.desktop.window_process import WindowProcess
from launcher.desktop.zenity import ZenityWindows
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")

QUESTION = Question("Run a.py?", "Run <b>it</b>?", (("File", "/x/a.py"),), "print(1)\n" * 10_000)


@pytest.fixture
def variables(environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return {**environ, "RECORD": str(tmp_path / "record"), "DISPLAY": ":never"}


@pytest.fixture(autouse=True)
def _nothing_is_left(variables: dict[str, str]) -> Iterator[None]:
    """No process of a window, no zombie and no open file may be left; what other tests left may go meanwhile."""
    before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()
    threads = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= threads
    if before:
        assert len(os.listdir("/proc/self/fd")) <= len(before)
        assert children() == []


def children() -> list[str]:
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    return path.read_text().split() if path.exists() else []


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[[str], str]:
    """Return what writes a program that records its arguments and then does what is given."""

    def write(body: str) -> str:
        path = tmp_path / "stand-in"
        path.write_text(f'#!/bin/sh\nfor word; do printf "%s\\0" "$word"; done >> "$RECORD"\n{body}\n')
        path.chmod(0o755)
        return str(path)

    return write


def recorded(variables: dict[str, str]) -> list[str]:
    return Path(variables["RECORD"]).read_text(encoding="utf-8").split("\0")


@pytest.mark.parametrize(("status", "answer"), [(0, True), (1, False)])
def test_zenity_answers_by_its_exit_status(
    stand_in: Callable[[str], str], variables: dict[str, str], status: int, answer: bool
) -> None:
    assert ZenityWindows(stand_in(f"exit {status}"), variables).ask(QUESTION) is answer
    assert "--text=Run <b>it</b>?\n\nFile: /x/a.py" in recorded(variables)


@pytest.mark.parametrize("locale", ["C", "de_DE.ISO-8859-1", ""])
def test_programs_are_started_where_every_text_is_an_argument(
    stand_in: Callable[[str], str], variables: dict[str, str], locale: str, tmp_path: Path
) -> None:
    variables["LC_ALL"] = locale
    variables.pop("LANG", None)
    ZenityWindows(stand_in(f'echo "$LC_ALL" > "{tmp_path}/locale"'), variables).tell(Failure("t", "\u20ac"))
    assert (tmp_path / "locale").read_text() == "C.UTF-8\n"
    assert "--text=\u20ac" in recorded(variables)
    variables["LC_ALL"] = "de_DE.utf8"
    ZenityWindows(stand_in(f'echo "$LC_ALL" > "{tmp_path}/locale"'), variables).tell(Failure("t", "h"))
    assert (tmp_path / "locale").read_text() == "de_DE.utf8\n"


def test_zenity_shows_the_source_from_a_file_of_its_own(
    stand_in: Callable[[str], str], variables: dict[str, str], tmp_path: Path
) -> None:
    body = f"""
        case "$1" in
            --question) [ -e "{tmp_path}/seen" ] && exit 0; echo "View source"; exit 1;;
            --text-info) cat "${{2#--filename=}}" > "{tmp_path}/seen";;
        esac
    """
    assert ZenityWindows(stand_in(body), variables).ask(QUESTION)
    assert (tmp_path / "seen").read_text() == QUESTION.source


@pytest.mark.parametrize("body", ["echo 'cannot open display: :7' >&2; exit 1", "exit 255", "kill -ABRT $$", "exit 5"])
def test_zenity_that_shows_nothing_is_unavailable(
    stand_in: Callable[[str], str], variables: dict[str, str], body: str
) -> None:
    windows = ZenityWindows(stand_in(body), variables)
    with pytest.raises(WindowUnavailable):
        windows.ask(QUESTION)
    with pytest.raises(WindowUnavailable):
        windows.tell(Failure("t", "h"))
    with pytest.raises(WindowUnavailable):
        windows.open_progress("t", "h", lambda: None)


def test_a_program_that_is_not_there_is_unavailable(variables: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(WindowUnavailable, match="could not be started"):
        ZenityWindows(str(tmp_path / "nothing"), variables).open_progress("t", "h", lambda: None)
    with pytest.raises(WindowUnavailable):
        ZenityWindows(str(tmp_path / "nothing"), variables).ask(QUESTION)


def test_zenity_hears_of_progress_and_goes_when_it_is_over(
    stand_in: Callable[[str], str], variables: dict[str, str], tmp_path: Path
) -> None:
    windows = ZenityWindows(stand_in(f'cat > "{tmp_path}/heard"'), variables)
    progress = windows.open_progress("t", "h", lambda: pytest.fail("nobody cancelled"))
    progress.update("Fetching\nnumpy", 0.25)
    progress.close()
    assert (tmp_path / "heard").read_text() == "#h\\nFetching\\nnumpy\npulsate:false\n25\n"


def test_zenity_tells_of_cancel(stand_in: Callable[[str], str], variables: dict[str, str]) -> None:
    cancelled = threading.Event()
    progress = ZenityWindows(stand_in("read line; exit 1"), variables).open_progress("t", "h", cancelled.set)
    progress.update("x", None)
    assert cancelled.wait(60)
    assert progress.is_cancelled()
    progress.update("nobody is there any more", 0.5)
    progress.close()


@pytest.mark.parametrize(
    ("body", "answer"), [("echo run", True), ("echo nothing", False), ("exit 1", False), ("echo run; exit 1", False)]
)
def test_kdialog_answers_in_words(
    stand_in: Callable[[str], str], variables: dict[str, str], body: str, answer: bool
) -> None:
    assert KdialogWindows(stand_in(body), variables).ask(QUESTION) is answer


def test_kdialog_finds_no_markup_in_a_source(
    stand_in: Callable[[str], str], variables: dict[str, str], tmp_path: Path
) -> None:
    """It looks for some in each line, and what is in a comment of it would not be shown."""
    body = f"""
        case "$3" in
            --radiolist) [ -e "{tmp_path}/seen" ] || echo source;;
            --textbox) cat "$4" > "{tmp_path}/seen";;
        esac
    """
    question = Question("t", "h", (), "# <b> <!--\n  hidden & --> 'x'\n")
    assert not KdialogWindows(stand_in(body), variables).ask(question)
    assert [unspanned(line) for line in (tmp_path / "seen").read_text().splitlines()] == [
        "# &lt;b&gt; &lt;!--",
        "  hidden &amp; --&gt; 'x'",
        "",
    ]


def unspanned(line: str) -> str:
    tag, _, rest = line.partition(">")
    assert tag.startswith("<span style=")
    assert rest.endswith("</span>")
    return rest.removesuffix("</span>")


def test_kdialog_is_reached_by_d_bus(variables: dict[str, str], tmp_path: Path) -> None:
    window, heard = tmp_path / "window", tmp_path / "heard"
    add_kdialog_progress(
        variables,
        window=f"""
            echo $$ > "{window}.new"
            sleep 0.2
            mv "{window}.new" "{window}"
            while [ -e "{window}" ]; do sleep 0.02; done
        """,
        bus=f"""
            [ "$3" = --dest=org.freedesktop.DBus ] && exit 0
            read -r pid < "{window}" 2>/dev/null && [ "$3 $4" = "--dest=org.kde.kdialog-$pid /ProgressDialog" ] ||
                {{ echo org.freedesktop.DBus.Error.ServiceUnknown >&2; exit 1; }}
            case "$5" in
                *.close) rm "{window}";;
                *.setLabelText) printf "%s\\n" "$6" >> "{heard}"; exit 1;;  # somebody who is busy is not gone
            esac
        """,
    )
    windows = KdialogWindows("kdialog", variables)
    cancelled = threading.Event()

    progress = windows.open_progress("t", "h", cancelled.set)
    progress.update("Fetching <numpy>", 0.5)
    wait_until(lambda: heard.exists() and "&lt;numpy&gt;" in heard.read_text())
    progress.close()
    assert not window.exists()
    assert not cancelled.is_set()

    progress = windows.open_progress("t", "h", cancelled.set)
    window.unlink()
    assert cancelled.wait(60)
    progress.close()

    add_kdialog_progress(variables, window="exit 134", bus="[ $3 = --dest=org.freedesktop.DBus ]")
    with pytest.raises(WindowUnavailable):
        windows.open_progress("t", "h", cancelled.set)
    add_kdialog_progress(variables, window=f"touch {window}", bus="exit 1")
    with pytest.raises(WindowUnavailable):
        windows.open_progress("t", "h", cancelled.set)
    assert not window.exists()


def add_kdialog_progress(variables: dict[str, str], *, window: str, bus: str) -> None:
    """Make programs that stand in for the one whose window shows progress, and for the one that speaks to it."""
    directory = Path(variables["RECORD"]).with_name("kdialog")
    directory.mkdir(exist_ok=True)
    for name, body in (("kdialog_progress_helper", window), ("dbus-send", bus)):
        (directory / name).write_text(f"#!/bin/sh\n{textwrap.dedent(body)}\n")
        (directory / name).chmod(0o755)
    variables["PATH"] = f"{directory}:{variables['PATH'].removeprefix(f'{directory}:')}"


def test_a_window_that_hangs_is_ended(
    stand_in: Callable[[str], str], variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while it reads nothing, so that whoever writes to it waits."""
    monkeypatch.setattr(window_process, "_PATIENCE_S", 0.05)
    process = WindowProcess([stand_in("trap '' TERM HUP; echo ready; while true; do sleep 1; done")], variables)
    assert next(process.lines()) == "ready"
    for _ in range(200):
        process.send("x" * 10_000)
    process.close()
    assert process.wait() == -signal.SIGKILL


def test_a_dialog_goes_with_whoever_waits_for_it(
    stand_in: Callable[[str], str], variables: dict[str, str], tmp_path: Path
) -> None:
    """Killed, a launcher closes nothing itself."""
    program = stand_in(f'echo $$ > "{tmp_path}/pid"; exec sleep 3600')
    code = f"""
import os
from launcher.desktop.window import Question
from launcher.desktop.zenity import ZenityWindows
ZenityWindows({program!r}, os.environ).ask(Question("t", "h"))
"""
    check_that_it_goes_with_its_launcher(code, tmp_path / "pid", variables)


@pytest.mark.parametrize("bus", ["true", "[ $3 = --dest=org.freedesktop.DBus ]"], ids=["deaf", "not there yet"])
def test_a_progress_window_of_kdialog_goes_as_well(bus: str, variables: dict[str, str], tmp_path: Path) -> None:
    """Whatever it hears, and whenever that is."""
    window = f"trap '' TERM; echo $$ > '{tmp_path}/pid'; while true; do sleep 1; done"
    add_kdialog_progress(variables, window=window, bus=bus)
    code = """
import os
from launcher.desktop.kdialog import KdialogWindows
progress = KdialogWindows("kdialog", os.environ).open_progress("t", "h", print)
input()
"""
    check_that_it_goes_with_its_launcher(code, tmp_path / "pid", variables)


def check_that_it_goes_with_its_launcher(code: str, pid_file: Path, variables: dict[str, str]) -> None:
    """Start a launcher, kill it, and wait for the end of a process whose number is in a file."""
    launcher = subprocess.Popen([sys.executable, "-c", code], env=variables, cwd=ROOT)
    wait_until(lambda: pid_file.exists() and pid_file.read_text().strip())
    pid = int(pid_file.read_text())
    assert is_running(pid)
    launcher.kill()
    launcher.wait()
    wait_until(lambda: not is_running(pid))


def test_tkinter_without_a_display_is_unavailable(variables: dict[str, str]) -> None:
    windows = TkWindows({**variables, "DISPLAY": ":54321"})
    for show in (
        lambda: windows.ask(QUESTION),
        lambda: windows.tell(Failure("t", "h")),
        lambda: windows.open_progress("t", "h", lambda: None),
    ):
        with pytest.raises(WindowUnavailable):
            show()


def test_a_tkinter_program_that_never_answers_is_ended(
    stand_in: Callable[[str], str], variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A display may take a connection and say nothing."""
    monkeypatch.setattr(sys, "executable", stand_in("sleep 3600"))
    monkeypatch.setattr(tk_window, "_STARTING_S", 0.05)
    with pytest.raises(WindowUnavailable):
        TkWindows(variables).ask(QUESTION)


def test_a_tkinter_program_that_dies_before_an_answer_is_a_no(
    stand_in: Callable[[str], str], variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", stand_in("""echo '{"event": "shown"}'; kill -KILL $$"""))
    assert not TkWindows(variables).ask(QUESTION)


def wait_until(question: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
