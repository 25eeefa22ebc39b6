"""``[[index]]`` and ``[sources]``: what they may say, and what is said of anything else."""

from __future__ import annotations

import pytest

from launcher.script.index_tables import (
    NamedIndex,
    Source,
    join_indexes,
    read_indexes,
    read_sources,
    require_known,
)

COMPANY = {"name": "company", "url": "https://a/simple/"}


def test_indexes_in_their_order() -> None:
    assert read_indexes([COMPANY, {"name": "torch", "url": " https://b/ ", "explicit": True}]) == (
        NamedIndex("company", "https://a/simple/"),
        NamedIndex("torch", "https://b/", explicit=True),
    )


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"name": "x"}, ""),
        (["https://a/"], ""),
        ([{"url": "https://a/"}], "None is not a name for an index"),
        ([{**COMPANY, "name": "a b"}], "'a b' is not a name for an index"),
        ([{"name": "company"}], "the index 'company' has no url"),
        ([{**COMPANY, "url": ""}], "the index 'company' has no url"),
        ([{**COMPANY, "explicit": "yes"}], "'yes' is not a valid value for explicit of the index 'company'"),
        ([{**COMPANY, "default": True}], "an index has no key 'default'"),
        ([COMPANY, {**COMPANY, "name": "Company"}], "two indexes are called 'Company'"),
    ],
)
def test_indexes_that_are_none(value: object, problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_indexes(value)
    assert problem == (caught.value.args[1] if problem else "")


def test_sources_of_every_kind() -> None:
    sources = read_sources(
        {
            "My_Pkg": {"index": "company"},
            "a": {"git": "https://host/a.git", "tag": "v1", "subdirectory": "sub"},
            "b": {"git": "git+ssh://git@host/b.git", "rev": "abc"},
            "c": {"url": "https://host/c-1.0.tar.gz", "subdirectory": "sub"},
            "d": {"path": "../d", "editable": True},
            "e": [{"index": "x", "marker": "os_name == 'nt'"}, {"index": "y", "marker": "os_name != 'nt'"}],
        }
    )
    assert sources == (
        Source("my-pkg", index="company"),
        Source("a", url="git+https://host/a.git@v1#subdirectory=sub"),
        Source("b", url="git+ssh://git@host/b.git@abc"),
        Source("c", url="https://host/c-1.0.tar.gz#subdirectory=sub"),
        Source("d", path="../d", editable=True),
        Source("e", index="x", marker="os_name == 'nt'"),
        Source("e", index="y", marker="os_name != 'nt'"),
    )


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], ""),
        ({"a b": {"index": "x"}}, "'a b' is not the name of a package"),
        ({"a": "company"}, "the source of a names no index, git, url or path"),
        ({"a": {"workspace": True}}, "the source of a names no index, git, url or path"),
        ({"a": {"git": "x", "path": "y"}}, "the source of a names git and path"),
        ({"a": {"git": "x", "tag": "1", "rev": "2"}}, "the source of a names several"),
        ({"a": {"index": "x", "tag": "1"}}, "the source of a has no key 'tag' beside index"),
        ({"a": {"path": "x", "editable": "yes"}}, "'yes' is not a valid value for editable of the source of a"),
        ({"a": {"url": ""}}, "'' is not a valid value for url of the source of a"),
        ({"a": [{"index": "x"}, {"index": "y"}]}, "a has several sources"),
        ({"a": []}, "a has several sources"),
    ],
)
def test_sources_that_are_none(value: object, problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_sources(value)
    assert problem == (caught.value.args[1] if problem else "")


def test_the_scripts_indexes_come_before_those_of_the_config_file() -> None:
    ours, theirs = NamedIndex("a", "https://a/"), NamedIndex("b", "https://b/")
    assert join_indexes([ours], [theirs, NamedIndex("A", "https://a")]) == (ours, theirs)


def test_a_script_cannot_lead_a_known_name_elsewhere() -> None:
    with pytest.raises(ValueError, match="another name") as caught:
        join_indexes([NamedIndex("company", "https://evil/")], [NamedIndex("Company", "https://a/")])
    assert caught.value.args[1] == "the config file has another index called 'Company'"


def test_a_source_names_an_index_that_is_there() -> None:
    require_known([Source("a", index="Company")], [NamedIndex("company", "https://a/")])
    with pytest.raises(ValueError, match="there are: company") as caught:
        require_known([Source("a", index="compani")], [NamedIndex("company", "https://a/")])
    assert caught.value.args[1:] == ("a is to come from 'compani', and no index is called that", "compani")
