"""Which files decide what is built of a directory, and the stamps by which a change of them is seen.

It imports little: launches with everything in the cache look here too. Where a project is used in place, only the files
that describe it decide; else all of its files do, but for those that building and running leave behind.
"""

from __future__ import annotations

import os
import re
from urllib.parse import unquote

from launcher.digest import digest_of
from launcher.launch.record import stamp_of

DESCRIPTION_FILES = ("pyproject.toml", "setup.py", "setup.cfg")
_MADE_BY_BUILDS = frozenset({"__pycache__", "node_modules", ".eggs", ".nox", ".tox", ".venv"})
_OUTPUTS = frozenset({"build", "dist"})
_NO_SOURCES = ("pyvenv.cfg", "CACHEDIR.TAG")
"""Files by which a virtual environment and a cache (of a type checker, of Rust, our own) can be told."""
_MOST_FILES = 10_000
"""Beyond it (4 ms for each thousand) only the files that describe the project decide."""


def local_path(requirement: str) -> str | None:
    """Return the path on this machine that a requirement names, as an absolute path or by a file URL, or None.

    A repository on this machine is none: what a branch of it stands for is only looked up when asked for.

    >>> local_path("demo @ file:///srv/a%20b ; python_version > '3'")
    '/srv/a b'
    """
    text = requirement.partition(" ;")[0].strip()
    # Of a file URL, two of the three slashes may be left out, and the host may be this one.
    if "file:" in text and (found := re.search(r"(?:^|[@\s])file:(?://(?:localhost)?)?(?=/)", text)):
        return unquote(text[found.end() :].partition("#")[0].partition(" ")[0])
    if not os.path.isabs(text):
        return None
    return text.partition("[")[0].rstrip() if text.endswith("]") and not os.path.exists(text) else text


def watched_paths(path: str, *, is_editable: bool) -> list[str]:
    """Return every file and directory whose change lets what is built of a path be different."""
    files, directories = _files_of(path, is_editable)
    return [*files, *directories]


def fingerprint(path: str, *, is_editable: bool) -> str:
    """Return a text that changes with the names, times and sizes of the files that decide.

    The times of directories do not count: building leaves files there, which changes nothing that is built of them.
    Where the files that describe a project decide alone, it is by their content: backends that build in place rewrite
    some.
    """
    files, directories = _files_of(path, is_editable)
    if not directories and os.path.isdir(path):
        return digest_of(repr([_content_of(file) for file in files]))
    rows = [(os.path.relpath(file, path), stamp_of(file)) for file in files]
    return digest_of(repr(rows))


def is_left_behind(path: str, name: str, *, is_top: bool) -> bool:
    """Tell of a directory of a project, at its top or deeper, that builds, tests or people's tools left it behind.

    ``build`` and ``dist`` are names of packages too, so they count where they are at the top and hold no module.
    """
    if name in _MADE_BY_BUILDS or name.endswith(".egg-info"):
        return True
    if is_top and name in _OUTPUTS:
        return not any(each.endswith(".py") for each in _names_in(path))
    return any(os.path.exists(os.path.join(path, each)) for each in _NO_SOURCES)


def _names_in(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def _content_of(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return None


def _files_of(path: str, is_editable: bool) -> tuple[list[str], list[str]]:
    """Return the files that decide, and the directories in which others could appear; a file decides alone."""
    if not os.path.isdir(path):
        return [path], []
    described_by = [os.path.join(path, name) for name in DESCRIPTION_FILES]
    if is_editable:
        return described_by, []
    files: list[str] = []
    directories: list[str] = []
    for directory, names, file_names in os.walk(path):
        names[:] = sorted(name for name in names if _decides(os.path.join(directory, name), name, directory == path))
        directories.append(directory)
        files += [os.path.join(directory, name) for name in sorted(file_names) if not name.endswith((".pyc", "~"))]
        if len(files) > _MOST_FILES:
            return described_by, []
    return files, directories


def _decides(path: str, name: str, is_top: bool) -> bool:
    return not (name.startswith(".") or is_left_behind(path, name, is_top=is_top))
