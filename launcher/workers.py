"""Processes beside this one, for work that would otherwise wait for the interpreter lock.

While the resolver thinks, a worker loads unearth and unpacks the wheels that have arrived. A worker is a Python of its
own, there in 15 ms, and not a fork: threads run by then. Where there is only one processor, or no process to be had,
the work is done where it is asked for.
"""

from __future__ import annotations

import marshal
import os
import sys
import threading
from contextlib import suppress
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any

from launcher import errors
from launcher.errors import CacheUnusable, PyscriptError

if TYPE_CHECKING:
    import subprocess

_START = (
    # Ctrl-C reaches every process of a terminal: the one that we work for ends us when it has heard it.
    "import _signal; _signal.signal(_signal.SIGINT, _signal.SIG_IGN); "
    "import marshal, sys; sys.path[:] = marshal.load(sys.stdin.buffer); from launcher.workers import work; work()"
)
_MOST = 3
"""From three on, downloads are what is waited for. With two processors, two: while they unpack, we only download."""


class Workers:
    """Processes that call functions, started when they are needed. Every method may be called from any thread.

    Functions are named ``module:function``; what they take and return is what `marshal` can write. Close it, or a
    worker is left to the program that is executed next.
    """

    def __init__(self, count: int | None = None) -> None:
        self._may_start = _useful_count() if count is None else count
        self._idle: list[_Worker] = []
        self._running: list[_Worker] = []
        self._is_closed = False
        self._change = threading.Condition()

    def load(self, *modules: str) -> None:
        """Let one more worker import modules, in this order, whose functions will be called soon; returns at once."""
        with self._change:
            worker = None if self._is_closed else self._started()
        if worker is not None:
            with suppress(_NotDone):
                worker.load(modules)
            self._give_back(worker)

    def call(self, function: str, *arguments: Any) -> Any:
        """Return what a function returns, called in a worker that is free; raises the `PyscriptError` that it raises.

        Where there is no worker, where one dies, or where anything else is raised, it is called here.
        """
        worker = self._take(function.partition(":")[0])
        if worker is not None:
            try:
                return worker.call(function, arguments)
            except _NotDone:
                pass  # it is done here, unless nobody wants it any more
            finally:
                self._give_back(worker)
        if self._is_closed:
            raise CacheUnusable("The launch was given up.")
        return _called(function, arguments)

    def close(self) -> None:
        """End the workers, whatever they are doing, and wait for that: whoever comes after us knows of no children."""
        with self._change:
            self._is_closed = True
            running, self._running = self._running, []
            self._idle.clear()
            self._change.notify_all()
        for worker in running:
            worker.end()

    def _take(self, module: str) -> _Worker | None:
        """Return a free worker, best one that has the module, else a new one; None where there will be none."""
        with self._change:
            self._change.wait_for(lambda: self._idle or self._may_start or not self._running)
            if self._is_closed:
                return None
            found = next((each for each in self._idle if module in each.modules), None)
            found = found or next(iter(self._idle), None)
            if found is None:
                return self._started()
            self._idle.remove(found)
            return found

    def _started(self) -> _Worker | None:
        if not self._may_start:
            return None
        self._may_start -= 1
        try:
            found = _Worker()
        except OSError:
            self._may_start = 0
            return None
        self._running.append(found)
        return found

    def _give_back(self, worker: _Worker) -> None:
        with self._change:
            if not worker.is_alive:
                worker.end()
                self._running = [each for each in self._running if each is not worker]
            elif not self._is_closed:
                self._idle.append(worker)
            self._change.notify_all()


def _useful_count() -> int:
    """Return how many workers there is something to do for: none where there is but one processor."""
    processors = os.cpu_count() or 1
    if sys.platform == "linux":
        # What a container may use is less than what there is; a sandbox may forbid asking.
        with suppress(OSError):
            processors = len(os.sched_getaffinity(0))
    return min(processors, _MOST) if processors > 1 and sys.executable else 0


class _NotDone(Exception):
    """The worker could not do it."""


class _Worker:
    """One process, used by one thread at a time. `is_alive` while it can be asked."""

    def __init__(self) -> None:
        import subprocess  # noqa: PLC0415 - 3 ms, for those who have work for it

        flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        self.modules: tuple[str, ...] = ()
        self.is_alive = True
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=flags,
        )
        with suppress(_NotDone):
            self._send(sys.path)

    def load(self, modules: tuple[str, ...]) -> None:
        """Let it import modules before the next call; raises `_NotDone`."""
        self.modules += modules
        self._send(("", modules))

    def call(self, function: str, arguments: tuple[Any, ...]) -> Any:
        """Return what a function returns there; raises the `PyscriptError` that it raises, and `_NotDone`."""
        # Until the answer is here: a caller who is interrupted in between leaves it to the next one, as if it were his.
        self.is_alive = False
        self._send((function, arguments))
        try:
            error, found = marshal.load(_present(self._process.stdout))
        except (OSError, EOFError, ValueError, TypeError) as broken:
            raise _NotDone from broken
        self.is_alive = True
        if error is None:
            return found
        if not error:
            raise _NotDone
        raise getattr(errors, error)(found[0], hint=found[1], reference=found[2])

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            # What was not written yet has nobody to read it.
            with suppress(OSError):
                _present(stream).close()

    def _send(self, question: Any) -> None:
        stream = _present(self._process.stdin)
        try:
            stream.write(marshal.dumps(question))
            stream.flush()
        except (OSError, ValueError) as broken:  # it has ended, or `end` was called
            self.is_alive = False
            raise _NotDone from broken


def _present(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def work() -> None:
    """Answer questions until nobody can ask any more: the life of a worker."""
    import gc  # noqa: PLC0415

    # What is made here is little and short-lived.
    gc.disable()
    with suppress(EOFError):
        while True:
            function, arguments = marshal.load(sys.stdin.buffer)
            if not function:
                for module in arguments:
                    import_module(module)
                continue
            marshal.dump(_result(function, arguments), sys.stdout.buffer)
            sys.stdout.buffer.flush()


def _result(function: str, arguments: tuple[Any, ...]) -> tuple[str | None, Any]:
    """Return the name of an error and what it says, or None and what the function returned; for other errors `""`."""
    try:
        return None, _called(function, arguments)
    except PyscriptError as error:
        return type(error).__name__, (error.message, error.hint, error.reference)
    except Exception:
        return "", None


def _called(function: str, arguments: tuple[Any, ...]) -> Any:
    module, _, name = function.partition(":")
    return getattr(import_module(module), name)(*arguments)
