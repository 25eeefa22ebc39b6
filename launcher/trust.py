"""What from elsewhere may run: the agreements of a person, each a small file of its own in the data directory.

A file for each makes adding one atomic and two launches at once safe without a lock. An agreement is about content, by
its sha256, or about a place, the beginning of addresses up to a slash. Nothing in it is believed that another user
could have put there, and what cannot be read is an error: it must mean neither "nothing" nor "everything".
"""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from launcher.digest import digest_of
from launcher.errors import DataUnusable
from launcher.value import Value

_SHA256 = r"[0-9a-f]{64}"
_TEMPORARY = ".new-"
_LARGEST_BYTES = 1 << 16
_INTRODUCTION = "# An agreement to run what comes from elsewhere; see and change them with: pyscript trust\n"


class Agreement(Value):
    """That what has this sha256, or lies in this place, may run; one of the two is empty.

    `url` is where the content came from, or the file it was read from; `agreed_at` is in seconds since the epoch.
    `lock` is the sha256 of the lock that lay beside a script when it was agreed to: without one it gets what nobody
    fixed.
    """

    sha256: str = ""
    place: str = ""
    url: str = ""
    agreed_at: int = 0
    lock: str = ""

    @property
    def filename(self) -> str:
        """The name of its file, which says what it is about."""
        return f"sha256-{self.sha256}.toml" if self.sha256 else f"place-{digest_of(self.place)}.toml"


class Trust:
    """The agreements in a directory, which is made when the first is added; None for `directory` means there are none.

    Every method raises `DataUnusable` for what another user could have written, and for what is damaged.
    """

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory

    def of_content(self, sha256: str) -> Agreement | None:
        """Return the agreement to content, or None."""
        return self._read(Agreement(sha256=sha256).filename)

    def of_address(self, address: str) -> Agreement | None:
        """Return an agreement to a place that an address lies in, or None."""
        scheme, separator, rest = address.partition("://")
        for end in [at for at, character in enumerate(rest) if character == "/"]:
            place = f"{scheme}{separator}{rest[: end + 1]}"
            if found := self._read(Agreement(place=place).filename):
                return found
        return None

    def add(self, *agreements: Agreement) -> None:
        """Write agreements down, now; one to the same content or place is replaced."""
        directory = self._made() if agreements else Path()
        for each in agreements:
            agreed_at = each.agreed_at or int(time.time())
            about = f'sha256 = "{each.sha256}"' if each.sha256 else f"place = {_quoted(each.place)}"
            text = f"{_INTRODUCTION}version = 1\n{about}\nurl = {_quoted(each.url)}\nagreed_at = {agreed_at}\n"
            text += f'lock = "{each.lock}"\n' if each.lock else ""
            with unusable_data(directory):
                _write(directory / each.filename, text.encode())

    def remove(self, agreement: Agreement) -> bool:
        """Forget an agreement, be its file damaged or not; tell whether there was one."""
        directory = self._checked()
        if directory is None:
            return False
        with unusable_data(directory):
            try:
                os.unlink(directory / agreement.filename)
            except FileNotFoundError:
                return False
        return True

    def all(self) -> tuple[list[Agreement], list[DataUnusable]]:
        """Return all agreements, the oldest first, and what is wrong with files that hold none."""
        directory = self._checked()
        if directory is None:
            return [], []
        agreements, errors = [], []
        with unusable_data(directory):
            names = sorted(name for name in os.listdir(directory) if not name.startswith("."))
        for name in names:
            try:
                if found := self._read(name):
                    agreements.append(found)
            except DataUnusable as error:
                errors.append(error)
        return sorted(agreements, key=lambda each: (each.agreed_at, each.filename)), errors

    def _read(self, name: str) -> Agreement | None:
        directory = self._checked()
        content = None if directory is None else _content(directory / name)
        if directory is None or content is None:
            return None
        try:
            agreement = _parsed(content)
            if agreement.filename != name:
                raise ValueError("it is about something else than its name says")
        except ValueError as error:
            raise _damaged(directory / name, str(error)) from error
        return agreement

    def _checked(self) -> Path | None:
        """Return the directory, or None where there is none yet; raises where it is not this user's alone."""
        directory = self.directory
        if directory is None:
            return None
        try:
            found = os.lstat(directory)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refused(directory, f"cannot be read: {error.strerror}") from error
        if not stat.S_ISDIR(found.st_mode):
            raise _refused(directory, "is no directory")
        _refuse_foreign(directory, found)
        return directory

    def _made(self) -> Path:
        directory = self.directory
        if directory is None:
            raise DataUnusable(
                "There is no place to keep agreements in: neither HOME nor XDG_DATA_HOME is set.",
                hint="Set HOME, or PYSCRIPT_DATA_DIR to a directory of your own.",
            )
        with unusable_data(directory):
            directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileExistsError):
                directory.mkdir(mode=0o700)
        checked = self._checked()
        assert checked is not None
        return checked


def _parsed(content: bytes) -> Agreement:
    """Return the agreement in a file; raises `ValueError` that says why it is none."""
    import tomli  # noqa: PLC0415 - 4 ms, where there is an agreement

    table = tomli.loads(content.decode())
    if table.get("version") != 1:
        raise ValueError("it was written by another version of pyscript")
    sha256, place, url, agreed_at = (table.get(name) for name in ("sha256", "place", "url", "agreed_at"))
    is_one = (isinstance(sha256, str) and re.fullmatch(_SHA256, sha256)) or (
        isinstance(place, str) and "://" in place and place.endswith("/")
    )
    if not is_one or (sha256 and place) or not isinstance(url, str) or not isinstance(agreed_at, int):
        raise ValueError("what it agrees to cannot be told")
    lock = table.get("lock", "")
    if not isinstance(lock, str) or not re.fullmatch(f"(?:{_SHA256})?", lock):
        raise ValueError("which lock it agrees to cannot be told")
    return Agreement(sha256 or "", place or "", url, agreed_at, lock)


def _content(path: Path) -> bytes | None:
    """Return what a file holds that is this user's alone, or None where there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = "is a symbolic link" if path.is_symlink() else f"cannot be read: {error.strerror}"
        raise _refused(path, reason) from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise _refused(path, "is no file")
        _refuse_foreign(path, found)
        return os.read(descriptor, _LARGEST_BYTES)
    finally:
        os.close(descriptor)


def _refuse_foreign(path: Path, found: os.stat_result) -> None:
    if sys.platform == "win32":
        return
    if found.st_uid != os.geteuid():
        raise _refused(path, "belongs to another user")
    if stat.S_IMODE(found.st_mode) & 0o022:
        raise DataUnusable(
            f"Others may write to {path}, so what it says need not be what you agreed to.",
            hint=f"Look at what is in it, then take that right away: chmod go-w {path}",
        )


def _refused(path: Path, reason: str) -> DataUnusable:
    return DataUnusable(
        f"{path}, where it is kept what you agreed to run, {reason}.",
        hint="Remove it, and agree anew, or set PYSCRIPT_DATA_DIR to a directory of your own.",
    )


def _damaged(path: Path, reason: str) -> DataUnusable:
    return DataUnusable(
        f"The agreement {path} is damaged: {reason}.", hint=f"Remove that file, and agree anew: rm {path}"
    )


def _write(path: Path, content: bytes) -> None:
    """Put a file in place, whole and on the disk: an empty one after a power cut would have to be mended by hand."""
    temporary = path.with_name(f"{_TEMPORARY}{os.getpid()}-{os.urandom(6).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            os.write(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _quoted(text: str) -> str:
    r"""Return a text as TOML has it, in ASCII.

    >>> _quoted('a "b" \x1b')
    '"a \\u0022b\\u0022 \\u001b"'
    """
    text = text.encode("utf-8", "replace").decode()
    plain = "".join(each if each.isascii() and each.isprintable() and each not in '"\\' else "" for each in text)
    if plain == text:
        return f'"{text}"'
    escaped = (
        each if each in plain else f"\\U{ord(each):08x}" if ord(each) > 0xFFFF else f"\\u{ord(each):04x}"
        for each in text
    )
    return '"' + "".join(escaped) + '"'


@contextmanager
def unusable_data(path: Path) -> Iterator[None]:
    """Turn an `OSError` about the data directory into a `DataUnusable` that says which path and why."""
    try:
        yield
    except OSError as error:
        raise DataUnusable(
            f"The data directory cannot be used: {error.strerror or error} ({error.filename or path}).",
            hint="Make room or mend the permissions there, or set PYSCRIPT_DATA_DIR to another directory.",
        ) from error
