"""A contradiction in words: which requirements clash, who needs what, and why versions are out of the question.

Facts about the same two projects are put into one sentence, and so is a long way from one project to another. The steps
of the proof between the facts are left out, because a person checks facts and not a proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from nab_resolver.errors import ResolutionError

from launcher.errors import ResolutionImpossible
from launcher.resolve.graph import Graph, Node
from launcher.resolve.pages import FIND_LINKS
from launcher.resolve.proof import Facts, Need, facts_of, ways_of
from launcher.resolve.releases import Obstacle, Unusable
from launcher.resolve.roots import Root
from launcher.resolve.urls import mask_credentials
from launcher.resolve.version_set import VersionSet, positions

if TYPE_CHECKING:
    from launcher.python.query import Interpreter

_TOLD_APART = {Obstacle.PYTHON, Obstacle.CONSTRAINT, Obstacle.NEWER}
"""Where versions with different details are spoken of separately."""
_FORBIDDEN_FORMATS = {Obstacle.SDIST, Obstacle.FORMATS}
_MOST_LINES = 10
_MOST_INDEXES = 2
_MOST_TEXTS = 2
_MOST_GROUPS = 3


def explain(error: ResolutionError, graph: Graph, interpreter: Interpreter) -> ResolutionImpossible:
    """Return the error that tells a person why there is no resolution."""
    words = _Words(graph, interpreter, facts_of(error, graph))
    return ResolutionImpossible("\n".join(words.message()), hint=words.hint())


class _Words:
    """Says the facts of one proof."""

    def __init__(self, graph: Graph, interpreter: Interpreter, facts: Facts) -> None:
        self._graph = graph
        self._interpreter = interpreter
        self._facts = facts
        self._wanted: dict[str, int] = {}
        self._met: dict[tuple[Obstacle, str], None] = {}
        for root in facts.roots:
            bits = graph.releases(root.dependency.name).satisfying(root.dependency).bits
            self._wanted[root.dependency.name] = self._wanted.get(root.dependency.name, -1) & bits

    def message(self) -> list[str]:
        """Return the lines that say what is the matter."""
        roots, because = self._facts.roots, self._because()
        names = {root.dependency.name for root in roots}
        if len(roots) == 1 and because:
            subject = f"{roots[0].dependency.text} ({roots[0].requested.origin}) cannot be satisfied"
            return [f"{subject}: {because[0]}"] if len(because) == 1 else [f"{subject}:", *_indented(because)]
        if len(names) == 1 and not self._facts.needs:
            first = f"No version of {names.pop()} satisfies all of these requirements:"
        else:
            first = "These requirements contradict one another:"
        width = max((len(root.dependency.text) for root in roots), default=0)
        asked = [f"{root.dependency.text:<{width}}  ({root.requested.origin})" for root in roots]
        return [first, *_indented(asked), *(["because", *_indented(because)] if because else [])]

    def hint(self) -> str:
        """Return what to try; `message` comes first."""
        roots = self._facts.roots
        if policies := self._policies():
            return " ".join(policies)
        if len(roots) == 1:
            return self._hint_for_one(roots[0])
        return "Loosen or leave out one of them: " + ", ".join(root.dependency.text for root in roots) + "."

    def _policies(self) -> list[str]:
        """Return what to change of the policy, as far as it plays a part."""
        texts = [detail for obstacle, detail in self._met if obstacle is Obstacle.CONSTRAINT and detail]
        lines = [f"Loosen {' or '.join(texts)}, or leave it out."] if texts else []
        if any(obstacle is Obstacle.PRERELEASE for obstacle, _ in self._met):
            lines.append('Set prerelease to "if-necessary".')
        details = [detail for obstacle, detail in self._met if obstacle is Obstacle.NEWER]
        if any(details):
            lines.append("Give exclude-newer a later date, or except a package by exclude-newer-package.")
        elif details:
            lines.append("Except it by exclude-newer-package, or use an index that states upload times.")
        return lines

    # What is needed, and what cannot be had

    def _because(self) -> list[str]:
        lines = [line for name in self._wanted for line in self._missing_of_root(name)]
        for name, bits in self._refused_in_order():
            lines += self._refusals(name, bits)
        needs = self._needs_in_order()
        if len(lines) + len(needs) <= _MOST_LINES:
            ways = [[need] for need in needs]
        else:
            # A project that is spoken of in other lines has to be met in these.
            ways = ways_of(needs, {*self._wanted, *(name for name, bits in self._refused_in_order() if bits)})
        lines += map(self._way, ways)
        names = dict.fromkeys((*self._wanted, *(child.name for (_, child), _ in needs)))
        lines += [line for name in names for line in self._taken_early(name)][:_MOST_INDEXES]
        unique = list(dict.fromkeys(lines))
        left_out = len(unique) - _MOST_LINES
        return unique if left_out <= 0 else [*unique[:_MOST_LINES], f"and {left_out} more facts like these"]

    def _way(self, way: Sequence[Need]) -> str:
        """Say how one project leads to another: need by need, or what is between them by its number."""
        if len(way) <= 2:
            return "; ".join(self._need(*keys, *bits) for keys, bits in way)
        (parent, first), (by, _) = way[0]
        (last, child), (last_by, which) = way[-1]
        versions = self._versions(parent.name, self._of_these(parent, by))
        between = len(way) - 2
        over = f" over {between - 1} more" if between > 1 else ""
        return (
            f"{parent} {versions} needs {first}, which leads{over} to {last}; {self._need(last, child, last_by, which)}"
        )

    def _needs_in_order(self) -> list[Need]:
        """Return needs as one reads them: from the written requirements on to what these lead to."""
        # That an extra needs its own project in the same version goes without saying.
        waiting = [
            (key, value)
            for key, value in self._facts.merged_needs().items()
            if key[0].name != key[1].name or not value[0] & value[1]
        ]
        known, ordered = set(self._wanted), []
        while waiting:
            ready = [item for item in waiting if item[0][0].name in known] or waiting
            ordered += ready
            known |= {child.name for (_, child), _ in ready}
            waiting = [item for item in waiting if item not in ready]
        return ordered

    def _refused_in_order(self) -> list[tuple[str, int]]:
        """Return projects with versions that cannot be installed, the written ones first, as far as wanted."""
        order = [*self._wanted, *(name for name in self._facts.refused if name not in self._wanted)]
        return [
            (name, self._facts.refused[name] & self._wanted.get(name, -1))
            for name in order
            if name in self._facts.refused
        ]

    def _of_these(self, parent: Node, by: int) -> int:
        """Return the versions that need something, of the wanted ones where some of these do."""
        return by & self._wanted.get(parent.name, -1) or by

    def _need(self, parent: Node, child: Node, by: int, which: int) -> str:
        by = self._of_these(parent, by)
        texts: dict[str, None] = {}
        for version in reversed(positions(by)):
            if isinstance(self._graph.releases(parent.name).usable(version), Unusable):
                continue
            for stated in self._graph.stated(parent, version):
                if stated.name == child.name and (not child.extra or child.extra in stated.extras):
                    texts[f"{child}{stated.specifiers}" if stated.url is None else stated.text] = None
        if len(texts) <= _MOST_TEXTS or not which:
            needed = " or ".join([*texts][:_MOST_TEXTS]) or str(child)
        else:
            needed = f"{child} {self._span(child.name, which)}"
        by_override = " (by an override)" if child.name in self._graph.rules.overrides else ""
        line = f"{parent} {self._versions(parent.name, by)} needs {needed}{by_override}"
        if parent.name == child.name:
            return f"{line}, which is not itself"
        if which:
            return line
        return f"{line}, {self._why_none(child.name)}"

    def _why_none(self, name: str) -> str:
        releases = self._graph.releases(name)
        if releases.count == 0:
            return f"but no index knows {name}" if releases.page is None else f"but {name} has no files"
        return f"but no version of {name} is like that; the newest is {self._newest(name)}"

    def _missing_of_root(self, name: str) -> list[str]:
        """Say of a written requirement that nothing satisfies, even by itself, what there is instead."""
        releases = self._graph.releases(name)
        for root in self._facts.roots:
            if root.dependency.name != name or releases.satisfying(root.dependency).bits:
                continue
            if yanked := self._yanked_of(root):
                return [f"{name} {self._versions(name, yanked)} was yanked, and only an exact pin (==) takes it"]
            if releases.count == 0:
                return [f"{name} has no files on {releases.page.source if releases.page else 'any index'}"]
            if releases.urls:
                return [f"{releases.urls[0].filename} is version {releases.urls[0].version}"]
            return [f"there is no such version, the newest is {self._newest(name)}"]
        return []

    def _yanked_of(self, root: Root) -> int:
        """Return the versions that a written requirement, which nothing satisfies, would take were they not yanked."""
        page = self._graph.releases(root.dependency.name).page
        return page.matching(root.dependency.specifiers) if page is not None else 0

    def _taken_early(self, name: str) -> list[str]:
        """Say where a project is from that an index further down might have other versions of."""
        page, places = self._graph.releases(name).page, self._graph.index.places_of(name)
        source = page.source.removeprefix(f"{FIND_LINKS} and ") if page is not None else FIND_LINKS
        if source == FIND_LINKS or source in [mask_credentials(place) for place in places[-1:]]:
            return []
        return [f"{name} is taken from {source}, the first index that has it; [tool.pyscript.sources] can name another"]

    def _refusals(self, name: str, bits: int) -> list[str]:
        """Say why versions cannot be installed, the newest first, versions with the same reason together."""
        releases = self._graph.releases(name)
        groups: dict[tuple[Obstacle, str], int] = {}
        for version in reversed(positions(bits)):
            reason = releases.usable(version)
            if isinstance(reason, Unusable):
                detail = reason.detail if reason.obstacle in _TOLD_APART else ""
                groups[reason.obstacle, detail] = groups.get((reason.obstacle, detail), 0) | 1 << version
        self._met |= dict.fromkeys(groups)
        if len(groups) > _MOST_GROUPS:
            merged: dict[tuple[Obstacle, str], int] = {}
            for (obstacle, _), versions in groups.items():
                merged[obstacle, ""] = merged.get((obstacle, ""), 0) | versions
            groups = merged
        return [
            f"{name} {self._versions(name, versions)} {self._reason(name, obstacle, detail, versions)}"
            for (obstacle, detail), versions in groups.items()
        ]

    def _reason(self, name: str, obstacle: Obstacle, detail: str, versions: int) -> str:
        this = self._interpreter
        if obstacle is Obstacle.PYTHON:
            return f"needs Python {detail or 'of another version'}, and this is {this.version}"
        if obstacle is Obstacle.PLATFORM:
            return f"has no wheel for {self._mismatch(name, versions.bit_length() - 1)}"
        if obstacle is Obstacle.CONSTRAINT:
            return f"is outside the constraint {detail}" if detail else "is outside the constraints"
        if obstacle is Obstacle.PRERELEASE:
            return 'is a pre-release, and prerelease is "disallow"'
        if obstacle is Obstacle.NEWER:
            lack = "has no upload time on the index, so exclude-newer leaves it out"
            return f"was not uploaded before {detail}Z (exclude-newer)" if detail else lack
        if obstacle is Obstacle.METADATA:
            newest = self._graph.releases(name).usable(versions.bit_length() - 1)
            return f"is refused: {newest.detail if isinstance(newest, Unusable) else obstacle.value}"
        return str(obstacle.value)

    def _mismatch(self, name: str, version: int) -> str:
        """Say what wheels would have to be for and what those of a version are for: the Python, else the platform."""
        reason, this = self._graph.releases(name).usable(version), self._interpreter
        tags = [tag.split("-") for tag in reason.detail.split(", ")] if isinstance(reason, Unusable) else []
        ours = [tag.split("-") for tag in this.tags]
        theirs = sorted({python for tag in tags for python in tag[0].split(".")})
        # abi3 wheels of older Pythons fit, so the Python alone decides nothing.
        if not {tuple(tag[:2]) for tag in ours} & {tuple(tag[:2]) for tag in tags}:
            return f"Python {this.version}, only for {', '.join(theirs)}"
        platforms = sorted({tag[-1] for tag in tags if len(tag) == 3})
        platform = ours[0][2] if ours else "this platform"
        return f"{platform} and Python {this.version}, only for {', '.join(platforms[:_MOST_GROUPS])}"

    def _hint_for_one(self, root: Root) -> str:
        name = root.dependency.name
        if root.candidate is not None:
            return "Use another file or version."
        releases = self._graph.releases(name)
        if not releases.satisfying(root.dependency).bits and (yanked := self._yanked_of(root)):
            newest = releases.version_text(yanked.bit_length() - 1)
            return f"Ask for another version, or pin this one nevertheless: {name}=={newest}."
        fitting = next((at for at in self._newest_first(name) if self._graph.is_usable(name, at)), None)
        if fitting is None:
            reasons = (self._graph.releases(name).usable(at) for at in self._newest_first(name))
            is_forbidden = any(isinstance(each, Unusable) and each.obstacle in _FORBIDDEN_FORMATS for each in reasons)
            first = "Allow it to be built, ask" if is_forbidden else "Ask"
            return f"{first} for another version, try another Python with --python, or leave the package out."
        found = self._graph.releases(name).version_text(fitting)
        if fitting in VersionSet(self._wanted.get(name, 0)):
            return "Loosen it, or leave it out."
        return f"{name} {found} can be installed here; or try another Python with --python."

    # Versions in words

    def _newest_first(self, name: str) -> Iterable[int]:
        ordinary = self._ordinary(name)
        return reversed(positions(ordinary))

    def _ordinary(self, name: str) -> int:
        releases = self._graph.releases(name)
        every = releases.all_bits
        if releases.page is None:
            return every
        return every & ~releases.page.prerelease_bits & ~releases.page.yanked_bits or every

    def _newest(self, name: str) -> str:
        return self._graph.releases(name).version_text(self._ordinary(name).bit_length() - 1)

    def _span(self, name: str, bits: int) -> str:
        """Say a set that many requirements stated differently by its two ends."""
        every = positions(self._ordinary(name) | bits)
        found = positions(bits)
        text = self._graph.releases(name).version_text
        if found[0] == every[0]:
            return f"{text(found[-1])} or older"
        return f"{text(found[0])} or newer" if found[-1] == every[-1] else f"{text(found[0])} to {text(found[-1])}"

    def _versions(self, name: str, bits: int) -> str:
        """Say which versions: ``2.0``, ``2.0 to 2.3``, ``1.0, 2.0 to 2.3``; gaps of pre-releases do not count."""
        text = self._graph.releases(name).version_text
        runs: list[list[int]] = []
        is_open = False
        for position in positions(self._ordinary(name) | bits):
            if not bits >> position & 1:
                is_open = False
            elif is_open:
                runs[-1][1] = position
            else:
                runs.append([position, position])
                is_open = True
        if len(runs) > _MOST_GROUPS:
            return f"{text(runs[0][0])} to {text(runs[-1][1])} ({len(positions(bits))} of these versions)"
        return ", ".join(text(a) if a == b else f"{text(a)} to {text(b)}" for a, b in runs)


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]
