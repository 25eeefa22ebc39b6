"""Where a set of wheels runs: what else than the interpreter it was chosen for would get just these."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from launcher.python.bundle_fit import is_for
from launcher.resolve.metadata import WheelMetadata
from launcher.resolve.targets import target_interpreter
from launcher.script.bundle_manifest import BundleTarget
from launcher.share.bundle_lock import lock_of
from launcher.share.bundle_targets import range_of, runs_on, targets_of
from launcher.share.reach import SetWheel, WheelSet, cells_of, needed_wheels
from launcher.value import replace

HERE = target_interpreter("3.12", "linux-x86_64")


def wheel(filename: str, *requires: str, requires_python: str | None = None) -> SetWheel:
    name, version = filename.split("-")[:2]
    return SetWheel(f"{filename}.whl", WheelMetadata(name, version, requires, requires_python, ()))


def chosen(*wheels: SetWheel, requires: Iterable[str] = ("a",), **fields: object) -> WheelSet:
    made = WheelSet({each.metadata.name: each for each in wheels}, tuple(requires), HERE)
    return replace(made, **fields)


def targets(*sets: WheelSet, requires_python: str | None = None) -> tuple[BundleTarget, ...]:
    names = sorted({each.filename for one in sets for each in one.wheels.values()})
    return targets_of(sets, requires_python, lambda one, name: names.index(one.wheels[name].filename))


@pytest.mark.parametrize(
    ("wheels", "requires_python", "said", "pythons"),
    [
        ([wheel("a-1-py3-none-any")], None, "Python 3.8 and newer on any system", ">=3.8"),
        ([wheel("a-1-py3-none-any")], ">=3.9.2", "Python 3.9.2 and newer on any system", ">=3.9.2"),
        (
            [wheel("a-1-py3-none-any", requires_python=">=3.10,<3.13")],
            None,
            "3.10 to 3.12 on any system",
            ">=3.10,<3.13",
        ),
        ([wheel("a-1-py2.py3-none-any")], "!=3.10.*", "3.8 to 3.9 and 3.11 and newer", ">=3.8,!=3.10.*"),
        (
            [wheel("a-1-cp312-cp312-manylinux_2_28_x86_64")],
            None,
            "CPython 3.12 on Linux x86_64 (glibc 2.28 or newer)",
            ">=3.12,<3.13",
        ),
        (
            [wheel("a-1-cp39-abi3-macosx_11_0_arm64")],
            None,
            "CPython 3.9 and newer on macOS aarch64 (11.0 or newer)",
            ">=3.9",
        ),
        ([wheel("a-1-cp312-cp312-win_amd64")], None, "CPython 3.12 on Windows x86_64", ">=3.12,<3.13"),
        ([wheel("a-1-cp312-cp312-musllinux_1_2_x86_64")], None, "Linux x86_64 (musl 1.2 or newer)", ">=3.12,<3.13"),
        ([wheel("a-1-py3-none-any", "b; sys_platform == 'win32'")], None, "on Linux and macOS", ">=3.8"),
        ([wheel("a-1-py3-none-any", "b; python_version < '3.11'")], None, "Python 3.11 and newer on any", ">=3.11"),
        ([wheel("a-1-py3-none-any", "b; platform_python_implementation == 'PyPy'")], None, "CPython 3.8 and", ">=3.8"),
        ([wheel("a-1-py3-none-any", "b; python_version >= '3.14'")], None, "Python 3.8 to 3.13 on any", ">=3.8,<3.14"),
    ],
)
def test_what_the_wheels_themselves_say_decides(
    wheels: list[SetWheel], requires_python: str | None, said: str, pythons: str
) -> None:
    found = targets(chosen(*wheels), requires_python=requires_python)
    # The interpreter that it was made for is always served; here it is not asked what else.
    found = tuple(each for each in found if each.pythons != ((3, 12, 40),))
    assert said in runs_on(found)
    assert range_of(found) == pythons


def test_an_interpreter_gets_only_the_wheels_that_it_needs() -> None:
    one = chosen(wheel("a-1-py3-none-any", "b; python_version < '3.10'"), wheel("b-1-py3-none-any"))
    old, new = sorted(targets(one), key=lambda target: target.pythons)
    assert (old.pythons, old.wheels) == (((3, 8, 0), (3, 9, 0)), (0, 1))
    assert (new.pythons[0], new.is_open, new.wheels) == ((3, 10, 0), True, (0,))
    text = lock_of([], [old, new])
    assert 'requires-python = ">=3.8"' in text


@pytest.mark.parametrize(
    ("requirement", "needed"),
    [
        ("a", ("a",)),
        ("a[more]", ("a", "b")),
        ("a>=2", None),
        ("a ; python_version < '3'", ()),
        ("a @ https://host/a-1-py3-none-any.whl", ("a",)),
        ("c", None),
    ],
)
def test_needs_are_followed_through_extras_and_versions(requirement: str, needed: tuple[str, ...] | None) -> None:
    one = chosen(wheel("a-1-py3-none-any", "b; extra == 'more'"), wheel("b-1-py3-none-any"), requires=(requirement,))
    assert needed_wheels(one, HERE.markers) == needed


def test_overrides_keep_a_set_to_the_interpreter_it_was_made_for() -> None:
    one = chosen(wheel("a-1-py3-none-any"), is_fixed=True)
    assert list(cells_of(one, None)) == []
    assert [each.pythons for each in targets(one)] == [((3, 12, 40),)]


def test_what_was_built_here_asks_for_the_c_library_of_here() -> None:
    one = chosen(wheel("a-1-cp312-cp312-linux_x86_64"), here=("glibc", 2, 36))
    assert {each.libc for each in targets(one) if each.system == "linux"} >= {("glibc", 2, 36)}


def test_the_interpreter_that_was_asked_for_comes_before_those_that_are_served_as_well() -> None:
    pure = chosen(wheel("a-1-py3-none-any"), made_for=target_interpreter("3.11", "macos"))
    native = chosen(wheel("a-1-cp312-cp312-manylinux_2_17_x86_64"))
    found = targets(native, pure)
    assert next(each for each in found if is_for(each, HERE)).libc == ("glibc", 2, 17)


def test_free_threaded_pythons_get_only_what_is_for_them() -> None:
    python = target_interpreter("3.14t", "linux-x86_64")
    native = chosen(wheel("a-1-cp314-cp314t-manylinux_2_17_x86_64"), made_for=python)
    assert [each.free_threaded for each in targets(native)] == [True]
    assert is_for(targets(native)[0], python)
    assert not is_for(targets(native)[0], target_interpreter("3.14", "linux-x86_64"))
    assert "3.14 (free-threaded) on Linux" in runs_on(targets(native))
    assert is_for(targets(chosen(wheel("a-1-py3-none-any")))[0], python)
