"""Whatever happens between launches, and to their records: what is recognised is what the full path would run.

Sequences of changes are drawn at random. After each of them both readers are asked, the shell's and Python's, and where
one of them recognises the launch, the full path: in this process, with a cache of its own. The table of single changes
is in test_warm_launch.py.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launcher.cli import run
from launcher.errors import PyscriptError
from launcher.launch import record as records
from launcher.launch import warm
from tests.functional.conftest import package
from tests.functional.test_warm_launch import SHELL_LAUNCHER, SHELLS
from tests.support.index_server import IndexServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the shell launcher is POSIX's")

Launched = tuple[str, list[str]]
"""The name of the environment, and the script with its arguments."""

Damage = Callable[[bytes, float], bytes]
"""Turns the content of a record into another, at a place that is a part of it."""

_NAMES = ("x.py", "y.py")
_BODY = "import json, os, sys; print(json.dumps([os.path.basename(sys.prefix), sys.argv]))\n"
_PRELUDES = ("", "#!/usr/bin/env pyscript\n", '"""What it does."""\n\n', "#!/bin/sh\n\nimport sys\n# why\n\n")
_BLOCKS = (
    "",
    "# a comment\n",
    *(f"# /// script\n# dependencies = {names}\n# ///\n" for names in ([], ["greet"], ["voice"], ["greet", "voice"])),
)
_TAILS = ("", "\n", "#\n", "\n" + "# a line\n" * 250, "# [tool.x]\n# ///\n")
_OPTIONS: tuple[list[str], ...] = (
    *([], ["-q"], ["run"], ["--with", "voice"], ["run", "-q", "--with=greet"]),
    *(["--with-requirements", "r.txt"], ["--with-requirements", "r.txt", "--with", "greet"]),
)
_TARGETS = ("x.py", "y.py", "./x.py", "{}/x.py", "{}//x.py", "sub/./x.py", "link.py", "sub/x.py", "sub/../x.py")
_CONFIG = "home/.config/pyscript/config.toml"
_VARIABLES = {
    "PYSCRIPT_LINK_MODE": ("", "copy", "hardlink"),
    "PYSCRIPT_PYTHON": ("", ">=3.8", "2.7"),
    "PYSCRIPT_OFFLINE": ("", "1"),
    "IFS": (" \t\n", "p/ 0"),
}


@dataclass
class World:
    """A directory with scripts, how one of them is launched, and everything that can happen to them."""

    root: Path
    cache: Path
    base: dict[str, str]
    options: tuple[str, ...] = ()
    target: str = "x.py"
    behind: tuple[str, ...] = ()
    folder: str = "."
    _clock: Iterator[int] = field(default_factory=lambda: count(1_500_000_000, 10))

    def __post_init__(self) -> None:
        for directory in ("bin", "home", "sub"):
            (self.root / directory).mkdir()
        (self.root / "linked").symlink_to("sub")
        shutil.copy(SHELL_LAUNCHER, self.root / "bin" / "pyscript")
        (self.root / "bin" / "pyscript-launcher").write_text("#!/bin/sh\necho left to Python\n")
        (self.root / "bin" / "pyscript-launcher").chmod(0o755)

    @property
    def cwd(self) -> Path:
        return self.root / self.folder

    @property
    def arguments(self) -> list[str]:
        return [*self.options, self.target.format(self.cwd), *self.behind]

    @property
    def environ(self) -> dict[str, str]:
        places = {"PYSCRIPT_CACHE_DIR": str(self.cache), "HOME": str(self.root / "home"), "PWD": str(self.cwd)}
        return self.base | places

    @property
    def records(self) -> list[Path]:
        return sorted(path for path in (self.cache / "launch-v1").rglob("*.launch") if self.root.name in str(path))

    # What can happen

    def launch(self, cache: Path | None = None) -> Launched | None:
        """Take the full path, up to where the process would become the script; None where it does not come so far."""
        taken: list[Launched] = []

        def take(record: records.LaunchRecord, argv: list[str], environ: dict[str, str]) -> int:
            taken.append((os.path.basename(record.environment), argv[1:]))
            return 0

        environ = self.environ | ({"PYSCRIPT_CACHE_DIR": str(cache)} if cache else {})
        with (
            chdir(self.cwd),
            mock.patch.dict(os.environ, environ, clear=True),
            mock.patch.object(warm, "launch", take),
            suppress(PyscriptError),
        ):
            run.main(self.arguments)
        return taken[0] if taken else None

    def write(self, name: str, content: str) -> None:
        """Write a file whose time is some years ago and of no other file; shells trust no time that is not past."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        then = next(self._clock)
        os.utime(path, (then, then))

    def remove(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    def ask_for(self, options: tuple[str, ...], target: str, behind: tuple[str, ...]) -> None:
        self.options, self.target, self.behind = options, target, behind

    def change_to(self, folder: str) -> None:
        self.folder = folder

    def set_variable(self, name: str, value: str) -> None:
        self.base = self.base | {name: value}

    def exchange(self, one: str, other: str) -> None:
        """Let two files change places; they keep their times."""
        with suppress(FileNotFoundError):
            (self.root / one).rename(self.root / "third")
            (self.root / other).rename(self.root / one)
        with suppress(FileNotFoundError):
            (self.root / "third").rename(self.root / other)

    def point(self, target: str) -> None:
        (self.root / "link.py").unlink(missing_ok=True)
        (self.root / "link.py").symlink_to(target)

    def lose_environments(self) -> None:
        for path in (self.cache / "environments-v1").iterdir():
            path.rename(self.root / f"lost-{next(self._clock)}")

    def swap_records(self, one: int, other: int) -> None:
        if found := self.records:
            first, second = found[one % len(found)], found[other % len(found)]
            contents = first.read_bytes(), second.read_bytes()
            second.write_bytes(contents[0])
            first.write_bytes(contents[1])

    def damage(self, which: int, change: Damage, where: float) -> None:
        if found := self.records:
            path = found[which % len(found)]
            path.write_bytes(change(path.read_bytes(), where))

    # What it comes to

    def by_python(self) -> Launched | None:
        with chdir(self.cwd):
            found = warm.recognise(self.arguments, self.environ)
        return (os.path.basename(found[0].environment), found[1][1:]) if found else None

    def by_shell(self, shell: list[str]) -> Launched | None:
        done = subprocess.run(
            [*shell, str(self.root / "bin" / "pyscript"), *self.arguments],
            env=self.environ,
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.stdout == "left to Python\n":
            return None
        assert done.stdout, done.stderr
        environment, argv = json.loads(done.stdout)
        return environment, argv


def _cut(content: bytes, where: float) -> bytes:
    return content[: int(len(content) * where)]


def _cut_at_a_line(content: bytes, where: float) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join(lines[: int(len(lines) * where)])


def _filled_with_zeros(content: bytes, where: float) -> bytes:
    return _cut_at_a_line(content, where).ljust(len(content), b"\0")


def _with_a_zero(content: bytes, where: float) -> bytes:
    at = int(len(content) * where)
    return content[:at] + b"\0" + content[at + 1 :]


def _with_another_bit(bit: int) -> Damage:
    def change(content: bytes, where: float) -> bytes:
        at = int(len(content) * where)
        return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]

    return change


_INCOMPLETE = st.sampled_from([_cut_at_a_line, _filled_with_zeros, _cut])
_WRONG = st.one_of(_INCOMPLETE, _INCOMPLETE, st.just(_with_a_zero), st.integers(0, 7).map(_with_another_bit))
_WHERE = st.floats(0, 1, exclude_max=True)
_WHICH = st.integers(0, 3)
_SHELL = st.sampled_from([name for name, command in SHELLS.items() if shutil.which(command[0])] or [""])
_TEXT = st.tuples(*map(st.sampled_from, (_PRELUDES, _BLOCKS, _TAILS, (_BODY,)))).map("".join)

Step = tuple[object, ...]
"""The name of something that can happen, and its arguments."""


def _step(name: str, *arguments: st.SearchStrategy[object]) -> st.SearchStrategy[Step]:
    return st.tuples(st.just(name), *arguments)


_STEPS = st.one_of(
    _step("launch"),
    _step("write", st.sampled_from((*_NAMES, "sub/x.py")), _TEXT),
    _step("write", st.just("r.txt"), st.sampled_from(["greet\n", "voice\n", ""])),
    _step("write", st.just(_CONFIG), st.sampled_from(["retries = 1\n", "link-mode = 'copy'\n"])),
    _step("remove", st.sampled_from(["r.txt", _CONFIG, "x.py"])),
    _step(
        "ask_for",
        st.sampled_from(_OPTIONS).map(tuple),
        st.sampled_from(_TARGETS),
        st.sampled_from([(), ("a b", "*", ""), ("--with", "voice")]),
    ),
    _step("change_to", st.sampled_from([".", "sub", "linked"])),
    st.sampled_from([("set_variable", name, value) for name, values in _VARIABLES.items() for value in values]),
    _step("exchange", st.just("x.py"), st.sampled_from(["y.py", "sub/x.py"])),
    _step("point", st.sampled_from(_NAMES)),
    _step("lose_environments"),
    _step("swap_records", _WHICH, _WHICH),
    _step("damage", _WHICH, _INCOMPLETE, _WHERE),
)

Place = tuple[Path, dict[str, str]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Return a directory for all worlds here, which share a cache, and the variables of their launches."""
    with IndexServer() as index:
        index.add(package("greet"), package("voice"))
        settings = {"PYSCRIPT_INDEX_URL": index.index_url, "PYSCRIPT_NO_PIP_CONFIG": "1", "PYSCRIPT_QUIET": "1"}
        yield tmp_path_factory.mktemp("worlds"), {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", **settings}


def _world(place: Place, *texts: str) -> World:
    """Return a world with x.py, y.py and sub/x.py; the first was launched."""
    directory, variables = place
    world = World(Path(tempfile.mkdtemp(dir=directory)), directory / "cache", variables)
    for name, text in zip((*_NAMES, "sub/x.py"), texts, strict=False):
        world.write(name, text)
    world.write("r.txt", "voice\n")
    world.point("x.py")
    world.launch()
    return world


@settings(max_examples=1500)
@given(texts=st.tuples(_TEXT, _TEXT, _TEXT), steps=st.lists(_STEPS, min_size=1, max_size=6), shell=_SHELL)
def test_what_is_recognised_is_what_the_full_path_runs(
    place: Place, texts: tuple[str, ...], steps: list[Step], shell: str
) -> None:
    world = _world(place, *texts)
    for name, *arguments in steps:
        getattr(world, str(name))(*arguments)
        by_python = world.by_python()
        by_shell = world.by_shell(SHELLS[shell]) if shell else None
        if by_python or by_shell:
            expected = world.launch(cache=place[0] / "other-cache")
            assert by_python in (None, expected)
            assert by_shell in (None, expected)
        # A shell puts no path together but by writing one part behind another.
        if shell and not any(part in world.target for part in ("//", "/./")):
            assert by_shell == by_python


@settings(max_examples=1500)
@given(text=_TEXT, block=st.sampled_from(_BLOCKS[3:]), change=_WRONG, where=_WHERE, shell=_SHELL)
def test_a_damaged_record_decides_nothing_else(
    place: Place, text: str, block: str, change: Damage, where: float, shell: str
) -> None:
    world = _world(place, text)
    whole = world.by_python()
    assert whole == world.launch()
    world.damage(0, change, where)
    assert world.by_python() in (None, whole)
    assert not shell or world.by_shell(SHELLS[shell]) in (None, whole)
    world.write("x.py", f'#!/usr/bin/env pyscript\n"""What it did."""\n{block}{_BODY}')
    assert world.by_python() is None
    assert not shell or world.by_shell(SHELLS[shell]) is None
