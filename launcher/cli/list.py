"""``pyscript list``: the installed commands, where they come from and what they run in."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from launcher.cache import Bucket, Cache
from launcher.cli import console, output
from launcher.cli.parser import Parser, add_general_options
from launcher.cli.run import configure_console, open_cache
from launcher.environment.environment import used_wheels, version_of
from launcher.environment.installed import commands_directory, record_of
from launcher.share.commands import Command, Commands
from launcher.share.search_path import is_on_path


@dataclass(frozen=True, slots=True)
class Row:
    """A command and what it runs in: `packages` maps names to versions; both are empty where nothing is prepared."""

    command: Command
    python: str
    packages: dict[str, str]


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript list``."""
    parser = Parser(
        prog="pyscript list",
        description="Show the installed commands: where each comes from, its Python and packages, and what is\n"
        "wrong with it.",
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_general_options(parser)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript list`` and return the exit code."""
    options = build_parser().parse_args(arguments)
    configure_console(options)
    cache = open_cache(options.cache_dir)
    rows = [row_of(command, cache) for command in Commands(commands_directory(os.environ))]
    if options.json:
        console.print_line(json.dumps([_as_json(row) for row in rows], indent=2))
    else:
        _show(rows)
    return 0


def row_of(command: Command, cache: Cache) -> Row:
    """Return what a command was prepared with, by the record of its launch where there is one."""
    record = record_of(cache, command.tokens)
    environment = Path(record.environment) if record else cache.path(Bucket.ENVIRONMENTS, command.environment)
    packages = {name: version for name, version, _ in used_wheels(environment)}
    return Row(command, version_of(environment) or "", dict(sorted(packages.items())))


def _show(rows: Sequence[Row]) -> None:
    if not rows:
        console.print_line("No command is installed. To make one of a script: pyscript install SCRIPT")
        return
    for row in rows:
        command = row.command
        origin = f"{'link to' if command.is_link else 'from'} {command.source}"
        output.print_parts((command.name, "name"), (f"  {origin}", ""))
        python = f"Python {row.python}" if row.python else "made ready at its next start"
        packages = ", ".join(f"{name} {version}" for name, version in row.packages.items())
        output.print_parts((f"  {command.file}  {python}" + f"  {packages}" * bool(packages), "dim"))
        if command.words:
            output.print_parts((f"  with the options {' '.join(command.words)}", "dim"))
        if command.problem:
            output.print_parts(("  broken: ", "new"), (f"{command.problem}; mend it: {_cure(command)}", ""))
    for directory in sorted({os.path.dirname(row.command.file) for row in rows}):
        if not is_on_path(Path(directory), os.environ):
            console.show_warning(f"{directory} is not on PATH, so the shell does not find commands there.")


def _cure(command: Command) -> str:
    if command.is_link and not os.path.exists(command.script):
        return f"pyscript uninstall {command.name}"
    return f"pyscript upgrade {command.name}"


def _as_json(row: Row) -> dict[str, object]:
    command = row.command
    return {
        "name": command.name,
        "source": command.source,
        "link": command.is_link,
        "file": command.file,
        "script": command.script,
        "options": list(command.words),
        "python": row.python or None,
        "packages": row.packages,
        "broken": command.problem or None,
    }
