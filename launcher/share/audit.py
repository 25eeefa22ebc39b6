"""What is known of the vulnerabilities of a resolution, asked of the indexes that its packages come from."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from launcher.cache import Cache
from launcher.errors import AuditIncomplete, PyscriptError
from launcher.provision import LazyIndex
from launcher.reporter import Reporter
from launcher.resolve.candidate import Candidate
from launcher.resolve.documents import Documents
from launcher.resolve.locked import IN_LOCK
from launcher.resolve.once import Once
from launcher.resolve.pages import FIND_LINKS
from launcher.resolve.urls import mask_credentials
from launcher.share.advisories import ReleaseFacts, essence, facts_url, read_facts
from launcher.survey import Survey
from launcher.value import replace

if TYPE_CHECKING:
    from launcher.resolve.index import Index

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Audit:
    """What the indexes say of each pin, by its name.

    Those in `unchecked` are known to nobody, or nobody was asked, for the reason given. `problems` are what kept an
    index from being asked.
    """

    facts: dict[str, ReleaseFacts]
    unchecked: dict[str, str]
    problems: tuple[PyscriptError, ...]


class _NoSuchApi(Exception):
    """An answer that is not what the API has; `str()` says why."""


def audit(
    survey: Survey, cache: Cache, reporter: Reporter, skipped: Collection[str] = (), asked: str | None = None
) -> Audit:
    """Ask for every pin of a resolution but the `skipped`, several at once.

    `asked` is the index to ask in place of those that the packages come from. Raises what opening an index raises.
    """
    assert survey.resolution is not None
    candidates = [pin.candidate for pin in survey.resolution.pins if pin.candidate.name not in skipped]
    result = Audit({}, {}, ())
    # With a lock no index has to be known, and here one has.
    with closing(LazyIndex(replace(survey.wanted, lock=None), cache, reporter)) as lazy:
        reporter.step("Asking for known vulnerabilities")
        index = lazy.open()
        chosen = None if asked is None else index.fetcher.remember_credentials(asked)
        places = {each.name: _place_of(each, index, chosen) for each in candidates}
        result.unchecked.update({each.name: _origin(each) for each in candidates if places[each.name] is None})
        by_place: dict[str, list[Candidate]] = {}
        for candidate in candidates:
            if place := places[candidate.name]:
                by_place.setdefault(place, []).append(candidate)
        documents = Documents(cache, index.fetcher, refresh=survey.needs.settings.refresh)
        problems = _ask(by_place, index, documents, result, reporter)
    return Audit(result.facts, result.unchecked, tuple(problems))


def _ask(
    by_place: dict[str, list[Candidate]], index: Index, documents: Documents, result: Audit, reporter: Reporter
) -> list[PyscriptError]:
    """Fill in the facts and what is unchecked, and return what went wrong, at most once for each index."""
    answers: Once[tuple[str, Candidate], ReleaseFacts | None] = Once()
    total = done = sum(map(len, by_place.values()))

    def ask(key: tuple[str, Candidate]) -> ReleaseFacts | None:
        return _facts(*key, documents)

    def answer(place: str, candidate: Candidate) -> ReleaseFacts | None:
        nonlocal done
        done -= 1
        reporter.progress(total - done, total)
        return answers.get((place, candidate), ask)

    for place, candidates in by_place.items():
        for candidate in candidates:
            index.submit(answers.get, (place, candidate), ask)
    found = [_note_answers(place, candidates, answer, result) for place, candidates in by_place.items()]
    return [problem for problem in found if problem is not None]


def _note_answers(
    place: str,
    candidates: list[Candidate],
    answer: Callable[[str, Candidate], ReleaseFacts | None],
    result: Audit,
) -> PyscriptError | None:
    """Put what one index says into the result; return what went wrong with it."""
    unknown: list[Candidate] = []
    problem: PyscriptError | None = None
    foreign: _NoSuchApi | None = None
    for candidate in candidates:
        try:
            facts = answer(place, candidate)
        except PyscriptError as error:
            problem = problem or error
            result.unchecked[candidate.name] = f"{mask_credentials(place)} could not be asked"
        except _NoSuchApi as error:
            foreign = foreign or error
            unknown.append(candidate)
        else:
            result.facts.update({candidate.name: facts} if facts is not None else {})
            unknown += [candidate] if facts is None else []
    is_silent = foreign is not None or len(unknown) == len(candidates)
    why = "does not tell of vulnerabilities" if is_silent else "does not know this release"
    result.unchecked.update({each.name: f"{mask_credentials(place)} {why}" for each in unknown})
    return _no_such_api(place, unknown[0], foreign) if is_silent else problem


def _facts(place: str, candidate: Candidate, documents: Documents) -> ReleaseFacts | None:
    """Return what an index says of a release, None where it has nothing there; raises what fetching raises."""
    if not place.startswith(("http://", "https://")):
        raise _NoSuchApi("it is a directory of this machine")
    try:
        url = facts_url(place, candidate.name, candidate.version)
        content = documents.get(url, _JSON, essence)
        return None if content is None else read_facts(content, candidate.version)
    except ValueError as error:
        raise _NoSuchApi(str(error)) from error


def _place_of(candidate: Candidate, index: Index, asked: str | None) -> str | None:
    """Return the index to ask for a candidate, None for what comes from none that can be asked."""
    if not candidate.index:
        return None
    # What is on a find-links location too is from "find-links and https://…".
    source = candidate.index.removeprefix(f"{FIND_LINKS} and ")
    if source == IN_LOCK:
        # It does not say which; a name is taken from the first that has it, and the last has most.
        return asked or next(reversed(index.places_of(candidate.name)), None)
    found = next((place for place in index.places_of(candidate.name) if mask_credentials(place) == source), None)
    if found is None and not source.startswith(("http://", "https://")):
        return None
    return asked or found or source


def _origin(candidate: Candidate) -> str:
    return f"it comes from {mask_credentials(candidate.index or candidate.url)}, and not from an index"


def _no_such_api(place: str, candidate: Candidate, reason: Exception | None) -> AuditIncomplete:
    url = mask_credentials(facts_url(place, candidate.name, candidate.version))
    found = f"what is there is another thing: {reason}" if reason else "there is nothing there"
    return AuditIncomplete(
        f"{mask_credentials(place)} does not tell of known vulnerabilities: {url} was asked, and {found}.",
        hint="Ask another index that does, by names and versions alone: --ask URL; or leave packages of your own out: "
        f"--ignore {candidate.name}",
    )
