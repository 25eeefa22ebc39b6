"""What a command may be called."""

from __future__ import annotations

import pytest

from launcher.errors import UsageError
from launcher.share.command_name import check_name, default_name, is_shell_word


@pytest.mark.parametrize("name", ["greet", "a", "my_tool", "my-tool", "g++", "v1.2", "2to3", "_x", "grüße", "x" * 100])
def test_names_that_are_allowed(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            " ",
            ".",
            "..",
            "../x",
            "a/b",
            "/etc/passwd",
            "a\\b",
            "-x",
            "--force",
            ".hidden",
            "+x",
            "a.",
            "a b",
            "a\n",
        ),
        *("a\0b", "a;b", "$(id)", "`id`", "a'b", 'a"b', "a*", "~", "~me", "a:b", "a\x1b[2J", "a\u202eb", "é" * 60),
        *("x" * 101, "con", "NUL.py", "com1", "pyscript", "PyScript", "pyscript-launcher", "\udce9"),
    ],
)
def test_names_that_are_not(name: str) -> None:
    with pytest.raises(UsageError) as raised:
        check_name(name)
    assert "--name" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/home/me/greet.py", "greet"),
        ("greet.pyw", "greet"),
        ("/opt/tool.pyz", "tool"),
        ("/opt/tool", "tool"),
        ("/opt/tool.sh", "tool.sh"),
        ("/opt/app/__main__.py", "app"),
        ("/opt/app/", "app"),
        ("C:\\Users\\me\\greet.py", "greet"),
        ("", ""),
    ],
)
def test_the_name_follows_from_the_source(source: str, name: str) -> None:
    assert default_name(source) == name


def test_words_of_shells_are_known() -> None:
    assert all(map(is_shell_word, ("test", "alias", "which", "wait")))
    assert not any(map(is_shell_word, ("", "greet", "alia", "test cd")))
