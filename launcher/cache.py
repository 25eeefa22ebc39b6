"""The cache directory: its buckets, how things get into them whole, and the locks between launches.

Everything is made in ``tmp/`` and renamed into place, so a reader sees nothing or the whole. A kill
at any moment leaves at most a stray entry in ``tmp/``, which collection removes.
"""

from __future__ import annotations

import os
import stat
import sys
import time

# `threading` takes 1 ms, and the launcher starts no thread for what is cached.
from _thread import allocate_lock
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path

from launcher.errors import CacheUnusable
from launcher.reporter import Reporter

_LOCK_POLL_S = 0.005
"""filelock's own 50 ms would be longer than composing an environment takes."""

MAKE_ROOM = "Make room or mend the permissions there, or set PYSCRIPT_CACHE_DIR to another directory."
"""The hint where something cannot be written into the cache."""

_TAG = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This directory is a cache made by pyscript. Remove it with: pyscript cache clean\n"
    "# See https://bford.info/cachedir/\n"
)
_TAG_FILE = "CACHEDIR.TAG"
_COLLECTED = "collected"
"""The file whose time says when the last collection was."""

_COLLECT_EVERY_S = 86_400
"""Looking takes 10 ms for a thousand environments."""


class Bucket(StrEnum):
    """The parts of the cache; each name carries the version of its own format."""

    HTTP = "http-v1"
    SCRIPTS = "scripts-v1"
    INDEX = "index-v1"
    METADATA = "metadata-v1"
    WHEELS = "wheels-v1"
    BUILT = "built-v1"
    INTERPRETERS = "interpreters-v1"
    RESOLUTIONS = "resolutions-v1"
    ENVIRONMENTS = "environments-v1"
    BUNDLES = "bundles-v1"
    LAUNCH = "launch-v1"
    WORKSPACES = "workspaces-v1"
    LOCKS = "locks"
    TMP = "tmp"


class Cache:
    """One user's cache below `root`; made on first use, owner-only.

    What is half made is in ``tmp/``, or in `workplace`, a directory there.
    """

    def __init__(self, root: str | os.PathLike[str], *, workplace: str | None = None) -> None:
        self.root = Path(root)
        self._workplace = workplace
        self._is_checked = False
        self._temporaries: set[Path] = set()
        self._temporaries_lock = allocate_lock()
        self._is_abandoned = False

    def directory(self, bucket: Bucket) -> Path:
        """Return the directory of a bucket, made where it is missing.

        Raises `CacheUnusable` where it cannot be made or belongs to somebody else.
        """
        self._check_root()
        path = self.root / bucket
        if not path.is_dir():
            with _unusable(path):
                path.mkdir(mode=0o700, exist_ok=True)
        return path

    def path(self, bucket: Bucket, key: str) -> Path:
        """Return where the entry `key` of a bucket is or would be; nothing is made."""
        return self.root / bucket / key

    def read(self, bucket: Bucket, key: str) -> bytes | None:
        """Return the content of a file entry, or None where there is none that can be read."""
        try:
            return self.path(bucket, key).read_bytes()
        except OSError:
            return None

    def write(self, bucket: Bucket, key: str, content: bytes) -> Path:
        """Put a file entry in place, whole, and return its path. The last writer wins."""
        path = self.directory(bucket) / key
        self.write_file(path, content)
        return path

    def write_file(self, path: Path, content: bytes) -> None:
        """Write a file anywhere inside the cache by way of ``tmp/`` and a rename."""
        with _unusable(path):
            temporary = self._temporary_path()
            try:
                with open(temporary, "xb", opener=_owner_only) as stream:
                    stream.write(content)
                try:
                    os.replace(temporary, path)
                except FileNotFoundError:
                    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    os.replace(temporary, path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary)
                raise

    @property
    def collected_marker(self) -> Path:
        """The file whose time says when the last collection was."""
        return self.root / _COLLECTED

    def is_due_for_collection(self) -> bool:
        """Tell at most once a day that it is time to collect; the very first call only starts the clock."""
        try:
            is_due = time.time() - os.stat(self.collected_marker).st_mtime > _COLLECT_EVERY_S
            is_known = True
        except OSError:
            is_due = is_known = False
        if is_due or not is_known:
            with suppress(OSError):
                self.collected_marker.touch(mode=0o600)
        return is_due

    @contextmanager
    def temporary_directory(self) -> Iterator[Path]:
        """Give a new directory on the cache's filesystem; what is left in it afterwards is removed."""
        with _unusable(self.root / Bucket.TMP), self._temporaries_lock:
            if self._is_abandoned:
                raise CacheUnusable("The launch was given up.")
            path = Path(self._temporary_path())
            self._temporaries.add(path)
            path.mkdir(mode=0o700)
        try:
            # What is done in it is writing: a full disk in there is a matter of the cache as well.
            with _unusable(path):
                yield path
        finally:
            remove_tree(path)
            self._temporaries.discard(path)

    def abandon(self) -> None:
        """Remove what is half made and make nothing more, because the process ends or becomes another program."""
        with self._temporaries_lock:
            self._is_abandoned = True
            half_made = tuple(self._temporaries)
        for path in half_made:
            self.give_up(path)

    def give_up(self, temporary: Path) -> None:
        """Remove a temporary directory that a thread may still be writing into: it finds none there any more."""
        victim = temporary.with_name(f"{temporary.name}-abandoned")
        # Known before it is there: who is interrupted in between leaves it to `abandon`.
        self._temporaries.add(victim)
        with suppress(OSError):
            temporary.rename(victim)
        remove_tree(victim)
        self._temporaries.discard(victim)

    def publish(self, made: Path, bucket: Bucket, key: str) -> Path:
        """Rename the directory `made` into a bucket and return where it is now.

        Where somebody else published the same key first, theirs stays and `made` is left to its temporary directory.
        """
        target = self.directory(bucket) / key
        with _unusable(target):
            try:
                os.rename(made, target)
            except OSError:
                if not target.is_dir():
                    raise
        return target

    @contextmanager
    def lock(self, name: str, reporter: Reporter, waiting_for: str) -> Iterator[None]:
        """Hold the lock called `name` against every other process and thread.

        Where it is taken, the reporter hears once what is being waited for. Raises `CacheUnusable` where the lock
        cannot be had, for example on a filesystem without locks.
        """
        with self.lock_at_once(name) as is_held:
            if is_held:
                yield
                return
        # 40 ms, and only a launch that is not alone needs it.
        from filelock import FileLock  # noqa: PLC0415

        path = self.directory(Bucket.LOCKS) / f"{name}.lock"
        lock = FileLock(path, mode=0o600, thread_local=False)
        reporter.step(f"Waiting for another launch that is {waiting_for}")
        with _unusable(path):
            lock.acquire(poll_interval=_LOCK_POLL_S)
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def lock_at_once(self, name: str) -> Iterator[bool]:
        """Hold the lock called `name` where nobody else has it, and tell whether it is held; raises as `lock` does."""
        path = self.directory(Bucket.LOCKS) / f"{name}.lock"
        held = _taken_at_once(path)
        if held is not None:
            try:
                yield True
            finally:
                os.close(held)
            return
        # As in `lock`.
        from filelock import FileLock, Timeout  # noqa: PLC0415

        lock = FileLock(path, mode=0o600, thread_local=False)
        with _unusable(path), suppress(Timeout):
            lock.acquire(timeout=0)
        try:
            yield lock.is_locked
        finally:
            lock.release()

    def _temporary_path(self) -> str:
        """Return a new name in ``tmp/``; importing tempfile takes 5 ms, and the directory is ours alone."""
        workplace = self._workplace or self.directory(Bucket.TMP)
        return f"{workplace}/{os.getpid()}-{os.urandom(6).hex()}"

    def check(self) -> None:
        """Raise `CacheUnusable` where the cache is there and not to be trusted; what is not there yet is fine."""
        if self.root.exists():
            self._check_root()

    def clear(self) -> None:
        """Remove everything that pyscript put into the cache, and the directory itself where nothing else is in it."""
        for name in (*Bucket, _COLLECTED, _TAG_FILE):
            remove_tree(self.root / name)
        with suppress(OSError):
            self.root.rmdir()

    def _check_root(self) -> None:
        if self._is_checked:
            return
        with _unusable(self.root):
            is_new = self._make_root()
            found = self.root.stat()
            if sys.platform != "win32" and found.st_uid != os.geteuid():
                raise CacheUnusable(
                    f"The cache directory {self.root} belongs to another user.",
                    hint="Set PYSCRIPT_CACHE_DIR to a directory of your own.",
                )
            tag = self.root / _TAG_FILE
            # First what is in it, then the tag: whoever makes a cache at the same time writes the tag before all else.
            if not is_new and any(self.root.iterdir()) and not _is_our_tag(tag):
                raise CacheUnusable(
                    f"{self.root} is not a cache of pyscript: other things are in it.",
                    hint="Set --cache-dir or PYSCRIPT_CACHE_DIR to an empty directory, or to a new one.",
                )
            if not tag.exists():
                tag.write_text(_TAG, encoding="ascii")
            if sys.platform != "win32" and stat.S_IMODE(found.st_mode) & 0o022:
                self.root.chmod(0o700)
        self._is_checked = True

    def _make_root(self) -> bool:
        self.root.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self.root.mkdir(mode=0o700)
        except FileExistsError:
            return False
        return True


def _taken_at_once(path: Path) -> int | None:
    """Return the descriptor of a lock that nobody else has, as filelock takes it; None for whatever is not as simple.

    flock(2) on the file, left in place: what filelock does on Unix. Closing the descriptor gives the lock back.
    """
    if sys.platform == "win32":
        return None
    import fcntl  # noqa: PLC0415 - there is none on Windows

    try:
        handle = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CREAT, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_nlink:
            return handle
    except OSError:
        pass
    os.close(handle)
    return None


def remove_tree(path: Path, on_removed: Callable[[int], None] | None = None) -> None:
    """Remove a file or directory inside the cache, write-protected ones included; what is gone already is fine.

    `on_removed` hears the size in bytes of each removed file.
    """
    if path.is_symlink() or not path.is_dir():
        with suppress(OSError):
            size = path.lstat().st_size
            path.unlink()
            if on_removed:
                on_removed(size)
        return
    for directory, directory_names, file_names in os.walk(path):
        with suppress(OSError):
            os.chmod(directory, 0o700)
        for name in [*file_names, *(n for n in directory_names if os.path.islink(os.path.join(directory, n)))]:
            entry = os.path.join(directory, name)
            with suppress(OSError):
                found = os.lstat(entry)
                if sys.platform == "win32":
                    os.chmod(entry, stat.S_IWRITE)
                os.unlink(entry)
                if on_removed and found.st_nlink == 1 and not stat.S_ISLNK(found.st_mode):
                    on_removed(found.st_size)
    for directory, _, _ in os.walk(path, topdown=False):
        with suppress(OSError):
            os.rmdir(directory)


def _is_our_tag(tag: Path) -> bool:
    """Tell whether this is the tag of a cache of ours, of any version; another launch may have written half of it."""
    try:
        content = tag.read_bytes()
    except OSError:
        return False
    return b"made by pyscript" in content or _TAG.encode("ascii").startswith(content)


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextmanager
def _unusable(path: Path) -> Iterator[None]:
    """Turn an `OSError` about the cache into a `CacheUnusable` that says which path and why."""
    try:
        yield
    except OSError as error:
        raise CacheUnusable(
            f"The cache cannot be used: {error.strerror or error} ({error.filename or path}).",
            hint=MAKE_ROOM,
        ) from error
