from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.resolve.platforms import DEFAULT_PLATFORMS
from launcher.resolve.target_markers import TargetMarkers
from launcher.resolve.targets import target_interpreter

PYTHONS = ("3.11.2", "3.11", "3.12", "3.13", "3.14")
TARGETS = list(product(PYTHONS, DEFAULT_PLATFORMS))
ENVIRONMENTS = [target_interpreter(*target).markers for target in TARGETS]
MARKERS = TargetMarkers(ENVIRONMENTS)
LINUX, MAC, WINDOWS = {0, 1}, {2, 3}, {4}
"""Positions in `DEFAULT_PLATFORMS`."""


def bits(platforms: set[int] | None = None, pythons: set[str] | None = None) -> int:
    return sum(
        1 << at
        for at, (python, platform) in enumerate(TARGETS)
        if (platforms is None or DEFAULT_PLATFORMS.index(platform) in platforms)
        and (pythons is None or python in pythons)
    )


@pytest.mark.parametrize(
    ("targets", "marker"),
    [
        (bits(WINDOWS), 'sys_platform == "win32"'),
        (bits(LINUX | MAC), 'sys_platform != "win32"'),
        (bits(LINUX), 'sys_platform == "linux"'),
        (bits(LINUX | WINDOWS), 'sys_platform != "darwin"'),
        (bits({1}), 'platform_machine == "aarch64"'),
        (bits({0}), 'sys_platform == "linux" and platform_machine == "x86_64"'),
        (bits({0, 1, 2, 4}), 'sys_platform != "darwin" or platform_machine == "arm64"'),
        (bits(pythons={"3.14"}), 'python_version >= "3.14"'),
        (bits(pythons={"3.11", "3.11.2", "3.12"}), 'python_version < "3.13"'),
        (bits(pythons={"3.12", "3.13"}), 'python_version >= "3.12" and python_version < "3.14"'),
        (bits(pythons={"3.11.2"}), 'python_full_version < "3.11.3"'),
        (bits(WINDOWS, {"3.14"}), 'sys_platform == "win32" and python_version >= "3.14"'),
        (bits() & ~bits(WINDOWS, {"3.14"}), 'sys_platform != "win32" or python_version < "3.14"'),
    ],
)
def test_a_marker_reads_as_a_person_would_write_it(targets: int, marker: str) -> None:
    assert str(MARKERS.marker(targets)) == marker


def test_what_holds_for_all_has_no_marker() -> None:
    assert MARKERS.marker(bits()) is None
    assert TargetMarkers(ENVIRONMENTS[:1]).marker(1) is None


@given(st.integers(1, (1 << len(TARGETS)) - 1))
def test_a_marker_holds_for_the_targets_and_no_others(targets: int) -> None:
    marker = MARKERS.marker(targets)
    held = [marker is None or marker.evaluate(dict(each)) for each in ENVIRONMENTS]
    assert held == [bool(targets >> at & 1) for at in range(len(TARGETS))]


def test_targets_that_differ_in_what_no_marker_says_are_told_to_be_alike() -> None:
    platforms = ("linux-x86_64", "macos-arm64", "linux-musl-x86_64")
    markers = TargetMarkers([target_interpreter("3.12", each).markers for each in platforms])
    assert [markers.alike(at) for at in range(3)] == [0b101, 0b010, 0b101]
    with pytest.raises(ValueError, match="no marker tells these targets from the others"):
        markers.marker(0b001)


def test_nothing_has_no_marker() -> None:
    with pytest.raises(ValueError, match="no target"):
        MARKERS.marker(0)
