"""Who needs whom among the packages of a lock that does not say it, by what the packages say themselves. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from launcher.resolve.candidate import Candidate
from launcher.resolve.dependencies import DependencyReader
from launcher.resolve.metadata import WheelMetadata
from launcher.resolve.resolution import Requested, Resolution
from launcher.value import replace

MetadataOf = Callable[[Candidate], WheelMetadata | None]


def with_known_needs(
    resolution: Resolution, requested: Iterable[Requested], reader: DependencyReader, metadata_of: MetadataOf
) -> Resolution:
    """Return a resolution with the extras and dependencies of its pins, beginning with what was `requested`.

    Where `metadata_of` knows nothing of a pin, neither does the result; what nobody is known to need becomes a root.
    """
    pins = {pin.candidate.name: pin for pin in resolution}
    needs: dict[str, set[str]] = {name: set() for name in pins}
    seen: dict[str, set[str]] = {name: set() for name in pins}
    waiting = [found for each in requested for found in _read(reader, each.text, "") if found[0] in pins]
    asked = {name for name, _ in waiting}
    # What the script does not lead to is in the lock for a reason of its own.
    waiting += [(name, ("",)) for name in pins]
    while waiting:
        name, extras = waiting.pop(0)
        for extra in {"", *extras} - seen[name]:
            seen[name].add(extra)
            metadata = metadata_of(pins[name].candidate)
            for text in metadata.requires_dist if metadata else ():
                found = [each for each in _read(reader, text, extra) if each[0] in pins]
                needs[name] |= {needed for needed, _ in found}
                waiting += found
    needed = set[str]().union(*needs.values())
    known = tuple(
        replace(pin, extras=tuple(sorted(seen[name] - {""})), dependencies=tuple(sorted(needs[name] - {name})))
        for name, pin in pins.items()
    )
    return Resolution(known, tuple(sorted(name for name in pins if name in asked or name not in needed)))


def _read(reader: DependencyReader, text: str, extra: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return name and extras of a requirement that holds, as a list; none for what cannot be read."""
    try:
        dependency = reader.read(text, extra)
    except ValueError:
        return []
    return [(dependency.name, dependency.extras)] if dependency else []
