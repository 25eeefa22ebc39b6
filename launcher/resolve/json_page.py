"""Reads a project's page in JSON (PEP 691) without parsing what nobody looks at: jupyterlab's 162 pages have 42 MB.

An expression made after a page's first row has to match each row from brace to brace, with keys and quotes as they
stand. A quote in a JSON string is always escaped, so what is matched without a gap is what a parser would have found.
Any other page is parsed as a whole.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from launcher.resolve.file_versions import WHEEL_NAME, group_by_version
from launcher.resolve.page_files import FileRows, PageFile, files_in_rows
from launcher.resolve.pages import ProjectPage, grouped_page, make_page

_OPENING = rb'"files":[ ]?\[(?=\{"[a-z-]+":([ ]?))'
_LONGEST_OPENING = _LONGEST_ROW = 4096

_TEXT = rb'(?:"[^"]*"|null)'
_FLAG = rb'(?:true|false|null|\{"sha256":"[^"]*"\})'
_VALUES = {
    "filename": rb'"(%b(?=")|[^"]*)"' % WHEEL_NAME.encode(),
    # What a page on the network may list by any such URL; others are judged one by one.
    "url": rb'"(?:https?://|\.\.?/|/)[^"]*"',
    "hashes": rb'\{"sha256":"[^"]*"\}',
    "yanked": rb'(?:false|""|(true|"(?:[^"\\]|\\.)*"))',
    "requires-python": _TEXT,
    "size": rb"(?:[0-9]+|null)",
    "upload-time": _TEXT,
    "provenance": _TEXT,
    "core-metadata": _FLAG,
    "dist-info-metadata": _FLAG,
    "data-dist-info-metadata": _FLAG,
}
_ANY = rb'(?:"[^"]*"|true|false|null|[0-9]+)'
_SOME_LACK = ("requires-python", "core-metadata")
"""Keys that some servers leave out where there is nothing to say."""

_PLAIN = bytes(set(range(0x20, 0x7F)) - set(b"/\\"))
"""In a file name of these nothing is escaped and nothing is unsafe."""


def read_page(name: str, content: bytes, page_url: str, source: str) -> ProjectPage:
    """Return the page of the project with this canonical name; raises `ValueError` where `content` is none.

    A row that is never asked for may hold what is not JSON; `ProjectPage.files_of` refuses it.
    """
    page = _scanned(name, content, page_url, source)
    return make_page(name, files_in_json(content, page_url), source) if page is None else page


def files_in_json(content: bytes, page_url: str) -> list[PageFile]:
    """Return the files of a PEP 691 page; raises `ValueError` for anything else."""
    return files_in_rows(_rows_of(json.loads(content)), page_url)


def _rows_of(page: Any) -> list[object]:
    if not isinstance(page, dict) or not isinstance(page.get("files"), list):
        raise ValueError("it has no list of files")
    meta = page.get("meta")
    if isinstance(meta, dict) and not str(meta.get("api-version", "1.0")).startswith("1."):
        raise ValueError("its API version is not 1.x")
    rows: list[object] = page["files"]
    return rows


def _scanned(name: str, content: bytes, page_url: str, source: str) -> ProjectPage | None:
    """Return the page, or None where it takes a parser to be certain of it."""
    opening = re.search(_OPENING, content[:_LONGEST_OPENING])
    if opening is None:
        return None
    start, space = opening.end(), opening[1]
    keys = _keys_of_first(content[start : start + _LONGEST_ROW].decode("utf-8", "ignore"))
    found = re.compile(_expression(keys, space)).findall(content, start) if {"filename", "url"} <= set(keys) else []
    if not found:
        return None
    rows, names, starts, yanked = zip(*found, strict=True)
    joined = (b"," + space).join(rows)
    quoted = b'"'.join(names)
    # A name may need more than to be unquoted, and credentials in a URL are nothing to be kept.
    if not content.startswith(joined, start) or quoted.translate(None, _PLAIN) or b"@" in joined:
        return None
    if len(set(names)) < len(names) or not _is_page(content[:start], content[start + len(joined) :]):
        return None
    groups = group_by_version(name, quoted.decode().split('"'), starts)
    kept = FileRows.of_json(([rows[at] for at in group.positions] for group in groups), page_url)
    is_yanked = (all(yanked[at] for at in group.positions) for group in groups) if any(yanked) else ()
    return grouped_page(name, groups, kept, is_yanked, source)


def _keys_of_first(text: str) -> tuple[str, ...]:
    """Return the keys of the row that `text` begins with, in their order."""
    try:
        return tuple(json.JSONDecoder().raw_decode(text)[0])
    except ValueError:
        return ()


@cache
def _expression(keys_of_first: tuple[str, ...], space: bytes) -> bytes:
    """Return what matches a row with the keys of the first one; `space` follows each comma and colon.

    Its groups are the row, the name, what of it is before a wheel's tags, and how it is yanked.
    """
    # Servers that say it of wheels alone say it last.
    keys = list(dict.fromkeys((*keys_of_first, "core-metadata")))
    first = keys.index("filename")
    before = b"".join(_member(key, b"", b",") for key in keys[:first])
    after = b"".join(_member(key, b",", b"") for key in keys[first + 1 :])
    row_expression = rb"(\{%b%b%b\})" % (before, _member("filename", b"", b""), after)
    row_expression += b"" if "yanked" in keys else b"()"
    return row_expression.replace(b'":', b'":' + space).replace(b",", b"," + space) if space else row_expression


def _member(key: str, comma_before: bytes, comma_after: bytes) -> bytes:
    value = _VALUES.get(key, _ANY)
    member = comma_before + re.escape(json.dumps(key)).encode() + b":" + value + comma_after
    return b"(?:%b|)" % member if key in _SOME_LACK else member


def _is_page(before: bytes, after: bytes) -> bool:
    """Tell whether what is around the rows makes them the list of files of a page."""
    around = before + b"0" + after
    if b"\\" in around or around.count(b'"files"') != 1:
        return False
    try:
        return _rows_of(json.loads(around)) == [0]
    except (ValueError, RecursionError):
        return False
