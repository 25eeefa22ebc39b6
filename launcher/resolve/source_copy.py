"""A copy of a directory of this machine to build from, so that nothing of a build is ever written into it.

What a backend writes beside its sources (``build/``, ``*.egg-info``, a ``_version.py``) stays in the copy: nothing of a
former build gets into a wheel, two builds never meet, and the files that decide what is built change by people alone.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from launcher.resolve.project_files import DESCRIPTION_FILES, is_left_behind

_LARGE_BYTES = 16 << 20
"""From here on a file is linked to instead of copied: it is data, which no backend writes."""

_LEADS_OUT = re.compile(r"""\.\.[/\\"']|pardir|parent|dirname\([^)]*dirname|["']git["']|scm|vcs|version(eer|ing)|pbr""")
"""What descriptions of projects have that look at the directories above them, or into the history of a repository."""
_NOT_OF_HISTORY = frozenset({"objects", "modules", "worktrees", "hooks", "lfs"})


@dataclass(frozen=True, slots=True)
class SourceCopy:
    """Where the copy of a project is; `place` stands for the directory `original`, and the project lies below both."""

    directory: Path
    place: Path
    original: Path

    def with_original_paths(self, content: bytes) -> bytes:
        """Return METADATA in which paths into the copy, as of dependencies beside the project, lead to the original."""
        for place in {self.place, self.place.resolve()}:
            content = content.replace(place.as_uri().encode(), self.original.as_uri().rstrip("/").encode())
        return content


def copy_project(root: Path, subdirectory: str, place: Path) -> SourceCopy:
    """Copy the directory `root`, with a project in a subdirectory of it, below the empty directory `place`.

    Where the project seems to look out of its directory, the repository that it lies in is copied as a whole, or else
    there are links to what lies beside it. Raises `OSError`.
    """
    root = Path(os.path.abspath(root))
    project = root / subdirectory
    if _looks_outside(project):
        root = _repository_of(root) or root
    original = root.parent
    # Tools that look for the repository, or its .gitignore, in all directories above must not come across another one.
    (place / ".git").touch()
    _copy_tree(root, place / (root.name or "root"), root)
    if _looks_outside(project) and not (root / ".git").exists():
        for entry in _entries(original):
            if entry.path != str(root) and entry.name != ".git":
                _link(entry.path, place / entry.name)
    return SourceCopy(place / (root.name or "root") / project.relative_to(root), place, original)


def _looks_outside(project: Path) -> bool:
    for name in DESCRIPTION_FILES:
        with suppress(OSError):
            if _LEADS_OUT.search((project / name).read_text(encoding="utf-8", errors="replace")):
                return True
    return False


def _repository_of(directory: Path) -> Path | None:
    return next((each for each in (directory, *directory.parents) if (each / ".git").exists()), None)


def _entries(directory: Path) -> Iterator[os.DirEntry[str]]:
    """Give what is in a directory, nothing where it may not be read: a backend that needs it says so."""
    with suppress(OSError), os.scandir(directory) as found:
        yield from found


def _copy_tree(source: Path, target: Path, root: Path) -> None:
    target.mkdir(mode=0o700)
    for entry in _entries(source):
        copied = target / entry.name
        if entry.is_symlink():
            _copy_link(entry.path, copied, root)
        elif entry.name == ".git":
            _copy_history(Path(entry.path), copied)
        elif not entry.is_dir():
            _copy_file(entry.path, copied)
        elif not is_left_behind(entry.path, entry.name, is_top=source == root):
            _copy_tree(Path(entry.path), copied, root)


def _copy_file(source: str, target: Path) -> None:
    """Copy a regular file, or link to a large one; what is no file, may not be read or is gone by now is left out."""
    with suppress(FileNotFoundError, PermissionError):
        found = os.stat(source)
        if not stat.S_ISREG(found.st_mode):
            return
        if found.st_size >= _LARGE_BYTES and _link(source, target):
            return
        shutil.copy2(source, target)
        target.chmod(stat.S_IMODE(found.st_mode) | stat.S_IWUSR)


def _copy_link(source: str, target: Path, root: Path) -> None:
    """Copy a symbolic link; one that leads out of what is copied leads to the original."""
    named = os.readlink(source)
    led_to = os.path.normpath(os.path.join(os.path.dirname(source), named))
    is_inside = not os.path.isabs(named) and Path(led_to).is_relative_to(root)
    if not _link(named if is_inside else led_to, target):
        _copy_file(source, target)


def _link(named: str, target: Path) -> bool:
    if sys.platform == "win32":
        return False  # it takes a permission that few have
    target.symlink_to(named)
    return True


def _copy_history(source: Path, target: Path) -> None:
    """Make a repository of the same state that has its objects from the original: versions are derived of it.

    Where ``.git`` is a file, of a worktree or a submodule, it says where the repository is.
    """
    if not source.is_dir():
        with suppress(OSError):
            named = source.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
            target.write_text(f"gitdir: {os.path.normpath(source.parent / named)}\n", encoding="utf-8")
        return
    target.mkdir(mode=0o700)
    for entry in _entries(source):
        if entry.name in _NOT_OF_HISTORY or entry.name.endswith(".lock"):
            continue
        if entry.is_dir():
            with suppress(shutil.Error):
                shutil.copytree(entry.path, target / entry.name)
        else:
            _copy_file(entry.path, target / entry.name)
    information = target / "objects" / "info"
    information.mkdir(parents=True)
    (information / "alternates").write_text(f"{source / 'objects'}\n", encoding="utf-8")
