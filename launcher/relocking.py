"""A lock that is outdated, made anew by the launch that meets it."""

from __future__ import annotations

import os

from launcher.cache import Cache
from launcher.errors import FileNotWritten, InvalidMetadata, LockOutdated
from launcher.locking import LockDestination, LockRequest, changes_between, make_lock
from launcher.python.query import Interpreter
from launcher.reporter import Reporter
from launcher.request import Needs
from launcher.resolve.locked import read_script_lock
from launcher.resolve.lockfile import Lock
from launcher.resolve.script_lock import ScriptLock
from launcher.value import replace

_MOST_CHANGES = 4
"""So many fit on a line or two."""


def relock(
    needs: Needs, interpreter: Interpreter, outdated: LockOutdated | None, cache: Cache, reporter: Reporter
) -> ScriptLock:
    """Return a script's lock made anew, written where the former one was; without `outdated`, with newest versions.

    `needs` are the script's own. Where the lock cannot be written, this launch uses it all the same, with a warning.
    Raises what resolving raises.
    """
    former = needs.lock
    assert former is not None and needs.source is not None, "there is a lock to be made anew"
    read = read_script_lock(former)
    path = needs.source.path
    wanted = LockRequest(
        needs=needs,
        interpreter=interpreter,
        directory=former.directory or os.getcwd(),
        command=f"pyscript lock {os.path.basename(path)}",
        former=read,
        is_upgrade=needs.settings.upgrade,
    )
    lock = make_lock(wanted, cache, reporter)
    if lock.says_the_same(read):
        return former
    _write(lock, former, needs, reporter)
    reporter.detail(_note(former, outdated, read, lock), level=0)
    return replace(former, text=lock.to_text())


def _write(lock: Lock, former: ScriptLock, needs: Needs, reporter: Reporter) -> None:
    destination = LockDestination(former.path, is_embedded=former.is_embedded)
    try:
        if needs.source is None or not needs.source.is_regular_file:
            raise FileNotWritten(f"{former.label} cannot be written: the script is no file.")
        destination.write(lock)
    except (FileNotWritten, InvalidMetadata) as error:
        reporter.warning(f"{error.message} The lock that was made is used and not kept.")


def _note(former: ScriptLock, outdated: LockOutdated | None, read: Lock, lock: Lock) -> str:
    """Return what was locked again, why, and what that changed."""
    changes = [
        f"{name} {before} -> {after}"
        if before and after
        else f"{name} {after or before} {'added' if after else 'gone'}"
        for name, before, after in changes_between(read, lock)
    ]
    shown = ", ".join(changes[:_MOST_CHANGES]) + f" and {len(changes) - _MOST_CHANGES} more" * (
        len(changes) > _MOST_CHANGES
    )
    why = f" ({outdated.message.partition(' is outdated: ')[2].rstrip('.')})" if outdated else ""
    return f"Locked again: {former.label}{why}. " + (f"{shown}." if shown else "No version has changed.")
