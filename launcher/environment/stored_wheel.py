"""One unpacked wheel, and how to find it.

Apart from `launcher.environment.wheel_store`, which takes 9 ms to import: a preparation whose wheels are all stored
needs nothing of it.
"""

from __future__ import annotations

import os
from pathlib import Path

from launcher.cache import Bucket, Cache
from launcher.digest import digest_of
from launcher.environment.manifest import MANIFEST_FILE, SITE, TREE_FILE, Manifest, Trees, trees_from_bytes
from launcher.value import Value

LINKS = "links"
"""Beside the wheel's files: the links that environments have to its top-level entries, ready to be hard-linked.

A new link costs the file system an inode, 7 to 300 µs as busy as it is; one more name for an inode costs 6.
"""


class StoredWheel(Value):
    """A wheel in the store: its directory is `path`, its site root ``path / "site-packages"``."""

    sha256: str
    name: str
    version: str
    path: Path
    manifest: Manifest

    @property
    def key(self) -> str:
        """The wheel's name in the store."""
        return self.path.name

    def read_trees(self) -> Trees:
        """Return every directory of the wheel; raises `OSError` or `ValueError` where the store is damaged."""
        with open(f"{self.path}/{TREE_FILE}", "rb") as stream:
            return trees_from_bytes(stream.read())


def find_stored_wheel(cache: Cache, sha256: str, direct_url: str | None = None) -> StoredWheel | None:
    """Return the wheel with this hash, or None where the store has none that is whole."""
    path = cache.path(Bucket.WHEELS, store_key(sha256, direct_url))
    try:
        with open(f"{path}/{MANIFEST_FILE}", "rb") as stream:
            manifest = Manifest.from_bytes(stream.read())
    except (OSError, ValueError):
        return None
    return StoredWheel(sha256, manifest.name, manifest.version, path, manifest)


def link_text(key: str, name: str) -> str:
    """Return what the link in ``lib/pythonX.Y/site-packages`` of an environment says for an entry of a wheel."""
    return f"../../../../../{Bucket.WHEELS}/{key}/{SITE}/{name}"


def write_links(made: Path, key: str) -> None:
    """Make the links to the top-level entries of the wheel in `made`, which will be stored as `key`."""
    (made / LINKS).mkdir(mode=0o755)
    for name in set(os.listdir(made / SITE)) - {"__pycache__"}:
        os.symlink(link_text(key, name), made / LINKS / name)
    (made / LINKS).chmod(0o555)


def store_key(sha256: str, direct_url: str | None = None) -> str:
    """Return the name of a wheel in the store: its sha256, with a mark of its origin where that is recorded inside."""
    if direct_url is None:
        return sha256
    return f"{sha256}-{digest_of(direct_url, 16)}"
