"""Interpreters of other machines: what a Python there would answer, for locks and wheels chosen here (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from launcher.errors import UsageError
from launcher.python.answer import Answer
from launcher.python.demand import NEWEST_MINOR
from launcher.python.query import OLDEST_SUPPORTED, Interpreter
from launcher.python.request import satisfies
from launcher.python.tags import wheel_tags
from launcher.resolve.platforms import Platform, read_platform

_LAST_MICRO = 40
"""More releases than any series of Python has; a version named without a third number stands for its last release."""
_PYTHON = r"3\.(\d{1,2})(?:\.(\d{1,2}))?(t?)"


def target_interpreter(python: str, platform: str) -> Interpreter:
    """Return the CPython of a version (``3.12``, ``3.12.4``, ``3.14t``) on a platform, as if it had been asked.

    It is nowhere: it has no executable and its paths are not to be used. A version of two numbers stands for the last
    release of its series. Raises `UsageError` for what names no such version or platform.
    """
    return _interpreter(python.strip(), read_platform(platform))


@cache
def _interpreter(python: str, platform: Platform) -> Interpreter:
    found = re.fullmatch(_PYTHON, python)
    if found is None or (3, int(found[1])) < OLDEST_SUPPORTED:
        raise UsageError(
            f"{python!r} is no version of Python that scripts run on.", hint="Write it as 3.12, 3.12.4 or 3.14t."
        )
    minor, micro = int(found[1]), int(found[2] or _LAST_MICRO)
    version = f"3.{minor}.{micro}"
    markers = {
        **platform.markers,
        "implementation_name": "cpython",
        "implementation_version": version,
        "platform_python_implementation": "CPython",
        "python_full_version": version,
        "python_version": f"3.{minor}",
    }
    answer = _answer(platform, version, markers, is_free_threaded=bool(found[3]))
    return Interpreter(
        executable="",
        version=version,
        implementation="cpython",
        free_threaded=answer["free_threaded"],
        markers=markers,
        tags=wheel_tags(answer),
        paths=answer["paths"],
        stamp=(0, 0),
    )


def _answer(platform: Platform, version: str, markers: dict[str, str], *, is_free_threaded: bool) -> Answer:
    return Answer(
        self="",
        executable="",
        version=version,
        release=version,
        implementation="cpython",
        free_threaded=is_free_threaded,
        debug=False,
        is_64bit=platform.architecture != "x86",
        markers=markers,
        paths={"platform": platform.sysconfig_name, "ext_suffix": ""},
        glibc=platform.version if platform.libc == "glibc" else "",
        musl=platform.version if platform.libc == "musl" else "",
        macos=[platform.version, platform.architecture] if platform.system == "macos" else [],
        elf_header="",
    )


def pythons_for(requires_python: SpecifierSet | None, current: tuple[int, int]) -> tuple[str, ...]:
    """Return the Pythons that a lock is made for, newest first, each with the last release that is allowed.

    These are the series that `requires_python` allows, from the oldest that scripts run on up to the newest that they
    are tested on; without it, from the `current` one on. Where it allows none of these, it is the current one alone.
    """
    newest = max(NEWEST_MINOR, current[1])
    oldest = OLDEST_SUPPORTED[1] if requires_python is not None else current[1]
    found = []
    for minor in range(newest, oldest - 1, -1):
        if minor > NEWEST_MINOR and minor != current[1]:
            continue
        releases = (f"3.{minor}.{micro}" for micro in range(_LAST_MICRO, -1, -1))
        allowed = (each for each in releases if requires_python is None or satisfies(requires_python, Version(each)))
        if (last := next(allowed, None)) is not None:
            found.append(series_of(last))
    return tuple(found) or (f"3.{current[1]}",)


def series_of(version: str) -> str:
    """Return a version as `target_interpreter` takes it: two numbers where it is the last release of its series.

    >>> series_of("3.12.40"), series_of("3.12.4")
    ('3.12', '3.12.4')
    """
    series, _, micro = version.rpartition(".")
    return series if micro == str(_LAST_MICRO) else version


def usable_somewhere(filename: str, platform: Platform, tags: Sequence[str]) -> bool:
    """Tell whether any machine of a kind can load a wheel; `tags` are those of a Python on one of them.

    Where the tags name a C library or macOS, newer ones count as well.
    """
    pythons, abis, platforms = (*filename.removesuffix(".whl").rsplit("-", 3)[1:], "", "", "")[:3]
    if not _loads_any(platform, platforms):
        return False
    wanted = {f"{python}-{abi}" for python in pythons.split(".") for abi in abis.split(".")}
    return not wanted.isdisjoint(_without_platforms(tuple(tags)))


@cache
def _loads_any(platform: Platform, tags: str) -> bool:
    return any(map(platform.may_load, tags.split(".")))


@cache
def _without_platforms(tags: tuple[str, ...]) -> frozenset[str]:
    return frozenset(tag.rpartition("-")[0] for tag in tags)
