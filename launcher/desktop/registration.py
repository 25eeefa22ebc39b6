"""Carrying a plan out, and undoing that: each place is left as it was found, unless somebody changed it since.

The journal is written before the first change, with all that will be changed, and goes after the last was undone. So
at every moment in between both ways are open, and what was interrupted is no special case: a place holds what was
there before, or what we wrote, or what somebody else wrote, and that is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import StrEnum

from launcher import __version__
from launcher.desktop.association_file import with_default, without_application
from launcher.desktop.changes import MARK, Kind, Place, Plan, Wanted
from launcher.desktop.databases import refresh, restore, snapshot
from launcher.desktop.journal import Journal, JournalFile, Record, State, sha256_of
from launcher.desktop.machine import Machine
from launcher.errors import PyscriptError
from launcher.value import Value, replace


class Outcome(StrEnum):
    """What becomes, or became, of a place."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    RESTORED = "restored"
    KEPT = "kept"


class Effect(Value):
    """A place and what becomes of it; `note` says why something is kept, `lines` what is claimed or set in it."""

    place: Place
    outcome: Outcome
    note: str = ""
    lines: tuple[str, ...] = ()


class Step(Value):
    """A place on the way to a plan: what is `found` there, what it shall hold, and what is noted of it."""

    wanted: Wanted
    record: Record
    found: bytes | None
    content: bytes

    @property
    def effect(self) -> Effect:
        """What this step does."""
        outcome = Outcome.NEW if self.found is None else Outcome.CHANGED
        if self.found == self.content:
            outcome = Outcome.UNCHANGED
        return Effect(self.wanted.place, outcome, lines=self.wanted.lines)


def install(plan: Plan, file: JournalFile, machine: Machine, on_wait: Callable[[], None]) -> tuple[Effect, ...]:
    """Carry a plan out, in the place of whatever was installed before; after an error nothing is installed.

    Raises a `PyscriptError` that says what was in the way.
    """
    with file.locked(on_wait) as made:
        former = file.read()
        steps = steps_to(plan, former, machine)
        dropped = leftover(plan, former)
        journal = _journal(plan, former, steps, machine)
        journal = replace(journal, records=(*dropped, *journal.records), made=_unique((*journal.made, *made)))
        file.write(journal)
        try:
            for step in steps:
                machine.sweep(step.wanted.place)
                _take(step, machine)
            removed = [_undo_one(record, machine) for record in dropped]
            for database in plan.databases:
                refresh(database, machine)
        except BaseException:
            with suppress(PyscriptError):
                _undo(journal, file, machine)
            raise
        _announce(plan.refreshes, machine)
        settled = tuple(replace(step.record, written=step.record.written[:1]) for step in steps)
        file.write(replace(journal, state=State.COMPLETE, records=settled))
        return (*(step.effect for step in steps), *removed)


def uninstall(file: JournalFile, machine: Machine, on_wait: Callable[[], None]) -> tuple[Effect, ...] | None:
    """Undo what the journal says, and return what became of each place; None where nothing is installed.

    Raises the first `PyscriptError` that kept a place from being undone, after all others were; it can be tried again.
    """
    with file.locked(on_wait):
        journal = file.read()
        if journal is None:
            return None
        file.write(replace(journal, state=State.UNINSTALLING))
        effects = _undo(journal, file, machine)
        _announce(journal.refreshes, machine)
        return effects


def steps_to(plan: Plan, former: Journal | None, machine: Machine) -> tuple[Step, ...]:
    """Return what there is to do for a plan, given the journal of what is installed."""
    steps = []
    for wanted in plan.wanted:
        found = machine.read(wanted.place)
        known = former.record_of(wanted.place) if former else None
        before = _before(wanted, found, known)
        content = wanted.content
        if wanted.place.kind is Kind.SHARED:
            content = before or b""
            for mime_type in wanted.claimed:
                content = with_default(content, mime_type, wanted.application)
        written = (sha256_of(content), *(known.written if known else ()))
        record = Record(wanted.place, before, written, wanted.application)
        steps.append(Step(wanted, record, found, content))
    return tuple(steps)


def leftover(plan: Plan, former: Journal | None) -> tuple[Record, ...]:
    """Return the records of what is installed and the plan does not want any more."""
    wanted = {each.place for each in plan.wanted}
    return tuple(each for each in former.records if each.place not in wanted) if former else ()


def undone(record: Record, machine: Machine) -> Effect:
    """Return what undoing a record does to its place."""
    return _effect(record, *_target(record, machine))


def _journal(plan: Plan, former: Journal | None, steps: Sequence[Step], machine: Machine) -> Journal:
    """Return the journal of a registration that begins."""
    ours = {each.place.path for each in plan.wanted}
    known = {each.database: each for each in former.snapshots} if former else {}
    missing = (path for each in plan.wanted for path in machine.missing_containers(each.place))
    return Journal(
        state=State.INSTALLING,
        version=__version__,
        platform=plan.platform,
        handler=plan.handler,
        is_for_all_python=plan.is_for_all_python,
        opener=plan.opener,
        records=tuple(step.record for step in steps),
        made=_unique((*(former.made if former else ()), *missing)),
        snapshots=tuple(known.get(each) or snapshot(each, ours) for each in plan.databases),
        refreshes=plan.refreshes,
    )


def _before(wanted: Wanted, found: bytes | None, known: Record | None) -> bytes | None:
    """Return what belongs in a place without us, as it is found and was recorded."""
    if found is None or (known and known.is_ours(found)):
        return known.before if found is not None and known else None
    kind = wanted.place.kind
    if kind is Kind.SHARED:
        return _without(found, wanted.application, known.before if known else None)
    if kind is Kind.FILE and known:
        return known.before
    # The journal of an earlier installation may have been lost.
    is_ours = MARK.encode() in found if kind is Kind.FILE else found == wanted.content and known is None
    return None if is_ours else found


def _without(found: bytes, application: str, before: bytes | None) -> bytes | None:
    """Return a shared file without us; None for one that is empty then, and was not there before us."""
    rest = without_application(found, application, former=before)
    return None if rest != found and not rest.strip() and before is None else rest


def _take(step: Step, machine: Machine) -> None:
    if step.found != step.content:
        is_executable = step.wanted.is_executable
        machine.write(step.wanted.place, step.content, former=step.found, is_executable=is_executable)


def _undo(journal: Journal, file: JournalFile, machine: Machine) -> tuple[Effect, ...]:
    """Undo all records, then what was generated and made for them, then the journal."""
    effects: list[Effect] = []
    errors: list[PyscriptError] = []
    for record in reversed(journal.records):
        try:
            effects.append(_undo_one(record, machine))
        except PyscriptError as error:
            errors.append(error)
    for former in journal.snapshots:
        try:
            restore(former, journal.paths, machine)
        except PyscriptError as error:
            place = Place(Kind.FILE, former.database.directory)
            effects.append(Effect(place, Outcome.KEPT, f"what is generated in it was not put back: {error}"))
    for path in reversed(journal.made):
        machine.remove_container(path)
    if errors:
        raise errors[0]
    file.remove()
    for path in reversed(journal.made):
        machine.remove_container(path)
    return tuple(effects)


def _undo_one(record: Record, machine: Machine) -> Effect:
    """Bring a place back to what it was, unless somebody changed it, and return what became of it."""
    machine.sweep(record.place)
    found, target = _target(record, machine)
    if found != target:
        machine.write(record.place, target, former=found)
    return _effect(record, found, target)


def _target(record: Record, machine: Machine) -> tuple[bytes | None, bytes | None]:
    """Return what is found in a place, and what it shall hold when we are gone."""
    found = machine.read(record.place)
    if found is None:
        return found, None
    if record.is_ours(found):
        return found, record.before
    return found, _without(found, record.application, record.before) if record.application else found


def _effect(record: Record, found: bytes | None, target: bytes | None) -> Effect:
    if found != target:
        return Effect(record.place, Outcome.REMOVED if target is None else Outcome.RESTORED)
    is_changed = found not in (None, record.before) and not record.is_ours(found) and not record.application
    if is_changed:
        return Effect(record.place, Outcome.KEPT, "it was changed by somebody else")
    return Effect(record.place, Outcome.UNCHANGED)


def _announce(refreshes: Sequence[Sequence[str]], machine: Machine) -> None:
    """Tell the system of changes that it finds out by itself too, only later."""
    machine.announce()
    for words in refreshes:
        with suppress(PyscriptError):
            machine.run(words)


def _unique(paths: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(paths))
