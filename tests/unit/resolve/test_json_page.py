"""Pages in JSON: what is scanned is what a parser finds, and what no parser takes is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from launcher.errors import IndexUnreachable
from launcher.resolve import json_page
from launcher.resolve.json_page import files_in_json, read_page
from launcher.resolve.page_files import PageFile
from launcher.resolve.pages import ProjectPage, make_page
from launcher.resolve.version_set import positions

URL = "https://index.invalid/simple/demo/"
Row = dict[str, Any]
Dump = Callable[[object], str]


def wheel(version: str, tags: str = "py3-none-any", **fields: object) -> Row:
    filename = f"demo-{version}-{tags}.whl"
    return {
        "filename": filename,
        "hashes": {"sha256": "ab" * 32},
        "requires-python": ">=3.8",
        "size": 1000,
        "upload-time": "2024-01-01T00:00:00.000000Z",
        "url": f"https://files.invalid/{filename}",
        "yanked": False,
        **fields,
    }


def sdist(version: str, **fields: object) -> Row:
    filename = f"demo-{version}.tar.gz"
    return {**wheel(version), "filename": filename, "url": f"https://files.invalid/{filename}", **fields}


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def as_pypi(value: object) -> str:
    """Write as PyPI does, which has more keys and sorts them."""
    page: dict[str, Any] = json.loads(json.dumps(value))
    for row in page["files"]:
        told = {"sha256": "cd" * 32} if row["filename"].endswith(".whl") else False
        row.update({"core-metadata": told, "data-dist-info-metadata": told, "provenance": None})
    return json.dumps({"alternate-locations": [], **page}, separators=(",", ":"), sort_keys=True)


def page_text(rows: list[Any], dump: Dump = compact, **others: object) -> bytes:
    page = {"files": rows, "meta": {"api-version": "1.1"}, "name": "demo", "versions": ["1.0"], **others}
    return dump(page).encode("utf-8", "surrogatepass")


def parsed(content: bytes) -> ProjectPage:
    return make_page("demo", files_in_json(content, URL), "test")


def seen(page: ProjectPage) -> object:
    files = [page.files_of(at) for at in range(len(page.versions))]
    times = [page.upload_times_of(at) for at in range(len(page.versions))]
    assert times == [[file.upload_time for file in of_version] for of_version in files]
    return page.versions, page.prerelease_bits, page.yanked_bits, page.source, files


def check(content: bytes) -> None:
    """Compare what is read with what a parser finds."""
    try:
        expected = seen(parsed(content))
    except ValueError:
        with pytest.raises((ValueError, IndexUnreachable)):
            seen(read_page("demo", content, URL, "test"))
    else:
        assert seen(read_page("demo", content, URL, "test")) == expected


ORDINARY = [
    sdist("1.0", **{"requires-python": None}),
    wheel("1.0", yanked=""),
    wheel("1.0.0", "cp312-cp312-linux_x86_64", url="/files/demo.whl", **{"core-metadata": True}),
    wheel("1.1rc1", "1-py3-none-any", url="../../demo.whl", **{"core-metadata": {"sha256": "ef"}}),
    wheel("2.0", yanked='it says "no" \\ {é} },{"filename":"demo-9.0.tar.gz"'),
    sdist("2.0", yanked=True),
    wheel("3.0", yanked="one of two"),
    sdist("3.0"),
    {**wheel("4.0"), "filename": "other-4.0-py3-none-any.whl"},
    {**wheel("4.0"), "filename": "demo-4.0-any.whl"},
    {**wheel("4.0"), "filename": "demo.exe"},
]


@pytest.mark.parametrize("dump", [compact, json.dumps, as_pypi])
def test_ordinary_pages_are_not_parsed(dump: Dump, monkeypatch: pytest.MonkeyPatch) -> None:
    content = page_text(ORDINARY, dump)
    expected = seen(parsed(content))
    monkeypatch.setattr(json_page, "files_in_json", lambda *_: pytest.fail("it was parsed"))
    page = read_page("demo", content, URL, "test")
    assert seen(page) == expected
    assert page.versions == ("1.0", "1.1rc1", "2.0", "3.0")
    assert positions(page.yanked_bits) == [2]


# What a server might say to have its page misread.

HOSTILE = [
    'x"},{"filename":"demo-9.0.tar.gz","url":"https://x/","yanked":false',
    '},{"filename":"demo-9.0.tar.gz"',
    '"',
    "\\",
    "}],[{",
    "\x00\n\u2028é\ud800",
    '"yanked":false}',
    "",
]
FILENAMES = [
    *("demo-1.0.tar.gz", "demo-1.0-py3-none-any.whl", "Demo-1.0.0-py2.py3-none-any.whl", "demo-2.0rc1.zip"),
    *("demo-4.0-1-py3-none-any.whl", "demo-4.0-py3-any.whl", "demo-.tar.gz", "demo-4.0-x/../py3-none-any.whl"),
    *(".demo-4.0-py3-none-any.whl", "demo-4.0-py3-none-ány.whl", 'demo-4.0-py3-none-"any".whl', "other-4.0.tar.gz"),
    *("demo-4.0\\-py3-none-any.whl", "de-mo-4.0-py3-none-any.whl", "demo-x-4.0.tar.gz", "x.egg", ""),
]
URLS = [
    *("http://files.invalid/a", "/a", "../a", "./a", "a", "//me:pw@files.invalid/a", "https://me:pw@files.invalid/a"),
    *("file:///srv/a", "FILE:/srv/a", "//[", ""),
]


@pytest.mark.parametrize(
    "change",
    [
        *({"filename": filename} for filename in FILENAMES),
        *({"url": url} for url in URLS),
        *({"yanked": text} for text in (*HOSTILE, None, True)),
        *({"requires-python": text} for text in (*HOSTILE, None)),
        *({"core-metadata": text} for text in (*HOSTILE, None, True)),
        *({"upload-time": text} for text in (*HOSTILE, None, True)),
    ],
)
@pytest.mark.parametrize("dump", [compact, json.dumps, as_pypi])
def test_one_row_is_unlike_the_others(change: Row, dump: Dump) -> None:
    check(page_text([wheel("1.0"), {**wheel("4.0"), **change}, wheel("5.0")], dump))


def test_no_row_is_lost_where_separators_differ() -> None:
    others = [json.dumps(wheel(f"1.{number}")) for number in range(82)]
    odd = '{"url":"https://files.invalid/x","filename":"demo-9.0-py3-none-any.whl"}'
    odd = odd.replace("x", "x" * (len(others) - 1 - len(odd)), 1)
    content = '{"files": [' + ",".join([*others[:40], odd, *others[40:]]) + "]}"
    check(content.encode())
    assert "9.0" in read_page("demo", content.encode(), URL, "test").versions


hostile = st.sampled_from(HOSTILE)
filenames = st.sampled_from(FILENAMES)
urls = st.sampled_from(URLS)
anything = st.recursive(
    hostile | filenames | st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["filename", "yanked", "url"]), inner),
    max_leaves=3,
)
ordinary = st.lists(st.sampled_from(ORDINARY), unique_by=lambda row: row["filename"], max_size=4)
changes = st.fixed_dictionaries(
    {},
    optional={
        "filename": filenames,
        "url": urls,
        "yanked": st.booleans() | hostile,
        "requires-python": anything,
        "core-metadata": anything,
        "extra": anything,
    },
)
odd_rows = st.builds(
    lambda row, changed, lost, is_changed_first: {
        key: value
        for key, value in ({**changed, **row} if is_changed_first else {**row, **changed}).items()
        if key != lost
    },
    st.sampled_from(ORDINARY),
    changes,
    st.sampled_from(["", "", "yanked", "requires-python", "url", "filename", "hashes"]),
    st.booleans(),
)
written_rows = st.builds(lambda known, odd: known + odd, ordinary, st.lists(odd_rows | anything, max_size=2)).flatmap(
    st.permutations
)
DUMPS: list[Dump] = [
    compact,
    json.dumps,
    lambda page: json.dumps(page, ensure_ascii=False),
    lambda page: json.dumps(page, separators=(",", ":"), sort_keys=True, ensure_ascii=False),
    lambda page: json.dumps(page, indent=1),
    # The same key twice: of two the last one counts.
    lambda page: compact(page).replace('"size":1000', '"yanked":true,"size":1'),
    lambda page: compact(page).replace('"size":1000', '"filename":"demo-8.0.tar.gz","size":1'),
    lambda page: compact(page).replace('"size":1000', '"f\\u0069lename":"demo-8.0.tar.gz","y\\u0061nked":true'),
    lambda page: compact(page).replace('"meta":', '"files":[],"meta":'),
    lambda page: compact(page).replace("},{", "},5,{"),
    lambda page: compact({"x": page, "files": [0]}),
    lambda page: compact({"x": page, "files": [0]}).replace('"files":[0]', '"f\\u0069les":[0]'),
]


@pytest.mark.parametrize("dump", DUMPS)
def test_one_way_of_writing_is_unlike_the_others(dump: Dump) -> None:
    check(page_text(ORDINARY, dump))
    check(page_text([], dump))


@given(written_rows, st.sampled_from(DUMPS))
@example([wheel("1.0"), {"x": [wheel("2.0"), wheel("3.0"), wheel("4.0")]}, wheel("5.0")], compact)
@example([wheel("1.0"), wheel("2.0"), wheel("1.0", url="https://elsewhere.invalid/")], compact)
@example([wheel("1.0"), {"url": "https://files.invalid/x", "extra": wheel("2.0")}], compact)
@example([{"core-metadata": wheel("9.0"), **wheel("1.0")}, {"core-metadata": False, **wheel("2.0")}], compact)
def test_scanning_finds_what_parsing_finds(written: list[Any], dump: Dump) -> None:
    check(page_text(written, dump))


@pytest.mark.parametrize("dump", [compact, json.dumps])
def test_a_page_that_ends_early_is_refused(dump: Dump) -> None:
    content = page_text(ORDINARY[:3], dump)
    for end in range(len(content)):
        with pytest.raises(ValueError, match=r".+"):
            read_page("demo", content[:end], URL, "test")


def test_another_api_is_refused() -> None:
    with pytest.raises(ValueError, match=r"its API version is not 1\.x"):
        read_page("demo", page_text(ORDINARY, meta={"api-version": "2.0"}), URL, "test")


def test_a_row_that_cannot_be_read_is_refused_when_it_is_looked_at() -> None:
    content = page_text([wheel("1.0"), wheel("2.0", **{"requires-python": "PY"})]).replace(b"PY", b"\\x")
    page = read_page("demo", content, URL, "test")
    assert page.files_of(0)[0].filename == "demo-1.0-py3-none-any.whl"
    with pytest.raises(IndexUnreachable, match=r"What test says of the files of demo 2\.0 cannot be read"):
        page.files_of(1)


def test_credentials_in_a_page_are_not_kept() -> None:
    page = read_page("demo", page_text([wheel("1.0", url="https://me:pw@files.invalid/x")]), URL, "test")
    assert page.files_of(0)[0].url == "https://files.invalid/x"
    assert b"pw" not in bytes(page.rows.content)


def read(*rows: dict[str, object]) -> list[PageFile]:
    content = json.dumps({"meta": {"api-version": "1.1"}, "files": rows}).encode()
    return files_in_json(content, "https://index.invalid/simple/demo/")


def test_rows_of_a_json_page() -> None:
    full = {
        "filename": "demo-1.0-py3-none-any.whl",
        "url": "../../files/demo-1.0-py3-none-any.whl",
        "hashes": {"sha256": "ab", "md5": "cd"},
        "requires-python": ">=3.8",
        "yanked": "bad",
        "size": 12,
        "core-metadata": {"sha256": "ef"},
        "upload-time": "2024-01-01T00:00:00Z",
    }
    (found,) = read(full)
    assert found == (
        "demo-1.0-py3-none-any.whl",
        "https://index.invalid/files/demo-1.0-py3-none-any.whl",
        *("ab", ">=3.8", "bad", 12, "ef", "2024-01-01T00:00:00Z"),
    )


@pytest.mark.parametrize(
    ("row", "field", "value"),
    [
        ({}, "sha256", None),
        ({"hashes": {}}, "sha256", None),
        ({"yanked": True}, "yanked", ""),
        ({"yanked": False}, "yanked", None),
        ({"core-metadata": True}, "core_metadata", True),
        ({"core-metadata": False}, "core_metadata", None),
        ({"dist-info-metadata": {"sha256": "x"}}, "core_metadata", "x"),
        ({"core-metadata": {}}, "core_metadata", None),
        ({"requires-python": None}, "requires_python", None),
        ({"size": "12"}, "size_bytes", None),
        ({"url": "https://me:pw@files.invalid/a.whl"}, "url", "https://files.invalid/a.whl"),
        ({"url": "/files/a.whl"}, "url", "https://index.invalid/files/a.whl"),
        ({"url": "//files.invalid/a.whl"}, "url", "https://files.invalid/a.whl"),
        ({"url": "//me:pw@files.invalid/a.whl"}, "url", "https://files.invalid/a.whl"),
        ({"url": "a.whl"}, "url", "https://index.invalid/simple/demo/a.whl"),
    ],
)
def test_odd_rows(row: dict[str, object], field: str, value: object) -> None:
    (found,) = read({"filename": "demo-1.0.tar.gz", "url": "https://files.invalid/x", **row})
    assert getattr(found, field) == value


def test_rows_that_are_none_are_left_out() -> None:
    assert read({}, {"filename": 1, "url": "x"}, {"filename": "../../x.whl", "url": "x"}) == []


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"[]", b'{"files": 1}', b'{"files": [], "meta": {"api-version": "2.0"}}']
)
def test_what_is_no_page(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        files_in_json(content, "https://index.invalid/")
