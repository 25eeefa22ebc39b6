"""``pyscript add``: write requirements into a script's block, after seeing that they work."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence

from launcher.cli import block_change, console
from launcher.cli.parser import add_general_options, add_resolution_options, build_script_parser
from launcher.cli.script_arguments import read_script_arguments
from launcher.errors import UsageError


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript add``."""
    parser = build_script_parser(
        "add",
        "SCRIPT REQ...",
        "Write requirements into a script's block, or other versions of those that are there.\n"
        "They are resolved first, together with the others; where that fails, the script stays as\n"
        "it is. A requirement without versions gets a lower bound. Of the file, only the lines of\n"
        "the block change; a file without a block gets one.",
    )
    group = parser.add_argument_group("what to print")
    group.add_argument("--json", action="store_true", help="print JSON")
    add_resolution_options(parser)
    add_general_options(parser)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript add`` and return the exit code."""
    parser = build_parser()
    asked = read_script_arguments(parser, arguments)
    if len(asked.words) < 2:
        console.print_usage(parser, "no script, or no requirement given")
        return UsageError.default_exit_code
    script, *wanted = asked.words
    changed = block_change.change_block(asked, script, lambda editor: editor.add(wanted))
    if asked.options.json:
        block_change.show_json(script, changed)
    else:
        block_change.show(script, changed, nothing=[f"{script} already has {text}." for text in changed.unchanged])
    return 0
