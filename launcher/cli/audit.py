"""``pyscript audit``: known vulnerabilities of what scripts get, where they come in, and what is without them."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping, Sequence

from launcher.cache import Cache
from launcher.cli import audit_view, console
from launcher.cli.audit_view import Report
from launcher.cli.package_graph import PackageGraph
from launcher.cli.parser import add_general_options, add_preparation_options, build_script_parser
from launcher.cli.remote import request_of
from launcher.cli.script_arguments import ScriptArguments, read_script_arguments
from launcher.errors import AuditIncomplete, PyscriptError, UsageError
from launcher.resolve.relations import limits_in, relations_in
from launcher.share.audit import audit
from launcher.survey import resolve

_FOUND = 1


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript audit``."""
    parser = build_script_parser(
        "audit",
        "SCRIPT...",
        "Ask the indexes that the packages of scripts come from for known vulnerabilities of them.\n"
        "Exit code: 0 where there is none, 1 where some were found, 3 where it cannot be told.",
    )
    group = parser.add_argument_group("what to ask and show")
    group.add_argument(
        "--ignore",
        action="append",
        metavar="ID|PACKAGE",
        help="a vulnerability that does not count, or a package not to ask about (repeatable)",
    )
    group.add_argument(
        "--ask", metavar="URL", help="ask this index, by names and versions, instead of where packages come from"
    )
    group.add_argument("--json", action="store_true", help="print JSON")
    add_preparation_options(parser)
    add_general_options(parser)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript audit`` and return the exit code; a script that fails keeps no other from being looked at."""
    parser = build_parser()
    asked = read_script_arguments(parser, arguments)
    if not asked.words and not asked.has_requirements:
        console.print_usage(parser, "no script given")
        return UsageError.default_exit_code
    if asked.options.ask and not asked.options.ask.startswith(("http://", "https://")):
        raise UsageError(f"--ask: {asked.options.ask!r} is not the URL of an index.", hint="It begins with https://")
    scripts: tuple[str | None, ...] = asked.words or (None,)
    cache = asked.open_cache()
    reports: list[Report] = []
    rows: list[Mapping[str, object]] = []
    failures: list[PyscriptError] = []
    for script in scripts:
        try:
            report = _report(script, asked, cache)
        except PyscriptError as error:
            console.show_error(error)
            failures.append(error)
            rows.append({"script": script, "error": error.message})
            continue
        reports.append(report)
        rows.append(audit_view.as_json(report))
        if not asked.options.json:
            audit_view.show(report)
        for problem in report.audit.problems:
            console.show_error(problem)
            failures.append(problem)
    if asked.options.json:
        console.print_line(json.dumps(rows, indent=2))
    _tell_of_unused(asked.options.ignore or (), reports)
    cache.abandon()
    return _exit_code(reports, failures)


def _exit_code(reports: Sequence[Report], failures: Sequence[PyscriptError]) -> int:
    if any(report.vulnerable for report in reports):
        return _FOUND
    codes = {error.exit_code for error in failures}
    # Code 1 is taken: it says that something was found.
    return max(codes - {_FOUND} or {AuditIncomplete.default_exit_code}) if codes else 0


def _report(script: str | None, asked: ScriptArguments, cache: Cache) -> Report:
    reporter = console.make_reporter()
    ignored = tuple(asked.options.ignore or ())
    try:
        request, glance = request_of(asked, script, cache)
        survey = resolve(request, cache, os.environ, reporter)
        resolution = survey.resolution
        assert resolution is not None
        pins = {pin.candidate.name: pin for pin in resolution}
        skipped = {name for text in ignored if (name := _canonical(text)) in pins}
        found = audit(survey, cache, reporter, skipped, asked.options.ask)
    except PyscriptError:
        raise
    except BaseException:
        cache.abandon()
        raise
    finally:
        console.leave()
    graph = PackageGraph(
        pins=pins,
        relations=relations_in(resolution, survey.needs.requested, survey.needs.policy, survey.interpreter, cache),
        limits=limits_in(resolution, survey.needs.policy, survey.interpreter),
    )
    return Report(glance.script.url.shown if glance else script, survey.interpreter.version, graph, found, ignored)


def _canonical(text: str) -> str:
    from packaging.utils import canonicalize_name  # noqa: PLC0415 - loaded by now

    return canonicalize_name(text)


def _tell_of_unused(ignored: Iterable[str], reports: Sequence[Report]) -> None:
    """Say which ``--ignore`` has nothing to ignore any more: it would hide what comes later."""
    if not reports:
        return
    for text in ignored:
        is_package = any(_canonical(text) in report.graph.pins for report in reports)
        if not is_package and not any(text.upper() in each.names for report in reports for each in report.ignored):
            console.show_warning(f"--ignore {text}: there is no such vulnerability or package in what was asked for.")
