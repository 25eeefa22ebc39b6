"""A wheel's METADATA, reduced to what resolution needs, and how to find it in the last bytes of a wheel.

Pure, but for `remembered_metadata`.
"""

from __future__ import annotations

import io
import marshal
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from launcher.cache import Bucket, Cache
from launcher.digest import digest_of
from launcher.resolve.candidate import Candidate
from launcher.value import Value

_FORMAT = 1
_FIELDS = frozenset({b"name", b"version", b"requires-dist", b"requires-python", b"provides-extra"})
_NEEDED_FIELDS = frozenset({b"requires-dist", b"requires-python", b"provides-extra"})
_LARGEST_METADATA_BYTES = 16 << 20


class WheelMetadata(Value):
    """Who the wheel says it is and what it needs; `provides_extra` is canonical."""

    name: str
    version: str
    requires_dist: tuple[str, ...]
    requires_python: str | None
    provides_extra: tuple[str, ...]

    def to_bytes(self) -> bytes:
        """Return the form kept in the cache."""
        fields = (self.name, self.version, self.requires_dist, self.requires_python, self.provides_extra)
        return marshal.dumps((_FORMAT, fields))

    @classmethod
    def from_bytes(cls, content: bytes) -> WheelMetadata:
        """Return the metadata that `to_bytes` wrote; raises `ValueError` for anything else."""
        try:
            version, fields = marshal.loads(content)
            if version != _FORMAT:
                raise ValueError(f"metadata format {version!r} is not {_FORMAT}")
            return cls(*fields)
        except (EOFError, TypeError) as error:
            raise ValueError(f"not metadata: {error}") from error

    def is_of(self, name: str, version: str) -> bool:
        """Tell whether it speaks of this project and version, however they are spelled."""
        try:
            return canonicalize_name(self.name) == name and Version(self.version) == Version(version)
        except InvalidVersion:
            return False


def metadata_key(candidate: Candidate) -> str:
    """Name a candidate's metadata in the cache: by its hash and by its URL.

    The hash is what an index says. One that lies could otherwise say what a file needs that comes from another index.
    """
    return digest_of(f"{candidate.sha256} {candidate.url}", 64)


def remembered_metadata(candidate: Candidate, cache: Cache) -> WheelMetadata | None:
    """Return a candidate's metadata where an earlier resolution left it in the cache."""
    content = cache.read(Bucket.METADATA, metadata_key(candidate)) if candidate.sha256 else None
    try:
        return WheelMetadata.from_bytes(content) if content is not None else None
    except ValueError:
        return None


def parse_metadata(content: bytes) -> WheelMetadata:
    """Read the header fields of a METADATA file (core metadata 1.0 to 2.x).

    Raises `ValueError` where Name or Version is missing.
    """
    found: dict[bytes, list[str]] = {name: [] for name in _FIELDS}
    current: list[str] | None = None
    for line in content.splitlines():
        # A line of blanks belongs to the field above it: licences have them.
        if not line:
            break
        if line[:1] in b" \t":
            if current:
                current[-1] += " " + line.strip().decode("utf-8", "replace")
            continue
        name, _, value = line.partition(b":")
        current = found.get(name.lower())
        if current is not None:
            current.append(value.strip().decode("utf-8", "replace"))
    if not found[b"name"] or not found[b"version"]:
        raise ValueError("it has no Name or no Version")
    return WheelMetadata(
        name=found[b"name"][0],
        version=found[b"version"][0],
        requires_dist=tuple(found[b"requires-dist"]),
        requires_python=next(iter(found[b"requires-python"]), None) or None,
        provides_extra=tuple(dict.fromkeys(canonicalize_name(extra) for extra in found[b"provides-extra"])),
    )


def is_static(pkg_info: bytes) -> bool:
    """Tell whether an sdist's PKG-INFO says for certain what its wheel will need (PEP 643)."""
    fields = [line.partition(b":") for line in pkg_info.partition(b"\n\n")[0].splitlines()]
    stated = [(name.strip().lower(), value.strip()) for name, _, value in fields]
    dynamic = {value.lower() for name, value in stated if name == b"dynamic"}
    numbers = next((value.split(b".") for name, value in stated if name == b"metadata-version"), [])
    is_new = len(numbers) == 2 and all(map(bytes.isdigit, numbers)) and tuple(map(int, numbers)) >= (2, 2)
    return is_new and not dynamic & _NEEDED_FIELDS


class MissingBytes(Exception):
    """A part of a wheel that is needed is not here: the bytes from `start` to before `end`."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__(start, end)
        self.start, self.end = start, end


class PartialFile(io.RawIOBase):
    """A file of `size` bytes of which only some parts are here; reading others raises `MissingBytes`.

    `first_read` is the first of all bytes that were read or missed.
    """

    def __init__(self, size: int) -> None:
        self.size = self.first_read = size
        self._at = 0
        self._parts: list[tuple[int, bytes]] = []

    def add(self, start: int, content: bytes) -> None:
        """Put the bytes from `start` on in place; parts may overlap."""
        parts = sorted([*self._parts, (start, content)])
        self._parts = [parts[0]]
        for next_start, more in parts[1:]:
            last_start, last = self._parts[-1]
            if next_start <= last_start + len(last):
                self._parts[-1] = (last_start, last + more[max(last_start + len(last) - next_start, 0) :])
            else:
                self._parts.append((next_start, more))

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a place in the whole file."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        return self._at

    def tell(self) -> int:
        """Return the place in the whole file."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Read from there."""
        end = self.size if size < 0 else min(self._at + size, self.size)
        self.first_read = min(self.first_read, self._at)
        for start, content in self._parts:
            if start <= self._at and end <= start + len(content):
                found = content[self._at - start : end - start]
                self._at = end
                return found
        if end <= self._at:
            return b""
        here = [start for start, content in self._parts if self._at < start < end <= start + len(content)]
        raise MissingBytes(self._at, min(here, default=end))


def metadata_in_wheel(wheel: Path | PartialFile) -> bytes:
    """Return METADATA from a wheel.

    Raises `MissingBytes` where a part is needed that is not here and `ValueError` where it is no sound wheel.
    """
    # 8 ms, where no metadata lies beside a wheel.
    import zipfile  # noqa: PLC0415
    import zlib  # noqa: PLC0415

    try:
        with zipfile.ZipFile(wheel) as archive:
            found = [entry for entry in archive.infolist() if _is_metadata(entry.filename)]
            if len(found) != 1:
                raise ValueError(f"it has {len(found)} METADATA files")
            if found[0].file_size > _LARGEST_METADATA_BYTES:
                raise ValueError("its METADATA is too large")
            return archive.read(found[0])
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise ValueError(str(error) or "it is not a ZIP file") from error


def _is_metadata(path: str) -> bool:
    directory, _, name = path.rpartition("/")
    return name == "METADATA" and directory.endswith(".dist-info") and "/" not in directory
