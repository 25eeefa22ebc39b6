"""Keys, the layout, completeness, repair and the ladder, without starting an interpreter."""

from __future__ import annotations

import errno
import os
import sys
import threading
from pathlib import Path

import pytest

from launcher.cache import Bucket, Cache
from launcher.environment.environment import (
    Environment,
    create_environment,
    environment_key,
    home_of,
    last_used,
    open_environment,
    used_wheels,
)
from launcher.environment.stored_wheel import StoredWheel
from launcher.errors import CacheUnusable
from launcher.launch.warm import note_use
from launcher.python.query import Interpreter
from launcher.reporter import SilentReporter
from launcher.value import replace
from tests.support.wheels import Wheel
from tests.unit.environment.conftest import Listener, Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the layout of POSIX")

ROWS = [("rich", "15.0", "a" * 64), ("idna", "3.20", "b" * 64)]


def create(cache: Cache, interpreter: Interpreter, *wheels: StoredWheel, mode: str = "fold") -> Environment:
    return create_environment(cache, interpreter, wheels, mode, SilentReporter())


def test_the_key_depends_on_everything_but_the_order(interpreter: Interpreter) -> None:
    key = environment_key(interpreter, ROWS, "fold")
    assert len(key) == 32 and key == environment_key(interpreter, ROWS[::-1], "fold")
    others = {
        environment_key(interpreter, ROWS, "copy"),
        environment_key(interpreter, ROWS[:1], "fold"),
        environment_key(interpreter, [*ROWS[:1], ("idna", "3.20", "c" * 64)], "fold"),
        environment_key(replace(interpreter, version="3.12.2"), ROWS, "fold"),
        environment_key(replace(interpreter, executable="/other/python"), ROWS, "fold"),
    }
    assert len(others | {key}) == 6


def test_the_layout_is_that_of_venv(cache: Cache, interpreter: Interpreter, store: Store) -> None:
    stored = store(Wheel("demo", entry_points={"console_scripts": {"demo": "demo:main"}}))
    environment = create(cache, interpreter, stored)
    assert environment.path == cache.root / "environments-v1" / environment.key
    assert (environment.python, environment.bin) == (environment.path / "bin/python", environment.path / "bin")
    assert os.readlink(environment.python) == interpreter.executable
    assert {name: os.readlink(environment.bin / name) for name in ("python3", "python3.12")} == {
        "python3": "python",
        "python3.12": "python",
    }
    assert (environment.path / "pyvenv.cfg").read_text() == (
        f"home = {interpreter.paths['home']}\ninclude-system-site-packages = false\nversion = 3.12.1\npyscript = 1\n"
    )
    if sys.platform == "linux":
        assert os.readlink(environment.path / "lib64") == "lib"
    site = environment.path / "lib/python3.12/site-packages"
    assert (site / "demo.py").read_text() == "VERSION = '1.0'\n"
    assert sorted(os.listdir(site)) == ["demo-1.0.dist-info", "demo.py"]
    assert str(environment.python) in (environment.bin / "demo").read_text()
    assert os.listdir(cache.directory(Bucket.TMP)) == []


def test_links_stay_right_when_the_cache_is_moved(
    cache: Cache, interpreter: Interpreter, store: Store, tmp_path: Path
) -> None:
    environment = create(cache, interpreter, store(Wheel("demo")))
    cache.root.rename(tmp_path / "moved")
    moved = tmp_path / "moved" / environment.path.relative_to(cache.root)
    assert (moved / "lib/python3.12/site-packages/demo.py").exists()


def test_an_environment_is_opened_only_when_it_is_there(cache: Cache, interpreter: Interpreter, store: Store) -> None:
    stored = store(Wheel("demo"))
    key = environment_key(interpreter, [("demo", "1.0", stored.sha256)], "fold")
    assert open_environment(cache, key) is None
    environment = create(cache, interpreter, stored)
    assert environment.key == key
    assert open_environment(cache, key) == environment


@pytest.mark.parametrize("damage", ["no marker", "empty marker", "no interpreter"])
def test_a_damaged_environment_is_made_anew(cache: Cache, interpreter: Interpreter, store: Store, damage: str) -> None:
    stored = store(Wheel("demo"))
    environment = create(cache, interpreter, stored)
    (environment.path / "stray").touch()
    if damage == "no interpreter":
        environment.python.unlink()
        environment.python.symlink_to(cache.root / "gone")
    else:
        (environment.path / ".pyscript").unlink()
        if damage == "empty marker":
            (environment.path / ".pyscript").touch()
    assert open_environment(cache, environment.key) is None
    assert create(cache, interpreter, stored) == environment
    assert open_environment(cache, environment.key) == environment
    assert not (environment.path / "stray").exists()


def test_it_remembers_its_wheels_and_when_it_was_used(cache: Cache, interpreter: Interpreter, store: Store) -> None:
    one, two = store(Wheel("one")), store(Wheel("two", "2.0"))
    environment = create(cache, interpreter, two, one)
    assert sorted(used_wheels(environment.path)) == [("one", "1.0", one.key), ("two", "2.0", two.key)]
    os.utime(environment.path / "used", (1, 1))
    assert last_used(environment.path) == 1
    note_use(str(environment.path))
    assert (last_used(environment.path) or 0) > 1_000_000_000
    assert home_of(environment.path) == Path(interpreter.paths["home"])
    assert used_wheels(cache.root) == () and last_used(cache.root) is None and home_of(cache.root) is None


def test_an_environment_without_wheels_is_fine(cache: Cache, interpreter: Interpreter) -> None:
    assert used_wheels(create(cache, interpreter).path) == ()


@pytest.mark.parametrize("mode", ["hardlink", "copy"])
def test_other_link_modes(cache: Cache, interpreter: Interpreter, store: Store, mode: str) -> None:
    stored = store(Wheel("demo", files={"demo/__init__.py": "", "demo/sub/x.py": ""}))
    site = create(cache, interpreter, stored, mode=mode).path / "lib/python3.12/site-packages"
    assert not (site / "demo").is_symlink()
    same = (site / "demo/sub/x.py").samefile(stored.path / "site-packages/demo/sub/x.py")
    assert same == (mode == "hardlink")


def test_coverage_is_not_folded(cache: Cache, interpreter: Interpreter, store: Store) -> None:
    stored = store(Wheel("coverage", files={"coverage/__init__.py": ""}))
    site = create(cache, interpreter, stored).path / "lib/python3.12/site-packages"
    assert not (site / "coverage").is_symlink() and not (site / "coverage/__init__.py").is_symlink()


def test_a_link_is_one_more_name_of_the_stored_one(
    cache: Cache, interpreter: Interpreter, store: Store, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = store(Wheel("demo"))
    environment = create_environment(cache, interpreter, [stored], "fold", listener)
    link = environment.path / "lib/python3.12/site-packages/demo.py"
    assert link.is_symlink() and link.exists()
    assert link.lstat().st_ino == (stored.path / "links" / "demo.py").lstat().st_ino


def test_where_links_are_impossible_files_are_copied(
    cache: Cache, interpreter: Interpreter, store: Store, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(text: str, path: str, **options: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted", path)

    stored = store(Wheel("demo"))
    symlink = os.symlink
    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(
        os, "symlink", lambda text, path: refuse(text, path) if "wheels-v1" in text else symlink(text, path)
    )
    environment = create_environment(cache, interpreter, [stored], "fold", listener)
    module = environment.path / "lib/python3.12/site-packages/demo.py"
    assert not module.is_symlink() and module.stat().st_nlink == 1
    assert listener.details == [
        "The link mode fold does not work here (Operation not permitted); trying hardlink",
        "The link mode hardlink does not work here (Operation not permitted); trying copy",
    ]


def test_a_full_disk_leaves_nothing(
    cache: Cache, interpreter: Interpreter, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*values: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "x")

    stored = store(Wheel("demo"))
    monkeypatch.setattr("launcher.environment.environment.carry_out", refuse)
    with pytest.raises(
        CacheUnusable, match=r"The environment cannot be written: No space left on device \(x\)"
    ) as caught:
        create(cache, interpreter, stored)
    assert caught.value.hint
    assert os.listdir(cache.directory(Bucket.TMP)) == os.listdir(cache.directory(Bucket.ENVIRONMENTS)) == []


def test_a_damaged_tree_in_the_store_is_named(cache: Cache, interpreter: Interpreter, store: Store) -> None:
    wheels = [store(Wheel(name, files={f"shared/{name}.py": ""})) for name in ("one", "two")]
    tree = wheels[0].path / "tree"
    tree.chmod(0o600)
    tree.write_bytes(b"")
    with pytest.raises(CacheUnusable, match="A wheel in the store is damaged"):
        create(cache, interpreter, *wheels)


def test_a_wheel_that_collection_took_meanwhile_is_noticed(
    cache: Cache, interpreter: Interpreter, store: Store
) -> None:
    stored = store(Wheel("demo"))
    stored.path.rename(cache.root / "gone")
    with pytest.raises(CacheUnusable, match=r"demo 1\.0 was removed from the cache") as caught:
        create(cache, interpreter, stored)
    assert caught.value.hint == "Try again."
    assert not any(open_environment(cache, key) for key in os.listdir(cache.directory(Bucket.ENVIRONMENTS)))


def test_what_two_wheels_have_is_reported(
    cache: Cache, interpreter: Interpreter, store: Store, listener: Listener
) -> None:
    wheels = [store(Wheel(name, files={"shared.py": name})) for name in ("one", "two")]
    create_environment(cache, interpreter, wheels, "fold", listener)
    assert listener.details == ["shared.py comes from two; it is also in one"]


def test_many_threads_make_one_environment(cache: Cache, interpreter: Interpreter, store: Store) -> None:
    stored = store(Wheel("demo"))
    cache.directory(Bucket.ENVIRONMENTS)
    found: list[Environment] = []
    threads = [threading.Thread(target=lambda: found.append(create(cache, interpreter, stored))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16 and len({environment.path for environment in found}) == 1
    assert len(os.listdir(cache.directory(Bucket.ENVIRONMENTS))) == 1
    assert os.listdir(cache.directory(Bucket.TMP)) == []
