from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from launcher.errors import UsageError
from launcher.python.request import parse_python_request, satisfies
from tests.unit.python.answers import interpreter


@pytest.mark.parametrize(
    ("text", "accepted", "refused"),
    [
        ("3", ["3.8.1", "3.14.0"], []),
        ("3.12", ["3.12.0", "3.12.9", "3.12.0rc1"], ["3.1.2", "3.11.9", "3.13.0"]),
        ("312", ["3.12.4"], ["3.11.9"]),
        ("39", ["3.9.4"], ["3.11.9"]),
        ("3.12.1", ["3.12.1"], ["3.12.10", "3.12.0"]),
        ("3.15.0rc1", ["3.15.0rc1"], ["3.15.0", "3.15.0rc2"]),
        ("python3.12", ["3.12.1"], ["3.11.0"]),
        ("cpython3.12", ["3.12.1"], ["3.11.0"]),
        ("cpython@3.12", ["3.12.1"], ["3.11.0"]),
        ("cp312", ["3.12.1"], ["3.11.0"]),
        ("py312", ["3.12.1"], ["3.11.0"]),
        (">=3.11", ["3.11.0", "3.14.2", "3.15.0rc1"], ["3.10.9"]),
        (">=3.11,<3.13", ["3.12.9"], ["3.13.0", "3.10.0"]),
        ("~=3.11", ["3.12.1"], ["3.10.0"]),
        ("==3.11.*", ["3.11.9"], ["3.12.0"]),
        ("==3.11", ["3.11.0"], ["3.11.9"]),
    ],
)
def test_versions(text: str, accepted: list[str], refused: list[str]) -> None:
    request = parse_python_request(text)
    assert request.location is None
    assert [version for version in accepted if not request.accepts(interpreter(version))] == []
    assert [version for version in refused if request.accepts(interpreter(version))] == []


def test_an_implementation() -> None:
    pypy = interpreter("3.10.14", implementation="pypy")
    for text in ("pypy", "pypy3.10", "pp310", "pypy>=3.9", "PyPy3.10"):
        request = parse_python_request(text)
        assert request.accepts(pypy), text
        assert not request.accepts(interpreter("3.10.14")), text
    assert not parse_python_request("cpython3.10").accepts(pypy)
    # A version alone says nothing of the implementation; preference does.
    assert parse_python_request("3.10").accepts(pypy)


def test_free_threading_and_debugging() -> None:
    threaded, debug = interpreter("3.13.0", free_threaded=True), interpreter("3.13.0", debug=True)
    assert parse_python_request("3.13t").accepts(threaded)
    assert not parse_python_request("3.13t").accepts(interpreter("3.13.0"))
    assert parse_python_request("3.13d").accepts(debug)
    assert not parse_python_request("3.13d").accepts(interpreter("3.13.0"))


@pytest.mark.parametrize(
    "text",
    ["python", "python.exe", "/usr/bin/python3", "./venv", "venv/bin/python3.12", "mypython3", "3.x", "3.12-dev"],
)
def test_all_else_is_a_place(text: str) -> None:
    request = parse_python_request(text)
    assert request.location == text
    assert request.accepts(interpreter())


@pytest.mark.parametrize("text", [">=abc", "=3.12", ">3.11 <3.13", "pypy>=x"])
def test_a_malformed_range(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_python_request(text)
    assert raised.value.message == f"`--python {text}` is not a version specifier."
    assert "`>=3.11`" in (raised.value.hint or "")


def test_an_empty_text() -> None:
    with pytest.raises(UsageError, match="`--python` is empty"):
        parse_python_request("  ")


def test_only_a_range_leaves_the_choice_open() -> None:
    assert parse_python_request(">=3.11").is_range
    assert not parse_python_request("3.11").is_range
    assert not parse_python_request("pypy>=3.9").is_range


def test_a_prerelease_counts_as_its_release() -> None:
    assert satisfies(SpecifierSet(">=3.15"), Version("3.15.0rc1"))
    assert satisfies(SpecifierSet("==3.12.0"), Version("3.12.0+local"))
    assert not satisfies(SpecifierSet("<3.15"), Version("3.15.0rc1"))
