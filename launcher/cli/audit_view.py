"""What ``pyscript audit`` found for one script, as lines for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from launcher.cli import output
from launcher.cli.output import counted
from launcher.cli.package_graph import TOP, PackageGraph
from launcher.resolve.relations import Relation
from launcher.resolve.urls import mask_credentials
from launcher.share.advisories import Advisory, version_without
from launcher.share.audit import Audit


@dataclass(frozen=True)
class Report:
    """One script (None for requirements without one), what it gets, what is known of it and what does not count."""

    script: str | None
    python: str
    graph: PackageGraph
    audit: Audit
    ignore: Sequence[str] = ()

    @cached_property
    def vulnerable(self) -> dict[str, tuple[Advisory, ...]]:
        """The vulnerabilities that count, by package."""
        found = {
            name: tuple(each for each in facts.advisories if not self._is_ignored(each))
            for name, facts in self.audit.facts.items()
        }
        return {name: advisories for name, advisories in found.items() if advisories}

    @cached_property
    def ignored(self) -> tuple[Advisory, ...]:
        """The vulnerabilities that do not count."""
        facts = self.audit.facts.values()
        return tuple(advisory for each in facts for advisory in each.advisories if self._is_ignored(advisory))

    @cached_property
    def yanked(self) -> dict[str, str]:
        """The reason, which may be empty, why a pin was yanked, by package."""
        pins = self.graph.pins
        told = {name: pin.candidate.yanked for name, pin in pins.items() if pin.candidate.yanked is not None}
        now = {name: facts.yanked for name, facts in self.audit.facts.items() if facts.yanked is not None}
        return {**told, **now}

    def _is_ignored(self, advisory: Advisory) -> bool:
        return not advisory.names.isdisjoint(text.upper() for text in self.ignore)


def show(report: Report) -> None:
    """Print what was found."""
    title = report.script or "The environment"
    checked = counted(len(report.audit.facts), "package")
    count = sum(map(len, report.vulnerable.values()))
    if count:
        known = f"{count} known vulnerabilit{'y' if count == 1 else 'ies'}"
        output.print_parts((title, "bold"), (f": {known} in {len(report.vulnerable)} of {checked}", "new"))
    elif report.audit.facts or not report.graph.pins:
        output.print_parts((title, "bold"), (f": no known vulnerabilities in {checked}", "good"))
    else:
        output.print_parts((title, "bold"), (": nothing could be checked", "new"))
    for name in report.vulnerable:
        output.print_parts(("", ""))
        _show_package(name, report)
    _show_rest(report)


def as_json(report: Report) -> Mapping[str, object]:
    """Return what was found as plain values."""
    return {
        "script": report.script,
        "python": report.python,
        "asked": len(report.audit.facts),
        "vulnerable": [_vulnerable_row(name, report) for name in report.vulnerable],
        "ignored": [advisory.id for advisory in report.ignored],
        "yanked": [{**_named(name, report), "reason": reason} for name, reason in report.yanked.items()],
        "unchecked": [{**_named(name, report), "reason": reason} for name, reason in report.audit.unchecked.items()],
        "errors": [problem.message for problem in report.audit.problems],
    }


def _show_package(name: str, report: Report) -> None:
    advisories = report.vulnerable[name]
    version = report.graph.pins[name].candidate.version
    path = " > ".join(_path_to(name, report.graph))
    output.print_parts((f"{name} {version}", "bold"), (f"  by {path}" if path else "", "dim"))
    for each in advisories:
        aliases = f" ({', '.join(each.aliases)})" if each.aliases else ""
        fixed = f"fixed in {', '.join(each.fixed_in)}" if each.fixed_in else "no fixed version is known"
        output.print_parts((f"  {each.id}", "new"), (aliases, "dim"), (f"  {fixed}", ""))
        for line in filter(None, (each.summary, each.url)):
            output.print_parts((f"    {line}", "" if line == each.summary else "dim"))
    if line := _advice(name, report):
        output.print_parts((f"  {line}", ""))


def _advice(name: str, report: Report) -> str:
    """Return what to do about a package, a sentence that names the version and what holds it back."""
    fixed_by = version_without(report.graph.pins[name].candidate.version, report.vulnerable[name])
    if fixed_by is None:
        return ""
    what = f"{name} {fixed_by} has none of them" if len(report.vulnerable[name]) > 1 else f"{name} {fixed_by} mends it"
    holders = _holders(name, fixed_by, report.graph)
    if holders:
        return f"{what}; held back by {', '.join(map(_holder, holders))}."
    return f"{what}; pyscript --upgrade {report.script} takes the newest." if report.script else f"{what}."


def _show_rest(report: Report) -> None:
    if report.yanked or report.audit.unchecked or report.ignored:
        output.print_parts(("", ""))
    for name, reason in report.yanked.items():
        version = report.graph.pins[name].candidate.version
        by = " > ".join(_path_to(name, report.graph))
        said = f": {reason}" if reason else ""
        output.print_parts((f"{name} {version} was yanked{said}", "new"), (f"  by {by}" if by else "", "dim"))
    by_reason: dict[str, list[str]] = {}
    for name, reason in report.audit.unchecked.items():
        by_reason.setdefault(reason, []).append(f"{name} {report.graph.pins[name].candidate.version}")
    for reason, names in by_reason.items():
        verb = "was" if len(names) == 1 else "were"
        output.print_parts((f"{', '.join(names)} {verb} not checked: {reason}", "dim"))
    if report.ignored:
        output.print_parts((f"ignored: {', '.join(each.id for each in report.ignored)}", "dim"))


def _vulnerable_row(name: str, report: Report) -> Mapping[str, object]:
    advisories = report.vulnerable[name]
    fixed_by = version_without(report.graph.pins[name].candidate.version, advisories)
    return {
        **_named(name, report),
        "required_by": _path_to(name, report.graph),
        "fixed_by": fixed_by,
        "held_back_by": [_holder(each) for each in _holders(name, fixed_by, report.graph)] if fixed_by else [],
        "vulnerabilities": [
            {
                "id": each.id,
                "aliases": list(each.aliases),
                "summary": each.summary,
                "fixed_in": list(each.fixed_in),
                "url": each.url,
            }
            for each in advisories
        ],
    }


def _named(name: str, report: Report) -> dict[str, object]:
    return {"name": name, "version": report.graph.pins[name].candidate.version}


def _path_to(name: str, graph: PackageGraph) -> list[str]:
    """Return the shortest chain of requirements that leads from what somebody wrote to a package."""
    children, came_from, waiting = graph.children(), {TOP: TOP}, [TOP]
    for node in waiting:
        for child in children.get(node, ()):
            if child not in came_from:
                came_from[child] = node
                waiting.append(child)
    chain: list[str] = []
    while name in came_from and name != TOP:
        relation = graph.between(name, came_from[name] or None)
        chain.insert(0, _written(relation) if relation else name)
        name = came_from[name]
    return chain


def _written(relation: Relation) -> str:
    if relation.requested is not None:
        return f"{mask_credentials(relation.requested.text.strip())} ({relation.requested.origin})"
    return relation.needed + relation.text


def _holders(name: str, version: str, graph: PackageGraph) -> list[Relation]:
    return [each for each in (*graph.relations, *graph.limits) if each.needed == name and not each.admits(version)]


def _holder(relation: Relation) -> str:
    return f"{relation.by} ({relation.text})" if relation.by else _written(relation)
