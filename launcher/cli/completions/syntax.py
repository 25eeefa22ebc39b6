"""What may stand on the command line, by the parsers themselves, in the words that a shell needs."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from launcher.cli.commands import COMMANDS
from launcher.cli.parser import build_parser
from launcher.settings import COLORS, LINK_MODES, PRERELEASES, RESOLUTIONS


class Kind(StrEnum):
    """What a word may be, where it is none of a fixed list."""

    SCRIPT = "script"
    FILE = "file"
    DIRECTORY = "directory"
    INSTALLED = "installed"
    ANYTHING = "anything"


_CHOICES = {
    "--color": COLORS,
    "--keyring-provider": ("disabled", "subprocess"),
    "--link-mode": LINK_MODES,
    "--prerelease": PRERELEASES,
    "--resolution": RESOLUTIONS,
}
"""Values that settings check, and argparse does not know."""

_KINDS = {"DIR": Kind.DIRECTORY, "SCRIPT": Kind.SCRIPT} | dict.fromkeys(
    ("FILE", "PATH", "PLACE", "FILE|REQ", "OUTPUT"), Kind.FILE
)
"""What the value of an option is, by how the help calls it."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option by all its `names`; `kind` and `choices` are of its value, and empty where it takes none."""

    names: tuple[str, ...]
    help: str
    kind: Kind | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Syntax:
    """What may stand behind ``pyscript`` and the words of `path`.

    `words` are commands, or fixed operands, each with what it does; `operands` the other things that may stand there.
    Where it `ends_at_target`, everything behind the first operand belongs to that.
    """

    path: tuple[str, ...]
    options: tuple[Option, ...]
    words: tuple[tuple[str, str], ...] = ()
    operands: tuple[Kind, ...] = ()
    ends_at_target: bool = False

    @property
    def command(self) -> str:
        """The words of `path` as one text."""
        return " ".join(self.path)


def syntaxes() -> list[Syntax]:
    """Return the syntax of pyscript and of each of its commands; this loads them all."""
    top = build_parser()
    commands = tuple((command.name, command.help) for command in COMMANDS.values())
    found = [Syntax((), _options(top), commands, (Kind.SCRIPT,), ends_at_target=True)]
    for command in COMMANDS.values():
        found += _below((command.name,), command.build_parser())
    return found


def _below(path: tuple[str, ...], parser: argparse.ArgumentParser) -> Iterator[Syntax]:
    usage = parser.format_usage()
    words: list[tuple[str, str]] = []
    nested: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            words += [(each.dest, each.help or "") for each in action._choices_actions]
            nested |= action.choices
        elif not action.option_strings:
            words += [(str(choice), "") for choice in action.choices or ()]
    operands = () if nested else tuple(_operands(usage))
    yield Syntax(path, _options(parser), tuple(words), operands, "[ARG...]" in usage)
    for name, each in nested.items():
        yield from _below((*path, name), each)


def _operands(usage: str) -> Iterator[Kind]:
    named = set(re.findall(r"[A-Z]+", re.sub(r"-\S+ \S+", "", usage.partition(":")[2])))
    if "SCRIPT" in named:
        yield Kind.SCRIPT
    if "COMMAND" in named:
        yield Kind.INSTALLED


def _options(parser: argparse.ArgumentParser) -> tuple[Option, ...]:
    return tuple(
        _option(action, parser)
        for action in parser._actions
        if action.option_strings and action.help is not argparse.SUPPRESS
    )


def _option(action: argparse.Action, parser: argparse.ArgumentParser) -> Option:
    text = argparse.HelpFormatter(parser.prog)._expand_help(action) if action.help else ""
    names = tuple(action.option_strings)
    if action.nargs == 0:
        return Option(names, text)
    choices = next((_CHOICES[name] for name in names if name in _CHOICES), None)
    choices = tuple(map(str, action.choices or ())) if choices is None else choices
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    return Option(names, text, _KINDS.get(metavar, Kind.ANYTHING), choices)


def valued_names(found: list[Syntax]) -> list[str]:
    """Return the names of all options that take a value, but those behind which everything belongs to the target."""
    names = {name for syntax in found for option in syntax.options if option.kind for name in option.names}
    return sorted(names - {"-m", "-c"})


def value_groups(found: list[Syntax]) -> dict[tuple[Kind, tuple[str, ...]], list[str]]:
    """Return the names of options by what their values are; of those that mean several things the first counts."""
    groups: dict[tuple[Kind, tuple[str, ...]], list[str]] = {}
    seen: set[str] = set()
    for syntax in found:
        for option in syntax.options:
            names = [name for name in option.names if option.kind and name not in seen]
            seen.update(names)
            if option.kind and names and (option.choices or option.kind is not Kind.ANYTHING):
                groups.setdefault((option.kind, option.choices), []).extend(names)
    return groups
