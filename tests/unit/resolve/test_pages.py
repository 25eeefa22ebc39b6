"""Pages: what is in them, and which versions a specifier takes."""

from __future__ import annotations

import marshal
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from launcher.resolve.page_files import PageFile
from launcher.resolve.pages import ProjectPage, make_page, merge_pages, parse_specifiers
from launcher.resolve.version_set import positions


def file(filename: str, **fields: Any) -> PageFile:
    made = PageFile(filename, f"https://files.invalid/{filename}", None, None, None, None, None, None)
    return made._replace(**fields)


def page_of(*versions: str) -> ProjectPage:
    return make_page("demo", [file(f"demo-{version}-py3-none-any.whl") for version in versions], "test")


numbers = st.integers(0, 3).map(str)
releases = st.lists(numbers, min_size=1, max_size=3).map(".".join)
versions = st.builds(
    "{}{}{}{}{}{}".format,
    st.sampled_from(["", "", "1!"]),
    releases,
    st.sampled_from(["", "", "a1", "b2", "rc1"]),
    st.sampled_from(["", "", ".post0", ".post1"]),
    st.sampled_from(["", "", ".dev0", ".dev1"]),
    st.sampled_from(["", "", "", "+cpu", "+1.2"]),
)
public = versions.map(lambda text: text.partition("+")[0])
specifiers = st.one_of(
    st.builds("{}{}".format, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), public),
    st.builds("{}{}".format, st.sampled_from(["==", "!=", "==="]), versions),
    st.builds("{}{}{}.*".format, st.sampled_from(["==", "!="]), st.sampled_from(["", "1!"]), releases),
    st.builds("~={}.{}".format, releases, public.filter(lambda text: "!" not in text)),
)


@given(st.lists(versions, max_size=40), st.lists(specifiers, max_size=2))
def test_bisecting_takes_what_testing_each_version_takes(texts: list[str], wanted: list[str]) -> None:
    page = page_of(*texts)
    asked = SpecifierSet(",".join(wanted))
    expected = [at for at, version in enumerate(page.versions) if asked.contains(version, prereleases=True)]
    assert positions(page.matching(asked)) == expected


@given(
    st.lists(versions | st.sampled_from(["2020.01.05", "00", "1.0.0", "1.00", "1..0", "1.", "1_0", "x"]), max_size=20)
)
def test_versions_are_in_order_and_of_their_kind(texts: list[str]) -> None:
    page = page_of(*texts)
    first_texts: dict[Version, str] = {}
    for text in texts:
        with suppress(InvalidVersion):
            first_texts.setdefault(Version(text), str(Version(text)))
    assert list(page.versions) == [first_texts[version] for version in sorted(first_texts)]
    prereleases = [at for at, version in enumerate(page.versions) if Version(version).is_prerelease]
    assert positions(page.prerelease_bits) == prereleases


def test_files_are_grouped_by_equal_versions_and_strangers_left_out() -> None:
    page = make_page(
        "some-demo",
        [
            file("some_demo-1.0-py3-none-any.whl"),
            file("Some.Demo-1.0.0-cp312-cp312-win_amd64.whl"),
            file("some-demo-1.0.tar.gz"),
            file("some_demo-1.0-py3-none-any.whl", url="https://elsewhere.invalid/"),
            file("other-1.0-py3-none-any.whl"),
            file("some-demo-extra-1.0.tar.gz"),
            file("some_demo-what-py3-none-any.whl"),
            file("some_demo-1.0-any.whl"),
            file("some_demo-2.0-py3-any.whl"),
            file("some_demo-2.0-1-2-py3-none-any.whl"),
            file("some_demo.exe"),
        ],
        "test",
    )
    assert page.versions == ("1.0",)
    assert [(each.filename, each.url[:17]) for each in page.files_of(0)] == [
        ("some_demo-1.0-py3-none-any.whl", "https://files.inv"),
        ("Some.Demo-1.0.0-cp312-cp312-win_amd64.whl", "https://files.inv"),
        ("some-demo-1.0.tar.gz", "https://files.inv"),
    ]


def test_a_version_is_yanked_when_all_its_files_are() -> None:
    wheel, sdist = "demo-{}-py3-none-any.whl", "demo-{}.tar.gz"
    page = make_page(
        "demo",
        [
            file(wheel.format("1.0"), yanked=""),
            file(sdist.format("1.0")),
            file(wheel.format("2.0"), yanked="bad"),
            file(sdist.format("2.0"), yanked="bad"),
        ],
        "test",
    )
    assert positions(page.yanked_bits) == [1]


def test_a_page_survives_the_cache() -> None:
    page = page_of("1.0", "2.0rc1")
    row, content = page.to_row(), bytes(page.rows.content)
    assert ProjectPage.from_row(marshal.loads(marshal.dumps(row)), b"before" + content) == page
    with pytest.raises(ValueError, match="format"):
        ProjectPage.from_row((0, *row[1:]), content)


def test_merging_prefers_the_first() -> None:
    beside = make_page("demo", [file("demo-1.0-py3-none-any.whl", url="file:///x")], "find-links")
    merged = merge_pages(beside, page_of("1.0", "2.0"))
    assert merged.versions == ("1.0", "2.0")
    assert [each.url for each in merged.files_of(0)] == ["file:///x"]


def test_old_specifiers_are_forgiven() -> None:
    assert parse_specifiers(">=3.6.*, !=3.7.*") == SpecifierSet(">=3.6,!=3.7.*")
    with pytest.raises(InvalidSpecifier):
        parse_specifiers("three")
