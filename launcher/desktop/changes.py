"""What a registration consists of, as data: places, what is wanted in them, and what is generated from that.

A plan says what is to be in which place; nothing here reads or writes one. What was there before is in the journal.
"""

from __future__ import annotations

import json
from enum import StrEnum

from launcher.value import Value

MARK = "Made by pyscript desktop install; pyscript desktop uninstall removes it."
"""Stands in every file that is wholly ours, so that it is known for ours even where the journal was lost."""

SCRIPT_TYPE = "text/x-pep723-script"
"""The MIME type of scripts with a block."""

HKCU, HKLM = "HKEY_CURRENT_USER", "HKEY_LOCAL_MACHINE"


class Kind(StrEnum):
    """What a place is: a file of ours, a file that many programs write their lines into, or a value in the registry."""

    FILE = "file"
    SHARED = "shared file"
    REGISTRY = "registry"


class Place(Value):
    r"""Where something can be: a file by its absolute path, or a registry value by the path of its key and its name.

    >>> str(Place(Kind.REGISTRY, "HKEY_CURRENT_USER\\Software\\x", ""))
    'HKEY_CURRENT_USER\\Software\\x (Default)'
    """

    kind: Kind
    path: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.path} {self.name or '(Default)'}" if self.kind is Kind.REGISTRY else self.path


class Wanted(Value):
    """What is to be in a place: the content of a file, a registry value as `encoded` makes it, or what is claimed.

    Of a shared file nothing but `claimed` is ours: MIME types for which `application` comes first.
    """

    place: Place
    content: bytes = b""
    is_executable: bool = False
    application: str = ""
    claimed: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """What a person should know of the content: the claims of a shared file, the text of a registry value."""
        if self.place.kind is Kind.SHARED:
            return tuple(f"{each}={self.application}" for each in self.claimed)
        return (str(decoded(self.content)[1]),) if self.place.kind is Kind.REGISTRY else ()


class Database(Value):
    """Files that a program generates below `directory` from others there; `program` is called with the directory.

    `is_needed` where nothing works without it.
    """

    program: str
    directory: str
    is_needed: bool = False


class Plan(Value):
    """All that a registration is to be on one platform.

    `handler` is the program that files are given to; `opener` opens what has no block, by the platform's own name for
    an application. `refreshes` are commands that tell the system of the changes; they may fail.
    """

    platform: str
    handler: str
    is_for_all_python: bool
    wanted: tuple[Wanted, ...]
    databases: tuple[Database, ...] = ()
    refreshes: tuple[tuple[str, ...], ...] = ()
    opener: str = ""


REG_NONE, REG_SZ = 0, 1


def encoded(kind: int, data: object) -> bytes:
    """Return a registry value as bytes: its type as winreg numbers it, and what winreg gives as its data."""
    return json.dumps([kind, {"hex": data.hex()} if isinstance(data, bytes) else data]).encode()


def decoded(content: bytes) -> tuple[int, object]:
    """Return the type and the data of a registry value.

    >>> decoded(encoded(REG_SZ, "a")), decoded(encoded(REG_NONE, b"x"))
    ((1, 'a'), (0, b'x'))
    """
    kind, data = json.loads(content)
    return kind, bytes.fromhex(data["hex"]) if isinstance(data, dict) else data
