"""What an index says of a release, read and judged."""

from __future__ import annotations

import json

import pytest

from launcher.share.advisories import Advisory, essence, facts_url, read_facts, version_without


def document(*rows: object, **info: object) -> bytes:
    return json.dumps({"info": {"version": "1.0", "summary": "x" * 500, **info}, "vulnerabilities": rows}).encode()


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ("https://127.0.0.1/simple/", "https://127.0.0.1/pypi/a/1.0/json"),
        ("https://127.0.0.1/simple", "https://127.0.0.1/pypi/a/1.0/json"),
        ("https://127.0.0.1/repository/all/simple/", "https://127.0.0.1/repository/all/pypi/a/1.0/json"),
        ("https://127.0.0.1/root/+simple/", "https://127.0.0.1/root/pypi/a/1.0/json"),
        ("https://127.0.0.1/index/?x=1", "https://127.0.0.1/index/pypi/a/1.0/json"),
        ("https://127.0.0.1", "https://127.0.0.1/pypi/a/1.0/json"),
    ],
)
def test_the_api_lies_beside_the_simple_one(index: str, expected: str) -> None:
    assert facts_url(index, "a", "1.0") == expected


def test_nothing_in_a_name_leads_elsewhere() -> None:
    assert facts_url("https://127.0.0.1/simple/", "../a", "1/../2") == ("https://127.0.0.1/pypi/..%2Fa/1%2F..%2F2/json")


def test_what_is_kept_says_the_same() -> None:
    content = document({"id": "A", "fixed_in": ["2"]}, yanked=True, yanked_reason="why")
    assert read_facts(essence(content), "1") == read_facts(content, "1.0")
    assert len(essence(content)) < 150


def test_one_vulnerability_under_several_names_is_one() -> None:
    rows = [
        {"id": "A", "aliases": ["CVE-1"], "fixed_in": ["2.0"]},
        {"id": "B", "aliases": ["CVE-2"]},
        {"id": "C", "aliases": ["CVE-1", "A"], "summary": "from C", "fixed_in": ["1.10", "2.0.0", "nonsense"]},
    ]
    found = {each.id: each for each in read_facts(document(*rows), "1.0").advisories}
    assert set(found) == {"A", "B"}
    assert found["A"] == Advisory("A", ("CVE-1", "C"), "from C", ("1.10", "2.0"))


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"id": 7, "aliases": "CVE-1", "fixed_in": {"a": 1}, "summary": 5, "details": ["x"], "link": "javascript:x"},
        {"id": None, "aliases": [None, 3], "fixed_in": [None, "", "x.y"], "link": None},
    ],
)
def test_rows_of_any_shape_are_read(row: dict[str, object]) -> None:
    (advisory,) = read_facts(document(row), "1.0").advisories
    assert (advisory.aliases, advisory.fixed_in, advisory.summary, advisory.url) == ((), (), "", "")


def test_a_long_summary_is_cut() -> None:
    (advisory,) = read_facts(document({"id": "A", "details": "## Title\nword " + "long " * 100}), "1.0").advisories
    assert advisory.summary.startswith("word long")
    assert advisory.summary.endswith("long…")
    assert len(advisory.summary) <= 160


@pytest.mark.parametrize(
    ("version", "fixes", "expected"),
    [
        ("1.0", [["1.1"]], "1.1"),
        ("1.0", [["1.1"], ["1.3"], ["1.2"]], "1.3"),
        ("1.0", [["1.9", "2.1"], ["1.8", "2.0"]], "2.1"),
        ("1.0", [["1.9", "2.2"], ["2.1"]], "2.2"),
        ("1.0", [["1.9", "2.2"], ["1.9", "2.1"]], "1.9"),
        ("2.0", [["1.9", "2.2"]], "2.2"),
        ("2.0", [["1.9"]], None),
        ("1.0", [["1.1"], []], None),
    ],
)
def test_the_oldest_version_without_all_of_them(version: str, fixes: list[list[str]], expected: str | None) -> None:
    advisories = [Advisory(str(at), fixed_in=tuple(each)) for at, each in enumerate(fixes)]
    assert version_without(version, advisories) == expected
