"""Terminal windows: which there are on this desktop, how each is told what to run, and that something runs in it.

A terminal's exit code means nothing, and some hand their work to another process, so the program inside says by a file
that it was started. It is one word, the path of a small script: terminals differ in how they take words apart.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from launcher.value import Value

STARTED = "started"
"""The file that the program inside makes in its folder, once it runs."""

_START_FILE = "run.command"
"""macOS opens a file that is called so in its terminal."""

_WAIT_S = 10.0
_POLL_S = 0.03

_BEHIND: Mapping[str, tuple[str, ...]] = {
    "xdg-terminal-exec": (),
    "gnome-terminal": ("--wait", "--"),
    "kgx": ("--",),
    "ptyxis": ("--new-window", "--"),
    "konsole": ("-e",),
    "xfce4-terminal": ("-x",),
    "mate-terminal": ("-x",),
    "lxterminal": ("-e",),
    "qterminal": ("-e",),
    "deepin-terminal": ("-e",),
    "io.elementary.terminal": ("-e",),
    "terminology": ("-e",),
    "x-terminal-emulator": ("-e",),
    "alacritty": ("-e",),
    "kitty": (),
    "foot": (),
    "ghostty": ("-e",),
    "wezterm": ("start", "--always-new-process", "--"),
    "tilix": ("-e",),
    "terminator": ("-x",),
    "sakura": ("-x",),
    "urxvt": ("-e",),
    "rxvt": ("-e",),
    "st": ("-e",),
    "xterm": ("-e",),
}
"""What stands between a terminal's name and the program that is to run in it, from each one's manual."""

_TAKE_A_TEXT = frozenset({"io.elementary.terminal", "lxterminal", "qterminal", "sakura", "terminology", "tilix"})
"""Those that split one text as a shell does, and take no words."""

_OF_DESKTOP: Mapping[str, tuple[str, ...]] = {
    "gnome": ("ptyxis", "kgx", "gnome-terminal"),
    "unity": ("gnome-terminal",),
    "x-cinnamon": ("gnome-terminal",),
    "cinnamon": ("gnome-terminal",),
    "kde": ("konsole",),
    "xfce": ("xfce4-terminal",),
    "mate": ("mate-terminal",),
    "lxde": ("lxterminal",),
    "lxqt": ("qterminal",),
    "deepin": ("deepin-terminal",),
    "pantheon": ("io.elementary.terminal",),
    "enlightenment": ("terminology",),
}
"""By the words of XDG_CURRENT_DESKTOP, in lower case."""


class TerminalMissing(Exception):
    """There is no terminal, or in none of them did anything start; the message says which were tried."""


class Terminal(Value):
    """A terminal program, and the words between it and what is to run, which some want quoted as for a shell."""

    program: str
    words: tuple[str, ...]
    wants_quotes: bool = False

    def argv(self, start_file: str) -> list[str]:
        """Return the argument vector that runs a file in a new window.

        >>> Terminal("/usr/bin/xterm", ("-e",)).argv("/tmp/run.command")
        ['/usr/bin/xterm', '-e', '/tmp/run.command']
        """
        return [self.program, *self.words, shlex.quote(start_file) if self.wants_quotes else start_file]


def terminals(environ: Mapping[str, str]) -> Iterator[Terminal]:
    """Yield the terminals on PATH, those first that the person or the desktop has chosen; none without a display."""
    if not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        return
    desktop = environ.get("XDG_CURRENT_DESKTOP", "").lower().split(":")
    chosen = environ.get("TERMINAL", "")
    names = ["xdg-terminal-exec", chosen, *(name for word in desktop for name in _OF_DESKTOP.get(word, ()))]
    for name in dict.fromkeys(filter(None, [*names, "x-terminal-emulator", *_BEHIND])):
        # The current folder, which may be full of downloads, must not say what a terminal is.
        path = environ.get("PATH", os.defpath).split(os.pathsep)
        program = shutil.which(name, path=os.pathsep.join(filter(os.path.isabs, path)))
        if program and os.path.isabs(program):
            yield _told_as(program)


def _told_as(program: str) -> Terminal:
    """Return a terminal with what it wants to be told, by its name or that of the program that it stands for."""
    names = (os.path.basename(program), os.path.basename(os.path.realpath(program)))
    if names[0] in ("x-terminal-emulator", "xdg-terminal-exec") and names[1] in _BEHIND:
        names = names[::-1]
    name = names[0] if names[0] in _BEHIND else names[1]
    return Terminal(program, _BEHIND.get(name, ("-e",)), name in _TAKE_A_TEXT)


def start_in_terminal(argv: Sequence[str], folder: Path, environ: Mapping[str, str], output: int) -> str:
    """Run a program in a new terminal window, wait until it says that it runs, and return what it runs in.

    `folder` is the program's own: in there it makes the file `STARTED`. What terminals say goes to the descriptor
    `output`. Raises `TerminalMissing`.
    """
    if sys.platform == "win32":
        return _start_in_console(argv, folder, environ)
    start_file = _write_start_file(argv, folder)
    if sys.platform == "darwin":
        found: Iterator[Terminal] = iter([Terminal("/usr/bin/open", ("-a", "Terminal"))])
    else:
        found = terminals(environ)
    tried = []
    for terminal in found:
        tried.append(os.path.basename(terminal.program))
        try:
            process = subprocess.Popen(
                terminal.argv(start_file),
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError:
            continue
        if _is_started(process, folder):
            return tried[-1]
        if process.poll() is None or process.returncode == 0:
            # It may still open its window: what would start then must find nothing to run.
            break
    what = f"Tried: {', '.join(tried)}." if tried else "None of those known was found on PATH."
    raise TerminalMissing(what)


def _write_start_file(argv: Sequence[str], folder: Path) -> str:
    path = folder / _START_FILE
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700)
    with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(f"#!/bin/sh\nexec {shlex.join(argv)}\n")
    return str(path)


def _is_started(process: subprocess.Popen[bytes], folder: Path) -> bool:
    """Wait for the file; a terminal that fails before is not waited for, one that ends well may have a server."""
    until = time.monotonic() + _WAIT_S
    while time.monotonic() < until:
        if (folder / STARTED).exists():
            return True
        if process.poll():
            return (folder / STARTED).exists()
        time.sleep(_POLL_S)
    return False


def _start_in_console(argv: Sequence[str], folder: Path, environ: Mapping[str, str]) -> str:
    """Windows makes a console for a program that is to have a new one."""
    flags = getattr(subprocess, "CREATE_NEW_CONSOLE", 0)
    try:
        process = subprocess.Popen(argv, env=dict(environ), creationflags=flags)
    except OSError as error:
        raise TerminalMissing(f"{argv[0]} could not be started: {error.strerror}.") from error
    if not _is_started(process, folder):
        raise TerminalMissing("A console was asked for, and nothing started in it.")
    return "a console"
