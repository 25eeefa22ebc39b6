"""``pyscript upgrade NAME`` and ``--all``: installed commands, fetched again from where they came and resolved anew."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence

from launcher.cache import Cache
from launcher.cli import console, output
from launcher.cli.install import build_parser, carry_out, file_name_of
from launcher.cli.launching import run_request
from launcher.cli.list import row_of
from launcher.cli.parser import separate_arguments
from launcher.cli.remote import UPGRADE, agreed_script
from launcher.cli.script_arguments import ScriptArguments
from launcher.environment.installed import commands_directory
from launcher.errors import PyscriptError, UsageError
from launcher.request import TargetKind
from launcher.script.remote_url import is_remote
from launcher.share.command_words import ONLY_NOW
from launcher.share.commands import Command, Commands
from launcher.share.installing import Installed, Order
from launcher.value import replace


def is_meant(asked: ScriptArguments) -> bool:
    """Tell whether installed commands are to be upgraded: a bare name that no file has is one."""
    first = asked.words[0] if asked.words else ""
    is_bare = bool(first) and os.path.basename(first) == first and not first.endswith((".py", ".pyw"))
    return asked.options.all or (is_bare and not os.path.lexists(first))


def upgrade(asked: ScriptArguments) -> int:
    """Upgrade the commands that are named, or all; one that fails does not keep the others from it."""
    if asked.options.all and asked.words:
        raise UsageError("--all is all commands.", hint="Give names, or --all, or a script.")
    if asked.request("").skipped:
        raise UsageError(
            "What a command runs with was said when it was installed.", hint="Install it again with other options."
        )
    cache, commands = asked.open_cache(), Commands(commands_directory(os.environ))
    chosen = list(commands) if asked.options.all else [commands.named(name) for name in dict.fromkeys(asked.words)]
    if not chosen and not asked.options.json:
        console.print_line("No command is installed.")
    rows: list[Mapping[str, object]] = []
    errors: list[PyscriptError] = []
    for command in chosen:
        before = row_of(command, cache)
        try:
            installed = carry_out(_order(command, asked, cache), cache)
        except PyscriptError as error:
            console.show_error(error)
            errors.append(error)
            rows.append({"name": command.name, "error": error.message})
            continue
        changes = list(_changes(before.packages, row_of(installed.command, cache).packages))
        rows.append(_row(installed, changes))
        if not asked.options.json:
            _tell(command, installed, changes)
    if asked.options.json:
        console.print_line(json.dumps(rows, indent=2))
    return _exit_code(errors, len(chosen), cache)


def _order(command: Command, asked: ScriptArguments, cache: Cache) -> Order:
    parser = build_parser()
    written, _ = separate_arguments(parser, command.words)
    options = parser.parse_args([word for option in written for word in option])
    path = command.source if command.is_link or os.path.lexists(command.source) else command.script
    if is_remote(command.source):
        # What changed is asked about, as for a launch.
        fetching = Namespace(**{**vars(asked.options), "refresh": True})
        path = agreed_script(command.source, fetching, cache, UPGRADE).path
    elif path != command.source:
        console.show_warning(f"{command.source} is not there any more; {command.name} keeps the script that it has.")
    request = run_request(TargetKind.SCRIPT, path, options, (*command.words, path), len(command.words))
    now = {name: value for name, value in asked.request("").command_line.items() if name in ONLY_NOW}
    return Order(
        request=replace(request, command_line={**request.command_line, **now, "upgrade": True}),
        name=command.name,
        origin=command.source,
        file_name=file_name_of(command.name, command.source),
        is_link=command.is_link,
    )


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield (package, former version, new version) of what changed, None where there is no such version."""
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield name, before.get(name), after.get(name)


def _row(installed: Installed, changes: Sequence[tuple[str, str | None, str | None]]) -> Mapping[str, object]:
    packages = [{"name": name, "before": before, "after": after} for name, before, after in changes]
    return {"name": installed.command.name, "script_changed": installed.is_script_changed, "packages": packages}


def _tell(command: Command, installed: Installed, changes: Sequence[tuple[str, str | None, str | None]]) -> None:
    arrow = "→" if output.speaks_unicode() else "->"
    parts = ["another script"] if installed.is_script_changed else []
    for name, before, after in changes:
        parts.append(f"{name} {before or 'new:'} {arrow if before and after else ''} {after or 'removed'}")
    told = ", ".join(" ".join(part.split()) for part in parts)
    output.confirm((command.name, "name"), (f": {told}." if told else " is up to date.", ""))
    for path in installed.kept:
        console.show_warning(f"{path} was changed after it was installed, and stays.")


def _exit_code(errors: Sequence[PyscriptError], count: int, cache: Cache) -> int:
    cache.abandon()
    if not errors:
        return 0
    if count == 1:
        return errors[0].exit_code
    raise PyscriptError(f"{len(errors)} of {count} commands could not be upgraded.")
