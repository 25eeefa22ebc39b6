"""``pyscript remove``: take requirements out of a script's block."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence

from launcher.cli import block_change, console
from launcher.cli.parser import add_general_options, build_script_parser
from launcher.cli.script_arguments import read_script_arguments
from launcher.errors import UsageError


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript remove``."""
    parser = build_script_parser(
        "remove",
        "SCRIPT NAME...",
        "Take requirements out of a script's block, each with the comment on its line. Of the file,\n"
        "only the lines of the block change. Nothing is asked of any index.",
    )
    parser.set_defaults(with_=None, with_requirements=None, with_editable=None)
    group = parser.add_argument_group("what to print")
    group.add_argument("--json", action="store_true", help="print JSON")
    add_general_options(parser)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript remove`` and return the exit code."""
    parser = build_parser()
    asked = read_script_arguments(parser, arguments)
    if len(asked.words) < 2:
        console.print_usage(parser, "no script, or no name of a requirement given")
        return UsageError.default_exit_code
    script, *names = asked.words
    changed = block_change.change_block(asked, script, lambda editor: editor.remove(names))
    (block_change.show_json if asked.options.json else block_change.show)(script, changed)
    return 0
