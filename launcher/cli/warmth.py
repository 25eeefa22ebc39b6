"""Whether the next launch is warm, and if it is not, what keeps it from being recognised."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from launcher.cache import Bucket, Cache
from launcher.launch import record as records
from launcher.launch.record import LaunchRecord
from launcher.prepare import MOST_STAMPS
from launcher.request import RunRequest, TargetKind
from launcher.resolve.resolution import watched_files
from launcher.settings import has_credentials
from launcher.survey import Survey


@dataclass(frozen=True, slots=True)
class Warmth:
    """Whether a launch is warm; `reason` says why not, as the end of a sentence, or is empty."""

    is_warm: bool
    reason: str = ""


def next_launch(request: RunRequest, survey: Survey, cache: Cache, environ: Mapping[str, str]) -> Warmth:
    """Return how warm a launch of this request is, by the record that an earlier one may have left."""
    if request.kind is TargetKind.STDIN:
        return Warmth(False, "what comes from stdin is read each time")
    if request.kind is not TargetKind.SCRIPT:
        return Warmth(False, "only scripts in files are recognised")
    if not request.may_be_recorded:
        return Warmth(False, "with --cache-dir, or called like a command, no launch is recognised")
    places = (records.ANYWHERE, records.working_directory(dict(environ)))
    paths = [path for place in places if (path := records.record_path(str(cache.root), request.tokens, place))]
    if len(paths) < len(places):
        return Warmth(False, "a path with .. in it is not recognised")
    record = next(filter(None, map(records.read, paths)), None)
    if record is None:
        return Warmth(False, _never(request, survey, environ) or "it was not launched or prepared like this before")
    if records.holds(record, request.tokens, dict(environ)):
        return Warmth(True)
    return Warmth(False, _difference(record, survey, cache, environ))


def _never(request: RunRequest, survey: Survey, environ: Mapping[str, str]) -> str | None:
    """Return why launches of this script leave no record, or None where the next one will."""
    settings, source = survey.needs.settings, survey.needs.source
    if source is not None and not source.is_regular_file:
        return "it is no regular file, and has to be read each time"
    if place := _place_of_credentials(request, survey, environ):
        return f"{place} has a URL with a user name or password, and those are not written down"
    if survey.needs.is_lasting:
        return _too_many_files(survey)
    given = [
        name
        for name, is_given in (
            ("max-age", settings.max_age_s is not None),
            ("env-file", bool(settings.env_file)),
            ("refresh", settings.refresh),
            ("upgrade", settings.upgrade),
        )
        if is_given
    ]
    what = " and ".join(given) or "something that can change at any time, such as a program on PATH,"
    return f"{what} has to be looked at each time"


def _place_of_credentials(request: RunRequest, survey: Survey, environ: Mapping[str, str]) -> str | None:
    if any(has_credentials(token) for token in request.tokens):
        return "the command line"
    if names := [name for name in records.VARIABLES if has_credentials(environ.get(name, ""))]:
        return f"the variable {names[0]}"
    head = survey.needs.source.head if survey.needs.source else None
    return "the script's block" if has_credentials((head or b"").decode("utf-8", "replace")) else None


def _too_many_files(survey: Survey) -> str | None:
    """Return what is said where so many files decide that a record would be no shortcut, or None."""
    watched = watched_files(survey.wanted.written, survey.resolution)
    # Besides: the interpreter and the resolution.
    if len(watched) + len(survey.needs.files) + 2 <= MOST_STAMPS:
        return None
    return f"{len(watched):,} files and folders decide what is built of its folders; they are looked at each time"


def _difference(record: LaunchRecord, survey: Survey, cache: Cache, environ: Mapping[str, str]) -> str:
    """Return the first line of a record that is not true any more, in words."""
    before, now = record.variables.split("\t"), records.variables_of(dict(environ)).split("\t")
    if changed := [name for name, was, is_ in zip(records.VARIABLES, before, now, strict=True) if was != is_]:
        return f"{' and '.join(changed)} has another value than at the last launch"
    for path, stamp in record.stamps.items():
        if records.stamp_of(path) != stamp:
            return _changed(path, stamp, survey, cache)
    if not os.access(record.program, os.X_OK):
        return "its environment is gone"
    return "the script has changed above the end of its block"


def _changed(path: str, stamp: tuple[int, int] | None, survey: Survey, cache: Cache) -> str:
    if os.path.dirname(path) == str(cache.root / Bucket.RESOLUTIONS):
        return "its requirements were resolved anew since"
    if path == survey.interpreter.executable:
        return "the interpreter was changed since"
    if stamp is None:
        return f"{path} is there now"
    return f"{path} was {'changed' if os.path.exists(path) else 'removed'} since"
