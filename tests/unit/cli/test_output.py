"""Columns line up, colours are for terminals, and nothing from outside reaches one unstripped."""

from __future__ import annotations

import io
import sys

import pytest

from launcher.cli import console, output


def written(monkeypatch: pytest.MonkeyPatch, *rows: list[list[tuple[str, str]]], color: str = "auto") -> str:
    """Return what printing rows of cells, the second to the right, writes to a stdout that knows ASCII only."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(console._mode, "color", color)
    output.print_columns(rows, right_aligned=[1])
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode("ascii")


def test_columns_line_up_to_either_side(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [[[("name", "bold")], [("size", "dim")], [("x", "")]], [[("longer name", "")], [("1", "")]], [[("a", "")]]]
    assert written(monkeypatch, *rows) == "name         size  x\nlonger name     1\na\n"


def test_a_column_of_nothing_takes_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    assert written(monkeypatch, [[("a", "")], [("", "")], [("b", "")]]) == "a  b\n"


def test_colours_come_only_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    row = [[("a", "bold"), ("b", "")]]
    assert written(monkeypatch, row) == "ab\n"
    assert written(monkeypatch, row, color="always") == "\x1b[1ma\x1b[0mb\n"


def test_text_from_outside_cannot_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert written(monkeypatch, [[("evil\x1b[2J", "bold")]]) == "evil[2J\n"


def test_what_stdout_cannot_write_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    assert written(monkeypatch, [[("caf\xe9 \udcff", "")]]) == "caf? ?\n"
    assert not output.speaks_unicode()


def test_nobody_listening_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    output.print_parts(("a", ""))
    assert not output.speaks_unicode()
