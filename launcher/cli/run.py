"""``pyscript SCRIPT`` and ``pyscript run``: what the command line says, before anything is done about it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from launcher.cache import Cache
from launcher.cli import console
from launcher.cli.arguments import NoOptions, SplitArguments
from launcher.cli.commands import COMMANDS
from launcher.errors import UsageError
from launcher.launch import record as records
from launcher.settings import COLORS, verbosity_from

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from launcher.trust import Trust


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript run``."""
    from launcher.cli import parser  # noqa: PLC0415

    return parser.build_parser("pyscript run")


def main(arguments: Sequence[str]) -> int:
    """Prepare and launch what `arguments` ask for; returns only where nothing was started, or on Windows.

    `arguments` are all that ``pyscript`` was called with, a leading ``run`` included.
    """
    if arguments and arguments[0][:1] != "-" and arguments[0] not in COMMANDS:
        configure_console(NoOptions())
        return _launch(SplitArguments((), (arguments[0],), tuple(arguments[1:])), NoOptions(), (arguments[0],))
    # 5 ms: argparse, and what it is told of our options.
    from launcher.cli.parser import build_parser, split_arguments  # noqa: PLC0415

    is_explicit = arguments[:1] == ["run"]
    parser = build_parser("pyscript run" if is_explicit else "pyscript")
    split = split_arguments(parser, arguments[1:] if is_explicit else arguments)
    options = parser.parse_args(split.options)
    configure_console(options)
    if not split.target:
        console.print_usage(parser)
        return UsageError.default_exit_code
    tokens = tuple(arguments[: len(arguments) - len(split.arguments)])
    if not is_explicit and _is_command(name := split.target[0], options):
        return COMMANDS[name].main([*([name] if name == "run" else []), *split.options, *split.arguments])
    return _launch(split, options, tokens)


def _launch(split: SplitArguments, options: Namespace | NoOptions, tokens: tuple[str, ...]) -> int:
    if "://" in split.target[0] and len(split.target) == 1:
        if options.watch:
            raise UsageError("--watch looks at files of this machine.", hint="Download the script, and give the file.")
        # What it takes to have it here, and to ask whether it may run.
        from launcher.cli import remote  # noqa: PLC0415

        return remote.launch(split, options, tokens, open_cache(options.cache_dir))
    # 30 ms: the whole data path, which --help and --version do not need.
    from launcher.cli.launching import launch  # noqa: PLC0415

    return launch(split, options, tokens, open_cache(options.cache_dir))


def configure_console(options: Namespace | NoOptions) -> None:
    """Let everything from here on be shown as the general options say; raises `UsageError` for a wrong colour."""
    console.configure(_color(options), _verbosity(options))


def parse_command(parser: ArgumentParser, arguments: Sequence[str]) -> Namespace | None:
    """Return the options of a command that stands behind another one; None, and the usage is shown, without any."""
    options = parser.parse_args(arguments)
    if options.command is None:
        console.print_usage(parser, "no command given")
        return None
    configure_console(options)
    return options


def _is_command(name: str, options: Namespace) -> bool:
    """Tell whether a subcommand is meant: people write ``pyscript -q run x.py``, with options in front of it as well.

    With other options than every command has, ``python`` is the program: ``pyscript --with rich python``.
    """
    general = {"quiet", "verbose", "color", "cache_dir"}
    is_general = all(not value or option in general for option, value in vars(options).items())
    return name in COMMANDS and not os.path.isfile(name) and (name != "python" or is_general)


def open_cache(chosen: str | None) -> Cache:
    """Return the cache in `chosen`, else where the environment variables say.

    Raises `UsageError` where neither names a place.
    """
    try:
        root = os.path.abspath(chosen) if chosen else records.cache_root(_with_home(os.environ))
    except OSError as error:
        raise UsageError("The current directory does not exist any more.", hint="Change to another one.") from error
    if root is None:
        raise UsageError(
            "There is no place for the cache: neither HOME nor XDG_CACHE_HOME is set.",
            hint="Set HOME, or PYSCRIPT_CACHE_DIR to a directory of your own.",
        )
    cache = Cache(root)
    cache.check()
    return cache


def open_trust() -> Trust:
    """Return what this person agreed to; raises `UsageError` where the data directory is not named by its full path."""
    # 10 ms, for what is asked about before it runs.
    from launcher.python.places import data_directory  # noqa: PLC0415
    from launcher.trust import Trust  # noqa: PLC0415

    directory = data_directory(os.environ, sys.platform)
    return Trust(directory and directory / "trust")


def _with_home(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with the home directory that the system knows where HOME says nothing."""
    home = environ.get("HOME") or os.path.expanduser("~")
    return {**environ, "HOME": home} if os.path.isabs(home) else dict(environ)


def _color(options: Namespace | NoOptions) -> str:
    color: str = options.color or "auto"
    if color not in COLORS:
        raise UsageError(f"--color: {color!r} is not a valid value.", hint="Give one of " + ", ".join(COLORS) + ".")
    return color


def _verbosity(options: Namespace | NoOptions) -> int:
    if options.quiet:
        return -1
    return min(2, options.verbose) or verbosity_from(os.environ)
