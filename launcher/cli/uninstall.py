"""``pyscript uninstall``: remove installed commands, and nothing else."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Sequence

from launcher.cli import console, output
from launcher.cli.parser import Parser, add_general_options
from launcher.cli.run import configure_console, open_cache
from launcher.errors import CommandNotInstalled, PyscriptError
from launcher.share.installing import uninstall


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript uninstall``."""
    parser = Parser(
        prog="pyscript uninstall",
        description="Remove installed commands: the file on PATH and the copied script. Packages that nothing uses\n"
        "any more leave the cache by themselves.",
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("name", nargs="+", metavar="COMMAND", help="a command, as pyscript list shows it")
    add_general_options(parser)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript uninstall`` and return the exit code; one name that is wrong does not keep the others."""
    options = build_parser().parse_args(arguments)
    configure_console(options)
    cache = open_cache(options.cache_dir)
    errors: list[PyscriptError] = []
    for name in dict.fromkeys(options.name):
        try:
            command, kept = uninstall(name, cache, os.environ, console.make_reporter())
        except CommandNotInstalled as error:
            console.show_error(error)
            errors.append(error)
            continue
        output.confirm((f"Removed {command.name} ({command.file})", ""))
        for path in kept:
            console.show_warning(f"{path} was changed after it was installed, and stays.")
    return errors[0].exit_code if errors else 0
