"""``[tool.uv]`` of scripts in the wild, in our words."""

from __future__ import annotations

import pytest

from launcher.script.uv_table import read_uv_table


def test_what_is_the_same_stays_the_same() -> None:
    table = {
        "exclude-newer": "2024-03-25T00:00:00Z",
        "exclude-newer-package": {"demo": False},
        "resolution": "lowest-direct",
        "no-build": True,
        "no-build-package": ["a"],
        "no-binary": True,
        "no-binary-package": ["b"],
        "find-links": ["wheels"],
        "index-url": "https://a/",
        "extra-index-url": ["https://b/"],
    }
    read = read_uv_table(table)
    assert (read.values, read.warnings, read.ignored) == (table, (), ())


def test_constraints_and_overrides_have_another_name_with_us() -> None:
    read = read_uv_table({"constraint-dependencies": ["a<2"], "override-dependencies": ["b==1"]})
    assert read.values == {"constraint": ["a<2"], "override": ["b==1"]}
    assert read.ignored == ()


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("allow", "allow"),
        ("disallow", "disallow"),
        ("if-necessary", "if-necessary"),
        ("if-necessary-or-explicit", "if-necessary"),
        ("explicit", "if-necessary"),
        ("nonsense", "nonsense"),
    ],
)
def test_prereleases(theirs: str, ours: str) -> None:
    assert read_uv_table({"prerelease": theirs}).values == {"prerelease": ours}


def test_indexes() -> None:
    read = read_uv_table(
        {
            "index": [
                {"name": "torch", "url": "https://t/", "explicit": True, "authenticate": "always"},
                {"url": "https://u/"},
                {"name": "main", "url": "https://m/", "default": True},
                {"name": "flat", "url": "https://f/", "format": "flat"},
            ]
        }
    )
    assert read.values == {
        "index": [
            {"name": "torch", "url": "https://t/", "explicit": True},
            {"name": "index-2", "url": "https://u/"},
            {"name": "main", "url": "https://m/", "explicit": True},
        ],
        "index-url": "https://m/",
        "find-links": ["https://f/"],
    }
    assert read.ignored == ()


def test_sources_lose_what_only_uv_knows() -> None:
    read = read_uv_table(
        {"sources": {"a": {"git": "https://h/a", "lfs": True}, "b": [{"index": "x", "marker": "m", "group": "g"}]}}
    )
    assert read.values == {"sources": {"a": {"git": "https://h/a"}, "b": [{"index": "x", "marker": "m"}]}}


def test_a_workspace_is_warned_of() -> None:
    read = read_uv_table({"sources": {"a": {"workspace": True}, "b": {"index": "x"}}})
    assert read.values == {"sources": {"b": {"index": "x"}}}
    assert "takes a from a workspace" in read.warnings[0]


def test_another_strategy_is_warned_of() -> None:
    assert read_uv_table({"index-strategy": "first-index"}).warnings == ()
    (warning,) = read_uv_table({"index-strategy": "unsafe-best-match"}).warnings
    assert "index-strategy = 'unsafe-best-match' in [tool.uv] has no effect" in warning


def test_the_rest_is_named() -> None:
    assert read_uv_table({"dev-dependencies": [], "managed": True, "resolution": "lowest"}).ignored == (
        "dev-dependencies",
        "managed",
    )


@pytest.mark.parametrize("table", [{"index": "https://a/"}, {"index": ["https://a/"]}, {"sources": []}])
def test_wrong_types_are_left_to_the_settings(table: dict[str, object]) -> None:
    assert read_uv_table(table).values == table
