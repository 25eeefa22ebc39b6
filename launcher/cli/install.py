"""``pyscript install``: make scripts commands on PATH."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from launcher.cache import Cache
from launcher.cli import console, output
from launcher.cli.commands import COMMANDS
from launcher.cli.parser import add_general_options, add_preparation_options, build_script_parser
from launcher.cli.question import open_terminal
from launcher.cli.remote import INSTALL, agreed_script
from launcher.cli.script_arguments import STDIN, ScriptArguments, read_script_arguments
from launcher.errors import UsageError
from launcher.request import RunRequest
from launcher.script.remote_url import is_remote
from launcher.share.command_name import default_name, is_shell_word
from launcher.share.commands import Command
from launcher.share.installing import Installed, Order, install
from launcher.share.search_path import add_to_path, can_be_added, is_on_path, namesakes, path_line
from launcher.value import replace


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript install``."""
    parser = build_script_parser(
        "install",
        "SCRIPT|URL...",
        "Make scripts commands that start from anywhere by their names. Each gets a file in\n"
        "`~/.local/bin`, or where PYSCRIPT_BIN_DIR or XDG_BIN_HOME says, and everything it needs\n"
        "is made ready now. The script is copied, and its lock with it; options such as `--with`\n"
        "are kept and hold for each start.",
    )
    group = parser.add_argument_group("the command")
    group.add_argument("--name", metavar="NAME", help="what the command is called (default: as the script)")
    group.add_argument(
        "--link", action="store_true", help="run the script where it is, so that the command follows each change"
    )
    group.add_argument("--force", action="store_true", help="replace a file that pyscript did not put there")
    group.add_argument("--add-to-path", action="store_true", help="put the directory of commands on PATH, if need be")
    add_preparation_options(parser)
    add_general_options(parser)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript install`` and return the exit code."""
    parser = build_parser()
    asked = read_script_arguments(parser, arguments)
    if not asked.words:
        console.print_usage(parser, "no script given")
        return UsageError.default_exit_code
    if asked.options.name is not None and len(asked.words) > 1:
        raise UsageError("One name is for one script.", hint="Install the scripts one by one, or without --name.")
    cache = asked.open_cache()
    orders = [_order(script, asked, cache) for script in asked.words]
    done = [carry_out(order, cache) for order in orders]
    for installed in done:
        _tell(installed)
    _mend_path(Path(done[0].command.file).parent, asked.options)
    return 0


def _order(script: str, asked: ScriptArguments, cache: Cache) -> Order:
    """Return what is to be installed; one from elsewhere is fetched and asked about, as for a launch."""
    if not is_remote(script):
        return order_of(script, asked.request(script), asked.options)
    if asked.options.link:
        raise UsageError(
            "--link follows a file, and this is a URL.", hint="Without it, pyscript upgrade fetches what is new."
        )
    found = agreed_script(script, asked.options, cache, INSTALL)
    return replace(order_of(found.path, asked.request(found.path), asked.options), origin=found.url.shown)


def order_of(script: str, request: RunRequest, options: Namespace) -> Order:
    """Return what the command line asks for; raises `UsageError` for what cannot be installed."""
    if script == STDIN:
        raise UsageError("What comes from stdin cannot be installed.", hint="Save it to a file first.")
    if options.cache_dir:
        raise UsageError(
            "A command has to find its cache again.", hint="Set PYSCRIPT_CACHE_DIR instead of --cache-dir."
        )
    path = _absolute(script, request.directory)
    name = default_name(path) if options.name is None else options.name
    return Order(
        request=replace(request, target=path),
        name=name,
        origin=path,
        file_name=file_name_of(name, path),
        is_link=options.link,
        may_replace=options.force,
    )


def file_name_of(name: str, source: str) -> str:
    """Return what a copied script is called; the same as the command, because programs show it as their name."""
    suffix = Path(source).suffix
    # Without a suffix Windows knows no script, and a launch takes it for a subcommand and is not recognised.
    return name + (suffix if suffix in (".py", ".pyw") else ".py") * (sys.platform == "win32" or name in COMMANDS)


def carry_out(order: Order, cache: Cache) -> Installed:
    """Install, showing progress; raises what kept it from being installed."""
    try:
        return install(order, cache, os.environ, console.make_reporter())
    except BaseException:
        cache.abandon()
        raise
    finally:
        console.leave()


def _absolute(path: str, directory: str) -> str:
    """Return an absolute path without ``..``, which launches do not recognise; through links where it has any."""
    path = os.path.join(directory, path)
    head, tail = os.path.split(path.rstrip(os.sep))
    return os.path.join(os.path.realpath(head), tail) if ".." in Path(path).parts else os.path.normpath(path)


def _tell(installed: Installed) -> None:
    command, former = installed.command, installed.former
    count = len(installed.preparation.resolution.pins)
    packages = output.counted(count, "package") if count else "no packages"
    what = "Linked" if command.is_link else "Installed"
    if former is not None:
        what = "Replaced" + (f" {former.name} from {former.source} by" if former.source != command.source else "")
    python = installed.preparation.interpreter.version
    output.confirm((f"{what} ", ""), (command.name, "name"), (f": {packages}, Python {python}", ""))
    output.confirm((f"  {command.file}", "dim"))
    for path in installed.kept:
        console.show_warning(f"{path} was changed after it was installed, and stays.")
    _warn_of_namesakes(command)


def _warn_of_namesakes(command: Command) -> None:
    name, file = command.name, Path(command.file)
    if is_shell_word(name):
        console.show_warning(f"Shells have a {name} of their own, which comes first; call this one {file}.")
    hides_it, is_hidden = namesakes(file, os.environ)
    if hides_it:
        console.show_warning(f"{hides_it} is found before it: {name} starts that one.")
    elif is_hidden:
        console.show_warning(f"{name} now stands for this command and no longer for {is_hidden}.")


def _mend_path(directory: Path, options: Namespace) -> None:
    """Put the directory of commands on PATH where it is not, if the person agrees; else say how."""
    if is_on_path(directory, os.environ):
        return
    is_safe, question = can_be_added(directory), f"Add {directory} to PATH in your shell's configuration?"
    if not options.add_to_path:
        console.show_warning(f"{directory} is not on PATH, so the shell does not find commands there.")
    if is_safe and (options.add_to_path or _agrees(question)) and add_to_path(directory):
        console.print_line(f"{directory} is on PATH from the next shell on.")
        return
    if sys.platform == "win32":
        console.print_line(f"Put it there in the system's settings: {directory}")
    else:
        console.print_line(f"Put it there in your shell's configuration: {path_line(directory)}")


def _agrees(question: str) -> bool:
    """Ask as before a launch, where no is the default and what was typed before the question is no answer to it."""
    with open_terminal() as terminal:
        answers = {"y": "y", "yes": "y", "n": "n", "no": "n"}
        return terminal is not None and terminal.ask([(question, ""), (" [n] ", "")], answers, "n") == "y"
