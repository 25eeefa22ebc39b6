"""Write the file of a bundle: the same bytes for the same content, whole or not at all."""

from __future__ import annotations

import os
import shutil
import stat
import time
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

from launcher.errors import FileNotWritten, InvalidBundle, UsageError
from launcher.script.bundle_file import is_bundle
from launcher.script.bundle_manifest import LOCK_FILE, MANIFEST_FILE, BundleManifest, digest_of_manifest
from launcher.value import Value

_SHEBANG = b"#!/usr/bin/env python3\n"
_BOOTSTRAP = Path(__file__).with_name("bootstrap")
_MODULES = ("__init__", "first_start", "machine", "start", "tree", "unpack")
_FIRST_TIME = 315_532_800
"""1980, with which the times of ZIP begin; they end in 2107."""
_LAST_TIME = 4_354_819_198
_LARGEST_BYTES = (1 << 32) - (1 << 20)
"""Python reads no larger ZIP than this as a program before 3.13."""


class BundleContent(Value):
    """What goes into a bundle: its manifest, the bytes of script and lock, and where its wheels are, in their order."""

    manifest: BundleManifest
    script: bytes
    lock: bytes
    wheels: Sequence[Path]


def bootstrap_sources() -> dict[str, bytes]:
    """Return the code that bundles begin with, by the names that it has in them; the digest is not filled in."""
    sources = {"__main__.py": (_BOOTSTRAP / "__main__.py").read_bytes()}
    return sources | {f"pyscript_bundle/{name}.py": (_BOOTSTRAP / f"{name}.py").read_bytes() for name in _MODULES}


def bootstrap_hash() -> str:
    """Return the hash of that code."""
    return sha256(repr(sorted(bootstrap_sources().items())).encode()).hexdigest()


def refuse_other_file(path: str) -> None:
    """Raise `FileNotWritten` where there is something at `path` that is no bundle and would be lost."""
    if not os.path.lexists(path):
        return
    if os.path.isdir(path):
        raise FileNotWritten(f"{path} is a directory.", hint=f"Name a file: -o {os.path.join(path, 'NAME.pyz')}")
    with suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        if is_bundle(archive):
            return
    with suppress(OSError):
        if os.path.isfile(path) and not os.path.getsize(path):
            return
    raise FileNotWritten(
        f"{path} is there already and is no bundle, so it was left as it is.", hint="Give another name, or remove it."
    )


def time_of_members(environ: Mapping[str, str]) -> tuple[int, int, int, int, int, int]:
    """Return the time that all members get: that of SOURCE_DATE_EPOCH, else the first that there is in a ZIP.

    Raises `UsageError` where the variable holds no time.
    """
    written = environ.get("SOURCE_DATE_EPOCH", "").strip()
    if written and not written.isdecimal():
        raise UsageError(
            f"SOURCE_DATE_EPOCH: {written!r} is no time.", hint="It is a number of seconds since the beginning of 1970."
        )
    seconds = min(max(int(written[:20] or 0), _FIRST_TIME), _LAST_TIME)
    year, month, day, hour, minute, second = time.gmtime(seconds)[:6]
    return year, month, day, hour, minute, second


def write_bundle(path: str, content: BundleContent, environ: Mapping[str, str]) -> int:
    """Write a bundle and return its size in bytes. Raises `FileNotWritten`, or `InvalidBundle` for one too large."""
    size = sum(wheel.stat().st_size for wheel in content.wheels)
    if size > _LARGEST_BYTES:
        raise InvalidBundle(
            f"The bundle would be {size >> 20} MB large, and Python runs no archive above {_LARGEST_BYTES >> 20} MB.",
            hint="Leave packages out, or give the script away with its lock: pyscript lock",
        )
    moment = time_of_members(environ)
    target = os.path.realpath(path)
    directory, name = os.path.split(target)
    temporary = os.path.join(directory, f".{name[:100]}.{token_hex(8)}.tmp")
    try:
        # Executable wherever the umask, or the directory's access list, leaves it readable.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o777)
        try:
            with open(descriptor, "wb") as stream:
                stream.write(_SHEBANG)
                with zipfile.ZipFile(stream, "w") as archive:
                    _add_members(archive, content, moment)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        return os.path.getsize(target)
    except OSError as error:
        hint = None if os.path.isdir(directory) else f"Make the directory first: {directory}"
        raise FileNotWritten(f"{path} cannot be written: {error.strerror or error}.", hint=hint) from error


def _add_members(archive: zipfile.ZipFile, content: BundleContent, moment: tuple[int, int, int, int, int, int]) -> None:
    manifest = content.manifest.to_bytes()
    digest = digest_of_manifest(manifest).encode()
    texts = {name: text.replace(b"@digest@", digest) for name, text in bootstrap_sources().items()}
    texts |= {MANIFEST_FILE: manifest, LOCK_FILE: content.lock, content.manifest.script.file: content.script}
    for name, text in texts.items():
        archive.writestr(_member(name, moment), text)
    for wheel, path in zip(content.manifest.wheels, content.wheels, strict=True):
        member = _member(wheel.file.file, moment)
        member.file_size = wheel.file.size_bytes
        with archive.open(member, "w") as stream, path.open("rb") as source:
            shutil.copyfileobj(source, stream, 1 << 20)


def _member(name: str, moment: tuple[int, int, int, int, int, int]) -> zipfile.ZipInfo:
    """Return the header of a member, uncompressed as wheels are already: the same on each system."""
    member = zipfile.ZipInfo(name, moment)
    member.create_system = 3  # Unix, whose modes these are
    member.external_attr = (stat.S_IFREG | 0o644) << 16
    return member
