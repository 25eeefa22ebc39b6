"""Whatever decompresses gives what zlib gives, of sound data and of damaged ones."""

from __future__ import annotations

import zlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from launcher import inflate

TEXTS = st.binary(max_size=2000) | st.builds(
    lambda part, times: part * times, st.binary(max_size=40), st.integers(0, 500)
)


def outcome(decompress: Any, data: bytes, limit: int, wbits: int) -> object:
    """Return all that a decompressor gives for `data` in pieces of at most `limit`, or that it refuses."""
    inflating = decompress(wbits)
    given_out, waiting = b"", data
    try:
        while waiting and not inflating.eof:
            given_out += inflating.decompress(waiting, limit)
            waiting = inflating.unconsumed_tail
        while not inflating.eof and (piece := inflating.decompress(b"", limit)):
            given_out += piece
    except inflate.BROKEN:
        return "refused"
    return given_out, inflating.eof, inflating.unused_data


@given(TEXTS, st.integers(0, 9), st.integers(1, 5000), st.binary(max_size=5), st.sampled_from([-15, 31]))
def test_sound_data_are_inflated_as_by_zlib(text: bytes, level: int, limit: int, behind: bytes, wbits: int) -> None:
    compressor = zlib.compressobj(level, zlib.DEFLATED, wbits)
    data = compressor.compress(text) + compressor.flush() + behind
    assert outcome(inflate.decompressobj, data, limit, wbits) == (text, True, behind)


@given(TEXTS, st.integers(1, 9), st.data())
def test_damaged_data_never_pass_for_whole_where_zlib_refuses(text: bytes, level: int, data: st.DataObject) -> None:
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    sound = compressor.compress(text) + compressor.flush()
    damaged = bytearray(sound[: data.draw(st.integers(0, len(sound)))])
    for at in data.draw(st.lists(st.integers(0, max(len(damaged) - 1, 0)), max_size=3)) if damaged else []:
        damaged[at] ^= data.draw(st.integers(1, 255))
    expected = outcome(zlib.decompressobj, bytes(damaged), 3000, -15)
    found = outcome(inflate.decompressobj, bytes(damaged), 3000, -15)
    is_whole = isinstance(expected, tuple) and expected[1]
    assert (isinstance(found, tuple) and found[1]) == is_whole
    if is_whole:
        assert found == expected


@given(TEXTS, TEXTS)
def test_checksums_are_those_of_zlib(first: bytes, second: bytes) -> None:
    assert inflate.crc32(second, inflate.crc32(first)) == zlib.crc32(first + second)
