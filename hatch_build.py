"""What hatchling cannot say in pyproject.toml: the command `pyscript` is not the same file everywhere.

On POSIX it is `launcher/launch/pyscript.sh`, installed as it is: a shell starts in 0.6 ms, `python -I -S` in 10.
Windows has no shell to rely on, so there it is an ordinary console entry, and beside it is `pyscriptw`, which opens no
console: a double-click calls that one. Hence two wheels:

    pyscript_launcher-X-py3-none-any.whl                          the shell script; what every POSIX system takes
    pyscript_launcher-X-py3-none-win32.win_amd64.win_arm64.whl    the console entry; pip and uv prefer it on Windows,
                                                                  because a platform's own tag comes before `any`

A build makes the wheel of the system it runs on; `PYSCRIPT_LAUNCHER_WHEEL=windows` (or `posix`) asks for the other.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

_ENTRY = "launcher.__main__:main"
_WINDOWS_TAG = "py3-none-win32.win_amd64.win_arm64"


class CommandsOfTheWheel(MetadataHookInterface):
    """Name the console entries of this platform's wheel."""

    def update(self, metadata: dict[str, Any]) -> None:
        metadata["scripts"] = {"pyscript-launcher": _ENTRY}
        if _is_for_windows():
            metadata["scripts"]["pyscript"] = _ENTRY
            metadata["gui-scripts"] = {"pyscriptw": _ENTRY}


class ShellLauncher(BuildHookInterface):  # type: ignore[type-arg]  # generic in its stubs only
    """Put the shell launcher into POSIX wheels, editable ones included, and the tag on those for Windows."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # the interface's
        if _is_for_windows():
            build_data["tag"] = _WINDOWS_TAG
        else:
            build_data["shared_scripts"]["launcher/launch/pyscript.sh"] = "pyscript"


def _is_for_windows() -> bool:
    wanted = os.environ.get("PYSCRIPT_LAUNCHER_WHEEL", "")
    if wanted not in {"", "posix", "windows"}:
        raise ValueError(f"PYSCRIPT_LAUNCHER_WHEEL is {wanted!r}; it must be 'posix' or 'windows'.")
    return wanted == "windows" or (not wanted and sys.platform == "win32")
