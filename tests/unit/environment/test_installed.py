"""What an installed command runs in stays, however long nobody calls it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from launcher.cache import Bucket, Cache
from launcher.environment import collection
from launcher.environment.environment import MARKER
from launcher.environment.installed import environments_of_commands
from launcher.launch import record as records
from launcher.launch.record import LaunchRecord

ENVIRON = {"HOME": "/home/me"}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def describe(tmp_path: Path, name: str = "greet", **fields: object) -> dict[str, str]:
    """Write a description, and return the variables that lead to it."""
    path = tmp_path / "data" / "commands" / name / "3f9a" / "command.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"words": ["--with", "rich"], "script": "/opt/x.py", "environment": "made"} | fields))
    return {"PYSCRIPT_DATA_DIR": str(tmp_path / "data")}


def launch_in(key: str, cache: Cache, tokens: tuple[str, ...] = ("--with", "rich", "/opt/x.py")) -> None:
    """Leave the record of a launch in an environment."""
    record = LaunchRecord(str(cache.root / Bucket.ENVIRONMENTS / key / "bin" / "python"), "", "", tokens, 2, b"x\n")
    record.environment = records.environment_of(record.program)
    record.variables = records.variables_of(ENVIRON)
    record.place = records.record_place(tokens, records.ANYWHERE) or ""
    path = records.record_path(str(cache.root), tokens, records.ANYWHERE)
    cache.write_file(Path(path or ""), records.encode(record) or b"")


@pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")
def test_both_count_what_it_was_installed_with_and_what_it_ran_in(cache: Cache, tmp_path: Path) -> None:
    environ = describe(tmp_path)
    assert list(environments_of_commands(cache, environ)) == ["made"]
    launch_in("later", cache)
    assert list(environments_of_commands(cache, environ)) == ["made", "later"]


def test_nothing_counts_without_commands_or_a_place_for_them(cache: Cache, tmp_path: Path) -> None:
    for environ in ({}, {"PYSCRIPT_DATA_DIR": str(tmp_path)}, {"PYSCRIPT_DATA_DIR": "relative"}):
        assert list(environments_of_commands(cache, environ)) == []


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"environment": "x"}', '"text"'])
def test_a_damaged_description_keeps_others_from_nothing(content: str, cache: Cache, tmp_path: Path) -> None:
    environ = describe(tmp_path, environment="good")
    damaged = tmp_path / "data" / "commands" / "bad" / "1" / "command.json"
    damaged.parent.mkdir(parents=True)
    damaged.write_text(content)
    assert "good" in list(environments_of_commands(cache, environ))


def test_it_is_not_collected(cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "_GRACE_S", -1)
    for key in ("ade1", "ade2"):
        path = cache.directory(Bucket.ENVIRONMENTS) / key
        path.mkdir()
        for name in (MARKER, "used"):
            (path / name).touch()
            os.utime(path / name, (time.time() - 90 * collection.DAY_S,) * 2)
    for name, value in describe(tmp_path, environment="ade1").items():
        monkeypatch.setenv(name, value)
    assert collection.collect(cache, collection.MAX_AGE_S, 0).environments == ["ade2"]
    monkeypatch.setenv("PYSCRIPT_DATA_DIR", str(tmp_path / "none"))
    assert collection.collect(cache, collection.MAX_AGE_S, None).environments == ["ade1"]
