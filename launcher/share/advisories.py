"""What an index knows of one release beside its files: vulnerabilities, and whether it was withdrawn. Pure.

PyPI has it as JSON at ``/pypi/<name>/<version>/json``, beside the simple API, and so have some that copy it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from packaging.version import InvalidVersion, Version

from launcher.value import replace

_SIMPLE = ("simple", "+simple")
_LONGEST_SUMMARY = 160


@dataclass(frozen=True, slots=True)
class Advisory:
    """A known vulnerability of a release, by all the names that it has; `summary` is one line and may be empty.

    `fixed_in` are versions without it, oldest first.
    """

    id: str
    aliases: tuple[str, ...] = ()
    summary: str = ""
    fixed_in: tuple[str, ...] = ()
    url: str = ""

    @property
    def names(self) -> frozenset[str]:
        """All its names in capitals, to compare with what a person writes."""
        return frozenset(name.upper() for name in (self.id, *self.aliases))


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """What an index says of a release; `yanked` is the reason, maybe empty, or None where it is not yanked."""

    advisories: tuple[Advisory, ...] = ()
    yanked: str | None = None


def facts_url(index_url: str, name: str, version: str) -> str:
    """Return where an index has what it knows of a release: its simple API's neighbour.

    >>> facts_url("https://host/root/simple/", "demo", "1.0+cpu")
    'https://host/root/pypi/demo/1.0%2Bcpu/json'
    """
    base = index_url.partition("?")[0].rstrip("/")
    parent, _, last = base.rpartition("/")
    root = parent if last in _SIMPLE else base
    return f"{root}/pypi/{quote(name, safe='')}/{quote(version, safe='')}/json"


def essence(content: bytes) -> bytes:
    """Return of a document what `read_facts` reads, which is a hundredth of it; raises `ValueError` as that does."""
    document = _document(content)
    info = {key: document["info"].get(key) for key in ("version", "yanked", "yanked_reason")}
    return json.dumps({"info": info, "vulnerabilities": document["vulnerabilities"]}).encode()


def read_facts(content: bytes, version: str) -> ReleaseFacts:
    """Return what a document says; raises `ValueError` that says why it is not what this API has."""
    document = _document(content)
    info, rows = document["info"], document["vulnerabilities"]
    stated = info.get("version")
    if not isinstance(stated, str) or not _is_same(stated, version):
        raise ValueError(f"it is about version {stated}, and not about {version}")
    found = [_advisory(row) for row in rows if isinstance(row, dict) and not row.get("withdrawn")]
    reason = info.get("yanked_reason")
    return ReleaseFacts(_merged(found), (reason if isinstance(reason, str) else "") if info.get("yanked") else None)


def version_without(version: str, advisories: Iterable[Advisory]) -> str | None:
    """Return the oldest newer version that has none of these vulnerabilities, as far as it is told; else None.

    A vulnerability is often mended in several series: what is newer than the fix of one may be older than that of the
    next, and then says nothing.
    """
    fixes = [_newer(advisory.fixed_in, version) for advisory in advisories]
    for candidate in _ordered({fix for each in fixes for fix in each}):
        if all(each and (candidate in each or Version(candidate) > Version(each[-1])) for each in fixes):
            return candidate
    return None


def _document(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not JSON: {error}") from error
    is_document = isinstance(document, dict) and isinstance(document.get("info"), dict)
    if not is_document or not isinstance(document.get("vulnerabilities"), list):
        raise ValueError("it says nothing of vulnerabilities")
    return dict(document)


def _newer(versions: Sequence[str], version: str) -> list[str]:
    return [each for each in versions if Version(each) > Version(version)]


def _ordered(versions: Iterable[str]) -> tuple[str, ...]:
    """Return versions from the oldest to the newest; of two ways of writing one, the shorter."""
    by_version = {Version(text): text for text in sorted(versions, key=len, reverse=True)}
    return tuple(by_version[version] for version in sorted(by_version))


def _advisory(row: Mapping[str, Any]) -> Advisory:
    fixed_in = {str(Version(text)) for text in _texts(row.get("fixed_in")) if _is_version(text)}
    url = row.get("link")
    return Advisory(
        id=str(row.get("id") or "an advisory without a name"),
        aliases=tuple(dict.fromkeys(_texts(row.get("aliases")))),
        summary=_summary(row),
        fixed_in=_ordered(fixed_in),
        url=url if isinstance(url, str) and re.match(r"https?://", url) else "",
    )


def _merged(advisories: Sequence[Advisory]) -> tuple[Advisory, ...]:
    """Return each vulnerability once: PyPI's own and GitHub's database both have most, and name each other."""
    merged: list[Advisory] = []
    for each in advisories:
        same = [known for known in merged if known.names & each.names]
        for known in same:
            names = dict.fromkeys((*known.aliases, each.id, *each.aliases))
            fixed_in = _ordered({*known.fixed_in, *each.fixed_in})
            aliases = tuple(name for name in names if name != known.id)
            each = replace(known, aliases=aliases, summary=known.summary or each.summary, fixed_in=fixed_in)
            merged.remove(known)
        merged.append(each)
    return tuple(merged)


def _summary(row: Mapping[str, Any]) -> str:
    """Return what it is about on one line: its title, else how its description begins."""
    for text in (row.get("summary"), row.get("details")):
        lines = text.splitlines() if isinstance(text, str) else []
        for line in (line.strip() for line in lines):
            if line and not line.startswith("#"):
                plain = " ".join(line.split())
                return plain if len(plain) <= _LONGEST_SUMMARY else plain[: _LONGEST_SUMMARY - 1].rstrip() + "…"
    return ""


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _is_same(first: str, second: str) -> bool:
    return _is_version(first) and Version(first) == Version(second)


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True
