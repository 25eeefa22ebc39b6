"""What a bundle says of itself: its script, its wheels and where they run. Pure; the file is ``bundle.json`` in it.

The bundle's own bootstrap reads it too, on Pythons that know nothing of this package.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from launcher.value import Value

MANIFEST_FILE = "bundle.json"
LOCK_FILE = "pylock.toml"
FORMAT = 1
_DIGEST_LENGTH = 32


Version = tuple[int, ...]


class BundledFile(Value):
    """A file in the bundle, by its name there, with the sha256 and the size it must have."""

    file: str
    sha256: str
    size_bytes: int


class BundledWheel(Value):
    """A wheel in the bundle, and the canonical name and version of what is in it."""

    file: BundledFile
    name: str
    version: str


class BundleTarget(Value):
    """Some interpreters that the bundle runs on, and which of its wheels they get, by number.

    `pythons` holds the oldest release of each series; with `is_open` those that are newer than all of them will do as
    well. `implementation` (``cpython``), `free_threaded`, `system` (``linux``, ``darwin``, ``win32``) and `machine`
    (``x86_64``, ``aarch64``) are None where they do not matter. `libc` is the oldest C library or macOS, with its name
    in front, or empty.
    """

    pythons: tuple[Version, ...]
    is_open: bool
    implementation: str | None
    free_threaded: bool | None
    system: str | None
    machine: str | None
    libc: tuple[str | int, ...]
    wheels: tuple[int, ...]


class BundleManifest(Value):
    """Everything that a bundle says of itself; `runs_on` says it to people, `bootstrap` is the hash of its code."""

    script: BundledFile
    wheels: tuple[BundledWheel, ...]
    targets: tuple[BundleTarget, ...]
    requires_python: str
    runs_on: str
    lock_sha256: str
    bootstrap: str

    def to_bytes(self) -> bytes:
        """Return the content of the file."""
        content = {
            "format": FORMAT,
            "runs-on": self.runs_on,
            "requires-python": self.requires_python,
            "script": _file_row(self.script),
            "lock": {"file": LOCK_FILE, "sha256": self.lock_sha256},
            "bootstrap": self.bootstrap,
            "targets": [_target_row(target) for target in self.targets],
            "wheels": [{**_file_row(each.file), "name": each.name, "version": each.version} for each in self.wheels],
        }
        return (json.dumps(content, indent=1, ensure_ascii=True) + "\n").encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> BundleManifest:
        """Read what `to_bytes` wrote; raises `ValueError`, with a clause that says why, for anything else."""
        try:
            table = json.loads(content)
            version = table["format"]
            if version != FORMAT:
                raise ValueError(f"its format is {version!r}, and only {FORMAT} is known: update pyscript")
            wheels = tuple(
                BundledWheel(_read_file(row), _text(row["name"]), _text(row["version"])) for row in table["wheels"]
            )
            return cls(
                script=_read_file(table["script"]),
                wheels=wheels,
                targets=tuple(_read_target(row, len(wheels)) for row in table["targets"]),
                requires_python=_text(table["requires-python"]),
                runs_on=_text(table["runs-on"]),
                lock_sha256=_text(table["lock"]["sha256"]),
                bootstrap=_text(table["bootstrap"]),
            )
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"{MANIFEST_FILE} in it is not what it should be") from error


def digest_of_manifest(content: bytes) -> str:
    """Return the name of a bundle in the cache: everything in it is named by a hash in its manifest."""
    return sha256(content).hexdigest()[:_DIGEST_LENGTH]


def _file_row(file: BundledFile) -> dict[str, object]:
    return {"file": file.file, "sha256": file.sha256, "size": file.size_bytes}


def _target_row(target: BundleTarget) -> dict[str, object]:
    return {
        "pythons": target.pythons,
        "newer": target.is_open,
        "implementation": target.implementation,
        "free-threaded": target.free_threaded,
        "system": target.system,
        "machine": target.machine,
        "libc": target.libc,
        "wheels": target.wheels,
    }


def _read_file(row: Mapping[str, Any]) -> BundledFile:
    folder, _, name = _text(row["file"]).partition("/")
    if folder not in ("script", "wheels") or not name or set(name) & set("/\\:\0") or name in (".", ".."):
        raise ValueError(f"the file name {row['file']!r} in it is not allowed")
    size = row["size"]
    if not isinstance(size, int) or size < 0:
        raise TypeError(size)
    return BundledFile(row["file"], _text(row["sha256"]), size)


def _read_target(row: Mapping[str, Any], count: int) -> BundleTarget:
    wheels = _numbers(row["wheels"])
    if any(number >= count for number in wheels):
        raise ValueError("it names a wheel that it does not have")
    libc = row["libc"]
    return BundleTarget(
        pythons=tuple(_numbers(version) for version in row["pythons"]),
        is_open=bool(row["newer"]),
        implementation=_text_or_none(row["implementation"]),
        free_threaded=None if row["free-threaded"] is None else bool(row["free-threaded"]),
        system=_text_or_none(row["system"]),
        machine=_text_or_none(row["machine"]),
        libc=(_text(libc[0]), *_numbers(libc[1:])) if libc else (),
        wheels=wheels,
    )


def _numbers(values: Sequence[object]) -> tuple[int, ...]:
    if not all(isinstance(each, int) and each >= 0 for each in values):
        raise TypeError(values)
    return tuple(values)  # type: ignore[arg-type]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)
