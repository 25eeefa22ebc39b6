"""Answers that are worked out once and shared between threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Answer = TypeVar("_Answer")


class Once(Generic[_Key, _Answer]):
    """Answers by key. Who asks first works it out in its own thread, so waiting never needs a free thread in a pool."""

    def __init__(self) -> None:
        self._answers: dict[_Key, Future[_Answer]] = {}
        self._lock = threading.Lock()

    def get(self, key: _Key, work_out: Callable[[_Key], _Answer]) -> _Answer:
        """Return the answer, or raise again what working it out raised."""
        with self._lock:
            future = self._answers.get(key)
            is_first = future is None
            if future is None:
                future = self._answers[key] = Future()
        if is_first:
            try:
                future.set_result(work_out(key))
            except BaseException as error:
                future.set_exception(error)
        return future.result()

    def is_known(self, key: _Key) -> bool:
        """Tell whether somebody asked for it already."""
        with self._lock:
            return key in self._answers
