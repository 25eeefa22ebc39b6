"""How long an answer may be used without asking again (RFC 9111)."""

from __future__ import annotations

import pytest

from launcher.resolve.page_cache import fresh_for_s

_DATE = "Sun, 22 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"cache-control": "max-age=600, public"}, 600),
        ({"cache-control": "MAX-AGE=600"}, 600),
        ({"cache-control": 'max-age="600"'}, 600),
        ({"cache-control": "max-age=600", "age": "550"}, 50),
        ({"cache-control": "max-age=600", "age": "900"}, 0),
        ({"cache-control": "max-age=soon"}, 0),
        ({"cache-control": "no-cache, max-age=600"}, 0),
        ({"cache-control": "no-store, max-age=600"}, 0),
        ({"cache-control": "max-age=600", "vary": "*"}, 0),
        ({"cache-control": "max-age=600", "vary": "Accept"}, 600),
        ({"cache-control": "s-maxage=600"}, 0),
        ({"date": _DATE, "expires": "Sun, 22 Nov 2026 12:05:00 GMT"}, 300),
        ({"date": _DATE, "expires": "0"}, 0),
        ({"date": _DATE, "expires": "Sat, 21 Nov 2026 12:00:00 GMT"}, 0),
        ({"last-modified": _DATE}, 0),
    ],
)
def test_fresh_for(headers: dict[str, str], seconds: float) -> None:
    assert fresh_for_s(headers) == seconds
