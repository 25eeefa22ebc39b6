"""What `pyscript info` shows is in words, and fits into the terminal."""

from __future__ import annotations

import pytest

from launcher.cli.info_view import in_width, in_words


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("max-age", 604800, "7 days"),
        ("max-age", 86400, "1 day"),
        ("max-age", 5400, "90 minutes"),
        ("exclude-newer", 43200, "12 hours"),
        ("exclude-newer", "2024-03-26T00:00:00", "2024-03-26T00:00:00Z"),
        ("exclude-newer-package", [["a", None], ["b-b", 86400]], "a=false, b-b=1 day"),
        ("timeout", 15.0, "15 seconds"),
        ("timeout", 2.5, "2.5 seconds"),
        ("retries", 3, "3"),
        ("find-links", [], "none"),
        ("find-links", ["a", "b"], "a, b"),
        ("offline", True, "true"),
    ],
)
def test_values_are_as_people_write_them(key: str, value: object, words: str) -> None:
    assert in_words(key, value) == words


@pytest.mark.parametrize(
    ("text", "remark", "lines"),
    [
        ("short", "line 3", [("short", "line 3")]),
        ("a text that is too long", "line 3", [("a text that is too", ""), ("  long", "line 3")]),
        ("twenty-characters-now", "", [("twenty-characters-now", "")]),
        ("/one/path/that/is/too/long", "line 3", [("/one/path/that/is/too/long", ""), ("", "line 3")]),
        ("warm", "", [("warm", "")]),
    ],
)
def test_no_word_is_broken_and_a_remark_stays_whole(text: str, remark: str, lines: list[tuple[str, str]]) -> None:
    assert in_width(text, remark, 20) == lines
    assert in_width(text, remark, None) == [(text, remark)]
