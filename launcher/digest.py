"""Names for cache entries, derived from what the entries stand for."""

from __future__ import annotations

try:
    # hashlib would load OpenSSL to get at it, which takes 3 ms.
    from _blake2 import blake2b
except ImportError:  # an interpreter that hides it, or is no CPython
    from hashlib import blake2b


def digest_of(text: str, length: int = 32) -> str:
    """Return `length` hexadecimal digits, an even number up to 128, that stand for `text`.

    >>> digest_of("requests", 8)
    '4b2ba8eb'
    """
    return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=length // 2).hexdigest()
