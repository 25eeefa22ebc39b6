"""A screen that nobody sees, with a window manager and a session of its own: Xvfb, openbox and a D-Bus daemon.

::

    with Screen(tmp_path, environ) as screen:
        screen.start("pcmanfm", folder)
        window = screen.wait_for_window("^letters")
        screen.dismiss(window, "alt+F4")

Nothing outside `tmp_path` is read or written by what is started here: home, XDG directories and the bus are private.
Whatever was started, also by what was started, has ended when the block is left; it is known by its variables.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from tests.support.picture import Box, Picture

PROGRAMS = ("Xvfb", "openbox", "dbus-daemon", "xdotool")
LONGEST_S = 60.0
"""What does not happen within this time never will, however busy the machine is."""

_POLL_S = 0.05
_PATIENCE_S = 2.0
_HEARING_S = 2.0
_STEADY_PICTURES = 4
_WIDTH, _HEIGHT = 1000, 700
_GTK_SETTINGS = "gtk-double-click-time=5000\ngtk-cursor-blink=0\ngtk-enable-animations=0\n"
"""On a busy machine two clicks may be seconds apart; nothing may blink where pictures are compared."""

Found = TypeVar("Found")


class Window(int):
    """An X window's number."""


class Screen:
    """The screen and all that runs on it; use as a context manager. `environ` are the variables for what is started.

    `home` is the home directory of whoever sits in front of it, by default one in the folder.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str], home: Path | None = None) -> None:
        self.folder, self.home = folder, home or folder / "home"
        # The path of a socket has 108 bytes at most, and those of tests are long.
        self._runtime = Path(tempfile.mkdtemp(prefix="screen-"))
        self.system = folder / "system"
        self._pictures = 0
        self._started: list[subprocess.Popen[bytes]] = []
        self.environ = {**environ, **self._directories()}

    def _directories(self) -> dict[str, str]:
        share, settings = self.system / "share", self.system / "etc"
        for path in (self.home / "Desktop", share / "applications", settings / "gtk-3.0", settings / "gtk-4.0"):
            path.mkdir(parents=True, exist_ok=True)
        for name in ("gtk-3.0", "gtk-4.0"):
            (settings / name / "settings.ini").write_text(f"[Settings]\n{_GTK_SETTINGS}")
        (settings / "gtkrc").write_text("gtk-double-click-time=5000\ngtk-cursor-blink=0\n")
        return {
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self._runtime),
            "XDG_DATA_DIRS": f"{share}:/usr/local/share:/usr/share",
            "XDG_CONFIG_DIRS": f"{settings}:/etc/xdg",
            "GTK2_RC_FILES": str(settings / "gtkrc"),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self._runtime / 'bus'}",
            # Services that would be started for nothing.
            **{"GIO_USE_VFS": "local", "GTK_A11Y": "none", "NO_AT_BRIDGE": "1"},
            "LC_ALL": "C.UTF-8",
        }

    def __enter__(self) -> Screen:
        try:
            self._start_server()
            bus = self.environ["DBUS_SESSION_BUS_ADDRESS"]
            self.start("dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={bus}")
            self.wait_until((self._runtime / "bus").exists, "the session's bus is there")
            self.start("openbox", "--sm-disable")
            self.wait_until(self._is_managed, "openbox manages the windows")
        except BaseException:
            self._end()
            raise
        return self

    def _start_server(self) -> None:
        """Start the server; it chooses a display that is free, so that many tests may run at once."""
        ours, theirs = os.pipe()
        geometry = ["-screen", "0", f"{_WIDTH}x{_HEIGHT}x24", "-fbdir", str(self._runtime), "-nolisten", "tcp"]
        with (self.folder / "Xvfb.log").open("wb") as log:
            command = ["Xvfb", "-displayfd", str(theirs), *geometry, "-noreset"]
            self._started.append(
                subprocess.Popen(
                    command, pass_fds=[theirs], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environ
                )
            )
        os.close(theirs)
        with open(ours, "rb") as answer:
            number = answer.readline().strip().decode()
        assert number, (self.folder / "Xvfb.log").read_text()
        self.environ["DISPLAY"] = f":{number}"

    def _is_managed(self) -> bool:
        return self._xdotool("get_desktop") is not None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        """End everything, the server last: a dying one unlinks what it kept its picture in."""
        for process in self._started:
            process.terminate()
        deadline = time.monotonic() + _PATIENCE_S
        while self.running() and time.monotonic() < deadline:
            for process in self._started:
                process.poll()
            time.sleep(_POLL_S)
        while left := self.running():
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(_POLL_S)
            for process in self._started:
                process.poll()
        for process in self._started:
            process.wait()
        shutil.rmtree(self._runtime, ignore_errors=True)

    def start(self, *command: str | Path) -> subprocess.Popen[bytes]:
        """Start a program that lives on this screen; what it says goes to a log in the folder."""
        with (self.folder / f"{Path(command[0]).name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, env=self.environ, cwd=self.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._started.append(process)
        return process

    def running(self) -> dict[int, str]:
        """Return by number the command lines of all processes that belong to this screen, by their variables.

        One that has ended and that nobody has asked yet how has no variables any more.
        """
        mark = b"\0XDG_RUNTIME_DIR=" + os.fsencode(self._runtime) + b"\0"
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in b"\0" + (path / "environ").read_bytes():
                    words = (path / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
                    found[int(path.name)] = b" ".join(words).decode(errors="replace")
        return found

    # Looking.

    def picture(self) -> Picture:
        """Return what is to be seen now."""
        return Picture.read(self._runtime / "Xvfb_screen0")

    def save_picture(self, name: str, window: Window | None = None) -> Path:
        """Write what is to be seen, or a window with its frame, to a PNG file."""
        self.point_at(_WIDTH - 1, _HEIGHT - 1)
        picture = self.picture() if window is None else self._picture_of(window)
        path = self.folder / f"{name}.png"
        path.write_bytes(picture.to_png())
        return path

    def _picture_of(self, window: Window) -> Picture:
        """Return a window with its frame, but without the handle below it, which not every one has."""
        return self.wait_until_steady(lambda: self.box_of(window), _PATIENCE_S).cropped(self.frame_of(window))

    def windows(self, title: str = "", *, class_name: str = "") -> list[Window]:
        """Return the visible windows whose title, or class, matches a regular expression, in no particular order."""
        kind = ("--class", class_name) if class_name else ("--name", title or ".")
        return [Window(line) for line in (self._xdotool("search", "--onlyvisible", *kind) or "").split()]

    def titles(self) -> list[str]:
        """Return the titles of all visible windows."""
        return [self._xdotool("getwindowname", str(window)) or "" for window in self.windows()]

    @contextmanager
    def windows_seen(self) -> Iterator[dict[Window, str]]:
        """Collect all windows that are on the screen meanwhile, with their titles."""
        seen: dict[Window, str] = {}
        has_ended = threading.Event()

        def watch() -> None:
            while not has_ended.wait(_POLL_S):
                new = set(self.windows()) - seen.keys()
                seen.update({window: self._xdotool("getwindowname", str(window)) or "" for window in new})

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield seen
        finally:
            has_ended.set()
            watcher.join()

    def wait_for_window(self, title: str = "", *, class_name: str = "") -> Window:
        """Return a window whose title, or class, matches, once it is there and has been drawn."""
        window = self.wait_until(
            lambda: next(iter(self.windows(title, class_name=class_name)), None),
            f"there is a window {title or class_name}",
        )
        self.wait_until_steady(lambda: self.box_of(window), _PATIENCE_S)
        return window

    def wait_until_gone(self, window: Window) -> None:
        """Return when a window is not on the screen any more."""
        self.wait_until(lambda: window not in self.windows(), f"window {window} has gone")

    def box_of(self, window: Window) -> Box:
        """Return where a window is, without its frame."""
        answer = self._xdotool("getwindowgeometry", "--shell", str(window)) or ""
        numbers = {name: int(value) for name, value in re.findall(r"^(\w+)=(-?\d+)$", answer, re.MULTILINE)}
        if not numbers:
            return Box(0, 0, 0, 0)
        left, top = numbers["X"], numbers["Y"]
        return Box(left, top, left + numbers["WIDTH"], top + numbers["HEIGHT"])

    def frame_of(self, window: Window) -> Box:
        """Return where a window is, with the frame that openbox gives it; xdotool counts that twice."""
        box = self.box_of(window)
        return Box(box.left - 2, box.top - 40, box.right, box.bottom - 19)

    def wait_until_steady(self, box: Callable[[], Box], patience_s: float = LONGEST_S) -> Picture:
        """Return the whole picture when something is drawn within a box and has not changed for some time.

        Where bars and cursors never come to rest, it is enough that something is drawn when `patience_s` have passed.
        """
        pictures: list[Picture] = []
        patience_ends = time.monotonic() + patience_s

        def is_steady() -> bool:
            pictures.append(self.picture().cropped(box()))
            del pictures[:-_STEADY_PICTURES]
            if pictures[-1].is_blank:
                return False
            is_at_rest = len(pictures) == _STEADY_PICTURES and len({each.pixels for each in pictures}) == 1
            return is_at_rest or time.monotonic() > patience_ends

        self.wait_until(is_steady, "the picture is steady")
        return self.picture()

    def wait_until(self, question: Callable[[], Found | None], what: str) -> Found:
        """Ask until the answer is true, and return it; what is on the screen is saved when it never becomes true."""
        deadline = time.monotonic() + LONGEST_S
        while not (answer := question()):
            if time.monotonic() > deadline:
                raise AssertionError(self._report(what))
            time.sleep(_POLL_S)
        return answer

    def _report(self, what: str) -> str:
        self._pictures += 1
        with suppress(OSError):
            path = self.save_picture(f"failed-{self._pictures}")
            return (
                f"It never came true that {what}.\nwindows: {self.titles()}\n"
                f"picture: {path}\nrunning: {list(self.running().values())}"
            )
        return f"It never came true that {what}, and there is no picture."

    # Doing.

    def activate(self, window: Window) -> None:
        """Bring a window to the front and let it have the keys."""

        def is_active() -> bool:
            # Its own way of waiting, --sync, sometimes never ends.
            self._xdotool("windowactivate", str(window))
            return self._xdotool("getactivewindow") == str(window)

        self.wait_until(is_active, f"window {window} has the keys")

    def move(self, window: Window, left: int, top: int) -> None:
        """Put a window, with its frame, somewhere."""
        self._xdotool("windowmove", str(window), str(left), str(top))

    def resize(self, window: Window, width: int, height: int) -> None:
        """Give a window, without its frame, a size."""
        self._xdotool("windowsize", str(window), str(width), str(height))

    def point_at(self, x: int, y: int) -> None:
        """Move the mouse."""
        self._xdotool("mousemove", str(x), str(y))

    def click(self, x: int, y: int, times: int = 1) -> None:
        """Click somewhere with the left button, twice for a double-click."""
        self._xdotool("mousemove", str(x), str(y), "click", "--repeat", str(times), "--delay", "60", "1")

    def press(self, window: Window, *keys: str) -> None:
        """Press keys in a window that stays."""
        self.activate(window)
        self._xdotool("key", "--clearmodifiers", "--delay", "60", *keys)

    def dismiss(self, window: Window, key: str) -> None:
        """Press a key in a window, such as ``Return`` or ``alt+r``, and return when the window has gone.

        Pressed again after a while: a window that has only just been drawn may not hear it yet, and a question takes
        no yes in its first moment.
        """
        pressed_at = 0.0

        def has_gone() -> bool:
            nonlocal pressed_at
            if window not in self.windows():
                return True
            if time.monotonic() - pressed_at > _HEARING_S:
                self._xdotool("windowactivate", str(window))
                if self._xdotool("getactivewindow") == str(window):
                    self._xdotool("key", "--clearmodifiers", key)
                    pressed_at = time.monotonic()
            return False

        self.wait_until(has_gone, f"window {window} has gone")

    def type(self, window: Window, text: str) -> None:
        """Type a text in a window; a tab goes to the next field."""
        self.activate(window)
        self._xdotool("type", "--delay", "20", text)

    def _xdotool(self, *words: str) -> str | None:
        """Return what xdotool prints, or None where it fails, as it does for a window that has gone meanwhile."""
        with suppress(subprocess.TimeoutExpired):
            done = subprocess.run(
                ["xdotool", *words], env=self.environ, capture_output=True, text=True, timeout=20, check=False
            )
            if done.returncode == 0:
                return done.stdout.strip()
        return None
