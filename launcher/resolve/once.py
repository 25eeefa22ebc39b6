"""Answers that are worked out once and shared between threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Answer = TypeVar("_Answer")


class Once(Generic[_Key, _Answer]):
    """Answers by key. Who asks first works it out in its own thread, so waiting never needs a free thread in a pool."""

    def __init__(self) -> None:
        self._questions: dict[_Key, _Question[_Answer]] = {}

    def get(self, key: _Key, work_out: Callable[[_Key], _Answer]) -> _Answer:
        """Return the answer, or raise again what working it out raised."""
        # In one step, so that all who ask have the same.
        question = self._questions.setdefault(key, _Question())
        with question.lock:
            if not question.is_answered:
                try:
                    question.answer = work_out(key)
                except BaseException as error:
                    question.error = error
                question.is_answered = True
        if question.error is not None:
            raise question.error
        return question.answer

    def is_known(self, key: _Key) -> bool:
        """Tell whether somebody asked for it already."""
        return key in self._questions


class _Question(Generic[_Answer]):
    """A place for one answer or for the error there is instead; the lock is held by who works it out.

    `concurrent.futures.Future` does as much, takes 1 ms to load and four times as long to make.
    """

    answer: _Answer

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.error: BaseException | None = None
        self.is_answered = False
