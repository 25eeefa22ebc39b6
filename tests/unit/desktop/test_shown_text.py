from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.desktop import shown_text
from launcher.desktop.shown_text import (
    elided,
    heading_text,
    label_text,
    output_text,
    row_text,
    source_text,
    title_text,
    wrapped,
)

HOSTILE = "a\x00b\x1b[31mred\x1b[0m\u202ebidi\u200b\x07<b>&amp;</b>\ud800\U000e0041"


def is_harmless(text: str) -> bool:
    """Tell whether nothing in a text is hidden, moves the cursor, or cannot be encoded."""
    return all(line.isprintable() for line in text.split("\n")) and text.encode() is not None


@pytest.mark.parametrize("shown", [source_text, output_text, heading_text, row_text, title_text])
def test_nothing_hidden_reaches_a_window(shown: object) -> None:
    assert callable(shown)
    text = shown(HOSTILE)
    assert is_harmless(text)
    assert "\\u202e" in text
    assert "<b>" in text


@given(st.text())
def test_whatever_comes_can_be_shown(text: str) -> None:
    for shown in (source_text, output_text, heading_text, row_text, title_text):
        assert is_harmless(shown(text))
    assert "\n" not in title_text(text)


def test_marks_are_not_heaped_over_other_lines() -> None:
    assert row_text("e" + "\u0301" * 500 + "\u20dd" * 500 + "x") == "e" + "\u0301" * 4 + "x"
    assert source_text("e\u0301 \u0e01\u0e34\u0e49") == "e\u0301 \u0e01\u0e34\u0e49"


def test_source_keeps_what_output_loses() -> None:
    assert source_text("x = '\x1b[31m'") == "x = '\\x1b[31m'"
    assert output_text("\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b]8;;https://x\x1b\\link") == "red link"


def test_source_and_output_have_bounds() -> None:
    long_line, many_lines = "x" * 1_000_000, "line\n" * 50_000
    assert source_text(long_line).endswith(" … 999,000 more characters")
    assert len(source_text(long_line)) < 2_000
    assert source_text(many_lines).endswith("more lines")
    assert source_text("line\n" * 10_000).count("line") == 10_000
    assert len(output_text(("y" * 900 + "\n") * 20_000)) < 2_100_000
    assert output_text("y\n" * 20_000 + "z").startswith("1 more line before …\ny")
    assert output_text("y\n" * 20_000 + "z").endswith("\nz")


def test_a_path_loses_its_middle_and_other_text_its_end() -> None:
    path = "/home/somebody/" + "directory/" * 40 + "report.py"
    assert len(row_text(path)) <= 96
    assert row_text(path).startswith("/home/somebody/")
    assert row_text(path).endswith("/report.py")
    sentence = "word " * 1_000
    assert row_text(sentence).endswith("…")
    assert len(row_text(sentence)) <= shown_text._LONGEST_ROW + 1
    assert row_text("a\n" * 100).count("\n") == 9
    assert label_text("x" * 100) == "x" * 12 + "…" + "x" * 11
    assert row_text("https://example.org/" + "x" * 300).endswith("xxx")


def test_a_heading_keeps_its_lines_and_shortens_its_longest_words() -> None:
    assert heading_text(" one \n two ") == "one \n two"
    assert len(heading_text("not found: /" + "x" * 1_000)) < 120


@given(st.text(), st.integers(2, 50))
def test_what_is_elided_fits_and_begins_and_ends_alike(text: str, most: int) -> None:
    short = elided(text, most)
    assert len(short) == min(len(text), most)
    assert text.startswith(short.partition("…")[0]) or "…" in text


def test_lines_are_wrapped_with_an_indent_and_empty_ones_kept() -> None:
    assert wrapped("a\n\nb") == "a\n\nb"
    assert wrapped("a\nb", "  ") == "a\n  b"
    assert all(len(line) <= 72 for line in wrapped("x" * 500 + " " + "word " * 100, "    ").splitlines())
    assert wrapped("word " * 30, "    ").splitlines()[1].startswith("    word")
