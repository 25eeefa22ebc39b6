"""What is kept of a URL of a script: what was there, where it was, and for how long that may be believed."""

from __future__ import annotations

import marshal
import os
from contextlib import suppress

from launcher.cache import Bucket, Cache
from launcher.digest import digest_of
from launcher.script.remote_url import RemoteUrl
from launcher.value import Value, astuple

_FORMAT = 1
_END = b"\nend of file"
"""What an entry ends with: of one that a power cut made shorter or empty, nothing may be used."""


class Entry(Value):
    """What came from a URL: `content` is None where nothing is there (404).

    `hops` are the URLs that led to it, from the one that was asked to the one that answered, without credentials.
    `fetched_at` is in seconds since the epoch, `fresh_s` for how long it holds without asking again; `commit` is
    that of a repository.
    """

    content: bytes | None
    hops: tuple[str, ...]
    fetched_at: float
    fresh_s: float
    etag: str | None = None
    last_modified: str | None = None
    commit: str = ""


def read_entry(url: RemoteUrl, cache: Cache) -> Entry | None:
    """Return what is kept of a URL, or None where that is nothing, or damaged."""
    content = cache.read(Bucket.HTTP, _key(url))
    with suppress(OSError):
        os.utime(cache.path(Bucket.HTTP, _key(url)))  # collection takes those that nobody asked for long
    if content is None or not content.endswith(_END):
        return None
    try:
        version, *values = marshal.loads(content)
        return Entry(*values) if version == _FORMAT else None
    except (ValueError, EOFError, TypeError):
        return None


def write_entry(url: RemoteUrl, entry: Entry, cache: Cache) -> None:
    """Keep what came from a URL."""
    cache.write(Bucket.HTTP, _key(url), marshal.dumps((_FORMAT, *astuple(entry))) + _END)


def _key(url: RemoteUrl) -> str:
    """Name the entry of a URL: with credentials another person may see something else."""
    return digest_of(f"{url.with_credentials}#{url.path}")
