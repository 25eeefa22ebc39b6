"""A few threads that do work ahead and that nobody ever waits for.

`concurrent.futures` joins its threads when the process ends: one slow server would keep a failed launch alive for as
long as its timeout lasts.
"""

from __future__ import annotations

import threading

# What `queue` has for two threads without its 1 ms.
from _queue import SimpleQueue
from collections.abc import Callable
from contextlib import suppress

_Task = tuple[Callable[..., object], tuple[object, ...]]


class Crew:
    """Does submitted work in at most `size` daemon threads, which begin when there is work for them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._is_closed = False
        self._lock = threading.Lock()

    def submit(self, work: Callable[..., object], *arguments: object) -> bool:
        """Do `work` soon; what it raises is dropped. False where nobody will: after `close`, or without any thread."""
        with self._lock:
            if self._is_closed:
                return False
            if self._idle <= self._tasks.qsize() and len(self._threads) < self._size:
                self._add_thread()
            if self._threads:
                self._tasks.put((work, arguments))
            return bool(self._threads)

    def _add_thread(self) -> None:
        thread = threading.Thread(target=self._labour, name=f"index-{len(self._threads)}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # A limit of the system (ulimit -u, a container's pids): with those there are, or none.
            self._size = len(self._threads)
        else:
            self._threads.append(thread)

    def close(self) -> None:
        """Forget what has not begun and let the threads end after what they are doing."""
        with self._lock:
            self._is_closed = True
            for _ in self._threads:
                self._tasks.put(None)

    def _labour(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            task = self._tasks.get()
            with self._lock:
                self._idle -= 1
            if task is None or self._is_closed:
                return
            work, arguments = task
            # Also an interrupt of the main thread, handed on by `Once`: nobody waits for what is done here.
            with suppress(BaseException):
                work(*arguments)
