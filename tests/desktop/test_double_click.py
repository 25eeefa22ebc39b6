"""A real double-click in a real file manager runs a script: asked about once, in its environment, and no error is lost.

What happened is told by what the scripts themselves write, and by which windows are on the screen.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.desktop.conftest import Desk, tree_of
from tests.support.file_manager import FileManager
from tests.support.index_server import Fault, Hold, IndexServer
from tests.support.screen import Screen, Window
from tests.support.wheels import repacked

ASKED, PREPARING, FAILED = "^Run ", "^Preparing ", "^Error: "
"""What the titles of pyscript's windows match."""

SAYS_SO = """\
import json, os, sys
from importlib import metadata
import packaging

told = {"who": "script", "version": metadata.version("packaging"), "package": packaging.__file__, "prefix": sys.prefix}
told |= {"arguments": sys.argv, "folder": os.getcwd(), "pid": os.getpid(), "terminal": sys.stdout.isatty()}
with open(os.environ["EVIDENCE"], "a") as evidence:
    print(json.dumps(told), file=evidence)
"""


def script(body: str, *settings: str) -> str:
    """Return a script with a real package that says where it runs and then does what `body` says."""
    lines = ['dependencies = ["packaging"]', *(["[tool.pyscript]", *settings] if settings else [])]
    return "# /// script\n" + "".join(f"# {line}\n" for line in lines) + f"# ///\n{SAYS_SO}{body}\n"


@pytest.fixture
def pyscript(desk: Desk, run_pyscript: Program, index: IndexServer) -> Program:
    """Return pyscript as somebody has installed and registered it who sits at the desk, with an index."""
    index.add(repacked("packaging"))
    desk.screen.environ["PYSCRIPT_INDEX_URL"] = index.index_url
    run_pyscript.environ.update(desk.screen.environ)
    installed = run_pyscript("desktop", "install")
    assert installed.returncode == 0, installed.stderr
    return run_pyscript


@pytest.fixture
def letters(desk: Desk, pyscript: Program, tmp_path: Path) -> Iterator[FileManager]:
    """Return an empty folder in pcmanfm."""
    with FileManager(desk.screen, tmp_path / "letters") as letters:
        yield letters


def environments(cache_dir: Path) -> list[Path]:
    """Return the environments that are in the cache, whole or not."""
    return sorted(cache_dir.glob("environments-*/*"))


def accept(screen: Screen, question: Window) -> None:
    """Press the button for yes, which is not the one that Enter presses."""
    screen.dismiss(question, "alt+r")


def close_terminal(desk: Desk) -> Window:
    """Press Enter in the terminal that stays open when its script has ended, and return its window."""
    terminal = desk.screen.wait_for_window(class_name="XTerm")
    pid = desk.wrote()[-1]["pid"]
    desk.screen.wait_until(lambda: pid not in desk.screen.running(), "the script has ended")
    desk.screen.wait_until_steady(lambda: desk.screen.box_of(terminal))
    assert terminal in desk.screen.windows()
    desk.screen.save_picture("terminal", terminal)
    desk.screen.dismiss(terminal, "Return")
    desk.wait_until_all_ended()
    return terminal


@pytest.mark.parametrize(
    ("file_manager", "toolkit"), [("pcmanfm", "tkinter"), ("thunar", "zenity")], indirect=["file_manager"]
)
def test_the_first_time_asks_and_prepares_and_the_second_just_runs(
    desk: Desk, pyscript: Program, index: IndexServer, file_manager: str, toolkit: str, tmp_path: Path, cache_dir: Path
) -> None:
    if toolkit == "tkinter":
        pytest.importorskip("tkinter")
    screen, hold = desk.screen, Hold()
    screen.environ["PYSCRIPT_WINDOWS"] = toolkit
    index.fail("*.whl", Fault(hold=hold))
    with FileManager(screen, tmp_path / "letters", file_manager) as letters:
        report = letters.drop("my report 100%.py", script("print('All is well.')\nsys.exit(3)"))
        letters.double_click(report)

        question = screen.wait_for_window(ASKED)
        screen.save_picture("question", question)
        assert environments(cache_dir) == []
        accept(screen, question)

        hold.wait_until_asked()
        progress = screen.wait_for_window(PREPARING)
        screen.save_picture("progress", progress)
        assert desk.wrote() == []
        hold.release()
        screen.wait_until_gone(progress)

        first = desk.wait_until_written(1)
        (environment,) = environments(cache_dir)
        assert Path(first["prefix"]) == environment
        assert Path(first["package"]).is_relative_to(environment)
        assert first["version"] == repacked("packaging").version
        assert first["arguments"] == [str(report)]
        assert first["folder"] == str(report.parent)
        assert first["terminal"]
        close_terminal(desk)

        index.forget_requests()
        with screen.windows_seen() as seen:
            letters.double_click(report)
            second = desk.wait_until_written(2)
            terminal = close_terminal(desk)
        assert second == first | {"pid": second["pid"]}
        assert index.requests == []
        assert seen.keys() - {letters.window, terminal} == set(), seen
    assert len(desk.wrote()) == 2


def test_a_script_with_a_window_gets_no_terminal(desk: Desk, letters: FileManager) -> None:
    shows = "import subprocess\nsubprocess.run(['zenity', '--info', '--title=Tea is ready', '--text=Two cups'])"
    tea = letters.drop("tea.pyw", f"#!/usr/bin/env pyscript\n{script(shows)}")
    letters.double_click(tea)
    accept(desk.screen, desk.screen.wait_for_window(ASKED))
    window = desk.screen.wait_for_window("^Tea is ready$")
    assert not desk.wait_until_written(1)["terminal"]
    assert desk.screen.windows(class_name="XTerm") == []
    desk.screen.dismiss(window, "Return")
    desk.wait_until_all_ended()
    assert len(desk.wrote()) == 1


def test_a_script_that_fails_before_its_window_is_told_of(desk: Desk, letters: FileManager) -> None:
    broken = letters.drop("broken.py", script("raise RuntimeError('boom <b>&')", "gui = true"))
    letters.double_click(broken)
    accept(desk.screen, desk.screen.wait_for_window(ASKED))
    told = desk.screen.wait_for_window(FAILED)
    desk.screen.save_picture("failure", told)
    assert len(desk.wrote()) == 1
    (log,) = desk.data.glob("logs/*")
    assert "RuntimeError: boom <b>&" in log.read_text()
    desk.screen.dismiss(told, "Escape")
    desk.wait_until_all_ended()


def test_what_keeps_a_script_from_starting_is_told(desk: Desk, letters: FileManager, index: IndexServer) -> None:
    index.fail("*", Fault(status=404))
    letters.double_click(letters.drop("report.py", script("")))
    told = desk.screen.wait_for_window(FAILED)
    desk.screen.dismiss(told, "Escape")
    desk.wait_until_all_ended()
    assert desk.wrote() == []


def test_cancel_leaves_nothing_half_made(desk: Desk, letters: FileManager, index: IndexServer, cache_dir: Path) -> None:
    screen, hold = desk.screen, Hold()
    index.fail("*.whl", Fault(hold=hold))
    report = letters.drop("report.py", script(""))
    letters.double_click(report)
    accept(screen, screen.wait_for_window(ASKED))
    hold.wait_until_asked()
    progress = screen.wait_for_window(PREPARING)
    screen.dismiss(progress, "Escape")
    desk.wait_until_all_ended()
    assert screen.titles() == ["letters"]
    assert environments(cache_dir) == []
    assert list(cache_dir.glob("wheels-*/*")) == []
    assert list((cache_dir / "tmp").iterdir()) == []
    assert desk.wrote() == []

    hold.release()
    index.heal()
    letters.double_click(report)
    desk.wait_until_written(1)
    close_terminal(desk)
    assert len(desk.wrote()) == 1


def test_a_no_is_a_no_and_enter_says_it(desk: Desk, letters: FileManager, index: IndexServer, cache_dir: Path) -> None:
    report = letters.drop("report.py", script(""))
    for key in ("Escape", "Return"):
        letters.double_click(report)
        question = desk.screen.wait_for_window(ASKED)
        desk.screen.dismiss(question, key)
        desk.wait_until_all_ended()
    assert desk.wrote() == []
    assert environments(cache_dir) == []
    assert index.paths("*.whl") == []
    assert list(desk.data.glob("trust/*")) == []


@pytest.mark.parametrize("options", [[], ["--all-python"]], ids=" ".join)
def test_plain_python_stays_with_the_editor(
    desk: Desk, pyscript: Program, letters: FileManager, options: list[str]
) -> None:
    assert pyscript("desktop", "install", *options).returncode == 0
    plain = letters.drop("plain.py", "print('Hello')\n")
    letters.double_click(plain)
    assert desk.wait_until_written(1) == {"who": "editor", "file": str(plain)}
    desk.wait_until_all_ended()
    assert len(desk.wrote()) == 1


def test_whoever_clicks_again_meanwhile_runs_it_once_all_the_same(
    desk: Desk, letters: FileManager, index: IndexServer
) -> None:
    hold = Hold()
    index.fail("*.whl", Fault(hold=hold))
    report = letters.drop("report.py", script(""))
    letters.double_click(report)
    accept(desk.screen, desk.screen.wait_for_window(ASKED))
    hold.wait_until_asked()
    letters.double_click(report)
    second = "Another double-click came first."
    logs = desk.data / "logs"
    desk.screen.wait_until(lambda: any(second in log.read_text() for log in logs.iterdir()), "it is opened again")
    hold.release()
    desk.wait_until_written(1)
    close_terminal(desk)
    assert len(desk.wrote()) == 1


def test_uninstalling_leaves_the_home_directory_as_it_was(desk: Desk, run_pyscript: Program, tmp_path: Path) -> None:
    home, logs = desk.screen.home, desk.data / "logs"
    run_pyscript.environ.update(desk.screen.environ)
    with FileManager(desk.screen, tmp_path / "before") as letters:
        report = letters.drop("report.py", script(""))
        letters.double_click(report)
        assert desk.wait_until_written(1) == {"who": "editor", "file": str(report)}
    before = tree_of(home)

    assert run_pyscript("desktop", "install").returncode == 0
    assert run_pyscript("desktop", "uninstall").returncode == 0
    assert tree_of(home) == before

    assert run_pyscript("desktop", "install").returncode == 0
    with FileManager(desk.screen, tmp_path / "meanwhile") as letters:
        letters.double_click(letters.drop("report.py", script("")))
        desk.screen.dismiss(desk.screen.wait_for_window(ASKED), "Escape")
        desk.wait_until_all_ended()
    assert run_pyscript("desktop", "uninstall").returncode == 0
    # Logs are not of the registration.
    kept = {str(path.relative_to(home)) for path in (*logs.glob("*"), logs, *logs.parents) if path.is_relative_to(home)}
    assert {name: entry for name, entry in tree_of(home).items() if name not in kept - before.keys()} == before

    with FileManager(desk.screen, tmp_path / "after") as letters:
        report = letters.drop("report.py", script(""))
        letters.double_click(report)
        assert desk.wait_until_written(2) == {"who": "editor", "file": str(report)}
