"""The lock (PEP 751) that lies in a bundle: what each interpreter gets of its wheels, for people and other tools. Pure.

Its paths are those in the bundle: who unpacks it can install from the lock with pip, without any index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from packaging.markers import Marker
from packaging.pylock import Package, PackageWheel, Pylock
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from launcher.resolve.lockfile import Lock
from launcher.script.bundle_manifest import BundledWheel, BundleTarget
from launcher.share.bundle_targets import range_of

_MACHINES = {"x86_64": ("x86_64", "AMD64"), "aarch64": ("aarch64", "arm64", "ARM64"), "i686": ("i686", "x86")}


def lock_of(wheels: Sequence[BundledWheel], targets: Sequence[BundleTarget]) -> str:
    """Return the text of the lock of a bundle with these wheels and targets."""
    packages = []
    by_version = sorted(enumerate(wheels), key=lambda item: (item[1].name, item[1].version))
    for (name, version), group in groupby(by_version, key=lambda item: (item[1].name, item[1].version)):
        numbered = list(group)
        numbers = {number for number, _ in numbered}
        packages.append(
            Package(
                name=canonicalize_name(name),
                version=Version(version),
                marker=_marker([target for target in targets if numbers & set(target.wheels)], targets),
                wheels=[
                    PackageWheel(path=wheel.file.file, size=wheel.file.size_bytes, hashes={"sha256": wheel.file.sha256})
                    for _, wheel in numbered
                ],
            )
        )
    content = Pylock(
        lock_version=Version("1.0"),
        requires_python=SpecifierSet(range_of(targets)),
        created_by="pyscript",
        packages=packages,
    )
    return Lock(content).to_text()


def _marker(having: Sequence[BundleTarget], targets: Sequence[BundleTarget]) -> Marker | None:
    """Return what holds for the targets that have a package, and no others; None where all have it."""
    if len(having) == len(targets):
        return None
    return Marker(" or ".join(_condition(target) for target in having))


def _condition(target: BundleTarget) -> str:
    parts = [_pythons(target)]
    if target.system:
        parts.append(f'sys_platform == "{target.system}"')
    if target.machine:
        names = _MACHINES.get(target.machine, (target.machine,))
        parts.append(_any_of(f'platform_machine == "{name}"' for name in names))
    if target.implementation:
        parts.append(f'implementation_name == "{target.implementation}"')
    return " and ".join(parts)


def _pythons(target: BundleTarget) -> str:
    return _any_of(_series(target))


def _series(target: BundleTarget) -> Iterator[str]:
    for version in target.pythons:
        series = f"{version[0]}.{version[1]}"
        if target.is_open and version == target.pythons[-1]:
            yield f'python_version >= "{series}"'
        elif version[2:] and version[2]:
            yield f'python_version == "{series}" and python_full_version >= "{series}.{version[2]}"'
        else:
            yield f'python_version == "{series}"'


def _any_of(conditions: Iterable[str]) -> str:
    listed = list(conditions)
    return f"({' or '.join(listed)})" if len(listed) > 1 else listed[0]
