"""Kinds of machines that wheels are made for, and their names (pure).

A platform is named by what people call it (``linux-x86_64``), by uv's names for targets (``aarch64-apple-darwin``) or
by a wheel tag (``manylinux_2_34_x86_64``). It stands for the oldest machine that we mean to serve: what fits there fits
on newer ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from difflib import get_close_matches

from launcher.errors import UsageError
from launcher.python.query import Interpreter
from launcher.value import Value, replace

DEFAULT_PLATFORMS = ("linux-x86_64", "linux-aarch64", "macos-arm64", "macos-x86_64", "windows-x86_64")
"""What a lock serves when nobody says otherwise."""

_GLIBC, _MUSL, _MACOS = "2.28", "1.2", "14.0"
"""The oldest C libraries and macOS that a platform named without one stands for; glibc's is that of RHEL 8."""
_LAST_NUMBERED_MACOS = 15
"""Its kernel is Darwin 24; the one after it is called macOS 26 for the year, with Darwin 25."""

_ARCHITECTURES = {
    "linux": ("x86_64", "aarch64", "ppc64le", "s390x", "riscv64", "loongarch64"),
    "macos": ("arm64", "x86_64"),
    "windows": ("x86_64", "arm64", "x86"),
}
_OTHER_NAMES = {"amd64": "x86_64", "i686": "x86", "i386": "x86", "win32": "x86", "arm64": "aarch64", "aarch64": "arm64"}
_WINDOWS_NAMES = {"x86_64": ("AMD64", "win-amd64"), "arm64": ("ARM64", "win-arm64"), "x86": ("x86", "win32")}
_ALONE = {"linux": "linux-x86_64", "macos": "macos-arm64", "windows": "windows-x86_64"}
_SPELLINGS = (
    # Ours, and as people turn it round.
    r"(?P<system>linux|macos|windows)-(?P<libc>musl-)?(?P<architecture>\w+)",
    r"(?P<system>linux)-(?P<architecture>\w+)-(?P<libc>musl)",
    # uv's, which are Rust's.
    r"(?P<architecture>\w+)-unknown-(?P<system>linux)-(?:gnu|(?P<libc>musl))",
    r"(?P<architecture>\w+)-apple-(?P<darwin>darwin)",
    r"(?P<architecture>\w+)-pc-(?P<system>windows)-msvc",
    r"(?P<architecture>\w+?)-(?P<many>many|musl)linux_?(?P<version>\d+(?:_\d+)?)",
    # Those of wheel tags.
    r"(?P<many>many|musl)linux_?(?P<version>\d+(?:_\d+)?)_(?P<architecture>\w+)",
    r"(?P<darwin>macosx)_(?P<version>\d+_\d+)_(?P<architecture>\w+)",
    r"(?P<win>win)_?(?P<architecture>amd64|arm64|32)",
)
_OLD_MANYLINUX = {"1": "2.5", "2010": "2.12", "2014": "2.17"}
_TAGS = {
    "linux": r"(?:linux|manylinux(?:1|2010|2014|_\d+_\d+))_{}",
    "musl": r"(?:linux|musllinux_\d+_\d+)_{}",
    "macos": r"macosx_\d+_\d+_(?:{}|universal2)",
}


class Platform(Value):
    """One kind of machine: ``linux``, ``macos`` or ``windows``, its architecture, and the oldest C library or macOS.

    `libc` is ``glibc``, ``musl``, or ``""`` outside Linux; `version` is that of the C library or of macOS.
    """

    system: str
    architecture: str
    libc: str = ""
    version: str = ""

    @property
    def name(self) -> str:
        """What it is called in locks and messages; a name that `read_platform` understands."""
        if self.version not in ("", _defaults_of(self.system, self.libc)):
            kind = {"glibc": "manylinux", "musl": "musllinux"}.get(self.libc, "macosx")
            return f"{kind}_{self.version.replace('.', '_')}_{self.architecture}"
        return "-".join(filter(None, (self.system, self.libc.removeprefix("glibc"), self.architecture)))

    @property
    def markers(self) -> dict[str, str]:
        """The PEP 508 variables that the platform alone decides; what nobody can know of it is empty."""
        machine = _WINDOWS_NAMES[self.architecture][0] if self.system == "windows" else self.architecture
        system, sys_platform = {
            "linux": ("Linux", "linux"),
            "macos": ("Darwin", "darwin"),
            "windows": ("Windows", "win32"),
        }[self.system]
        macos = int(self.version.partition(".")[0] or 0)
        release = {"linux": "", "macos": f"{macos + (9 if macos <= _LAST_NUMBERED_MACOS else -1)}.0.0"}
        return {
            "os_name": "nt" if self.system == "windows" else "posix",
            "platform_machine": machine,
            "platform_release": release.get(self.system, "10"),
            "platform_system": system,
            "platform_version": "",
            "sys_platform": sys_platform,
        }

    @property
    def oldest(self) -> Platform:
        """The same kind with the C library or macOS that a name without one stands for."""
        return replace(self, version=_defaults_of(self.system, self.libc))

    def is_like(self, other: Platform) -> bool:
        """Tell whether both are of one kind, be one of them older."""
        return self.oldest == other.oldest

    def may_load(self, platform_tag: str) -> bool:
        """Tell whether any machine of this kind, also a newer one, can load wheels with this platform tag."""
        if self.system == "windows":
            return platform_tag in ("any", self.sysconfig_name.replace("-", "_"))
        architecture = "(?:x86_64|intel|fat64|fat3|universal)" if self.is_intel_mac else self.architecture
        pattern = _TAGS["musl" if self.libc == "musl" else self.system].format(architecture)
        return platform_tag == "any" or re.fullmatch(pattern, platform_tag) is not None

    @property
    def sysconfig_name(self) -> str:
        """What `sysconfig.get_platform` says there, of which tags are made."""
        if self.system == "windows":
            return _WINDOWS_NAMES[self.architecture][1]
        return f"{self.system}-{self.architecture}"

    @property
    def is_intel_mac(self) -> bool:
        """Whether it is a Mac from before 2021, whose wheels have a few more names."""
        return self.system == "macos" and self.architecture == "x86_64"


def _defaults_of(system: str, libc: str) -> str:
    return {"glibc": _GLIBC, "musl": _MUSL}.get(libc, _MACOS if system == "macos" else "")


def read_platform(text: str) -> Platform:
    """Return the platform that a text names.

    >>> read_platform("aarch64-apple-darwin").name, read_platform("x86_64-unknown-linux-musl").name
    ('macos-arm64', 'linux-musl-x86_64')
    >>> read_platform("manylinux_2_34_x86_64").version
    '2.34'

    Raises `UsageError` for a name that nobody knows.
    """
    written = text.strip().lower()
    written = _ALONE.get(written, written)
    found = next(filter(None, (re.fullmatch(pattern, written) for pattern in _SPELLINGS)), None)
    if found is not None:
        parts = {"libc": None, "many": None, "version": None, "system": None, **found.groupdict()}
        platform = _platform_of(parts)
        if platform is not None:
            return platform
    near = get_close_matches(written, platform_names(), 1, 0.5)
    raise UsageError(
        f"There is no platform called {text.strip()!r}.",
        hint=f"Did you mean {near[0]}?" if near else f"Known are {', '.join(platform_names())}.",
    )


def _platform_of(parts: dict[str, str | None]) -> Platform | None:
    many, version = parts["many"], (parts["version"] or "").replace("_", ".")
    system = parts["system"] or ("linux" if many else "macos" if parts.get("darwin") else "windows")
    architecture = (parts["architecture"] or "").replace("32", "x86") if parts.get("win") else parts["architecture"]
    known = _ARCHITECTURES[system]
    found = next((each for each in (architecture, _OTHER_NAMES.get(architecture or "")) if each in known), None)
    if many == "many":
        version = _OLD_MANYLINUX.get(version, version)
    if found is None or (many and "." not in version):
        return None
    libc = "" if system != "linux" else "musl" if parts["libc"] or many == "musl" else "glibc"
    return Platform(system, found, libc, version or _defaults_of(system, libc))


def platform_of(interpreter: Interpreter) -> Platform:
    """Return the kind of machine that a real interpreter runs on."""
    for tag in interpreter.tags:
        with suppress(UsageError):
            return read_platform(tag.rpartition("-")[2])
    markers = interpreter.markers
    return Platform(markers["sys_platform"], markers["platform_machine"])


def platform_names() -> tuple[str, ...]:
    """Return the platforms that there are names for, those of `DEFAULT_PLATFORMS` first."""
    others = [f"{system}-{each}" for system, known in _ARCHITECTURES.items() for each in known]
    others += [f"linux-musl-{each}" for each in _ARCHITECTURES["linux"]]
    return tuple(dict.fromkeys((*DEFAULT_PLATFORMS, *others)))


def all_platforms(names: Iterable[str]) -> Iterator[Platform]:
    """Yield each of the named platforms once, in their order; ``default`` stands for `DEFAULT_PLATFORMS`."""
    seen = set()
    for text in names:
        for name in DEFAULT_PLATFORMS if text.strip().lower() == "default" else (text,):
            platform = read_platform(name)
            if platform not in seen:
                seen.add(platform)
                yield platform
