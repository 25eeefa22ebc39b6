"""Scripts from elsewhere: fetched, kept as HTTP lets us keep them, and laid down as a file to be run.

What came is kept by URL, with what the server said of its age (RFC 9111), and laid down by its sha256, in a folder of
its own, together with the lock that lies beside it: `sys.path` shows it nothing else. Nothing here is run, and whether
it may be is said by `launcher.trust`.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from launcher.cache import Bucket, Cache, remove_tree
from launcher.digest import digest_of
from launcher.errors import HashMismatch, NotAvailableOffline, ScriptNotFound
from launcher.remote_entry import Entry, read_entry, write_entry
from launcher.reporter import Reporter
from launcher.script.remote_url import RemoteUrl
from launcher.script.source import lock_name_of
from launcher.settings import Settings
from launcher.value import Value

if TYPE_CHECKING:
    from launcher.remote_download import Download


class RemoteFile(Value):
    """A file as it was fetched.

    `hops` are the URLs that led to it, from the one that was asked to the one that answered, without credentials;
    `commit` is that of a repository, `fetched_at` in seconds since the epoch.
    """

    content: bytes
    sha256: str
    hops: tuple[str, ...]
    fetched_at: float
    commit: str = ""


class RemoteScript(Value):
    """A script from elsewhere, the lock that lies beside it, if any, and the `path` where both were laid down."""

    url: RemoteUrl
    file: RemoteFile
    lock: RemoteFile | None
    path: str

    @property
    def files(self) -> tuple[RemoteFile, ...]:
        """Everything that came from elsewhere."""
        return (self.file, self.lock) if self.lock else (self.file,)

    @property
    def sha256s(self) -> tuple[str, ...]:
        """What has to be agreed to: the sha256 of the script, and of its lock, which says what is installed."""
        return tuple(each.sha256 for each in self.files)


def obtain_script(url: RemoteUrl, settings: Settings, cache: Cache, reporter: Reporter) -> RemoteScript:
    """Return the script at a URL, from the cache where it is fresh, and lay it down.

    Raises `ScriptNotFound` where there is none or something else, `SourceUnreachable`, `NotAvailableOffline`, and
    `HashMismatch` where it is not what the URL's fragment says.
    """
    if not settings.refresh and (kept := kept_script(url, cache, at_any_age=settings.offline)):
        return kept
    if settings.offline:
        raise NotAvailableOffline(
            f"{url.shown} is not in the cache, and offline forbids fetching it.", hint="Run once without --offline."
        )
    # 60 ms: http.client and ssl, or what runs git.
    from launcher.remote_download import Download  # noqa: PLC0415

    reporter.step(f"Fetching {url.shown}")
    lock_url, lock = _lock_url(url), None
    with closing(Download(settings, cache, reporter)) as download:
        file = _file_of(_fetched(download, url, cache, is_script=True))
        if file is None:
            raise ScriptNotFound(f"There is no script at {url.shown}.", hint="Check the URL.")
        if url.sha256 and url.sha256 != file.sha256:
            raise HashMismatch(
                f"{url.shown} is not what its URL says: the sha256 is {file.sha256}, and not {url.sha256}.",
                hint="Nothing of it was run. Ask who gave you the URL.",
            )
        if lock_url:
            # A server that answers everything with a page has no lock.
            lock = _file_of(_fetched(download, lock_url, cache, is_script=False))
    return RemoteScript(url, file, lock, _laid_down(url, file, lock, cache))


def kept_script(url: RemoteUrl, cache: Cache, *, at_any_age: bool = False) -> RemoteScript | None:
    """Return a script and its lock out of the cache, laid down, or None where a server has to be asked.

    What has the sha256 that the URL wants is what the server would say, at any age.
    """
    entry, lock_url = read_entry(url, cache), _lock_url(url)
    lock = read_entry(lock_url, cache) if lock_url else None
    file = _file_of(entry) if entry else None
    lock_file = _file_of(lock) if lock else None
    if entry is None or file is None or (lock_url and lock is None) or url.sha256 not in (None, file.sha256):
        return None
    if not (at_any_age or url.sha256 or 0 <= time.time() - entry.fetched_at < entry.fresh_s):
        return None
    return RemoteScript(url, file, lock_file, _laid_down(url, file, lock_file, cache))


def kept_content(sha256: str, cache: Cache) -> bytes | None:
    """Return the content of a script that was laid down, by its sha256, or None where it is not there any more."""
    for path in cache.path(Bucket.SCRIPTS, "").glob(f"{sha256}-*/*"):
        with suppress(OSError):
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() == sha256:
                return content
    return None


def _lock_url(url: RemoteUrl) -> RemoteUrl | None:
    return url.beside(_lock_name(url))


def _lock_name(url: RemoteUrl) -> str:
    return lock_name_of(url.filename)


def _fetched(download: Download, url: RemoteUrl, cache: Cache, *, is_script: bool) -> Entry:
    entry, is_to_be_kept = download.get(url, read_entry(url, cache), is_script=is_script)
    if is_to_be_kept:
        write_entry(url, entry, cache)
    return entry


def _file_of(entry: Entry) -> RemoteFile | None:
    if entry.content is None:
        return None
    sha256 = hashlib.sha256(entry.content).hexdigest()
    return RemoteFile(entry.content, sha256, entry.hops, entry.fetched_at, entry.commit)


def _laid_down(url: RemoteUrl, file: RemoteFile, lock: RemoteFile | None, cache: Cache) -> str:
    """Return the path of the script in a folder that has only it and its lock, write-protected."""
    contents = {url.filename: file.content}
    if lock is not None:
        contents[_lock_name(url)] = lock.content
    key = f"{file.sha256}-{digest_of(url.filename + (lock.sha256 if lock else ''), 8)}"
    target = cache.path(Bucket.SCRIPTS, key)
    if not _holds(target, contents):
        remove_tree(target)
        with cache.temporary_directory() as directory:
            made = directory / "made"
            made.mkdir(mode=0o700)
            for name, content in contents.items():
                (made / name).write_bytes(content)
                (made / name).chmod(0o400)
            cache.publish(made, Bucket.SCRIPTS, key)
        if sys.platform != "win32":
            target.chmod(0o500)
    with suppress(OSError):
        os.utime(target)  # collection takes those that nobody ran for long
    return str(target / url.filename)


def _holds(target: Path, contents: dict[str, bytes]) -> bool:
    try:
        found = {name: (target / name).read_bytes() for name in os.listdir(target)}
    except OSError:
        return False
    return found == contents
