"""Resolutions as bytes."""

from __future__ import annotations

import marshal

import pytest

from launcher.resolve.candidate import Candidate
from launcher.resolve.resolution import Pin, Resolution

_RESOLUTION = Resolution(
    pins=(
        Pin(Candidate("a", "1.0", "a-1.0-py3-none-any.whl", "https://h/a", "00", 12), ("x",), ("b",)),
        Pin(Candidate("b", "2.0", "b-2.0-py3-none-any.whl", "file:///b", "11", None, ">=3.8", "bad", True, "i")),
    ),
    roots=("a",),
)


def test_nothing_is_lost() -> None:
    assert Resolution.from_bytes(_RESOLUTION.to_bytes()) == _RESOLUTION
    assert Resolution.from_bytes(Resolution((), ()).to_bytes()) == Resolution((), ())


@pytest.mark.parametrize(
    "content", [b"", b"text", marshal.dumps(1), marshal.dumps((0, (), ())), _RESOLUTION.to_bytes()[:-4]]
)
def test_what_is_no_resolution(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Resolution.from_bytes(content)
