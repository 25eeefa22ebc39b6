from __future__ import annotations

import hashlib
import os
import sys
import tarfile
import time
from pathlib import Path

import pytest

from launcher.cache import Cache
from launcher.errors import DataUnusable, HashMismatch, IndexUnreachable, InterpreterNotFound
from launcher.python import downloads, installations
from launcher.python.answer import Refusal
from launcher.python.demand import Demand, NotFetched
from launcher.python.discovery import InterpreterRequest
from launcher.python.installations import Installations, obtain
from launcher.reporter import SilentReporter
from launcher.settings import Settings
from launcher.value import replace
from tests.support.pythons import FakePython, Shelf
from tests.unit.python.answers import answer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the executable has another name")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data/pythons"


@pytest.fixture(autouse=True)
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What a new interpreter answers, in place of starting it."""
    said: dict[str, object] = {"answer": answer() | {"release": "3.39.1"}}
    monkeypatch.setattr(installations, "ask", lambda executable: said["answer"])
    return said


def _add(root: Path, cache_dir: Path, python: FakePython, shelf: Shelf | None = None) -> str:
    build = python.build
    shelf = shelf or Shelf({build.urls[0]: python.content})
    return Installations(root).add(build, shelf, Cache(cache_dir), SilentReporter())


def test_it_is_unpacked_whole_and_owner_only(root: Path, cache_dir: Path) -> None:
    os.umask(before := os.umask(0))
    executable = _add(root, cache_dir, FakePython("3.39.1"))
    assert executable == str(root / FakePython("3.39.1").build.directory_name / "bin/python3")
    assert os.access(executable, os.X_OK)
    assert [path.stat().st_mode & 0o777 for path in (root.parent, root, *root.iterdir())] == [0o700] * 3
    assert os.umask(before) == before
    installed = Installations(root)
    assert installed.directory_of(executable) == next(iter(installed))
    assert installed.directory_of("/usr/bin/python3") is None
    installed.remove(next(iter(installed)))
    assert list(root.iterdir()) == []


def test_what_is_here_is_not_fetched_again_and_what_is_damaged_is(root: Path, cache_dir: Path) -> None:
    executable = _add(root, cache_dir, FakePython("3.39.1"))
    assert _add(root, cache_dir, FakePython("3.39.1"), Shelf()) == executable
    os.unlink(executable)
    assert _add(root, cache_dir, FakePython("3.39.1")) == executable
    assert len(list(root.iterdir())) == 1


def test_another_cache_may_be_quicker(root: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks are the cache's, the directory is everybody's: what is whole there may be running already."""
    made: list[str] = []

    def add_meanwhile(executable: str) -> object:
        if not made:
            made.append("")
            made[0] = _add(root, cache_dir.with_name("another"), FakePython("3.39.1"))
            Path(root, FakePython("3.39.1").build.directory_name, "theirs").touch()
        return answer() | {"release": "3.39.1"}

    monkeypatch.setattr(installations, "ask", add_meanwhile)
    assert _add(root, cache_dir, FakePython("3.39.1")) == made[0]
    assert [path.name for path in root.glob("*/theirs")] == ["theirs"]


def test_the_second_place_is_asked_where_the_first_has_nothing(root: Path, cache_dir: Path) -> None:
    python = FakePython("3.39.1")
    build = replace(python.build, urls=("https://a.invalid/x.tar.gz", "https://b.invalid/x.tar.gz"))
    shelf = Shelf({build.urls[1]: python.content})
    Installations(root).add(build, shelf, Cache(cache_dir), SilentReporter())
    assert shelf.asked == list(build.urls)


@pytest.mark.parametrize(("status", "message"), [(404, "There is no https://b"), (410, "the server answered 410")])
def test_where_the_server_does_not_give_it(status: int, message: str, root: Path, cache_dir: Path) -> None:
    with pytest.raises(IndexUnreachable, match=message):
        _add(root, cache_dir, FakePython("3.39.1"), Shelf(status=status))
    assert list(root.iterdir()) == []


def test_another_content_is_refused(root: Path, cache_dir: Path) -> None:
    shelf = Shelf({FakePython("3.39.1").build.urls[0]: FakePython("3.39.2").content})
    with pytest.raises(HashMismatch, match="is not the build that was published"):
        _add(root, cache_dir, FakePython("3.39.1"), shelf)
    assert list(root.iterdir()) == []


def test_more_than_any_build_is_not_written(root: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = FakePython("3.39.1").content
    monkeypatch.setattr(installations, "_LARGEST_BYTES", len(content) - 1)
    with pytest.raises(HashMismatch, match="what the server sends is larger than any build, more than 0 MiB"):
        _add(root, cache_dir, FakePython("3.39.1"))
    assert list(root.iterdir()) == []
    monkeypatch.setattr(installations, "_LARGEST_BYTES", len(content))
    _add(root, cache_dir, FakePython("3.39.1"))


def test_one_that_is_used_in_the_last_moment_stays(root: Path, cache_dir: Path) -> None:
    executable = Path(_add(root, cache_dir, FakePython("3.39.1")))
    (directory,) = Installations(root)

    def refuse(path: Path) -> None:
        assert (path, executable.exists()) == (directory, False)
        raise DataUnusable("it runs")

    with pytest.raises(DataUnusable, match="it runs"):
        Installations(root).remove(directory, refuse)
    assert executable.exists()
    Installations(root).remove(directory)
    assert list(root.iterdir()) == []


def _link(target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    link = tarfile.TarInfo()
    link.type, link.linkname = kind, target
    return link


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"../../../evil": tarfile.TarInfo()}, "cannot be unpacked"),
        ({"python/evil": _link("/etc/passwd")}, "cannot be unpacked"),
        ({"python/evil": _link("../../../../evil")}, "cannot be unpacked"),
        ({"python/evil": _link("../../../evil", tarfile.LNKTYPE)}, "cannot be unpacked"),
        ({"python/evil": _link("", tarfile.FIFOTYPE)}, "cannot be unpacked"),
        ({"evil": tarfile.TarInfo()}, "it is no single directory"),
    ],
)
def test_an_unsafe_archive_leaves_nothing(
    members: dict[str, tarfile.TarInfo], reason: str, root: Path, cache_dir: Path, tmp_path: Path
) -> None:
    with pytest.raises(InterpreterNotFound, match=reason):
        _add(root, cache_dir, FakePython("3.39.1", members=members))
    assert list(root.iterdir()) == []
    assert list(tmp_path.rglob("evil")) == []


def test_an_archive_that_is_none(root: Path, cache_dir: Path) -> None:
    whole = FakePython("3.39.1").content
    for content in (b"", b"no archive", whole[:200]):
        build = replace(FakePython("3.39.1").build, sha256=hashlib.sha256(content).hexdigest())
        with pytest.raises(InterpreterNotFound, match="cannot be unpacked"):
            Installations(root).add(build, Shelf({build.urls[0]: content}), Cache(cache_dir), SilentReporter())
    assert list(root.iterdir()) == []


def test_a_name_is_not_believed(root: Path, cache_dir: Path, answers: dict[str, object]) -> None:
    answers["answer"] = answer() | {"release": "3.38.1", "version": "3.38.1"}
    with pytest.raises(InterpreterNotFound, match=r"holds cpython 3.38.1 and not Python 3.39.1\."):
        _add(root, cache_dir, FakePython("3.39.1"))
    answers["answer"] = Refusal("it ended with status 1", is_lasting=True)
    with pytest.raises(InterpreterNotFound, match=r"was fetched and does not work here: it ended with status 1\."):
        _add(root, cache_dir, FakePython("3.39.1"))
    assert list(root.iterdir()) == []


def test_what_killed_launches_left_goes_in_time(root: Path, cache_dir: Path) -> None:
    old, new = root / ".new-1-old", root / ".new-2-new"
    for path in (old, new):
        (path / "unpacked").mkdir(parents=True)
    os.utime(old, (time.time() - 90_000,) * 2)
    _add(root, cache_dir, FakePython("3.39.1"))
    assert (old.exists(), new.exists()) == (False, True)
    assert [path.name for path in Installations(root)] == [FakePython("3.39.1").build.directory_name]


def test_a_directory_of_another_user_is_refused(root: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root.mkdir(parents=True)
    user = os.geteuid()
    with monkeypatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: user + 1)
        with pytest.raises(DataUnusable, match="belongs to another user"):
            Installations(root)._make_root()
    root.chmod(0o777)
    Installations(root)._make_root()
    assert root.stat().st_mode & 0o777 == 0o700


def test_no_place_and_no_room(tmp_path: Path, cache_dir: Path) -> None:
    with pytest.raises(DataUnusable, match="neither HOME nor XDG_DATA_HOME is set"):
        Installations(None)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataUnusable, match="The data directory cannot be used: "):
        _add(tmp_path / "file/pythons", cache_dir, FakePython("3.39.1"))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            Settings(offline=True, origins={"offline": "--offline"}),
            NotFetched("None was downloaded: --offline forbids it.", "run once without offline, which downloads one"),
        ),
        (
            Settings(no_python_download=True, origins={"no_python_download": "config.toml"}),
            NotFetched(
                "None was downloaded: config.toml forbids it.", "download one with `pyscript python install 3.13.2`"
            ),
        ),
        (
            Settings(python_mirror="https://m.invalid/#sha256=" + "0" * 64),
            NotFetched(
                "None could be downloaded: The list of builds https://m.invalid/SHA256SUMS answered 404.",
                "check the connection or name a mirror (PYSCRIPT_PYTHON_MIRROR)",
            ),
        ),
    ],
)
def test_why_none_was_obtained(settings: Settings, expected: NotFetched, cache_dir: Path) -> None:
    demand = Demand(InterpreterRequest("==3.13.2"))
    assert obtain(demand, settings, Shelf(), Cache(cache_dir), SilentReporter()) == expected


def test_where_nobody_has_such_a_build(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = downloads.Machine("linux", "x86_64", "musl")
    monkeypatch.setattr(downloads.Machine, "here", classmethod(lambda cls: machine))
    found = obtain(Demand(InterpreterRequest(python="3.13")), Settings(), Shelf(), Cache(cache_dir), SilentReporter())
    assert found == NotFetched(
        "There is none to download: python-build-standalone has no such build for x86_64-unknown-linux-musl."
    )
