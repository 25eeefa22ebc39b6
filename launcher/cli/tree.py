"""``pyscript tree``: the packages that a script gets, who needs them, how large they are and what would be newer."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from collections.abc import Sequence

from launcher.cache import Cache
from launcher.cli import console, output, tree_view
from launcher.cli.package_graph import PackageGraph
from launcher.cli.parser import add_general_options, add_preparation_options, build_script_parser
from launcher.cli.remote import Glance, request_of
from launcher.cli.script_arguments import ScriptArguments, read_script_arguments
from launcher.errors import UsageError
from launcher.request import RunRequest
from launcher.resolve.relations import limits_in, relations_in
from launcher.survey import Survey, newest_versions, package_sizes, resolve, with_needs_told

_ALL = "*"
"""What ``--invert`` without a package stands for."""


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript tree``."""
    parser = build_script_parser(
        "tree",
        "SCRIPT",
        "Show what a script gets: which packages in which versions, who needs them and how large\n"
        "they are. What was resolved before is shown as it is; otherwise it is resolved now.",
    )
    group = parser.add_argument_group("what to show")
    group.add_argument("--invert", nargs="?", const=_ALL, metavar="PACKAGE", help="show who needs a package, or each")
    group.add_argument("--outdated", action="store_true", help="ask which could be newer, and what holds them back")
    group.add_argument("--depth", metavar="N", help="show only so many levels")
    group.add_argument("--json", action="store_true", help="print JSON")
    add_preparation_options(parser)
    add_general_options(parser)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript tree`` and return the exit code."""
    parser = build_parser()
    asked = read_script_arguments(parser, arguments)
    script, package = _script_and_package(asked)
    if script is None and not asked.has_requirements:
        console.print_usage(parser, "no script given")
        return UsageError.default_exit_code
    depth = _depth(asked.options.depth)
    cache = asked.open_cache()
    request, glance = request_of(asked, script, cache)
    survey, graph = _look(asked, request, cache)
    title = _title(script, glance)
    is_inverted = package is not None
    if package is not None and package != _ALL:
        package = _known(package, graph, title)
    chosen = tree_view.Choice(None if package == _ALL else package, is_inverted, depth)
    if asked.options.json:
        console.print_line(json.dumps(tree_view.as_json(script, survey, graph, chosen), indent=2))
    elif graph.pins:
        tree_view.show(title, survey, graph, chosen)
    else:
        output.print_parts((tree_view.nothing(title, survey), ""))
    return 0


def _title(script: str | None, glance: Glance | None) -> str:
    if glance is None:
        return script or "The environment"
    return glance.script.url.shown + ("" if glance.standing.is_agreed else " (not trusted)")


def _look(asked: ScriptArguments, request: RunRequest, cache: Cache) -> tuple[Survey, PackageGraph]:
    reporter = console.make_reporter()
    try:
        survey = with_needs_told(resolve(request, cache, os.environ, reporter), cache)
        newest = newest_versions(survey, cache, reporter) if asked.options.outdated else {}
    except BaseException:
        cache.abandon()
        raise
    console.leave()
    resolution = survey.resolution
    assert resolution is not None
    return survey, PackageGraph(
        pins={pin.candidate.name: pin for pin in resolution},
        relations=relations_in(resolution, survey.needs.requested, survey.needs.policy, survey.interpreter, cache),
        limits=limits_in(resolution, survey.needs.policy, survey.interpreter),
        sizes=package_sizes(survey, cache),
        newest=newest,
        is_newest_known=asked.options.outdated,
    )


def _script_and_package(asked: ScriptArguments) -> tuple[str | None, str | None]:
    """Return the script and what to invert; in ``--invert x.py`` the value is the script."""
    script, package = asked.only_script(), asked.options.invert
    if script is None and package not in (None, _ALL) and (os.path.exists(package) or package.endswith(".py")):
        return package, _ALL
    return script, package


def _depth(text: str | None) -> int | None:
    if text is None or (text.isdecimal() and int(text) > 0):
        return None if text is None else int(text)
    raise UsageError(f"--depth: {text!r} is not a valid value.", hint="Give a number of levels, from 1.")


def _known(package: str, graph: PackageGraph, title: str) -> str:
    """Return the canonical name of a package; raises `UsageError` with the nearest names where it is not among them."""
    from packaging.utils import canonicalize_name  # noqa: PLC0415 - loaded by now

    name = canonicalize_name(package)
    if name in graph.pins:
        return name
    from difflib import get_close_matches  # noqa: PLC0415 - 4 ms, and only for a mistake

    near = get_close_matches(name, graph.pins, n=3) or [known for known in graph.pins if name in known][:3]
    hint = f"Did you mean {' or '.join(near)}?" if near else "pyscript tree without --invert shows all there are."
    raise UsageError(f"{title} gets no package called {package}.", hint=hint)
