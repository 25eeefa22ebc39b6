from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from launcher.desktop import window_reporter
from launcher.desktop.window import Failure, Question, WindowUnavailable
from launcher.desktop.window_reporter import WindowReporter
from launcher.reporter import Reporter


class Recorded:
    """Windows of which one records what it shows."""

    def __init__(self, *, is_broken: bool = False) -> None:
        self.is_broken = is_broken
        self.opened: list[tuple[str, str]] = []
        self.shown: list[tuple[str, float | None]] = []
        self.change = threading.Condition()
        self.is_closed = False

    def ask(self, question: Question) -> bool:
        raise NotImplementedError

    def tell(self, failure: Failure) -> None:
        raise NotImplementedError

    def open_progress(self, title: str, heading: str, on_cancel: Callable[[], None]) -> Recorded:
        self.opened.append((title, heading))
        if self.is_broken:
            raise WindowUnavailable("broken")
        return self

    def update(self, text: str, fraction: float | None) -> None:
        with self.change:
            self.shown.append((text, fraction))
            self.change.notify_all()

    def is_cancelled(self) -> bool:
        return False

    def close(self) -> None:
        self.is_closed = True

    def wait_until_shown(self, text: str, fraction: float | None) -> None:
        with self.change:
            assert self.change.wait_for(lambda: (text, fraction) in self.shown[-1:], timeout=60), self.shown


def reporter_of(windows: Recorded, delay_s: float = 0) -> WindowReporter:
    return WindowReporter(windows, "title", "heading", lambda: None, delay_s)


def test_it_is_a_reporter() -> None:
    reporter: Reporter = reporter_of(Recorded())
    reporter.detail("x")
    reporter.warning("x")
    reporter.finished("x")


def test_nothing_is_opened_for_what_is_over_at_once() -> None:
    windows = Recorded()
    reporter = reporter_of(windows, delay_s=3600)
    reporter.step("Resolving")
    reporter.close()
    reporter.step("after the end")
    reporter.close()
    assert windows.opened == []


def test_nothing_is_opened_before_the_first_step() -> None:
    windows = Recorded()
    reporter = reporter_of(windows)
    reporter.download_started("x", 3)
    reporter.close()
    assert windows.opened == []


def test_steps_names_and_sizes_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_reporter, "_REFRESHING_S", 0.001)
    windows = Recorded()
    reporter = reporter_of(windows)
    reporter.step("Resolving requests")
    windows.wait_until_shown("Resolving requests\n", None)
    reporter.step("Fetching packages")
    for name, size in (("small 1", 1_000_000), ("large 2", 4_000_000), ("a", 10), ("b", 20)):
        reporter.download_started(name, size)
    reporter.download_advanced("large 2", 1_000_000)
    text = "Fetching packages\n1.0 MB of 5.0 MB · large 2, small 1, b and 1 more"  # the most missing first
    windows.wait_until_shown(text, 1_000_000 / 5_000_030)
    for name in ("large 2", "small 1", "b", "a"):
        reporter.download_finished(name)
    reporter.progress(3, 4)
    windows.wait_until_shown("Fetching packages\n3 of 4 · 1.0 MB of 5.0 MB", (0.75 + 1_000_000 / 5_000_030) / 2)
    reporter.step("Building x")
    windows.wait_until_shown("Building x\n", None)
    reporter.close()
    assert windows.opened == [("title", "heading")]
    assert windows.is_closed


def test_the_bar_never_goes_back_within_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_reporter, "_REFRESHING_S", 0.001)
    windows = Recorded()
    reporter = reporter_of(windows)
    reporter.step("Fetching")
    reporter.download_started("a", 100)
    reporter.download_advanced("a", 80)
    windows.wait_until_shown("Fetching\n1 kB of 1 kB · a", 0.8)
    reporter.download_started("b", 900_000_000)
    windows.wait_until_shown("Fetching\n1 kB of 900.0 MB · b, a", 0.8)
    reporter.step("Next")
    windows.wait_until_shown("Next\n0 kB of 900.0 MB · b, a", None)
    reporter.close()


def test_a_size_that_nobody_told_is_what_has_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_reporter, "_REFRESHING_S", 0.001)
    windows = Recorded()
    reporter = reporter_of(windows)
    reporter.step("Fetching")
    reporter.download_started("a", None)
    reporter.download_advanced("a", 2_000_000)
    windows.wait_until_shown("Fetching\n2.0 MB of 2.0 MB · a", 1.0)
    reporter.close()


def test_a_preparation_goes_on_without_a_window() -> None:
    windows = Recorded(is_broken=True)
    reporter = reporter_of(windows)
    reporter.step("Resolving")
    reporter.close()
    assert len(windows.opened) <= 1
