"""Environments of installed commands, which stay however long nobody calls the command.

What a command is, `launcher.share.commands` writes and reads; here it only counts how its script is launched.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from launcher.cache import Cache
from launcher.errors import UsageError
from launcher.launch import record as records
from launcher.python.places import data_directory

COMMANDS = "commands"
DESCRIPTION = "command.json"
"""Describes an installed command, in ``commands/<name>/<generation>/`` of the data directory."""


def commands_directory(environ: Mapping[str, str]) -> Path | None:
    """Return where installed commands are kept; None, or raises, as `data_directory` does."""
    data = data_directory(environ, sys.platform)
    return data / COMMANDS if data else None


def descriptions(root: Path) -> Iterator[Path]:
    """Yield the file that describes a command, for each in the directory `root` and each of its generations."""
    yield from sorted(root.glob(f"*/[!.]*/{DESCRIPTION}"))


def environments_of_commands(cache: Cache, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the names of the environments that installed commands were prepared with, and that they last ran in."""
    try:
        root = commands_directory(environ)
    except UsageError:
        return
    for path in descriptions(root) if root else ():
        # What is damaged launches nothing.
        with suppress(OSError, ValueError, KeyError, TypeError):
            described = json.loads(path.read_bytes())
            yield str(described["environment"])
            if record := record_of(cache, (*map(str, described["words"]), str(described["script"]))):
                yield os.path.basename(record.environment)


def record_of(cache: Cache, tokens: tuple[str, ...]) -> records.LaunchRecord | None:
    """Return the record of a launch that means the same in every directory, None where there is none."""
    path = records.record_path(str(cache.root), tokens, records.ANYWHERE)
    return records.read(path) if path else None
