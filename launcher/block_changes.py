"""Change what a script's block requires: what is there and what is wanted -> a resolution -> the new content.

Nothing is written before everything is known to work; `write` then puts the content in place in one step.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from launcher.cache import Cache
from launcher.changed_lock import ChangedLock, changed_lock, place_of_lock
from launcher.errors import InvalidMetadata, PyscriptError, ScriptNotFound, UsageError
from launcher.prepare import interpreter_for, with_sources_applied
from launcher.python.query import Interpreter
from launcher.reporter import Reporter
from launcher.request import Needs, RunRequest, read_needs, with_absolute_path, with_content
from launcher.resolve.requirement_text import merged, near_names, positions_of, read_requirement_text, relaxed
from launcher.resolve.resolution import Requested, remember_resolution
from launcher.resolve.roots import bare_parts, invalid_requirement
from launcher.script.block_editor import with_block
from launcher.script.dependency_array import new_metadata, with_dependencies
from launcher.script.near_misses import near_miss
from launcher.script.rewriting import rewrite
from launcher.script.source import LOCK_BLOCK, ScriptSource
from launcher.settings import has_credentials
from launcher.survey import Survey, resolve_needs, with_remembered
from launcher.value import replace
from launcher.version_bounds import allowed_versions, bounded, own_series, raised_for, resolved_versions

_ORIGIN = "the command line"


@dataclass(frozen=True, slots=True)
class RequirementChange:
    """One requirement before and after; None where it was not, or is not any more, there."""

    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class BlockChange:
    """A script with another block, not written yet.

    `changes` are in the order of the array; `unchanged` are requirements that already were as somebody asked. `survey`
    has the resolution that the new content gets, None where nothing was resolved. `newer` are packages that the script
    gets in another version although its requirement stays as it is: name, version before and now.
    `lock` is the script's lock for the new block, None where it has none.
    """

    source: ScriptSource
    content: bytes
    changes: tuple[RequirementChange, ...]
    unchanged: tuple[str, ...] = ()
    survey: Survey | None = None
    newer: tuple[tuple[str, str, str], ...] = ()
    lock: ChangedLock | None = None

    def write(self, path: str, cache: Cache) -> None:
        """Put content and lock in place, and remember the resolution, so that the next launch need not resolve.

        Raises `FileNotWritten` where a file cannot be written or the script was changed since it was read.
        """
        started_ns = time.time_ns()
        if self.content != self.source.content:
            rewrite(path, self.content, former=self.source.content)
        # One that is kept in the script is part of the content.
        if self.lock is not None and self.lock.is_changed and not self.lock.destination.is_embedded:
            self.lock.destination.write(self.lock.lock)
        if self.survey is not None and self.survey.resolution is not None:
            remember_resolution(self.survey.wanted.key, self.survey.resolution, started_ns, cache)


class BlockEditor:
    """Changes the block of one script; the request is that of launching it."""

    def __init__(
        self, request: RunRequest, needs: Needs, cache: Cache, reporter: Reporter, *, new_range: str | None = None
    ) -> None:
        """Take a script with its needs.

        A new script gets a block in any case, with the `requires-python` of `new_range`, or of its interpreter where
        that is empty; one that is there gets a block with its first requirement.
        """
        assert needs.source is not None
        self._request, self._needs, self._cache, self._reporter = request, needs, cache, reporter
        self._source, self._path = needs.source, needs.source.path
        self._texts = [each.text for each in needs.metadata.dependencies]
        self._new_range = new_range

    def add(self, wanted: Sequence[str]) -> BlockChange:
        """Return the change that adds requirements, or gives those that are there other versions.

        One that says nothing of versions gets a lower bound. Raises `InvalidMetadata` for what is no requirement,
        and whatever keeps the script with them from being resolved.
        """
        interpreter = interpreter_for(self._needs, self._cache, self._reporter)
        texts = list(self._texts)
        asked: list[int] = []
        for text in wanted:
            at, new = self._placed(texts, self._with_name(text, interpreter))
            asked.append(len(texts) if at is None else at)
            texts[asked[-1] : asked[-1] + 1] = [new]
        survey = self._resolved(texts, interpreter)
        versions = allowed_versions(survey, self._cache, self._reporter)
        for at in asked:
            if at >= len(self._texts):
                texts[at] = bounded(texts[at], versions)
        before = [*self._texts, *[None] * (len(texts) - len(self._texts))]
        unchanged = dict.fromkeys(texts[at] for at in asked if before[at] == texts[at])
        return self._locked(self._change(texts, interpreter, survey, tuple(unchanged)), interpreter)

    def remove(self, names: Sequence[str]) -> BlockChange:
        """Return the change that takes requirements out; raises `UsageError`, with near names, for one not there."""
        texts: list[str | None] = list(self._texts)
        for name in names:
            for at in self._positions(name):
                texts[at] = None
        change = self._change(texts, None, None)
        try:
            return self._locked(change)
        except PyscriptError as error:  # nothing is in its way that the next launch does not meet as well
            self._reporter.warning(f"The lock cannot be made anew now: {error.message}")
            return change

    def upgrade(self, names: Sequence[str]) -> BlockChange:
        """Return the change that raises pins and lower bounds, of the named requirements or all, to what is newest.

        That is the newest that `requires-python`, upper bounds and the settings allow. Raises `UsageError` for a name
        that is not in the block, and whatever keeps the script from being resolved.
        """
        for name in names:
            self._refuse_versions(name)
        interpreter = interpreter_for(self._needs, self._cache, self._reporter)
        positions = dict.fromkeys(at for name in names for at in self._positions(name)) or range(len(self._texts))
        chosen = [at for at in positions if _is_readable(self._texts[at])]
        texts = list(self._texts)
        for at in chosen:
            texts[at] = relaxed(texts[at])
        before = with_remembered(Survey(with_sources_applied(self._needs, interpreter), interpreter), self._cache)
        survey = self._resolved(texts, interpreter, is_upgrade=True)
        here = resolved_versions(survey)
        for versions in (allowed_versions(survey, self._cache, self._reporter), here):
            texts = list(self._texts)
            for at in chosen:
                texts[at] = raised_for(texts[at], survey.interpreter, versions)
            if versions == here:
                break
            try:
                survey = self._resolved(texts, interpreter, is_upgrade=True)
                break
            except PyscriptError as error:
                self._reporter.detail(f"What suits every Python that is allowed does not suit this one: {error}")
        change = self._change(texts, interpreter, survey)
        change = replace(change, newer=tuple(self._newer(change, before)))
        upgraded = {read_requirement_text(texts[at]).canonical_name for at in chosen} if names else None
        return self._locked(change, interpreter, upgraded)

    def _newer(self, change: BlockChange, before: Survey) -> Iterator[tuple[str, str, str]]:
        """Yield each package whose requirement stays as it is, and that is another one than `before`."""
        former = resolved_versions(before)
        now = resolved_versions(change.survey) if change.survey else {}
        changed = {each.before for each in change.changes}
        for text in self._texts:
            name = read_requirement_text(text).canonical_name if _is_readable(text) else ""
            if text not in changed and name in now and former.get(name, now[name]) != now[name]:
                yield name, former[name], now[name]

    def _with_name(self, wanted: str, interpreter: Interpreter) -> str:
        """Return a requirement that was given as a path or URL alone as ``name @ URL``, which other tools read too."""
        if has_credentials(wanted):
            raise UsageError(
                "A requirement with a user name or password in its URL does not belong into a script.",
                hint="Write the URL without them; put them into a netrc file.",
            )
        text = with_absolute_path(wanted, self._request.directory)
        parts = bare_parts(Requested(text, _ORIGIN))
        if parts is None:
            return text
        url, extras, marker = parts
        alone = replace(self._needs, requested=(Requested(url, _ORIGIN),))
        survey = resolve_needs(alone, interpreter, self._cache, self._reporter)
        (name,) = survey.resolution.roots if survey.resolution else ()
        return f"{name}[{extras}] @ {url}".replace("[]", "") + (f" ; {marker}" if marker else "")

    def _placed(self, texts: Sequence[str], wanted: str) -> tuple[int | None, str]:
        """Return where a wanted requirement belongs among `texts` and its text there."""
        try:
            return merged(texts, wanted)
        except ValueError as error:
            raise invalid_requirement(Requested(wanted, _ORIGIN), error) from error

    def _refuse_versions(self, name: str) -> None:
        """Raise `UsageError` for a requirement with versions, of which an upgrade would take others."""
        if name not in self._texts and _is_readable(name) and not read_requirement_text(name).is_bare:
            raise UsageError(
                f"{name} says which version it is to be, and an upgrade takes the newest.",
                hint=f"To choose the version: pyscript add {self._path} '{name}'",
            )

    def _positions(self, name: str) -> list[int]:
        found = positions_of(self._texts, name)
        if found:
            return found
        near = near_names(self._texts, name)
        there = ", ".join(self._texts) or "none"
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Requirements that are there: {there}."
        raise UsageError(f"The block of {self._path} does not require {name}.", hint=hint)

    def _resolved(self, texts: Sequence[str], interpreter: Interpreter, *, is_upgrade: bool = False) -> Survey:
        """Return the resolution that the script with other requirements gets."""
        needs = self._needs_with(self._content(texts, interpreter))
        new = set(texts) - set(self._texts)
        # The line that a new one will have is not there for whoever reads the message.
        requested = tuple(replace(each, origin=_ORIGIN) if each.text in new else each for each in needs.requested)
        needs = replace(needs, requested=requested)
        if is_upgrade:
            settings = replace(needs.settings, upgrade=True)
            needs = replace(needs, settings=settings, policy=replace(needs.policy, resolution="highest"))
        with self._left_as_it_is():
            return resolve_needs(needs, interpreter, self._cache, self._reporter)

    def _needs_with(self, content: bytes) -> Needs:
        return with_content(self._needs, content, self._request)

    def _change(
        self,
        texts: Sequence[str | None],
        interpreter: Interpreter | None,
        survey: Survey | None,
        unchanged: tuple[str, ...] = (),
    ) -> BlockChange:
        content = self._content(texts, interpreter)
        before = [*self._texts, *[None] * (len(texts) - len(self._texts))]
        pairs = zip(before, texts, strict=True)
        changes = tuple(RequirementChange(old, new) for old, new in pairs if old != new)
        if survey is not None and survey.needs.policy == self._needs.policy:
            survey = replace(survey, needs=self._needs_with(content))
        return BlockChange(self._source, content, changes, unchanged, survey)

    def _locked(
        self, change: BlockChange, interpreter: Interpreter | None = None, upgraded: Iterable[str] | None = ()
    ) -> BlockChange:
        """Return the change with the script's lock, if it has one, made for it."""
        place = place_of_lock(self._source) if self._new_range is None else None
        if place is None:
            return change
        interpreter = interpreter or interpreter_for(self._needs, self._cache, self._reporter)
        needs = self._needs_with(change.content)
        with self._left_as_it_is():
            lock = changed_lock(place, needs, interpreter, self._cache, self._reporter, upgraded)
        content = change.content
        if place.is_embedded and lock.is_changed:
            content = with_block(content, LOCK_BLOCK, lock.lock.to_text(), self._path)
        return replace(change, content=content, lock=lock, newer=())

    @contextmanager
    def _left_as_it_is(self) -> Iterator[None]:
        """Let errors say that nothing was written."""
        try:
            yield
        except PyscriptError as error:
            error.message += f"\n{self._path} was {'left as it is' if self._new_range is None else 'not written'}."
            raise

    def _content(self, texts: Sequence[str | None], interpreter: Interpreter | None) -> bytes:
        """Return the script's content with these requirements: first those that it has, None for those that go."""
        block = self._needs.metadata.block
        changes = {at: texts[at] for at, text in enumerate(self._texts) if texts[at] != text}
        additions = [text for text in texts[len(self._texts) :] if text is not None]
        if block is not None:
            toml = with_dependencies(block.metadata, changes, additions)
        elif interpreter is not None and (additions or self._new_range is not None):
            toml = new_metadata(self._new_range or own_series(interpreter), additions)
        else:
            return self._source.content
        return with_block(self._source.content, "script", toml, self._path)


def _is_readable(text: str) -> bool:
    try:
        read_requirement_text(text)
    except ValueError:
        return False
    return True


def editor_of_script(request: RunRequest, cache: Cache, environ: Mapping[str, str], reporter: Reporter) -> BlockEditor:
    """Return the editor of a script's block; raises `UsageError`, `ScriptNotFound` or `InvalidMetadata` if it has none.

    A block can only be edited in a file that is a script and where nothing looks like a block without being one.
    """
    if request.target == "-":
        raise UsageError("What comes from stdin cannot be edited.", hint="Give the path of a script.")
    if "://" in request.target:
        hint = "Save it to a file first."
        raise UsageError(f"{request.target} is not on this machine, so it cannot be edited.", hint=hint)
    # The lock is looked at where it is made anew: it answers the former block, and nobody launches anything.
    needs = read_needs(replace(request, uses_lock=False), environ, reporter)
    source = needs.source
    assert source is not None
    _refuse_what_is_no_text(source)
    if needs.metadata.block is None and (warning := near_miss(source.text, source.path)):
        raise InvalidMetadata(f"There is something like a block already: {warning}", hint="Mend it first.")
    return BlockEditor(request, needs, cache, reporter)


def editor_of_new_script(
    request: RunRequest,
    source: ScriptSource,
    requires_python: str,
    cache: Cache,
    environ: Mapping[str, str],
    reporter: Reporter,
) -> BlockEditor:
    """Return the editor of a script that is not written yet; the request has its settings and no target."""
    needs = replace(read_needs(replace(request, uses_lock=False), environ, reporter), source=source)
    return BlockEditor(request, needs, cache, reporter, new_range=requires_python)


def _refuse_what_is_no_text(source: ScriptSource) -> None:
    if source.is_inside_directory:
        hint = f"Give the path of the script in it: {source.path}"
        raise ScriptNotFound(f"{os.path.dirname(source.path)} is a directory.", hint=hint)
    if not source.is_regular_file:
        raise ScriptNotFound(f"{source.path} is no regular file, so it cannot be edited.", hint="Save it to a file.")
    if not source.text and b"\0" in source.content:
        hint = "Edit the script that it was made from."
        raise ScriptNotFound(f"{source.path} is a zip application, in which nothing can be edited.", hint=hint)
