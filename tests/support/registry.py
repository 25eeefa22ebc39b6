"""A model of the Windows registry: keys that hold values and keys, names without regard to case."""

from __future__ import annotations


class ModelRegistry:
    """Satisfies `launcher.desktop.registry.Registry`; `values` maps (key, name) to what was written, `keys` has all."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], bytes] = {}
        self.keys: set[str] = set()
        self.announced = 0
        self.writes_left = 1_000_000
        for key in (r"HKEY_CURRENT_USER\Software\Classes", r"HKEY_LOCAL_MACHINE\Software\Classes"):
            self._make(key)
        self._make(r"HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\App Paths")

    def snapshot(self) -> tuple[dict[tuple[str, str], bytes], set[str]]:
        return dict(self.values), set(self.keys)

    def read(self, key: str, name: str) -> bytes | None:
        return self.values.get((key.lower(), name.lower()))

    def write(self, key: str, name: str, content: bytes | None) -> None:
        assert key.startswith("HKEY_CURRENT_USER\\"), "only the person's own"
        assert "UserChoice" not in key, "Windows protects what a person chose"
        if not self.writes_left:
            raise PermissionError(13, "Access is denied", key)
        self.writes_left -= 1
        if content is None:
            self.values.pop((key.lower(), name.lower()), None)
            return
        self._make(key)
        self.values[key.lower(), name.lower()] = content

    def has_key(self, key: str) -> bool:
        return key.lower() in self.keys

    def remove_empty_key(self, key: str) -> bool:
        key = key.lower()
        if any(owner == key for owner, _ in self.values) or any(each.startswith(key + "\\") for each in self.keys):
            return False
        self.keys.discard(key)
        return True

    def announce(self) -> None:
        self.announced += 1

    def set(self, key: str, name: str, content: bytes) -> None:
        """Set a value as somebody else would."""
        self._make(key)
        self.values[key.lower(), name.lower()] = content

    def _make(self, key: str) -> None:
        parts = key.lower().split("\\")
        self.keys.update("\\".join(parts[:end]) for end in range(1, len(parts) + 1))
