"""Options stand before the target; everything behind it belongs to it."""

from __future__ import annotations

import pytest

from launcher.cli.parser import build_parser, split_arguments
from launcher.errors import UsageError


def split(*arguments: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    found = split_arguments(build_parser(), arguments)
    return found.options, found.target, found.arguments


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["x.py"], ([], ["x.py"], [])),
        (["x.py", "--with", "-h", "--", "-m"], ([], ["x.py"], ["--with", "-h", "--", "-m"])),
        (["--with", "rich", "x.py"], (["--with", "rich"], ["x.py"], [])),
        (["--with=rich", "x.py"], (["--with=rich"], ["x.py"], [])),
        (["-p", "3.12", "-q", "x.py"], (["-p", "3.12", "-q"], ["x.py"], [])),
        (["-p3.12", "x.py"], (["-p3.12"], ["x.py"], [])),
        (["-qp", "3.12", "x.py"], (["-qp", "3.12"], ["x.py"], [])),
        (["-vv", "-U", "x.py"], (["-vv", "-U"], ["x.py"], [])),
        (["-m", "http.server", "-b", "x"], ([], ["-m", "http.server"], ["-b", "x"])),
        (["--with", "rich", "-c", "print()", "-v"], (["--with", "rich"], ["-c", "print()"], ["-v"])),
        (["-", "-v"], ([], ["-"], ["-v"])),
        (["-q", "--", "-x.py", "-v"], (["-q"], ["-x.py"], ["-v"])),
        (["-v"], (["-v"], [], [])),
        ([], ([], [], [])),
    ],
)
def test_the_target_is_the_first_word_that_is_no_option(
    arguments: list[str], expected: tuple[list[str], list[str], list[str]]
) -> None:
    assert split(*arguments) == tuple(map(tuple, expected))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--wiht", "rich", "x.py"], "There is no option --wiht; did you mean --with?"),
        (["-x", "x.py"], "There is no option -x."),
        (["-m"], "Option -m needs a value."),
        (["--"], "There is nothing to run behind --."),
    ],
)
def test_a_wrong_option_is_an_error_before_anything_else_is_done(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        split(*arguments)
    assert caught.value.message.startswith(message)
    assert caught.value.exit_code == 2


def test_a_missing_value_is_told() -> None:
    options, target, _ = split("--python")
    assert (options, target) == (("--python",), ())
    with pytest.raises(UsageError, match="expected one argument"):
        build_parser().parse_args(options)


def test_options_are_not_abbreviated() -> None:
    with pytest.raises(UsageError, match="no option --ver"):
        split("--ver")
