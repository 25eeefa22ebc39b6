"""Put a file that belongs to a person in place: its old content stays until the whole new one is on the disk."""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import suppress
from secrets import token_hex

from launcher.errors import FileNotWritten

_ANYBODY_MAY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def rewrite(path: str, content: bytes, *, former: bytes | None = None) -> None:
    """Replace the content of a file in one step, or make a file where there is none.

    Whoever reads it, or is killed at any moment, finds the old content or the new. Symbolic links are followed and
    stay; permissions, owner and extended attributes are kept. `former` is what the new content was made from: the file
    is left alone where it holds anything else by now.

    Raises `FileNotWritten` where it is no regular file, is read-only, has changed, or cannot be written.
    """
    target = os.path.realpath(path)
    try:
        try:
            status = os.stat(target)
        except FileNotFoundError:
            if former is not None:
                raise
            status = None
        if status is not None:
            _refuse(path, status)
        temporary = _temporary(target, content, status)
        try:
            if former is not None:
                _refuse_change(path, former)
            os.replace(temporary, target)
        except BaseException:
            _discard(temporary)
            raise
    except OSError as error:
        raise _not_written(path, target, error) from error
    _settle(os.path.dirname(target))


def write_new(path: str, content: bytes, *, is_executable: bool = False) -> None:
    """Write a file that is not there yet, whole or not at all.

    Its permissions are those that new files get here, with the right to execute wherever there is one to read if it
    `is_executable`. Raises `FileNotWritten` where something of that name is there, or it cannot be written.
    """
    target = os.path.abspath(path)
    try:
        temporary = _temporary(target, content, None, is_executable=is_executable)
        try:
            _put_in_place(temporary, target)
        except BaseException:
            _discard(temporary)
            raise
    except FileExistsError as error:
        raise FileNotWritten(
            f"{path} is there already.", hint="Give another name, or remove it first; nothing was changed."
        ) from error
    except OSError as error:
        raise _not_written(path, target, error) from error
    _settle(os.path.dirname(target))


def _put_in_place(temporary: str, target: str) -> None:
    """Give a file its name unless the name is taken; raises `FileExistsError`."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
        os.rename(temporary, target)
    else:
        os.unlink(temporary)


def _temporary(target: str, content: bytes, status: os.stat_result | None, *, is_executable: bool = False) -> str:
    """Write a file beside `target` and return its path; it has the attributes of the one with this `status`."""
    directory, name = os.path.split(target)
    temporary = os.path.join(directory, f".{name[:100]}.{token_hex(8)}.tmp")
    # What is new gets the permissions that the umask, or the directory's access list, leaves of these.
    mode = 0o600 if status else 0o777 if is_executable else 0o666
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(temporary, flags, mode)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            if status is not None:
                _take_attributes(temporary, target, status)
            os.fsync(stream.fileno())
    except BaseException:
        _discard(temporary)
        raise
    return temporary


def _take_attributes(temporary: str, target: str, status: os.stat_result) -> None:
    if sys.platform != "win32":
        with suppress(OSError):  # only root gives files away, and a group that one is not in is no reason to fail
            os.chown(temporary, status.st_uid, status.st_gid)
    if sys.platform == "linux":
        with suppress(OSError):
            for name in os.listxattr(target):
                with suppress(OSError):
                    os.setxattr(temporary, name, os.getxattr(target, name))
    os.chmod(temporary, stat.S_IMODE(status.st_mode))


def _refuse(path: str, status: os.stat_result) -> None:
    """Raise `FileNotWritten` for what a new file must not take the place of."""
    if stat.S_ISDIR(status.st_mode):
        raise FileNotWritten(f"{path} is a directory.", hint="Give the path of a file.")
    if not stat.S_ISREG(status.st_mode):
        raise FileNotWritten(f"{path} is no regular file, so it cannot be rewritten.", hint="Give the path of a file.")
    if sys.platform != "win32" and os.statvfs(path).f_flag & os.ST_RDONLY:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
    # A rename asks the directory only, and root may do anything; but who takes the right away means it.
    if not status.st_mode & _ANYBODY_MAY_WRITE or not os.access(path, os.W_OK):
        hint = "Take away its read-only attribute." if os.name == "nt" else f"To allow it: chmod u+w {path}"
        raise FileNotWritten(f"{path} is read-only, so it was left as it is.", hint=hint)


def _refuse_change(path: str, former: bytes) -> None:
    """Raise `FileNotWritten` where the file holds something else than `former`."""
    with open(path, "rb") as stream:
        if stream.read(len(former) + 1) == former:
            return
    raise FileNotWritten(
        f"{path} was changed by somebody else in the meantime, so it was left as it is.", hint="Try again."
    )


def _not_written(path: str, target: str, error: OSError) -> FileNotWritten:
    directory = os.path.dirname(target)
    if isinstance(error, FileNotFoundError):
        hint = None if os.path.isdir(directory) else f"Make the directory first: {directory}"
        return FileNotWritten(f"{path} cannot be written: it, or its directory, is not there.", hint=hint)
    if error.errno == errno.EROFS:
        return FileNotWritten(
            f"{path} cannot be written: it is on a file system that is read-only.", hint="Work on a copy elsewhere."
        )
    if isinstance(error, PermissionError):
        return FileNotWritten(
            f"{path} cannot be written: there is no permission to make a file in {directory}.",
            hint="The new file is made beside the old one, which it then replaces; both stay whole that way.",
        )
    reason = error.strerror or str(error)
    return FileNotWritten(f"{path} cannot be written: {reason}.", hint="It was left as it was.")


def _discard(temporary: str) -> None:
    with suppress(OSError):
        os.unlink(temporary)


def _settle(directory: str) -> None:
    """Let the new name survive a power cut, where the system lets one ask for that."""
    if os.name == "nt":
        return
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
