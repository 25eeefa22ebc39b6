"""The options of ``pyscript`` and ``pyscript run``, and where they end and the script's arguments begin."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from launcher import __version__
from launcher.cli.arguments import SplitArguments
from launcher.cli.commands import COMMANDS
from launcher.errors import UsageError

_DESCRIPTION = "Run a Python file that says, in a `# /// script` block, what it needs."

_EPILOG = """\
examples:
  pyscript report.py --month 5              run a script with what its block names
  pyscript --with rich -m rich.table        run a module with a package
  pyscript run --with pytest pytest tests/  run a program from a package

commands:
{commands}

A script starts like this:

  #!/usr/bin/env pyscript
  # /// script
  # requires-python = ">=3.11"
  # dependencies = ["requests", "rich"]
  # ///
"""


_SHARED_GROUPS = ("environment", "packages", "versions", "scripts from elsewhere", "general")
"""The groups that many commands have, in the order in which help shows them, behind the groups of the command."""


class Parser(argparse.ArgumentParser):
    """An argparse parser that shows a command's own options first and raises `UsageError` instead of exiting."""

    def add_argument_group(self, *args: Any, **kwargs: Any) -> argparse._ArgumentGroup:
        """Add a group in its place: what the command alone has comes first, whoever adds it when."""
        group = super().add_argument_group(*args, **kwargs)
        self._action_groups.sort(
            key=lambda each: _SHARED_GROUPS.index(each.title) if each.title in _SHARED_GROUPS else -1
        )
        return group

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError` with what argparse found."""
        end = "" if message.endswith("?") else "."
        raise UsageError(f"{message[:1].upper()}{message[1:]}{end}", hint=f"See {self.prog} --help.")


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """argparse's layout with room for our longest option."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32)


def build_parser(prog: str = "pyscript") -> argparse.ArgumentParser:
    """Return the parser of what may stand before the target; the target itself is split off before parsing."""
    listing = "\n".join(f"  {prog} {command.name:<12} {command.help}" for command in COMMANDS.values())
    is_top_level = prog == "pyscript"
    parser = Parser(
        prog=prog,
        usage=f"{prog} [OPTION...] SCRIPT|PROGRAM [ARG...]\n"
        f"       {prog} [OPTION...] -m MODULE | -c CODE | - [ARG...]" + (f"\n       {prog} COMMAND ..." * is_top_level),
        description=_DESCRIPTION if is_top_level else COMMANDS["run"].help + ".",
        epilog=_EPILOG.format(commands=listing) if is_top_level else None,
        formatter_class=_HelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    target = parser.add_argument_group("what to run")
    target.add_argument("-m", dest="module", metavar="MODULE", help="run a module, as python -m does")
    target.add_argument("-c", dest="code", metavar="CODE", help="run code, as python -c does")
    target.add_argument("--script", metavar="SCRIPT", help="run a program, -m or -c in the environment of this script")
    target.add_argument("--watch", action="store_true", help="run it again whenever a file that it reads has changed")
    add_preparation_options(parser)
    add_general_options(parser)
    return parser


def build_script_parser(name: str, arguments: str, description: str) -> argparse.ArgumentParser:
    """Return the bare parser of a command about scripts; it adds its own options and then `add_preparation_options`.

    `arguments` is what its usage shows behind the options.
    """
    return Parser(
        prog=f"pyscript {name}",
        usage=f"pyscript {name} [OPTION...] {arguments}",
        description=description,
        formatter_class=_HelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )


def add_commands(parser: argparse.ArgumentParser, about: Mapping[str, str]) -> dict[str, argparse.ArgumentParser]:
    """Add commands that stand behind another one, given what each does, and return their bare parsers by name."""
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", parser_class=Parser)
    return {
        name: commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", add_help=False)
        for name, text in about.items()
    }


def add_preparation_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that decide which environment a script gets; every command that needs to know has them."""
    _add_environment_options(parser)
    _add_index_options(parser)
    _add_policy_options(parser)
    add_trust_option(parser)


def add_trust_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that agrees to what a URL has to say, by its content."""
    parser.add_argument_group("scripts from elsewhere").add_argument(
        "--trust", action="append", metavar="sha256:…", help="run exactly this content this once (repeatable)"
    )


def add_resolution_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that decide what a script's own requirements resolve to, for commands that add no others."""
    parser.set_defaults(with_=None, with_requirements=None, with_editable=None)
    _add_interpreter_options(parser.add_argument_group("environment"))
    _add_index_options(parser)
    _add_policy_options(parser)


def _add_environment_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("environment")
    group.add_argument(
        "--with", dest="with_", action="append", metavar="REQ", help="add a requirement (repeatable), or several: a,b"
    )
    group.add_argument(
        "--with-requirements",
        action="append",
        metavar="FILE",
        help="add those of a requirements.txt, a pylock.toml or another script (repeatable)",
    )
    group.add_argument(
        "--with-editable", action="append", metavar="PATH", help="add a project in development (repeatable)"
    )
    _add_interpreter_options(group)
    group.add_argument(
        "--env-file", action="append", metavar="FILE", help="set the variables in a .env file (repeatable)"
    )
    group.add_argument("--link-mode", metavar="MODE", help="how wheels get into environments: fold, hardlink or copy")


def _add_interpreter_options(group: argparse._ActionsContainer) -> None:
    group.add_argument("-p", "--python", metavar="SPEC", help="an interpreter: 3.12, >=3.11, pypy3.10 or a path")
    group.add_argument(
        "--no-python-download", action="store_true", default=None, help="never download a Python that is missing"
    )
    group.add_argument("--python-mirror", metavar="URL", help="download Pythons from here")


def _add_index_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("packages")
    group.add_argument("-i", "--index-url", metavar="URL", help="the index to use instead of the default one")
    group.add_argument(
        "--extra-index-url", action="append", metavar="URL", help="an index to look in first (repeatable)"
    )
    group.add_argument(
        "-f", "--find-links", action="append", metavar="PLACE", help="a folder or page with wheels (repeatable)"
    )
    group.add_argument("--no-index", action="store_true", default=None, help="use find-links only")
    group.add_argument(
        "--trusted-host", action="append", metavar="HOST", help="do not verify its certificate (repeatable)"
    )
    group.add_argument("--cert", metavar="FILE", help="the certificates to believe instead of the system's")
    group.add_argument("--client-cert", metavar="FILE", help="the certificate to show, with its private key")
    group.add_argument("--proxy", metavar="URL", help="the proxy to use instead of HTTPS_PROXY")
    group.add_argument(
        "--keyring-provider", metavar="HOW", help="subprocess: ask the keyring program for credentials; or disabled"
    )
    group.add_argument("--no-build", action="store_true", default=None, help="use wheels only, and run no build")
    group.add_argument(
        "--no-build-package", action="append", metavar="NAME", help="build nothing of this package (repeatable)"
    )
    group.add_argument("--no-binary", action="store_true", default=None, help="build everything, and use no wheels")
    group.add_argument("--no-binary-package", action="append", metavar="NAME", help="build this package (repeatable)")
    group.add_argument("--offline", action="store_true", default=None, help="use what is in the cache and never ask")
    group.add_argument("--refresh", action="store_true", default=None, help="ask the index again and resolve anew")
    group.add_argument("-U", "--upgrade", action="store_true", default=None, help="resolve anew to the newest versions")
    group.add_argument("--max-age", metavar="TIME", help="resolve anew when older than this, such as '7 days'")
    group.add_argument("--timeout", metavar="SECONDS", help="how long to wait for an answer (default 15)")
    group.add_argument("--retries", metavar="N", help="how often to try again (default 3)")


def _add_policy_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("versions")
    group.add_argument(
        "--constraint", action="append", metavar="FILE|REQ", help="narrow a package that is needed (repeatable)"
    )
    group.add_argument(
        "--override", action="append", metavar="FILE|REQ", help="replace what is asked of a package (repeatable)"
    )
    group.add_argument("--prerelease", metavar="MODE", help="pre-releases: if-necessary, allow or disallow")
    group.add_argument("--resolution", metavar="MODE", help="versions: highest, lowest or lowest-direct")
    group.add_argument("--exclude-newer", metavar="DATE", help="only what was uploaded by then: a date or '7 days'")
    group.add_argument(
        "--exclude-newer-package", action="append", metavar="NAME=DATE", help="the same for one package; or NAME=false"
    )
    group.add_argument("--locked", action="store_true", default=None, help="fail where the lock is not up to date")
    group.add_argument("--frozen", action="store_true", default=None, help="use the lock even where it is outdated")


def add_general_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that every command has."""
    group = parser.add_argument_group("general")
    group.add_argument("--cache-dir", metavar="DIR", help="where environments and wheels are kept")
    group.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    group.add_argument("-v", "--verbose", action="count", default=0, help="say more; -vv says everything")
    group.add_argument("--color", metavar="WHEN", help="auto, always or never")
    group.add_argument("-V", "--version", action="version", version=f"pyscript {__version__}", help="show the version")
    group.add_argument("-h", "--help", action="help", help="show this help")


def split_arguments(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> SplitArguments:
    """Find where pyscript's own options end: at the first word that is none, or behind ``-m``, ``-c`` or ``--``.

    Everything behind the target belongs to it, whatever it looks like. Raises `UsageError` for an unknown option and
    for an option without its value.

    >>> split_arguments(build_parser(), ["--with", "rich", "x.py", "-v"]).target
    ('x.py',)
    """
    takes_value = {name: action.nargs != 0 for action in parser._actions for name in action.option_strings}
    position = 0
    while position < len(arguments):
        word = arguments[position]
        if word == "--":
            return _split_at(arguments, position, position + 1, 1, parser)
        if word == "-" or not word.startswith("-"):
            return _split_at(arguments, position, position, 1, parser)
        if word in ("-m", "-c"):
            return _split_at(arguments, position, position, 2, parser)
        position += 1 + _takes_next(word, takes_value, parser)
    return SplitArguments(tuple(arguments), (), ())


def separate_arguments(
    parser: argparse.ArgumentParser, arguments: Sequence[str]
) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """Return the options, each with its value, and the other words of a command whose options may stand anywhere.

    Raises `UsageError` for an unknown option.

    >>> separate_arguments(build_parser(), ["x.py", "-q", "--with", "rich", "y.py"])
    ((('-q',), ('--with', 'rich')), ('x.py', 'y.py'))
    """
    takes_value = {name: action.nargs != 0 for action in parser._actions for name in action.option_strings}
    may_stand_alone = {name for action in parser._actions if action.nargs == "?" for name in action.option_strings}
    options: list[tuple[str, ...]] = []
    words: list[str] = []
    position = 0
    while position < len(arguments):
        word = arguments[position]
        if word == "--":
            words += arguments[position + 1 :]
            break
        count = 1
        if word == "-" or not word.startswith("-"):
            words.append(word)
        else:
            following = arguments[position + 1 : position + 2]
            is_alone = word in may_stand_alone and (not following or following[0].startswith("-"))
            count += _takes_next(word, takes_value, parser) and not is_alone
            options.append(tuple(arguments[position : position + count]))
        position += count
    return tuple(options), tuple(words)


def _split_at(
    arguments: Sequence[str], options_end: int, start: int, length: int, parser: argparse.ArgumentParser
) -> SplitArguments:
    target = tuple(arguments[start : start + length])
    if len(target) < length:
        parser.error(f"option {target[0]} needs a value" if target else "there is nothing to run behind --")
    return SplitArguments(tuple(arguments[:options_end]), target, tuple(arguments[start + length :]))


def _takes_next(word: str, takes_value: dict[str, bool], parser: argparse.ArgumentParser) -> bool:
    """Tell whether the value of the option in `word` is the next word."""
    if word.startswith("--"):
        name, equals, _ = word.partition("=")
        if name not in takes_value:
            parser.error(f"there is no option {name}" + _nearest(name, takes_value))
        return takes_value[name] and not equals
    for offset, letter in enumerate(word[1:], start=2):
        if f"-{letter}" not in takes_value:
            parser.error(f"there is no option -{letter}")
        if takes_value[f"-{letter}"]:
            return offset == len(word)
    return False


def _nearest(name: str, known: dict[str, bool]) -> str:
    import difflib  # noqa: PLC0415 - 6 ms, for a mistake only

    near = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {near[0]}?" if near else ""
