from __future__ import annotations

import ast
import json
import sys

import pytest

from launcher.python.answer import Refusal, _environment, _question, _read_answer
from tests.unit.python.answers import answer


def _framed(text: str) -> str:
    return f"<pyscript-answer>{text}</pyscript-answer>\n"


def test_noise_around_the_answer_does_no_harm() -> None:
    assert _read_answer("loading modules\n" + _framed(json.dumps(answer())) + "bye\n", 0) == answer()


@pytest.mark.parametrize(
    ("output", "status", "reason"),
    [
        ("", 0, "it printed nothing"),
        ("Hello\nworld\n", 0, "it printed `Hello`"),
        ("", 3, "it ended with status 3"),
        (
            "pyenv: python3.12: command not found\n\nThe command exists in\n",
            127,
            "(pyenv: python3.12: command not found)",
        ),
        ("Traceback (most recent call last):\n  File x\nImportError: no json\n", 1, "(ImportError: no json)"),
        (_framed("{"), 0, "its answer is garbled"),
        (_framed("{}"), 0, "its answer is incomplete"),
        (_framed("[1]"), 0, "its answer is incomplete"),
        ("y\n" * 10, None, "it prints without end, which no Python does"),
    ],
)
def test_what_is_no_answer(output: str, status: int | None, reason: str) -> None:
    refusal = _read_answer(output, status)
    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason


def test_death_by_a_signal_may_not_happen_again() -> None:
    refusal = _read_answer("", -9)
    assert isinstance(refusal, Refusal)
    assert not refusal.is_lasting


def test_the_question_keeps_to_old_syntax() -> None:
    text = _question()
    ast.parse(text, feature_version=(3, 6))
    # Python 2 can only say that it is too old where it can read the text; 3.6's f-strings would be in its way.
    assert not [node for node in ast.walk(ast.parse(text)) if isinstance(node, (ast.JoinedStr, ast.AnnAssign))]
    assert text.isascii()


def test_a_variable_that_misleads_macos_pythons_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("__PYVENV_LAUNCHER__", "/elsewhere/python")
    monkeypatch.setattr(sys, "platform", "darwin")
    environment = _environment()
    assert "__PYVENV_LAUNCHER__" not in environment
    assert environment["SYSTEM_VERSION_COMPAT"] == "0"
