"""The wheel tags that an interpreter accepts, and its version, from what it answered.

packaging computes tags for the interpreter it runs in, and none runs in the interpreters that scripts use. So its
building blocks get explicit arguments here; what they leave out is the list of Linux platforms (PEP 600 and PEP 656).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from packaging.tags import INTERPRETER_SHORT_NAMES, compatible_tags, cpython_tags, generic_tags, mac_platforms
from packaging.version import InvalidVersion, Version

from launcher.python.answer import Answer

_LEGACY_NAMES = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
_LAST_MINOR_OF_OLDER_GLIBC = 50
"""As packaging guesses it, should there ever be a glibc 3."""
_MANYLINUX_ARCHITECTURES = {"x86_64", "aarch64", "ppc64", "ppc64le", "s390x", "loongarch64", "riscv64"}

_ELF_32BIT_LITTLE_ENDIAN = b"\x7fELF\x01\x01"
_ELF_I386, _ELF_ARM = 3, 40
_ELF_ARM_ABI_MASK, _ELF_ARM_ABI_5, _ELF_ARM_HARD_FLOAT = 0xFF000000, 0x05000000, 0x00000400


def wheel_tags(answer: Answer) -> tuple[str, ...]:
    """Return the tags, best first: the list and order that `packaging.tags.sys_tags` has inside that interpreter.

    Empty for versions before 3.8, whose ABI flags nobody needs any more.
    """
    version = _version(answer["markers"]["python_version"])
    if version < (3, 8):
        return ()
    platforms = list(platform_tags(answer))
    nodot = "".join(map(str, version))
    if answer["implementation"] == "cpython":
        own = cpython_tags(version, _cpython_abis(nodot, answer), platforms)
        short: str | None = f"cp{nodot}"
    else:
        name = INTERPRETER_SHORT_NAMES.get(answer["implementation"]) or answer["implementation"]
        own = generic_tags(f"{name}{nodot}", _generic_abis(answer["paths"]["ext_suffix"]), platforms)
        short = "pp3" if name == "pp" else None
    return tuple(map(str, chain(own, compatible_tags(version, short, platforms))))


def pep440_version(answer: Answer) -> str:
    """Return the full version, or its numbers alone where a vendor's spelling is not PEP 440."""
    try:
        Version(answer["version"])
    except InvalidVersion:
        return answer["release"]
    return answer["version"]


def platform_tags(answer: Answer) -> Iterator[str]:
    """Yield the platforms whose wheels the interpreter can load, best first."""
    platform = _normalise(answer["paths"]["platform"])
    if answer["macos"]:
        release, architecture = answer["macos"]
        yield from mac_platforms(_version(release), _mac_architecture(architecture, answer["is_64bit"]))
        return
    if not platform.startswith("linux_"):
        yield platform
        return
    architecture = platform.removeprefix("linux_")
    if not answer["is_64bit"]:
        # sysconfig names the kernel's architecture, also for a 32-bit interpreter.
        architecture = {"x86_64": "i686", "aarch64": "armv8l"}.get(architecture, architecture)
    architectures = ["armv8l", "armv7l"] if architecture == "armv8l" else [architecture]
    yield from (f"linux_{each}" for each in architectures)
    if answer["glibc"] and _is_manylinux(architectures, bytes.fromhex(answer["elf_header"])):
        yield from chain.from_iterable(_manylinux(each, _version(answer["glibc"])) for each in architectures)
    if answer["musl"]:
        major, minor = _version(answer["musl"])
        yield from (f"musllinux_{major}_{m}_{each}" for each in architectures for m in range(minor, -1, -1))


def _manylinux(architecture: str, newest: tuple[int, int]) -> Iterator[str]:
    """Yield the PEP 600 names from the glibc at hand down to the oldest that any policy knows, with their aliases."""
    oldest = (2, 5) if architecture in {"x86_64", "i686"} else (2, 17)
    for major in range(newest[0], 1, -1):
        last = newest[1] if major == newest[0] else _LAST_MINOR_OF_OLDER_GLIBC
        for minor in range(last, (oldest[1] if major == oldest[0] else 0) - 1, -1):
            yield f"manylinux_{major}_{minor}_{architecture}"
            if (major, minor) in _LEGACY_NAMES:
                yield f"{_LEGACY_NAMES[major, minor]}_{architecture}"


def _is_manylinux(architectures: list[str], elf_header: bytes) -> bool:
    """Tell whether manylinux knows the architecture; on 32 bits the executable itself shows its ABI."""
    is_little_32bit = elf_header.startswith(_ELF_32BIT_LITTLE_ENDIAN) and len(elf_header) >= 52
    machine = int.from_bytes(elf_header[18:20], "little")
    if "armv7l" in architectures:
        flags = int.from_bytes(elf_header[36:40], "little")
        is_hard_float = flags & _ELF_ARM_ABI_MASK == _ELF_ARM_ABI_5 and bool(flags & _ELF_ARM_HARD_FLOAT)
        return is_little_32bit and machine == _ELF_ARM and is_hard_float
    if "i686" in architectures:
        return is_little_32bit and machine == _ELF_I386
    return not _MANYLINUX_ARCHITECTURES.isdisjoint(architectures)


def _cpython_abis(nodot: str, answer: Answer) -> list[str]:
    plain = f"cp{nodot}" + "t" * answer["free_threaded"]
    return [f"{plain}d", plain] if answer["debug"] else [plain]


def _generic_abis(ext_suffix: str) -> list[str]:
    """Return the ABI that an extension suffix names: ``.pypy310-pp73-x86_64-linux-gnu.so`` has ``pypy310_pp73``."""
    parts = ext_suffix.split(".")
    if len(parts) < 3 or not parts[1]:
        return []
    words = parts[1].split("-")
    count = {"pypy": 2, "graalpy": 3}.get(words[0].rstrip("0123456789"), len(words))
    return [_normalise("-".join(words[:count]))]


def _mac_architecture(architecture: str, is_64bit: bool) -> str:
    if is_64bit:
        return architecture
    return "ppc" if architecture.startswith("ppc") else "i386"


def _version(text: str) -> tuple[int, int]:
    """Return the first two numbers: ``(2, 36)`` for ``"2.36"`` and ``"2.36-9"``."""
    numbers = []
    for part in (*text.split("."), "0")[:2]:
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        numbers.append(int(digits or 0))
    return numbers[0], numbers[1]


def _normalise(text: str) -> str:
    return text.replace(".", "_").replace("-", "_").replace(" ", "_")
