"""Signals that ask the process to end."""

import os
import signal
import sys
import weakref
from collections.abc import Iterator

import pytest

from launcher.cli import signals


class _Thing:
    pass


@pytest.fixture
def _listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
    monkeypatch.setattr(signals, "_heard", [])
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    signals.listen()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_listening")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_heard_as_an_exception(number: int) -> None:
    with pytest.raises(signals.Ended):
        os.kill(os.getpid(), number)


@pytest.mark.usefixtures("_listening")
def test_a_signal_that_a_callback_swallowed_is_still_heeded(capsys: pytest.CaptureFixture[str]) -> None:
    thing = _Thing()
    reference = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGTERM))
    del thing
    assert reference() is None
    with pytest.raises(signals.Ended):
        signals.heed()
    assert capsys.readouterr().err == ""


def test_without_a_signal_there_is_nothing_to_heed() -> None:
    signals.heed()


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        signals.listen()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
