from __future__ import annotations

from datetime import UTC, datetime

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st
from packaging.pylock import Pylock

from launcher.errors import InvalidMetadata
from launcher.resolve.lockfile import Lock, LockTerms, read_lock
from launcher.resolve.targets import target_interpreter

SHA = "a" * 64

OURS = f"""\
# What report.py gets.
# Made by: pyscript lock report.py
lock-version = "1.0"
environments = [
    'sys_platform == "linux" and platform_machine == "x86_64"',
    'sys_platform == "win32" and platform_machine == "AMD64"',
]
requires-python = ">=3.11"
created-by = "pyscript"

[tool.pyscript]
requirements = ["demo>=1"]
requires-python = ">=3.11"
settings = "0123"
platforms = ["linux-x86_64", "windows-x86_64"]

[[packages]]
name = "colours"
version = "2.0"
marker = 'sys_platform == "win32"'
index = "https://index.example/simple/"
wheels = [
    {{ url = "https://files.example/colours-2.0-py3-none-any.whl", upload-time = 2026-01-02T03:04:05Z, size = 7, \
hashes = {{ sha256 = "{SHA}" }} }},
]

[[packages]]
name = "demo"
version = "1.5"
dependencies = [{{ name = "colours" }}]
index = "https://index.example/simple/"
wheels = [
    {{ url = "https://files.example/demo-1.5-py3-none-any.whl", hashes = {{ sha256 = "{SHA}" }} }},
]
"""

FOREIGN = f"""\
lock-version = '1.0'
created-by = 'somebody else'
default-groups = ["run"]
dependency-groups = ["run", "test"]
[tool.theirs]
"odd key" = {{ x = 1.5, y = [true, "é\\u007f\\"'"] }}
[[packages]]
name = "a"
directory = {{ path = "../a", editable = true }}
[[packages]]
name = "b"
vcs = {{ type = "git", url = "https://code.example/b.git", commit-id = "{"1" * 40}" }}
marker = "\\"test\\" in dependency_groups"
[[packages]]
name = "c"
archive = {{ url = "https://files.example/c.zip", hashes = {{ sha256 = "{SHA}" }} }}
marker = "\\"run\\" in dependency_groups and \\"x\\" not in extras"
"""


def test_a_lock_is_written_as_it_was_read() -> None:
    lock = read_lock(OURS.encode(), "pylock.report.toml")
    assert lock.to_text() == OURS
    assert lock.terms == LockTerms(("demo>=1",), ">=3.11", "0123")
    assert lock.platforms == ("linux-x86_64", "windows-x86_64")
    assert lock.heading == ("# What report.py gets.", "# Made by: pyscript lock report.py")
    assert lock.content.packages[0].wheels is not None
    assert lock.content.packages[0].wheels[0].upload_time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_another_tool_s_lock_is_read_and_keeps_all_it_says() -> None:
    lock = read_lock(FOREIGN.encode(), "pylock.toml")
    assert (lock.terms, lock.platforms, lock.heading) == (None, (), ())
    assert tomli.loads(lock.to_text()) == tomli.loads(FOREIGN)


@pytest.mark.parametrize("content", [OURS.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + OURS.encode()])
def test_the_ends_of_lines_and_a_mark_in_front_change_nothing(content: bytes) -> None:
    assert read_lock(content, "x").to_text() == OURS


@pytest.mark.parametrize(
    ("platform", "names"), [("linux", ["demo"]), ("windows", ["colours", "demo"]), ("macos", ["demo"])]
)
def test_markers_say_what_an_interpreter_gets(platform: str, names: list[str]) -> None:
    packages = read_lock(OURS.encode(), "x").packages_for(target_interpreter("3.12", platform).markers)
    assert [package.name for package in packages] == names


def test_the_default_groups_count_and_no_extras() -> None:
    packages = read_lock(FOREIGN.encode(), "x").packages_for(target_interpreter("3.12", "linux").markers)
    assert [package.name for package in packages] == ["a", "c"]


def test_a_lock_of_nothing_can_be_written() -> None:
    empty = {"lock-version": "1.0", "created-by": "pyscript", "packages": []}
    text = Lock(Pylock.from_dict(empty), terms=LockTerms((), None, "")).to_text()
    assert tomli.loads(text)["packages"] == []
    assert read_lock(text.encode(), "x").terms == LockTerms((), None, "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"\xff", "is no valid lock: it is not TOML: 'utf-8' codec can't decode byte 0xff"),
        (b"a = [\n1", "is no valid lock: it is not TOML: "),
        (b"a = " + b"[" * 5000, "is no valid lock: it is not TOML: "),
        (b'lock-version = "1.0"', "is no valid lock: Missing required value in 'created-by'."),
        (b'lock-version = "2.0"\ncreated-by = "x"\npackages = []', "has a format that is newer than pyscript: "),
        (b'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "a"', "is no valid lock: Exactly one of vcs"),
    ],
)
def test_what_is_no_lock_is_refused(text: bytes, problem: str) -> None:
    with pytest.raises(InvalidMetadata) as error:
        read_lock(text, "pylock.x.toml")
    assert error.value.message.startswith(f"pylock.x.toml {problem}")


@pytest.mark.parametrize(
    "table",
    [
        "pyscript = 1",
        "pyscript = { requirements = 'demo', settings = '' }",
        "pyscript = { requirements = ['demo'] }",
        "pyscript = { requirements = [1], settings = '' }",
        "pyscript = { requirements = [], settings = '', requires-python = 3 }",
    ],
)
def test_a_table_of_ours_that_we_did_not_write_is_nobody_s(table: str) -> None:
    text = f'lock-version = "1.0"\ncreated-by = "x"\npackages = []\n[tool]\n{table}'
    assert read_lock(text.encode(), "x").terms is None


@given(st.text(), st.lists(st.text()))
def test_any_text_comes_back(word: str, requirements: list[str]) -> None:
    empty = {"lock-version": "1.0", "created-by": word, "packages": []}
    lock = Lock(Pylock.from_dict(empty), terms=LockTerms(tuple(requirements), word, word))
    found = read_lock(lock.to_text().encode("utf-8"), "x")
    assert (found.content.created_by, found.terms) == (word, lock.terms)
