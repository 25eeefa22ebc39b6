"""The tables ``[[index]]`` and ``[sources]``: indexes with a name, and where one package comes from. Pure.

They stand in the block's ``[tool.pyscript]``, and `[[index]]` in ``config.toml`` as well. What is wrong leaves as
`ValueError` with what would have been right, what is wrong, and a word that stands at the place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from launcher.value import Value

_NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
_INDEX_FORM = 'a table such as { name = "company", url = "https://host/simple/" }'
_SOURCE_FORM = 'a table such as { index = "company" } or { git = "https://host/project.git", tag = "v1" }'
_KINDS = ("index", "git", "url", "path")
_REFERENCES = ("rev", "tag", "branch")
_KEYS = {
    "index": {"index", "marker"},
    "git": {"git", *_REFERENCES, "subdirectory", "marker"},
    "url": {"url", "subdirectory", "marker"},
    "path": {"path", "editable", "marker"},
}


class NamedIndex(Value):
    """An index; an explicit one is asked only for packages whose source it is. `name` is empty where it has none."""

    name: str
    url: str
    explicit: bool = False


class Source(Value):
    """Where a package comes from: the index of that name, or a URL or a path that stands for one version.

    `name` is canonical. `url` is what stands behind ``name @`` in a requirement. Exactly one of `index`, `url` and
    `path` is given; `marker` says for which environments the source counts.
    """

    name: str
    index: str | None = None
    url: str | None = None
    path: str | None = None
    editable: bool = False
    marker: str | None = None


def canonical_name(name: str) -> str:
    """Return a package's name as indexes spell it (PEP 503).

    >>> canonical_name("Zope.Interface")
    'zope-interface'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def read_indexes(value: object) -> tuple[NamedIndex, ...]:
    """Return the indexes of an array of tables, in their order."""
    if not isinstance(value, list):
        raise ValueError("[[index]] tables, each with a name and a url")
    found = tuple(_read_index(row) for row in value)
    names = [canonical_name(each.name) for each in found]
    for position, each in enumerate(found):
        if names[position] in names[:position]:
            raise ValueError("each index its own name", f"two indexes are called {each.name!r}", each.name)
    return found


def _read_index(row: object) -> NamedIndex:
    if not isinstance(row, Mapping):
        raise ValueError(_INDEX_FORM)
    name, url, explicit = row.get("name"), row.get("url"), row.get("explicit", False)
    if unknown := next((key for key in row if key not in {"name", "url", "explicit"}), None):
        raise ValueError("name, url and explicit, nothing else", f"an index has no key {unknown!r}", unknown)
    if not isinstance(name, str) or not re.fullmatch(_NAME, name):
        raise ValueError(_INDEX_FORM, f"{name!r} is not a name for an index", str(name))
    if not isinstance(url, str) or not url.strip():
        raise ValueError(_INDEX_FORM, f"the index {name!r} has no url", name)
    if not isinstance(explicit, bool):
        raise ValueError("true or false", f"{explicit!r} is not a valid value for explicit of the index {name!r}", name)
    return NamedIndex(name, url.strip(), explicit)


def join_indexes(script: Iterable[NamedIndex], config: Iterable[NamedIndex]) -> tuple[NamedIndex, ...]:
    """Return the script's indexes and those of the config file behind them.

    A script must not give a name of the config file to another place: credentials are given by name.
    """
    joined = {canonical_name(each.name) if each.name else each.url: each for each in script}
    for each in config:
        known = joined.setdefault(canonical_name(each.name), each)
        if known.url.rstrip("/") != each.url.rstrip("/"):
            raise ValueError(
                "the script's index another name", f"the config file has another index called {each.name!r}", known.name
            )
    return tuple(joined.values())


def require_known(sources: Iterable[Source], indexes: Iterable[NamedIndex]) -> None:
    """Raise `ValueError` where a source names an index that is not among `indexes`."""
    names = {canonical_name(each.name): each.name for each in indexes}
    for source in sources:
        if source.index is not None and canonical_name(source.index) not in names:
            known = ", ".join(names.values()) or "none so far"
            raise ValueError(
                f"an [[index]] table with that name and its url (there are: {known})",
                f"{source.name} is to come from {source.index!r}, and no index is called that",
                source.index,
            )


def read_sources(value: object) -> tuple[Source, ...]:
    """Return the sources of a table ``package = {…}``; a package may have a list of them, each with a marker."""
    if not isinstance(value, Mapping):
        raise ValueError(f"for each package {_SOURCE_FORM}")
    found = []
    for name, rows in value.items():
        if not re.fullmatch(_NAME, name):
            raise ValueError(f"for each package {_SOURCE_FORM}", f"{name!r} is not the name of a package", name)
        several = rows if isinstance(rows, list) else [rows]
        sources = [_read_source(name, row) for row in several]
        if len(sources) != 1 and not (sources and all(source.marker for source in sources)):
            raise ValueError("each of them a marker", f"{name} has several sources", name)
        found += sources
    return tuple(found)


def _read_source(name: str, row: object) -> Source:
    kinds = [kind for kind in _KINDS if isinstance(row, Mapping) and kind in row]
    if not isinstance(row, Mapping) or len(kinds) != 1:
        problem = f"the source of {name} names " + (" and ".join(kinds) if kinds else "no index, git, url or path")
        raise ValueError(_SOURCE_FORM, problem, name)
    kind = kinds[0]
    for key, text in row.items():
        if key not in _KEYS[kind]:
            allowed = ", ".join(sorted(_KEYS[kind]))
            raise ValueError(f"of these: {allowed}", f"the source of {name} has no key {key!r} beside {kind}", name)
        if not isinstance(text, bool if key == "editable" else str) or text == "":
            wanted = "true or false" if key == "editable" else "a text"
            raise ValueError(wanted, f"{text!r} is not a valid value for {key} of the source of {name}", name)
    references = [row[key] for key in _REFERENCES if key in row]
    if len(references) > 1:
        raise ValueError("one of rev, tag and branch", f"the source of {name} names several", name)
    return Source(
        canonical_name(name),
        index=row.get("index"),
        url=_url(kind, row, references),
        path=row.get("path"),
        editable=row.get("editable", False),
        marker=row.get("marker"),
    )


def _url(kind: str, row: Mapping[str, str], references: list[str]) -> str | None:
    if kind not in ("git", "url"):
        return None
    url = row[kind].strip()
    if kind == "git":
        url = (url if url.startswith("git+") else f"git+{url}") + "".join(f"@{each}" for each in references)
    if "subdirectory" in row:
        url += ("&" if "#" in url else "#") + f"subdirectory={row['subdirectory']}"
    return url
