"""From a script to a command, or nothing: prepare, copy, prepare the copy, and put one file on PATH."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher.cache import Cache
from launcher.environment.installed import commands_directory
from launcher.environment.wheel_store import windows_stub
from launcher.errors import CommandNotInstalled, PyscriptError, UsageError
from launcher.prepare import Preparation, prepare
from launcher.reporter import Reporter
from launcher.request import RunRequest
from launcher.resolve.resolution import Resolution
from launcher.script.source import ScriptSource, read_script
from launcher.share.command_file import Launcher, shell_command, windows_command
from launcher.share.command_name import check_name
from launcher.share.command_words import ONCE, command_words, meaning_the_same_anywhere
from launcher.share.commands import Command, Commands, copy_times, sha256_of, write_whole
from launcher.share.search_path import bin_directory
from launcher.value import replace

_LINK_HINT = "Leave it where it is, and install a link to it: pyscript install --link"
_IS_WINDOWS = sys.platform == "win32"


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be installed: the `request` of a launch, the `name`, and what the copied script's file is called.

    The request's target is the absolute path at which the script is now, `origin` where it comes from. Where it
    `may_replace`, a file that pyscript did not make has to make room.
    """

    request: RunRequest
    name: str
    origin: str
    file_name: str
    is_link: bool = False
    may_replace: bool = False

    @property
    def path(self) -> str:
        """Where the script is now."""
        return self.request.target


@dataclass(frozen=True, slots=True)
class Installed:
    """What came of an order: the `command`, its `preparation`, and the one of the same name that was there before.

    `kept` are files of the former one that somebody changed.
    """

    command: Command
    preparation: Preparation
    former: Command | None
    kept: tuple[str, ...] = ()

    @property
    def is_script_changed(self) -> bool:
        """Whether the command had another script before; of a link nobody knows."""
        former = self.former
        return former is not None and former.sha256 != self.command.sha256


def install(order: Order, cache: Cache, environ: Mapping[str, str], reporter: Reporter) -> Installed:
    """Make a command of a script; what was there before stays whole until the new one is.

    Raises a `PyscriptError` that says why nothing was installed.
    """
    check_name(order.name)
    file = bin_directory(environ, sys.platform) / (order.name + (".exe" if _IS_WINDOWS else ""))
    commands = Commands(commands_directory(environ))
    launcher = find_launcher(environ)
    with cache.lock(f"command-{order.name}", reporter, f"installing {order.name}"):
        former = commands.find(order.name)
        _check_place(file, former, order)
        request = meaning_the_same_anywhere(order.request, environ)
        words = command_words(request)
        source = _read(order)
        first = prepare(replace(request, may_be_recorded=False), cache, environ, reporter)
        if former and _is_still(former, order, words, source, launcher):
            preparation = prepare(_lasting(request, words, former.script), cache, environ, reporter)
            return Installed(commands.noting(former, preparation.environment.key), preparation, former)
        with commands.new_generation(order.name) as generation:
            script = order.path if order.is_link else _copy(source, order, generation)
            request = _lasting(request, words, script)
            preparation = _prepare_copy(request, order, first, cache, environ, reporter)
            content = _content(order, (*words, script), launcher)
            made = {str(path): sha256_of(path.read_bytes()) for path in generation.iterdir()}
            command = Command(
                name=order.name,
                source=order.origin,
                words=words,
                script=script,
                file=str(file),
                is_link=order.is_link,
                environment=preparation.environment.key,
                hashes={**made, str(file): sha256_of(content)},
            )
            commands.describe(command, generation)
            write_whole(file, content, 0o777)
        kept = commands.remove_former(command, but=generation)
        if former and former.file != command.file and former.is_as_made(former.file):
            os.unlink(former.file)
    return Installed(command, preparation, former, tuple(kept))


def uninstall(name: str, cache: Cache, environ: Mapping[str, str], reporter: Reporter) -> tuple[Command, list[str]]:
    """Remove what installing made, and return the command and the files that stay because somebody changed them.

    Raises `CommandNotInstalled` where there is no such command or its file cannot be removed.
    """
    commands = Commands(commands_directory(environ))
    commands.named(name)
    with cache.lock(f"command-{name}", reporter, f"installing {name}"):
        command = commands.named(name)
        kept = []
        if command.is_as_made(command.file):
            try:
                os.unlink(command.file)
            except OSError as error:
                raise CommandNotInstalled(
                    f"{command.file} cannot be removed: {error.strerror}.", hint="Mend the permissions there."
                ) from error
        elif os.path.lexists(command.file):
            kept.append(command.file)
        kept += commands.remove_former(command)
    return command, kept


def find_launcher(environ: Mapping[str, str]) -> Launcher:
    """Return where this pyscript is; by the name on PATH where that is the same program, because it lasts longest.

    Raises `CommandNotInstalled` where its program is not to be found.
    """
    recognition = Path(os.path.realpath(__file__)).parents[1] / "launch" / "pyscript.sh"
    own = Path(sys.executable).parent / ("pyscript.exe" if _IS_WINDOWS else "pyscript")
    if _IS_WINDOWS:
        return Launcher(str(own), str(recognition), sys.executable)
    content = recognition.read_bytes()
    directories = [each for each in environ.get("PATH", "").split(os.pathsep) if os.path.isabs(each)]
    for path in (*(Path(each, "pyscript") for each in directories), own):
        try:
            if os.access(path, os.X_OK) and path.read_bytes() == content:
                return Launcher(str(path), str(recognition), sys.executable)
        except OSError:
            continue
    raise CommandNotInstalled(
        "The program pyscript is neither on PATH nor beside its Python, so no command could start it.",
        hint="Install pyscript again, or put the directory that it is in on PATH.",
    )


def _check_place(file: Path, former: Command | None, order: Order) -> None:
    """Raise `CommandNotInstalled` where the file cannot be put on PATH, before anything is fetched for it."""
    hint = "Set PYSCRIPT_BIN_DIR to another directory that is on PATH, or mend the permissions of this one."
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandNotInstalled(f"{file.parent} cannot be made: {error.strerror}.", hint=hint) from error
    if not os.access(file.parent, os.W_OK | os.X_OK):
        raise CommandNotInstalled(f"There is no permission to write into {file.parent}.", hint=hint)
    if not os.path.lexists(file) or (former and former.file == str(file) and former.is_as_made(str(file))):
        return
    if os.path.realpath(order.path) == os.path.realpath(file):
        raise CommandNotInstalled(
            f"{file} is the script itself, so it is a command as it is.",
            hint=f"Give it the line #!/usr/bin/env pyscript and the right to be executed: chmod +x {file}",
        )
    if os.path.isdir(file) and not os.path.islink(file):
        raise CommandNotInstalled(f"{file} is a directory.", hint="Give another name: --name NAME")
    if not order.may_replace:
        raise CommandNotInstalled(
            f"{file} is there already, and pyscript did not put it there as it is.",
            hint="Give another name with --name, or replace it with --force.",
        )


def _read(order: Order) -> ScriptSource:
    source = read_script(order.path)
    if order.is_link:
        return source
    if source.is_inside_directory:
        raise UsageError(f"{order.path} is a directory, and only files are copied.", hint=f"{_LINK_HINT} PATH")
    if not source.is_regular_file:
        raise UsageError(f"{order.path} is no regular file.", hint="Save the script to a file first.")
    return source


def _is_still(former: Command, order: Order, words: tuple[str, ...], source: ScriptSource, launcher: Launcher) -> bool:
    """Tell whether the command that is there would be made again as it is."""
    if (former.source, former.words, former.is_link) != (order.origin, words, order.is_link) or former.problem:
        return False
    if sha256_of(_content(order, former.tokens, launcher)) != former.hashes.get(former.file):
        return False
    if order.is_link:
        return former.script == order.path
    lock, copied = lock_beside(Path(order.path)), lock_beside(Path(former.script))
    expected = {former.script: source.content} | ({str(copied): lock.read_bytes()} if lock.is_file() else {})
    made = {path for path in former.hashes if path != former.file}
    return made == set(expected) and all(
        former.is_as_made(path) and sha256_of(content) == former.hashes[path] for path, content in expected.items()
    )


def _copy(source: ScriptSource, order: Order, generation: Path) -> str:
    """Write the script, and the lock beside it, into a generation; return the copy's path."""
    copy = generation / order.file_name
    write_whole(copy, source.content, 0o666)
    copy_times(Path(order.path), copy)
    lock = lock_beside(Path(order.path))
    if lock.is_file():
        write_whole(lock_beside(copy), lock.read_bytes(), 0o666)
        copy_times(lock, lock_beside(copy))
    return str(copy)


def lock_beside(script: Path) -> Path:
    """Return where the lock of a script is, if it has one; PEP 751 allows no dot in the middle of its name."""
    return script.with_name(f"pylock.{script.stem.replace('.', '-')}.toml")


def _lasting(request: RunRequest, words: tuple[str, ...], script: str) -> RunRequest:
    """Return the request as each launch of the command makes it."""
    given = {name: value for name, value in request.command_line.items() if name not in ONCE}
    return replace(request, target=script, tokens=(*words, script), skipped=len(words), command_line=given)


def _prepare_copy(
    request: RunRequest,
    order: Order,
    first: Preparation,
    cache: Cache,
    environ: Mapping[str, str],
    reporter: Reporter,
) -> Preparation:
    """Prepare what the command will launch; raises `CommandNotInstalled` where that is not what the source is."""
    reason = "it gets other packages there"
    try:
        preparation = prepare(request, cache, environ, reporter)
        if order.is_link or _files(preparation.resolution) == _files(first.resolution):
            return preparation
    except PyscriptError as error:
        if order.is_link:
            raise
        reason = error.message.rstrip(".")
    raise CommandNotInstalled(
        f"A copy of {order.path} in another directory does not get what it needs: {reason}.",
        hint=f"{_LINK_HINT} {order.path}",
    )


def _files(resolution: Resolution) -> set[tuple[str, str]]:
    """Return the files of a resolution; the same ones may be elsewhere, as in a copy of a bundle."""
    candidates = [pin.candidate for pin in resolution]
    return {(candidate.filename, candidate.sha256 or candidate.url) for candidate in candidates}


def _content(order: Order, words: tuple[str, ...], launcher: Launcher) -> bytes:
    if not _IS_WINDOWS:
        return shell_command(order.name, words, launcher)
    is_gui = order.path.endswith(".pyw")
    return windows_command(windows_stub(is_gui=is_gui), words, launcher, is_gui=is_gui)
