"""What ``-p``/``--python`` asks for: a version, an implementation, a range, or one executable."""

from __future__ import annotations

import re

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from launcher.errors import UsageError
from launcher.python.query import Interpreter
from launcher.value import Value

_IMPLEMENTATIONS = {
    "python": None,
    "py": None,
    "cpython": "cpython",
    "cp": "cpython",
    "pypy": "pypy",
    "pp": "pypy",
    "graalpy": "graalpy",
}
_VERSION = (
    r"(?P<implementation>cpython|python|pypy|graalpy|cp|pp|py)?[-@]?"
    r"(?P<version>\d+(?:\.\d+){0,2}(?:(?:a|b|rc)\d+)?)?"
    r"(?P<threading>t)?(?P<debug>d)?(?:\.exe)?"
)
_RANGE = r"(?P<implementation>cpython|python|pypy|graalpy)?\s*(?P<range>[<>=!~].*)"


class PythonRequest(Value):
    """One request, as `parse_python_request` understood it.

    Exactly one of `location` (a path, or a name on PATH) and the other fields is set. `release` is a prefix, such as
    ``(3, 12)``; `exact` a pre-release asked for by its full name; None and False mean "no matter which".
    """

    text: str
    location: str | None = None
    implementation: str | None = None
    release: tuple[int, ...] = ()
    exact: Version | None = None
    specifiers: SpecifierSet | None = None
    free_threaded: bool = False
    debug: bool = False

    @property
    def is_range(self) -> bool:
        """Whether it leaves the choice open (``>=3.11``), so that the usual preference decides."""
        return self.specifiers is not None and self.implementation in (None, "cpython")

    def accepts(self, interpreter: Interpreter) -> bool:
        """Tell whether an interpreter is what was asked for; a location accepts whatever is there."""
        if self.implementation is not None and interpreter.implementation != self.implementation:
            return False
        if (self.free_threaded and not interpreter.free_threaded) or (self.debug and not interpreter.debug):
            return False
        if self.exact is not None:
            return Version(interpreter.version) == self.exact
        return self.accepts_release(Version(interpreter.version))

    def accepts_release(self, version: Version) -> bool:
        """Tell whether a version alone could be what was asked for."""
        if self.exact is not None:
            return version.release == self.exact.release
        if self.specifiers is not None:
            return satisfies(self.specifiers, version)
        return version.release[: len(self.release)] == self.release


def parse_python_request(text: str) -> PythonRequest:
    """Read the text of ``--python``.

    Understood are ``3.12``, ``312``, ``3.12.1``, ``3.15.0rc1``, ``3.13t``, ``python3.12``, ``cpython3.12``, ``cp312``,
    ``pypy3.10``, ``pypy``, ``>=3.11,<3.13``, ``pypy>=3.9``; all else is a path where it has a separator, and a name on
    PATH where it has none. Raises `UsageError` for an empty text and a malformed range.
    """
    text = text.strip()
    if not text:
        raise UsageError(
            "`--python` is empty.", hint="Give a version such as `3.12`, a range such as `>=3.11`, or a path."
        )
    if match := re.fullmatch(_RANGE, text, re.IGNORECASE | re.DOTALL):
        try:
            specifiers = SpecifierSet(match["range"])
        except InvalidSpecifier as error:
            raise UsageError(
                f"`--python {text}` is not a version specifier.",
                hint="Write it like `>=3.11`, `>=3.11,<3.13` or `==3.12.*`.",
                reference="https://packaging.python.org/en/latest/specifications/version-specifiers/",
            ) from error
        return PythonRequest(text, implementation=_implementation(match["implementation"]), specifiers=specifiers)
    match = re.fullmatch(_VERSION, text, re.IGNORECASE)
    # `python` alone is a name; `pypy` alone is an implementation.
    if match is None or not (match["version"] or _implementation(match["implementation"])):
        return PythonRequest(text, location=text)
    version = match["version"] or ""
    if version.isdigit() and len(version) > 1:
        version = f"{version[0]}.{version[1:]}"
    exact = Version(version) if re.search("[abc]", version) else None
    return PythonRequest(
        text,
        implementation=_implementation(match["implementation"]),
        release=() if exact or not version else tuple(map(int, version.split("."))),
        exact=exact,
        free_threaded=bool(match["threading"]),
        debug=bool(match["debug"]),
    )


def satisfies(specifiers: SpecifierSet, version: Version) -> bool:
    """Tell whether an interpreter of this version is in the range, by its release alone, as pip and uv do.

    So 3.15.0rc1 satisfies ``>=3.15``, although PEP 440 sorts it before 3.15.
    """
    return specifiers.contains(Version(".".join(map(str, version.release))), prereleases=True)


def _implementation(name: str | None) -> str | None:
    return _IMPLEMENTATIONS[name.lower()] if name else None
