"""What somebody is told who double-clicked a file and is no programmer."""

from __future__ import annotations

import pytest

from launcher import errors
from launcher.desktop.plain_words import _HEADINGS, ending_of, failure_of_error, failure_of_run
from launcher.errors import Excerpt, PyscriptError

TRACEBACK = 'Traceback (most recent call last):\n  File "/x.py", line 1, in <module>\n    f()\n'


@pytest.mark.parametrize(
    ("status", "output", "heading"),
    [
        (1, f"{TRACEBACK}RuntimeError: boom <b>&\n", "x.py stopped because of an error: RuntimeError: boom <b>&"),
        (
            1,
            f"{TRACEBACK}ModuleNotFoundError: No module named 'a'\n",
            "x.py stopped: it needs a module that it does not ask for (No module named 'a').",
        ),
        (
            1,
            f"{TRACEBACK}tkinter.TclError: no display\n",
            "x.py stopped because of an error: tkinter.TclError: no display",
        ),
        (1, f"{TRACEBACK}MemoryError\n", "x.py stopped: it needs more memory than there is."),
        (
            1,
            '  File "/x.py", line 1\n    if\n     ^\nSyntaxError: bad\n',
            "x.py stopped: its code has a mistake (bad).",
        ),
        (1, "no such month: 13\n", "x.py ended with an error (exit status 1): no such month: 13"),
        (1, "Usage: x FILE\n", "x.py ended with an error (exit status 1): Usage: x FILE"),
        (3, "", "x.py ended with an error (exit status 3), and said nothing."),
        (-11, "said\n", "x.py crashed: it was ended by signal 11 (Segmentation fault)."),
        (
            1,
            f"Your name? {TRACEBACK}EOFError: EOF when reading a line\n",
            "x.py stopped: it waited for something to be typed, and it has no terminal (EOF when reading a line).",
        ),
        (1, f"50 %{TRACEBACK}x.Boom: b\n", "x.py stopped because of an error: x.Boom: b"),
        (
            1,
            "  + Exception Group Traceback (most recent call last):\n  | ExceptionGroup: many (2 sub-exceptions)\n"
            "  +-+---------------- 1 ----------------\n    | ValueError: v\n    +-----------------------------------\n",
            "x.py stopped because of an error: ExceptionGroup: many (2 sub-exceptions)",
        ),
        (1, "+---+\n+---\n", "x.py ended with an error (exit status 1): +---"),
        (1, "pyscript: /x.py changed, so it was not run.\n", "/x.py changed, so it was not run."),
    ],
)
def test_a_script_that_failed(status: int, output: str, heading: str) -> None:
    failure = failure_of_run(status, output, "x.py", "/logs/x.log")
    assert (failure.title, failure.heading, failure.log) == ("Error: x.py", heading, "/logs/x.log")
    assert failure.details == output.rstrip()


def test_of_much_output_the_end_is_shown() -> None:
    failure = failure_of_run(1, "".join(f"{number}\n" for number in range(1000)), "x.py", "")
    assert failure.details.splitlines() == [str(number) for number in range(600, 1000)]


def test_an_error_before_the_script_is_told_in_plain_words_with_its_details() -> None:
    excerpt = Excerpt("/x.py", 3, "# dependencies = [", 3, 12)
    error = errors.InvalidMetadata("The TOML is broken.", hint="Close the bracket.", excerpt=excerpt)
    failure = failure_of_error(error, "x.py", "/log")
    assert failure.heading == "What x.py says that it needs cannot be understood."
    assert failure.details == (
        "The TOML is broken.\n\n/x.py, line 3:\n# dependencies = [\n  ^^^^^^^^^^^^\n\nClose the bracket."
    )


def test_every_error_that_keeps_a_script_from_starting_has_plain_words() -> None:
    others = {
        *(errors.CommandNotFound, errors.CommandNotInstalled, errors.InvalidBundle, errors.AuditIncomplete),
        *(errors.FileNotWritten, errors.RegistrationFailed),
    }
    assert set(PyscriptError.__subclasses__()) - others == set(_HEADINGS)
    assert failure_of_error(PyscriptError("Why."), "x.py", "").heading == "x.py was not started."


def test_a_signal_without_a_name_is_told_by_its_number() -> None:
    assert ending_of(-2) == "was interrupted"
    assert ending_of(-1000) == "was ended by signal 1000"
