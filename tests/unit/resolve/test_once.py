from __future__ import annotations

import threading

import pytest

from launcher.resolve.once import Once


def test_an_answer_is_worked_out_once() -> None:
    once: Once[str, object] = Once()
    first = once.get("key", lambda key: [key])
    assert first == ["key"]
    assert once.get("key", lambda _: pytest.fail("asked again")) is first


def test_an_error_is_an_answer_too() -> None:
    once: Once[int, float] = Once()
    with pytest.raises(ZeroDivisionError) as first:
        once.get(0, lambda key: 1 / key)
    with pytest.raises(ZeroDivisionError) as again:
        once.get(0, lambda _: 1.0)
    assert again.value is first.value


def test_what_was_asked_for_is_known_before_it_is_answered() -> None:
    once: Once[str, bool] = Once()
    assert not once.is_known("key")
    assert once.get("key", once.is_known)
    assert once.is_known("key")
    assert not once.is_known("other")


def test_others_wait_for_who_asked_first_and_only_for_him() -> None:
    once: Once[str, str] = Once()
    has_begun, may_end = threading.Event(), threading.Event()

    def work_out(key: str) -> str:
        has_begun.set()
        assert may_end.wait(10)
        return key

    found: list[str] = []
    first = threading.Thread(target=lambda: found.append(once.get("key", work_out)))
    second = threading.Thread(target=lambda: found.append(once.get("key", lambda _: "worked out again")))
    first.start()
    assert has_begun.wait(10)
    second.start()
    assert once.get("other", lambda key: key) == "other"
    assert found == []
    may_end.set()
    for thread in (first, second):
        thread.join(10)
    assert found == ["key", "key"]
