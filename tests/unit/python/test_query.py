from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from launcher.cache import Bucket, Cache
from launcher.errors import InterpreterNotFound
from launcher.python import answer as answer_module
from launcher.python import query as query_module
from launcher.python.answer import Answer, Refusal
from launcher.python.query import decode_entry, encode_entry, entry_key, query
from tests.unit.python.answers import answer, interpreter


class _Asked:
    """Stands for `ask`: answers from a table, and counts."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Refusal] = {}
        self.paths: list[str] = []

    def __call__(self, executable: str) -> Answer | Refusal:
        self.paths.append(executable)
        return self.answers[executable]

    def knows(self, path: Path, *, base: Path | None = None, calls_itself: Path | None = None) -> None:
        self.answers[str(path)] = answer() | {"self": str(calls_itself or path), "executable": str(base or path)}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> _Asked:
    stand_in = _Asked()
    monkeypatch.setattr(answer_module, "ask", stand_in)
    return stand_in


@pytest.fixture
def cache(cache_dir: Path) -> Cache:
    return Cache(cache_dir)


def _program(path: Path, content: bytes = b"\x7fELF") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def test_an_interpreter_is_asked_once(tmp_path: Path, cache: Cache, asked: _Asked) -> None:
    python = _program(tmp_path / "bin/python3.12")
    asked.knows(python)
    first = query(str(python), cache)
    assert query(str(python), cache) == first
    assert first.tags == query(str(python), cache).tags
    assert first.executable == str(python)
    assert asked.paths == [str(python)]


def test_refresh_asks_again(tmp_path: Path, cache: Cache, asked: _Asked) -> None:
    python = _program(tmp_path / "bin/python3.12")
    asked.knows(python)
    query(str(python), cache)
    query(str(python), cache, refresh=True)
    assert len(asked.paths) == 2


def test_a_changed_executable_is_asked_again(tmp_path: Path, cache: Cache, asked: _Asked) -> None:
    python = _program(tmp_path / "bin/python3.12")
    asked.knows(python)
    query(str(python), cache)
    _program(python, b"\x7fELF, newer")
    assert query(str(python), cache).stamp[1] == len(b"\x7fELF, newer")
    assert len(asked.paths) == 2


def test_a_link_is_judged_by_what_it_leads_to(tmp_path: Path, cache: Cache, asked: _Asked) -> None:
    old, new = _program(tmp_path / "old/python3"), _program(tmp_path / "new/python3", b"\x7fELF, newer")
    link = tmp_path / "python3"
    link.symlink_to(old)
    asked.knows(link, base=old)
    assert query(str(link), cache).executable == str(old)
    link.unlink()
    link.symlink_to(new)
    asked.knows(link, base=new)
    assert query(str(link), cache).executable == str(new)


def test_a_shim_is_asked_each_time_but_teaches_the_real_one(tmp_path: Path, cache: Cache, asked: _Asked) -> None:
    shim, real = _program(tmp_path / "shims/python3", b"#!/bin/sh\n"), _program(tmp_path / "bin/python3.12")
    asked.knows(shim, base=real, calls_itself=real)
    query(str(shim), cache)
    query(str(shim), cache)
    assert query(str(real), cache).executable == str(real)
    assert asked.paths == [str(shim), str(shim)]


def test_a_venv_is_remembered_until_its_base_changes(tmp_path: Path, cache: Cache, asked: _Asked) -> None:
    # As on Windows, where a venv's python.exe is a file of its own.
    venv, base = _program(tmp_path / "venv/python.exe"), _program(tmp_path / "base/python.exe")
    asked.knows(venv, base=base)
    assert query(str(venv), cache).executable == str(base)
    query(str(venv), cache)
    assert len(asked.paths) == 1
    _program(base, b"upgraded")
    query(str(venv), cache)
    assert len(asked.paths) == 2


def test_a_broken_interpreter_is_remembered_for_a_while(
    tmp_path: Path, cache: Cache, asked: _Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = _program(tmp_path / "python3.12")
    asked.answers[str(python)] = Refusal("it ended with status 1", is_lasting=True)
    for _ in range(2):
        with pytest.raises(
            InterpreterNotFound, match=r"cannot be used as a Python interpreter: it ended with status 1\."
        ):
            query(str(python), cache)
    assert len(asked.paths) == 1
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3600)
    with pytest.raises(InterpreterNotFound):
        query(str(python), cache)
    assert len(asked.paths) == 2


@pytest.mark.parametrize(
    ("name", "content", "is_lasting"),
    [("python3", b"#!/bin/sh\n", True), ("mise", b"\x7fELF", True), ("python3", b"\x7fELF", False)],
)
def test_failures_that_may_pass_are_not_remembered(
    name: str, content: bytes, is_lasting: bool, tmp_path: Path, cache: Cache, asked: _Asked
) -> None:
    program = _program(tmp_path / name, content)
    asked.answers[str(program)] = Refusal("it did not answer within 10 s", is_lasting=is_lasting)
    for _ in range(2):
        with pytest.raises(InterpreterNotFound):
            query(str(program), cache)
    assert len(asked.paths) == 2


def test_a_missing_file_is_named(tmp_path: Path, cache: Cache) -> None:
    with pytest.raises(InterpreterNotFound, match=r"There is no Python interpreter at .*nowhere"):
        query(str(tmp_path / "nowhere"), cache)


def test_an_answer_about_a_missing_base_is_refused(tmp_path: Path, cache: Cache, asked: _Asked) -> None:
    python = _program(tmp_path / "python3")
    asked.knows(python, base=tmp_path / "gone")
    with pytest.raises(InterpreterNotFound, match=r"names .*gone as its base interpreter, which is not there"):
        query(str(python), cache)


@pytest.mark.parametrize(
    "damage", [lambda b: b"", lambda b: b[:-3], lambda b: b[:9] + b"\0" + b[10:], lambda b: b"x" * 50]
)
def test_a_damaged_entry_is_ignored(damage: object, tmp_path: Path, cache: Cache, asked: _Asked) -> None:
    python = _program(tmp_path / "python3")
    asked.knows(python)
    first = query(str(python), cache)
    entry = cache.path(Bucket.INTERPRETERS, entry_key("answer", str(python)))
    assert callable(damage)
    entry.write_bytes(damage(entry.read_bytes()))
    assert query(str(python), cache) == first
    assert len(asked.paths) == 2


def test_an_entry_of_another_interpreter_is_ignored(tmp_path: Path, cache: Cache, asked: _Asked) -> None:
    one, other = _program(tmp_path / "one/python3"), _program(tmp_path / "other/python3")
    os.utime(other, ns=(one.stat().st_atime_ns, one.stat().st_mtime_ns))
    asked.knows(one)
    asked.knows(other)
    query(str(one), cache)
    # As if both paths had one checksum.
    foreign = cache.read(Bucket.INTERPRETERS, entry_key("answer", str(one)))
    assert foreign is not None
    cache.write(Bucket.INTERPRETERS, entry_key("answer", str(other)), foreign)
    assert query(str(other), cache).executable == str(other)


def test_an_answer_given_on_another_system_is_ignored(
    tmp_path: Path, cache: Cache, asked: _Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = _program(tmp_path / "python3")
    asked.knows(python)
    query(str(python), cache)
    monkeypatch.setattr(query_module, "host", lambda: "Linux with another glibc")
    query(str(python), cache)
    assert len(asked.paths) == 2


def test_entries_survive_the_codec() -> None:
    content = ("text \udcff", 1, 2.5, {"a": ("b",)}, None)
    assert decode_entry(encode_entry(content)) == content
    assert decode_entry(None) is None


@pytest.mark.parametrize(
    ("version", "info", "is_prerelease"),
    [
        ("3.12.1", (3, 12, 1), False),
        ("3.15.0rc1", (3, 15, 0), True),
        ("3.15.0a7", (3, 15, 0), True),
        ("3.12.0+local", (3, 12, 0), False),
        ("2.7.18", (2, 7, 18), False),
    ],
)
def test_versions(version: str, info: tuple[int, int, int], is_prerelease: bool) -> None:
    found = interpreter(version)
    assert (found.version_info, found.is_prerelease) == (info, is_prerelease)
    assert found.is_supported == (info >= (3, 8))


def test_identity_tells_interpreters_apart_and_nothing_else() -> None:
    assert interpreter().identity == interpreter().identity
    others = [interpreter("3.12.2"), interpreter(executable="/other/python"), interpreter(implementation="pypy")]
    assert interpreter().identity not in {other.identity for other in others}


def test_an_interpreter_can_be_a_key() -> None:
    assert len({interpreter(), interpreter(), interpreter("3.13.0")}) == 2
