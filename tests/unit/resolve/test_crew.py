"""Work that is handed to threads is done by those there are, and whoever hands it over learns whether it will be."""

from __future__ import annotations

import threading

import pytest

from launcher.resolve.crew import Crew


def test_work_is_done_and_what_it_raises_is_dropped() -> None:
    crew, done = Crew(1), threading.Event()
    assert crew.submit(lambda: 1 / 0)
    assert crew.submit(done.set)
    assert done.wait(10)
    crew.close()
    assert not crew.submit(done.set)


def test_with_fewer_threads_than_wanted_the_first_does_all(monkeypatch: pytest.MonkeyPatch) -> None:
    crew, is_busy, let_go, done = Crew(4), threading.Event(), threading.Event(), threading.Event()

    def wait() -> None:
        is_busy.set()
        let_go.wait(10)

    assert crew.submit(wait)
    assert is_busy.wait(10)
    monkeypatch.setattr(threading.Thread, "start", _none_to_be_had)
    assert crew.submit(done.set)
    let_go.set()
    assert done.wait(10)
    crew.close()


def test_without_any_thread_nobody_will_do_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", _none_to_be_had)
    crew = Crew(4)
    assert not crew.submit(print)
    crew.close()


def _none_to_be_had(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
