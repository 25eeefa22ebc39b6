"""Frozen value types behave as frozen dataclasses do."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from launcher.value import Value, astuple, field, names_of, replace


class Ours(Value):
    name: str
    count: int = 0
    notes: list[str] = field(default_factory=list, hash=False)
    origin: str = field(default="", compare=False, repr=False)

    @property
    def twice(self) -> int:
        return self.count * 2


@dataclasses.dataclass(frozen=True, slots=True)
class Theirs:
    name: str
    count: int = 0
    notes: list[str] = dataclasses.field(default_factory=list, hash=False)
    origin: str = dataclasses.field(default="", compare=False, repr=False)

    @property
    def twice(self) -> int:
        return self.count * 2


Observe = Callable[[Any], object]
OBSERVATIONS: dict[str, Observe] = {
    "defaults": lambda kind: (kind("a").count, kind("a").notes, kind("a").origin),
    "by position": lambda kind: kind("a", 1, ["x"], "o").notes,
    "by name": lambda kind: kind(count=2, name="a").twice,
    "equal": lambda kind: kind("a", origin="x") == kind("a", origin="y"),
    "not equal": lambda kind: kind("a", notes=["x"]) == kind("a"),
    "of another type": lambda kind: kind("a") == ("a", 0, [], ""),
    "hash": lambda kind: hash(kind("a", 1, ["x"])) == hash(kind("a", 1, ["y"], "o")),
    "no shared default": lambda kind: kind("a").notes is kind("a").notes,
    "shown": lambda kind: repr(kind("a", 1)).partition("(")[2],
    "slots": lambda kind: kind.__slots__,
    "matched by type": lambda kind: isinstance(kind("a"), kind),
}
MISUSE: dict[str, Observe] = {
    "too few": lambda kind: kind(),
    "too many": lambda kind: kind("a", 1, [], "", 5),
    "unknown": lambda kind: kind("a", colour="red"),
    "twice": lambda kind: kind("a", name="b"),
    "set": lambda kind: setattr(kind("a"), "name", "b"),
    "deleted": lambda kind: delattr(kind("a"), "name"),
}


@pytest.mark.parametrize("observe", OBSERVATIONS.values(), ids=OBSERVATIONS)
def test_it_does_what_a_dataclass_does(observe: Observe) -> None:
    assert observe(Ours) == observe(Theirs)


@pytest.mark.parametrize("misuse", MISUSE.values(), ids=MISUSE)
def test_it_refuses_what_a_dataclass_refuses(misuse: Observe) -> None:
    with pytest.raises((TypeError, AttributeError)) as theirs:
        misuse(Theirs)
    with pytest.raises((TypeError, AttributeError)) as ours:
        misuse(Ours)
    assert isinstance(theirs.value, ours.type)


def test_a_copy_with_changes() -> None:
    value = Ours("a", 1, ["x"], "o")
    assert astuple(replace(value, count=2)) == ("a", 2, ["x"], "o")
    assert value.count == 1
    with pytest.raises(TypeError, match="colour"):
        replace(value, colour="red")


def test_it_can_be_copied_and_pickled() -> None:
    value = Ours("a", 1, ["x"], "o")
    for made in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert astuple(made) == astuple(value)
    assert names_of(Ours) == ("name", "count", "notes", "origin")
