"""What lies beside a script and decides as much as the script does what runs.

Python looks for modules in the script's folder first, and a block may name files there. Who agreed to a script did not
agree to what somebody lays beside it, or beside a copy of it: a ``random.py`` there runs in the place of Python's own,
an ``idna.py`` in that of a package which another one imports.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator, Set
from contextlib import suppress

from launcher.digest import sha256_of
from launcher.value import Value

_IS_CODE = r"(\w+)(?:\.[\w-]+)*\.(?:py|pyw|pyc|pyd|so)"
_CODE_ENDS = (".py", ".pyw", ".pyc", ".pyd", ".so")
_IMPORTS = r"\bimport(?:_module|lib)?\b|__import__"
"""And not ``important``, of which comments are full."""
_OF_NEWER_PYTHONS = frozenset(
    (
        *("_ast_unparse", "_colorize", "_opcode_metadata", "_py_warnings", "_pydatetime", "_pylong", "_pyrepl"),
        *("_sysconfig", "annotationlib", "compression"),
    )
)
"""Modules that their own modules import, and that the launcher's Python may not have."""
_IMPORTED_BY_NAME_ALONE = frozenset(("antigravity", "idlelib", "test", "tests", "this", "turtledemo"))
"""Many a folder has a ``test.py``, and nothing of Python's own, nor of a package that is used, imports it."""
_TABLES_THAT_COUNT = ("pyscript", "uv")
_LARGEST_BYTES = 1 << 26
_MOST_FILES = 2_000
_MOST_ENTRIES = 20_000


class Neighbour(Value):
    """A file or a folder beside a script, with the sha256 of what it holds; `is_in_place` of an installed module."""

    path: str
    sha256: str
    is_in_place: bool = False


def neighbours_of(path: str, text: str, block: str, environment: str = "") -> tuple[Neighbour, ...]:
    """Return what lies beside the script at an absolute path and decides what runs; `block` is its block's text.

    These are the modules that it, or such a module, imports by their names; those that are called as modules of
    Python's own or of its `environment`, once that is known, which anything may import; and the files and folders that
    the block names.
    """
    installed = {*sys.stdlib_module_names, *_OF_NEWER_PYTHONS}
    for folder in _site_packages(environment):
        installed.update(_importable(folder))
    found = {each.path: each for each in _modules(os.path.realpath(path), text, installed - _IMPORTED_BY_NAME_ALONE)}
    for named in _named(os.path.dirname(path), block):
        if named not in found and (sha256 := _sha256_of(named)):
            found[named] = Neighbour(named, sha256)
    return tuple(sorted(found.values(), key=lambda each: (not each.is_in_place, each.path)))


def _site_packages(environment: str) -> list[str]:
    """Return where an environment has its packages: one folder, or two where Python keeps compiled ones apart."""
    if not environment:
        return []
    found = [os.path.join(environment, "Lib", "site-packages")]  # of Windows
    for lib in ("lib", "lib64"):
        with suppress(OSError):
            pythons = os.listdir(os.path.join(environment, lib))
            found += [os.path.join(environment, lib, each, "site-packages") for each in pythons]
    return list({os.path.realpath(each) for each in found})


def _modules(script: str, text: str, installed: Set[str]) -> Iterator[Neighbour]:
    """Yield the modules, and packages, beside a script that an import in it, or in one of them, may find."""
    folder, own = os.path.split(script)
    left = _importable(folder, own)
    imported = _imported(text)
    while names := {name for name in left if name in imported or name in installed}:
        for name in sorted(names):
            for path in left.pop(name):
                is_in_place = name in installed
                if is_in_place and name not in imported and os.path.isdir(path) and not _is_package(path):
                    continue  # Python looks on, and finds its own
                files = list(_code_in(path))
                if files and (sha256 := _sha256_of(path, files)):
                    yield Neighbour(path, sha256, is_in_place)
                    for each in files:
                        imported |= _imported(_read(each).decode("utf-8", "replace"))


def _importable(folder: str, own: str = "") -> dict[str, list[str]]:
    """Return what could be imported from a folder, but for the script's `own` file, by name."""
    found: dict[str, list[str]] = {}
    with suppress(OSError), os.scandir(folder) as entries:
        for _, entry in zip(range(_MOST_ENTRIES), entries, strict=False):
            # A pattern takes 2 µs, and a folder of downloads may have thousands of names.
            code = re.fullmatch(_IS_CODE, entry.name) if entry.name.endswith(_CODE_ENDS) else None
            name = code[1] if code else entry.name
            if entry.name != own and name.isidentifier() and name != "__pycache__" and (code or entry.is_dir()):
                found.setdefault(name, []).append(entry.path)
    return found


def _imported(text: str) -> set[str]:
    """Return every word of lines that import something: a name too many is harmless, one too few is not."""
    if "import" not in text:
        return set()
    lines = text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines()
    importing = (line for line in lines if "import" in line and re.search(_IMPORTS, line))
    return set(re.findall(r"\w+", " ".join(importing)))


def _is_package(folder: str) -> bool:
    return any(os.path.exists(os.path.join(folder, f"__init__{end}")) for end in (".py", ".pyc", ".pyw", ".so", ".pyd"))


def _named(folder: str, block: str) -> Iterator[str]:
    """Yield the files and folders of this machine that a block names, and files that such files name."""
    lines, seen = list(_lines_about_us(block)), {os.path.normpath(folder)}
    while lines:
        line = lines.pop()
        for word in re.findall(r"""[^\s"'\[\](){},;=<>@#]+""", line):
            path = os.path.normpath(os.path.join(folder, word.removeprefix("file://")))
            if path in seen or f"{folder}{os.sep}".startswith(path.rstrip(os.sep) + os.sep):
                continue  # a folder that the script itself is in
            seen.add(path)
            if os.path.isfile(path):
                yield path
                if path.endswith((".txt", ".in")):
                    lines += _read(path).decode("utf-8", "replace").splitlines()
            elif os.path.isdir(path) and ("/" in word or re.search("path|links", line)):
                yield path


def _lines_about_us(block: str) -> Iterator[str]:
    """Yield the lines of a block but for the tables of other tools, which may say where a script writes its output."""
    is_about_us = True
    for line in block.splitlines():
        if header := re.match(r"\s*\[+\s*tool\s*\.\s*[\"']?([\w-]+)", line):
            is_about_us = header[1] in _TABLES_THAT_COUNT
        if is_about_us:
            yield line


def _code_in(path: str) -> Iterator[str]:
    return (each for each in _files_in(path) if re.fullmatch(_IS_CODE, os.path.basename(each)))


def _files_in(path: str) -> Iterator[str]:
    """Yield the files in a folder, or a file itself; byte code that Python itself lays down is none."""
    if not os.path.isdir(path):
        yield path
        return
    count = 0
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(each for each in folders if each != "__pycache__" and not each.startswith("."))
        for name in sorted(names):
            yield os.path.join(folder, name)
            if (count := count + 1) >= _MOST_FILES:
                return


def _sha256_of(path: str, files: list[str] | None = None) -> str:
    """Return the sha256 of a file, or of what is in a folder; empty where nothing can be read."""
    if not os.path.isdir(path):
        return sha256_of(_read(path)) if os.path.isfile(path) else ""
    files = list(_files_in(path)) if files is None else files
    rows, left = [], _LARGEST_BYTES
    for each in files:
        content = _read(each, left)
        left -= len(content)
        rows.append(f"{os.path.relpath(each, path)} {sha256_of(content)}")
    return sha256_of("\n".join(rows).encode("utf-8", "surrogateescape")) if rows else ""


def _read(path: str, most: int = _LARGEST_BYTES) -> bytes:
    """Return what a file holds; of one that is too large, its size and time; nothing of what is no file."""
    with suppress(OSError):
        found = os.stat(path)
        if stat.S_ISREG(found.st_mode):
            if found.st_size > most:
                return repr((found.st_size, found.st_mtime_ns)).encode()
            with open(path, "rb") as stream:
                return stream.read()
    return b""
