"""A lock that is outdated, made anew by the launch that meets it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from launcher.cache import Cache
from launcher.errors import FileNotWritten, InvalidMetadata, LockOutdated
from launcher.locking import LockDestination, LockRequest, changes_between, make_lock
from launcher.python.query import Interpreter
from launcher.reporter import Reporter
from launcher.request import Needs
from launcher.resolve.locked import read_script_lock
from launcher.resolve.lockfile import Lock
from launcher.resolve.resolution import DECIDING_SETTINGS
from launcher.resolve.script_lock import ScriptLock
from launcher.settings import Settings
from launcher.value import replace

_MOST_CHANGES = 4
"""So many fit on a line or two."""


def relock(
    needs: Needs, interpreter: Interpreter, outdated: LockOutdated | None, cache: Cache, reporter: Reporter
) -> ScriptLock:
    """Return a script's lock made anew, written where the former one was; without `outdated`, with newest versions.

    `needs` are the script's own. Where the lock cannot be written, this launch uses it all the same, with a warning;
    and with a note where it is made for options that the former one was not made for: they are of this launch, and the
    versions that they bring would stay for all others. Raises what resolving raises.
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
    if (
        not needs.settings.upgrade
        and _settings_of(read) != _settings_of(lock)
        and (options := _options(needs.settings))
    ):
        shown = _shown(read, lock)
        reporter.detail(_note_of_one_launch(former, options, shown), level=0 if shown else 1)
    else:
        _write(lock, former, needs, reporter)
        reporter.detail(_note(former, outdated, read, lock), level=0)
    return replace(former, text=lock.to_text())


def _settings_of(lock: Lock) -> str:
    return lock.terms.settings if lock.terms else ""


def _options(settings: Settings) -> list[str]:
    """Return the options of the command line that decide about versions."""
    origins = (settings.origins.get(name, "") for name in DECIDING_SETTINGS)
    return [origin for origin in origins if origin.startswith("--")]


def _write(lock: Lock, former: ScriptLock, needs: Needs, reporter: Reporter) -> None:
    destination = LockDestination(former.path, is_embedded=former.is_embedded)
    try:
        if needs.source is None or not needs.source.is_regular_file:
            raise FileNotWritten(f"{former.label} cannot be written: the script is no file.")
        destination.write(lock)
    except (FileNotWritten, InvalidMetadata) as error:
        reporter.warning(f"{error.message} The lock that was made is used and not kept.")


def _note_of_one_launch(former: ScriptLock, options: Sequence[str], shown: str) -> str:
    """Return what one launch gets in another version than all others."""
    gets = f"it gets other versions: {shown}." if shown else "it gets the same versions."
    label = f"{former.label[:1].upper()}{former.label[1:]}" if former.is_embedded else former.label
    return f"{label} stays as it is, because {' and '.join(options)} is for this launch; {gets}"


def _note(former: ScriptLock, outdated: LockOutdated | None, read: Lock, lock: Lock) -> str:
    """Return what was locked again, why, and what that changed."""
    shown = _shown(read, lock)
    why = f" ({outdated.message.partition(' is outdated: ')[2].rstrip('.')})" if outdated else ""
    return f"Locked again: {former.label}{why}. " + (f"{shown}." if shown else "No version has changed.")


def _shown(read: Lock, lock: Lock) -> str:
    """Return the first few changes of versions in words; empty where there are none."""
    changes = [
        f"{name} {before} -> {after}"
        if before and after
        else f"{name} {after or before} {'added' if after else 'gone'}"
        for name, before, after in changes_between(read, lock)
    ]
    more = f" and {len(changes) - _MOST_CHANGES} more" * (len(changes) > _MOST_CHANGES)
    return ", ".join(changes[:_MOST_CHANGES]) + more
