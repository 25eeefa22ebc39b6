"""What the script and the person together ask of an interpreter, and the words for what cannot be had."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from launcher.errors import InterpreterNotFound, InvalidMetadata, UsageError
from launcher.python.places import Place
from launcher.python.query import OLDEST_SUPPORTED, Interpreter
from launcher.python.request import PythonRequest, parse_python_request, satisfies
from launcher.value import Value

if TYPE_CHECKING:
    from launcher.python.discovery import InterpreterRequest

_SPECIFIERS = "https://packaging.python.org/en/latest/specifications/version-specifiers/"
NEWEST_MINOR = 14
"""The newest Python that scripts are tested on, as in the classifiers of pyproject.toml.

It orders what could be downloaded or advised and excludes nothing: one that has grown old means an older Python, for as
long as anybody builds that.
"""
THE_REQUEST = "the request"
"""The origin of what was asked for by an argument, not by an option that could be given otherwise."""
_MICROS = 40
"""More releases than any series of Python has."""


class NotFetched(Value):
    """Why no interpreter was downloaded: `reason` is a sentence, `way` what would change it, for a list of ways."""

    reason: str
    way: str | None = None


class Demand:
    """A request, read: `python` is what ``--python`` asks for, `requires` the script's range.

    Raises `InvalidMetadata` or `UsageError` at once where one of them cannot be read.
    """

    def __init__(self, request: InterpreterRequest) -> None:
        self._request = request
        self.requires = _requires_python(request)
        self.python = parse_python_request(request.python) if request.python is not None else PythonRequest("")

    def __str__(self) -> str:
        """Name both who asked: ``requires-python `>=3.11` and --python `3.12```."""
        parts = [self._required()] if self.requires is not None else []
        if self.python.text:
            parts.append(f"{self._request.python_origin} `{self.python.text}`")
        return " and ".join(parts)

    def accepts(self, interpreter: Interpreter) -> bool:
        """Tell whether scripts with this demand can run on the interpreter."""
        return (
            interpreter.is_supported
            and self.python.accepts(interpreter)
            and (self.requires is None or satisfies(self.requires, Version(interpreter.version)))
        )

    def accepts_version(self, version: Version) -> bool:
        """Tell whether a version alone satisfies both who asked."""
        return self.python.accepts_release(version) and (self.requires is None or satisfies(self.requires, version))

    @property
    def minors(self) -> list[int]:
        """The series of Python 3, in the order in which they are best: the newest that scripts are tested on first."""
        return [*range(NEWEST_MINOR, -1, -1), *range(NEWEST_MINOR + 1, 40)]

    @property
    def name_to_install(self) -> str:
        """What uv, pyenv and ``pyscript python install`` call the best that would do: ``3.13``, ``pypy3.10``."""
        possible = self._possible_version()
        return self._name_to_install(possible) if possible else self.python.text

    def oddity(self, interpreter: Interpreter) -> int:
        """Return how unusual an interpreter is in ways nobody asked for; 0 is a stable, ordinary CPython."""
        return (
            8 * (interpreter.debug and not self.python.debug)
            + 4 * (interpreter.free_threaded and not self.python.free_threaded)
            + 2 * (interpreter.is_prerelease and self.python.exact is None)
            + 1 * (interpreter.implementation not in ("cpython", self.python.implementation))
        )

    def may_accept(self, place: Place) -> bool:
        """Tell whether a name leaves room for what is asked; it saves asking, and a shim takes 0.2 s to answer."""
        if place.named_implementation not in (None, self.python.implementation):
            return False
        if place.named_version is None:
            return True
        if place.named_implementation is None and self.python.implementation not in (None, "cpython"):
            return False
        return any(self.accepts_version(Version(f"{place.named_version}.{micro}")) for micro in range(_MICROS))

    def refuse_contradiction(self) -> None:
        """Raise `UsageError` where no version of Python, ever, satisfies both who asked."""
        if not self.python.text or self.requires is None or self._possible_version(oldest=(2, 7)) is not None:
            return
        raise UsageError(
            f"{self._request.python_origin} asks for `{self.python.text}`, but the script has {self._required()}: "
            "no version of Python satisfies both.",
            hint=_join(_pin_hint(self.requires), "Leave `--python` away, or change requires-python."),
            reference=_SPECIFIERS,
            excerpt=self._request.requires_python_origin(),
        )

    def check_at_location(self, location: str, interpreter: Interpreter) -> None:
        """Raise where the one interpreter that was named does not do: too old, or not what the script requires."""
        if not interpreter.is_supported:
            raise InterpreterNotFound(
                f"{location} is Python {interpreter.version}, which is too old: scripts need {_oldest()} or newer.",
                hint="Name a newer one with `--python`, or leave it away.",
            )
        if self.requires is not None and not satisfies(self.requires, Version(interpreter.version)):
            raise UsageError(
                f"{self._request.python_origin} asks for {location}, which is Python {interpreter.version}, but "
                f"the script has {self._required()}.",
                hint=_join(
                    _pin_hint(self.requires),
                    "Name another interpreter, leave `--python` away, or change requires-python.",
                ),
                reference=_SPECIFIERS,
                excerpt=self._request.requires_python_origin(),
            )

    def not_on_path(self, name: str) -> InterpreterNotFound:
        """Return the error for a name that leads nowhere."""
        return InterpreterNotFound(
            f"{self._request.python_origin} asks for `{name}`, and no program of that name is on PATH.",
            hint="Give a version (`3.12`), a range (`>=3.11`), an implementation (`pypy3.10`) or a path.",
        )

    def not_found(self, found: Sequence[Interpreter], not_fetched: NotFetched | None = None) -> InterpreterNotFound:
        """Return the error that says what is wanted, what there is instead, what was tried, and what to do."""
        possible = self._possible_version()
        message = f"No Python on this system satisfies {self}."
        lines, mends, is_unheard_of = _lines(found), [], False
        if possible is None:
            message = f"No Python that scripts can run on ({_oldest()} or newer) satisfies {self}."
        elif is_unheard_of := _is_unheard_of(possible, not_fetched):
            lines.append(f"As far as pyscript knows, there is no Python {possible.major}.{possible.minor} yet.")
        else:
            if not_fetched is not None:
                lines.append(not_fetched.reason)
                mends += [not_fetched.way] if not_fetched.way else []
            name = self._name_to_install(possible)
            mends.append(f"install one (`uv python install {name}`, `pyenv install {name}`, or as you usually do)")
        if self.python.text:
            way = "" if self._request.python_origin == THE_REQUEST else " with `--python`"
            mends.append(f"ask for another one{way}")
        elif possible is not None and not is_unheard_of:
            mends.append("give the path of one with `--python`")
        if self.requires is not None and len(mends) < 3:
            mends.append("change requires-python")
        advice = ", or ".join(mends)
        return InterpreterNotFound(
            "\n".join([message, *lines]),
            hint=_join(_pin_hint(self.requires), f"{advice[:1].upper()}{advice[1:]}."),
            reference=_SPECIFIERS if self.requires is not None else None,
            excerpt=self._request.requires_python_origin(),
        )

    def _required(self) -> str:
        return f"requires-python `{self._request.requires_python}`"

    def _possible_version(self, oldest: tuple[int, int] = OLDEST_SUPPORTED) -> Version | None:
        """Return a version that would do, in the newest known series that has one, else in a future or an older one."""
        releases = [(3, minor, micro) for minor in self.minors for micro in range(_MICROS)]
        named = [self.python.release] if self.python.release[2:] else []
        candidates = (each for each in chain(named, releases, ((2, 7, 18), (4, 0, 0))) if each >= oldest)
        versions = (Version(".".join(map(str, release))) for release in candidates)
        return next((version for version in versions if self.accepts_version(version)), None)

    def _name_to_install(self, version: Version) -> str:
        """Return what uv and pyenv call it: ``3.13``, ``3.13t``, ``pypy3.10``; to the last number where that counts."""
        series = ".".join(map(str, version.release[:2]))
        if not self.accepts_version(Version(f"{series}.{_MICROS}")):
            series = str(version)
        if self.python.implementation in (None, "cpython"):
            return series + "t" * self.python.free_threaded
        return self.python.implementation + (series if self.python.release or self.python.specifiers else "")


def _is_unheard_of(version: Version, not_fetched: NotFetched | None) -> bool:
    """Tell whether nobody has such a Python: not those who publish them, who may know newer ones than we do."""
    is_new = version.release[:2] > (3, NEWEST_MINOR + 1)
    return is_new and (version.major > 3 or not_fetched is None or not_fetched.way is None)


def _requires_python(request: InterpreterRequest) -> SpecifierSet | None:
    if request.requires_python is None:
        return None
    try:
        return SpecifierSet(request.requires_python)
    except InvalidSpecifier as error:
        text = request.requires_python.strip().lstrip("^~= v")
        is_version = bool(text) and text.replace(".", "").isdigit()
        raise InvalidMetadata(
            f"requires-python `{request.requires_python}` is not a version specifier.",
            hint=f"Write `>={text}` or `=={text}.*`." if is_version else "Write it like `>=3.11`.",
            reference=_SPECIFIERS,
            excerpt=request.requires_python_origin(),
        ) from error


def _pin_hint(requires: SpecifierSet | None) -> str | None:
    """Return advice where `==3.11` or `<=3.11` stands for more than it says: by PEP 440 they end at 3.11.0."""
    for specifier in requires or ():
        if specifier.version.count(".") != 1 or specifier.version.endswith(".*"):
            continue
        if specifier.operator in ("==", "==="):
            return f"`{specifier}` means {specifier.version}.0 alone; `=={specifier.version}.*` is probably meant."
        if specifier.operator == "<=":
            major, minor = Version(specifier.version).release[:2]
            meant = f"<{major}.{minor + 1}"
            return f"`{specifier}` leaves out {specifier.version}.1 and later; `{meant}` is probably meant."
    return None


def _join(*sentences: str | None) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _oldest() -> str:
    return ".".join(map(str, OLDEST_SUPPORTED))


def _lines(found: Sequence[Interpreter], limit: int = 8) -> list[str]:
    """Return the interpreters as lines of a message: newest first, the home directory as ``~``."""
    if not found:
        return []
    newest_first = sorted(found, key=lambda each: Version(each.version), reverse=True)
    more = [f"  and {len(found) - limit} more"] if len(found) > limit else []
    return ["Found:", *map(_line, newest_first[:limit]), *more]


def _line(interpreter: Interpreter) -> str:
    home, path = os.path.expanduser("~") + os.sep, interpreter.executable
    kind = "" if interpreter.implementation == "cpython" else f" {interpreter.implementation}"
    threading = " free-threaded" if interpreter.free_threaded else ""
    short = f"~{os.sep}{path.removeprefix(home)}" if path.startswith(home) else path
    return f"  {interpreter.version}{kind}{threading}  {short}"
