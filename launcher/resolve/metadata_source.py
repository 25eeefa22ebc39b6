"""Where a wheel's METADATA is read: the cache, the file beside the wheel, the wheel's last bytes, or all of it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from launcher.cache import Bucket, Cache
from launcher.errors import HashMismatch, IndexUnreachable, InvalidWheel
from launcher.reporter import SilentReporter
from launcher.resolve.candidate import Candidate
from launcher.resolve.fetcher import Fetcher
from launcher.resolve.metadata import (
    MissingBytes,
    PartialFile,
    WheelMetadata,
    metadata_in_wheel,
    metadata_key,
    parse_metadata,
    remembered_metadata,
)
from launcher.resolve.urls import mask_credentials, path_from_file_url
from launcher.resolve.wheel_files import WheelFiles

if TYPE_CHECKING:
    from launcher.resolve.connections import Answer

_TAIL_BYTES = 1 << 16
_MARGIN_BYTES = 1 << 15
_SLACK_BYTES = 1 << 13
_MOST_READS = 4
_CONTENT_RANGE = r"bytes (\d+)-(\d+)/(\d+)"


class MetadataSource:
    """Reads metadata; what belongs to a known sha256 at one place never changes and is cached for good."""

    def __init__(self, cache: Cache, fetcher: Fetcher, files: WheelFiles) -> None:
        self._cache = cache
        self._fetcher = fetcher
        self._files = files
        self._tails: dict[str, int] = {}

    def read(self, candidate: Candidate) -> WheelMetadata:
        """Return the metadata of a candidate.

        Raises `InvalidWheel` where there is none or it is of another project or version, `HashMismatch`,
        `IndexUnreachable` and `NotAvailableOffline`.
        """
        if (remembered := remembered_metadata(candidate, self._cache)) is not None:
            return remembered
        metadata = self._beside(candidate) or self._inside(candidate)
        if candidate.sha256:
            self._cache.write(Bucket.METADATA, metadata_key(candidate), metadata.to_bytes())
        return metadata

    def beside(self, candidate: Candidate) -> bytes | None:
        """Return the file beside a wheel or sdist (PEP 658); None where that has to be asked after all.

        Some proxies advertise the file and answer 404 for it, or with a page of their own.
        """
        if not candidate.core_metadata or candidate.url.startswith("file:"):
            return None
        parts = urlsplit(candidate.url)
        try:
            reply = self._fetcher.get(urlunsplit(parts._replace(path=f"{parts.path}.metadata")))
        except IndexUnreachable:
            return None
        if reply.status != 200:
            return None
        stated = candidate.core_metadata
        if isinstance(stated, str) and hashlib.sha256(reply.content).hexdigest() != stated.lower():
            raise HashMismatch(
                f"The metadata of {candidate.filename} is not what {mask_credentials(candidate.index)} states.",
                hint="Try --refresh; if it stays, ask who runs the index.",
                reference="PEP 658",
            )
        return reply.content

    def _beside(self, candidate: Candidate) -> WheelMetadata | None:
        content = self.beside(candidate)
        if content is None:
            return None
        try:
            return _checked(candidate, content)
        except InvalidWheel:
            if isinstance(candidate.core_metadata, str):
                raise
            return None

    def _inside(self, candidate: Candidate) -> WheelMetadata:
        if candidate.url.startswith("file:"):
            return _read_wheel(candidate, path_from_file_url(candidate.url))
        # Its hash is needed to pin it, so it is fetched whole anyway.
        if candidate.sha256 is not None:
            content = self._ranged(candidate)
            if content is not None:
                return _checked(candidate, content)
        path, _ = self._files.keep(candidate, SilentReporter())
        return _read_wheel(candidate, path)

    def _ranged(self, candidate: Candidate) -> bytes | None:
        """Return METADATA by reading the end of the wheel; None where the server does not serve ranges.

        One read does for most wheels. In others the central directory is longer, or METADATA stands somewhere else:
        what that took tells how much to read of the project's next one (botocore: one read instead of three).
        """
        found = self._range(candidate.url, f"-{self._tails.get(candidate.name, _TAIL_BYTES)}")
        if found is None:
            return None
        start, content, size = found
        wheel = PartialFile(size)
        received = 0
        for _ in range(_MOST_READS):
            wheel.add(start, content)
            received += len(content)
            try:
                metadata = metadata_in_wheel(wheel)
            except ValueError:
                # The whole wheel says better what is wrong with it.
                return None
            except MissingBytes as missing:
                first = max(missing.start - _MARGIN_BYTES, 0)
                last = min(max(missing.end, missing.start + _MARGIN_BYTES), size) - 1
                found = self._range(candidate.url, f"{first}-{last}")
            else:
                self._learn_tail(candidate.name, size - wheel.first_read, received)
                return metadata
            if found is None:
                return None
            start, content, _ = found
        return None

    def _learn_tail(self, name: str, needed: int, received: int) -> None:
        """Remember how many of a wheel's last bytes were needed, unless that is far more than several reads brought."""
        tail = needed + needed // 16 + _SLACK_BYTES
        if tail <= 2 * max(received, _TAIL_BYTES):
            self._tails[name] = max(tail, self._tails.get(name, 0))

    def _range(self, url: str, wanted: str) -> tuple[int, bytes, int] | None:
        """Return where the bytes begin, the bytes, and the size of the whole file."""

        def receive(answer: Answer) -> tuple[int, bytes, int] | None:
            stated = re.fullmatch(_CONTENT_RANGE, answer.headers.get("content-range", ""))
            if answer.status != 206 or not stated or answer.headers.get("content-encoding"):
                return None
            first, last, size = (int(number) for number in stated.groups())
            content = b"".join(answer.chunks())
            return (first, content, size) if len(content) == last - first + 1 else None

        return self._fetcher.consume(url, receive, {"Range": f"bytes={wanted}", "Accept-Encoding": "identity"})


def _read_wheel(candidate: Candidate, path: Path) -> WheelMetadata:
    try:
        return _checked(candidate, metadata_in_wheel(path))
    except OSError as error:
        raise IndexUnreachable(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InvalidWheel(f"{candidate.filename} is not a sound wheel: {error}.") from error


def _checked(candidate: Candidate, content: bytes) -> WheelMetadata:
    """Parse METADATA and refuse what is of another project or version than the file name."""
    try:
        metadata = parse_metadata(content)
    except ValueError as error:
        raise InvalidWheel(f"The metadata of {candidate.filename} cannot be used: {error}.") from error
    if not metadata.is_of(candidate.name, candidate.version):
        raise InvalidWheel(
            f"{candidate.filename} says in its metadata that it is {metadata.name} {metadata.version}.",
            reference="Binary distribution format",
        )
    return metadata
