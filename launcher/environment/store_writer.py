"""Write the files of one wheel in the layout of the store, and remember what is where."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from typing import BinaryIO, NamedTuple

from launcher.environment.manifest import DATA, HEADERS, SCRIPTS, SITE, Tree

_CHUNK_BYTES = 1 << 20
_HEAD_BYTES = 16


class WrittenFile(NamedTuple):
    """What was written: its first bytes, and its hash as RECORD spells it."""

    head: bytes
    digest: str
    size_bytes: int


class StoreWriter:
    """Write below the new directory `root`; `trees` has every directory, by scheme."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.trees: dict[str, Tree] = {folder: {"": {}} for folder in (SITE, DATA, SCRIPTS, HEADERS)}
        os.mkdir(root, 0o755)
        for folder in self.trees:
            os.mkdir(f"{root}/{folder}", 0o755)

    def write(
        self, folder: str, relative: str, stream: BinaryIO, *, is_executable: bool = False, algorithm: str = "sha256"
    ) -> WrittenFile:
        """Write a new file, read-only, with the directories above it; it is hashed on the way.

        Raises `FileExistsError` where it is there already, which on some systems means: but for upper and lower case.
        """
        self._entries(folder, relative.rpartition("/")[0])[relative.rpartition("/")[2]] = False
        hasher = hashlib.new(algorithm)
        size = 0
        head = b""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        handle = os.open(f"{self.root}/{folder}/{relative}", flags, 0o555 if is_executable else 0o444)
        try:
            while chunk := stream.read(_CHUNK_BYTES):
                head = head or chunk[:_HEAD_BYTES]
                hasher.update(chunk)
                size += len(chunk)
                remaining = memoryview(chunk)
                while remaining:
                    remaining = remaining[os.write(handle, remaining) :]
        finally:
            os.close(handle)
        return WrittenFile(head, base64.urlsafe_b64encode(hasher.digest()).decode("ascii").rstrip("="), size)

    def write_beside(self, name: str, content: bytes) -> None:
        """Write a file that describes the wheel, beside its schemes."""
        with open(f"{self.root}/{name}", "xb", opener=lambda path, flags: os.open(path, flags, 0o444)) as stream:
            stream.write(content)

    def files(self, folder: str) -> Sequence[str]:
        """Return the relative paths of all files of a scheme."""
        return [
            f"{directory}/{name}" if directory else name
            for directory, entries in self.trees[folder].items()
            for name, is_directory in entries.items()
            if not is_directory
        ]

    def protect(self) -> None:
        """Take the permission to write from all directories; only new, empty ``__pycache__`` beside modules keep it."""
        for folder, tree in self.trees.items():
            for relative, entries in tree.items():
                directory = f"{self.root}/{folder}/{relative}"
                if folder != SCRIPTS and any(name.endswith(".py") for name in entries):
                    os.mkdir(f"{directory}/__pycache__", 0o755)
                os.chmod(directory, 0o555)

    def _entries(self, folder: str, directory: str) -> dict[str, bool]:
        """Return what is known to be in a directory, which is made where it is missing."""
        tree = self.trees[folder]
        if (entries := tree.get(directory)) is None:
            parent, _, name = directory.rpartition("/")
            self._entries(folder, parent)[name] = True
            os.mkdir(f"{self.root}/{folder}/{directory}", 0o755)
            entries = tree[directory] = {}
        return entries
