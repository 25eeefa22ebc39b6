from __future__ import annotations

import sys
from typing import cast

import pytest
from packaging import tags as packaging_tags

from launcher.python import question
from launcher.python.answer import Answer
from launcher.python.tags import pep440_version, platform_tags, wheel_tags
from tests.unit.python.answers import answer


def _answer_of_this_interpreter() -> Answer:
    return cast("Answer", question.answer())


def test_tags_of_the_running_interpreter_are_those_of_packaging() -> None:
    expected = [str(tag) for tag in packaging_tags.sys_tags()]
    assert list(wheel_tags(_answer_of_this_interpreter())) == expected


def test_the_running_interpreter_describes_itself() -> None:
    read = _answer_of_this_interpreter()
    assert read["self"] == sys.executable
    assert read["markers"]["python_version"] == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert read["paths"]["purelib"].endswith("site-packages")


def test_manylinux_goes_down_to_the_oldest_policy_with_its_aliases() -> None:
    platforms = list(platform_tags(answer(glibc="2.17")))
    assert platforms[:4] == ["linux_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_16_x86_64"]
    assert platforms[-2:] == ["manylinux_2_5_x86_64", "manylinux1_x86_64"]
    assert "manylinux2010_x86_64" in platforms


@pytest.mark.parametrize("architecture", ["aarch64", "ppc64le", "s390x", "riscv64"])
def test_manylinux_begins_with_glibc_2_17_elsewhere(architecture: str) -> None:
    platforms = list(platform_tags(answer(platform=f"linux-{architecture}", glibc="2.19")))
    assert platforms == [
        f"linux_{architecture}",
        f"manylinux_2_19_{architecture}",
        f"manylinux_2_18_{architecture}",
        f"manylinux_2_17_{architecture}",
        f"manylinux2014_{architecture}",
    ]


def test_an_architecture_without_a_policy_has_no_manylinux() -> None:
    assert list(platform_tags(answer(platform="linux-mips64", glibc="2.31"))) == ["linux_mips64"]


def test_a_vendor_suffix_of_glibc_is_ignored() -> None:
    platforms = list(platform_tags(answer(platform="linux-aarch64", glibc="2.17-2014.11")))
    assert platforms[1] == "manylinux_2_17_aarch64"


def test_musllinux_goes_down_to_zero() -> None:
    read = answer()
    read["musl"] = "1.2.5"
    assert list(platform_tags(read)) == [
        "linux_x86_64",
        "musllinux_1_2_x86_64",
        "musllinux_1_1_x86_64",
        "musllinux_1_0_x86_64",
    ]


def _elf_header(*, machine: int, flags: int = 0) -> str:
    header = bytearray(52)
    header[:6] = b"\x7fELF\x01\x01"
    header[18:20] = machine.to_bytes(2, "little")
    header[36:40] = flags.to_bytes(4, "little")
    return header.hex()


def test_a_32_bit_interpreter_on_a_64_bit_kernel_takes_i686_wheels() -> None:
    read = answer(glibc="2.5")
    read["is_64bit"] = False
    read["elf_header"] = _elf_header(machine=3)
    assert list(platform_tags(read)) == ["linux_i686", "manylinux_2_5_i686", "manylinux1_i686"]


def test_32_bit_arm_takes_manylinux_with_hard_float_only() -> None:
    read = answer(platform="linux-aarch64", glibc="2.17")
    read["is_64bit"] = False
    read["elf_header"] = _elf_header(machine=40, flags=0x05000400)
    hard = list(platform_tags(read))
    read["elf_header"] = _elf_header(machine=40, flags=0x05000200)
    assert hard[:3] == ["linux_armv8l", "linux_armv7l", "manylinux_2_17_armv8l"]
    assert list(platform_tags(read)) == ["linux_armv8l", "linux_armv7l"]


def test_macos_has_universal2() -> None:
    read = answer(platform="macosx-11.0-arm64")
    read["macos"] = ["14.6.1", "arm64"]
    platforms = list(platform_tags(read))
    assert platforms[:2] == ["macosx_14_0_arm64", "macosx_14_0_universal2"]


def test_windows_has_one_platform() -> None:
    assert list(platform_tags(answer(platform="win-amd64"))) == ["win_amd64"]


def test_cpython_order() -> None:
    tags = wheel_tags(answer(version="3.12.1"))
    assert tags[:4] == (
        "cp312-cp312-linux_x86_64",
        "cp312-abi3-linux_x86_64",
        "cp312-none-linux_x86_64",
        "cp311-abi3-linux_x86_64",
    )
    assert "cp312-none-any" in tags
    assert tags[-1] == "py30-none-any"


def test_a_free_threaded_interpreter_has_no_abi3() -> None:
    read = answer(version="3.13.0")
    read["free_threaded"] = True
    tags = wheel_tags(read)
    assert tags[0] == "cp313-cp313t-linux_x86_64"
    assert not [tag for tag in tags if "-abi3-" in tag]


def test_a_debug_build_takes_release_wheels_second() -> None:
    read = answer()
    read["debug"] = True
    assert wheel_tags(read)[:2] == ("cp312-cp312d-linux_x86_64", "cp312-cp312-linux_x86_64")


def test_pypy() -> None:
    tags = wheel_tags(answer(version="3.10.14", implementation="pypy", ext_suffix=".pypy310-pp73-x86_64-linux-gnu.so"))
    assert tags[:2] == ("pp310-pypy310_pp73-linux_x86_64", "pp310-none-linux_x86_64")
    assert "pp3-none-any" in tags


def test_graalpy() -> None:
    suffix = ".graalpy240-311-native-x86_64-linux.so"
    tags = wheel_tags(answer(version="3.11.7", implementation="graalpy", ext_suffix=suffix))
    assert tags[0] == "graalpy311-graalpy240_311_native-linux_x86_64"


def test_versions_that_are_too_old_have_no_tags() -> None:
    assert wheel_tags(answer(version="3.7.16")) == ()


@pytest.mark.parametrize("version", ["3.12.1", "3.15.0rc1", "3.12.1+local"])
def test_a_version_stays_as_it_is(version: str) -> None:
    assert pep440_version(answer(version=version)) == version


def test_a_vendors_spelling_is_reduced_to_its_numbers() -> None:
    assert pep440_version(answer(version="3.12.1-vendor.x86")) == "3.12.1"
