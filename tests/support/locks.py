"""Locks as other tools write them (PEP 751), of files that a test serves or has on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

_HEAD = {"lock-version": "1.0", "created-by": "somebody"}


class FileLike(Protocol):
    """What a lock says of a file: `tests.support.wheels.Wheel` and `tests.support.sdists.Sdist` are such."""

    @property
    def filename(self) -> str: ...
    @property
    def content(self) -> bytes: ...


def entry(file: FileLike, origin: str = "", **fields: object) -> dict[str, object]:
    """Return the table of one file: below `origin` as the index server has it, or beside the lock without one.

    `fields` replace what is true of it; None takes a key away.
    """
    place = {"url": f"{origin}/files/{file.filename}"} if origin else {"path": file.filename}
    hashes = {"sha256": hashlib.sha256(file.content).hexdigest()}
    found = {"name": file.filename, **place, "size": len(file.content), "hashes": hashes, **fields}
    return {key: value for key, value in found.items() if value is not None}


def package(name: str, version: str | None = "1.0", **fields: object) -> dict[str, object]:
    """Return the table of a package; `fields` have ``_`` for ``-``."""
    found = {"name": name, "version": version, **{key.replace("_", "-"): value for key, value in fields.items()}}
    return {key: value for key, value in found.items() if value is not None}


def of_wheels(wheels: Iterable[Any], origin: str = "") -> list[dict[str, object]]:
    """Return the packages of these wheels, those of one project and version together."""
    found: dict[tuple[str, str], list[dict[str, object]]] = {}
    for wheel in wheels:
        found.setdefault((wheel.name, wheel.version), []).append(entry(wheel, origin))
    return [package(name, version, wheels=files) for (name, version), files in found.items()]


def text_of(packages: Iterable[Mapping[str, object]] = (), **fields: object) -> str:
    """Return the lock of these packages; `fields` are those of the lock itself, with ``_`` for ``-``."""
    head = _HEAD | {key.replace("_", "-"): value for key, value in fields.items()}
    tables = {key: value for key, value in head.items() if isinstance(value, dict)}
    lines = [f"{key} = {_inline(value)}" for key, value in head.items() if key not in tables]
    packages = list(packages)
    lines += [] if packages else ["packages = []"]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {_inline(value)}" for key, value in table.items())]
    for each in packages:
        lines += ["", "[[packages]]", *(f"{key} = {_inline(value)}" for key, value in each.items())]
    return "\n".join(lines) + "\n"


def embedded(text: str) -> str:
    """Return a lock as a block of a script."""
    return "# /// pylock\n" + "".join(f"# {line}".rstrip() + "\n" for line in text.splitlines()) + "# ///\n"


def _inline(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", '"') + "'"
