"""Requirements: markers, extras, old spellings."""

from __future__ import annotations

import pytest

from launcher.resolve.dependencies import DependencyReader, parse_dependency
from tests.scenarios.interpreters import make_interpreter


@pytest.fixture
def reader() -> DependencyReader:
    return DependencyReader(make_interpreter("3.12.1").markers)


@pytest.mark.parametrize(
    ("text", "extra", "holds"),
    [
        ("a", "", True),
        ("a; python_version >= '3.10'", "", True),
        ("a; python_version < '3.10'", "", False),
        ("a; python_full_version == '3.12.1'", "", True),
        ("a; sys_platform == 'win32'", "", False),
        ("a; extra == 'x'", "", False),
        ("a; extra == 'x'", "x", True),
        ("a; extra == 'X_Y'", "x-y", True),
        ("a; extra == 'x' and sys_platform == 'win32'", "x", False),
        ("a; extra != 'x'", "", True),
        ("a @ https://h/a;b.whl ; sys_platform == 'win32'", "", False),
    ],
)
def test_markers(reader: DependencyReader, text: str, extra: str, holds: bool) -> None:
    assert (reader.read(text, extra) is not None) == holds
    assert (reader.read(text, extra) is not None) == holds, "the second answer comes from memory"


def test_names_extras_and_specifiers() -> None:
    found = parse_dependency("Some.Thing[Big_Data, aio] >=1.0,!=1.5")
    assert (found.name, found.extras, str(found.specifiers)) == ("some-thing", ("aio", "big-data"), "!=1.5,>=1.0")
    assert parse_dependency("a @ https://h/a;b.whl").url == "https://h/a;b.whl"


@pytest.mark.parametrize(
    ("text", "pinned", "prereleases"),
    [
        ("a==1.0", True, False),
        ("a===1.0", True, False),
        ("a==1.*", False, False),
        ("a>=1.0", False, False),
        ("a>=1.0rc1", False, True),
        ("a!=1.0rc1", False, False),
        ("a==1.0.dev1", True, True),
        ("a", False, False),
    ],
)
def test_what_a_specifier_lets_in(text: str, pinned: bool, prereleases: bool) -> None:
    found = parse_dependency(text)
    assert (found.is_pinned, found.asks_for_prereleases) == (pinned, prereleases)


@pytest.mark.parametrize("text", ["a (>=2.*)", "a>=2.*", "a[x] (>=2.*,<3)"])
def test_old_spellings(text: str) -> None:
    assert "2.5" in parse_dependency(text).specifiers


@pytest.mark.parametrize("text", ["", "a >>> 1", "a ==", "-e .", "a; nonsense == '1'", "a; python_version"])
def test_what_is_none(reader: DependencyReader, text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        reader.read(text)


@pytest.mark.parametrize(
    ("text", "extra", "may"),
    [
        ("a; extra == 'x'", "x", True),
        ("a; extra == 'x'", "y", False),
        ("a; extra == 'x' or extra == \"Y\"", "y", True),
        ("a; extra in 'x y'", "y", True),
        ("a; 'x' == extra", "x", True),
        ("a", "x", False),
    ],
)
def test_the_cheap_test_never_misses(reader: DependencyReader, text: str, extra: str, may: bool) -> None:
    assert reader.may_concern(text, extra) == may
