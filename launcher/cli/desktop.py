"""``pyscript desktop``: whether a double-click runs scripts."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path

from launcher import __version__
from launcher.cli import console, output
from launcher.cli.parser import Parser, add_commands, add_general_options
from launcher.cli.run import parse_command
from launcher.desktop.changes import Plan
from launcher.desktop.journal import Journal, JournalFile
from launcher.desktop.machine import Machine
from launcher.desktop.previous import previous_application
from launcher.desktop.registration import Effect, Outcome, install, leftover, steps_to, undone, uninstall
from launcher.desktop.registry import open_registry
from launcher.desktop.standing import Standing, standing_of
from launcher.errors import UsageError
from launcher.python.places import data_directory

_NOT_INSTALLED = "Double-click is not set up. To let it run scripts: pyscript desktop install"
_STYLES = {Outcome.NEW: "good", Outcome.CHANGED: "good", Outcome.KEPT: "new"}
_CACHES = frozenset({"cache", ".cache", "caches"})
"""What directories are called in which uvx and pipx run put a program that is run once."""

_BY_HAND = {
    "win32": 'Make it the default: right-click a script, "Open with", pyscript, "Always".',
    "darwin": 'Make it the default: select a script, "Get Info", "Open with" pyscript, "Change All".',
}


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript desktop``."""
    parser = Parser(
        prog="pyscript desktop",
        description="Let a double-click run scripts, for you alone, or undo that.",
        add_help=False,
        allow_abbrev=False,
    )
    about = {
        "install": "let a double-click run scripts with a block",
        "uninstall": "undo what install did, byte for byte, but for what others changed since",
        "status": "show whether a double-click runs scripts, and what others changed; exit code 1 unless all is well",
    }
    commands = add_commands(parser, about)
    commands["install"].add_argument(
        "--all-python",
        action="store_true",
        help="for all Python files; those without a block are given to the application that opened them before",
    )
    for name in ("install", "uninstall"):
        commands[name].add_argument(
            "--dry-run", action="store_true", help="show every file and key, and change nothing; with -v their contents"
        )
    commands["status"].add_argument("--json", action="store_true", help="print JSON")
    for each in (*commands.values(), parser):
        add_general_options(each)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript desktop`` and return the exit code."""
    options = parse_command(build_parser(), arguments)
    if options is None:
        return UsageError.default_exit_code
    command = {"install": _install, "uninstall": _uninstall, "status": _status}[options.command]
    return command(options, JournalFile(data_directory(os.environ, sys.platform)), Machine(open_registry()))


def _install(options: Namespace, file: JournalFile, machine: Machine) -> int:
    # 60 ms: what installs commands, and so everything that prepares a script.
    from launcher.desktop.planning import plan_here  # noqa: PLC0415

    plan = plan_here(os.environ, machine, is_for_all_python=options.all_python)
    if options.dry_run:
        _show_plan(plan, file, machine, with_contents=options.verbose > 0)
        return 0
    effects = install(plan, file, machine, _wait)
    is_new = any(each.outcome is not Outcome.UNCHANGED for each in effects)
    what = "all Python files" if plan.is_for_all_python else "scripts with a block"
    output.confirm((f"A double-click now runs {what}." if is_new else f"A double-click runs {what} already.", ""))
    _confirm(effects)
    output.confirm((f"  with {plan.handler}", "dim"))
    if _CACHES.intersection(part.lower() for part in Path(plan.handler).parts):
        console.show_warning(
            f"{plan.handler} is in a cache, and when that is cleaned, nothing is opened by it any more. "
            "Install pyscript for good, and then do this again."
        )
    if plan.is_for_all_python:
        previous = previous_application(os.environ)
        whom = f"{previous.name} ({previous.identifier})" if previous else "nobody: no application opens them"
        output.confirm((f"  files without a block are for {whom}", "dim"))
    if by_hand := _BY_HAND.get(plan.platform):
        output.confirm((by_hand, ""))
    return 0


def _uninstall(options: Namespace, file: JournalFile, machine: Machine) -> int:
    if options.dry_run:
        _show_undoing(file.read(), machine)
        return 0
    effects = uninstall(file, machine, _wait)
    if effects is None:
        output.confirm((_NOT_INSTALLED, ""))
        return 0
    output.confirm(("A double-click does not run scripts any more.", ""))
    _confirm(each for each in effects if each.outcome is not Outcome.KEPT)
    for each in effects:
        if each.outcome is Outcome.KEPT:
            console.show_warning(f"{each.place} stays: {each.note}.")
    return 0


def _confirm(effects: Iterable[Effect]) -> None:
    for each in effects:
        output.confirm(*_line_of(each))


def _line_of(effect: Effect) -> output.Line:
    """Return what becomes of a place, and why it stays or what is claimed or set in it."""
    outcome = (f"  {effect.outcome:<9} ", _STYLES.get(effect.outcome, "dim"))
    about = effect.note or ", ".join(effect.lines)
    return outcome, (f" {effect.place}", ""), (about and f"  {about}", "dim" * bool(about))


def _show_plan(plan: Plan, file: JournalFile, machine: Machine, *, with_contents: bool) -> None:
    output.print_parts(("This would be written:", ""))
    journal = file.read()
    steps = steps_to(plan, journal, machine)
    for step in steps:
        output.print_parts(*_line_of(step.effect))
        if with_contents and not step.effect.lines:
            for line in step.content.decode("utf-8", "replace").splitlines():
                output.print_parts((f"    {line}", "dim"))
    for record in leftover(plan, journal):
        output.print_parts(*_line_of(undone(record, machine)))
    missing = dict.fromkeys(path for step in steps for path in machine.missing_containers(step.wanted.place))
    _show_lines("These would be made for it:", missing)
    _show_lines("What was there before would be noted in:", [str(file.path)])
    generated = [f"{each.directory}  by {each.program}" for each in plan.databases]
    _show_lines("What is generated would be generated again in:", generated)
    _show_lines("And this would be run:", [" ".join(each) for each in plan.refreshes])


def _show_undoing(journal: Journal | None, machine: Machine) -> None:
    if journal is None:
        output.print_parts((_NOT_INSTALLED, ""))
        return
    output.print_parts(("This would be undone:", ""))
    for record in reversed(journal.records):
        output.print_parts(*_line_of(undone(record, machine)))
    _show_lines("These would go, where nothing else is in them:", reversed(journal.made))
    generated = [each.database.directory for each in journal.snapshots]
    _show_lines("What is generated would be as it was, or up to date, in:", generated)


def _show_lines(heading: str, lines: Iterable[str]) -> None:
    lines = list(lines)
    if lines:
        output.print_parts((heading, ""))
    for line in lines:
        output.print_parts((f"  {line}", ""))


def _status(options: Namespace, file: JournalFile, machine: Machine) -> int:
    journal = file.read()
    standing = standing_of(journal, machine, os.environ) if journal else None
    if options.json:
        console.print_line(json.dumps(_as_json(standing), indent=2))
    elif standing is None:
        output.print_parts((_NOT_INSTALLED, ""))
    else:
        _show_standing(standing)
    return 0 if standing and not standing.problems else 1


def _show_standing(standing: Standing) -> None:
    journal = standing.journal
    what = "All Python files" if journal.is_for_all_python else "Scripts with a block"
    output.print_parts((f"{what} are for ", ""), (journal.handler, "name"))
    rows: list[tuple[output.Line, ...]] = [
        ([("  installed by", "dim")], [(f"pyscript {journal.version}" + _compared(journal.version), "")])
    ]
    if journal.is_for_all_python:
        previous = previous_application(os.environ)
        rows.append(([("  others go to", "dim")], [(previous.name if previous else "nobody", "")]))
    rows += [
        ([("  " + kind, "dim")], [(f"opened by {opener or 'nobody'}", "")]) for kind, opener in standing.openers.items()
    ]
    output.print_columns(rows)
    for problem in standing.problems:
        console.show_warning(f"{problem}.")


def _compared(version: str) -> str:
    return "" if version == __version__ else f", and this is {__version__}"


def _as_json(standing: Standing | None) -> dict[str, object]:
    if standing is None:
        return {"installed": False}
    journal = standing.journal
    previous = previous_application(os.environ)
    return {
        "installed": True,
        "complete": journal.state.value == "complete",
        "version": journal.version,
        "handler": journal.handler,
        "handler_exists": standing.is_handler_there,
        "all_python": journal.is_for_all_python,
        "previous_application": previous.identifier if previous else None,
        "opened_by": {kind: opener or None for kind, opener in standing.openers.items()},
        "taken_over_by": dict(standing.taken_over_by),
        "changed": dict(standing.changed),
        "files": [str(each.place) for each in journal.records],
        "problems": list(standing.problems),
    }


def _wait() -> None:
    console.show_note("Waiting for another pyscript desktop.")
