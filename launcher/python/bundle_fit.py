"""Whether an interpreter is one that a bundle runs on. Pure."""

from __future__ import annotations

from launcher.errors import InvalidBundle
from launcher.python.query import Interpreter
from launcher.script.bundle_file import Bundle
from launcher.script.bundle_manifest import BundleTarget

SYSTEM_NAMES = {"linux": "Linux", "darwin": "macOS", "win32": "Windows", "macos": "macOS"}
"""What messages call the systems of targets and platforms."""
_MACHINES = {"arm64": "aarch64", "x86": "i686", "amd64": "x86_64"}


def refuse_misfit(bundle: Bundle, interpreter: Interpreter) -> None:
    """Raise `InvalidBundle` where a bundle does not run on an interpreter."""
    if any(is_for(target, interpreter) for target in bundle.manifest.targets):
        return
    system, machine = machine_of(interpreter)
    implementation = interpreter.markers["platform_python_implementation"]
    this = f"{implementation} {interpreter.version} on {SYSTEM_NAMES.get(system, system)} {machine}"
    raise InvalidBundle(
        f"{bundle.path} does not run on {this} ({interpreter.executable}).",
        hint=f"It runs on {bundle.manifest.runs_on}; --python chooses another one.",
    )


def is_for(target: BundleTarget, interpreter: Interpreter) -> bool:
    """Tell whether an interpreter fits a target, as far as it is known without running it: its C library is not."""
    system, machine = machine_of(interpreter)
    version = interpreter.version_info
    is_listed = any(each[:2] == version[:2] and each <= version for each in target.pythons)
    is_newer = target.is_open and version[:2] > max(target.pythons)[:2]
    return (
        (is_listed or is_newer)
        and target.implementation in (None, interpreter.implementation)
        and target.free_threaded in (None, interpreter.free_threaded)
        and target.system in (None, system)
        and target.machine in (None, machine)
    )


def machine_of(interpreter: Interpreter) -> tuple[str, str]:
    """Return system and machine of an interpreter as a bundle's targets name them."""
    system, machine = interpreter.markers["sys_platform"], interpreter.markers["platform_machine"].lower()
    return ("linux" if system.startswith("linux") else system), machine_name(machine)


def machine_name(architecture: str) -> str:
    """Return what a bundle's targets call a machine that has several names."""
    return _MACHINES.get(architecture, architecture)
