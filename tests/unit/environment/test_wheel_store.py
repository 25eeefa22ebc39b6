"""What the store accepts, how it lays it out, and what it refuses in which words."""

from __future__ import annotations

import csv
import os
import stat
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from launcher.cache import Bucket, Cache
from launcher.environment import wheel_store
from launcher.environment.manifest import EntryPoint, ScriptFile
from launcher.environment.stored_wheel import StoredWheel, find_stored_wheel
from launcher.environment.wheel_store import WheelStore
from launcher.errors import CacheUnusable, HashMismatch, InvalidWheel
from tests.support.wheels import Flaw, Wheel
from tests.unit.environment.conftest import Store

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")


def rows(stored: StoredWheel) -> dict[str, tuple[str, str]]:
    record = next((stored.path / "site-packages").glob("*.dist-info/RECORD"))
    with record.open(newline="") as stream:
        return {path: (digest, size) for path, digest, size in csv.reader(stream)}


def modes(root: Path) -> dict[str, int]:
    return {str(path.relative_to(root)): stat.S_IMODE(path.lstat().st_mode) for path in root.rglob("*")}


def test_a_wheel_is_found_by_its_hash_once_it_was_added(cache: Cache, store: Store) -> None:
    wheel = Wheel("Demo.Project", "1.0")
    assert find_stored_wheel(cache, wheel.sha256) is None
    stored = store(wheel)
    assert (stored.name, stored.version, stored.sha256) == ("demo-project", "1.0", wheel.sha256)
    assert stored.path == cache.root / "wheels-v1" / wheel.sha256
    assert find_stored_wheel(cache, wheel.sha256) == stored == WheelStore(cache).get(wheel.sha256)


def test_files_are_laid_out_by_scheme(store: Store) -> None:
    data = {
        "purelib/pure.py": "",
        "platlib/plat.py": "",
        "scripts/run": "#!python\n",
        "data/share/x/y.txt": "",
        "headers/x.h": "",
    }
    stored = store(Wheel("demo", "1.0", files={"demo/__init__.py": ""}, data=data))
    for path in ("site-packages/demo/__init__.py", "site-packages/pure.py", "site-packages/plat.py"):
        assert (stored.path / path).is_file()
    for path in ("scripts/run", "data/share/x/y.txt", "headers/x.h"):
        assert (stored.path / path).is_file()
    manifest = stored.manifest
    assert manifest.site == {"demo": True, "pure.py": False, "plat.py": False, "demo-1.0.dist-info": True}
    assert manifest.data == {"": {"share": True}, "share": {"x": True}, "share/x": {"y.txt": False}}
    assert manifest.headers == ("x.h",)
    assert manifest.script_files == (ScriptFile("run", True),)
    assert stored.read_trees().site["demo"] == {"__init__.py": False}


def test_entry_points_are_remembered(store: Store) -> None:
    points = {
        "console_scripts": {"run": "demo.cli:main", "more": "demo:Class.method [extra]"},
        "gui_scripts": {"window": "demo:show"},
        "other": {"any thing": "demo"},
    }
    assert store(Wheel("demo", entry_points=points)).manifest.entry_points == (
        EntryPoint("run", "demo.cli", "main", False),
        EntryPoint("more", "demo", "Class.method", False),
        EntryPoint("window", "demo", "show", True),
    )


@posix_only
def test_nothing_but_the_place_for_byte_code_can_be_written(store: Store) -> None:
    files = {"demo/__init__.py": "", "demo/data/table.csv": "1", "demo/tool": "#!/bin/sh\n", "single.py": ""}
    stored = store(Wheel("demo", files=files, executables=["demo/tool"]))
    found = modes(stored.path)
    assert found["site-packages/demo/__init__.py"] == 0o444
    assert found["site-packages/demo/tool"] == 0o555
    assert found["site-packages/demo"] == found["site-packages"] == found["site-packages/demo/data"] == 0o555
    assert found["site-packages/demo/__pycache__"] == found["site-packages/__pycache__"] == 0o755
    assert "site-packages/demo/data/__pycache__" not in found
    writable = {path for path, mode in found.items() if mode & 0o222 and not (stored.path / path).is_symlink()}
    assert writable == {"site-packages/demo/__pycache__", "site-packages/__pycache__"}


@posix_only
def test_links_for_environments_lie_ready(store: Store) -> None:
    stored = store(Wheel("demo", files={"demo/__init__.py": "", "single.py": ""}))
    texts = {path.name: os.readlink(path) for path in (stored.path / "links").iterdir()}
    assert texts == {
        name: f"../../../../../wheels-v1/{stored.key}/site-packages/{name}"
        for name in ("demo", "single.py", "demo-1.0.dist-info")
    }


@posix_only
def test_the_umask_is_left_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("the umask belongs to all threads"))
    store(Wheel("demo", files={"tool": ""}, executables=["tool"]))


def test_record_names_what_an_environment_will_have(store: Store) -> None:
    wheel = Wheel(
        "demo",
        data={"scripts/run": "#!python\n", "scripts/plain": "#!/bin/sh\n", "data/share/x": "", "headers/x.h": ""},
        entry_points={"console_scripts": {"demo": "demo:main"}},
    )
    found = rows(store(wheel))
    root, programs, suffix = (
        ("../../", "../../Scripts/", ".exe") if os.name == "nt" else ("../../../", "../../../bin/", "")
    )
    assert found[programs + "demo" + suffix] == ("", "")
    assert found[programs + "run"] == ("", "")
    assert found[programs + "plain"][0].startswith("sha256=")
    assert found[root + "share/x"][1] == "0"
    assert found["demo.py"][1] == "16"
    assert found["demo-1.0.dist-info/RECORD"] == ("", "")
    assert found["demo-1.0.dist-info/INSTALLER"][1] == "9"
    assert not [path for path in found if path.endswith("x.h")]


def test_the_installer_is_named_and_files_only_an_installer_may_write_are_not_taken_from_the_wheel(
    store: Store,
) -> None:
    info = "demo-1.0.dist-info"
    files = {"demo.py": "", f"{info}/INSTALLER": "pip\n", f"{info}/direct_url.json": "{}", f"{info}/REQUESTED": ""}
    stored = store(Wheel("demo", files=files))
    directory = stored.path / "site-packages" / info
    assert (directory / "INSTALLER").read_text() == "pyscript\n"
    assert sorted(os.listdir(directory)) == ["INSTALLER", "METADATA", "RECORD", "WHEEL"]


def test_a_wheel_is_stored_anew_for_each_direct_url(cache: Cache, tmp_path: Path) -> None:
    wheel = Wheel("demo")
    path = wheel.write(tmp_path)
    text = '{"url": "https://example.com/demo.whl", "archive_info": {}}'
    plain = WheelStore(cache).add(path, wheel.sha256, name="demo", version="1.0")
    direct = WheelStore(cache).add(path, wheel.sha256, name="demo", version="1.0", direct_url=text)
    assert plain.path != direct.path and plain.sha256 == direct.sha256
    assert WheelStore(cache).get(wheel.sha256, text) == direct
    assert (direct.path / "site-packages/demo-1.0.dist-info/direct_url.json").read_text() == text
    assert not (plain.path / "site-packages/demo-1.0.dist-info/direct_url.json").exists()


def test_byte_code_in_a_wheel_is_left_out(store: Store) -> None:
    stored = store(Wheel("demo", files={"demo/__init__.py": "", "demo/__pycache__/__init__.cpython-312.pyc": b"evil"}))
    assert os.listdir(stored.path / "site-packages/demo/__pycache__") == []
    assert not [path for path in rows(stored) if path.endswith(".pyc")]


@pytest.mark.parametrize(
    "wheel",
    [
        pytest.param(Wheel("ruamel.yaml", "1.0"), id="the name has another spelling in the file name"),
        pytest.param(Wheel("demo", "1.0", root_is_purelib=False, tag="cp311-abi3-linux_x86_64"), id="platlib"),
        pytest.param(Wheel("demo", "1.0", build_tag="1"), id="build tag"),
        pytest.param(Wheel("demo", "1.0", compression=zipfile.ZIP_STORED), id="not compressed"),
        pytest.param(Wheel("demo", "1.0", files={"d/x.py": ""}, directory_entries=["d/"]), id="directory entries"),
        pytest.param(Wheel("demo", "1.0", files={}), id="no files at all"),
        pytest.param(Wheel("demo", "1.0", files={'a "quoted", name.txt': "", "grüße.py": ""}), id="odd names"),
        pytest.param(Wheel("demo", "1.0+local.1"), id="local version"),
        pytest.param(Wheel("demo", "1.0", files={"empty.py": "", "big.bin": bytes(3 << 20)}), id="sizes"),
    ],
)
def test_sound_wheels_are_accepted(store: Store, wheel: Wheel) -> None:
    stored = store(wheel)
    for path in rows(stored):
        assert (stored.path / "site-packages" / path).exists()


def test_a_version_may_be_written_in_another_way(cache: Cache, tmp_path: Path) -> None:
    wheel = Wheel("demo", "1.0")
    stored = WheelStore(cache).add(wheel.write(tmp_path), wheel.sha256, name="DEMO", version="1.0.0")
    assert (stored.name, stored.version) == ("demo", "1.0.0")


REASONS = {
    Flaw.NO_RECORD: "RECORD",
    Flaw.NO_METADATA: "METADATA",
    Flaw.NO_WHEEL_FILE: "WHEEL",
    Flaw.WHEEL_VERSION_2: "Wheel-Version 2.0",
    Flaw.RECORD_HASH_DIFFERS: "'demo.py' in it is not what its RECORD says",
    Flaw.RECORD_SIZE_DIFFERS: "'demo.py' in it is not what its RECORD says",
    Flaw.RECORD_ROW_WITHOUT_HASH: "its RECORD has no usable hash for 'demo.py'",
    Flaw.RECORD_ROW_WITHOUT_FILE: "its RECORD lists 'absent.py', which it does not hold",
    Flaw.RECORD_LACKS_A_FILE: "it holds 'demo.py', which its RECORD does not list",
    Flaw.METADATA_NAME_DIFFERS: "its METADATA says it is somebody-else 1.0, not demo 1.0",
    Flaw.METADATA_VERSION_DIFFERS: "its METADATA says it is demo 99.9, not demo 1.0",
    Flaw.DIST_INFO_NAME_DIFFERS: "dist-info directory",
    Flaw.TWO_DIST_INFOS: "exactly one .dist-info directory",
    Flaw.PARENT_PATH: "the file name '../escaped.py' is not allowed",
    Flaw.ABSOLUTE_PATH: "the file name '/tmp/escaped.py' is not allowed",
    Flaw.BACKSLASH_PATH: "is not allowed",
    Flaw.CONTROL_CHARACTER_PATH: r"the file name 'esc\x1b[31maped.py' is not allowed",
    Flaw.DRIVE_PATH: "the file name 'C:/escaped.py' is not allowed",
    Flaw.SYMBOLIC_LINK: "'link.py' in it is a link or a device",
    Flaw.DUPLICATE_NAME: "it holds 'demo-1.0.dist-info/METADATA' twice",
    Flaw.FILE_IS_DIRECTORY_TOO: "'clash' is a file and a directory in it",
    Flaw.LEADING_GARBAGE: "end record",
    Flaw.TRAILING_GARBAGE: "something behind its end",
    Flaw.GAP_BETWEEN_ENTRIES: "bytes that belong to no file",
    Flaw.LOCAL_NAME_DIFFERS: "the two headers of 'demo.py' in it contradict each other",
    Flaw.LOCAL_SIZE_DIFFERS: "the two headers of 'demo.py' in it contradict each other",
    Flaw.ENCRYPTED: "'demo.py' in it is encrypted",
    Flaw.SIZE_LIES: "'demo.py' in it does not have the size and checksum that its headers say",
    Flaw.CRC_DIFFERS: "'demo.py' in it does not have the size and checksum that its headers say",
    Flaw.TRUNCATED: "not a zip file",
    Flaw.NOT_A_ZIP: "not a zip file",
    Flaw.BAD_ENTRY_POINT: "an entry point in it does not name a function",
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("flaw", Flaw, ids=lambda flaw: flaw.name.lower())
def test_broken_wheels_are_refused_and_leave_nothing(cache: Cache, store: Store, tmp_path: Path, flaw: Flaw) -> None:
    wheel = Wheel("demo", flaw=flaw)
    with pytest.raises(InvalidWheel) as caught:
        store(wheel)
    assert caught.value.message.startswith("demo-1.0-py3-none-any.whl is not a sound wheel: ")
    assert REASONS[flaw] in caught.value.message
    assert caught.value.hint and caught.value.reference
    assert os.listdir(cache.directory(Bucket.WHEELS)) == os.listdir(cache.directory(Bucket.TMP)) == []
    assert not (tmp_path / "cache" / "escaped.py").exists()


def test_another_package_than_the_resolved_one_is_refused(cache: Cache, tmp_path: Path) -> None:
    wheel = Wheel("demo")
    with pytest.raises(InvalidWheel, match=r"its METADATA says it is demo 1\.0, not other 1\.0"):
        WheelStore(cache).add(wheel.write(tmp_path), wheel.sha256, name="other", version="1.0")


@pytest.mark.parametrize("name", ["../python", "a/b", "..", "x\x1b[31m"])
def test_entry_points_cannot_leave_the_directory_of_programs(store: Store, name: str) -> None:
    with pytest.raises(InvalidWheel, match="in its entry points is not allowed"):
        store(Wheel("demo", entry_points={"console_scripts": {name: "demo:main"}}))


def test_a_file_with_another_hash_is_refused(cache: Cache, tmp_path: Path) -> None:
    with pytest.raises(HashMismatch) as caught:
        WheelStore(cache).add(Wheel("demo").write(tmp_path), "0" * 64, name="demo", version="1.0")
    assert "expected " + "0" * 64 in caught.value.message and Wheel("demo").sha256 in caught.value.message


def test_a_file_that_was_just_hashed_is_not_hashed_again(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = Wheel("demo")
    monkeypatch.setattr(wheel_store, "_check_hash", lambda *values: pytest.fail("hashed"))
    stored = WheelStore(cache).add_hashed(wheel.write(tmp_path), wheel.sha256, name="demo", version="1.0")
    assert stored == WheelStore(cache).add(tmp_path / "not there", wheel.sha256, name="demo", version="1.0")


INFO = "demo-1.0.dist-info"


@pytest.mark.parametrize(
    ("wheel", "reason"),
    [
        (Wheel("demo", data={"lib/x": ""}), "'demo-1.0.data/lib/x' in it is not in a directory that wheels may have"),
        (Wheel("demo", data={"scripts": ""}), "'demo-1.0.data/scripts' in it is not in a directory"),
        (Wheel("demo", files={"demo-1.0.data": ""}), "'demo-1.0.data' in it is not in a directory"),
        (Wheel("demo", files={f"{INFO}/RECORD": "a,b\n"}, flaw=Flaw.NO_RECORD), "its RECORD cannot be read"),
        (Wheel("demo", files={f"{INFO}/RECORD": b"\xff"}, flaw=Flaw.NO_RECORD), "RECORD' in it is not UTF-8"),
        (Wheel("demo", files={f"{INFO}/METADATA": b"\xff"}, flaw=Flaw.NO_METADATA), "METADATA' in it is not UTF-8"),
        (Wheel("demo", metadata_lines=["Name: demo"]), "its METADATA does not give one name and one version"),
        (Wheel("demo", files={f"{INFO}/entry_points.txt": "run = a:b\n"}), "its entry points cannot be read"),
    ],
)
def test_wheels_that_no_flaw_describes_are_refused(store: Store, wheel: Wheel, reason: str) -> None:
    with pytest.raises(InvalidWheel) as caught:
        store(wheel)
    assert reason in caught.value.message


def test_a_file_with_another_name_than_a_wheels_is_refused(cache: Cache, tmp_path: Path) -> None:
    wheel = Wheel("demo")
    path = wheel.write(tmp_path).rename(tmp_path / "demo.whl")
    with pytest.raises(InvalidWheel, match=r"Not a valid wheel filename: demo\.whl"):
        WheelStore(cache).add(path, wheel.sha256, name="demo", version="1.0")


def test_a_file_that_is_cut_off_while_it_is_written_is_written_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, content: write(handle, content[:1000]))
    stored = store(Wheel("demo", files={"demo.py": "x" * 5000}))
    assert (stored.path / "site-packages/demo.py").read_text() == "x" * 5000


def test_a_zip_bomb_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launcher.environment.archive._BOMB_SIZE_BYTES", 1 << 20)
    with pytest.raises(InvalidWheel, match="it claims to hold 8 MiB in a file of"):
        store(Wheel("demo", files={"zeros": bytes(8 << 20)}))


def test_a_damaged_entry_is_replaced(cache: Cache, store: Store) -> None:
    stored = store(Wheel("demo"))
    manifest = stored.path / "manifest"
    manifest.chmod(0o600)
    manifest.write_bytes(b"")
    assert find_stored_wheel(cache, stored.sha256) is None
    assert store(Wheel("demo")).manifest == stored.manifest


def test_a_full_disk_is_the_fault_of_the_cache(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*values: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(CacheUnusable, match="cannot be unpacked into the cache: No space left on device"):
        store(Wheel("demo"))


def test_many_threads_may_add_at_once(cache: Cache, tmp_path: Path) -> None:
    wheels = [
        Wheel(f"demo{number % 4}", files={f"demo{number % 4}/{n}.py": str(n) for n in range(50)})
        for number in range(16)
    ]
    paths = [wheel.write(tmp_path / str(number)) for number, wheel in enumerate(wheels)]
    found: list[StoredWheel] = []

    def add(number: int) -> None:
        wheel = wheels[number]
        found.append(WheelStore(cache).add(paths[number], wheel.sha256, name=wheel.name, version="1.0"))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16 and len({stored.path for stored in found}) == 4
    assert len(os.listdir(cache.directory(Bucket.WHEELS))) == 4
    assert os.listdir(cache.directory(Bucket.TMP)) == []
