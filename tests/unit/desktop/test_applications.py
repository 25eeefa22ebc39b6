"""Which application opens what, by the files of freedesktop.org."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from launcher.desktop.applications import Application, Homes, default_application, find_application

AddEntry = Callable[..., None]


@pytest.fixture
def homes(tmp_path: Path) -> Homes:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "edit"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return Homes(
        data=str(tmp_path / "data"),
        config=str(tmp_path / "config"),
        data_directories=(str(tmp_path / "usr"),),
        config_directories=(str(tmp_path / "etc"),),
        desktops=("kde",),
        path=str(tmp_path / "bin"),
    )


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], None]:
    def write(path: str, content: str) -> None:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)

    return write


@pytest.fixture
def add_entry(write: Callable[[str, str], None]) -> AddEntry:
    def add(name: str, *lines: str, exec_line: str = "edit %F", below: str = "usr") -> None:
        text = "\n".join(["[Desktop Entry]", f"Name={name}", f"Exec={exec_line}", *lines])
        write(f"{below}/applications/{name}.desktop", text + "\n")

    return add


def test_a_person_decides_before_the_system(
    homes: Homes, write: Callable[[str, str], None], add_entry: AddEntry
) -> None:
    for name in ("a", "b", "c", "d", "e"):
        add_entry(name)
    order = [
        ("config/kde-mimeapps.list", "Default Applications", "a"),
        ("config/mimeapps.list", "Default Applications", "b"),
        ("etc/mimeapps.list", "Default Applications", "c"),
        ("data/applications/mimeapps.list", "Added Associations", "d"),
        ("usr/applications/mimeinfo.cache", "MIME Cache", "e"),
    ]
    for path, group, name in order:
        write(path, f"[{group}]\ntext/x-python=gone.desktop;{name}.desktop;\n")
    seen: list[str] = []
    while found := default_application("text/x-python", homes, but=seen):
        seen.append(found)
    assert seen == [f"{name}.desktop" for *_, name in order]


def test_what_was_refused_is_not_chosen_for_being_able(
    homes: Homes, write: Callable[[str, str], None], add_entry: AddEntry
) -> None:
    add_entry("a")
    write("usr/applications/mimeinfo.cache", "[MIME Cache]\nx/y=a.desktop;\n")
    assert default_application("x/y", homes) == "a.desktop"
    write("config/mimeapps.list", "[Removed Associations]\nx/y=a.desktop;\n")
    assert default_application("x/y", homes) is None


@pytest.mark.parametrize(
    ("lines", "exec_line"),
    [
        (["Hidden=true"], "edit %f"),
        ([], "gone %f"),
        ([], ""),
        ([], "'edit %f"),
        (["TryExec=/gone"], "edit %f"),
    ],
)
def test_an_entry_that_starts_nothing_is_none(
    homes: Homes, add_entry: AddEntry, lines: list[str], exec_line: str
) -> None:
    add_entry("a", *lines, exec_line=exec_line)
    assert find_application("a.desktop", homes) is None
    assert find_application("../a.desktop", homes) is None


def test_an_entry_says_how_it_is_started(homes: Homes, add_entry: AddEntry) -> None:
    add_entry("vim", "Terminal=true", exec_line='edit -c "set \\\\$x" %F')
    found = find_application("vim.desktop", homes)
    assert found == Application("vim.desktop", "vim", ("edit", "-c", "set $x", "%F"), needs_terminal=True)


def test_a_dash_in_its_name_may_be_a_directory(homes: Homes, add_entry: AddEntry) -> None:
    add_entry("org/kate")
    assert find_application("org-kate.desktop", homes) is not None


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (("e", "%f"), ("e", "/a b.py")),
        (("e", "%U"), ("e", "file:///a%20b.py")),
        (("e",), ("e", "/a b.py")),
        (("e", "%i", "--title=%c", "50%%", "%F"), ("e", "--title=Name", "50%", "/a b.py")),
        (("e", "--file=%f"), ("e", "--file=/a b.py")),
    ],
)
def test_a_file_stands_where_the_entry_wants_it(words: tuple[str, ...], command: tuple[str, ...]) -> None:
    assert Application("e.desktop", "Name", words).command("/a b.py") == command


def test_relative_variables_are_ignored() -> None:
    homes = Homes.of({"HOME": "/h", "XDG_DATA_HOME": "x", "XDG_CONFIG_HOME": "/c", "XDG_DATA_DIRS": "y:/z"})
    assert (homes.data, homes.config, homes.data_directories) == ("/h/.local/share", "/c", ("/z",))
