"""The directive `command-line`: the reference of all commands, written by the parsers themselves.

In MyST, on a page of its own::

    ```{command-line}
    ```
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from launcher.cli.commands import COMMANDS
from launcher.cli.parser import build_parser

_CODE = re.compile(r"`([^`]+)`")


class CommandLine(SphinxDirective):
    """Write one section per command, in the order of the command table."""

    def run(self) -> list[nodes.Node]:
        # argparse breaks lines for the terminal it thinks it writes to.
        os.environ["COLUMNS"] = "100"
        top = build_parser()
        self._of_pyscript_itself = {
            _invocation(action): _explanation(action, top)
            for group in top._action_groups
            for action in _shown_actions(group)
        }
        parsers = [top, *(command.build_parser() for command in COMMANDS.values())]
        return [self._section(parser) for parser in parsers]

    def _section(self, parser: argparse.ArgumentParser) -> nodes.section:
        section = nodes.section(ids=[nodes.make_id(parser.prog)])
        section += nodes.title("", "", nodes.literal(text=parser.prog))
        self.state.document.note_implicit_target(section)
        section += nodes.paragraph("", "", *_inline(parser.description or ""))
        section += nodes.literal_block(text=_usage(parser), language="text")
        known_groups = []
        for group in parser._action_groups:
            title = (group.title or "").capitalize()
            options = {_invocation(action): _explanation(action, parser) for action in _shown_actions(group)}
            if options and parser.prog != "pyscript" and options.items() <= self._of_pyscript_itself.items():
                known_groups.append(title)
            elif options:
                section += nodes.rubric(text=title)
                section += _definitions(options)
        if known_groups:
            section += nodes.paragraph(text=f"As for pyscript itself: {'; '.join(known_groups)}.")
        if parser.epilog:
            section += nodes.literal_block(text=parser.epilog.strip(), language="text")
        section += [self._section(sub_parser) for sub_parser in _sub_parsers(parser)]
        return section


def _shown_actions(group: argparse._ArgumentGroup) -> list[argparse.Action]:
    return [
        action
        for action in group._group_actions
        if action.help is not argparse.SUPPRESS and not isinstance(action, argparse._SubParsersAction)
    ]


def _explanation(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    return argparse.HelpFormatter(parser.prog)._expand_help(action) if action.help else ""


def _definitions(options: dict[str, str]) -> nodes.definition_list:
    """Return a list of options as they are written, each with what it does."""
    entries = nodes.definition_list()
    for invocation, explanation in options.items():
        term = nodes.term("", "", nodes.literal(text=invocation))
        definition = nodes.definition("", nodes.paragraph("", "", *_inline(explanation)))
        entries += nodes.definition_list_item("", term, definition)
    return entries


def _invocation(action: argparse.Action) -> str:
    """Return how an option or an argument is written, such as ``-p, --python SPEC``."""
    value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if not action.option_strings:
        return value
    return ", ".join(action.option_strings) + (f" {value}" if action.nargs != 0 else "")


def _sub_parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from dict.fromkeys(action.choices.values())


def _usage(parser: argparse.ArgumentParser) -> str:
    return parser.format_usage().strip().removeprefix("usage: ").replace("\n       ", "\n")


def _inline(text: str) -> Iterator[nodes.Node]:
    for position, part in enumerate(_CODE.split(text)):
        yield nodes.literal(text=part) if position % 2 else nodes.Text(part)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
