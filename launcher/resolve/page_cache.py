"""Pages of an index as HTTP lets us keep them: fresh for as long as the server said, then revalidated (RFC 9111)."""

from __future__ import annotations

import hashlib
import marshal
import time
from collections.abc import Callable, Mapping

from launcher.cache import Bucket, Cache
from launcher.errors import IndexUnreachable
from launcher.resolve.fetcher import Fetcher, Reply
from launcher.resolve.pages import ProjectPage
from launcher.resolve.urls import mask_credentials
from launcher.value import Value, replace

_FORMAT = 2
_END = b"\nend of page"
"""What an entry ends with: of one that a power cut made shorter or empty, nothing may be used."""

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.2, text/html; q=0.01"

PageParser = Callable[[Reply], ProjectPage | None]
"""Makes a page of an answer with status 200; raises `ValueError` that says why it cannot."""


class _Entry(Value):
    """A stored page with what decides about its use. `page` is None where the index answered 404."""

    page: ProjectPage | None
    fetched_at: float
    fresh_s: float
    etag: str | None
    last_modified: str | None
    digest: str


class PageCache:
    """Project pages by URL, from the cache or from the index."""

    def __init__(self, cache: Cache, fetcher: Fetcher, *, refresh: bool) -> None:
        self._cache = cache
        self._fetcher = fetcher
        self._refresh = refresh

    def get(self, url: str, parse: PageParser) -> ProjectPage | None:
        """Return the page at `url`, or None where there is none (404, 410).

        Raises `IndexUnreachable` where the index did not answer with a page, `NotAvailableOffline` where only the cache
        may be used and has nothing.
        """
        key = hashlib.sha256(url.encode()).hexdigest()[:32]
        entry = self._read(key)
        if entry is not None and (self._fetcher.offline or (self._is_fresh(entry) and not self._refresh)):
            return entry.page
        reply = self._fetcher.get(url, _request_headers(entry))
        if reply.status == 304 and entry is not None:
            updated = replace(entry, fetched_at=time.time(), fresh_s=fresh_for_s(reply.headers))
            self._write(key, updated)
            return entry.page
        digest = _digest_of(reply)
        known = entry.page if entry is not None and digest and digest == entry.digest else None
        made = _entry_of(url, reply, parse if known is None else lambda _: known, digest)
        if "no-store" not in _directives(reply.headers) and (known is None or made.fresh_s > 0):
            self._write(key, made)
        return made.page

    def _is_fresh(self, entry: _Entry) -> bool:
        return entry.page is not None and 0 <= time.time() - entry.fetched_at < entry.fresh_s

    def _read(self, key: str) -> _Entry | None:
        content = self._cache.read(Bucket.INDEX, key)
        if content is None or not content.endswith(_END):
            return None
        try:
            # What follows the first value is not looked at: the rows, which nobody wants to have copied.
            version, row, *rest = marshal.loads(content)
            if version != _FORMAT:
                return None
            rows = memoryview(content)[: -len(_END)]
            return _Entry(None if row is None else ProjectPage.from_row(row, rows), *rest)
        except (ValueError, EOFError, TypeError):
            return None

    def _write(self, key: str, entry: _Entry) -> None:
        row, rows = (None, b"") if entry.page is None else (entry.page.to_row(), entry.page.rows.content)
        dumped = (_FORMAT, row, entry.fetched_at, entry.fresh_s, entry.etag, entry.last_modified, entry.digest)
        self._cache.write(Bucket.INDEX, key, b"".join((marshal.dumps(dumped), rows, _END)))


def _digest_of(reply: Reply) -> str:
    """Return what tells that a page came again with nothing new in it, where the server says nothing that would.

    Some proxies strip ETag, and hashing costs a quarter of reading JSON and nothing compared with HTML.
    """
    is_told = reply.status != 200 or "etag" in reply.headers or "last-modified" in reply.headers
    return "" if is_told else hashlib.sha256(reply.content).hexdigest()


def _request_headers(entry: _Entry | None) -> dict[str, str]:
    is_kept = entry is not None and entry.page is not None
    return {"Accept": _ACCEPT, **(revalidation(entry.etag, entry.last_modified) if entry and is_kept else {})}


def revalidation(etag: str | None, last_modified: str | None) -> dict[str, str]:
    """Return the headers that ask whether what is kept is still what the server has (RFC 9111, section 4.3)."""
    # Without this a proxy in between may answer from its own cache, and --refresh would refresh nothing.
    headers = {"Cache-Control": "max-age=0"}
    if etag:
        headers["If-None-Match"] = etag
    elif last_modified:
        headers["If-Modified-Since"] = last_modified
    return headers


def _entry_of(url: str, reply: Reply, parse: PageParser, digest: str) -> _Entry:
    shown = mask_credentials(url)
    page = None
    if reply.status == 200:
        try:
            page = parse(reply)
        except (ValueError, RecursionError) as error:
            raise IndexUnreachable(
                f"{shown} did not answer with a page of an index: {error}.",
                hint="The index URL should end in /simple/ or what the index's documentation calls its simple API.",
                reference="PEP 503, PEP 691",
            ) from error
    elif reply.status not in (404, 410):
        raise IndexUnreachable(
            f"{shown} answered {reply.status}, which is neither a page nor 'not here'.", hint="Check the index URL."
        )
    headers = reply.headers
    return _Entry(page, time.time(), fresh_for_s(headers), headers.get("etag"), headers.get("last-modified"), digest)


def _directives(headers: Mapping[str, str]) -> dict[str, str]:
    parts = (part.partition("=") for part in headers.get("cache-control", "").lower().split(","))
    return {name.strip(): value.strip().strip('"') for name, _, value in parts if name.strip()}


def fresh_for_s(headers: Mapping[str, str]) -> float:
    """Return for how many seconds an answer may be used without asking again (RFC 9111, section 4.2).

    Without any statement it is 0: an index page is never guessed to be fresh.

    >>> fresh_for_s({"cache-control": "max-age=600, public", "age": "100"})
    500.0
    """
    directives = _directives(headers)
    if "no-cache" in directives or "no-store" in directives or headers.get("vary", "").strip() == "*":
        return 0.0
    age = headers.get("age", "")
    if "max-age" in directives:
        lifetime = directives["max-age"]
        return max(float(lifetime) - (float(age) if age.isdecimal() else 0.0), 0.0) if lifetime.isdecimal() else 0.0
    if not {"expires", "date"} <= headers.keys():
        return 0.0
    # 15 ms, and nearly all servers say max-age.
    from email.utils import parsedate_to_datetime  # noqa: PLC0415

    try:
        expires, date = (parsedate_to_datetime(headers[name]) for name in ("expires", "date"))
        return max((expires - date).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return 0.0
