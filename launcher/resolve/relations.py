"""Who needs whom in a resolution, and in which versions: what its pins leave out, from what the cache has of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from launcher.cache import Cache
from launcher.resolve.dependencies import Dependency, DependencyReader
from launcher.resolve.metadata import remembered_metadata
from launcher.resolve.resolution import Pin, Policy, Requested, Resolution
from launcher.value import replace

if TYPE_CHECKING:
    from launcher.python.query import Interpreter

_ORDER = ("===", "==", "~=", ">", ">=", "!=", "<", "<=")


@dataclass(frozen=True, slots=True)
class Relation:
    """A requirement in a resolution: `needed` is wanted by the pin called `by`, or by `requested` if a person wrote it.

    Names are canonical. `specifiers` is None where the metadata that would tell is not in the cache.
    """

    needed: str
    by: str | None
    specifiers: SpecifierSet | None = None
    requested: Requested | None = None

    @property
    def text(self) -> str:
        """The specifiers for people, lower bounds first; empty where there are none or they are not known."""
        ordered = sorted(self.specifiers or (), key=lambda each: (_ORDER.index(each.operator), each.version))
        return ",".join(map(str, ordered))

    def admits(self, version: str) -> bool:
        """Tell whether the requirement would take a version; what is not known forbids nothing."""
        return self.specifiers is None or self.specifiers.contains(version, prereleases=True)


def relations_in(
    resolution: Resolution, requested: Sequence[Requested], policy: Policy, interpreter: Interpreter, cache: Cache
) -> tuple[Relation, ...]:
    """Return every requirement among the pins, those that somebody wrote first and in their order.

    What an override stands in for is known to no longer count: it has no specifiers.
    """
    reader = DependencyReader(interpreter.markers)
    found = (*_written(resolution, requested, reader), *_among_pins(resolution, reader, cache))
    overridden = {limit.needed for limit in _read_all(policy.overrides, reader)}
    return tuple(replace(each, specifiers=None) if each.needed in overridden else each for each in found)


def limits_in(resolution: Resolution, policy: Policy, interpreter: Interpreter) -> tuple[Relation, ...]:
    """Return the constraints and overrides that concern the pins."""
    names = {pin.candidate.name for pin in resolution.pins}
    found = _read_all((*policy.constraints, *policy.overrides), DependencyReader(interpreter.markers))
    return tuple(limit for limit in found if limit.needed in names)


def _read_all(requested: Iterable[Requested], reader: DependencyReader) -> Iterator[Relation]:
    for each in requested:
        if (dependency := _read(reader, each.text)) is not None:
            yield Relation(dependency.name, None, dependency.specifiers, each)


def _written(resolution: Resolution, requested: Sequence[Requested], reader: DependencyReader) -> Iterator[Relation]:
    """Yield what was asked for; a root that is only named by a path or URL comes last, without who asked."""
    found = [each for each in _read_all(requested, reader) if each.needed in resolution.roots]
    yield from found
    names = {each.needed for each in found}
    for name in resolution.roots:
        if name not in names:
            yield Relation(name, None)


def _among_pins(resolution: Resolution, reader: DependencyReader, cache: Cache) -> Iterator[Relation]:
    for pin in resolution.pins:
        stated = _stated(pin, reader, cache)
        for name in pin.dependencies:
            specifiers = dict.fromkeys(str(each.specifiers) for each in stated if each.name == name)
            together = SpecifierSet(",".join(filter(None, specifiers))) if specifiers else None
            yield Relation(name, pin.candidate.name, together)


def _stated(pin: Pin, reader: DependencyReader, cache: Cache) -> list[Dependency]:
    metadata = remembered_metadata(pin.candidate, cache)
    texts: Iterable[str] = metadata.requires_dist if metadata else ()
    found = (_read(reader, text, extra) for text in texts for extra in ("", *pin.extras))
    return [dependency for dependency in found if dependency is not None]


def _read(reader: DependencyReader, text: str, extra: str = "") -> Dependency | None:
    """Return a requirement that holds here, or None; what cannot be read was dealt with when it was resolved."""
    try:
        return reader.read(text, extra)
    except ValueError:
        return None
