"""A cache, a store that takes wheels made on the spot, and an interpreter nobody has to start."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from launcher.cache import Cache
from launcher.environment.stored_wheel import StoredWheel
from launcher.environment.wheel_store import WheelStore
from launcher.python.query import Interpreter
from tests.support.wheels import Wheel

Store = Callable[[Wheel], StoredWheel]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def store(cache: Cache, tmp_path: Path) -> Store:
    """Return a function that puts a wheel into the store."""

    def add(wheel: Wheel) -> StoredWheel:
        path = wheel.write(tmp_path / "wheels")
        return WheelStore(cache).add(path, wheel.sha256, name=wheel.name, version=wheel.version)

    return add


@pytest.fixture
def interpreter() -> Interpreter:
    executable = os.path.realpath(sys.executable)
    return Interpreter(
        executable=executable,
        version="3.12.1",
        implementation="cpython",
        free_threaded=False,
        markers={},
        tags=("cp312-cp312-linux_x86_64",),
        paths={
            "home": os.path.dirname(executable),
            "purelib": "lib/python3.12/site-packages",
            "scripts": "bin",
            "python_lib": "python3.12",
            "stdlib": os.path.dirname(os.__file__),
        },
        stamp=(1, 2),
    )


class Listener:
    """A reporter that remembers details."""

    def __init__(self) -> None:
        self.details: list[str] = []

    def detail(self, text: str, level: int = 1) -> None:
        self.details.append(text)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *values: None


@pytest.fixture
def listener() -> Listener:
    return Listener()
