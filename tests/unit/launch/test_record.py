"""A launch record holds only while every word of it is true."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from launcher.launch import record as records
from launcher.launch.record import LaunchRecord

SCRIPT = b'#!/usr/bin/env pyscript\n# /// script\n# dependencies = ["rich"]\n# ///\nprint("body")\n'
HEAD = SCRIPT[: SCRIPT.index(b"print")]
ENVIRON = {"HOME": "/home/me"}

FIELDS = b"\t" * (len(records.VARIABLES) + 2)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "x.py"
    path.write_bytes(SCRIPT)
    return path


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "env" / "bin" / "python"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def record(program: Path, tmp_path: Path) -> LaunchRecord:
    made = LaunchRecord(str(program), str(tmp_path / "env"), records.variables_of(ENVIRON), head=HEAD)
    made.stamps[str(tmp_path / "config.toml")] = None
    made.place = "/home/me/x.py"
    return made


def test_a_record_survives_being_written_and_read(record: LaunchRecord, tmp_path: Path) -> None:
    record.tokens, record.skipped = ("--with", "a\\nb", "two\nlines\\", "x.py"), 3
    record.stamps["/with blank/x"] = (12, 34)
    encoded = records.encode(record)
    assert encoded is not None
    found = records.decode(encoded)
    assert found is not None
    for name in LaunchRecord.__slots__:
        assert getattr(found, name) == getattr(record, name), name


def test_it_holds_when_nothing_changed(record: LaunchRecord, script: Path) -> None:
    assert records.holds(record, (str(script),), ENVIRON)


def test_the_body_may_change(record: LaunchRecord, script: Path) -> None:
    script.write_bytes(HEAD + b"print('another body')\n")
    assert records.holds(record, (str(script),), ENVIRON)


def _make_directory(script: Path) -> None:
    script.unlink()
    script.mkdir()


Change = Callable[[LaunchRecord, Path, dict[str, str]], object]
CHANGES: dict[str, Change] = {
    "a requirement": lambda record, script, environ: script.write_bytes(SCRIPT.replace(b"rich", b"flask")),
    "a line above the block": lambda record, script, environ: script.write_bytes(b"#\n" + SCRIPT),
    "a comment that continues the block": lambda record, script, environ: script.write_bytes(HEAD + b"# x\n# ///\n"),
    "a shorter file": lambda record, script, environ: script.write_bytes(HEAD[:-3]),
    "line ends": lambda record, script, environ: script.write_bytes(SCRIPT.replace(b"\n", b"\r\n")),
    "a NUL": lambda record, script, environ: script.write_bytes(b"\0" + SCRIPT),
    "no script": lambda record, script, environ: script.unlink(),
    "a directory instead": lambda record, script, environ: _make_directory(script),
    "a config file appears": lambda record, script, environ: (script.parent / "config.toml").touch(),
    "the interpreter goes": lambda record, script, environ: os.unlink(record.program),
    "the interpreter cannot be executed": lambda record, script, environ: os.chmod(record.program, 0o600),
    "another home": lambda record, script, environ: environ.update(HOME="/home/you"),
    "a variable appears": lambda record, script, environ: environ.update(PYSCRIPT_INDEX_URL="http://127.0.0.1/"),
    "a variable goes": lambda record, script, environ: environ.pop("HOME"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_it_does_not_hold_after(change: Change, record: LaunchRecord, script: Path) -> None:
    environ = dict(ENVIRON)
    change(record, script, environ)
    assert not records.holds(record, (str(script),), environ)


@pytest.mark.parametrize("what", ["newer", "older", "longer", "gone"])
def test_a_stamped_file_must_be_as_it_was(what: str, record: LaunchRecord, script: Path, tmp_path: Path) -> None:
    stamped = tmp_path / "requirements.txt"
    stamped.write_text("rich\n")
    os.utime(stamped, ns=(10**18, 10**18))
    record.stamps[str(stamped)] = records.stamp_of(str(stamped))
    assert records.holds(record, (str(script),), ENVIRON)
    if what == "gone":
        stamped.unlink()
    elif what == "longer":
        stamped.write_text("rich\n\n")
        os.utime(stamped, ns=(10**18, 10**18))
    else:
        moved = 10**18 + (1 if what == "newer" else -1)
        os.utime(stamped, ns=(moved, moved))
    assert not records.holds(record, (str(script),), ENVIRON)


def test_a_block_at_the_very_end_of_the_file_must_stay_there(record: LaunchRecord, script: Path) -> None:
    record.head = HEAD.rstrip(b"\n")
    script.write_bytes(record.head)
    assert records.holds(record, (str(script),), ENVIRON)
    script.write_bytes(record.head + b"x\n")
    assert not records.holds(record, (str(script),), ENVIRON)


def test_options_must_be_the_same(record: LaunchRecord, script: Path) -> None:
    record.tokens = ("--with", "rich", str(script))
    assert records.holds(record, record.tokens, ENVIRON)
    assert not records.holds(record, ("--with", "flask", str(script)), ENVIRON)


def test_a_truncated_record_is_no_record(record: LaunchRecord) -> None:
    encoded = records.encode(record)
    assert encoded is not None
    for end in range(len(encoded)):
        assert records.decode(encoded[:end]) is None
        assert records.decode(encoded[:end] + b"\0" * (len(encoded) - end)) is None


def test_a_record_in_the_place_of_another_is_no_record(record: LaunchRecord, tmp_path: Path) -> None:
    encoded = records.encode(record)
    assert encoded is not None
    for script, is_read in {"/home/me/x.py": True, "/home/me/y.py": False, "/there/home/me/x.py": False}.items():
        path = Path(records.record_path(str(tmp_path), (script,), "/") or "")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded)
        assert (records.read(str(path)) is not None) == is_read


@pytest.mark.parametrize("skipped", ["1", "8", "00", ""])
def test_what_is_dropped_must_be_said_twice(skipped: str, record: LaunchRecord) -> None:
    encoded = records.encode(record)
    assert encoded is not None
    assert records.decode(encoded.replace(b"\n0 /", f"\n{skipped} /".encode(), 1)) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n--- 0 0\n",
        b"\xff\xfe\x00",
        b"pyscript 0" + FIELDS + b"\n0 /e/bin/python\n--- 0 0\n",
        b"pyscript 3\n0 /e/bin/python\n--- 0 0\n",
        b"pyscript 3" + FIELDS + b"\nx /e/bin/python\n--- 0 0\n",
        b"pyscript 3" + FIELDS + "\n\N{SUPERSCRIPT TWO} /e/bin/python\n--- \N{SUPERSCRIPT TWO} 0\n".encode(),
        b"pyscript 3" + FIELDS + b"\n0 /e/bin/py\0thon\n--- 0 0\n",
        b"pyscript 3" + FIELDS + b"\n0 /e/bin/python\n= 1 1 /\0\n--- 0 0\n",
        b"pyscript 3" + FIELDS + b"\n0 /bin/python\n--- 0 0\n",
        b"pyscript 3" + FIELDS + b"\n0 /e/bin/python\n? 0 0 /x\n--- 0 0\n",
        b"pyscript 3" + FIELDS + b"\n0 /e/bin/python\n= 0 /x\n--- 0 0\n",
    ],
)
def test_foreign_content_is_no_record(content: bytes) -> None:
    assert records.decode(content) is None


def test_a_head_too_long_for_a_shell_is_marked(record: LaunchRecord) -> None:
    record.head = b"#\n" * 201
    encoded = records.encode(record)
    assert encoded is not None
    assert encoded.startswith(b"pyscript 3 long\t")
    found = records.decode(encoded)
    assert found is not None
    assert found.head == record.head


@pytest.mark.parametrize("program", ["/bin/python", "/elsewhere/bin/python", "/c/env/bin/python "])
def test_what_a_shell_could_not_tell_gives_no_record(program: str, record: LaunchRecord) -> None:
    record.program = program
    assert records.encode(record) is None


def test_a_path_that_ends_in_a_blank_gives_no_record(record: LaunchRecord) -> None:
    record.stamps["/x "] = (1, 1)
    assert records.encode(record) is None


@pytest.mark.parametrize("field", ["program", "environment", "variables"])
def test_a_line_end_where_none_fits_gives_no_record(field: str, record: LaunchRecord) -> None:
    setattr(record, field, "one\ntwo")
    assert records.encode(record) is None


@pytest.mark.parametrize(
    ("script_argument", "directory", "expected"),
    [
        ("x.py", "/home/me", "/c/launch-v1/home/me/x.py.launch"),
        ("./a/./x.py", "/home/me", "/c/launch-v1/home/me/a/x.py.launch"),
        ("../x.py", "/home/me", None),
        ("/opt/x", "/home/me", "/c/launch-v1/opt/x.launch"),
        ("../../../x.py", "/home/me", None),
        ("dir/", "/home/me", None),
        ("", "/home/me", None),
    ],
)
def test_a_script_has_its_record_in_a_mirror_of_the_file_system(
    script_argument: str, directory: str, expected: str | None
) -> None:
    assert records.record_path("/c", (script_argument,), directory) == expected


def test_launches_with_options_have_records_of_their_own() -> None:
    paths = {
        records.record_path("/c", tokens, directory)
        for tokens in [("--with", "a", "x.py"), ("--with", "b", "x.py"), ("--witha", "x.py")]
        for directory in ["/one", "/two"]
    }
    assert len(paths) == 6


def test_the_working_directory_keeps_the_name_the_shell_gave_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path / "link")
    link, real = str(tmp_path / "link"), os.path.realpath(tmp_path / "real")
    assert records.working_directory({"PWD": link}) == link
    assert records.working_directory({"PWD": str(tmp_path)}) == real
    assert records.working_directory({"PWD": "relative"}) == real
    assert records.working_directory({}) == real


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"PYSCRIPT_CACHE_DIR": "/c", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/c"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/pyscript"),
        ({"XDG_CACHE_HOME": "x", "HOME": "/h"}, "/h/.cache/pyscript"),
        ({}, None),
    ],
)
def test_the_cache_is_where_the_variables_say(environ: dict[str, str], expected: str | None) -> None:
    assert records.cache_root(environ) == expected
