"""The lock of a script whose block changes: made for the new block before either is written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from launcher.cache import Cache
from launcher.locking import LockDestination, LockRequest, changes_between, make_lock
from launcher.python.query import Interpreter
from launcher.reporter import Reporter
from launcher.request import Needs
from launcher.resolve.lockfile import Lock, read_lock
from launcher.script.source import ScriptSource


@dataclass(frozen=True, slots=True)
class ChangedLock:
    """A lock that is to take the place of the `former` one at its destination."""

    destination: LockDestination
    former: Lock
    lock: Lock

    @property
    def is_changed(self) -> bool:
        """Whether it fixes anything else than before."""
        return not self.lock.says_the_same(self.former)

    @property
    def changes(self) -> tuple[tuple[str, str, str], ...]:
        """What it changes: names, each with the former version and the new one, empty where there is none."""
        return tuple(changes_between(self.former, self.lock))


def place_of_lock(source: ScriptSource) -> LockDestination | None:
    """Return where a script has its lock: in itself, else beside it; None where it has none."""
    embedded = LockDestination(source.path, is_embedded=True)
    if embedded.read() is not None:
        return embedded
    beside = LockDestination(os.path.join(os.path.dirname(source.path), source.lock_name))
    return beside if beside.read() is not None else None


def changed_lock(
    place: LockDestination,
    needs: Needs,
    interpreter: Interpreter,
    cache: Cache,
    reporter: Reporter,
    upgraded: Iterable[str] | None = (),
) -> ChangedLock:
    """Return the lock of a script's new needs; what the former one fixes stays as far as it will do.

    Newer versions are taken of the `upgraded` projects, by canonical name, or of all for None. Raises `InvalidMetadata`
    where the former lock is none, and what resolving raises.
    """
    assert needs.source is not None
    content = place.read()
    assert content is not None, "there is a lock"
    former = read_lock(content, place.label)
    wanted = LockRequest(
        needs=needs,
        interpreter=interpreter,
        directory=os.path.dirname(os.path.abspath(place.path)),
        command=f"pyscript lock {os.path.basename(needs.source.path)}",
        former=former,
        is_upgrade=upgraded is None,
        upgraded=frozenset(upgraded or ()),
    )
    return ChangedLock(place, former, make_lock(wanted, cache, reporter))
