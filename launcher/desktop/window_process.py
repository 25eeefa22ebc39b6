"""The process that a window lives in: lines to it, lines from it, and its end, whatever it is doing meanwhile.

Windows are made by other programs, so that a toolkit that crashes or hangs takes nothing with it and costs nothing
where no window is shown. The end of its input tells such a program that nobody waits for it any more: then the window
goes, also when the launcher was killed.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from launcher.desktop.window import WindowUnavailable

_PATIENCE_S = 3.0
"""How long a window that was told to close is waited for before it is ended by force."""
_LONGEST_COMPLAINT = 2_000

_KEEPER = """\
exec 3<&0
"$@" </dev/null 3<&- & window=$!
{ read -r _ <&3; kill "$window"; } >/dev/null 2>&1 & watch=$!
exec 3<&-
wait "$window"; code=$?
kill "$watch" 2>/dev/null
exit "$code"
"""
"""Ends a program that knows nothing of us at the end of our input, and says how it ended."""


class WindowProcess:
    """A program that shows a window. Close it, or it stays until this process ends."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Start it with these variables; raises `WindowUnavailable` where it cannot be started."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed with the process
        try:
            self._process = subprocess.Popen(
                command,
                env=_speaking_utf_8(environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                # Ctrl-C in the terminal that we were started from is for us; we close the window.
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            self._errors.close()
            raise WindowUnavailable(f"{command[0]} could not be started: {error.strerror}") from error
        self._outgoing: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        # A window that hangs reads nothing, and whoever writes to it then waits.
        self._writer = threading.Thread(target=self._write, name="window", daemon=True)
        self._writer.start()

    @classmethod
    def kept(cls, command: Sequence[str], environ: Mapping[str, str]) -> WindowProcess:
        """Start a program that would not notice the end of its input by itself; only where there is a shell."""
        return cls(["sh", "-c", _KEEPER, "sh", *command], environ)

    def send(self, line: str) -> None:
        """Write a line to it some time soon; it never waits, and nothing happens when the process is gone."""
        self._outgoing.put(line)

    def lines(self) -> Iterator[str]:
        """Yield the lines that it writes, until it closes its output."""
        assert self._process.stdout is not None
        with suppress(OSError, ValueError):
            for line in self._process.stdout:
                yield line.decode("utf-8", "replace").rstrip("\r\n")

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Return its exit status, as `subprocess` has it, or None if it still runs then."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    @property
    def complaint(self) -> str:
        """The end of what it wrote to its standard error; to be read when it has ended."""
        try:
            self._errors.seek(0)
            return self._errors.read().decode("utf-8", "replace").strip()[-_LONGEST_COMPLAINT:]
        except ValueError:
            return ""  # it was closed meanwhile, so that nobody needs to know

    @contextmanager
    def coming_up(self, longest_s: float) -> Iterator[None]:
        """Wait, in the block, for its window: it is ended if that takes longer, and closed if there is none."""
        limit = threading.Timer(longest_s, self.kill)
        limit.daemon = True
        limit.start()
        try:
            yield
        except BaseException:
            self.close()
            raise
        finally:
            limit.cancel()
            limit.join()

    def kill(self) -> None:
        """End it, and what it started, at once."""
        if self._process.poll() is None:
            with suppress(OSError):
                if sys.platform == "win32":
                    self._process.kill()
                else:
                    os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Let it end, by force if need be; returns when the process is gone, and with it the window."""
        self._outgoing.put(None)
        if self.wait(_PATIENCE_S) is None:
            self.kill()
            self.wait()
        self._writer.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def _write(self) -> None:
        assert self._process.stdin is not None
        with suppress(OSError), self._process.stdin as stream:
            while (line := self._outgoing.get()) is not None:
                stream.write(line.encode() + b"\n")
                stream.flush()


def _speaking_utf_8(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the variables with a locale in which every text is an argument: zenity refuses the others' options."""
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or "C"
    return environ if "utf" in locale.lower() else {**environ, "LC_ALL": "C.UTF-8"}
