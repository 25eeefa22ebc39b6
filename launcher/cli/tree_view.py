"""What ``pyscript tree`` shows of a package graph, as lines for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from launcher.cli import output
from launcher.cli.output import Line, Part
from launcher.cli.package_graph import TOP, PackageGraph
from launcher.cli.tree_lines import ASCII, UNICODE, Branch, draw
from launcher.reporter import megabytes
from launcher.resolve.relations import Relation
from launcher.resolve.urls import mask_credentials
from launcher.survey import Survey

_CUT = " (*)"
_MOST_HOLDERS = 2


@dataclass(frozen=True, slots=True)
class Choice:
    """What to show: all of it, or who needs `package`, or each of them; `depth` is None for all levels."""

    package: str | None = None
    is_inverted: bool = False
    depth: int | None = None


def nothing(title: str, survey: Survey) -> str:
    """Return the sentence for a resolution without packages."""
    has_block = survey.needs.source is None or survey.needs.metadata.block is not None
    why = "needs no packages" if has_block else "has no block that names requirements, so it gets no packages"
    return f"{title} {why}; it runs on Python {survey.interpreter.version}."


def show(title: str, survey: Survey, graph: PackageGraph, choice: Choice) -> None:
    """Print the tree, and below it what it comes to."""
    branches = _branches(graph, choice)
    if choice.is_inverted:
        output.print_parts(*(_named(choice.package, graph, is_strong=True) if choice.package else [(title, "bold")]))
        for branch in branches:
            output.print_parts(*_needing(branch, graph))
    else:
        is_outdated = any(graph.newer(branch.node) for branch in branches)
        heads = ["size", "in all", *(["newest"] if is_outdated else [])]
        head: list[Line] = [[(title, "bold")], *([(text, "dim")] for text in heads)]
        rows = [_row(branch, graph, is_outdated=is_outdated) for branch in branches]
        output.print_columns([head, *rows], right_aligned=(1, 2))
    for line in _summary(survey, graph, branches):
        output.print_parts((line, "dim"))
    if graph.is_newest_known:
        _show_news(title, graph)


def as_json(script: str | None, survey: Survey, graph: PackageGraph, choice: Choice) -> Mapping[str, object]:
    """Return the packages that the tree would show as a list, each with what it needs and who needs it."""
    shown = {branch.node for branch in _branches(graph, choice)} | {choice.package}
    return {
        "script": script,
        "python": {"version": survey.interpreter.version, "executable": survey.interpreter.executable},
        "resolved_at": survey.resolved_at,
        "total_bytes": graph.size(graph.pins),
        "packages": [_package(name, graph) for name in graph.pins if name in shown],
    }


def _branches(graph: PackageGraph, choice: Choice) -> list[Branch]:
    guides = UNICODE if output.speaks_unicode() else ASCII
    if not choice.is_inverted:
        return draw(TOP, graph.children(), choice.depth, guides)
    return draw(choice.package or TOP, graph.parents(), choice.depth, guides)


def _row(branch: Branch, graph: PackageGraph, *, is_outdated: bool) -> list[Line]:
    name = branch.node
    label: list[Part] = [(branch.guide, "dim"), *_named(name, graph, is_strong=branch.parent == TOP)]
    if branch.is_cut:
        return [[*label, (_CUT, "dim")]]
    below = graph.below(name)
    cells: list[Line] = [label, [(_size(name, graph), "dim")], [(_sum(below, graph), "dim")]]
    newer = graph.newer(name)
    if is_outdated and newer:
        cells.append([(newer, "new")])
    return cells


def _needing(branch: Branch, graph: PackageGraph) -> Line:
    relation = graph.relation(branch.node)
    if relation is not None:
        return [(branch.guide, "dim"), *_written(relation)]
    line: list[Part] = [(branch.guide, "dim"), *_named(branch.node, graph, is_strong=branch.parent == TOP)]
    if branch.parent != TOP and (needing := graph.between(branch.parent, branch.node)) and needing.text:
        line.append((f"  needs {needing.text}", "dim"))
    return [*line, (_CUT, "dim")] if branch.is_cut else line


def _written(relation: Relation) -> list[Part]:
    requested = relation.requested
    assert requested is not None
    return [(mask_credentials(requested.text.strip()), "bold"), (f"  ({requested.origin})", "dim")]


def _named(name: str, graph: PackageGraph, *, is_strong: bool) -> list[Part]:
    return [(graph.label(name), "bold" if is_strong else ""), (f" {graph.pins[name].candidate.version}", "")]


def _held(holders: Sequence[Relation]) -> str:
    if not holders:
        return ""
    names = list(dict.fromkeys(_holder(each) for each in holders))
    more = f" and {len(names) - _MOST_HOLDERS} more" if len(names) > _MOST_HOLDERS else ""
    return f"held by {', '.join(names[:_MOST_HOLDERS])}{more}"


def _holder(relation: Relation) -> str:
    if relation.by is not None:
        return f"{relation.by} ({relation.text})"
    requested = relation.requested
    return f"{requested.origin} ({relation.text})" if requested else relation.text


def _size(name: str, graph: PackageGraph) -> str:
    found = graph.sizes[name]
    if found.size_bytes is None:
        return ""
    return ("" if found.is_stored else "+") + megabytes(found.size_bytes)


def _sum(names: Iterable[str], graph: PackageGraph) -> str:
    names = list(names)
    total = graph.size(names) if len(names) > 1 else None
    return "" if total is None else megabytes(total)


def _summary(survey: Survey, graph: PackageGraph, branches: Sequence[Branch]) -> list[str]:
    lines = []
    if any(branch.is_cut for branch in branches):
        lines.append("(*) shown in full elsewhere, nearer to the top")
    stored = [name for name, size in graph.sizes.items() if size.is_stored]
    missing = [name for name in graph.pins if name not in stored]
    sizes = [
        f"{megabytes(total)} {where}"
        for names, where in ((stored, "on disk"), (missing, "to download (+)"))
        if names and (total := graph.size(names)) is not None
    ]
    packages = output.counted(len(graph.pins), "package")
    lines.append(", ".join([packages, *sizes]) + f", for Python {survey.interpreter.version}")
    if survey.needs.lock is not None:
        lines.append(f"as {survey.needs.lock.label} has them")
    return lines


def _show_news(title: str, graph: PackageGraph) -> None:
    """Say for each package that could be newer what keeps it from that."""
    newer = [(name, version) for name in graph.pins if (version := graph.newer(name))]
    if not newer:
        output.print_parts(("All are the newest there are.", "dim"))
        return
    output.print_parts((f"{len(newer)} could be newer:", "dim"))
    rows: list[list[Line]] = []
    for name, version in newer:
        holders = graph.holders(name)
        rows.append([[(f"  {name}", "")], [(version, "new")], [(_held(holders), "dim")]])
    output.print_columns(rows)
    if not all(graph.holders(name) for name, _ in newer):
        output.print_parts((f"What nothing holds comes with: pyscript --upgrade {title}", "dim"))


def _package(name: str, graph: PackageGraph) -> Mapping[str, object]:
    pin, size = graph.pins[name], graph.sizes[name]
    needed = [each for each in graph.relations if each.by == name]
    needing = [each for each in graph.relations if each.needed == name]
    row: dict[str, object] = {
        "name": name,
        "version": pin.candidate.version,
        "extras": list(pin.extras),
        "size_bytes": size.size_bytes,
        "is_stored": size.is_stored,
        "size_with_dependencies_bytes": graph.size(graph.below(name)),
        "source": mask_credentials(pin.candidate.url),
        "sha256": pin.candidate.sha256,
        "requires": [{"name": each.needed, "specifiers": each.text} for each in needed],
        "required_by": [{"name": each.by, "specifiers": each.text} for each in needing if each.by],
        "requested": _as_written(needing),
        "limits": _as_written(each for each in graph.limits if each.needed == name),
    }
    if graph.is_newest_known:
        row["newest"] = graph.newest.get(name)
        row["held_back_by"] = [_holder(each) for each in graph.holders(name)]
    return row


def _as_written(relations: Iterable[Relation]) -> list[Mapping[str, str]]:
    requested = [each.requested for each in relations if each.requested]
    return [{"requirement": mask_credentials(each.text.strip()), "origin": each.origin} for each in requested]
