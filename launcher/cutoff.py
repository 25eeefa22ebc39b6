"""Moments before which a file must have been uploaded: ``exclude-newer`` as text, and as what files are compared with.

A cutoff is either a moment in UTC, ``2024-03-26T00:00:00``, or a number of seconds before the resolution that asks.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

# Texts, because every resolution loads this and few read a cutoff: compiling them takes 0.5 ms.
_ISO_DURATION = r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
_UNITS_S = (7 * 86400, 86400, 3600, 60, 1)
_NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
_DATE = r"\d{4}-\d{2}-\d{2}"

Cutoff = str | int
"""A moment as text, or seconds."""


def read_cutoff(value: object) -> Cutoff:
    """Return the cutoff that a date, an RFC 3339 moment or an ISO 8601 duration stands for.

    A date means the whole day, in UTC, so that a script resolves alike everywhere. `value` is a text, or what TOML has
    for dates and times. Raises `ValueError` with what would have been right.

    >>> read_cutoff("2024-03-25"), read_cutoff("2024-03-25T12:00:00+02:00"), read_cutoff("P1D")
    ('2024-03-26T00:00:00', '2024-03-25T10:00:00', 86400)
    """
    text = value.isoformat() if isinstance(value, date) else str(value).strip().upper()
    found = re.fullmatch(_ISO_DURATION, text)
    if found and any(found.groups()):
        return sum(int(number) * unit for number, unit in zip(found.groups("0"), _UNITS_S, strict=True))
    try:
        moment = datetime.fromisoformat(text)
        if re.fullmatch(_DATE, text):
            moment += timedelta(days=1)
        elif "T" not in text:
            raise ValueError(text)
        return _as_text(moment)
    except (ValueError, OverflowError):
        raise ValueError(
            'a date such as "2024-03-25", a moment such as "2024-03-25T12:00:00Z" '
            'or a duration such as "7 days" or "P7D"'
        ) from None


def moment_of(cutoff: Cutoff, now_s: float) -> str:
    """Return a cutoff as a moment, for a resolution at `now_s` seconds since the epoch.

    >>> moment_of(3600, 7200.5), moment_of("2024-03-26T00:00:00", 0)
    ('1970-01-01T01:00:00', '2024-03-26T00:00:00')
    """
    if isinstance(cutoff, str):
        return cutoff
    try:
        return _as_text(datetime.fromtimestamp(int(now_s) - cutoff, UTC))
    except (ValueError, OverflowError, OSError):
        return _as_text(datetime.min)


def read_cutoffs(
    written: Mapping[str, object] | Iterable[str], read: Callable[[object], Cutoff]
) -> tuple[tuple[str, Cutoff | None], ...]:
    """Return the cutoffs of projects, sorted by canonical name; false stands for none. Raises `ValueError`.

    `written` is a table, or texts such as ``name=2024-03-25``.
    """
    found = {}
    pairs = written.items() if isinstance(written, Mapping) else [text.partition("=")[::2] for text in written]
    for name, text in pairs:
        if not re.fullmatch(_NAME, name):
            raise ValueError('a table such as { name = "2024-03-25" }, or texts such as "name=2024-03-25"')
        is_none = text is False or str(text).lower() == "false"
        try:
            found[re.sub(r"[-_.]+", "-", name).lower()] = None if is_none else read(text)
        except ValueError as error:
            raise ValueError(f"{name} {error}, or false for no limit") from None
    return tuple(sorted(found.items()))


def hold_to(own: Mapping[str, Any], values: dict[str, Any]) -> list[str]:
    """Make no cutoff in the settings `values` later than in `own`, what a person said apart from the script.

    Both have ``exclude_newer`` and ``exclude_newer_package`` by these names, or not. A project that a script excepts is
    held to the person's cutoff for all projects. Returns the names of those that are now as in `own` and were not.
    """
    general, by_project = "exclude_newer", "exclude_newer_package"
    ours = dict(own.get(by_project) or ())
    asked = ours | dict(values.get(by_project) or ())
    held = {
        general: _earlier(own.get(general), values.get(general)),
        by_project: tuple((name, _earlier(ours.get(name, own.get(general)), asked[name])) for name in sorted(asked)),
    }
    changed = [name for name in held if name in values and held[name] != values[name]]
    values.update({name: held[name] for name in changed})
    return [name for name in changed if held[name] == own.get(name)]


def _earlier(*cutoffs: Cutoff | None) -> Cutoff | None:
    """Return the one that is the earlier at this moment; None is none."""
    now_s = time.time()
    return min((each for each in cutoffs if each is not None), key=lambda each: moment_of(each, now_s), default=None)


def is_before(upload_time: str, moment: str) -> bool:
    """Tell whether an upload time as PEP 700 has it lies before a moment; one that cannot be read does not.

    >>> is_before("2024-03-25T23:59:59.999999Z", "2024-03-26T00:00:00")
    True
    """
    if upload_time.endswith("Z") and upload_time[10:11] == "T":
        # Pages have thousands of these, and as texts they are in order.
        return upload_time[:-1] < moment
    try:
        return _as_text(datetime.fromisoformat(upload_time)) < moment
    except (ValueError, OverflowError):
        return False


def _as_text(moment: datetime) -> str:
    in_utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return in_utc.replace(tzinfo=None).isoformat()
