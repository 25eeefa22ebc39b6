"""Frozen value types, as `dataclasses` makes them, without what that costs a launch.

Making one frozen dataclass takes 0.6 ms, because its methods are compiled from text, and importing the module 5 ms. The
way to a new environment passes two dozen of them, which is more than composing the environment takes. Here a type takes
0.03 ms and an instance 1 us more. Modules that only a resolution or a build loads use `dataclasses`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from typing import dataclass_transform
else:

    def dataclass_transform(**_parameters: object) -> Callable[[type], type]:
        """Stand in for what only a type checker needs."""
        return lambda decorated: decorated


class _Field:
    default: Any
    default_factory: Callable[[], Any] | None
    compare: bool
    hash: bool
    repr: bool

    def __init__(self, **described: Any) -> None:
        self.__dict__.update(described)


_MISSING: Any = object()


def field(
    *,
    default: Any = _MISSING,
    default_factory: Callable[[], Any] | None = None,
    compare: bool = True,
    hash: bool = True,  # noqa: A002
    repr: bool = True,  # noqa: A002
) -> Any:
    """Describe a field as `dataclasses.field` does."""
    return _Field(default=default, default_factory=default_factory, compare=compare, hash=compare and hash, repr=repr)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class _ValueType(type):
    """Turns the annotations of a class into slots, and what they are set to into defaults."""

    _names: tuple[str, ...]
    _defaults: dict[str, object]
    _setters: tuple[Callable[[object, object], None], ...]
    _compared: tuple[str, ...]
    _hashed: tuple[str, ...]
    _shown: tuple[str, ...]

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> _ValueType:
        names = tuple(namespace.get("__annotations__", ()))
        stated = {each: namespace.pop(each) for each in names if each in namespace}
        special = {each: found for each, found in stated.items() if isinstance(found, _Field)}
        made = super().__new__(cls, name, bases, {**namespace, "__slots__": names})
        # Through the descriptors, because object.__setattr__ takes twice as long to find them.
        made._setters = tuple(made.__dict__[each].__set__ for each in names)
        made._defaults = {each: default for each, default in stated.items() if each not in special}
        made._names = made._compared = made._hashed = made._shown = names
        if special:
            made._defaults |= {each: found.default for each, found in special.items() if found.default is not _MISSING}
            made._defaults |= {each: found for each, found in special.items() if found.default_factory}
            made._compared = tuple(each for each in names if each not in special or special[each].compare)
            made._hashed = tuple(each for each in names if each not in special or special[each].hash)
            made._shown = tuple(each for each in names if each not in special or special[each].repr)
        return made


class Value(metaclass=_ValueType):
    """A type of frozen values whose fields are its annotations; equal and hashed by them. It cannot be derived from.

    >>> class Point(Value):
    ...     x: int
    ...     y: int = 0
    >>> Point(1), Point(1) == Point(1, y=0), replace(Point(1), y=2)
    (Point(x=1, y=0), True, Point(x=1, y=2))
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        kind = type(self)
        names = kind._names
        at = len(arguments)
        if at > len(names):
            raise TypeError(f"{kind.__name__} has {len(names)} fields, but {at} were given")
        for put, given in zip(kind._setters, arguments, strict=False):
            put(self, given)
        for name in names[at:]:
            if name in named:
                given = named.pop(name)
            elif name in kind._defaults:
                given = kind._defaults[name]
                if isinstance(given, _Field) and given.default_factory:
                    given = given.default_factory()
            else:
                raise TypeError(f"{kind.__name__} needs {name}")
            kind._setters[at](self, given)
            at += 1
        if named:
            raise TypeError(f"{kind.__name__} has no field {', '.join(named)}, or it was given twice")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in type(self)._compared)

    def __hash__(self) -> int:
        return hash(tuple([getattr(self, name) for name in type(self)._hashed]))

    def __repr__(self) -> str:
        shown = ", ".join([f"{name}={getattr(self, name)!r}" for name in type(self)._shown])
        return f"{type(self).__qualname__}({shown})"

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), astuple(self)


_V = TypeVar("_V")


def replace(value: _V, **changes: object) -> _V:
    """Return a copy of `value`, which may be a dataclass as well, with some fields changed."""
    kind = type(value)
    if not isinstance(kind, _ValueType):
        # Who has made one has loaded it.
        import dataclasses  # noqa: PLC0415

        return dataclasses.replace(value, **changes)  # type: ignore[type-var]
    return kind(**{name: getattr(value, name) for name in kind._names} | changes)


def astuple(value: Value) -> tuple[Any, ...]:
    """Return the fields of `value` in their order; what they hold stays as it is."""
    return tuple([getattr(value, name) for name in type(value)._names])


def names_of(kind: type[Value]) -> tuple[str, ...]:
    """Return the names of a type's fields in their order."""
    return kind._names
