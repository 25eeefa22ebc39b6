"""``pyscript completion``: a script that teaches a shell to complete pyscript's own command line."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence

from launcher.cli import console
from launcher.cli.completions.bash import bash_completion
from launcher.cli.completions.fish import fish_completion
from launcher.cli.completions.syntax import syntaxes
from launcher.cli.completions.zsh import zsh_completion
from launcher.cli.parser import Parser, add_general_options
from launcher.cli.run import configure_console

_SHELLS = {"bash": bash_completion, "zsh": zsh_completion, "fish": fish_completion}

_EPILOG = """\
to keep it (then start a new shell):
  bash  pyscript completion bash > ~/.local/share/bash-completion/completions/pyscript
  zsh   pyscript completion zsh > ~/.zfunc/_pyscript
        with `fpath+=~/.zfunc` in ~/.zshrc, before `autoload -Uz compinit; compinit`
  fish  pyscript completion fish > ~/.config/fish/completions/pyscript.fish

The directory has to be there. Make the file again after an upgrade of pyscript.
"""


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript completion``."""
    parser = Parser(
        prog="pyscript completion",
        description="Print what teaches a shell to complete commands, options, scripts and what is installed.",
        epilog=_EPILOG,
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("shell", choices=sorted(_SHELLS), help="the shell that it is for")
    add_general_options(parser)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript completion`` and return the exit code."""
    options = build_parser().parse_args(arguments)
    configure_console(options)
    console.print_line(_SHELLS[options.shell](syntaxes()).rstrip())
    return 0
