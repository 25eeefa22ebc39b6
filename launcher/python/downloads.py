"""Which builds of Python can be downloaded: python-build-standalone's and PyPy's, as pbs-installer lists them.

pbs-installer brings the sha256 of each build, and what it has no sha256 of is not offered. A mirror need not be
believed: it must serve those very bytes, or builds of its own whose list of checksums the person has vouched for, by
its sha256 behind the URL (docs/explanation/security.md). Of pbs-installer only the list is used: its own installer
sends GITHUB_TOKEN to any mirror, extracts without a filter and is not atomic.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar
from urllib.parse import quote, unquote, urlsplit

from packaging.version import Version
from pbs_installer import get_download_link

from launcher.errors import HashMismatch, IndexUnreachable, UsageError
from launcher.python.query import OLDEST_SUPPORTED

if TYPE_CHECKING:
    from launcher.python.demand import Demand

_T = TypeVar("_T")

KINDS = (("cpython", False), ("cpython", True), ("pypy", False), ("graalpy", False))
"""Implementations and whether they are free-threaded, in the order of lists."""

_ARCHIVES = (".tar.gz", ".tar.bz2", ".zip")
"""What can be unpacked; the oldest builds are only there as .tar.zst, for which Python has no reader before 3.14."""
AS_IT_IS = {"Accept-Encoding": "identity"}
"""Header of a request for a file whose sha256 is known: it must not be packed on the way."""

_SUMS = "SHA256SUMS"
_LONGEST_SUMS = 4_000_000
_SUMS_LINE = re.compile(r"(?P<sha256>[0-9a-fA-F]{64}) [ *](?P<filename>[^/\\]+)")
_OWN_BUILD = re.compile(
    r"(?P<implementation>cpython|pypy|graalpy)-(?P<version>3\.\d+\.\d+)(?:\+(?P<date>\d+))?-(?P<triple>[a-z0-9_-]+?)"
    r"(?P<threading>-freethreaded)?-install_only(?P<stripped>_stripped)?\.tar\.gz"
)


class Answer(Protocol):
    """What a server answers, read piece by piece; `launcher.resolve.fetcher.Download` is one."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; names are lower case."""

    def chunks(self) -> Iterator[bytes]:
        """Give the body as it was sent."""


class Server(Protocol):
    """Opens URLs; `launcher.resolve.fetcher.Fetcher`, which stands in a later room, does."""

    def consume(self, url: str, read: Callable[[Answer], _T], headers: Mapping[str, str] | None = None) -> _T:
        """Open `url`, hand the answer to `read` and return what that returns."""


@dataclass(frozen=True, slots=True)
class Build:
    """One archive with a Python in it: `version` has three numbers, `urls` are tried one after the other."""

    implementation: str
    version: str
    free_threaded: bool
    urls: tuple[str, ...]
    sha256: str

    @property
    def label(self) -> str:
        """What people call it: ``Python 3.13.1``, ``Python 3.13.1t``, ``PyPy 3.10.16``."""
        name = {"cpython": "Python", "pypy": "PyPy", "graalpy": "GraalPy"}[self.implementation]
        return f"{name} {self.version}" + "t" * self.free_threaded

    @property
    def directory_name(self) -> str:
        """Its own name: one home directory may serve machines of several kinds."""
        threading = "t" * self.free_threaded
        return f"{self.implementation}-{self.version}{threading}-{Machine.here().triple}"

    @property
    def filename(self) -> str:
        """The archive's own name."""
        return unquote(urlsplit(self.urls[0]).path.rpartition("/")[2])


@dataclass(frozen=True, slots=True)
class Machine:
    """What builds are made for, in pbs-installer's words; `libc` is ``"musl"``, or ``""`` outside Linux."""

    platform: str
    architecture: str
    libc: str

    @classmethod
    def here(cls) -> Machine:
        """Return this machine, as the launcher's own interpreter sees it."""
        name = {"linux": "linux", "darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform)
        architecture = platform.machine().lower()
        architecture = {"arm64": "aarch64", "amd64": "x86_64", "i686": "x86", "i386": "x86"}.get(
            architecture, architecture
        )
        if architecture == "x86_64" and sys.maxsize <= 2**32:
            architecture = "x86"  # a 32-bit system on a 64-bit kernel
        return cls(name, architecture, _libc() if name == "linux" else "")

    @property
    def triple(self) -> str:
        """The name that python-build-standalone's files have for it: ``x86_64-unknown-linux-gnu``."""
        architecture = "i686" if self.architecture == "x86" else self.architecture
        system = {"linux": f"unknown-linux-{self.libc}", "macos": "apple-darwin", "windows": "pc-windows-msvc"}
        return f"{architecture}-{system.get(self.platform, self.platform)}"


class Catalogue(Protocol):
    """Somebody's builds for this machine."""

    @property
    def origin(self) -> str:
        """Who has them, for messages."""

    def builds(self, implementation: str, free_threaded: bool, minor: int) -> Iterator[Build]:
        """Yield the builds of one series, such as 3.13, newest first."""


def find_build(demand: Demand, catalogue: Catalogue) -> Build | None:
    """Return the newest build that satisfies a demand, from the series that scripts are tested on where one does."""
    python = demand.python
    if python.debug or python.exact is not None:
        return None
    for minor in demand.minors:
        for build in catalogue.builds(python.implementation or "cpython", python.free_threaded, minor):
            if demand.accepts_version(Version(build.version)):
                return build
    return None


def newest_builds(catalogue: Catalogue) -> Iterator[Build]:
    """Yield the newest build of each series that scripts can run on, the newest series first."""
    for implementation, free_threaded in KINDS:
        for minor in range(40, OLDEST_SUPPORTED[1] - 1, -1):
            if build := next(catalogue.builds(implementation, free_threaded, minor), None):
                yield build


def open_catalogue(mirror: str | None, server: Server) -> Catalogue:
    """Return the builds that a mirror has, or without one those that pbs-installer knows.

    Raises `UsageError` for a URL that is none, `IndexUnreachable`, and `HashMismatch` for a list not vouched for.
    """
    if mirror is None:
        return PublishedBuilds()
    url, _, fragment = mirror.partition("#")
    if urlsplit(url).scheme not in ("http", "https"):
        raise UsageError("python-mirror is not an http or https URL.", hint="Give one, such as https://host/python/.")
    if not fragment:
        return PublishedBuilds(url.rstrip("/"))
    if not re.fullmatch(r"sha256=[0-9a-fA-F]{64}", fragment):
        raise UsageError(
            f"python-mirror: `#{fragment}` is no checksum.",
            hint=f"Behind the URL can stand #sha256= with the sha256 of the mirror's own {_SUMS}.",
        )
    return _builds_vouched_for(url.rstrip("/"), fragment.partition("=")[2].lower(), server)


class PublishedBuilds:
    """What pbs-installer lists for this machine; a mirror has the same files under other URLs."""

    def __init__(self, mirror: str | None = None) -> None:
        self._mirror = mirror
        self._machine = Machine.here()
        self.origin = "python-build-standalone"

    def builds(self, implementation: str, free_threaded: bool, minor: int) -> Iterator[Build]:
        """Yield the builds of one series, newest first, leaving out what cannot be verified or unpacked."""
        if self._machine.libc == "musl" or implementation not in ("cpython", "pypy"):
            return  # its builds for Linux are those for glibc
        kind: Literal["cpython", "pypy"] = "pypy" if implementation == "pypy" else "cpython"
        newest = self._link(kind, free_threaded, f"3.{minor}")
        for micro in range(newest[0] if newest else -1, -1, -1):
            found = self._link(kind, free_threaded, f"3.{minor}.{micro}")
            if found and found[2] and urlsplit(found[1]).path.endswith(_ARCHIVES):
                yield Build(implementation, f"3.{minor}.{micro}", free_threaded, self._urls(found[1]), found[2])

    def _link(
        self, implementation: Literal["cpython", "pypy"], free_threaded: bool, version: str
    ) -> tuple[int, str, str | None] | None:
        """Return (micro version, URL, sha256) of the newest build of a version."""
        try:
            found, (url, sha256) = get_download_link(
                version,
                self._machine.architecture,
                self._machine.platform,
                implementation,
                free_threaded=free_threaded,
                # Not None, with which PBS_INSTALLER_BASE_URL would decide.
                base_url="",
            )
        except ValueError:
            return None
        return found.micro, url, sha256

    def _urls(self, url: str) -> tuple[str, ...]:
        """Return where a build is: on a mirror as upstream (``20241206/cpython-….tar.gz``), else without the folder."""
        if self._mirror is None:
            return (url,)
        *_, folder, name = urlsplit(url).path.split("/")
        return f"{self._mirror}/{folder}/{name}", f"{self._mirror}/{name}"


class VouchedBuilds:
    """The builds that a mirror's list names for this machine; `sums` maps their file names to the sha256."""

    def __init__(self, mirror: str, sums: Mapping[str, str]) -> None:
        self.origin = "the mirror"
        self._builds: dict[tuple[str, bool], list[Build]] = {}
        rows = [(match, sums[name]) for name in sums if (match := _OWN_BUILD.fullmatch(name))]
        triple = Machine.here().triple
        # Of one version the latest build, and stripped: it is a third of the size.
        rows.sort(key=lambda row: (Version(row[0]["version"]), row[0]["date"] or "", bool(row[0]["stripped"])))
        for match, sha256 in reversed(rows):
            if match["triple"] == triple:
                kind = match["implementation"], bool(match["threading"])
                build = Build(kind[0], match["version"], kind[1], (f"{mirror}/{quote(match[0])}",), sha256)
                known = self._builds.setdefault(kind, [])
                if build.version not in {each.version for each in known}:
                    known.append(build)

    def builds(self, implementation: str, free_threaded: bool, minor: int) -> Iterator[Build]:
        """Yield the builds of one series, newest first."""
        for build in self._builds.get((implementation, free_threaded), []):
            if Version(build.version).minor == minor:
                yield build


def _builds_vouched_for(mirror: str, sha256: str, server: Server) -> VouchedBuilds:
    """Read the list of a mirror's own builds and compare it with the checksum that the person gave."""
    url = f"{mirror}/{_SUMS}"

    def read(answer: Answer) -> bytes:
        if answer.status != 200:
            raise IndexUnreachable(
                f"The list of builds {shown(url)} answered {answer.status}.", hint="Mend the URL: python-mirror."
            )
        content = bytearray()
        for chunk in answer.chunks():
            content += chunk
            if len(content) > _LONGEST_SUMS:
                raise IndexUnreachable(f"The list of builds {shown(url)} is longer than any list can be.")
        return bytes(content)

    content = server.consume(url, read, AS_IT_IS)
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise HashMismatch(
            f"{shown(url)} is not the list that python-mirror vouches for: its sha256 is {found}, and not {sha256}.",
            hint="If you trust the new list, put its sha256 behind the URL.",
        )
    lines = content.decode("utf-8", "replace").splitlines()
    matches = [match for line in lines if (match := _SUMS_LINE.fullmatch(line.strip()))]
    return VouchedBuilds(mirror, {match["filename"]: match["sha256"].lower() for match in matches})


def without_credentials(url: str) -> str:
    """Return a URL without user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def shown(url: str) -> str:
    """Return a URL as messages may have it: readable, and without user and password."""
    return unquote(without_credentials(url))


def _libc() -> str:
    if sys.platform == "win32":
        return ""
    try:
        return "gnu" if os.confstr("CS_GNU_LIBC_VERSION") else "musl"
    except (AttributeError, OSError, ValueError):
        return "musl"
