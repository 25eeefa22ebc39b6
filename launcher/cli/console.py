"""What is told: errors, warnings and progress on stderr, and the lines of a command on stdout.

Where a script is launched, stdout is the script's. Text from outside loses its control characters here, on its way out.
"""

from __future__ import annotations

import os
import re
import sys
import time
from typing import TYPE_CHECKING, TextIO

from launcher.errors import Excerpt, PyscriptError
from launcher.reporter import Reporter, megabytes

if TYPE_CHECKING:
    import threading
    from argparse import ArgumentParser

    from rich.console import RenderableType

_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]"
_STYLES = {"error": "1;31", "warning": "1;33", "hint": "1;36", "dim": "2", "bold": "1"}

_QUIET_FOR_S = 0.15
"""Nothing is shown for preparations shorter than this; it also hides the 50 ms that importing rich takes."""

_GUESSING_FOR_S = 0.3
"""The rate of a download says nothing before this."""

_WORTH_A_LINE = 5_000_000
"""Where there is no terminal, downloads of at least this many bytes are announced."""


class _Mode:
    def __init__(self) -> None:
        self.color = "auto"
        self.verbosity = 0
        self.active: TerminalReporter | None = None


_mode = _Mode()


def configure(color: str, verbosity: int) -> None:
    """Set how everything after this is shown; `color` is auto, always or never."""
    _mode.color, _mode.verbosity = color, verbosity


def is_quiet() -> bool:
    """Tell whether nothing but errors is to be said."""
    return _mode.verbosity < 0


def make_reporter() -> Reporter:
    """Return the reporter that suits stderr: a transient display on a terminal, plain lines elsewhere."""
    if _is_terminal(_stderr()) and _mode.verbosity >= 0:
        _mode.active = TerminalReporter()
        return _mode.active
    return PlainReporter()


def leave() -> None:
    """Take the transient display away; the script, an error or the shell prompt comes next."""
    if _mode.active is not None:
        _mode.active.close()


def sanitised(text: str) -> str:
    r"""Return `text` without control and direction-changing characters, line ends and tabs kept.

    >>> sanitised("evil\x1b[2Jname")
    'evil[2Jname'
    """
    # What is printable has none of them; else the expression has to be compiled, which takes 1 ms.
    return text if text.isprintable() else re.sub(_CONTROL, "", text)


def print_line(text: str = "") -> None:
    """Write a line of a command's own output to stdout; to nobody where stdout was closed."""
    if sys.stdout is not None:
        sys.stdout.write(sanitised(text) + "\n")


def print_usage(parser: ArgumentParser, missing: str = "nothing to run") -> None:
    """Show how the command is called, on stderr, because it was called with nothing to do."""
    _write(f"{parser.format_usage()}\n{parser.prog}: {missing}; see {parser.prog} --help")


def show_error(error: PyscriptError) -> None:
    """Show what happened, where, and what to do next; with ``-v`` also what it came from."""
    leave()
    lines = [f"{styled('error', 'error')}: {sanitised(error.message)}"]
    if error.excerpt:
        lines += _excerpt_lines(error.excerpt)
    if error.hint:
        lines.append(f"{styled('hint', 'hint')}: {sanitised(error.hint)}")
    if error.reference and _mode.verbosity > 0:
        lines.append(f"{styled('see', 'hint')}: {sanitised(error.reference)}")
    cause = error.__cause__ or error.__context__
    while cause is not None and _mode.verbosity > 0:
        lines.append(styled(f"caused by {type(cause).__name__}: {sanitised(str(cause))}", "dim"))
        cause = cause.__cause__ or cause.__context__
    _write("\n".join(lines))


def show_internal_error(error: Exception) -> None:
    """Show an error that nobody foresaw, as a request to report it; where it came from only with ``-vv``."""
    leave()
    if _mode.verbosity >= 2:
        import traceback  # noqa: PLC0415 - 5 ms, for a bug only

        _write(sanitised("".join(traceback.format_exception(error))))
    what = f"{type(error).__name__}: {sanitised(str(error))}"
    _write(f"{styled('error', 'error')}: Something went wrong inside pyscript: {what}")
    _write(f"{styled('hint', 'hint')}: Please report it, with what -vv shows in addition.")


def show_warning(text: str) -> None:
    """Show something that a person should mend."""
    _write(f"{styled('warning', 'warning')}: {sanitised(text)}")


def show_note(text: str) -> None:
    """Show what is going on and needs no mending; not with ``-q``."""
    leave()
    if _mode.verbosity >= 0:
        _write(styled(sanitised(text), "dim"))


def _excerpt_lines(excerpt: Excerpt) -> list[str]:
    """Return the line to blame with its place above and a caret below."""
    line = sanitised(excerpt.line.expandtabs(4))
    column = len(sanitised(excerpt.line[: excerpt.column - 1].expandtabs(4)))
    if len(line) > 160:
        start = max(0, column - 60)
        line, column = line[start : start + 160], column - start
    margin = " " * len(str(excerpt.line_number))
    carets = "^" * max(1, min(excerpt.length, len(line) - column))
    return [
        styled(f" {margin}--> {sanitised(excerpt.path)}:{excerpt.line_number}:{excerpt.column}", "dim"),
        styled(f" {margin} |", "dim"),
        styled(f" {excerpt.line_number} | ", "dim") + line,
        styled(f" {margin} | ", "dim") + " " * column + styled(carets, "error"),
    ]


def has_color(stream: TextIO | None = None) -> bool:
    """Tell whether to use colours on `stream`, stderr by default: --color, NO_COLOR, FORCE_COLOR, then the terminal."""
    if _mode.color != "auto":
        return _mode.color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return _is_terminal(stream or _stderr())


def _stderr() -> TextIO | None:
    """Return stderr; Python has none where its descriptor was closed."""
    return sys.stderr


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def styled(text: str, style: str) -> str:
    """Return text in a style, a name in `_STYLES`, where stderr has colours."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if has_color() else text


def _write(text: str) -> None:
    try:
        if (stream := _stderr()) is not None:
            stream.write(text + "\n")
            stream.flush()
    except (OSError, ValueError):
        pass  # stderr is gone; there is nobody left to tell


class PlainReporter:
    """Single plain lines, for logs and pipes; satisfies `Reporter`."""

    def __init__(self) -> None:
        self._warned: set[str] = set()

    def step(self, text: str) -> None:
        """Say it only with ``-v``, but always say what is being waited for."""
        if text.startswith("Waiting") and _mode.verbosity >= 0:
            _write(f"{sanitised(text)}…")
        else:
            self.detail(text)

    def progress(self, done: int, total: int) -> None:
        """Say nothing: a log has no use for it."""

    def download_started(self, name: str, size_bytes: int | None) -> None:
        """Announce what may take a while."""
        if _mode.verbosity >= 0 and (size_bytes or 0) >= _WORTH_A_LINE:
            _write(f"Downloading {sanitised(name)} ({megabytes(size_bytes or 0)})")

    def download_advanced(self, name: str, count_bytes: int) -> None:
        """Say nothing: a log has no use for it."""

    def download_finished(self, name: str) -> None:
        """Say nothing."""

    def detail(self, text: str, level: int = 1) -> None:
        """Say it where ``-v`` or ``-vv`` asked for it."""
        if _mode.verbosity >= level:
            _write(styled(sanitised(text), "dim"))

    def warning(self, text: str) -> None:
        """Say it unless ``-q``, and once: a lock resolves for many targets, and comes to the same with each."""
        if _mode.verbosity >= 0 and text not in self._warned:
            self._warned.add(text)
            self._warn(text)

    def _warn(self, text: str) -> None:
        show_warning(text)

    def finished(self, text: str) -> None:
        """Say it unless ``-q``."""
        if _mode.verbosity >= 0:
            _write(sanitised(text))


class _Download:
    def __init__(self, size_bytes: int | None) -> None:
        self.size_bytes = size_bytes
        self.done_bytes = 0
        self.started = time.monotonic()


class TerminalReporter(PlainReporter):
    """One transient display at the bottom of the terminal, gone before the script prints; satisfies `Reporter`."""

    def __init__(self) -> None:
        import threading  # noqa: PLC0415 - 1.5 ms, and only a terminal needs it

        super().__init__()
        self._lock = threading.Lock()
        self._step = self._progress = ""
        self._downloads: dict[str, _Download] = {}
        self._done_bytes = 0
        self._started = time.monotonic()
        self._first_download = 0.0
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._pending: list[str] = []

    def step(self, text: str) -> None:
        """Show the step beside the spinner."""
        with self._lock:
            self._step, self._progress = sanitised(text), ""
            if self._thread is None and not self._over.is_set():
                import threading  # noqa: PLC0415 - as above

                self._thread = threading.Thread(target=self._display, name="progress", daemon=True)
                self._thread.start()
        self.detail(text)

    def progress(self, done: int, total: int) -> None:
        """Show it behind the step."""
        with self._lock:
            self._progress = f"{done} of {total}"

    def download_started(self, name: str, size_bytes: int | None) -> None:
        """Show a bar."""
        with self._lock:
            self._first_download = self._first_download or time.monotonic()
            self._downloads[name] = _Download(size_bytes)

    def download_advanced(self, name: str, count_bytes: int) -> None:
        """Let the bar grow."""
        with self._lock:
            self._done_bytes += count_bytes
            if name in self._downloads:
                self._downloads[name].done_bytes += count_bytes

    def download_finished(self, name: str) -> None:
        """Take the bar away."""
        with self._lock:
            self._downloads.pop(name, None)

    def detail(self, text: str, level: int = 1) -> None:
        """Say it above the display where ``-v`` or ``-vv`` asked for it."""
        if _mode.verbosity >= level:
            self._say(styled(sanitised(text), "dim"))

    def _warn(self, text: str) -> None:
        # Above the display.
        self._say(f"{styled('warning', 'warning')}: {sanitised(text)}")

    def finished(self, text: str) -> None:
        """Show it as the last thing, which only ``-v`` leaves on the screen."""
        with self._lock:
            self._step, self._progress = sanitised(text), ""
        if _mode.verbosity > 0:
            self._say(sanitised(text))

    def close(self) -> None:
        """Take everything transient off the screen."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def _say(self, line: str) -> None:
        """Write a lasting line; while the display is up, it has to write it, or the two would mix."""
        with self._lock:
            if self._thread is not None and not self._over.is_set():
                self._pending.append(line)
                return
        _write(line)

    def _display(self) -> None:
        self._over.wait(_QUIET_FOR_S)
        if not self._over.is_set():
            self._show_live()
        for line in self._taken_lines():
            _write(line)

    def _show_live(self) -> None:
        # 50 ms, beside the work and only when there is something to wait for.
        from rich.console import Console  # noqa: PLC0415
        from rich.live import Live  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        console = Console(file=_stderr(), no_color=not has_color(), highlight=False)
        with Live(
            console=console, transient=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        ) as live:
            while True:
                for line in self._taken_lines():
                    console.print(Text.from_ansi(line))
                live.update(self._rendered(), refresh=True)
                if self._over.wait(1 / 12):
                    return

    def _taken_lines(self) -> list[str]:
        with self._lock:
            lines, self._pending = self._pending, []
        return lines

    def _rendered(self) -> RenderableType:
        from rich.console import Group  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        with self._lock:
            downloads = sorted(self._downloads.items(), key=lambda item: -(item[1].size_bytes or 0))[:6]
            step, progress, done_bytes = self._step, self._progress, self._done_bytes
        elapsed = time.monotonic() - self._started
        frame = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"[int(elapsed * 12) % 10] if _speaks_unicode() else "|/-\\"[int(elapsed * 8) % 4]
        rate = _rate(done_bytes, self._first_download) if downloads else ""
        total = megabytes(done_bytes) if done_bytes else ""
        head = Text(no_wrap=True, overflow="ellipsis")
        head.append(f"{frame} ", "cyan").append(step, "bold").append(_joined(progress, total, rate), "dim")
        grid = Table.grid(padding=(0, 2))
        for name, download in downloads:
            grid.add_row(f"  [dim]{_plain(name)}[/]", _bar(download), *_amounts(download))
        return Group(head, grid)


def _joined(*parts: str) -> str:
    return "".join(f"  {part}" for part in parts if part)


def _plain(text: str) -> str:
    return sanitised(text).replace("[", "\\[")


def _bar(download: _Download) -> str:
    if not download.size_bytes:
        return ""
    full, empty = ("━", "━") if _speaks_unicode() else ("#", "-")
    count = min(24, round(24 * download.done_bytes / download.size_bytes))
    return f"[cyan]{full * count}[/][dim]{empty * (24 - count)}[/]"


def _amounts(download: _Download) -> tuple[str, str]:
    size = f" / {megabytes(download.size_bytes)}" if download.size_bytes else ""
    return f"[dim]{megabytes(download.done_bytes)}{size}[/]", f"[dim]{_rate(download.done_bytes, download.started)}[/]"


def _rate(done_bytes: int, since: float) -> str:
    """Return bytes per second, nothing while it would only be a guess."""
    elapsed = time.monotonic() - since
    return f"{megabytes(int(done_bytes / elapsed))}/s" if done_bytes and elapsed > _GUESSING_FOR_S else ""


def _speaks_unicode() -> bool:
    return (getattr(_stderr(), "encoding", "") or "").lower().replace("-", "") == "utf8"
