"""The workspace file by which VS Code opens a script with its environment selected.

It lies in the cache and nothing is written beside the script. The interpreter in it has a path that stays: a link leads
from there to the environment, and each ``pyscript edit`` lets it lead to the one that the block asks for then.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from launcher.cache import Bucket, Cache
from launcher.digest import digest_of
from launcher.environment.environment import Environment

LINK = "environment"


def write_workspace(script: str, environment: Environment, cache: Cache) -> Path:
    """Return the path of the script's workspace file, written where there is none; raises `CacheUnusable`.

    One that is there and names the interpreter stays: the person may have set more in it.
    """
    absolute = os.path.abspath(script)
    directory = cache.directory(Bucket.WORKSPACES) / digest_of(absolute, 16)
    path = directory / f"{Path(absolute).stem}.code-workspace"
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    python = _linked(environment, directory)
    try:
        is_written = json.dumps(python) in path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        is_written = False
    if not is_written:
        cache.write_file(path, _content(absolute, python).encode())
    return path


def _linked(environment: Environment, directory: Path) -> str:
    """Let the link lead to the environment and return the interpreter's path by it, or its own where links fail."""
    link, new = directory / LINK, directory / f"{LINK}-{os.getpid()}"
    try:
        with suppress(FileNotFoundError):
            new.unlink()
        new.symlink_to(environment.path, target_is_directory=True)
        new.replace(link)
    except OSError:
        return str(environment.python)
    return str(link / environment.python.relative_to(environment.path))


def _content(script: str, python: str) -> str:
    name = os.path.basename(script)
    launch = {
        "name": name,
        "type": "debugpy",
        "request": "launch",
        "program": script,
        "python": python,
        "console": "integratedTerminal",
    }
    content = {
        "folders": [{"path": os.path.dirname(script)}],
        "settings": {"python.defaultInterpreterPath": python},
        "launch": {"version": "0.2.0", "configurations": [launch]},
    }
    return json.dumps(content, indent=2) + "\n"
