"""The packages of a resolution, to be looked at: who needs whom, how large each is, what would be newer. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from launcher.resolve.relations import Relation
from launcher.resolve.resolution import Pin
from launcher.survey import PackageSize

TOP = ""
"""The node that stands for the script in a tree."""

_NO_SIZE = PackageSize(None, False)


@dataclass(frozen=True, slots=True)
class PackageGraph:
    """Pins by name, the requirements among them, what else limits their versions, and what is known of each."""

    pins: Mapping[str, Pin]
    relations: Sequence[Relation]
    limits: Sequence[Relation] = ()
    sizes: Mapping[str, PackageSize] = field(default_factory=dict)
    newest: Mapping[str, str] = field(default_factory=dict)
    is_newest_known: bool = False

    def label(self, name: str) -> str:
        """Return a package as people write it: ``fastapi[standard]``."""
        extras = ",".join(self.pins[name].extras)
        return f"{name}[{extras}]" if extras else name

    def children(self) -> dict[str, list[str]]:
        """Return who is needed by whom, for a tree with the script at its top."""
        found: dict[str, dict[str, None]] = {}
        for relation in self.relations:
            found.setdefault(relation.by or TOP, {})[relation.needed] = None
        return {name: list(needed) for name, needed in found.items()}

    def parents(self) -> dict[str, list[str]]:
        """Return who needs whom, for a tree with one package at its top or, at `TOP`, all that need nothing.

        What somebody wrote is a leaf of it: its number among relations and limits, for `relation`.
        """
        found: dict[str, dict[str, None]] = {}
        for number, relation in enumerate((*self.relations, *self.limits)):
            if relation.by is not None or relation.requested is not None:
                found.setdefault(relation.needed, {})[relation.by or f"#{number}"] = None
        parents = {needed: list(by) for needed, by in found.items()}
        return parents | {TOP: self._leaves()}

    def relation(self, leaf: str) -> Relation | None:
        """Return the requirement that a leaf of `parents` stands for, or None for the name of a package."""
        return (*self.relations, *self.limits)[int(leaf[1:])] if leaf.startswith("#") else None

    def between(self, needed: str, by: str | None) -> Relation | None:
        """Return the requirement of one package on another, or the first that somebody wrote."""
        return next((each for each in self.relations if (each.needed, each.by) == (needed, by)), None)

    def below(self, name: str) -> set[str]:
        """Return all packages that a package needs, and what they need, itself included."""
        children, found, waiting = self.children(), {name}, [name]
        while waiting:
            new = set(children.get(waiting.pop(), ())) - found
            found |= new
            waiting += new
        return found

    def size(self, names: Iterable[str]) -> int | None:
        """Return the bytes that packages take together, or None where that is not known of one of them."""
        sizes = [self.sizes.get(name, _NO_SIZE).size_bytes for name in names]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def newer(self, name: str) -> str | None:
        """Return the newest version where the pin has another one."""
        newest = self.newest.get(name)
        return newest if newest is not None and newest != self.pins[name].candidate.version else None

    def holders(self, name: str) -> list[Relation]:
        """Return the requirements that keep a package from its newest version."""
        newest = self.newer(name)
        limiting = (*self.relations, *self.limits)
        return [each for each in limiting if newest and each.needed == name and not each.admits(newest)]

    def _leaves(self) -> list[str]:
        """Return the packages that need nothing; of those that only need each other in a circle, the first."""
        children = self.children()
        leaves = [name for name in self.pins if not children.get(name)]
        reached: set[str] = set()
        parents: dict[str, list[str]] = {}
        for relation in self.relations:
            if relation.by is not None:
                parents.setdefault(relation.needed, []).append(relation.by)
        for name in (*leaves, *self.pins):
            if name in reached:
                continue
            if name not in leaves:
                leaves.append(name)
            waiting = [name]
            while waiting:
                each = waiting.pop()
                if each not in reached:
                    reached.add(each)
                    waiting += parents.get(each, ())
        return leaves
