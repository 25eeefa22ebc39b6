from __future__ import annotations

import pytest

from launcher.errors import UsageError
from launcher.resolve.platforms import DEFAULT_PLATFORMS, all_platforms, platform_names, read_platform


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("linux-x86_64", "linux-x86_64"),
        ("Linux-X86_64", "linux-x86_64"),
        ("linux-arm64", "linux-aarch64"),
        ("linux-musl-x86_64", "linux-musl-x86_64"),
        ("linux-x86_64-musl", "linux-musl-x86_64"),
        ("macos-aarch64", "macos-arm64"),
        ("windows-amd64", "windows-x86_64"),
        ("linux", "linux-x86_64"),
        ("macos", "macos-arm64"),
        ("windows", "windows-x86_64"),
        ("x86_64-unknown-linux-gnu", "linux-x86_64"),
        ("aarch64-unknown-linux-musl", "linux-musl-aarch64"),
        ("x86_64-apple-darwin", "macos-x86_64"),
        ("aarch64-apple-darwin", "macos-arm64"),
        ("x86_64-pc-windows-msvc", "windows-x86_64"),
        ("i686-pc-windows-msvc", "windows-x86"),
        ("x86_64-manylinux_2_34", "manylinux_2_34_x86_64"),
        ("x86_64-manylinux2014", "manylinux_2_17_x86_64"),
        ("manylinux2010_x86_64", "manylinux_2_12_x86_64"),
        ("manylinux_2_28_aarch64", "linux-aarch64"),
        ("musllinux_1_1_x86_64", "musllinux_1_1_x86_64"),
        ("macosx_11_0_arm64", "macosx_11_0_arm64"),
        ("win_amd64", "windows-x86_64"),
        ("win32", "windows-x86"),
    ],
)
def test_a_platform_has_one_name_whatever_it_is_called(text: str, name: str) -> None:
    assert read_platform(text).name == name


@pytest.mark.parametrize("name", platform_names())
def test_every_name_that_is_advised_is_understood(name: str) -> None:
    assert read_platform(name).name == name


@pytest.mark.parametrize("text", ["beos", "", "../x", "linux-", "linux-z80", "manylinux_x86_64", "musllinux1_x86_64"])
def test_a_name_that_nobody_knows_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="There is no platform called"):
        read_platform(text)


def test_a_name_that_is_nearly_right_is_mended() -> None:
    with pytest.raises(UsageError) as error:
        read_platform("linus-x86_64")
    assert error.value.hint == "Did you mean linux-x86_64?"


def test_several_names_of_one_platform_are_one() -> None:
    named = all_platforms(["macos", "default", "aarch64-apple-darwin"])
    assert [each.name for each in named] == [
        "macos-arm64",
        *(each for each in DEFAULT_PLATFORMS if "arm64" not in each),
    ]


@pytest.mark.parametrize(
    ("platform", "tags"),
    [
        ("linux-x86_64", {"linux_x86_64", "manylinux1_x86_64", "manylinux2014_x86_64", "manylinux_2_39_x86_64", "any"}),
        ("linux-musl-aarch64", {"linux_aarch64", "musllinux_1_9_aarch64", "any"}),
        ("macos-arm64", {"macosx_11_0_arm64", "macosx_26_0_arm64", "macosx_10_9_universal2", "any"}),
        ("macos-x86_64", {"macosx_10_9_x86_64", "macosx_10_6_intel", "macosx_10_9_universal2", "any"}),
        ("windows-x86_64", {"win_amd64", "any"}),
        ("windows-arm64", {"win_arm64", "any"}),
        ("windows-x86", {"win32", "any"}),
    ],
)
def test_any_machine_of_a_kind_counts_also_a_newer_one(platform: str, tags: set[str]) -> None:
    every = {
        *("any", "linux_x86_64", "linux_aarch64", "manylinux1_x86_64", "manylinux2014_x86_64", "manylinux_2_39_x86_64"),
        *("musllinux_1_9_aarch64", "musllinux_1_9_x86_64", "macosx_11_0_arm64", "macosx_26_0_arm64"),
        *("macosx_10_9_x86_64", "macosx_10_6_intel", "macosx_10_9_universal2", "win_amd64", "win_arm64", "win32"),
    } - ({"linux_aarch64"} if platform == "linux-x86_64" else set())
    assert {tag for tag in every if read_platform(platform).may_load(tag)} == tags


@pytest.mark.parametrize(
    ("platform", "release"),
    [("macosx_11_0_arm64", "20.0.0"), ("macosx_15_0_arm64", "24.0.0"), ("macosx_26_0_arm64", "25.0.0")],
)
def test_the_kernel_of_macos_has_numbers_of_its_own(platform: str, release: str) -> None:
    assert read_platform(platform).markers["platform_release"] == release
