"""Sets of versions of one project, as bits of an integer: what the resolver computes with.

Bit i stands for the i-th oldest version of the project's page. The newest version of a set is its highest bit, and set
algebra is one operation on a few hundred bytes that compares no versions. A complement is a negative integer.
"""

from __future__ import annotations

from launcher.value import Value


class SetRelation(Value):
    """How one set lies to another; nab-resolver's `RelationProtocol`."""

    is_subset: bool
    is_disjoint: bool


_RELATIONS = {(s, d): SetRelation(s, d) for s in (False, True) for d in (False, True)}


class VersionSet:
    """An immutable set of version positions; nab-resolver's `RangeProtocol`.

    >>> older, newer = VersionSet(0b0111), VersionSet(0b1100)
    >>> (older & newer).newest, older.relation(newer), 3 in newer
    (2, SetRelation(is_subset=False, is_disjoint=False), True)
    """

    __slots__ = ("bits",)

    def __init__(self, bits: int) -> None:
        self.bits = bits

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VersionSet) and self.bits == other.bits

    def __hash__(self) -> int:
        return hash(self.bits)

    def __repr__(self) -> str:
        return f"VersionSet({self.bits:#x})"

    @classmethod
    def empty(cls) -> VersionSet:
        """Return the set without versions."""
        return _EMPTY

    @classmethod
    def full(cls) -> VersionSet:
        """Return the set of all versions, whether they exist or not."""
        return _FULL

    @classmethod
    def singleton(cls, version: int) -> VersionSet:
        """Return the set of one version."""
        return cls(1 << version)

    @property
    def is_empty(self) -> bool:
        """Whether no version is in it."""
        return not self.bits

    @property
    def is_single(self) -> bool:
        """Whether exactly one version is in it."""
        return self.bits > 0 and not self.bits & (self.bits - 1)

    @property
    def newest(self) -> int | None:
        """The newest version of a set that is no complement; None where it is empty."""
        return self.bits.bit_length() - 1 if self.bits > 0 else None

    def __contains__(self, version: int) -> bool:
        return bool(self.bits >> version & 1)

    def __and__(self, other: object) -> VersionSet:
        return VersionSet(self.bits & other.bits) if isinstance(other, VersionSet) else NotImplemented

    def __or__(self, other: object) -> VersionSet:
        return VersionSet(self.bits | other.bits) if isinstance(other, VersionSet) else NotImplemented

    def __sub__(self, other: object) -> VersionSet:
        return VersionSet(self.bits & ~other.bits) if isinstance(other, VersionSet) else NotImplemented

    def __invert__(self) -> VersionSet:
        return VersionSet(~self.bits)

    def is_subset(self, other: VersionSet) -> bool:
        """Return whether every version of this set is in `other`."""
        return not self.bits & ~other.bits

    def is_superset(self, other: VersionSet) -> bool:
        """Return whether every version of `other` is in this set."""
        return not other.bits & ~self.bits

    def is_disjoint(self, other: VersionSet) -> bool:
        """Return whether the two sets share no version."""
        return not self.bits & other.bits

    def relation(self, other: VersionSet) -> SetRelation:
        """Return whether this set is inside and whether it is apart from `other`."""
        return _RELATIONS[not self.bits & ~other.bits, not self.bits & other.bits]


_EMPTY = VersionSet(0)
_FULL = VersionSet(-1)


def positions(bits: int) -> list[int]:
    """Return the positions of the bits that are set in a non-negative integer, oldest first.

    >>> positions(0b1011)
    [0, 1, 3]
    """
    return [position for position, digit in enumerate(bin(bits)[:1:-1]) if digit == "1"]
