"""What an opened file is: its content, whether it has a window of its own, and what has to be agreed to."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from launcher.desktop.opening import OpenedScript, arguments_of_run, read_opened, without_file_manager
from launcher.errors import InvalidMetadata, ScriptNotFound, UsageError
from launcher.trust import Trust

BLOCK = "# /// script\n# dependencies = []\n{}# ///\n"


def write(folder: Path, *table: str, name: str = "x.py") -> str:
    lines = "".join(f"# {line}\n" for line in (("[tool.pyscript]", *table) if table else ()))
    (folder / name).write_text(BLOCK.format(lines) + "print('pause the gui')\n")
    return str(folder / name)


@pytest.mark.parametrize(
    ("name", "table", "wants_gui", "is_gui"),
    [
        ("x.py", (), False, False),
        ("x.py", (), True, True),
        ("x.pyw", (), False, True),
        ("X.PYW", (), False, True),
        ("x.py", ("gui = true",), False, True),
        ("x.py", ("gui = false",), True, True),
        ("x.pyw", ("gui = false",), False, False),
        ("x.pyw", ("pause = false",), False, True),
    ],
)
def test_what_gets_no_terminal(
    name: str, table: tuple[str, ...], wants_gui: bool, is_gui: bool, tmp_path: Path
) -> None:
    assert read_opened(write(tmp_path, *table, name=name), wants_gui=wants_gui).is_gui is is_gui


def test_a_terminal_stays_open_unless_the_script_says_otherwise(tmp_path: Path) -> None:
    assert read_opened(write(tmp_path)).pauses
    assert not read_opened(write(tmp_path, "pause = false")).pauses


@pytest.mark.parametrize("line", ['gui = "perhaps"', "pause = 3"])
def test_a_wrong_value_is_an_error(line: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a valid value"):
        read_opened(write(tmp_path, line))


def test_a_file_without_a_block_has_none(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("print('# /// script')\n")
    opened = read_opened(str(tmp_path / "x.py"))
    assert not opened.has_block
    assert opened.sha256 == hashlib.sha256(b"print('# /// script')\n").hexdigest()
    assert read_opened(write(tmp_path)).has_block


def test_what_cannot_be_shown_before_it_runs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__main__.py").write_text("")
    with zipfile.ZipFile(tmp_path / "x.py", "w") as archive:
        archive.writestr("__main__.py", "")
    for path in (tmp_path / "app", tmp_path / "x.py"):
        with pytest.raises(ScriptNotFound, match="not one file of Python code"):
            read_opened(str(path))
    with pytest.raises(ScriptNotFound, match="no script"):
        read_opened(str(tmp_path / "gone.py"))
    (tmp_path / "y.py").write_bytes(b"\xe9\n")
    with pytest.raises(InvalidMetadata):
        read_opened(str(tmp_path / "y.py"))


def test_script_and_lock_have_both_to_be_agreed_to(tmp_path: Path) -> None:
    trust = Trust(tmp_path / "trust")
    path = write(tmp_path)
    opened = read_opened(path)
    assert not opened.is_agreed(trust)
    trust.add(*opened.agreements())
    assert opened.is_agreed(trust)
    (tmp_path / "pylock.x.toml").write_text("lock-version = '1.0'\n")
    locked = read_opened(path)
    assert not locked.is_agreed(trust)
    trust.add(*locked.agreements())
    assert locked.is_agreed(trust)
    assert {each.url for each in trust.all()[0]} == {path, str(tmp_path / "pylock.x.toml")}
    (tmp_path / "pylock.x.toml").unlink()
    assert not read_opened(path).is_agreed(trust)


def test_what_was_agreed_to_for_the_same_file_before_is_known(tmp_path: Path) -> None:
    trust = Trust(tmp_path / "trust")
    path = write(tmp_path)
    trust.add(*read_opened(path).agreements())
    write(tmp_path, "gui = true")
    changed = read_opened(path)
    assert not changed.is_agreed(trust)
    former = changed.former(trust)
    assert former is not None and former.url == path
    assert read_opened(write(tmp_path, name="other.py")).former(trust) is None


def test_the_runner_gets_what_was_agreed_to_and_the_arguments(tmp_path: Path) -> None:
    opened = OpenedScript("/a/x.py", read_opened(write(tmp_path)).source, "ab" * 32)
    program, runner, *rest = arguments_of_run("/env/bin/python", opened, ["-v", "one"])
    assert program == "/env/bin/python"
    assert os.path.basename(runner) == "agreed.py" and os.path.isfile(runner)
    assert rest == ["ab" * 32, "/a/x.py", "-v", "one"]


def test_variables_about_our_own_start_are_not_the_scripts() -> None:
    environ = {"DESKTOP_STARTUP_ID": "1", "GIO_LAUNCHED_DESKTOP_FILE": "/x", "GIO_LAUNCHED_DESKTOP_FILE_PID": "1"}
    assert without_file_manager({**environ, "XDG_ACTIVATION_TOKEN": "t", "DISPLAY": ":0"}) == {"DISPLAY": ":0"}
