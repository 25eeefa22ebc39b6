"""What a person sees: errors with their place, nothing that could fool a terminal, progress that goes away."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator

import pytest

from launcher.cli import console
from launcher.cli.console import PlainReporter, TerminalReporter
from launcher.errors import Excerpt, InvalidMetadata, PyscriptError
from launcher.reporter import megabytes


class _Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_mode() -> Iterator[None]:
    console.configure("never", 0)
    yield
    console.configure("auto", 0)


@pytest.fixture
def stderr(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = _Terminal()
    monkeypatch.setattr(console, "_stderr", lambda: stream)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return stream


def test_an_error_says_what_where_and_what_to_do(stderr: io.StringIO) -> None:
    excerpt = Excerpt("x.py", 12, '#   "requests >> 2",', 15, 2)
    console.show_error(InvalidMetadata("This is no requirement.", hint="Write >= 2.", excerpt=excerpt))
    assert stderr.getvalue() == (
        "error: This is no requirement.\n"
        "   --> x.py:12:15\n"
        "    |\n"
        ' 12 | #   "requests >> 2",\n'
        "    |               ^^\n"
        "hint: Write >= 2.\n"
    )


def test_the_caret_stands_below_its_column_behind_a_tab_and_in_a_long_line(stderr: io.StringIO) -> None:
    console.show_error(InvalidMetadata("x", excerpt=Excerpt("x.py", 1, "#\tbad", 3, 3)))
    line, carets = stderr.getvalue().splitlines()[-2:]
    assert line[line.index("bad") :] == "bad"
    assert carets.index("^^^") == line.index("bad")
    stderr.truncate(0)
    stderr.seek(0)
    console.show_error(InvalidMetadata("x", excerpt=Excerpt("x.py", 1, "x" * 500 + "bad" + "y" * 500, 501, 3)))
    line, carets = stderr.getvalue().splitlines()[-2:]
    assert len(line) < 180
    assert carets.index("^^^") == line.index("bad")


@pytest.mark.parametrize("evil", ["\x1b[2J", "\x07", "\x9b31m", "\u202e", "\r", "\x00", "\u2066"])
def test_text_from_outside_cannot_steer_the_terminal(evil: str, stderr: io.StringIO) -> None:
    console.show_error(PyscriptError(f"a{evil}b", hint=f"c{evil}d", excerpt=Excerpt(f"e{evil}", 1, f"f{evil}", 1)))
    console.show_warning(f"g{evil}h")
    assert evil[0] not in stderr.getvalue()


@pytest.mark.parametrize("make", [PlainReporter, TerminalReporter])
def test_a_warning_is_said_once(make: type[PlainReporter], stderr: io.StringIO) -> None:
    reporter = make()
    for text in ("six has no extra", "other", "six has no extra"):
        reporter.warning(text)
    assert stderr.getvalue() == "warning: six has no extra\nwarning: other\n"


def test_the_causes_are_shown_only_when_asked_for(stderr: io.StringIO) -> None:
    def fail() -> None:
        try:
            raise OSError("inner reason")
        except OSError as error:
            raise PyscriptError("outer", reference="PEP 723") from error

    with pytest.raises(PyscriptError) as caught:
        fail()
    console.show_error(caught.value)
    assert "inner reason" not in stderr.getvalue()
    console.configure("never", 1)
    console.show_error(caught.value)
    assert "caused by OSError: inner reason" in stderr.getvalue()
    assert "see: PEP 723" in stderr.getvalue()


@pytest.mark.parametrize(
    ("color", "variables", "expected"),
    [
        ("auto", {}, True),
        ("auto", {"NO_COLOR": "1"}, False),
        ("auto", {"TERM": "dumb"}, False),
        ("auto", {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ("always", {"NO_COLOR": "1"}, True),
        ("never", {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colours_follow_the_person(
    color: str, variables: dict[str, str], expected: bool, stderr: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    console.configure(color, 0)
    console.show_warning("x")
    assert ("\x1b[" in stderr.getvalue()) is expected


@pytest.mark.parametrize(
    ("verbosity", "expected"),
    [
        (-1, ""),
        (0, "Waiting for x…\nDownloading big (17.2 MB)\nwarning: w\nPrepared\n"),
        (1, "Resolving\nWaiting for x…\nDownloading big (17.2 MB)\ndetail\nwarning: w\nPrepared\n"),
    ],
)
def test_a_log_gets_single_plain_lines(verbosity: int, expected: str, stderr: io.StringIO) -> None:
    console.configure("never", verbosity)
    reporter = PlainReporter()
    reporter.step("Resolving")
    reporter.step("Waiting for x")
    reporter.download_started("big", 17_200_000)
    reporter.download_started("small", 17_200)
    reporter.detail("detail")
    reporter.detail("too much", 2)
    reporter.warning("w")
    reporter.finished("Prepared")
    assert stderr.getvalue() == expected


def test_a_short_preparation_shows_nothing_on_a_terminal(stderr: io.StringIO) -> None:
    reporter = TerminalReporter()
    reporter.step("Resolving")
    reporter.finished("Prepared 9 packages")
    reporter.close()
    assert stderr.getvalue() == ""


def test_a_warning_outlives_the_display(stderr: io.StringIO) -> None:
    reporter = TerminalReporter()
    reporter.step("Resolving")
    reporter.warning("mind this")
    reporter.close()
    assert stderr.getvalue() == "warning: mind this\n"


def test_a_long_preparation_shows_its_downloads_and_takes_them_away(
    stderr: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "_QUIET_FOR_S", 0)
    reporter = TerminalReporter()
    reporter.download_started("numpy [evil]", 20_000_000)
    reporter.download_advanced("numpy [evil]", 5_000_000)
    reporter.step("Fetching 3 of 9 packages")
    deadline = time.monotonic() + 60
    while "numpy" not in stderr.getvalue() and time.monotonic() < deadline:
        time.sleep(0.02)
    reporter.download_finished("numpy [evil]")
    reporter.close()
    shown = stderr.getvalue()
    assert "Fetching 3 of 9 packages" in shown
    assert "numpy [evil]" in shown
    assert "5.0 MB / 20.0 MB" in shown
    assert shown.endswith("\x1b[1A\x1b[2K")  # the last thing is to clear the first line it stood on


@pytest.mark.parametrize(("size", "text"), [(1, "1 kB"), (999_499, "999 kB"), (2_340_000_000, "2.34 GB")])
def test_sizes_are_for_people(size: int, text: str) -> None:
    assert megabytes(size) == text
