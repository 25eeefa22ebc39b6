"""Requirements as text -> what they ask for here: markers evaluated, extras and specifiers parsed, each text once.

A resolution reads some thousand requirements, most of them for other extras or platforms: their markers are judged
before anything is parsed (70 us each).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from launcher.resolve.pages import parse_specifiers
from launcher.value import Value

_EXTRA = r"""extra\s*==\s*["']([^"']*)["']"""
_LONE_EQUALS = r"(?<![=<>!~])=(?!=)"
_ANY = frozenset({"*"})


class Dependency(Value):
    """A requirement whose marker holds: names and extras are canonical, `text` is for people."""

    name: str
    extras: tuple[str, ...]
    specifiers: SpecifierSet
    url: str | None
    text: str

    @property
    def is_pinned(self) -> bool:
        """Whether it names one version exactly; only such a requirement may take a yanked one (PEP 592)."""
        return any(
            each.operator == "===" or (each.operator == "==" and not each.version.endswith(".*"))
            for each in self.specifiers
        )

    @property
    def asks_for_prereleases(self) -> bool:
        """Whether one of its specifiers names a pre-release (PEP 440)."""
        return bool(self.specifiers.prereleases)

    def takes(self, version: str) -> bool:
        """Tell whether its specifiers contain a version, be it a pre-release or not."""
        return self.specifiers.contains(version, prereleases=True)


def hint_for(text: str) -> str:
    """Return what to write in the place of a text that is no requirement: itself, with its operators put right.

    >>> hint_for("idna=>3,=<4"), hint_for("idna=3.1")
    ('Did you mean "idna<=4,>=3"?', 'Did you mean "idna==3.1"?')
    """
    meant = re.sub(_LONE_EQUALS, "==", text.replace("=>", ">=").replace("=<", "<="))
    if meant != text and "://" not in text:
        with suppress(InvalidRequirement):
            return f'Did you mean "{Requirement(meant)}"?'
    return 'Write it as in "requests>=2.31" or "rich[jupyter]; python_version < \'3.12\'".'


class DependencyReader:
    """Reads requirements for one interpreter."""

    def __init__(self, markers: Mapping[str, str]) -> None:
        self.markers = markers
        self._environment = dict(markers)
        self._holds: dict[tuple[str, str], bool] = {}
        self._parsed: dict[str, Dependency] = {}
        self._extras_named: dict[str, frozenset[str]] = {}

    def read(self, text: str, extra: str = "") -> Dependency | None:
        """Return what `text` asks for with `extra`, or None where its marker does not hold.

        Raises `ValueError` where it is no requirement (PEP 508).
        """
        # A URL may contain a semicolon itself, so only " ;" ends it.
        head, _, marker = text.partition(" ;" if "@" in text else ";")
        if marker and not self._marker_holds(marker.strip(), extra):
            return None
        found = self._parsed.get(head)
        if found is None:
            found = self._parsed[head] = parse_dependency(head)
        return found

    def may_concern(self, text: str, extra: str) -> bool:
        """Tell cheaply whether a requirement could depend on an extra: some projects have 1,200 for 150 extras."""
        named = self._extras_named.get(text)
        if named is None:
            found = frozenset(canonicalize_name(name) for name in re.findall(_EXTRA, text))
            # What is written in another way than extra == "name" may mean anything.
            named = self._extras_named[text] = found if len(found) == text.count("extra") else _ANY
        return named is _ANY or extra in named

    def _marker_holds(self, marker: str, extra: str) -> bool:
        key = (marker, extra if "extra" in marker else "")
        if key not in self._holds:
            try:
                self._holds[key] = Marker(marker).evaluate({**self._environment, "extra": key[1]})
            except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName) as error:
                raise ValueError(f"{marker!r} is not a valid marker: {first_line(error)}") from error
        return self._holds[key]


def parse_dependency(text: str) -> Dependency:
    """Return a requirement without its marker; raises `ValueError`.

    >>> parse_dependency("Rich_Text[A] >=1,<2").name
    'rich-text'
    """
    try:
        parsed = Requirement(text)
        specifiers = parsed.specifier
    except InvalidRequirement as error:
        parsed, specifiers = _parse_legacy(text, error)
    return Dependency(
        name=canonicalize_name(parsed.name),
        extras=tuple(sorted(canonicalize_name(extra) for extra in parsed.extras)),
        specifiers=specifiers,
        url=parsed.url,
        text=text.strip(),
    )


def _parse_legacy(text: str, error: InvalidRequirement) -> tuple[Requirement, SpecifierSet]:
    """Read ``name (>=3.6.*)`` and the like, which old wheels are full of; raises `ValueError` about the text."""
    start = next((at for at, character in enumerate(text) if character in "(<>=!~"), len(text))
    try:
        return Requirement(text[:start]), parse_specifiers(text[start:].strip().strip("()"))
    except (InvalidRequirement, InvalidSpecifier):
        raise ValueError(first_line(error)) from error


def first_line(error: Exception) -> str:
    """Return the first line of an error's text; packaging draws the requirement and a caret below it."""
    return str(error).partition("\n")[0]
