from __future__ import annotations

import doctest

import pytest

from launcher.script import visible_text
from launcher.script.visible_text import changes, deceptive_lines, visible


def test_the_examples_hold() -> None:
    assert doctest.testmod(visible_text).failed == 0


HIDDEN = [
    *(0x00, 0x1B, 0x7F, 0x85, 0x9B, 0xA0, 0xAD, 0x200B, 0x200E, 0x202E, 0x2028, 0x2066, 0x3000, 0x3164, 0xD800, 0xE000),
    *(0xFEFF, 0xE0041, 0xE0100),
]


@pytest.mark.parametrize("code", HIDDEN)
def test_no_character_is_hidden(code: int) -> None:
    shown = visible(f"a{chr(code)}b")
    assert shown.isprintable()
    assert f"{code:x}" in shown


@pytest.mark.parametrize("text", ["plain", "größer", "数", "\N{SNOWMAN}", "a  b"])
def test_what_can_be_seen_stays(text: str) -> None:
    assert visible(text) == text


def test_what_stands_far_to_the_right_is_told() -> None:
    assert visible("x = 1" + " " * 500 + "; evil()", 40).endswith("… 473 more characters")


def test_tabs_are_as_wide_as_they_look() -> None:
    assert visible("\tx") == "    x"


@pytest.mark.parametrize("text", ["\u202ea", "\u2066a", "a\u200bb", "a\x1b[2K", "a\x85b", "a\ufeffb"])
def test_lines_that_deceive_are_found(text: str) -> None:
    assert deceptive_lines(f"fine\n{text}\nfine\n") == [2]


@pytest.mark.parametrize("text", ["a\tb", "\x0cdef f():", "\u26a0\ufe0f", "caf\u00e9", "a\r\nb"])
def test_lines_that_do_not_are_not(text: str) -> None:
    assert deceptive_lines(text) == []


def test_changes_are_counted_and_the_first_are_shown() -> None:
    before, after = "".join(f"{n}\n" for n in range(50)), "".join(f"{n}\n" for n in range(10, 60))
    assert changes(before, after, 2) == (10, 10, ["-0", "-1"])


def test_texts_too_long_to_compare_are_compared_as_sets_of_lines() -> None:
    before = "".join(f"{n}\n" for n in range(5_000))
    assert changes(before, before.replace("77\n", "new\n", 1), 5) == (1, 1, ["-77", "+new"])
