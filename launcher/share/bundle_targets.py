"""From the cells that sets of wheels serve to the targets of a bundle, and to words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, pairwise

from launcher.python.bundle_fit import SYSTEM_NAMES, is_for, machine_name, machine_of
from launcher.python.query import Interpreter
from launcher.resolve.platforms import Platform
from launcher.script.bundle_manifest import BundleTarget, Version
from launcher.share.reach import FUTURE, Cell, WheelSet, cells_of, libc_of, platforms_of_the_world
from launcher.value import replace

_SYSTEMS = {"macos": "darwin", "windows": "win32"}
_FUTURE = tuple(int(part) for part in FUTURE.split("."))

Number = Callable[[WheelSet, str], int]
"""Returns the number in the bundle of a set's wheel by its name."""


def targets_of(sets: Sequence[WheelSet], requires_python: str | None, number_of: Number) -> tuple[BundleTarget, ...]:
    """Return where the sets run: the interpreters that they were made for first, then all others that they serve.

    An interpreter takes the first target that it fits.
    """
    found = []
    for chosen in sets:
        cells = list(cells_of(chosen, requires_python))
        if not any(_has(cell, chosen.made_for) for cell in cells):
            cells.append(_own_cell(chosen))
        found += _joined(_rows(chosen, cells, number_of))
    first = [row for row in found if any(is_for(row, chosen.made_for) for chosen in sets)]
    return tuple(dict.fromkeys((*first, *found)))


def _own_cell(chosen: WheelSet) -> Cell:
    """Return the cell of the interpreter that the set was made for, of which nobody else need be sure."""
    own = chosen.made_for
    names = tuple(sorted(chosen.wheels))
    libc = max((libc_of(chosen.wheels[name], own, chosen.here) for name in names), default=())
    return Cell(Platform(*machine_of(own)), own.version_info, names, libc, is_pure=False, is_indifferent=False)


def _has(cell: Cell, interpreter: Interpreter) -> bool:
    version = interpreter.version_info
    place = _place_of(cell.platform)
    return place == machine_of(interpreter) and cell.oldest[:2] == version[:2] and cell.oldest <= version


def _place_of(platform: Platform) -> tuple[str, str]:
    system, machine = platform.system, platform.architecture
    return _SYSTEMS.get(system, system), machine_name(machine)


# Rows


def _rows(chosen: WheelSet, cells: Iterable[Cell], number_of: Number) -> list[BundleTarget]:
    """Return a target for all Pythons that are alike on a platform."""
    rows: dict[BundleTarget, set[Version]] = {}
    for cell in cells:
        system, machine = _place_of(cell.platform)
        row = BundleTarget(
            pythons=(),
            is_open=False,
            implementation=None if cell.is_indifferent else chosen.made_for.implementation,
            free_threaded=None if cell.is_pure else chosen.made_for.free_threaded,
            system=system,
            machine=machine,
            libc=cell.libc,
            wheels=tuple(sorted(number_of(chosen, name) for name in cell.wheels)),
        )
        rows.setdefault(row, set()).add(cell.oldest)
    found = []
    for row, versions in rows.items():
        known = tuple(sorted(version for version in versions if version[:2] != _FUTURE))
        if known:  # Pythons to come are like the newest one, or are none of ours
            found.append(replace(row, pythons=known, is_open=len(known) < len(versions)))
    return found


def _joined(rows: Sequence[BundleTarget]) -> list[BundleTarget]:
    """Return the rows with those joined that differ in the machine alone, where they are all the machines there are."""
    everywhere = {_place_of(platform) for platform in platforms_of_the_world()}
    alike: dict[BundleTarget, set[tuple[str, str]]] = {}
    for row in rows:
        alike.setdefault(replace(row, system=None, machine=None), set()).add((row.system or "", row.machine or ""))
    found = []
    for row, places in alike.items():
        if places >= everywhere:
            found.append(row)
            continue
        for system, group in groupby(sorted(places), key=lambda place: place[0]):
            machines = list(group)
            if set(machines) >= {place for place in everywhere if place[0] == system}:
                found.append(replace(row, system=system))
            else:
                found += [replace(row, system=system, machine=machine) for _, machine in machines]
    return found


# Words


def range_of(targets: Sequence[BundleTarget]) -> str:
    """Return the `requires-python` that lets only Pythons through of which a target has the version."""
    oldest: dict[tuple[int, ...], Version] = {}
    for target in targets:
        for version in target.pythons:
            oldest[version[:2]] = min(version, oldest.get(version[:2], version))
    series = sorted(oldest)
    parts = [f">={_dotted(oldest[series[0]])}"]
    if not any(target.is_open for target in targets):
        parts.append(f"<3.{series[-1][1] + 1}")
    missing = [minor for older, newer in pairwise(series) for minor in range(older[1] + 1, newer[1])]
    return ",".join([*parts, *(f"!=3.{minor}.*" for minor in missing)])


def runs_on(targets: Sequence[BundleTarget]) -> str:
    """Say where the targets are, in a few words.

    >>> runs_on([BundleTarget(((3, 9, 0), (3, 10, 0)), True, None, None, None, None, (), ())])
    'Python 3.9 and newer on any system'
    """
    where: dict[str, list[str]] = {}
    for target in targets:
        places = where.setdefault(_pythons(target), [])
        place = _place(target)
        if place not in places:
            places.append(place)
    return "; ".join(f"{pythons} on {_listed(places)}" for pythons, places in where.items())


def _pythons(target: BundleTarget) -> str:
    name = {None: "Python", "cpython": "CPython", "pypy": "PyPy"}.get(target.implementation, target.implementation)
    threads = " (free-threaded)" if target.free_threaded else ""
    spans = [_span(span, target) for span in _spans(target.pythons)]
    return f"{name} {_listed(spans)}{threads}"


def _spans(versions: Sequence[Version]) -> Iterator[list[Version]]:
    span: list[Version] = []
    for version in versions:
        if span and version[1] != span[-1][1] + 1:
            yield span
            span = []
        span.append(version)
    yield span


def _span(span: Sequence[Version], target: BundleTarget) -> str:
    first = _dotted(span[0])
    if target.is_open and span[-1] == target.pythons[-1]:
        return f"{first} and newer"
    return first if len(span) == 1 else f"{first} to {_dotted(span[-1][:2])}"


def _dotted(version: Version) -> str:
    return ".".join(map(str, version if version[2:] and version[2] else version[:2]))


def _place(target: BundleTarget) -> str:
    if target.system is None:
        return "any system"
    name = " ".join(filter(None, (SYSTEM_NAMES.get(target.system, target.system), target.machine)))
    if not target.libc:
        return name
    library = "" if target.libc[0] == "macos" else f"{target.libc[0]} "
    return f"{name} ({library}{'.'.join(map(str, target.libc[1:]))} or newer)"


def _listed(parts: Sequence[str]) -> str:
    return " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else parts[0]
