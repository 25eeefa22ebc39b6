"""What a resolution starts from and what it ends with; light enough for a launch that only reads one from the cache."""

from __future__ import annotations

import marshal
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field

from launcher.errors import Excerpt
from launcher.resolve.candidate import Candidate

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Requested:
    """A requirement that somebody wrote, and where: ``line 4 of x.py``, ``--with``, ``requirements.txt, line 2``.

    `hashes` (``sha256:…``) are the only files allowed for it; empty allows all. `excerpt` shows the line in a script.
    """

    text: str
    origin: str
    hashes: tuple[str, ...] = ()
    excerpt: Excerpt | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Pin:
    """One chosen candidate, the extras asked of it, and the canonical names it depends on here."""

    candidate: Candidate
    extras: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolution:
    """The pinned candidates for one request on one interpreter, sorted by name, and the names that were asked for."""

    pins: tuple[Pin, ...]
    roots: tuple[str, ...]

    def __iter__(self) -> Iterator[Pin]:
        return iter(self.pins)

    def to_bytes(self) -> bytes:
        """Return the form kept in the cache: everything needed to download and compose without any page."""
        pins = tuple((astuple(pin.candidate), pin.extras, pin.dependencies) for pin in self.pins)
        return marshal.dumps((_FORMAT, pins, self.roots))

    @classmethod
    def from_bytes(cls, content: bytes) -> Resolution:
        """Return the resolution that `to_bytes` wrote; raises `ValueError` for anything else."""
        try:
            version, pins, roots = marshal.loads(content)
            if version != _FORMAT:
                raise ValueError(f"resolution format {version!r} is not {_FORMAT}")
            return cls(tuple(Pin(Candidate(*fields), extras, names) for fields, extras, names in pins), roots)
        except (EOFError, TypeError) as error:
            raise ValueError(f"not a resolution: {error}") from error
