"""Wheels on their way from an index or a disk into a directory: streamed, hashed meanwhile, complete or not there."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from launcher.cache import Bucket, Cache, remove_tree
from launcher.errors import HashMismatch, IndexUnreachable
from launcher.reporter import Reporter, SilentReporter
from launcher.resolve.candidate import Candidate
from launcher.resolve.fetcher import Fetcher
from launcher.resolve.once import Once
from launcher.resolve.urls import is_safe_filename, mask_credentials, path_from_file_url

if TYPE_CHECKING:
    from launcher.resolve.connections import Answer

_CHUNK_BYTES = 1 << 20
_AS_IS = {"Accept-Encoding": "identity"}


class WheelFiles:
    """Fetches wheels. One that was needed for its metadata is kept and handed out later instead of fetched again."""

    def __init__(self, cache: Cache, fetcher: Fetcher) -> None:
        self._cache = cache
        self._fetcher = fetcher
        self._kept: Once[str, tuple[Path, str]] = Once()
        self._directory: Path | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Remove the wheels that nobody asked for."""
        if self._directory is not None:
            remove_tree(self._directory)
            self._directory = None

    def fetch(self, candidate: Candidate, directory: Path, reporter: Reporter) -> tuple[Path, str]:
        """Put the wheel into `directory`; return its path and verified sha256.

        Raises `HashMismatch`, `IndexUnreachable` and `NotAvailableOffline`; then nothing is left in the directory.
        """
        if not is_safe_filename(candidate.filename):
            raise IndexUnreachable(f"{candidate.filename!r} is no name for a file.")
        target = directory / candidate.filename
        if self._kept.is_known(candidate.url):
            path, sha256 = self.keep(candidate, reporter)
            with suppress(FileNotFoundError):
                os.replace(path, target)
                return target, sha256
        if candidate.url.startswith("file:"):
            # Nothing of that is downloaded.
            return target, self._write(target, candidate, _read_file(candidate), SilentReporter())

        def receive(answer: Answer) -> str:
            if answer.status != 200:
                raise IndexUnreachable(
                    f"{mask_credentials(candidate.url)} answered {answer.status} instead of the file.",
                    hint="The index lists a file that is not there; try --refresh, or another index."
                    if candidate.index
                    else "Mend the URL.",
                )
            return self._write(target, candidate, answer.chunks(), reporter)

        return target, self._fetcher.consume(candidate.url, receive, _AS_IS)

    def keep(self, candidate: Candidate, reporter: Reporter) -> tuple[Path, str]:
        """Fetch a wheel whose content is needed before it is asked for; return path and sha256. Raises as `fetch`."""
        path, sha256 = self._kept.get(candidate.url, lambda _: self.fetch_unkept(candidate, reporter))
        # Somebody else may have asked for it who did not know its hash.
        _check(candidate, sha256)
        return path, sha256

    def fetch_unkept(self, candidate: Candidate, reporter: Reporter) -> tuple[Path, str]:
        """Fetch a wheel into a directory of its own that `close` removes."""
        import tempfile  # noqa: PLC0415 - 3 ms, where no metadata lies beside a wheel

        with self._lock:
            if self._directory is None:
                self._directory = Path(tempfile.mkdtemp(dir=self._cache.directory(Bucket.TMP)))
        own = Path(tempfile.mkdtemp(dir=self._directory))
        return WheelFiles(self._cache, self._fetcher).fetch(candidate, own, reporter)

    def _write(self, target: Path, candidate: Candidate, chunks: Iterable[bytes], reporter: Reporter) -> str:
        """Write and hash `chunks`; the file appears under its name only when it is whole and the right one."""
        label = f"{candidate.name} {candidate.version}".strip() or candidate.filename
        temporary = target.with_name(f".{target.name}.part")
        reporter.download_started(label, candidate.size_bytes)
        try:
            with temporary.open("wb") as stream:
                received = _Received(candidate)
                digest = _copy(
                    received.watch(chunks), stream.write, lambda count: reporter.download_advanced(label, count)
                )
            received.check()
            _check(candidate, digest)
            os.replace(temporary, target)
        finally:
            with suppress(OSError):
                temporary.unlink()
            reporter.download_finished(label)
        return digest


class _Received:
    """What came of a file of which a lock states the size and maybe other hashes than sha256."""

    def __init__(self, candidate: Candidate) -> None:
        self._candidate = candidate
        self._stated_bytes = candidate.size_bytes if candidate.hashes else None
        others = (text.partition(":") for text in candidate.hashes)
        self._others = [(name, value, hashlib.new(name)) for name, _, value in others if name != "sha256"]
        self._count = 0

    def watch(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Pass the chunks on; what is more than it may be is not waited for."""
        for chunk in chunks:
            self._count += len(chunk)
            for _, _, hasher in self._others:
                hasher.update(chunk)
            if self._stated_bytes is not None and self._count > self._stated_bytes:
                raise self._mismatch(f"{self._stated_bytes} bytes", "has more")
            yield chunk

    def check(self) -> None:
        """Raise `HashMismatch` where it is not what the lock states."""
        if self._stated_bytes not in (None, self._count):
            raise self._mismatch(f"{self._stated_bytes} bytes", f"has {self._count}")
        for name, value, hasher in self._others:
            if (found := hasher.hexdigest()) != value:
                raise self._mismatch(f"{name} {value}", f"has {found}")

    def _mismatch(self, stated: str, found: str) -> HashMismatch:
        return _mismatch(self._candidate, "the lock", stated, found)


def _copy(chunks: Iterable[bytes], write: Callable[[bytes], object], advanced: Callable[[int], None]) -> str:
    hasher = hashlib.sha256()
    for chunk in chunks:
        write(chunk)
        hasher.update(chunk)
        advanced(len(chunk))
    return hasher.hexdigest()


def _check(candidate: Candidate, digest: str) -> None:
    if candidate.sha256 is not None and digest != candidate.sha256:
        who = "the lock" if candidate.hashes else mask_credentials(candidate.index) or "its URL"
        raise _mismatch(candidate, who, f"sha256 {candidate.sha256}", f"has {digest}")


def _mismatch(candidate: Candidate, who: str, stated: str, found: str) -> HashMismatch:
    return HashMismatch(
        f"{candidate.filename} is not the file that was promised: {who} states {stated}, but what came from "
        f"{mask_credentials(candidate.url)} {found}.",
        hint="Somebody replaced the file, or something on the way changed it. Ask who runs the index"
        + (", or lock again." if candidate.hashes else "."),
    )


def _read_file(candidate: Candidate) -> Iterator[bytes]:
    path = path_from_file_url(candidate.url)
    try:
        with _opened(path) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise IndexUnreachable(f"{path} cannot be read: {error.strerror}.") from error


def _opened(path: Path) -> AbstractContextManager[IO[bytes]]:
    """Open a file, which may be one in a bundle."""
    try:
        return path.open("rb")
    except NotADirectoryError:
        from launcher.script.bundle_file import open_in_bundle  # noqa: PLC0415 - 12 ms, for bundles only

        return open_in_bundle(str(path))
