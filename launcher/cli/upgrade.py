"""``pyscript upgrade``: raise what a script's block requires to what is newest, or upgrade installed commands."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence

from launcher.cli import block_change, command_upgrade, console
from launcher.cli.parser import add_general_options, add_resolution_options, add_trust_option, build_script_parser
from launcher.cli.script_arguments import read_script_arguments
from launcher.errors import UsageError


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript upgrade``."""
    parser = build_script_parser(
        "upgrade",
        "SCRIPT [NAME...] | COMMAND... | --all",
        "Raise the pins and lower bounds in a script's block, or of some of its requirements, to the\n"
        "newest versions that `requires-python` allows. Upper bounds (`<3`) and exclusions (`!=2.1`)\n"
        "are kept, and no bound is lowered. The name of an installed command instead of a script\n"
        "fetches its script again from where it came, and resolves it anew.",
    )
    parser.add_argument_group("what to upgrade").add_argument(
        "--all", action="store_true", help="every command that `pyscript list` shows"
    )
    group = parser.add_argument_group("what to print")
    group.add_argument("--json", action="store_true", help="print JSON")
    add_resolution_options(parser)
    add_trust_option(parser)
    add_general_options(parser)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript upgrade`` and return the exit code."""
    parser = build_parser()
    asked = read_script_arguments(parser, arguments)
    if command_upgrade.is_meant(asked):
        return command_upgrade.upgrade(asked)
    if not asked.words:
        console.print_usage(parser, "no script and no installed command given")
        return UsageError.default_exit_code
    script, *names = asked.words
    changed = block_change.change_block(asked, script, lambda editor: editor.upgrade(names))
    if asked.options.json:
        block_change.show_json(script, changed)
    else:
        is_newest = not (changed.changes or changed.newer or (changed.lock and changed.lock.is_changed))
        nothing = [f"{script} asks for the newest already."] if is_newest else []
        block_change.show(script, changed, nothing=nothing)
    return 0
