"""Where commands are put, and what PATH has besides."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from launcher.errors import DataUnusable, UsageError
from launcher.share.search_path import bin_directory, can_be_added, is_on_path, namesakes, path_line

pytestmark = pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/home/me"}, "/home/me/.local/bin"),
        ({"HOME": "/home/me", "XDG_BIN_HOME": "/x/bin"}, "/x/bin"),
        ({"HOME": "/home/me", "XDG_BIN_HOME": "relative"}, "/home/me/.local/bin"),
        ({"HOME": "/home/me", "XDG_BIN_HOME": "/x", "PYSCRIPT_BIN_DIR": "/opt/tools/"}, "/opt/tools"),
    ],
)
def test_the_directory_of_commands(environ: dict[str, str], expected: str) -> None:
    assert bin_directory(environ, "linux") == Path(expected)


def test_a_relative_directory_is_refused_and_none_is_an_error() -> None:
    with pytest.raises(UsageError, match="PYSCRIPT_BIN_DIR: 'bin' is not an absolute path"):
        bin_directory({"PYSCRIPT_BIN_DIR": "bin", "HOME": "/home/me"}, "linux")
    with pytest.raises(DataUnusable):
        bin_directory({}, "linux")


@pytest.mark.parametrize(
    ("directory", "written"),
    [
        ("/home/me/.local/bin", "/home/me/.local/bin"),
        ("/home/a b/bin", "/home/a b/bin"),
        ("/home/$(rm x)/`y`", r"/home/\$(rm x)/\`y\`"),
        ('/home/"me\\', r"/home/\"me\\"),
    ],
)
def test_the_line_for_a_shell_is_of_the_directory_alone(directory: str, written: str) -> None:
    assert path_line(Path(directory)) == f'export PATH="{written}:$PATH"'


def test_a_directory_is_on_path_by_whichever_name(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "link").symlink_to("bin")
    assert is_on_path(tmp_path / "bin", {"PATH": f"/usr/bin:{tmp_path}/link/"})
    assert not is_on_path(tmp_path / "bin", {"PATH": f"bin::/usr/bin:{tmp_path}"})
    assert not is_on_path(tmp_path / "bin", {})


def test_programs_of_the_same_name_are_seen_on_both_sides(tmp_path: Path) -> None:
    first, ours, last = (tmp_path / name for name in ("first", "ours", "last"))
    for directory in (first, ours, last):
        directory.mkdir()
        (directory / "greet").write_text("")
        (directory / "greet").chmod(0o755)
    file = ours / "greet"
    path = [str(first), str(ours), str(last)]
    assert namesakes(file, {"PATH": ":".join(path)}) == (str(first / "greet"), str(last / "greet"))
    assert namesakes(file, {"PATH": ":".join(path[1:])}) == (None, str(last / "greet"))
    assert namesakes(file, {"PATH": ":".join((path[0], path[2]))}) == (None, None)
    (last / "greet").chmod(0o644)
    assert namesakes(file, {"PATH": ":".join(path[1:])}) == (None, None)


@pytest.mark.parametrize(
    ("directory", "is_safe"),
    [
        ("/home/me/.local/bin", True),
        ("/home/Me And You/bin", True),
        ("/home/$me", False),
        ('/a"b', False),
        ("/`x`", False),
    ],
)
def test_only_plain_paths_are_written_into_a_shells_configuration(directory: str, is_safe: bool) -> None:
    assert can_be_added(Path(directory)) is is_safe
