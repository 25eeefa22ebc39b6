"""Windows made with kdialog, where there is neither tkinter nor zenity.

Its yes is what Enter does, whatever it is asked, so a question is a list whose first entry, not to run, is chosen: an
answer is believed only when it is spelled out.
"""

from __future__ import annotations

import html
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from launcher.desktop.shown_text import (
    heading_text,
    label_text,
    output_text,
    row_text,
    source_text,
    title_text,
    wrapped,
)
from launcher.desktop.window import Failure, Question, WindowUnavailable
from launcher.desktop.window_process import WindowProcess

_ABORTED = 128
"""Its exit status is not less where there is no display; else it says which button was pressed."""
_RUN, _SOURCE, _NOTHING = "run", "source", "nothing"
_TEXT_SIZE = ("760", "520")
_CODE = '<span style="white-space: pre; font-family: monospace">'
_MOST_DETAILS = 20_000
"""An argument has 128 KiB on Linux, and a character up to five bytes, as an entity."""
_POLLING_S = 0.3
_STARTING_S = 10.0

_HELPER = "kdialog_progress_helper"
"""What ``kdialog --progressbar`` starts and then waits for, without end where it was quicker than the waiting: so we
start it ourselves. It answers to the name that kdialog would have printed."""

_PROGRESS = """\
trap '' PIPE
say() {
    complaint=$(dbus-send --print-reply --reply-timeout=5000 --dest="$name" "$path" "$@" 2>&1 >/dev/null)
}
leave() {
    tries=50
    while kill -0 "$window"; do
        [ $((tries -= 1)) -gt 0 ] || kill -s KILL "$window"
        sleep 0.05
    done 2>/dev/null
    exit "$1"
}
name=org.freedesktop.DBus path=/
say org.freedesktop.DBus.Peer.Ping || exit 3
"$@" </dev/null >/dev/null & window=$!
name=org.kde.kdialog-$window path=/ProgressDialog dialog=org.kde.kdialog.ProgressDialog
until say $dialog.showCancelButton boolean:true; do
    if ! kill -0 "$window" || ! kill -0 "$PPID"; then kill "$window"; leave 3; fi
    sleep 0.05
done
echo shown
while read -r value text; do
    say $dialog.setLabelText "string:$text"
    say org.freedesktop.DBus.Properties.Set string:$dialog string:value "variant:int32:$value"
    case $complaint in *ServiceUnknown*) leave 0;; esac
done
say $dialog.close || kill "$window"
leave 0
"""
"""Carries lines, of a number and a text, to a progress window, which hears only D-Bus, and is its parent.

Nothing but the end of its input, or of the window, may end it: nobody else would close the window. Until there is one,
it looks for who started it instead.
"""


class KdialogWindows:
    """Windows made with kdialog; satisfies `Windows`. Its markup is of our making alone."""

    def __init__(self, program: str, environ: Mapping[str, str]) -> None:
        self._program, self._environ = program, environ

    def ask(self, question: Question) -> bool:
        """Show the question; see `Windows`."""
        cells = "".join(
            f"<tr><td>{_markup(label_text(label))}&nbsp;&nbsp;</td><td>{_markup(wrapped(row_text(text)))}</td></tr>"
            for label, text in question.rows
        )
        entries = [_NOTHING, label_text(question.reject), "on"]
        if question.source:
            entries += [_SOURCE, "View source", "off"]
        entries += [_RUN, label_text(question.accept), "off"]
        text = f'<qt><div align="left">{_heading(question.heading)}<table>{cells}</table></div></qt>'
        while True:
            answer = self._run(question.title, ["--radiolist", _argument(text), *map(_argument, entries)])
            if answer != _SOURCE:
                return answer == _RUN
            self._show_text(question.title, source_text(question.source))

    def tell(self, failure: Failure) -> None:
        """Show what went wrong; see `Windows`."""
        log = f"<p>Log: {_markup(row_text(failure.log))}</p>" if failure.log else ""
        text = _argument(f"<qt>{_heading(failure.heading)}{log}</qt>")
        if not failure.details:
            self._run(failure.title, ["--error", text])
            return
        details = html.escape(output_text(failure.details)[-_MOST_DETAILS:], quote=False)
        self._run(failure.title, ["--detailederror", text, _argument(f"<qt><pre>{details}</pre></qt>")])

    def open_progress(self, title: str, heading: str, on_cancel: Callable[[], None]) -> KdialogProgress:
        """Open a window that shows progress; see `Windows`."""
        return KdialogProgress(self._environ, title, heading, on_cancel)

    def _run(self, title: str, words: Sequence[str]) -> str:
        """Return what a dialog answered; raises `WindowUnavailable`."""
        with closing(
            WindowProcess.kept([self._program, "--title", title_text(title), *words], self._environ)
        ) as process:
            lines = list(process.lines())
            status = process.wait()
            if status is None or not 0 <= status < _ABORTED:
                raise WindowUnavailable(process.complaint or f"kdialog ended with {status}")
            return lines[0].strip() if lines and status == 0 else ""

    def _show_text(self, title: str, text: str) -> None:
        with tempfile.TemporaryDirectory(prefix="pyscript-") as directory:
            path = Path(directory) / "text"
            # It looks for markup in each line: there is some in all of them, so that none is found in what is shown.
            lines = (f"{_CODE}{html.escape(line, quote=False)}</span>\n" for line in text.split("\n"))
            path.write_text("".join(lines), "utf-8", "replace")
            self._run(title, ["--textbox", str(path), *_TEXT_SIZE])


class KdialogProgress:
    """A progress window of kdialog; satisfies `ProgressWindow`. It needs a session bus and dbus-send."""

    def __init__(self, environ: Mapping[str, str], title: str, heading: str, on_cancel: Callable[[], None]) -> None:
        program = shutil.which(_HELPER, path=environ.get("PATH"))
        if program is None:
            raise WindowUnavailable(f"{_HELPER} is not there")
        self._heading, self._on_cancel = heading, on_cancel
        self._shown = "0 " + _markup_of(heading, "")
        words = [program, "--progressbar", _markup_of(heading, ""), "--title", title_text(title), "100"]
        self._process = WindowProcess(["sh", "-c", _PROGRESS, "sh", *words], environ)
        self._lines = self._process.lines()
        with self._process.coming_up(_STARTING_S):
            if next(self._lines, "") != "shown":
                raise WindowUnavailable("kdialog could not be reached by D-Bus")
        self._closing = threading.Event()
        self._cancelled = threading.Event()
        self._threads = [
            threading.Thread(target=each, name="progress window", daemon=True) for each in (self._listen, self._poll)
        ]
        for each in self._threads:
            each.start()

    def update(self, text: str, fraction: float | None) -> None:
        """Show it soon; see `ProgressWindow`."""
        self._shown = f"{int((fraction or 0) * 99)} {_markup_of(self._heading, text)}"

    def is_cancelled(self) -> bool:
        """Tell whether the person asked to stop."""
        return self._cancelled.is_set()

    def close(self) -> None:
        """Take the window away; see `ProgressWindow`."""
        self._closing.set()
        self._process.close()
        for each in self._threads:
            if threading.current_thread() is not each:
                each.join()

    def _poll(self) -> None:
        """Send what there is to be shown, again and again: only so is it noticed that the window is gone."""
        while not self._closing.wait(_POLLING_S):
            self._process.send(self._shown)

    def _listen(self) -> None:
        for _ in self._lines:
            pass
        status = self._process.wait()
        if status == 0 and not self._closing.is_set():
            self._closing.set()
            self._cancelled.set()
            self._on_cancel()


def _markup(text: str) -> str:
    return html.escape(text).replace("\n", "<br>").replace("  ", "&nbsp; ")


def _heading(text: str) -> str:
    first, _, rest = wrapped(heading_text(text)).partition("\n")
    return f"<p><b>{_markup(first)}</b></p>" + (f"<p>{_markup(rest)}</p>" if rest else "")


def _markup_of(heading: str, text: str) -> str:
    return f"<qt>{_heading(heading)}{_markup(heading_text(text))}</qt>"


def _argument(text: str) -> str:
    """Return an argument in which kdialog finds no escapes of its own."""
    return text.replace("\\", "\\\\")
