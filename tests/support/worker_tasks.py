"""Functions that tests let workers call."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from launcher.errors import HashMismatch


def process() -> int:
    """Return in which process this is called."""
    return os.getpid()


def refuse() -> None:
    """Raise an error for a person."""
    raise HashMismatch("It is another file.", hint="Ask somebody.", reference="PEP 1")


def fail(besides: int) -> str:
    """Raise an error that nobody expects, but in the process `besides`."""
    if os.getpid() != besides:
        raise LookupError
    return "done here"


def die(besides: int) -> str:
    """End the process that this is called in, but not `besides`."""
    if os.getpid() != besides:
        os._exit(1)
    return "done here"


def meet(directory: str, name: str, other: str) -> bool:
    """Leave a file called `name` and wait for the one of somebody who is called at the same time."""
    Path(directory, name).touch()
    waiting = threading.Event()
    for _ in range(1000):
        if Path(directory, other).exists():
            return True
        waiting.wait(0.01)
    return False
