"""A date, a moment or a duration becomes a moment in UTC that upload times are compared with."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from launcher.cutoff import is_before, moment_of, read_cutoff


@pytest.mark.parametrize(
    ("value", "cutoff"),
    [
        ("2024-03-25", "2024-03-26T00:00:00"),
        ("2024-12-31", "2025-01-01T00:00:00"),
        (date(2024, 3, 25), "2024-03-26T00:00:00"),
        (" 2024-03-25t12:00:00z ", "2024-03-25T12:00:00"),
        ("2024-03-25T12:00:00.5Z", "2024-03-25T12:00:00.500000"),
        ("2024-03-25T01:00:00+02:00", "2024-03-24T23:00:00"),
        ("2024-03-25T01:00:00", "2024-03-25T01:00:00"),
        (datetime(2024, 3, 25, 1, tzinfo=timezone(timedelta(hours=-1))), "2024-03-25T02:00:00"),
        ("P7D", 7 * 86400),
        ("P1W", 7 * 86400),
        ("pt24h", 86400),
        ("P1DT1H1M1S", 90061),
    ],
)
def test_what_a_cutoff_may_be(value: object, cutoff: str | int) -> None:
    assert read_cutoff(value) == cutoff


@pytest.mark.parametrize(
    "value",
    [
        *("", "soon", "P", "PT", "P1M", "P1Y", "-P1D", "2024-13-01", "2024-02-30", "20240325", "2024-W12-1", "2024"),
        *(2024, True, None, "9999-12-31", "2024-03-25T25:00:00Z", "1711324800"),
    ],
)
def test_what_is_no_cutoff_is_told_what_would_be(value: object) -> None:
    with pytest.raises(ValueError, match=r'a date such as "2024-03-25", a moment such as .* or "P7D"'):
        read_cutoff(value)


def test_a_duration_counts_back_from_the_resolution() -> None:
    assert moment_of(86400, 1711324800.9) == "2024-03-24T00:00:00"
    assert moment_of("2024-03-25T01:00:00", 0) == "2024-03-25T01:00:00"
    assert moment_of(10**15, 1711324800) == "0001-01-01T00:00:00"


@pytest.mark.parametrize(
    ("upload_time", "is_in_time"),
    [
        ("2024-03-25T23:59:59.999999Z", True),
        ("2024-03-26T00:00:00Z", False),
        ("2024-03-26T00:00:00.000000Z", False),
        ("2024-03-26T00:00:00.5Z", False),
        ("2024-03-26T01:00:00+02:00", True),
        ("yesterday", False),
        ("Z", False),
    ],
)
def test_upload_times_are_compared(upload_time: str, is_in_time: bool) -> None:
    assert is_before(upload_time, "2024-03-26T00:00:00") is is_in_time
