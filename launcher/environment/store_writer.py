"""Write the files of one wheel in the layout of the store, and remember what is where."""

from __future__ import annotations

import hashlib
import os
import sys
from binascii import b2a_base64
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import NamedTuple

from launcher.environment.dist_info import record_row
from launcher.environment.manifest import (
    DATA,
    HEADERS,
    MANIFEST_FILE,
    REAL_DATA_DEPTH,
    SCRIPTS,
    SITE,
    TREE_FILE,
    Manifest,
    Tree,
    Trees,
    trees_to_bytes,
)
from launcher.environment.shared_libraries import read_linkage, real_directories

_IS_WINDOWS = sys.platform == "win32"
_TO_ROOT = "../../" if _IS_WINDOWS else "../../../"
"""From site-packages to the environment; it is the same for every environment, so RECORD is too."""
_ROW_PREFIXES = {SITE: "", SCRIPTS: _TO_ROOT + ("Scripts/" if _IS_WINDOWS else "bin/"), DATA: _TO_ROOT}
"""Where headers go depends on the interpreter's version, so RECORD cannot name them."""
_HEAD_BYTES = 16
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_HASHERS = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


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
        self._rows: list[tuple[str, str]] = []
        os.mkdir(root, 0o755)
        for folder in self.trees:
            os.mkdir(f"{root}/{folder}", 0o755)

    def write(
        self,
        folder: str,
        relative: str,
        pieces: Iterable[bytes],
        *,
        is_executable: bool = False,
        algorithm: str = "sha256",
    ) -> WrittenFile:
        """Write a new file, read-only, with the directories above it; it is hashed on the way.

        Raises `FileExistsError` where it is there already, which on some systems means: but for upper and lower case.
        """
        directory, _, name = relative.rpartition("/")
        self._entries(folder, directory)[name] = False
        hasher = _HASHERS[algorithm]()
        size = 0
        head = b""
        handle = os.open(f"{self.root}/{folder}/{relative}", _NEW_FILE, 0o555 if is_executable else 0o444)
        try:
            for piece in pieces:
                head = head or piece[:_HEAD_BYTES]
                hasher.update(piece)
                size += len(piece)
                written = os.write(handle, piece) if piece else 0
                while written < len(piece):
                    written += os.write(handle, piece[written:])
        finally:
            os.close(handle)
        digest = b2a_base64(hasher.digest(), newline=False).translate(_URL_SAFE)
        return WrittenFile(head, digest.rstrip(b"=").decode("ascii"), size)

    def add_row(self, folder: str, relative: str, digest: str = "", size: str = "") -> None:
        """Remember a row of RECORD: where a file of the scheme is in every environment."""
        if (prefix := _ROW_PREFIXES.get(folder)) is not None:
            self._rows.append((relative, record_row(prefix + relative, digest, size)))

    def write_record(self, relative: str) -> None:
        """Write RECORD with all rows, and with one for itself."""
        self.add_row(SITE, relative)
        self._rows.sort(key=itemgetter(0))
        self.write(SITE, relative, ("".join([row for _, row in self._rows]).encode(),))

    def manifest(self, name: str, version: str, elf_files: Sequence[str]) -> Manifest:
        """Return what planning needs to know of what was written, but for scripts; `elf_files` are below the site."""
        site, data = self.trees[SITE], self.trees[DATA]
        top = {name: entries for name, entries in data.items() if not name or name.count("/") < REAL_DATA_DEPTH}
        linkages = {path: read_linkage(f"{self.root}/{SITE}/{path}") for path in elf_files}
        libraries = {path: linkage for path, linkage in linkages.items() if linkage}
        real = real_directories(libraries, site.keys(), {path.rpartition("/")[2] for path in elf_files})
        return Manifest(name, version, site[""], top, real, headers=tuple(self.files(HEADERS)))

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the two files that describe the wheel."""
        self.write_beside(TREE_FILE, trees_to_bytes(Trees(self.trees[SITE], self.trees[DATA])))
        self.write_beside(MANIFEST_FILE, manifest.to_bytes())

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
                if folder != SCRIPTS and ".py" in {name[-3:] for name in entries}:
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
