from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.version import Version

from launcher.resolve.requirement_text import (
    merged,
    near_names,
    positions_of,
    raised,
    read_requirement_text,
    relaxed,
    with_lower_bound,
)


@pytest.mark.parametrize(
    ("text", "name", "extras", "source", "marker"),
    [
        ("Rich", "Rich", "", "", ""),
        (" a.b [ x, y ] >= 1 , <2 ; os_name == 'nt' ", "a.b", "[ x, y ]", ">= 1 , <2", "os_name == 'nt'"),
        ("a (>=1)", "a", "", "(>=1)", ""),
        ("a @ https://h/a.whl#x;y ; os_name == 'nt'", "a", "", "@ https://h/a.whl#x;y", "os_name == 'nt'"),
        ("a[x]@git+https://h/a@v1", "a", "[x]", "@git+https://h/a@v1", ""),
        ('a;python_version<"3"', "a", "", "", 'python_version<"3"'),
    ],
)
def test_a_requirement_has_parts(text: str, name: str, extras: str, source: str, marker: str) -> None:
    found = read_requirement_text(text)
    assert (found.name, found.extras, found.source, found.marker) == (name, extras, source, marker)


@pytest.mark.parametrize("text", ["", "./a", "https://h/a.whl", "a b", "a==", "a; nonsense"])
def test_what_is_no_requirement_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        read_requirement_text(text)


@pytest.mark.parametrize(
    ("existing", "wanted", "expected"),
    [
        ([], "rich", (None, "rich")),
        (["a"], " rich>1 ", (None, "rich>1")),
        (["a", "Rich >=1"], "rich", (1, "Rich >=1")),
        (["Rich >= 1  ; os_name == 'nt'"], "rich<9", (0, "Rich <9  ; os_name == 'nt'")),
        (["rich[a]>=1"], "rich[B,a]", (0, "rich[a,B]>=1")),
        (["rich>=1"], "rich[b]==2", (0, "rich[b]==2")),
        (["rich"], "rich>=2", (0, "rich>=2")),
        (["rich; os_name=='nt'"], "rich>=2", (0, "rich>=2; os_name=='nt'")),
        (["rich; os_name=='nt'"], 'rich>=2 ; os_name == "nt"', (0, "rich>=2; os_name=='nt'")),
        (["rich; os_name=='nt'"], "rich; os_name != 'nt'", (None, "rich; os_name != 'nt'")),
        (["rich; os_name=='nt'", "rich"], "rich>1", (1, "rich>1")),
        (["rich>=1"], "rich @ file:///r.whl", (0, "rich @ file:///r.whl")),
        (["rich @ file:///r.whl ; os_name == 'nt'"], "rich>=1", (0, "rich>=1 ; os_name == 'nt'")),
        (["rich @ file:///r.whl"], "rich", (0, "rich @ file:///r.whl")),
        (["./x.whl", "not one"], "x", (None, "x")),
    ],
)
def test_a_requirement_takes_the_place_of_its_former_self(
    existing: list[str], wanted: str, expected: tuple[int | None, str]
) -> None:
    assert merged(existing, wanted) == expected


def test_several_that_could_be_meant_are_not_guessed() -> None:
    with pytest.raises(ValueError, match="several times, with different markers"):
        merged(["rich; os_name == 'nt'", "rich; os_name != 'nt'"], "rich>=1")


def test_requirements_are_found_by_name_and_as_they_are_written() -> None:
    texts = ["Foo.Bar>=1", "./x.whl", "foo-bar<2; os_name == 'nt'"]
    assert positions_of(texts, "foo_bar") == [0, 2]
    assert positions_of(texts, "foo-bar[x]>=3") == [0, 2]
    assert positions_of(texts, "Foo.Bar>=1") == [0]
    assert positions_of(texts, "./x.whl") == [1]
    assert positions_of(texts, "x") == positions_of(texts, "./y") == []


def test_near_names_are_as_they_are_written() -> None:
    assert near_names(["Requests>=2", "rich", "./x.whl"], "reqests") == ["Requests"]
    assert near_names(["scikit-learn"], "learn") == ["scikit-learn"]
    assert near_names(["rich"], "numpy") == []


def test_a_lower_bound_has_no_local_version() -> None:
    assert with_lower_bound("torch", "2.3.0+cpu") == "torch>=2.3.0"
    assert with_lower_bound("a[x]; os_name == 'nt'", "1.0") == "a[x]>=1.0; os_name == 'nt'"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", "a"),
        ("a @ file:///a.whl", "a @ file:///a.whl"),
        ("a>=1,<3,!=2", "a>=1,<3,!=2"),
        ("a==1.5rc1", "a>=1.5rc1"),
        ("a===1.5", "a>=1.5"),
        ("a===odd", "a===odd"),
        ("a==1.5+cpu", "a>=1.5"),
        ("a (~=1.5)", "a (>=1.5)"),
        ("a>1", "a>1"),
    ],
)
def test_relaxed_it_allows_everything_newer(text: str, expected: str) -> None:
    assert relaxed(text) == expected


@pytest.mark.parametrize(
    ("text", "version", "expected"),
    [
        ("a", "2.5", "a"),
        ("a<3", "2.5", "a<3"),
        ("a >= 1.0 , < 3", "2.5", "a >= 2.5 , < 3"),
        ("a>1", "2.5", "a>=2.5"),
        ("a>=3", "2.5", "a>=3"),
        ("a==2.5.0", "2.5", "a==2.5.0"),
        ("a==1.5+cpu", "2.5+cpu", "a==2.5+cpu"),
        ("a==1.5", "2.5+cpu", "a==2.5"),
        ("a===odd", "2.5", "a===2.5"),
        ("a==1.2.*", "2.5.7", "a==2.5.*"),
        ("a==1.2.*", "3", "a==3.0.*"),
        ("a==2.*", "2.5", "a==2.*"),
        ("a~=1.4.2", "2.5", "a~=2.5.0"),
        ("a~=1.4", "2.0rc1", "a~=2.0rc1"),
        ("a==1.*", "1!2.5", "a==1!2.*"),
        ("a[x] == 1 ; os_name == 'nt'", "2", "a[x] == 2 ; os_name == 'nt'"),
    ],
)
def test_pins_and_lower_bounds_are_raised_as_precisely_as_they_were_written(
    text: str, version: str, expected: str
) -> None:
    assert raised(text, version) == expected


NUMBERS = st.lists(st.integers(0, 12), min_size=2, max_size=3).map(lambda parts: ".".join(map(str, parts)))


@given(operator=st.sampled_from(["==", "~=", ">=", ">", "==="]), old=NUMBERS, new=NUMBERS)
def test_what_is_raised_allows_the_newest_and_the_relaxed_one_allowed_it(operator: str, old: str, new: str) -> None:
    text = f"a{operator}{old}"
    if new in Requirement(relaxed(text)).specifier:
        result = Requirement(raised(text, new)).specifier
        assert new in result
        if Version(new) > Version(old):
            assert old not in result
