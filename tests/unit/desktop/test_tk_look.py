from __future__ import annotations

import os
import sys

import pytest

pytest.importorskip("_tkinter", reason="this Python has no tkinter", exc_type=ImportError)

from launcher.desktop import tk_look
from launcher.desktop.tk_look import Look


@pytest.fixture
def look() -> Look:
    """Return a look without a screen, which knows only texts and sizes."""
    look = object.__new__(Look)
    look.scale = 1.5
    return look


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("plain", "plain"),
        ("für \u4f60 \u05e9 „x“ →", "für \u4f60 \u05e9 „x“ →"),
        ("done \u2705 \U0001f600!", "done \u25a1 \u25a1!"),
    ],
)
def test_emoji_are_squares_where_they_would_end_the_program(look: Look, text: str, drawn: str) -> None:
    look._draws_emoji = False
    assert look.drawable(text) == drawn
    look._draws_emoji = True
    assert look.drawable(text) == text


def test_sizes_are_scaled_to_whole_pixels(look: Look) -> None:
    assert [look.px(size) for size in (1, 13, 22)] == [2, 20, 33]


class Screen:
    """What is asked of Tk to find the scale."""

    def __init__(self, dots_per_inch: float, resource: str) -> None:
        self.dots_per_inch, self.resource = dots_per_inch, resource
        self.tk = self

    def winfo_fpixels(self, _length: str) -> float:
        return self.dots_per_inch

    def call(self, *_words: str) -> str:
        return self.resource


@pytest.mark.parametrize(
    ("dots_per_inch", "resource", "variables", "scale"),
    [
        (96.0, "", {}, 1.0),
        (72.0, "", {}, 1.0),
        (96.0, "192", {}, 2.0),
        (96.0, "no number", {}, 1.0),
        (144.0, "", {}, 1.5),
        (96.0, "", {"GDK_SCALE": "2"}, 2.0),
        (96.0, "120", {"GDK_SCALE": "2"}, 1.25),
        (96.0, "", {"QT_SCALE_FACTOR": "1.75"}, 1.75),
        (2000.0, "", {}, 4.0),
    ],
)
def test_the_scale_is_what_the_desktop_says(
    monkeypatch: pytest.MonkeyPatch, dots_per_inch: float, resource: str, variables: dict[str, str], scale: float
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "environ", variables)
    assert tk_look._scale(Screen(dots_per_inch, resource)) == scale  # type: ignore[arg-type]
