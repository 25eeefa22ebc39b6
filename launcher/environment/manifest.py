"""What an unpacked wheel holds, in the form that planning an environment needs.

Two files per wheel, so that planning reads little: ``manifest`` has what every plan needs, ``tree`` every directory,
which only matters where wheels share directories.
"""

from __future__ import annotations

import marshal

from launcher.value import Value, astuple

MANIFEST_FILE = "manifest"
TREE_FILE = "tree"
SITE = "site-packages"
DATA = "data"
SCRIPTS = "scripts"
HEADERS = "headers"

REAL_DATA_DEPTH = 2
"""``share`` and ``share/jupyter`` are always real directories, because programs make their own files there."""

_FORMAT = 1
_MARSHAL_VERSION = 4
"""Every launcher that shares a cache can read it; the newest version is not readable for older Pythons."""

Tree = dict[str, dict[str, bool]]
"""Directory (relative, POSIX, `""` for the root) -> name -> whether that is a directory."""


_Row = tuple[str | bool, ...]


class EntryPoint(Value):
    """A console or gui script that an environment has to write."""

    name: str
    module: str
    attribute: str
    is_gui: bool


class ScriptFile(Value):
    """A file of the wheel's ``scripts`` scheme; one that starts with ``#!python`` needs the environment's own path."""

    name: str
    is_python: bool


class Trees(Value):
    """Every directory of a wheel, by scheme."""

    site: Tree
    data: Tree


class Manifest(Value):
    """What planning needs to know of one wheel.

    `site` maps the top-level names of site-packages to whether they are directories; `data` is the part of the data
    scheme's tree that is not deeper than `REAL_DATA_DEPTH`; `real` are directories in which symbolic links to the
    directory itself would keep a shared library from finding those of other wheels.
    """

    name: str
    version: str
    site: dict[str, bool]
    data: Tree
    real: tuple[str, ...] = ()
    entry_points: tuple[EntryPoint, ...] = ()
    script_files: tuple[ScriptFile, ...] = ()
    headers: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """Return the manifest as the content of a file."""
        points: list[_Row] = [astuple(point) for point in self.entry_points]
        files: list[_Row] = [astuple(file) for file in self.script_files]
        places = (self.site, self.data, self.real)
        content = (_FORMAT, self.name, self.version, places, points, files, self.headers)
        return marshal.dumps(content, _MARSHAL_VERSION)

    @classmethod
    def from_bytes(cls, content: bytes) -> Manifest:
        """Read what `to_bytes` wrote; raises `ValueError` for anything else."""
        try:
            form, name, version, (site, data, real), points, files, headers = marshal.loads(content)
        except (EOFError, TypeError) as error:
            raise ValueError("not a manifest") from error
        if form != _FORMAT:
            raise ValueError("a manifest of another format")
        entry_points = tuple(EntryPoint(*point) for point in points)
        return cls(name, version, site, data, real, entry_points, tuple(ScriptFile(*file) for file in files), headers)


def trees_to_bytes(trees: Trees) -> bytes:
    """Return the content of a ``tree`` file."""
    return marshal.dumps((trees.site, trees.data), _MARSHAL_VERSION)


def trees_from_bytes(content: bytes) -> Trees:
    """Read what `trees_to_bytes` wrote; raises `ValueError` for anything else."""
    try:
        site, data = marshal.loads(content)
    except (EOFError, TypeError) as error:
        raise ValueError("not a tree") from error
    return Trees(site, data)


def stub_name(is_gui: bool) -> str:
    """Return the name of the file that keeps Windows' launcher for a kind of entry points."""
    return "gui.exe" if is_gui else "console.exe"
