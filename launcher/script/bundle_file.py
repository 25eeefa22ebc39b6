"""A bundle as a file: a ZIP with a manifest, of which each part is named with its hash."""

from __future__ import annotations

import errno
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import IO

from launcher.errors import InvalidBundle
from launcher.script.bundle_manifest import LOCK_FILE, MANIFEST_FILE, BundleManifest, digest_of_manifest
from launcher.value import Value

_BOOTSTRAP_FILE = "pyscript_bundle/__init__.py"
_LARGEST_MANIFEST_BYTES = 16 << 20
_LARGEST_TEXT_BYTES = 64 << 20
_DAMAGE = (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError)
"""What zipfile raises about an archive that is cut off or makes no sense."""


class Bundle(Value):
    """A bundle that was opened once: its path, what it says of itself, its script and its lock, both verified."""

    path: str
    digest: str
    manifest: BundleManifest
    script: bytes
    lock: bytes

    @property
    def script_name(self) -> str:
        """What its script is called."""
        return self.manifest.script.file.rpartition("/")[2]


def is_bundle(archive: zipfile.ZipFile) -> bool:
    """Tell whether an archive claims to be one; others may have a file of the manifest's name."""
    return {MANIFEST_FILE, _BOOTSTRAP_FILE} <= archive.NameToInfo.keys()


def read_bundle(path: str) -> Bundle | None:
    """Return the bundle at `path`, or None where there is something else.

    Raises `InvalidBundle` where it is one that is damaged, and `OSError` where it cannot be read.
    """
    if not zipfile.is_zipfile(path):
        return None
    with _sound(path), zipfile.ZipFile(path) as archive:
        if not is_bundle(archive):
            return None
        content = _read(archive, MANIFEST_FILE, _LARGEST_MANIFEST_BYTES)
        manifest = BundleManifest.from_bytes(content)
        script = _read(archive, manifest.script.file, _LARGEST_TEXT_BYTES)
        lock = _read(archive, LOCK_FILE, _LARGEST_TEXT_BYTES)
        for name, text, expected in (
            (manifest.script.file, script, manifest.script.sha256),
            (LOCK_FILE, lock, manifest.lock_sha256),
        ):
            if sha256(text).hexdigest() != expected:
                raise ValueError(f"{name} in it is not what its manifest says")
        return Bundle(path, digest_of_manifest(content), manifest, script, lock)


@contextmanager
def open_in_bundle(path: str) -> Iterator[IO[bytes]]:
    """Open a file by a path that leads into an archive (``…/tool.pyz/wheels/x.whl``), to be read once.

    Raises `OSError` where there is no such archive, and `InvalidBundle` where it has no such file or is damaged.
    """
    archive = path
    while not os.path.isfile(archive):
        above = os.path.dirname(archive)
        if above == archive:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        archive = above
    name = os.path.relpath(path, archive).replace(os.sep, "/")
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(name) as stream:
            yield stream
    except (KeyError, ValueError, *_DAMAGE) as error:
        raise InvalidBundle(
            f"{archive} is damaged: {name} in it cannot be read.", hint="Nothing of it was run. Get it again."
        ) from error


@contextmanager
def _sound(path: str) -> Iterator[None]:
    try:
        yield
    except (KeyError, ValueError, *_DAMAGE) as error:
        reason = str(error.args[0] if isinstance(error, KeyError) else error).rstrip(".") or "it is damaged"
        raise InvalidBundle(
            f"{path} is no sound bundle: {reason}.", hint="Nothing of it was run. Get it again, or make it anew."
        ) from error


def _read(archive: zipfile.ZipFile, name: str, most_bytes: int) -> bytes:
    if archive.getinfo(name).file_size > most_bytes:
        raise ValueError(f"{name} in it is larger than any true one")
    return archive.read(name)
