"""Which files are looked at by ``--watch``: what a run reads that a person edits.

Modules are found by the ``import`` lines of files, without running or compiling any: a file that is being edited may be
broken, and may be written for a newer Python than ours.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from launcher.request import Needs, RunRequest, TargetKind
from launcher.resolve.project_files import local_path, watched_paths
from launcher.resolve.resolution import Requested, Resolution, watched_files

_IMPORT = r"^[ \t]*(?:from[ \t]+(\w+)|import[ \t]+([\w., \t]+))"
_SUFFIX = ".py"
_MOST_MODULES = 2_000


@dataclass(frozen=True, slots=True)
class Watched:
    """Files by absolute path, some of which may not be there yet, and folders in which any Python file counts."""

    files: frozenset[str]
    folders: frozenset[str] = frozenset()

    @property
    def directories(self) -> tuple[str, ...]:
        """The directories that have to be looked at, none of them with those below it."""
        found = {os.path.dirname(file) for file in self.files} | self.folders
        return tuple(sorted(directory for directory in found if os.path.isdir(directory)))

    def concerns(self, path: str) -> bool:
        """Tell whether a change of this file is one."""
        return path in self.files or (path.endswith(_SUFFIX) and os.path.dirname(path) in self.folders)

    def changed_since(self, time_ns: int, now_ns: int) -> list[str]:
        """Return the files that were written after a moment, but for those from the future."""
        times = {file: _modified_ns(file) for file in self.files}
        return sorted(file for file, modified in times.items() if time_ns < modified <= now_ns)


def watched_before(request: RunRequest) -> Watched:
    """Return what is read before anything is decided, so that an error in it can be mended."""
    script = request.script or (request.target if request.kind is TargetKind.SCRIPT else "")
    given = [script, *request.with_requirements, *(word for word in request.arguments if word.endswith(_SUFFIX))]
    files, folders = _with_modules(request, [file for file in given if file])
    if script:
        # The lock that may lie beside it.
        files.add(os.path.join(os.path.dirname(script), f"pylock.{Path(script).stem}.toml"))
    return _watched(files, folders, request.directory)


def watched_with(request: RunRequest, needs: Needs, resolution: Resolution) -> Watched:
    """Return what is read in all: also the env-files, and the projects of this machine among the packages."""
    before = watched_before(request)
    written: Sequence[Requested] = (*needs.requested, *needs.policy.overrides)
    files = {*needs.files, *needs.settings.env_file, *watched_files(written, resolution)}
    folders: set[str] = set()
    for each in written:
        if each.is_editable and (path := local_path(each.text)) and os.path.isdir(path):
            folders |= _folders_below(path)
    found = _watched(files, folders, request.directory)
    return Watched(before.files | found.files, before.folders | found.folders)


def _with_modules(request: RunRequest, scripts: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return scripts with the modules beside them that they import, and the folders of their packages."""
    files: set[str] = set()
    folders: set[str] = set()
    for script in scripts:
        if os.path.isdir(script):
            folders |= _folders_below(script)
        else:
            _add_modules([script], os.path.dirname(script), files, folders)
    if request.kind in (TargetKind.MODULE, TargetKind.CODE):
        code = f"import {request.target}" if request.kind is TargetKind.MODULE else request.target
        _add_modules(_imported(code, "", folders), "", files, folders)
    return files, folders


def _add_modules(waiting: list[str], folder: str, files: set[str], folders: set[str]) -> None:
    while waiting and len(files) < _MOST_MODULES:
        file = waiting.pop()
        if file not in files:
            files.add(file)
            waiting += _imported(_read(file), folder, folders)


def _imported(text: str, folder: str, folders: set[str]) -> list[str]:
    """Return the modules that a text imports from a folder, whether they are there or not, and add its packages."""
    names = {
        part.strip().partition(".")[0].partition(" ")[0]
        for found in re.finditer(_IMPORT, text, re.MULTILINE)
        for part in (found[1] or found[2]).split(",")
    }
    found = []
    for name in filter(None, names):
        package = os.path.join(folder, name)
        if os.path.isdir(package) and package not in folders:
            below = _folders_below(package)
            folders |= below
            found += [os.path.join(each, file) for each in below for file in _python_files(each)]
        found.append(package + _SUFFIX)
    return found


def _folders_below(path: str) -> set[str]:
    """Return a directory and those below it, but for what tools left there."""
    return {each for each in watched_paths(path, is_editable=False) if os.path.isdir(each)}


def _watched(files: Iterable[str], folders: Iterable[str], directory: str) -> Watched:
    return Watched(frozenset(_by_both_names(files, directory)), frozenset(_by_both_names(folders, directory)))


def _by_both_names(paths: Iterable[str], directory: str) -> Iterable[str]:
    """Give paths as they are named and as they are without links: an editor writes to either."""
    for path in paths:
        absolute = os.path.normpath(os.path.join(directory, path))
        yield absolute
        yield os.path.realpath(absolute)


def _python_files(folder: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if name.endswith(_SUFFIX)]
    except OSError:
        return []


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _modified_ns(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
