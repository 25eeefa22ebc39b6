"""The search for an interpreter: ask what there is, and choose."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from packaging.version import Version

from launcher.cache import Cache
from launcher.errors import InterpreterNotFound
from launcher.python.demand import Demand
from launcher.python.places import Place, Surroundings, elsewhere, executable_inside, find_on_path, on_path
from launcher.python.query import Interpreter, query
from launcher.reporter import Reporter

if TYPE_CHECKING:
    from launcher.python.discovery import InterpreterRequest, Obtain

_WORKERS = 4
"""Interpreters asked at a time; each answer is 30-50 ms of processor time."""


class Search:
    """One search. Raises `InvalidMetadata` or `UsageError` at once where the request cannot be read."""

    def __init__(
        self,
        request: InterpreterRequest,
        cache: Cache,
        reporter: Reporter,
        surroundings: Surroundings,
        refresh: bool = False,
        obtain: Obtain | None = None,
    ) -> None:
        self._demand = Demand(request)
        self._cache = cache
        self._reporter = reporter
        self._surroundings = surroundings
        self._refresh = refresh
        self._obtain = obtain

    @property
    def is_for_one_location(self) -> bool:
        """Whether a path or a name was asked for, and not a kind of interpreter."""
        return self._demand.python.location is not None

    def find(self) -> Interpreter:
        """Return the best interpreter for the request; see `launcher.python.discovery.find_interpreter`."""
        python = self._demand.python
        if python.location is not None:
            interpreter = query(self._locate(python.location), self._cache, refresh=self._refresh)
            self._demand.check_at_location(python.location, interpreter)
            return interpreter
        self._demand.refuse_contradiction()
        prefers_own = not python.text or python.is_range
        if prefers_own and (own := self._own()) is not None:
            return own
        wanted = str(self._demand)
        self._reporter.step(f"Looking for a Python that satisfies {wanted}" if wanted else "Looking for a Python")
        if not prefers_own and (first := self._first_on_path()) is not None:
            return first
        found: dict[str, Interpreter] = {}
        for places in self._stages():
            found |= self._ask_all(places)
            if fitting := [each for each in found.values() if self._demand.accepts(each)]:
                return self._best(fitting)
        return self._obtained(list(found.values()))

    def everything(self) -> tuple[Interpreter, ...]:
        """Return all interpreters there are, newest first."""
        found: dict[str, Interpreter] = {}
        for places in self._stages():
            found |= self._ask_all(places)
        return tuple(sorted(found.values(), key=lambda each: Version(each.version), reverse=True))

    def _own(self) -> Interpreter | None:
        """Return the launcher's own base interpreter where it is as good as any."""
        own = self._ask(Place(self._surroundings.own, "the launcher")) if self._surroundings.own else None
        return own if own is not None and self._is_fine(own) else None

    def _obtained(self, found: list[Interpreter]) -> Interpreter:
        """Return an interpreter that was not here before; raise what is wanted, what is here and what was tried."""
        obtained = self._obtain(self._demand) if self._obtain is not None else None
        if not isinstance(obtained, str):
            raise self._demand.not_found(found, obtained)
        return query(obtained, self._cache, refresh=True)

    def _first_on_path(self) -> Interpreter | None:
        """Return the first ordinary one on PATH, shims included."""
        for place in on_path(self._surroundings):
            if self._demand.may_accept(place) and (interpreter := self._ask(place)) and self._is_fine(interpreter):
                self._reporter.detail(f"Chose Python {interpreter.version} ({interpreter.executable}) from PATH")
                return interpreter
        return None

    def _is_fine(self, interpreter: Interpreter) -> bool:
        return self._demand.accepts(interpreter) and not self._demand.oddity(interpreter)

    def _best(self, fitting: list[Interpreter]) -> Interpreter:
        """Return the newest of the most ordinary; where that leaves several, the one found first."""

        def rank(interpreter: Interpreter) -> tuple[int, bool, *tuple[int, ...]]:
            newest_first = (-number for number in Version(interpreter.version).release)
            return (self._demand.oddity(interpreter), _is_conda(interpreter), *newest_first)

        best = min(fitting, key=rank)
        for each in fitting:
            if each is not best:
                self._reporter.detail(f"Passed over Python {each.version} ({each.executable})", 2)
        self._reporter.detail(f"Chose Python {best.version} ({best.executable})")
        return best

    def _stages(self) -> Iterator[Iterable[Place]]:
        """Yield where to look, the quick first; the next only where those before have nothing that does."""
        own = [Place(self._surroundings.own, "the launcher")] if self._surroundings.own else []
        paths = list(on_path(self._surroundings))
        is_windows = self._surroundings.platform == "win32"
        # The registry (PEP 514) has what nothing else on Windows knows; elsewhere python-discovery adds little.
        registered = discovered(self._surroundings) if is_windows else ()
        yield chain(own, (each for each in paths if not each.is_shim), elsewhere(self._surroundings), registered)
        yield [each for each in paths if each.is_shim and self._demand.may_accept(each)]
        if not is_windows:
            yield discovered(self._surroundings)

    def _ask_all(self, places: Iterable[Place]) -> dict[str, Interpreter]:
        """Ask each executable once, in parallel; the answers, by base executable, keep the places' order."""
        distinct: dict[str, Place] = {}
        for place in places:
            # A shim is a file of its own for each name; everything else is known by the file it leads to.
            distinct.setdefault(place.path if place.is_shim else os.path.realpath(place.path), place)
        answers: dict[str, Interpreter] = {}
        # 2 ms, where our own interpreter does not do.
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

        with ThreadPoolExecutor(_WORKERS) as pool:
            try:
                for interpreter in pool.map(self._ask, distinct.values()):
                    if interpreter is not None:
                        answers.setdefault(interpreter.executable, interpreter)
            except BaseException:
                # Ctrl-C must not wait for those that have not been asked yet.
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return answers

    def _ask(self, place: Place) -> Interpreter | None:
        try:
            return query(place.path, self._cache, refresh=self._refresh)
        except InterpreterNotFound as error:
            self._reporter.detail(f"Passed over what {place.origin} has: {error.message}", 2)
            return None

    def _locate(self, location: str) -> str:
        """Return the path of the executable that ``--python`` names: a file, a venv's directory, a name on PATH."""
        path = os.path.expanduser(location)
        if not os.path.dirname(path) and path not in (".", ".."):
            found = find_on_path(location, self._surroundings)
            if found is None:
                raise self._demand.not_on_path(location)
            return found
        if not os.path.isdir(path):
            return path
        inside = executable_inside(path)
        if inside is None:
            raise InterpreterNotFound(
                f"{location} is a directory with no Python in it.",
                hint="Name the executable itself, or the directory of a venv or an installation.",
            )
        return inside


def discovered(surroundings: Surroundings) -> Iterator[Place]:
    """Yield what python-discovery finds besides: the Windows registry, and places it learns of before we do."""
    # 60 ms, and it asks each interpreter anew.
    from python_discovery import iter_interpreters  # noqa: PLC0415

    try:
        # Without PATH: that has been looked through, and it would ask each shim on it again, one by one.
        for each in iter_interpreters(env={**surroundings.environ, "PATH": ""}):
            if executable := each.system_executable or each.executable:
                yield Place(executable, "python-discovery")
    except (OSError, RuntimeError, ValueError):
        # It is asked for more than we have; what it cannot tell is no reason to stop.
        return


def _is_conda(interpreter: Interpreter) -> bool:
    """Tell conda's interpreters, which come after all others: their prefix holds packages and libraries of its own."""
    return os.path.isdir(os.path.join(interpreter.paths["prefix"], "conda-meta"))
