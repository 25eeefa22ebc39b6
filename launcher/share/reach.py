"""Where a set of wheels runs: every interpreter that would get exactly wheels of this set, without asking an index.

A resolution is made for one interpreter, and most serve many more. What else would do is found by walking from what the
script requires through what the wheels themselves require, by the markers, tags and `requires-python` of each
interpreter that there might be. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from packaging.specifiers import SpecifierSet

from launcher.python.demand import NEWEST_MINOR
from launcher.python.query import OLDEST_SUPPORTED, Interpreter
from launcher.resolve.dependencies import Dependency, DependencyReader
from launcher.resolve.metadata import WheelMetadata
from launcher.resolve.platforms import Platform
from launcher.resolve.releases import Compatibility, tags_of
from launcher.resolve.targets import target_interpreter
from launcher.value import Value

FUTURE = "3.99"
"""It stands for the Pythons that nobody knows yet: no wheel has their tags, and no marker names them."""

_NEWEST = {"glibc": "2.60", "musl": "1.9", "macos": "30.0"}
_ARCHITECTURES = {
    "linux": ("x86_64", "aarch64", "ppc64le", "s390x", "riscv64", "loongarch64"),
    "macos": ("arm64", "x86_64"),
    "windows": ("x86_64", "arm64", "x86"),
}
_PYPY = {"implementation_name": "pypy", "platform_python_implementation": "PyPy"}
_LEGACY_TAGS = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}

Libc = tuple[str | int, ...]
"""The name of a C library or ``macos``, and the two numbers of the oldest one that will do; empty: any."""


class SetWheel(Value):
    """A wheel by its file name, with what its METADATA says."""

    filename: str
    metadata: WheelMetadata

    @property
    def is_pure(self) -> bool:
        """Whether nothing about it depends on the platform or the implementation."""
        python, abi, platform = self.filename.removesuffix(".whl").rsplit("-", 3)[1:]
        return (abi, platform) == ("none", "any") and "py3" in python.split(".")


class WheelSet(Value):
    """The wheels that were chosen for one interpreter, by canonical name, and what the script requires of packages.

    `here` is the C library of this machine, for wheels that were built on it. With `is_fixed` it is not known what
    other interpreters would get, because something else than the packages' own words decided (overrides).
    """

    wheels: Mapping[str, SetWheel]
    requirements: tuple[str, ...]
    made_for: Interpreter
    here: Libc = ()
    is_fixed: bool = False


class Cell(Value):
    """The Pythons of one series on one platform that a set serves, from the release `oldest` on.

    `wheels` are the names of those that they get; `is_indifferent` says that the implementation does not matter.
    """

    platform: Platform
    oldest: tuple[int, int, int]
    wheels: tuple[str, ...]
    libc: Libc
    is_pure: bool
    is_indifferent: bool


def platforms_of_the_world() -> list[Platform]:
    """Return the kinds of machines that there are, with the newest C library that there may be."""
    found = [
        Platform("linux", each, libc, _NEWEST[libc]) for each in _ARCHITECTURES["linux"] for libc in ("glibc", "musl")
    ]
    found += [Platform("macos", each, "", _NEWEST["macos"]) for each in _ARCHITECTURES["macos"]]
    return found + [Platform("windows", each) for each in _ARCHITECTURES["windows"]]


def cells_of(chosen: WheelSet, requires_python: str | None) -> Iterator[Cell]:
    """Yield every cell that a set of wheels serves, a Python after the other, the one for `FUTURE` last."""
    if chosen.is_fixed:
        return
    allowed = SpecifierSet(requires_python or "")
    series = [f"3.{minor}" for minor in range(OLDEST_SUPPORTED[1], NEWEST_MINOR + 1)]
    mentioned = _mentioned_releases(chosen, requires_python)
    is_pure = all(wheel.is_pure for wheel in chosen.wheels.values())
    for python in (*series, FUTURE):
        for platform in platforms_of_the_world():
            for release in (0, *mentioned.get(python, ())) if python != FUTURE else (0,):
                version = f"{python}.{release}"
                if not allowed.contains(version, prereleases=True):
                    continue
                cell = _cell(chosen, version, platform, is_pure=is_pure)
                if cell is not None:
                    yield cell
                    break


def _mentioned_releases(chosen: WheelSet, requires_python: str | None) -> dict[str, list[int]]:
    """Return the releases that anybody names, by series: what holds can change there."""
    texts = [requires_python or "", *chosen.requirements]
    for wheel in chosen.wheels.values():
        texts += [wheel.metadata.requires_python or "", *wheel.metadata.requires_dist]
    found: dict[str, set[int]] = {}
    for minor, micro in re.findall(r"\b3\.(\d+)\.(\d+)", " ".join(texts)):
        # Behind "!=" and ">" it is the next one.
        found.setdefault(f"3.{minor}", set()).update((int(micro), int(micro) + 1))
    return {python: sorted(releases - {0}) for python, releases in found.items()}


def _cell(chosen: WheelSet, version: str, platform: Platform, *, is_pure: bool) -> Cell | None:
    suffix = "t" if chosen.made_for.free_threaded and not is_pure else ""
    interpreter = target_interpreter(version + suffix, platform.name)
    names = needed_wheels(chosen, interpreter.markers)
    if names is None:
        return None
    compatibility = Compatibility(interpreter.tags, interpreter.version)
    wheels = [chosen.wheels[name] for name in names]
    for wheel in wheels:
        takes_python = compatibility.takes_python(wheel.metadata.requires_python)
        if not takes_python or compatibility.rank(wheel.filename) is None:
            return None
    is_pure = all(wheel.is_pure for wheel in wheels)
    is_indifferent = is_pure and needed_wheels(chosen, {**interpreter.markers, **_PYPY}) == names
    major, minor, micro = interpreter.version_info
    libc = max((libc_of(wheel, interpreter, chosen.here) for wheel in wheels), default=())
    return Cell(platform, (major, minor, micro), names, libc, is_pure, is_indifferent)


def needed_wheels(chosen: WheelSet, markers: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the names of the wheels that an interpreter with these markers needs, or None where the set lacks one."""
    reader = DependencyReader(markers)
    waiting: list[Dependency | None] = [reader.read(text) for text in chosen.requirements]
    seen: set[tuple[str, str]] = set()
    while waiting:
        dependency = waiting.pop()
        if dependency is None:
            continue
        wheel = chosen.wheels.get(dependency.name)
        if wheel is None or (not dependency.url and not dependency.takes(wheel.metadata.version)):
            return None
        for extra in ("", *dependency.extras):
            if (dependency.name, extra) not in seen:
                seen.add((dependency.name, extra))
                waiting += [reader.read(text, extra) for text in wheel.metadata.requires_dist]
    return tuple(sorted({name for name, _ in seen}))


def libc_of(wheel: SetWheel, interpreter: Interpreter, here: Libc = ()) -> Libc:
    """Return the oldest C library, or macOS, that a wheel runs with, by the tags that the interpreter takes."""
    known = set(interpreter.tags)
    found = [_libc_of_tag(tag.rpartition("-")[2], here) for tag in tags_of(wheel.filename) if tag in known]
    return min(found, default=())


def _libc_of_tag(platform: str, here: Libc) -> Libc:
    numbered = re.match(r"(manylinux|musllinux|macosx)_(\d+)_(\d+)_", platform)
    if numbered is not None:
        name = {"manylinux": "glibc", "musllinux": "musl", "macosx": "macos"}[numbered[1]]
        return name, int(numbered[2]), int(numbered[3])
    legacy = _LEGACY_TAGS.get(platform.partition("_")[0])
    if legacy is not None:
        return "glibc", *legacy
    # Of what was built for "linux" nobody knows more than that it was here.
    return here if platform.startswith("linux_") else ()
