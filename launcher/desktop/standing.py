"""How a registration stands: whether it is whole, what others changed in it, and what opens files by now."""

from __future__ import annotations

import os
from collections.abc import Mapping

from launcher.desktop import linux, windows
from launcher.desktop.applications import Homes, default_application
from launcher.desktop.changes import SCRIPT_TYPE
from launcher.desktop.journal import Journal, Record, State
from launcher.desktop.machine import Machine
from launcher.errors import PyscriptError
from launcher.value import Value

_AGAIN = "pyscript desktop install mends it"


class Standing(Value):
    """What is found of a registration.

    `openers` maps each kind of file that is claimed to what opens it now, by the system's own name, empty where nothing
    does; `changed` maps places that are not as we left them to why. `problems` are sentences without their ends.
    """

    journal: Journal
    is_handler_there: bool
    openers: Mapping[str, str]
    changed: Mapping[str, str]
    problems: tuple[str, ...]

    @property
    def taken_over_by(self) -> Mapping[str, str]:
        """The kinds of files that somebody else opens by now, and who."""
        ours = (linux.APPLICATION, *windows.PROG_IDS.values())
        return {kind: opener for kind, opener in self.openers.items() if opener and opener not in ours}


def standing_of(journal: Journal, machine: Machine, environ: Mapping[str, str]) -> Standing:
    """Return how what a journal describes stands on this machine."""
    found = Standing(
        journal=journal,
        is_handler_there=os.access(journal.handler, os.X_OK),
        openers=_openers(journal, machine, environ),
        changed={str(each.place): why for each in journal.records if (why := _change(each, machine))},
        problems=(),
    )
    return Standing(found.journal, found.is_handler_there, found.openers, found.changed, _problems(found, environ))


def _problems(found: Standing, environ: Mapping[str, str]) -> tuple[str, ...]:
    journal = found.journal
    problems = []
    if journal.state is not State.COMPLETE:
        what = "installation" if journal.state is State.INSTALLING else "removal"
        cure = _AGAIN if journal.state is State.INSTALLING else "pyscript desktop uninstall ends it"
        problems.append(f"the {what} was interrupted; {cure}")
    if not found.is_handler_there:
        problems.append(f"{journal.handler} is gone, so files open in another application; {_AGAIN}")
    problems += [f"{place} {why}; {_AGAIN}" for place, why in found.changed.items()]
    problems += [f"{kind} is opened by {opener} now; {_AGAIN}" for kind, opener in found.taken_over_by.items()]
    if journal.platform == "linux":
        problems += [f"{kind} is opened by nothing; {_AGAIN}" for kind, opener in found.openers.items() if not opener]
        if not _is_type_known(Homes.of(environ)):
            problems.append(f"the database of MIME types does not know {SCRIPT_TYPE}; {_AGAIN}")
    return tuple(problems)


def _change(record: Record, machine: Machine) -> str:
    """Return what others did to a place, as the end of a sentence; empty where that is nothing of our business."""
    try:
        found = machine.read(record.place)
    except PyscriptError:
        return "cannot be read"
    if found is None:
        return "is missing"
    return "" if record.application or record.is_ours(found) else "was changed by somebody else"


def _openers(journal: Journal, machine: Machine, environ: Mapping[str, str]) -> dict[str, str]:
    if journal.platform == "linux":
        types = (SCRIPT_TYPE, *(linux.PYTHON_TYPES if journal.is_for_all_python else ()))
        homes = Homes.of(environ)
        return {each: default_application(each, homes) or "" for each in types}
    if journal.platform == "win32":
        # Where nobody chose anything, Windows asks at the first double-click.
        return {suffix: windows.chosen(machine.registry, suffix) or "" for suffix in windows.PROG_IDS}
    return {}


def _is_type_known(homes: Homes) -> bool:
    try:
        with open(os.path.join(homes.data, "mime", "mime.cache"), "rb") as stream:
            return SCRIPT_TYPE.encode() in stream.read()
    except OSError:
        return False
