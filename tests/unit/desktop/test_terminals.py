"""Which terminals there are, and what each is told to run."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.desktop import terminals
from launcher.desktop.terminals import STARTED, TerminalMissing, start_in_terminal

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="terminals are found otherwise there")

FILE = "/c/tmp/1-ab/run.command"


def install(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)


def found(folder: Path, **environ: str) -> list[str]:
    variables = {"PATH": f".:{folder}:relative", "DISPLAY": ":0", **environ}
    return [os.path.basename(each.program) for each in terminals.terminals(variables)]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("xdg-terminal-exec", [FILE]),
        ("xterm", ["-e", FILE]),
        ("x-terminal-emulator", ["-e", FILE]),
        ("konsole", ["-e", FILE]),
        ("lxterminal", ["-e", FILE]),
        ("xfce4-terminal", ["-x", FILE]),
        ("mate-terminal", ["-x", FILE]),
        ("gnome-terminal", ["--wait", "--", FILE]),
        ("kgx", ["--", FILE]),
        ("ptyxis", ["--new-window", "--", FILE]),
        ("kitty", [FILE]),
        ("wezterm", ["start", "--always-new-process", "--", FILE]),
    ],
)
def test_each_terminal_has_its_own_way_to_be_told(name: str, words: list[str], tmp_path: Path) -> None:
    install(tmp_path, name)
    (terminal,) = terminals.terminals({"PATH": str(tmp_path), "DISPLAY": ":0"})
    assert terminal.argv(FILE) == [str(tmp_path / name), *words]


def test_a_terminal_that_takes_one_text_apart_gets_a_path_with_blanks_quoted(tmp_path: Path) -> None:
    install(tmp_path, "lxterminal", "xterm")
    xterm, lxterminal = sorted(
        terminals.terminals({"PATH": str(tmp_path), "DISPLAY": ":0"}), key=lambda each: len(each.program)
    )
    assert xterm.argv("/a b/c")[-1] == "/a b/c"
    assert shlex.split(lxterminal.argv("/a b/c")[-1]) == ["/a b/c"]


def test_what_stands_for_another_terminal_is_told_as_that_one(tmp_path: Path) -> None:
    install(tmp_path, "xfce4-terminal")
    (tmp_path / "x-terminal-emulator").symlink_to("xfce4-terminal")
    first = next(iter(terminals.terminals({"PATH": str(tmp_path), "DISPLAY": ":0"})))
    assert first.argv(FILE) == [str(tmp_path / "x-terminal-emulator"), "-x", FILE]


def test_the_chosen_one_comes_first_then_the_desktops_own(tmp_path: Path) -> None:
    install(tmp_path, "xterm", "konsole", "x-terminal-emulator", "foot", "mine")
    assert found(tmp_path) == ["x-terminal-emulator", "konsole", "foot", "xterm"]
    assert found(tmp_path, XDG_CURRENT_DESKTOP="X-Some:KDE")[0] == "konsole"
    assert found(tmp_path, XDG_CURRENT_DESKTOP="GNOME")[0] == "x-terminal-emulator"
    assert found(tmp_path, XDG_CURRENT_DESKTOP="KDE", TERMINAL="mine")[:2] == ["mine", "konsole"]
    install(tmp_path, "xdg-terminal-exec")
    assert found(tmp_path, XDG_CURRENT_DESKTOP="KDE", TERMINAL="mine")[:2] == ["xdg-terminal-exec", "mine"]


def test_there_are_none_without_a_display(tmp_path: Path) -> None:
    install(tmp_path, "xterm")
    assert found(tmp_path, DISPLAY="") == []
    assert found(tmp_path, DISPLAY="", WAYLAND_DISPLAY="wayland-0") == ["xterm"]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the argument vectors of what was started; one that is called `fine` starts something in a window."""
    seen: list[list[str]] = []

    class Process:
        def __init__(self, argv: list[str], **options: object) -> None:
            seen.append(argv)
            name = os.path.basename(argv[0])
            if name == "gone":
                raise FileNotFoundError
            self.returncode = {"failing": 1, "silent": None}.get(name, 0)
            if name in {"fine", "server"}:
                Path(argv[-1]).with_name(STARTED).touch()

        def poll(self) -> int | None:
            return self.returncode

    monkeypatch.setattr(subprocess, "Popen", Process)
    monkeypatch.setattr(terminals, "_WAIT_S", 0.05)
    monkeypatch.setattr(terminals, "_POLL_S", 0.01)
    return seen


def start(folder: Path, names: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    found = [terminals.Terminal(f"/bin/{name}", ()) for name in names]
    monkeypatch.setattr(terminals, "terminals", lambda environ: iter(found))
    return start_in_terminal(["/a b/python", "x"], folder, {}, 2)


def test_a_terminal_that_fails_is_followed_by_the_next(
    tmp_path: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert start(tmp_path, ["gone", "failing", "fine", "other"], monkeypatch) == "fine"
    assert [os.path.basename(argv[0]) for argv in started] == ["gone", "failing", "fine"]
    assert Path(started[-1][-1]).read_text() == "#!/bin/sh\nexec '/a b/python' x\n"
    assert os.access(started[-1][-1], os.X_OK)


@pytest.mark.parametrize("name", ["silent", "ended"])
def test_one_in_which_nothing_starts_is_not_followed_by_a_second_window(
    name: str, tmp_path: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be slow; what starts then finds nothing to do, and two windows would run the script twice."""
    with pytest.raises(TerminalMissing, match=f"Tried: {name}"):
        start(tmp_path, [name, "fine"], monkeypatch)
    assert len(started) == 1


def test_no_terminal_at_all_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TerminalMissing, match="None of those known"):
        start(tmp_path, [], monkeypatch)


def test_macos_opens_the_file_in_its_terminal(
    tmp_path: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / STARTED).touch()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert start_in_terminal(["python"], tmp_path, {}, 2) == "open"
    assert started == [["/usr/bin/open", "-a", "Terminal", str(tmp_path / "run.command")]]


def test_windows_makes_a_console_for_the_program_itself(
    tmp_path: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    argv = [r"C:\a b\python.exe", "open", str(tmp_path / "order")]
    with pytest.raises(TerminalMissing, match="nothing started in it"):
        start_in_terminal(argv, tmp_path, {}, 2)
    (tmp_path / STARTED).touch()
    assert start_in_terminal(argv, tmp_path, {}, 2) == "a console"
    assert started == [argv, argv]
