"""Collection removes what nobody uses, and nothing else."""

from __future__ import annotations

import hashlib
import marshal
import os
import time
from pathlib import Path

import pytest

from launcher.cache import Bucket, Cache
from launcher.environment import collection
from launcher.environment.environment import MARKER, last_used
from launcher.launch import record as records
from launcher.launch.record import LaunchRecord

DAY = collection.DAY_S


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture(autouse=True)
def nothing_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """The change time of a file cannot be set, so that a test's own files would always be too young to go."""
    monkeypatch.setattr(collection, "_GRACE_S", -1)


def environment(cache: Cache, key: str, days_unused: float, *wheels: str) -> Path:
    path = cache.directory(Bucket.ENVIRONMENTS) / key
    (path / "bin").mkdir(parents=True)
    (path / "bin" / "python").touch()
    (path / MARKER).write_bytes(marshal.dumps(tuple((wheel, "1.0", wheel) for wheel in wheels)))
    age(path, days_unused)
    for wheel in wheels:
        stored = cache.directory(Bucket.WHEELS) / wheel
        stored.mkdir(exist_ok=True)
        (stored / "module.py").write_bytes(b"x" * 5000)
        stored.chmod(0o555)
    return path


def age(path: Path, days: float) -> None:
    then = time.time() - days * DAY
    for marker in (MARKER, "used"):
        (path / marker).touch()
        os.utime(path / marker, (then, then))


def build(cache: Cache, key: str, days_unwanted: float, content: bytes) -> str:
    """Put a wheel into ``built-v1`` and return its sha256."""
    path = cache.directory(Bucket.BUILT) / key
    path.mkdir()
    (path / "made-1.0-py3-none-any.whl").write_bytes(content)
    then = time.time() - days_unwanted * DAY
    os.utime(path, (then, then))
    return hashlib.sha256(content).hexdigest()


def record_for(cache: Cache, script: Path, environment: Path) -> Path:
    made = LaunchRecord(str(environment / "bin" / "python"), str(environment), records.variables_of({}))
    path = records.record_path(str(cache.root), (str(script),), "/")
    made.place = str(script)
    content = records.encode(made)
    assert path is not None
    assert content is not None
    cache.write_file(Path(path), content)
    return Path(path)


def names(cache: Cache, bucket: Bucket) -> set[str]:
    return set(os.listdir(cache.directory(bucket)))


def test_what_is_unused_for_long_goes_with_the_wheels_only_it_used(cache: Cache) -> None:
    environment(cache, "a1", 31, "shared", "lonely")
    environment(cache, "b2", 29, "shared")
    collected = collection.collect(cache, 30 * DAY, None)
    assert (collected.environments, collected.wheels) == (["a1"], ["lonely"])
    assert collected.freed_bytes >= 5000
    assert names(cache, Bucket.ENVIRONMENTS) == {"b2"}
    assert names(cache, Bucket.WHEELS) == {"shared"}
    assert names(cache, Bucket.TMP) == set()


def test_an_environment_without_its_marker_goes(cache: Cache) -> None:
    path = environment(cache, "a1", 0)
    for marker in (MARKER, "used"):
        (path / marker).unlink(missing_ok=True)
    assert last_used(path) is None
    assert collection.collect(cache, 30 * DAY, None).environments == ["a1"]


def test_what_is_running_stays(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    environment(cache, "a1", 90, "w")
    monkeypatch.setattr(collection, "running_environments", lambda cache: iter(["a1"]))
    collected = collection.collect(cache, 30 * DAY, 0)
    assert (collected.environments, collected.wheels) == ([], [])


def test_this_very_process_is_not_taken_for_a_running_environment(cache: Cache) -> None:
    environment(cache, "a1", 0)
    assert list(collection.running_environments(cache)) == []


def test_a_process_is_seen_by_any_name_of_its_cache_but_not_of_another(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.directory(Bucket.ENVIRONMENTS)
    (tmp_path / "link").symlink_to(cache.root)
    texts = [
        f"{tmp_path}/link/environments-v1/a1/bin/python\0x.py".encode(),
        f"A=b\0PATH={cache.root}/environments-v1/b2/bin:/bin".encode(),
        f"{tmp_path}/other/environments-v1/c3/bin/python".encode(),
    ]
    monkeypatch.setattr(collection, "_process_texts", lambda: iter(texts))
    assert sorted(collection.running_environments(cache)) == ["a1", "b2"]


def test_the_budget_takes_the_oldest_first_and_spares_scripts_that_exist(cache: Cache, tmp_path: Path) -> None:
    script = tmp_path / "x.py"
    script.touch()
    record_for(cache, script, environment(cache, "a1", 20, "one"))
    environment(cache, "b2", 10, "two")
    environment(cache, "c3", 5, "three")
    size, _ = collection.directory_size(cache.root)
    collected = collection.collect(cache, 30 * DAY, size - 1000)
    assert (collected.environments, collected.wheels) == (["b2"], ["two"])
    script.unlink()
    assert collection.collect(cache, 30 * DAY, 0).environments == ["a1", "c3"]


def test_scripts_from_elsewhere_go_when_nobody_launched_them_for_long(cache: Cache) -> None:
    for bucket in (Bucket.SCRIPTS, Bucket.HTTP):
        for name, days in (("old", 31), ("young", 29)):
            path = cache.directory(bucket) / name
            path.mkdir()
            (path / "x.py").touch()
            path.chmod(0o500)
            os.utime(path, (time.time() - days * DAY,) * 2)
    assert collection.collect(cache, 30 * DAY, None).others == 2
    assert names(cache, Bucket.SCRIPTS) == names(cache, Bucket.HTTP) == {"young"}


def test_a_build_goes_when_nobody_wanted_it_for_long_and_no_environment_uses_it(cache: Cache) -> None:
    build(cache, "old", 31, b"1")
    build(cache, "young", 29, b"2")
    used = build(cache, "used", 90, b"3")
    from_elsewhere = build(cache, "used-by-url", 90, b"4")
    of_old_environment = build(cache, "its-user-goes", 31, b"5")
    environment(cache, "a1", 1, used, f"{from_elsewhere}-0123456789abcdef")
    environment(cache, "b2", 31, of_old_environment)
    collected = collection.collect(cache, 30 * DAY, None)
    assert sorted(collected.builds) == ["its-user-goes", "old"]
    assert names(cache, Bucket.BUILT) == {"used", "used-by-url", "young"}


def test_a_build_that_was_just_made_stays(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "_GRACE_S", 3600)
    build(cache, "new", 0, b"1")
    assert collection.collect(cache, 0, 0).builds == []


def test_the_budget_takes_unused_builds_before_environments(cache: Cache) -> None:
    used = build(cache, "used", 3, b"1" * 20_000)
    for days in (1, 2):
        build(cache, f"{days}-days", days, bytes([days]) * 20_000)
    environment(cache, "a1", 20, used)
    size, _ = collection.directory_size(cache.root)
    collected = collection.collect(cache, 30 * DAY, size - 1000)
    assert (collected.builds, collected.environments) == (["2-days"], [])
    collected = collection.collect(cache, 30 * DAY, size - 25_000)
    assert (collected.builds, collected.environments) == (["1-days"], [])
    collected = collection.collect(cache, 30 * DAY, 0)
    assert (collected.builds, collected.environments) == ([], ["a1"])
    assert collection.collect(cache, 30 * DAY, 0).builds == ["used"]


def unpacked_bundle(cache: Cache, digest: str, *days_unused: float) -> Path:
    """Make what some interpreters left of a bundle that each of them last started so long ago."""
    path = cache.directory(Bucket.BUNDLES) / digest
    for number, days in enumerate(days_unused):
        (path / str(number) / "bin").mkdir(parents=True)
        (path / str(number) / "module.py").write_bytes(b"x" * 5000)
        (path / str(number) / "ready").touch()
        then = time.time() - days * DAY
        os.utime(path / str(number) / "ready", (then, then))
    return path


def test_what_bundles_were_unpacked_to_goes_when_no_interpreter_started_them_for_long(cache: Cache) -> None:
    unpacked_bundle(cache, "old", 31, 90)
    unpacked_bundle(cache, "used", 90, 1)
    unpacked_bundle(cache, "killed").mkdir()
    collected = collection.collect(cache, 30 * DAY, None)
    assert sorted(collected.bundles) == ["killed", "old"]
    assert names(cache, Bucket.BUNDLES) == {"used"}


def test_the_budget_takes_unpacked_bundles_before_environments(cache: Cache) -> None:
    environment(cache, "a", 20, "one")
    unpacked_bundle(cache, "yesterday", 2)
    unpacked_bundle(cache, "today", 0)
    size = collection.directory_size(cache.root)[0]
    collected = collection.collect(cache, 30 * DAY, size - 4000)
    assert (collected.bundles, collected.environments) == (["yesterday"], [])


def test_with_a_wheel_goes_its_build(cache: Cache) -> None:
    used = build(cache, "used", 0, b"1")
    build(cache, "other", 0, b"2")
    build(cache, "named", 0, b"3")
    environment(cache, "a1", 1, used)
    collected = collection.remove_environments(cache, ["a1"], builds=["named"])
    assert sorted(collected.builds) == ["named", "used"]
    assert (collected.wheels, names(cache, Bucket.BUILT)) == ([used], {"other"})


def test_stamps_stay_as_long_as_a_record_needs_them(cache: Cache, tmp_path: Path) -> None:
    environment = tmp_path / "env"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "sh").touch()
    record = LaunchRecord(str(environment / "bin" / "sh"), str(environment), records.variables_of({}))
    record.stamps["/bin/sh"] = (10**18, 1)
    record.place = str(tmp_path / "x.py")
    content = records.encode(record)
    path = records.record_path(str(cache.root), (str(tmp_path / "x.py"),), "/")
    assert path is not None
    assert content is not None
    cache.write_file(Path(path), content)
    records.write_stamps(str(cache.root), record)
    stamps = cache.root / Bucket.LAUNCH / records.STAMPS_DIRECTORY
    (stamps / "17").touch()
    collection.collect(cache, 30 * DAY, None)
    assert os.listdir(stamps) == [str(10**18)]


def test_leftovers_go(cache: Cache, tmp_path: Path) -> None:
    (cache.directory(Bucket.TMP) / "killed").mkdir()
    gone = environment(cache, "a1", 31)
    kept = environment(cache, "b2", 1)
    record_of_gone = record_for(cache, tmp_path / "gone.py", gone)
    record_of_kept = record_for(cache, tmp_path / "kept.py", kept)
    collection.collect(cache, 30 * DAY, None)
    assert names(cache, Bucket.TMP) == set()
    assert not record_of_gone.exists()
    assert record_of_kept.exists()


def test_what_is_fresh_may_belong_to_a_preparation_under_way(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "_GRACE_S", 3600)
    environment(cache, "a1", 0, "w")
    (cache.directory(Bucket.WHEELS) / "just-unpacked").mkdir()
    (cache.directory(Bucket.TMP) / "busy").mkdir()
    collection.collect(cache, 30 * DAY, None)
    assert "just-unpacked" in names(cache, Bucket.WHEELS)
    assert "busy" in names(cache, Bucket.TMP)


@pytest.mark.parametrize(
    ("tokens", "directory", "expected"),
    [
        (("--with", "a", "x.py"), "/home/me", "/home/me/x.py"),
        (("--with", "a", "x.py"), "/", "/x.py"),
        (("--with", "a", "./tools/x.py"), "/home/me", "/home/me/tools/x.py"),
        (("--with", "a", "/opt/x.py"), "/home/me", "/opt/x.py"),
        (("--with", "a", "../x.py"), "/home/me", None),
        (("--with", "a b\tc", "/opt/x.py"), "/home/me", "/opt/x.py"),
        (("-m", "http.server"), "/home/me", "/home/me/http.server"),
    ],
)
def test_a_launch_with_options_is_found_with_its_target(
    tokens: tuple[str, ...], directory: str, expected: str | None, cache: Cache
) -> None:
    path = records.record_path(str(cache.root), tokens, directory)
    program = str(cache.path(Bucket.ENVIRONMENTS, "a1") / "bin" / "python")
    record = LaunchRecord(program, records.environment_of(program), records.variables_of({}), tokens, 2)
    record.place = records.record_place(tokens, directory) or ""
    content = records.encode(record)
    assert path is not None
    assert content is not None
    cache.write_file(Path(path), content)
    assert [target for target, _ in collection.launch_records(cache)] == [expected and Path(expected)]


def test_records_are_found_with_their_scripts(cache: Cache, tmp_path: Path) -> None:
    record_for(cache, tmp_path / "x.py", environment(cache, "a1", 0))
    assert [target for target, _ in collection.launch_records(cache)] == [tmp_path / "x.py"]


def test_hard_links_count_once(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"x" * 10_000)
    os.link(tmp_path / "one", tmp_path / "two")
    (tmp_path / "link").symlink_to("one")
    size, count = collection.directory_size(tmp_path)
    assert 10_000 <= size < 20_000
    assert count == 2
