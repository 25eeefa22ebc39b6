"""What a resolution starts from and what it ends with; light enough for a launch that only reads one from the cache."""

from __future__ import annotations

import marshal
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from launcher.cache import Bucket, Cache
from launcher.digest import digest_of
from launcher.errors import Excerpt
from launcher.launch import record as records
from launcher.resolve.candidate import Candidate
from launcher.resolve.project_files import fingerprint, local_path, watched_paths
from launcher.settings import Settings
from launcher.value import Value, astuple, field

if TYPE_CHECKING:
    from launcher.python.query import Interpreter

DECIDING_SETTINGS = (
    *("index_url", "extra_index_url", "find_links", "no_index", "index", "sources"),
    *("no_build", "no_build_package", "no_binary", "no_binary_package"),
    *("prerelease", "resolution", "exclude_newer", "exclude_newer_package", "constraint", "override"),
)
"""The settings that can change a resolution, and so what a lock says."""
_FORMAT = 3
_SECOND_NS = 1_000_000_000


class Requested(Value):
    """A requirement that somebody wrote, and where: ``line 4 of x.py``, ``--with``, ``requirements.txt, line 2``.

    `hashes` (``sha256:…``) are the only files allowed for it; empty allows all. `is_editable` is a directory that is
    used in place. `excerpt` shows the line in a script.
    """

    text: str
    origin: str
    hashes: tuple[str, ...] = ()
    is_editable: bool = False
    excerpt: Excerpt | None = field(default=None, compare=False)


class Policy(Value):
    """What a person may choose about how to resolve.

    `constraints` narrow projects that something else needs; `overrides` stand in the place of whatever anybody asks of
    a project. `exclude_newer` and the values of `exclude_newer_package`, by canonical name, are cutoffs as in
    `launcher.cutoff`; a project with None has none. With `require_hashes`, each file needs a hash that was written.
    `preferred` are versions, by canonical name, that are taken where they will do, the first one first.
    """

    constraints: tuple[Requested, ...] = ()
    overrides: tuple[Requested, ...] = ()
    prerelease: str = "if-necessary"
    resolution: str = "highest"
    exclude_newer: str | int | None = None
    exclude_newer_package: tuple[tuple[str, str | int | None], ...] = ()
    require_hashes: bool = False
    preferred: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def key(self) -> str:
        """Return a text of everything in it that can change the outcome of a resolution; origins cannot."""
        written = [
            sorted((each.text.strip(), each.hashes) for each in group) for group in (self.constraints, self.overrides)
        ]
        cutoffs = (self.exclude_newer, self.exclude_newer_package)
        return repr((*written, self.prerelease, self.resolution, *cutoffs, self.require_hashes, self.preferred))

    def for_others(self) -> Policy:
        """Return what holds for other requirements than the script's, such as a build's: how new files may be."""
        return Policy(exclude_newer=self.exclude_newer, exclude_newer_package=self.exclude_newer_package)


class Pin(Value):
    """One chosen candidate, the extras asked of it, and the canonical names it depends on here."""

    candidate: Candidate
    extras: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()


class Resolution(Value):
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


def resolution_key(requested: Sequence[Requested], policy: Policy, interpreter: Interpreter, settings: Settings) -> str:
    """Name a resolution by everything that can change its outcome."""
    written = (*requested, *policy.overrides)
    texts = sorted({(each.text.strip(), each.hashes, each.is_editable) for each in requested})
    local = [path for each in written if (path := local_path(each.text)) and not os.path.isdir(path)]
    states = [fingerprint(path, is_editable=False) for path in local]
    parts = repr((texts, states, interpreter.identity, settings.resolution_key(), policy.key()))
    return digest_of(parts)


def watched_files(requested: Sequence[Requested], resolution: Resolution | None = None) -> list[str]:
    """Return the files and directories of this machine whose change lets the requirements mean something else.

    Besides what is written, these are the directories that other packages of the resolution need.
    """
    local = [(path, each.is_editable) for each in requested if (path := local_path(each.text))]
    local += [(path, is_editable) for path, is_editable, _ in _directories(resolution or ())]
    found = dict.fromkeys(local)
    return [file for path, is_editable in found for file in watched_paths(path, is_editable=is_editable)]


def _directories(pins: Iterable[Pin]) -> Iterator[tuple[str, bool, str]]:
    """Give the directories among the pins: the path that decides, whether it is used in place, and its state."""
    for candidate in (pin.candidate for pin in pins):
        if candidate.state is not None and (path := local_path(f"it @ {candidate.url}")):
            inside = re.search(r"[#&]subdirectory=([^&]*)", candidate.url) if candidate.is_editable else None
            yield os.path.join(path, inside[1]) if inside else path, candidate.is_editable, candidate.state


def remembered_resolution(key: str, settings: Settings, cache: Cache) -> tuple[Resolution, int] | None:
    """Return the resolution of this key and when it was made, in seconds since the epoch.

    None where the cache has none that can be read, ``max-age`` has passed, or a directory in it has changed.
    """
    content = cache.read(Bucket.RESOLUTIONS, key)
    if content is None:
        return None
    try:
        resolved_at, dumped = marshal.loads(content)
        resolution = Resolution.from_bytes(dumped)
    except (ValueError, EOFError, TypeError, KeyError):
        return None
    is_too_old = settings.max_age_s is not None and time.time() - resolved_at > settings.max_age_s
    if is_too_old or any(fingerprint(path, is_editable=way) != state for path, way, state in _directories(resolution)):
        return None
    return resolution, resolved_at


def remember_resolution(key: str, resolution: Resolution, started_ns: int, cache: Cache) -> None:
    """Write the resolution so that launch records of the one before do not hold any more.

    Records name its time. It is a little in the past, because shells that compare whole seconds trust no time that is
    not, and at least a second after the former one.
    """
    former = records.stamp_of(str(cache.path(Bucket.RESOLUTIONS, key)))
    path = cache.write(Bucket.RESOLUTIONS, key, marshal.dumps((int(time.time()), resolution.to_bytes())))
    mtime_ns = max(started_ns - 10 * _SECOND_NS, former[0] + _SECOND_NS if former else 0)
    os.utime(path, ns=(mtime_ns, mtime_ns))
