"""The plan for the system that this is, with the program that files are given to here."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Mapping

from launcher.desktop import linux, macos, windows
from launcher.desktop.applications import Homes
from launcher.desktop.changes import Plan
from launcher.desktop.machine import Machine
from launcher.errors import RegistrationFailed
from launcher.share.installing import find_launcher


def plan_here(environ: Mapping[str, str], machine: Machine, *, is_for_all_python: bool) -> Plan:
    """Return what is to be written on this system; raises a `PyscriptError` where that cannot be done."""
    if sys.platform == "win32":
        return windows.plan(_windowless_program(), machine.registry, is_for_all_python=is_for_all_python)
    handler = find_launcher(environ).program
    if sys.platform == "darwin":
        return macos.plan(handler, environ, machine.run, is_for_all_python=is_for_all_python)
    return linux.plan(handler, Homes.of(environ), is_for_all_python=is_for_all_python)


def _windowless_program() -> str:
    """Return ``pyscriptw.exe``, which lies where installers put the scripts of this Python."""
    directories = (os.path.dirname(sys.executable), sysconfig.get_path("scripts"))
    for directory in directories:
        path = os.path.join(directory, "pyscriptw.exe")
        if os.path.isfile(path):
            return path
    raise RegistrationFailed(
        f"pyscriptw.exe, which a double-click would start, is not in {directories[0]}.", hint="Install pyscript again."
    )
