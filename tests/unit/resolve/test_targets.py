from __future__ import annotations

import platform as this_platform
import sys

import pytest
from packaging.markers import default_environment
from packaging.specifiers import SpecifierSet
from packaging.tags import sys_tags

from launcher.errors import UsageError
from launcher.resolve.platforms import DEFAULT_PLATFORMS, read_platform
from launcher.resolve.releases import Compatibility
from launcher.resolve.targets import pythons_for, series_of, target_interpreter, usable_somewhere

WHEELS = {
    "linux-x86_64": "demo-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "linux-aarch64": "demo-1.0-cp312-cp312-manylinux_2_28_aarch64.whl",
    "linux-musl-x86_64": "demo-1.0-cp312-cp312-musllinux_1_2_x86_64.whl",
    "macos-arm64": "demo-1.0-cp312-cp312-macosx_11_0_arm64.whl",
    "macos-x86_64": "demo-1.0-cp312-cp312-macosx_10_13_x86_64.whl",
    "windows-x86_64": "demo-1.0-cp312-cp312-win_amd64.whl",
    "windows-arm64": "demo-1.0-cp312-cp312-win_arm64.whl",
}


@pytest.mark.parametrize("platform", WHEELS)
def test_a_target_takes_its_own_wheels_and_no_others(platform: str) -> None:
    interpreter = target_interpreter("3.12", platform)
    compatibility = Compatibility(interpreter.tags, interpreter.version)
    assert {name for name, wheel in WHEELS.items() if compatibility.rank(wheel) is not None} == {platform}
    for wheel in ("demo-1.0-py3-none-any.whl", "demo-1.0-py2.py3-none-any.whl"):
        assert compatibility.rank(wheel) is not None
    assert compatibility.rank("demo-1.0-cp313-cp313-any.whl") is None


@pytest.mark.parametrize("platform", DEFAULT_PLATFORMS)
def test_older_stable_interfaces_are_taken(platform: str) -> None:
    tag = next(tag for tag in target_interpreter("3.12", platform).tags if tag.startswith("cp38-abi3-"))
    compatibility = Compatibility(target_interpreter("3.14t", platform).tags, "3.14.0")
    assert compatibility.rank(f"demo-1.0-{tag}.whl") is None, "a free-threaded build has another interface"


@pytest.mark.skipif(sys.implementation.name != "cpython" or sys.platform != "linux", reason="knows Linux' glibc alone")
def test_the_target_that_this_machine_is_answers_as_this_interpreter_does() -> None:
    libc, version = this_platform.libc_ver()
    if libc != "glibc":
        pytest.skip("knows glibc alone")
    name = f"manylinux_{version.replace('.', '_')}_{this_platform.machine()}"
    target = target_interpreter(this_platform.python_version(), name)
    unknowable = {"platform_release", "platform_version"}
    real = default_environment()
    assert {key: value for key, value in target.markers.items() if key not in unknowable} == {
        key: value for key, value in real.items() if key not in unknowable
    }
    assert list(target.tags) == [str(tag) for tag in sys_tags()]


@pytest.mark.parametrize(
    ("python", "series", "full"),
    [("3.12", "3.12", "3.12.40"), (" 3.9.7 ", "3.9", "3.9.7"), ("3.14t", "3.14", "3.14.40")],
)
def test_two_numbers_stand_for_the_last_release(python: str, series: str, full: str) -> None:
    found = target_interpreter(python, "macos")
    assert (found.markers["python_version"], found.markers["python_full_version"], found.version) == (
        series,
        full,
        full,
    )
    assert found.free_threaded is python.endswith("t")


@pytest.mark.parametrize("python", ["3", "2.7", "3.7", "three", "3.12.x", ""])
def test_what_is_no_version_is_refused(python: str) -> None:
    with pytest.raises(UsageError, match="is no version of Python that scripts run on"):
        target_interpreter(python, "linux")


@pytest.mark.parametrize(
    ("requires_python", "current", "found"),
    [
        (">=3.11", (3, 12), ("3.14", "3.13", "3.12", "3.11")),
        (">=3.12.3", (3, 12), ("3.14", "3.13", "3.12")),
        ("<3.10", (3, 9), ("3.9", "3.8")),
        (">=3.8,!=3.9.*,<3.11", (3, 10), ("3.10", "3.8")),
        ("==3.11.7", (3, 11), ("3.11.7",)),
        (">=3.13,<3.14.2", (3, 13), ("3.14.1", "3.13")),
        (None, (3, 13), ("3.14", "3.13")),
        (None, (3, 15), ("3.15",)),
        (">=3.14", (3, 15), ("3.15", "3.14")),
        (">=3.15", (3, 15), ("3.15",)),
        (">=3.17", (3, 17), ("3.17",)),
    ],
)
def test_a_lock_is_for_the_pythons_that_a_script_allows(
    requires_python: str | None, current: tuple[int, int], found: tuple[str, ...]
) -> None:
    assert pythons_for(None if requires_python is None else SpecifierSet(requires_python), current) == found


def test_the_last_release_of_a_series_has_two_numbers() -> None:
    assert target_interpreter(series_of("3.12.40"), "linux") == target_interpreter("3.12", "linux")


@pytest.mark.parametrize(
    ("filename", "is_usable"),
    [
        ("demo-1.0-cp312-cp312-manylinux_2_39_x86_64.whl", True),
        ("demo-1.0-cp312-cp312-manylinux_2_39_aarch64.whl", False),
        ("demo-1.0-cp313-cp313-manylinux_2_17_x86_64.whl", False),
        ("demo-1.0-cp39-abi3-manylinux_2_17_x86_64.whl", True),
        ("demo-1.0-py3-none-any.whl", True),
        ("demo-1.0-1-py3-none-any.whl", True),
        ("demo.whl", False),
    ],
)
def test_a_wheel_counts_that_a_newer_machine_can_load(filename: str, is_usable: bool) -> None:
    tags = target_interpreter("3.12", "linux").tags
    assert usable_somewhere(filename, read_platform("linux"), tags) is is_usable
