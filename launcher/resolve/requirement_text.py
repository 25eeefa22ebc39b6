"""A requirement as somebody wrote it, and the same with other versions: spelling, spaces and quotes stay (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from launcher.value import Value, replace

_PARTS = re.compile(
    r"\s*(?P<name>[A-Za-z0-9][\w.-]*)\s*(?P<extras>\[[^\]]*\])?\s*"
    r"(?:(?P<url>@.*?)(?:\s+;(?P<url_marker>.*))?|(?P<specifiers>[^;@]*?)\s*(?:;(?P<marker>.*))?)\s*",
    re.DOTALL,
)
_CLAUSE = re.compile(r"(===|~=|==|!=|<=|>=|<|>)(\s*)([^\s,)]+)")
_RAISED = ("===", "==", "~=", ">=", ">")


class RequirementText(Value):
    """The parts of a requirement, as they are written.

    `extras` has its brackets (``[a, b]``), `source` is ``@ URL`` or the specifiers. Parts that are not there are empty.
    """

    text: str
    name: str
    extras: str
    source: str
    marker: str

    @property
    def canonical_name(self) -> str:
        """The name that counts."""
        return canonicalize_name(self.name)

    @property
    def names_a_url(self) -> bool:
        """Whether it says where the package comes from, instead of its versions."""
        return self.source.startswith("@")

    @property
    def is_bare(self) -> bool:
        """Whether any version from anywhere will do."""
        return not self.source

    def with_source(self, source: str) -> RequirementText:
        """Return it with other specifiers or another URL in the place of what it has."""
        if source.startswith("@") or self.names_a_url:
            # A URL needs room on both sides, so nothing is left of how it was spaced.
            text = f"{self.name}{self.extras}{' ' * source.startswith('@')}{source}"
            text += f" ; {self.marker}" if self.marker else ""
        elif self.source:
            start = self.text.index(self.source, len(self.name))
            text = f"{self.text[:start]}{source}{self.text[start + len(self.source) :]}"
        else:
            head = re.match(r"[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\])?", self.text)
            end = head.end() if head else len(self.text)
            text = f"{self.text[:end].rstrip()}{source}{self.text[end:]}"
        return replace(self, text=text, source=source)


def read_requirement_text(text: str) -> RequirementText:
    """Return the parts of a requirement. Raises `ValueError` for what is none, such as a bare path or URL."""
    try:
        Requirement(text)
    except InvalidRequirement as error:
        raise ValueError(str(error).partition("\n")[0]) from error
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise ValueError(f"{text!r} is no requirement")
    marker = parts["url_marker"] or parts["marker"] or ""
    return RequirementText(
        text.strip(), parts["name"], parts["extras"] or "", parts["url"] or parts["specifiers"] or "", marker.strip()
    )


def merged(existing: Sequence[str], wanted: str) -> tuple[int | None, str]:
    """Return where a wanted requirement belongs among existing ones, None for behind them, and its text there.

    It takes the place of the one of its name that has the same marker, or that is the only one where it has none
    itself. Extras of both count; a marker, and the versions where it says nothing of them, stay as they are. Raises
    `ValueError` where several could be meant.
    """
    new = read_requirement_text(wanted)
    found = [(at, each) for at, each in _readable(existing) if each.canonical_name == new.canonical_name]
    same = [(at, each) for at, each in found if _plain(each.marker) == _plain(new.marker)]
    if not new.marker and len(found) > 1 and not same:
        raise ValueError("it is there several times, with different markers; say which one you mean by its marker")
    if not same and (new.marker or not found):
        return None, new.text
    at, old = (same or found)[0]
    combined = old.with_source(new.source) if new.source else old
    return at, _with_extras(combined, new.extras)


def positions_of(existing: Iterable[str], name: str) -> list[int]:
    """Return where a package stands among requirements; `name` may be a requirement, or the text as it is there."""
    texts = list(existing)
    exact = [at for at, text in enumerate(texts) if text.strip() == name.strip()]
    try:
        wanted = read_requirement_text(name).canonical_name
    except ValueError:
        return exact
    return exact or [at for at, each in _readable(texts) if each.canonical_name == wanted]


def near_names(existing: Iterable[str], name: str) -> list[str]:
    """Return names among requirements that somebody may have meant by `name`, the nearest first."""
    names = {each.canonical_name: each.name for _, each in _readable(list(existing))}
    wanted = canonicalize_name(name)
    near = get_close_matches(wanted, names, n=3) or [each for each in names if wanted in each or each in wanted][:3]
    return [names[each] for each in near]


def with_lower_bound(text: str, version: str) -> str:
    """Return a requirement that has no specifier with ``>=`` and the public part of a version.

    >>> with_lower_bound("rich [jupyter] ; os_name == 'nt'", "15.0+local")
    "rich [jupyter]>=15.0 ; os_name == 'nt'"
    """
    return read_requirement_text(text).with_source(f">={Version(version).public}").text


def relaxed(text: str) -> str:
    """Return a requirement that allows every version from those it allows on; upper bounds and exclusions stay.

    >>> relaxed("a==1.*,!=1.5"), relaxed("b ~= 1.4 ; os_name == 'nt'"), relaxed("c<3")
    ('a>=1,!=1.5', "b >= 1.4 ; os_name == 'nt'", 'c<3')
    """

    def at_least(operator: str, version: str) -> tuple[str, str]:
        if operator == ">":
            return operator, version
        base = version.removesuffix(".*")
        try:
            return ">=", Version(base).public
        except InvalidVersion:  # === takes any text
            return operator, version

    return _with_clauses(text, at_least)


def raised(text: str, version: str) -> str:
    """Return a requirement whose pins and lower bounds are at `version`, as precise as they were; none is lowered.

    >>> raised("a>=1,<3", "2.5.1"), raised("b==1.*", "2.5.1"), raised("c~=1.4", "2.5.1"), raised("d==1", "2.5.1")
    ('a>=2.5.1,<3', 'b==2.*', 'c~=2.5', 'd==2.5.1')
    """
    newest = Version(version)

    def at_newest(operator: str, written: str) -> tuple[str, str]:
        is_prefix = written.endswith(".*")
        try:
            before = Version(written.removesuffix(".*"))
        except InvalidVersion:
            return operator, version
        if before > newest or (not is_prefix and before == newest and operator != ">"):
            return operator, written
        if is_prefix or operator == "~=":
            # A compatible release needs two numbers, and says by their count what is compatible.
            kept = newest.release[: len(before.release)] + (0,) * (len(before.release) - len(newest.release))
            if newest.is_prerelease and not is_prefix:
                return operator, newest.public
            epoch = f"{newest.epoch}!" if newest.epoch else ""
            return operator, epoch + ".".join(map(str, kept)) + ".*" * is_prefix
        if operator in ("==", "==="):
            return operator, str(newest) if before.local else newest.public
        return ">=", newest.public

    return _with_clauses(text, at_newest)


def _with_clauses(text: str, change: Callable[[str, str], tuple[str, str]]) -> str:
    """Return a requirement with those of its clauses changed that name a version to start from."""
    requirement = read_requirement_text(text)
    if requirement.names_a_url or requirement.is_bare:
        return text

    def changed(clause: re.Match[str]) -> str:
        operator, space, version = clause.groups()
        if operator not in _RAISED:
            return clause[0]
        operator, version = change(operator, version)
        return f"{operator}{space}{version}"

    return requirement.with_source(_CLAUSE.sub(changed, requirement.source)).text


def _with_extras(requirement: RequirementText, extras: str) -> str:
    """Return the text with more extras; the text as it is where it has them all."""
    known = {canonicalize_name(each) for each in _extras_in(requirement.extras)}
    more = [each for each in _extras_in(extras) if canonicalize_name(each) not in known]
    if not more:
        return requirement.text
    combined = f"[{','.join([*_extras_in(requirement.extras), *more])}]"
    if requirement.extras:
        return requirement.text.replace(requirement.extras, combined, 1)
    return requirement.text.replace(requirement.name, f"{requirement.name}{combined}", 1)


def _extras_in(text: str) -> list[str]:
    return [each.strip() for each in text.strip("[]").split(",") if each.strip()]


def _readable(texts: Sequence[str]) -> list[tuple[int, RequirementText]]:
    """Return those that are requirements by name, with their positions."""
    found = []
    for at, text in enumerate(texts):
        try:
            found.append((at, read_requirement_text(text)))
        except ValueError:
            continue
    return found


def _plain(marker: str) -> str:
    """Return a marker so that the same one in other quotes or spaces is the same text."""
    return str(Requirement(f"it ; {marker}").marker) if marker else ""
