"""What an index tells beside its pages, kept as HTTP lets us: fresh for as long as the server said, then revalidated.

`launcher.resolve.page_cache` does the same for pages, whose form in the cache is another.
"""

from __future__ import annotations

import hashlib
import marshal
import time
from collections.abc import Callable

from launcher.cache import Bucket, Cache
from launcher.errors import IndexUnreachable
from launcher.resolve.fetcher import Fetcher
from launcher.resolve.page_cache import fresh_for_s, revalidation
from launcher.resolve.urls import mask_credentials
from launcher.value import Value, replace

_FORMAT = 1
_END = b"\nend of document"
"""What an entry ends with: of one that a power cut made shorter or empty, nothing may be used."""


class _Entry(Value):
    """A stored document with what decides about its use. `content` is None where the server answered 404."""

    content: bytes | None
    fetched_at: float
    fresh_s: float
    etag: str | None
    last_modified: str | None


class Documents:
    """Documents by URL, from the cache or from their server. Every method may be called from any thread."""

    def __init__(self, cache: Cache, fetcher: Fetcher, *, refresh: bool) -> None:
        self._cache = cache
        self._fetcher = fetcher
        self._refresh = refresh

    def get(self, url: str, accept: str, reduce: Callable[[bytes], bytes]) -> bytes | None:
        """Return what `reduce` makes of the document at `url`, which is what is kept; None where there is none.

        Raises `IndexUnreachable` where no answer can be had, `NotAvailableOffline`, and what `reduce` raises.
        """
        # What is made of a document belongs to what is kept of it.
        key = hashlib.sha256(f"{url} {accept} {reduce.__qualname__}".encode()).hexdigest()[:32]
        entry = self._read(key)
        if entry is not None and (self._fetcher.offline or (self._is_fresh(entry) and not self._refresh)):
            return entry.content
        is_kept = entry is not None and entry.content is not None
        asked = revalidation(entry.etag, entry.last_modified) if entry is not None and is_kept else {}
        reply = self._fetcher.get(url, {"Accept": accept, **asked})
        if reply.status == 304 and entry is not None:
            entry = replace(entry, fetched_at=time.time(), fresh_s=fresh_for_s(reply.headers))
        elif reply.status in (200, 404, 410):
            content = reduce(reply.content) if reply.status == 200 else None
            headers = reply.headers
            kept = (fresh_for_s(headers), headers.get("etag"), headers.get("last-modified"))
            entry = _Entry(content, time.time(), *kept)
        else:
            raise IndexUnreachable(
                f"{mask_credentials(url)} answered {reply.status}, which is neither a document nor 'not here'."
            )
        if "no-store" not in reply.headers.get("cache-control", "").lower():
            self._write(key, entry)
        return entry.content

    def _is_fresh(self, entry: _Entry) -> bool:
        return entry.content is not None and 0 <= time.time() - entry.fetched_at < entry.fresh_s

    def _read(self, key: str) -> _Entry | None:
        stored = self._cache.read(Bucket.HTTP, key)
        if stored is None or not stored.endswith(_END):
            return None
        try:
            version, *fields = marshal.loads(stored)
            return _Entry(*fields) if version == _FORMAT else None
        except (ValueError, EOFError, TypeError):
            return None

    def _write(self, key: str, entry: _Entry) -> None:
        fields = (entry.content, entry.fetched_at, entry.fresh_s, entry.etag, entry.last_modified)
        self._cache.write(Bucket.HTTP, key, marshal.dumps((_FORMAT, *fields)) + _END)
