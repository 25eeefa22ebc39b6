"""The files of a project's page: what one row says, and all rows as text until somebody asks for those of a version."""

from __future__ import annotations

import json
import marshal
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from launcher.resolve.urls import is_safe_filename, may_list, split_credentials
from launcher.value import Value

PUT_THERE = ""
"""The upload time of a file that a person put into a find-links location: nothing is too new there."""

_UPLOAD_TIME = rb'"upload-time":[ ]?(?:"([^"]*)"|null)'


class PageFile(NamedTuple):
    """One file of a page. `yanked` is the reason (maybe empty) or None; `core_metadata` as in `Candidate`.

    `upload_time` is as PEP 700 has it, None where it is not stated, or `PUT_THERE`.
    """

    filename: str
    url: str
    sha256: str | None
    requires_python: str | None
    yanked: str | None
    size_bytes: int | None
    core_metadata: str | bool | None
    upload_time: str | None

    @property
    def is_wheel(self) -> bool:
        """Whether it is a wheel, by its name."""
        return self.filename.endswith(".whl")


class FileRows(Value):
    """The rows of a page's files, version after version: pages have thousands, of which a few dozen are looked at.

    Those of the version at position i are ``content[bounds[i]:bounds[i + 1]]``: JSON as the page at `page_url` had it,
    or marshalled, where that is empty.
    """

    content: bytes | memoryview
    bounds: tuple[int, ...]
    page_url: str = ""

    @classmethod
    def of_files(cls, versions: Iterable[Iterable[PageFile]]) -> FileRows:
        """Return the rows of files that are known already, version by version."""
        pieces = [marshal.dumps([tuple(file) for file in files]) for files in versions]
        return cls(b"".join(pieces), tuple(accumulate(map(len, pieces), initial=0)))

    @classmethod
    def of_json(cls, versions: Iterable[Sequence[bytes]], page_url: str) -> FileRows:
        """Return rows, version by version, as they stand on a page."""
        pieces = [rows[0] if len(rows) == 1 else b",".join(rows) for rows in versions]
        bounds = tuple(accumulate(map(len, pieces), initial=0))
        return cls(b"".join(pieces), bounds, split_credentials(page_url)[0])

    def files_of(self, position: int) -> tuple[PageFile, ...]:
        """Return the files of the version at a position; raises `ValueError` where their rows cannot be read."""
        rows = bytes(self.content[self.bounds[position] : self.bounds[position + 1]])
        if self.page_url:
            return tuple(files_in_rows(json.loads(b"[%b]" % rows), self.page_url))
        return tuple(map(PageFile._make, marshal.loads(rows)))

    def upload_times_of(self, position: int) -> list[str | None]:
        """Return when each file of a version was uploaded; raises as `files_of` does.

        A cutoff asks this of all versions, and parsing their rows for it would take ten times as long.
        """
        rows = self.content[self.bounds[position] : self.bounds[position + 1]]
        found: list[bytes] = re.findall(_UPLOAD_TIME, rows) if self.page_url else []
        if not found or any(b"\\" in time for time in found):
            return [file.upload_time for file in self.files_of(position)]
        return [time.decode() or None for time in found]


def files_in_rows(rows: Iterable[object], page_url: str) -> list[PageFile]:
    """Return the files of the rows of a PEP 691 page (with PEP 592, 658, 700 and 714); what is no file is left out."""
    origin = _origin_on_the_network(page_url)
    files = (_file_from_json(row, page_url, origin) for row in rows if isinstance(row, dict))
    return [file for file in files if file is not None]


def _origin_on_the_network(page_url: str) -> str:
    """Return what a URL of http or https begins with, up to its path; empty for others.

    >>> _origin_on_the_network("https://host:8080/simple/"), _origin_on_the_network("file:///srv/simple/")
    ('https://host:8080', '')
    """
    parts = urlsplit(page_url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else ""


def _file_from_json(row: Mapping[str, Any], page_url: str, origin: str) -> PageFile | None:
    """Return one row; pages have thousands of them, so the ordinary ones take the shortest way."""
    filename, url = row.get("filename"), row.get("url")
    if not isinstance(filename, str) or not isinstance(url, str) or not is_safe_filename(filename):
        return None
    if origin and url.startswith("/") and "@" not in url and not url.startswith("//"):
        url = origin + url
    elif not url.startswith("https://") or "@" in url:
        url = split_credentials(urljoin(page_url, url))[0]
        if not may_list(page_url, filename, url):
            return None
    get = row.get
    hashes, yanked, size = get("hashes"), get("yanked"), get("size")
    sha256 = hashes.get("sha256") if isinstance(hashes, dict) else None
    metadata = get("core-metadata", False) or get("dist-info-metadata", False) or get("data-dist-info-metadata")
    return PageFile(
        filename,
        url,
        sha256 if isinstance(sha256, str) else None,
        _text_or_none(get("requires-python")),
        (yanked if isinstance(yanked, str) else "") if yanked else None,
        size if isinstance(size, int) else None,
        (metadata.get("sha256") or True if isinstance(metadata, dict) else True) if metadata else None,
        _text_or_none(get("upload-time")),
    )


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
