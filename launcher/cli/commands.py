"""The table of subcommands; a command's module is imported when it is called, so that ``--help`` imports none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from launcher.value import Value

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(Value):
    """A subcommand: its name, one line of help and the module with its `build_parser` and `main`."""

    name: str
    help: str
    module: str

    def build_parser(self) -> ArgumentParser:
        """Return the command's own parser."""
        build: Callable[[], ArgumentParser] = import_module(self.module).build_parser
        return build()

    def main(self, arguments: Sequence[str]) -> int:
        """Run the command with the arguments behind its name and return the exit code."""
        run: Callable[[Sequence[str]], int] = import_module(self.module).main
        return run(arguments)


COMMANDS = {
    command.name: command
    for command in (
        Command("run", "Run a script, module, code or program in an environment", "launcher.cli.run"),
        Command("prepare", "Prepare scripts, so that their first launch is quick", "launcher.cli.prepare"),
        Command("init", "Write a new script", "launcher.cli.init"),
        Command("add", "Add requirements to a script's block", "launcher.cli.add"),
        Command("remove", "Remove requirements from a script's block", "launcher.cli.remove"),
        Command("upgrade", "Raise what a script's block asks for, or upgrade commands", "launcher.cli.upgrade"),
        Command("info", "Show how a script will be run, and why", "launcher.cli.info"),
        Command("tree", "Show what a script gets, and why", "launcher.cli.tree"),
        Command("lock", "Fix every version and file that a script gets, for all platforms", "launcher.cli.lock"),
        Command("edit", "Open a script in your editor, with its environment", "launcher.cli.edit"),
        Command("repl", "Start Python with the packages of a script", "launcher.cli.repl"),
        Command("audit", "Show known vulnerabilities of what scripts get", "launcher.cli.audit"),
        Command("export", "Write what a script gets for other tools", "launcher.cli.export"),
        Command("install", "Make scripts commands on PATH", "launcher.cli.install"),
        Command("list", "Show installed commands", "launcher.cli.list"),
        Command("uninstall", "Remove installed commands", "launcher.cli.uninstall"),
        Command("trust", "Say what from elsewhere may run", "launcher.cli.trust"),
        Command("open", "Run a script as a double-click does", "launcher.cli.open"),
        Command("desktop", "Let a double-click run scripts, or undo that", "launcher.cli.desktop"),
        Command("bundle", "Put a script and its packages into one file", "launcher.cli.bundle"),
        Command("completion", "Print completion for bash, zsh or fish", "launcher.cli.completion"),
        Command("python", "List, find, install or uninstall Pythons", "launcher.cli.python"),
        Command("cache", "Show, prune or clean the cache", "launcher.cli.cache"),
    )
}
