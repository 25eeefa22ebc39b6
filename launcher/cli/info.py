"""``pyscript info``: how a script will be run and why. It looks, and makes nothing."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from collections.abc import Sequence

from launcher.cli import console, info_view
from launcher.cli.parser import add_general_options, add_preparation_options, build_script_parser
from launcher.cli.remote import request_of
from launcher.cli.script_arguments import read_script_arguments
from launcher.cli.warmth import Warmth, next_launch
from launcher.errors import UsageError
from launcher.survey import lock_state, look


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript info``."""
    parser = build_script_parser(
        "info",
        "SCRIPT",
        "Show how a script will be run and why: its block, the interpreter, the settings and where\n"
        "they come from, what is remembered of its packages, and whether the next launch is warm.\n"
        "Nothing is resolved, downloaded or built for it; a script from elsewhere is fetched, and\n"
        "shown with where it comes from and whether it may run.",
    )
    group = parser.add_argument_group("what to print")
    group.add_argument("--json", action="store_true", help="print JSON")
    group.add_argument("--source", action="store_true", help="print all lines of a script from elsewhere")
    add_preparation_options(parser)
    add_general_options(parser)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript info`` and return the exit code."""
    parser = build_parser()
    asked = read_script_arguments(parser, arguments)
    script = asked.only_script()
    if script is None:
        console.print_usage(parser, "no script given")
        return UsageError.default_exit_code
    cache = asked.open_cache()
    request, glance = request_of(asked, script, cache)
    survey = look(request, cache, os.environ, console.make_reporter())
    console.leave()
    warmth = next_launch(request, survey, cache, os.environ)
    if glance and not glance.standing.is_agreed:
        warmth = Warmth(False, "nobody here agreed to run it")
    facts = info_view.Facts(script, survey, warmth, cache, glance, lock_state(survey))
    if asked.options.json:
        console.print_line(json.dumps(info_view.as_json(facts), indent=2))
    else:
        info_view.show(facts, whole_source=asked.options.source)
    return 0
