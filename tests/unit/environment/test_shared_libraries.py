"""Shared libraries that look for others outside their wheel; the ELF files are made by hand."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.environment.shared_libraries import Linkage, read_linkage, real_directories
from tests.support.wheels import Wheel
from tests.unit.environment.conftest import Store


def elf(needed: list[str], runpath: str = "", *, tag: int = 29, bits: int = 64) -> bytes:
    """Return the smallest shared library that the dynamic linker would understand."""
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in [*needed, runpath])
    offsets = [1 + sum(len(name.encode()) + 1 for name in needed[:index]) for index in range(len(needed) + 1)]
    word = "<2Q" if bits == 64 else "<2I"
    header_size, segment_size = (64, 56) if bits == 64 else (52, 32)
    dynamic_start = header_size + 2 * segment_size
    tags = [(1, offset) for offset in offsets[:-1]]
    if runpath:
        tags.append((tag, offsets[-1]))
    count = len(tags) + 3
    strings_start = dynamic_start + count * struct.calcsize(word)
    tags += [(5, 0x1000 + strings_start), (10, len(strings)), (0, 0)]
    dynamic = b"".join(struct.pack(word, *pair) for pair in tags)
    total = strings_start + len(strings)
    ident = b"\x7fELF" + bytes([2 if bits == 64 else 1, 1, 1]) + bytes(9)
    if bits == 64:
        header = struct.pack("<2HI3QI6H", 3, 62, 1, 0, header_size, 0, 0, 64, 56, 2, 0, 0, 0)
        load = struct.pack("<2I6Q", 1, 5, 0, 0x1000, 0x1000, total, total, 4096)
        where = struct.pack("<2I6Q", 2, 6, dynamic_start, 0x1000 + dynamic_start, 0, len(dynamic), len(dynamic), 8)
    else:
        header = struct.pack("<2H5I6H", 3, 3, 1, 0, header_size, 0, 0, 52, 32, 2, 0, 0, 0)
        load = struct.pack("<8I", 1, 0, 0x1000, 0x1000, total, total, 5, 4096)
        where = struct.pack("<8I", 2, dynamic_start, 0x1000 + dynamic_start, 0, len(dynamic), len(dynamic), 6, 4)
    return ident + header + load + where + dynamic + strings


@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.parametrize("tag", [15, 29])
def test_needs_and_search_paths_are_read(tmp_path: Path, bits: int, tag: int) -> None:
    path = tmp_path / "x.so"
    path.write_bytes(
        elf(["libcublas.so.12", "libc.so.6"], "$ORIGIN/../../nvidia/cublas/lib:$ORIGIN", tag=tag, bits=bits)
    )
    linkage = Linkage(("libcublas.so.12", "libc.so.6"), ("$ORIGIN/../../nvidia/cublas/lib", "$ORIGIN"))
    assert read_linkage(str(path)) == linkage


@pytest.mark.skipif(sys.platform != "linux", reason="ELF is the format of Linux")
def test_real_libraries_are_read() -> None:
    import _ctypes  # noqa: PLC0415

    linkage = read_linkage(_ctypes.__file__)
    assert linkage is not None and any(name.startswith("libc.so") for name in linkage.needed)


@given(st.binary(max_size=400), st.integers(0, 300))
def test_broken_files_are_passed_over(tmp_path_factory: pytest.TempPathFactory, noise: bytes, position: int) -> None:
    path = tmp_path_factory.mktemp("elf") / "x.so"
    content = bytearray(elf(["libx.so"], "$ORIGIN/../y"))
    content[16 + position : 16 + position + len(noise)] = noise
    path.write_bytes(content)
    read_linkage(str(path))
    path.write_bytes(b"\x7fELF" + noise)
    read_linkage(str(path))


NVIDIA = Linkage(("libcublas.so.12", "libc.so.6"), ("$ORIGIN/../../nvidia/cublas/lib",))


@pytest.mark.parametrize(
    ("linkage", "expected"),
    [
        pytest.param(NVIDIA, ("torch/lib",), id="a directory of another wheel"),
        pytest.param(NVIDIA._replace(search_paths=("${ORIGIN}/../../nvidia/lib",)), ("torch/lib",), id="braces"),
        pytest.param(NVIDIA._replace(search_paths=("$ORIGIN", "$ORIGIN/../libs")), (), id="directories of this wheel"),
        pytest.param(NVIDIA._replace(search_paths=("/usr/lib",)), (), id="an absolute path"),
        pytest.param(
            NVIDIA._replace(needed=("libown.so", "libc.so.6", "libstdc++.so.6")), (), id="own and the system's"
        ),
        pytest.param(NVIDIA._replace(search_paths=()), (), id="no path"),
    ],
)
def test_what_makes_a_directory_real(linkage: Linkage, expected: tuple[str, ...]) -> None:
    directories = {"", "torch", "torch/lib", "torch/libs"}
    assert real_directories({"torch/lib/libtorch.so": linkage}, directories, {"libown.so"}) == expected


def test_the_store_remembers_real_directories(store: Store) -> None:
    files: dict[str, str | bytes] = {
        "torch/__init__.py": "",
        "torch/lib/libtorch.so": elf(["libcublas.so.12"], "$ORIGIN/../../nvidia/cublas/lib"),
        "torch/own/x.so": elf(["liby.so"], "$ORIGIN/../own"),
        "torch/own/liby.so": elf([]),
    }
    assert store(Wheel("torch", files=files)).manifest.real == ("torch/lib",)
