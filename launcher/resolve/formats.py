"""Which formats a person allows: whether sources may be built, and whether wheels may be used."""

from __future__ import annotations

from packaging.utils import canonicalize_name

from launcher.settings import Settings
from launcher.value import Value


class Formats(Value):
    """The settings `no-build` and `no-binary`, each for all packages or for those with these canonical names."""

    no_build: bool = False
    no_build_package: frozenset[str] = frozenset()
    no_binary: bool = False
    no_binary_package: frozenset[str] = frozenset()

    def allow_build(self, name: str) -> bool:
        """Tell whether code of this project's source may run to make a wheel."""
        return not self.no_build and name not in self.no_build_package

    def key_for_tools(self) -> str:
        """Return a text of what decides about the requirements of a build; `no_build` lets nothing be built at all."""
        return repr((sorted(self.no_build_package), self.no_binary, sorted(self.no_binary_package)))

    def allow_wheels(self, name: str) -> bool:
        """Tell whether this project's wheels on an index may be used."""
        return not self.no_binary and name not in self.no_binary_package


def allowed_formats(settings: Settings) -> Formats:
    """Return what the settings allow."""
    return Formats(
        settings.no_build,
        _canonical(settings.no_build_package),
        settings.no_binary,
        _canonical(settings.no_binary_package),
    )


def _canonical(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(canonicalize_name, names))
