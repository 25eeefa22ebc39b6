"""What ``pyscript info`` shows, as lines for people and as JSON for programs."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from launcher.cache import Cache
from launcher.cli import output
from launcher.cli.agreement import SHOWN_LINES, first_lines, rows_of
from launcher.cli.output import Line
from launcher.cli.remote import Glance
from launcher.cli.warmth import Warmth
from launcher.config_file import config_path
from launcher.python.places import Surroundings
from launcher.reporter import megabytes
from launcher.resolve.urls import mask_credentials
from launcher.script.bundle_file import Bundle
from launcher.script.visible_text import deceptive_lines
from launcher.settings import key_of
from launcher.survey import LockState, Survey, environment_size, package_sizes
from launcher.value import Value, names_of

_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_DURATIONS = ("max-age", "exclude-newer", "timeout")
"""Settings whose number is one of seconds."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is known about the next launch of a script; `glance` of one from elsewhere."""

    script: str
    survey: Survey
    warmth: Warmth
    cache: Cache
    glance: Glance | None = None
    lock: LockState | None = None


def show(facts: Facts, *, whole_source: bool = False) -> None:
    """Print what is known, one subject below the other; of a script from elsewhere also its first lines, or all."""
    output.print_parts((facts.glance.script.url.shown if facts.glance else facts.script, "bold"))
    subjects = list(_subjects(facts))
    width = None
    if sys.stdout is not None and sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - max(len(label) for label, _ in subjects) - 4
    rows: list[list[Line]] = []
    for label, lines in subjects:
        fitted = [piece for text, remark in lines for piece in in_width(text, remark, width)]
        for position, (text, remark) in enumerate(fitted):
            value = [(text, "good" if text == "warm" else ""), (f"  ({remark})" if remark else "", "dim")]
            rows.append([[("  " + (label if position == 0 else ""), "dim")], value])
    output.print_columns(rows)
    if facts.glance:
        output.print_parts()
        for line in first_lines(facts.glance.source, None if whole_source else SHOWN_LINES):
            output.print_parts(*line)


def in_width(text: str, remark: str, width: int | None) -> list[tuple[str, str]]:
    """Return a text and its remark as lines of at most `width`, of which no word is broken; None: as one line.

    >>> in_width("requests[socks]>=2.31 ; python_version >= '3.8'", "line 3", 30)
    [('requests[socks]>=2.31 ;', ''), ("  python_version >= '3.8'", ''), ('', 'line 3')]
    """
    if width is None or len(text) + len(remark) + 4 * bool(remark) <= width:
        return [(text, remark)]
    wrapped = textwrap.wrap(
        text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )
    *before, last = wrapped or [""]
    if remark and len(last) + len(remark) + 4 > width:
        return [*((line, "") for line in (*before, last)), ("", remark)]
    return [*((line, "") for line in before), (last, remark)]


def as_json(facts: Facts) -> Mapping[str, object]:
    """Return the same for programs; what is not known is null."""
    survey, metadata = facts.survey, facts.survey.needs.metadata
    config = str(config_path(os.environ))
    return {
        "script": facts.glance.script.url.shown if facts.glance else facts.script,
        "remote": _remote(facts.glance) if facts.glance else None,
        "metadata": {
            "has_block": metadata.block is not None,
            "requires_python": metadata.requires_python,
            "dependencies": [mask_credentials(each.text) for each in metadata.dependencies],
            "tool": _plain(metadata.tool),
        },
        "bundle": _bundle_as_json(survey.needs.source.bundle if survey.needs.source else None),
        "requirements": [{"requirement": text, "origin": origin} for text, origin in _requirements(survey)],
        "interpreter": {
            "version": survey.interpreter.version,
            "implementation": survey.interpreter.implementation,
            "executable": survey.interpreter.executable,
            "reason": _why(survey),
        },
        "settings": {key: {"value": value, "origin": origin} for key, value, origin in _settings(survey)},
        "lock": facts.lock
        and {"where": facts.lock.label, "made_by": facts.lock.made_by, "outdated": facts.lock.outdated},
        "resolution": survey.resolution
        and {
            "resolved_at": survey.resolved_at,
            "packages": {pin.candidate.name: pin.candidate.version for pin in survey.resolution},
        },
        "environment": survey.environment
        and {
            "path": str(survey.environment.path),
            "python": str(survey.environment.python),
            "own_bytes": environment_size(survey.environment),
            "shared_bytes": _shared_bytes(facts),
        },
        "next_launch": {"is_warm": facts.warmth.is_warm, "reason": facts.warmth.reason or None},
        "config_file": {"path": config, "exists": os.path.exists(config)},
        "cache": str(facts.cache.root),
    }


def _remote(glance: Glance) -> Mapping[str, object]:
    script, standing = glance.script, glance.standing
    return {
        "hops": list(script.file.hops),
        "commit": script.file.commit or None,
        "sha256": script.file.sha256,
        "lock_sha256": script.lock.sha256 if script.lock else None,
        "size_bytes": len(script.file.content),
        "fetched_at": int(script.file.fetched_at),
        "path": script.path,
        "is_trusted": standing.is_agreed,
        "trusted_by": [each.place or f"sha256:{each.sha256}" for each in standing.agreements],
        "deceptive_lines": deceptive_lines(glance.source.text),
    }


_Lines = list[tuple[str, str]]
"""What there is to say about a subject, line by line, each with a remark."""


def _subjects(facts: Facts) -> Iterator[tuple[str, _Lines]]:
    survey, metadata = facts.survey, facts.survey.needs.metadata
    line = survey.needs.requires_python_line
    if facts.glance:
        yield from rows_of(facts.glance)
    bundle = survey.needs.source.bundle if survey.needs.source else None
    if bundle is not None:
        yield "bundle", _bundle(bundle)
    elif metadata.block is None:
        yield "block", [("none: the script names no requirements", "")]
    if metadata.requires_python is not None:
        yield "requires-python", [(metadata.requires_python, f"line {line.line_number}" if line else "")]
    here = f" of {survey.needs.source.path}" if survey.needs.source else ""
    requirements = [(text, origin.removesuffix(here)) for text, origin in _requirements(survey)]
    if requirements or bundle is None:  # a bundle asks for nothing: it has what it needs
        yield "requirements", requirements or [("none", "")]
    for name, table in metadata.tool.items():
        yield f"[tool.{name}]", _table(table)
    interpreter = survey.interpreter
    kind = "Python" if interpreter.implementation == "cpython" else interpreter.implementation
    yield "interpreter", [(f"{kind} {interpreter.version}, {interpreter.executable}", ""), (_why(survey), "")]
    if settings := list(_settings(survey)):
        yield "settings", [(f"{key} = {in_words(key, value)}", origin) for key, value, origin in settings]
    if facts.lock is not None:
        yield "lock", _lock(facts.lock, survey)
    yield "resolution", [(_resolution(survey), "")]
    yield "environment", _environment(facts)
    warmth = facts.warmth
    yield "next launch", [("warm" if warmth.is_warm else f"not warm: {warmth.reason}", "")]
    config = str(config_path(os.environ))
    yield "config file", [(config, "" if os.path.exists(config) else "there is none")]
    yield "cache", [(str(facts.cache.root), "" if facts.cache.root.exists() else "there is none yet")]


def _requirements(survey: Survey) -> _Lines:
    return [(mask_credentials(each.text.strip()), each.origin) for each in survey.needs.requested]


def _table(table: object) -> _Lines:
    items = table.items() if isinstance(table, dict) else [("", table)]
    return [(f"{key} = {_value(value)}", "") for key, value in items] or [("empty", "")]


def _value(value: object) -> str:
    """Return a value as people write it: texts without quotes, lists with commas."""
    plain = _plain(value)
    if isinstance(plain, list) and all(isinstance(item, str) for item in plain):
        return ", ".join(plain)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def in_words(key: str, value: object) -> str:
    """Return the value of a setting as a person would write it.

    >>> in_words("max-age", 604800), in_words("timeout", 15.0), in_words("exclude-newer-package", [["a", None]])
    ('7 days', '15 seconds', 'a=false')
    """
    if value in ([], {}):
        return "none"
    if key == "exclude-newer-package" and isinstance(value, list):
        return ", ".join(f"{name}={in_words('exclude-newer', cutoff)}" for name, cutoff in value)
    if key not in _DURATIONS:
        return _value(value)
    if isinstance(value, str):
        return f"{value}Z"
    return "false" if not isinstance(value, int | float) else _duration(value)


def _duration(seconds: float) -> str:
    size, unit = next((each for each in _UNITS if seconds % each[0] == 0), _UNITS[-1])
    count = f"{seconds / size:g}"
    return f"{count} {unit}{'s' * (count != '1')}"


def _settings(survey: Survey) -> Iterator[tuple[str, object, str]]:
    """Yield (key, value, where it came from) of every setting that somebody gave."""
    settings = survey.needs.settings
    for name, origin in sorted(settings.origins.items()):
        value = getattr(settings, name)
        yield key_of(name), _plain(value), origin


def _plain(value: object) -> object:
    """Return a value as JSON has it, without secrets; what is made of fields without those that say nothing."""
    if isinstance(value, Value):
        return {name: _plain(item) for name in names_of(type(value)) if (item := getattr(value, name))}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int | float | None) else mask_credentials(str(value))


def _why(survey: Survey) -> str:
    """Return why this interpreter was chosen, as the end of a sentence."""
    needs, own = survey.needs, Surroundings.here().own
    satisfies = needs.requires_python is not None
    if needs.settings.python is not None:
        origin = needs.settings.origins.get("python", "--python")
        return f"asked for by {origin} ({needs.settings.python})" + " and requires-python" * satisfies
    if own and os.path.realpath(own) == os.path.realpath(survey.interpreter.executable):
        return "the one that pyscript runs on" + "; it satisfies requires-python" * satisfies
    if satisfies:
        return "the newest here that satisfies requires-python; the one that pyscript runs on does not"
    return "the newest here"


def _resolution(survey: Survey) -> str:
    if survey.resolution is None:
        return "none yet; the next launch makes one"
    packages = output.counted(len(survey.resolution.pins), "package")
    return f"{packages}, resolved {_ago(survey.resolved_at or 0)} and remembered"


def _bundle_as_json(bundle: Bundle | None) -> Mapping[str, object] | None:
    if bundle is None:
        return None
    return {
        "script": bundle.script_name,
        "digest": bundle.digest,
        "runs_on": bundle.manifest.runs_on,
        "packages": [
            {"name": wheel.name, "version": wheel.version, "file": wheel.file.file, "sha256": wheel.file.sha256}
            for wheel in bundle.manifest.wheels
        ],
    }


def _bundle(bundle: Bundle) -> _Lines:
    """Return what a bundle has in it: the script, its packages, and where it runs."""
    manifest = bundle.manifest
    packages = [(f"{wheel.name} {wheel.version}", wheel.file.file.rpartition("/")[2]) for wheel in manifest.wheels]
    size = megabytes(os.path.getsize(bundle.path))
    return [(f"of {bundle.script_name}", size), *packages, (f"runs on {manifest.runs_on}", "")]


def _lock(lock: LockState, survey: Survey) -> _Lines:
    lines = [(lock.label, f"made by {lock.made_by}")]
    if lock.outdated is None:
        return [*lines, ("up to date", "")]
    insisting = survey.needs.lock.insisting if survey.needs.lock else None
    then = {"frozen": "used as it is", "locked": "an error"}.get(insisting or "", "the next launch locks again")
    return [*lines, (f"outdated: {lock.outdated.partition(' is outdated: ')[2].rstrip('.')}", then)]


def _ago(moment: int) -> str:
    """Return how long ago a moment was, in the largest unit that fits."""
    elapsed = time.time() - moment
    for seconds, unit in _UNITS[:-1]:
        if elapsed >= seconds:
            return f"{output.counted(int(elapsed // seconds), unit)} ago"
    return "just now"


def _environment(facts: Facts) -> _Lines:
    environment = facts.survey.environment
    if environment is None:
        return [("none yet; the next launch makes one", "")]
    own, shared = megabytes(environment_size(environment)), megabytes(_shared_bytes(facts))
    return [(str(environment.path), ""), (f"{own} of its own, {shared} in the wheel store", "")]


def _shared_bytes(facts: Facts) -> int:
    return sum(size.size_bytes or 0 for size in package_sizes(facts.survey, facts.cache).values() if size.is_stored)
