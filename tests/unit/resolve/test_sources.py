"""Sources make other requirements of the ones in the block."""

from __future__ import annotations

import pytest

from launcher.errors import UsageError
from launcher.resolve.resolution import Requested
from launcher.resolve.sources import sources_for, with_sources
from launcher.script.index_tables import Source
from tests.scenarios.interpreters import make_interpreter

GIT = "git+https://host/demo.git@v1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("demo", f"demo @ {GIT}"),
        ("Demo[x,y]>=1,<2", f"Demo[x,y] @ {GIT}"),
        ("demo >=1 ; python_version >= '3'", f"demo @ {GIT} ; python_version >= '3'"),
        ("demo (>=1)", f"demo @ {GIT}"),
        ("demo @ https://other/demo-1.0.whl", "demo @ https://other/demo-1.0.whl"),
        ("other", "other"),
        ("./demo.whl", "./demo.whl"),
    ],
)
def test_a_source_stands_for_the_specifier(text: str, expected: str) -> None:
    rewritten = with_sources([Requested(text, "x")], {"demo": Source("demo", url=GIT)})
    assert rewritten == [Requested(expected, "x")]


def test_an_index_changes_no_requirement() -> None:
    asked = [Requested("demo>=1", "x")]
    assert with_sources(asked, {"demo": Source("demo", index="company")}) == asked


def test_a_path_becomes_a_url_and_an_editable_one_a_project() -> None:
    sources = {"a": Source("a", path="/src/a b.whl"), "b": Source("b", path="/src/b", editable=True)}
    asked = [Requested("a", "line 2"), Requested("b[x]>=1", "line 3"), Requested("b; os_name == 'none'", "line 4")]
    assert with_sources(asked, sources) == [
        Requested("a @ file:///src/a%20b.whl", "line 2"),
        Requested("b[x] @ file:///src/b", "line 3", is_editable=True),
        Requested("b @ file:///src/b ; os_name == 'none'", "line 4", is_editable=True),
    ]


def test_the_first_source_whose_marker_holds_is_taken() -> None:
    sources = [
        Source("a", index="none", marker="os_name == 'none'"),
        Source("a", index="posix", marker="os_name != 'none'"),
        Source("a", index="late", marker="os_name != 'none'"),
        Source("b", index="none", marker="os_name == 'none'"),
    ]
    assert sources_for(sources, make_interpreter()) == {"a": sources[1]}


def test_a_marker_that_is_none() -> None:
    with pytest.raises(UsageError, match="The marker of a's source cannot be understood"):
        sources_for([Source("a", index="x", marker="on tuesdays")], make_interpreter())
