"""The small texts of a wheel, held against the parsers that installer uses."""

from __future__ import annotations

import csv
import email.parser
import email.policy
import io
from configparser import Error as ConfigParserError

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from installer.records import InvalidRecordEntry, parse_record_file
from installer.utils import parse_entrypoints

from launcher.environment.dist_info import header_fields, plain_entry_points, plain_rows, record_row

LINES = st.sampled_from(
    [
        *("Name: demo", "name:x", "Version: 1.0", " more", "\tmore", "", "no field", "From me", "From : x", ": x"),
        *("Ä: x", "Name : y", "Name:", "Name:  \tz  ", "X-\x7f: 1", "Tag: a: b", "\x0cName: q"),
    ]
)
HEADS = st.lists(st.tuples(LINES, st.sampled_from(["\n", "\r\n", "\r"])), max_size=8)


@given(HEADS)
def test_fields_are_those_that_email_reads(lines: list[tuple[str, str]]) -> None:
    text = "".join(line + end for line, end in lines)
    head = text.replace("\r\n", "\n").partition("\n\n")[0]
    message = email.parser.Parser(policy=email.policy.compat32).parsestr(head)
    expected: dict[str, list[str]] = {}
    for name, value in message.items():
        expected.setdefault(name.lower(), []).append(value.replace("\r", "\n").rstrip("\n"))
    assert {name: [value.rstrip("\n") for value in values] for name, values in header_fields(text).items()} == expected


RECORDS = st.text(st.sampled_from('ab/,"\\\n\r =é'), max_size=30)


@given(RECORDS)
@example("demo.py,sha256=x,1\n")
@example("a,b,c\n\na,b,c")
def test_rows_are_read_as_installer_reads_them_or_left_to_it(record: str) -> None:
    if (found := plain_rows(record)) is None:
        return
    assert found == {path: (digest, size) for path, digest, size in parse_record_file(record.splitlines())}


@pytest.mark.parametrize("record", ["a,b", "a,b,c,d", '"a,b",c,d', "\n", "a\\b,c,d"])
def test_odd_rows_are_left_to_installer(record: str) -> None:
    assert plain_rows(record) is None


ENTRY_POINT_LINES = st.sampled_from(
    [
        *("[console_scripts]", "[gui_scripts]", "[other]", "[DEFAULT]", "[a]b]", "[x", "[]", "[ console_scripts ]"),
        *("a = b:c", "b=b.c:d.e", "", "  ", "# remark", "; remark", "a = b:c [x]", "c = %(a)s", "d = b", "e =", "= f"),
        *("g", " h = i:j", "k = l:m ", "n = o:ö", "p = q: r", "s = t:1", "u u = v:w"),
    ]
)


@given(st.lists(ENTRY_POINT_LINES, max_size=7))
@example(["[console_scripts]", "a = b:c", "[gui_scripts]", "a = b:c"])
def test_entry_points_are_read_as_installer_reads_them_or_left_to_it(lines: list[str]) -> None:
    text = "\n".join(lines)
    if (found := plain_entry_points(text)) is None:
        return
    expected = [(name, module, attr, kind == "gui") for name, module, attr, kind in parse_entrypoints(text)]
    assert [(point.name, point.module, point.attribute, point.is_gui) for point in found] == expected


@pytest.mark.parametrize(
    "text",
    ["a = b:c", "[console_scripts]\na = b", "[console_scripts]\na = b:c\na = b:d", "[x]\n[x]", "[x]\nno value"],
)
def test_broken_entry_points_are_left_to_installer_which_refuses_them(text: str) -> None:
    assert plain_entry_points(text) is None
    with pytest.raises((ConfigParserError, AssertionError)):
        list(parse_entrypoints(text))


@given(st.text(st.characters(exclude_categories=["C", "Z"], include_characters=' ,"'), min_size=1, max_size=12))
def test_rows_are_written_as_csv_has_them(path: str) -> None:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow([path, "sha256=x", "1"])
    assert record_row(path, "sha256=x", "1") == stream.getvalue()


def test_a_row_of_the_wrong_length_is_what_installer_refuses() -> None:
    with pytest.raises(InvalidRecordEntry):
        list(parse_record_file(["a,b"]))
