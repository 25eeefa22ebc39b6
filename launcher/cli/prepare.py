"""``pyscript prepare``: everything that a launch does but the launch itself, for images, CI and editors."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence

from launcher.cache import Cache
from launcher.cli import console, output
from launcher.cli.parser import add_general_options, add_preparation_options, build_script_parser
from launcher.cli.remote import Glance, request_of
from launcher.cli.script_arguments import read_script_arguments
from launcher.errors import PyscriptError, UsageError
from launcher.prepare import Preparation, prepare
from launcher.request import RunRequest
from launcher.value import replace

_ONCE = ("refresh", "upgrade")
"""Settings that ask for something to be made anew; a launch that has them always thinks."""


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript prepare``."""
    parser = build_script_parser(
        "prepare",
        "SCRIPT...",
        "Do everything for the scripts but run them: their first launch then finds everything\n"
        "ready. What they will be launched with, such as `--with rich`, is given here as well.\n"
        "For a script from elsewhere that nobody agreed to run, nothing is built.",
    )
    group = parser.add_argument_group("what to print")
    group.add_argument(
        "--print-python", action="store_true", help="print the path of each environment's Python, for editors"
    )
    group.add_argument("--json", action="store_true", help="print JSON")
    add_preparation_options(parser)
    add_general_options(parser)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript prepare`` and return the exit code; a script that fails does not keep others from being ready."""
    parser = build_parser()
    asked = read_script_arguments(parser, arguments)
    if not asked.words and not asked.has_requirements:
        console.print_usage(parser, "no script given")
        return UsageError.default_exit_code
    scripts: tuple[str | None, ...] = asked.words or (None,)
    cache = asked.open_cache()
    rows: list[Mapping[str, object]] = []
    errors: dict[str, PyscriptError] = {}
    for script in scripts:
        try:
            request, glance = request_of(asked, script, cache)
            preparation = _prepare(request, cache)
        except PyscriptError as error:
            console.show_error(error)
            errors[script or "the environment"] = error
            rows.append({"script": script, "error": error.message})
        else:
            rows.append(_row(script, preparation, glance))
            if not asked.options.json:
                _tell(script, preparation, glance, python_only=asked.options.print_python)
    if asked.options.json:
        console.print_line(json.dumps(rows, indent=2))
    return _exit_code(errors, len(scripts), cache)


def _exit_code(errors: Mapping[str, PyscriptError], count: int, cache: Cache) -> int:
    cache.abandon()
    if not errors:
        return 0
    if count == 1:
        return next(iter(errors.values())).exit_code
    raise PyscriptError(f"{len(errors)} of {count} scripts could not be prepared: {', '.join(errors)}.")


def _prepare(request: RunRequest, cache: Cache) -> Preparation:
    """Prepare, and leave a record of the launch that does not ask for anything anew."""
    try:
        preparation = prepare(request, cache, os.environ, console.make_reporter())
        if any(request.command_line.get(name) for name in _ONCE):
            settled = {name: value for name, value in request.command_line.items() if name not in _ONCE}
            preparation = prepare(replace(request, command_line=settled), cache, os.environ, console.make_reporter())
    except PyscriptError:
        raise
    except BaseException:
        cache.abandon()
        raise
    finally:
        console.leave()
    return preparation


def _tell(script: str | None, preparation: Preparation, glance: Glance | None, *, python_only: bool) -> None:
    if python_only:
        output.print_parts((str(preparation.environment.python), ""))
        return
    count = len(preparation.resolution.pins)
    packages = output.counted(count, "package") if count else "no packages"
    python = preparation.interpreter.version
    output.confirm((f"{script or 'The environment'} is ready: {packages}, Python {python}.", ""))
    if glance and not glance.standing.is_agreed:
        output.confirm(("Nobody agreed to run it yet; the first launch will ask.", ""))


def _row(script: str | None, preparation: Preparation, glance: Glance | None) -> Mapping[str, object]:
    return {
        "script": script,
        **({"is_trusted": glance.standing.is_agreed} if glance else {}),
        "python": str(preparation.environment.python),
        "environment": str(preparation.environment.path),
        "interpreter": {
            "version": preparation.interpreter.version,
            "executable": preparation.interpreter.executable,
        },
        "packages": {pin.candidate.name: pin.candidate.version for pin in preparation.resolution.pins},
    }
