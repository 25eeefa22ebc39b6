from __future__ import annotations

import sys

import pytest

from launcher.desktop import window
from launcher.desktop.window import Failure, Question, choose_windows


def test_what_is_shown_is_compared_by_what_it_says() -> None:
    question = Question(title="Run?", heading="Run it?", rows=(("file", "a.py"),))
    assert question == Question("Run?", "Run it?", (("file", "a.py"),))
    assert (question.accept, question.reject) == ("Run", "Cancel")
    assert Failure("t", "h") == Failure(title="t", heading="h", details="", log="")


@pytest.mark.parametrize("variables", [{}, {"DISPLAY": ""}, {"DISPLAY": ":0", "PYSCRIPT_WINDOWS": "none"}])
def test_there_are_no_windows_without_a_display_or_where_nobody_wants_them(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert choose_windows(variables) is None
    assert window._has_display({"WAYLAND_DISPLAY": "wayland-0"})
