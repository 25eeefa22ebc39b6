"""``[tool.uv]`` read as ``[tool.pyscript]``, for scripts that were written for uv and say nothing to pyscript. Pure.

The keys that scripts in the wild really use have a setting of ours; the others are named, with ``-v``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_SAME = (
    *("index-url", "extra-index-url", "find-links", "no-index", "resolution"),
    *("exclude-newer", "exclude-newer-package", "no-build", "no-build-package", "no-binary", "no-binary-package"),
)
_BY_ANOTHER_NAME = {"constraint-dependencies": "constraint", "override-dependencies": "override"}
# Where a specifier names a pre-release, if-necessary takes it too.
_PRERELEASES = {"if-necessary-or-explicit": "if-necessary", "explicit": "if-necessary"}
_SOURCE_KEYS = ("index", "git", "rev", "tag", "branch", "url", "path", "editable", "subdirectory", "marker")
_INDEX_KEYS = ("name", "url", "explicit")


@dataclass(frozen=True, slots=True)
class UvTable:
    """What a ``[tool.uv]`` table says in keys of ``[tool.pyscript]``; `ignored` are its keys that have no effect."""

    values: Mapping[str, object]
    warnings: tuple[str, ...]
    ignored: tuple[str, ...]


def read_uv_table(table: Mapping[str, object]) -> UvTable:
    """Translate the table; a value of a wrong type is handed on, for the settings to complain about."""
    values = {key: table[key] for key in _SAME if key in table}
    values |= {ours: table[key] for key, ours in _BY_ANOTHER_NAME.items() if key in table}
    warnings = []
    if "prerelease" in table:
        values["prerelease"] = _PRERELEASES.get(str(table["prerelease"]), table["prerelease"])
    if "index" in table:
        _add_indexes(values, table["index"])
    if "sources" in table:
        values["sources"], left_out = _sources(table["sources"])
        warnings += [
            f"[tool.uv.sources] takes {name} from a workspace, which a script has not: the indexes are asked for it."
            for name in left_out
        ]
    if table.get("index-strategy", "first-index") != "first-index":
        warnings.append(
            f"index-strategy = {table['index-strategy']!r} in [tool.uv] has no effect: a name is taken from the first "
            "index that has it. Name the index of a package in [tool.uv.sources]."
        )
    known = {*values, *_BY_ANOTHER_NAME, "index-strategy"}
    return UvTable(values, tuple(warnings), tuple(key for key in table if key not in known))


def _add_indexes(values: dict[str, object], rows: object) -> None:
    """Put uv's ``[[index]]`` where ours has it: the default one is `index-url`, a flat one is find-links."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        values["index"] = rows
        return
    kept = values["index"] = []
    for position, row in enumerate(rows, start=1):
        named = {"name": f"index-{position}", **{key: row[key] for key in _INDEX_KEYS if key in row}}
        if row.get("format") == "flat":
            links = values.get("find-links", [])
            values["find-links"] = [*(links if isinstance(links, list) else [links]), row.get("url")]
        elif row.get("default"):
            values.setdefault("index-url", row.get("url"))
            # Asked last, as the default index is; but a source may name it.
            kept.append({**named, "explicit": True})
        else:
            kept.append(named)


def _sources(table: object) -> tuple[object, list[str]]:
    """Return the sources without keys that only uv knows, and the names of those that say nothing without them."""
    if not isinstance(table, dict):
        return table, []
    kept: dict[str, object] = {}
    left_out = []
    for name, rows in table.items():
        several = rows if isinstance(rows, list) else [rows]
        if any(isinstance(row, dict) and row.get("workspace") for row in several):
            left_out.append(name)
            continue
        ours = [_known_keys(row) for row in several]
        kept[name] = ours if isinstance(rows, list) else ours[0]
    return kept, left_out


def _known_keys(row: object) -> object:
    return {key: row[key] for key in _SOURCE_KEYS if key in row} if isinstance(row, dict) else row
