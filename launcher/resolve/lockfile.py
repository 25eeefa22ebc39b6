"""Locks as files: PEP 751 in both directions (pure). What is in one is `packaging.pylock`'s to know and to judge."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import tomli
from packaging.pylock import Package, Pylock, PylockUnsupportedVersionError, PylockValidationError

from launcher.errors import InvalidMetadata
from launcher.value import Value

REFERENCE = "PEP 751, pylock.toml"

_TABLE = "pyscript"
_ONE_BELOW_ANOTHER = ("environments", "wheels", "dependencies", "requirements")
"""Arrays whose members stand on lines of their own: files always, others where one line is too short for them."""
_ALWAYS_LISTED = ("environments", "wheels")
_WIDEST = 120
_OF_A_FILE = ("name", "url", "path")
"""What a reader looks for first in what is said of a file."""

_T = TypeVar("_T")


class LockTerms(Value):
    """What a lock was made for: the block's requirements as they are written, its range, and a digest of settings.

    Where any of the three is another now, the lock is outdated.
    """

    requirements: tuple[str, ...]
    requires_python: str | None
    settings: str


@dataclass(frozen=True, slots=True)
class Lock:
    """A valid lock. `heading` are the comment lines above it; `terms` are None where somebody else's tool made it.

    `platforms` are those that it was asked to serve, ``here`` standing for the machine and the interpreter that it was
    made on; empty for the default ones.
    """

    content: Pylock
    heading: tuple[str, ...] = ()
    terms: LockTerms | None = None
    platforms: tuple[str, ...] = ()

    def packages_for(self, markers: Mapping[str, str]) -> list[Package]:
        """Return the packages that an interpreter with these markers gets: those of the default groups, no extras.

        Whether the lock is meant for it, `requires-python` and `environments` say.
        """
        groups = frozenset(self.content.default_groups or ())
        environment: Any = {**markers, "extras": frozenset(), "dependency_groups": groups}
        return [
            package
            for package in self.content.packages
            if package.marker is None or package.marker.evaluate(environment, context="lock_file")
        ]

    def says_the_same(self, other: Lock) -> bool:
        """Tell whether both fix the same for the same, however they are written."""
        ours, theirs = (
            (dict(each.content.to_dict()) | {"tool": None}, each.terms, each.platforms) for each in (self, other)
        )
        return ours == theirs

    @property
    def served(self) -> str:
        """What it is for, in words: the Pythons and the platforms."""
        python = f"Python {self.content.requires_python}" if self.content.requires_python else "any Python"
        count = len(self.content.environments or ())
        return f"{python} on {count} platforms" if count > 1 else f"{python} on this platform"

    def to_text(self) -> str:
        """Return the file: the same text for the same lock, ending in a newline."""
        table = dict(self.content.to_dict())
        packages, tools = table.pop("packages"), dict(table.pop("tool", {}))
        if self.terms is not None:
            tools[_TABLE] = _without_none(
                {
                    "requirements": list(self.terms.requirements),
                    "requires-python": self.terms.requires_python,
                    "settings": self.terms.settings,
                    "platforms": list(self.platforms) or None,
                }
            )
        if not packages:
            table["packages"] = []  # a list of tables cannot be written empty, and the key is required
        lines = [*self.heading, *_table_lines(table)]
        for name, content in tools.items():
            lines += ["", f"[tool.{_key(name)}]", *_table_lines(content)]
        for package in packages:
            lines += ["", "[[packages]]", *_table_lines(package)]
        return "\n".join(lines) + "\n"


def read_lock(content: bytes, path: str) -> Lock:
    """Return a lock from the bytes of its file, whichever tool made it; `path` is what messages call the file.

    Raises `InvalidMetadata` for what is no lock by PEP 751.
    """
    try:
        text = content.decode("utf-8-sig")
        table = tomli.loads(text)
    except (UnicodeDecodeError, tomli.TOMLDecodeError, RecursionError) as error:
        raise _invalid(path, f"it is not TOML: {error}") from error
    pylock = validated_lock(table, path)
    ours = (pylock.tool or {}).get(_TABLE)
    platforms = _texts(ours.get("platforms", [])) if isinstance(ours, Mapping) else None
    return Lock(pylock, _heading_of(text), _terms_in(ours), platforms or ())


def validated_lock(table: Mapping[str, object], path: str) -> Pylock:
    """Return what a parsed lock says; raises `InvalidMetadata` for what is none by PEP 751."""
    try:
        return Pylock.from_dict(table)
    except PylockUnsupportedVersionError as error:
        raise InvalidMetadata(
            f"{path} has a format that is newer than pyscript: {error}.", hint="Update pyscript.", reference=REFERENCE
        ) from error
    except PylockValidationError as error:
        raise _invalid(path, str(error)) from error


def _invalid(path: str, problem: str) -> InvalidMetadata:
    return InvalidMetadata(f"{path} is no valid lock: {problem}.", hint="Lock again.", reference=REFERENCE)


def _heading_of(text: str) -> tuple[str, ...]:
    lines = text.splitlines()
    count = next((at for at, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return tuple(lines[:count])


def _terms_in(table: object) -> LockTerms | None:
    """Return the terms in our table; None for anything else, such as what a later version may write there."""
    if not isinstance(table, Mapping):
        return None
    requirements, requires_python, settings = (
        table.get(key) for key in ("requirements", "requires-python", "settings")
    )
    texts = _texts(requirements)
    if texts is None or not isinstance(settings, str) or not isinstance(requires_python, str | None):
        return None
    return LockTerms(texts, requires_python, settings)


def _texts(value: object) -> tuple[str, ...] | None:
    is_list_of_texts = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return tuple(value) if is_list_of_texts else None  # type: ignore[arg-type]


def _without_none(table: Mapping[str, _T | None]) -> dict[str, _T]:
    return {key: value for key, value in table.items() if value is not None}


# TOML


def _table_lines(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield a table's keys and values, the lists of files and the like one below another."""
    for key, value in table.items():
        is_listed = key in _ONE_BELOW_ANOTHER and isinstance(value, Sequence) and value
        line = f"{_key(key)} = {_inline(value)}"
        if is_listed and (len(line) > _WIDEST or key in _ALWAYS_LISTED):
            yield f"{_key(key)} = ["
            yield from (f"    {_inline(each)}," for each in value)
            yield "]"
        else:
            yield line


def _inline(value: Any) -> str:
    """Return a TOML value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        ordered = sorted(value.items(), key=lambda item: item[0] not in _OF_A_FILE)
        members = ", ".join(f"{_key(key)} = {_inline(each)}" for key, each in ordered)
        return f"{{ {members} }}" if members else "{}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(_inline, value))}]"
    return _quoted(str(value))


def _key(name: str) -> str:
    is_bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if is_bare else _quoted(name)


def _quoted(text: str) -> str:
    if ('"' in text or "\\" in text) and "'" not in text and text.isprintable():
        return f"'{text}'"  # markers have quotes, and read better without backslashes
    # JSON's escapes are TOML's; of the control characters it leaves one out.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
