"""What the command line asks for, made ready for the data path."""

from __future__ import annotations

import pytest

from launcher.cli.launching import split_requirements


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rich", ["rich"]),
        ("rich,cowsay", ["rich", "cowsay"]),
        ("rich>=13,<15,cowsay==6", ["rich>=13,<15", "cowsay==6"]),
        ("rich >= 13, != 14, cowsay", ["rich >= 13, != 14", "cowsay"]),
        ("rich[jupyter,extra],./a.whl", ["rich[jupyter,extra]", "./a.whl"]),
        ("rich (>=1,<2),b", ["rich (>=1,<2)", "b"]),
        ("a; python_version in '3.8,3.9',b", ["a; python_version in '3.8,3.9'", "b"]),
        ("a @ https://127.0.0.1/x,y.whl", ["a @ https://127.0.0.1/x,y.whl"]),
        ("rich,", ["rich"]),
        (",", [","]),
        ("", [""]),
    ],
)
def test_commas_separate_requirements_unless_they_are_part_of_one(text: str, expected: list[str]) -> None:
    assert split_requirements(text) == expected
