"""The registry of Windows as pyscript uses it, and the adapter to the real one.

A value is bytes here, as `launcher.desktop.changes.encoded` makes them, so that it can be journalled like a file.
"""

from __future__ import annotations

import sys
from typing import Any, Protocol

from launcher.desktop.changes import HKCU, HKLM, decoded, encoded


class Registry(Protocol):
    """Values by the path of their key, which begins with the name of its root, and their name; empty is the default."""

    def read(self, key: str, name: str) -> bytes | None:
        """Return a value, or None where there is none."""

    def write(self, key: str, name: str, content: bytes | None) -> None:
        """Set a value, its keys made where they are missing; None removes it."""

    def has_key(self, key: str) -> bool:
        """Tell whether there is a key."""

    def remove_empty_key(self, key: str) -> bool:
        """Remove a key without values and keys in it; tell whether it is gone."""

    def announce(self) -> None:
        """Let the desktop know that file types changed."""


if sys.platform == "win32":
    import winreg

    _ROOTS = {HKCU: winreg.HKEY_CURRENT_USER, HKLM: winreg.HKEY_LOCAL_MACHINE}
    _ASSOCIATIONS_CHANGED = 0x08000000

    class WindowsRegistry:
        """The registry of this machine; it satisfies `Registry`."""

        def read(self, key: str, name: str) -> bytes | None:
            """Return a value, or None where there is none."""
            root, path = _split(key)
            try:
                with winreg.OpenKey(root, path) as opened:
                    data, kind = winreg.QueryValueEx(opened, name)
            except FileNotFoundError:
                return None
            return encoded(kind, data)

        def write(self, key: str, name: str, content: bytes | None) -> None:
            """Set a value, its keys made where they are missing; None removes it."""
            root, path = _split(key)
            if content is not None:
                kind, data = decoded(content)
                value: Any = data
                with winreg.CreateKey(root, path) as made:
                    winreg.SetValueEx(made, name, 0, kind, value)
                return
            try:
                with winreg.OpenKey(root, path, 0, winreg.KEY_SET_VALUE) as opened:
                    winreg.DeleteValue(opened, name)
            except FileNotFoundError:
                return

        def has_key(self, key: str) -> bool:
            """Tell whether there is a key."""
            root, path = _split(key)
            try:
                winreg.OpenKey(root, path).Close()
            except FileNotFoundError:
                return False
            return True

        def remove_empty_key(self, key: str) -> bool:
            """Remove a key without values and keys in it; tell whether it is gone."""
            root, path = _split(key)
            try:
                with winreg.OpenKey(root, path) as opened:
                    keys, values, _ = winreg.QueryInfoKey(opened)
                if keys or values:
                    return False
                winreg.DeleteKey(root, path)
            except FileNotFoundError:
                return True
            return True

        def announce(self) -> None:
            """Let the desktop know that file types changed."""
            import ctypes  # noqa: PLC0415 - only here

            ctypes.windll.shell32.SHChangeNotify(_ASSOCIATIONS_CHANGED, 0, None, None)

    def _split(key: str) -> tuple[int, str]:
        root, _, path = key.partition("\\")
        return _ROOTS[root], path


def open_registry() -> Registry | None:
    """Return the registry of this machine, None where it has none."""
    if sys.platform == "win32":
        return WindowsRegistry()
    return None
