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


def sha256_of(content: bytes) -> str:
    """Return the sha256 of what a file holds, as agreements name it; for a few of them, small ones.

    >>> sha256_of(b"")[:16]
    'e3b0c44298fc1c14'
    """
    try:  # OpenSSL again; the module was renamed in 3.12
        from _sha2 import sha256  # type: ignore[import-not-found] # noqa: PLC0415
    except ImportError:
        try:
            from _sha256 import sha256  # type: ignore[import-not-found] # noqa: PLC0415
        except ImportError:
            from hashlib import sha256  # noqa: PLC0415
    digest: str = sha256(content).hexdigest()
    return digest
