"""What lies beside a script and decides as much as the script does what runs.

Python looks for modules in the script's folder first, and a block may name files there. Who agreed to a script did not
agree to what somebody lays beside it, or beside a copy of it: a ``random.py`` there runs in the place of Python's own.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress

from launcher.digest import sha256_of
from launcher.value import Value

_IS_CODE = r"(\w+)(?:\.[\w-]+)*\.(?:py|pyw|pyc|pyd|so)"
_LARGEST_BYTES = 1 << 26
_MOST_FILES = 2_000
_MOST_ENTRIES = 20_000


class Neighbour(Value):
    """A file or a folder beside a script, with the sha256 of what it holds; `is_in_place` of a module of Python's."""

    path: str
    sha256: str
    is_in_place: bool = False


def neighbours_of(path: str, text: str, block: str) -> tuple[Neighbour, ...]:
    """Return what lies beside the script at an absolute path and decides what runs; `block` is its block's text.

    These are the modules that it, or such a module, imports by their names; those that are called as modules of
    Python's own, which anything may import; and the files and folders that the block names.
    """
    found = {each.path: each for each in _modules(os.path.realpath(path), text)}
    for named in _named(os.path.dirname(path), block):
        if named not in found and (sha256 := _sha256_of(named)):
            found[named] = Neighbour(named, sha256)
    return tuple(sorted(found.values(), key=lambda each: (not each.is_in_place, each.path)))


def _modules(script: str, text: str) -> Iterator[Neighbour]:
    """Yield the modules, and packages, beside a script that an import in it, or in one of them, may find."""
    left = _importable(script)
    imported = _imported(text)
    while names := {name for name in left if name in imported or name in sys.stdlib_module_names}:
        for name in sorted(names):
            for path in left.pop(name):
                is_in_place = name in sys.stdlib_module_names
                if is_in_place and name not in imported and os.path.isdir(path) and not _is_package(path):
                    continue  # Python looks on, and finds its own
                files = list(_code_in(path))
                if files and (sha256 := _sha256_of(path, files)):
                    yield Neighbour(path, sha256, is_in_place)
                    for each in files:
                        imported |= _imported(_read(each).decode("utf-8", "replace"))


def _importable(script: str) -> dict[str, list[str]]:
    """Return what could be imported from a script's folder, by name."""
    folder, own = os.path.split(script)
    found: dict[str, list[str]] = {}
    with suppress(OSError), os.scandir(folder) as entries:
        for _, entry in zip(range(_MOST_ENTRIES), entries, strict=False):
            code = re.fullmatch(_IS_CODE, entry.name)
            name = code[1] if code else entry.name
            if entry.name != own and name.isidentifier() and name != "__pycache__" and (code or entry.is_dir()):
                found.setdefault(name, []).append(entry.path)
    return found


def _imported(text: str) -> set[str]:
    """Return every word of lines that import something: a name too many is harmless, one too few is not."""
    if "import" not in text:
        return set()
    lines = text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines()
    return set(re.findall(r"\w+", " ".join(line for line in lines if "import" in line)))


def _is_package(folder: str) -> bool:
    return any(os.path.exists(os.path.join(folder, f"__init__{end}")) for end in (".py", ".pyc", ".pyw", ".so", ".pyd"))


def _named(folder: str, block: str) -> Iterator[str]:
    """Yield the files and folders of this machine that a block names, and files that such files name."""
    lines, seen = block.splitlines(), {os.path.normpath(folder)}
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
