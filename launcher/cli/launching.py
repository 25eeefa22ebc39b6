"""From a split command line to a running script: prepare what is asked for, then become it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from launcher.cache import Cache
from launcher.cli import console, signals
from launcher.cli.arguments import NoOptions, SplitArguments
from launcher.cli.commands import COMMANDS
from launcher.errors import CommandNotFound, LaunchFailed, ScriptNotFound, UsageError
from launcher.launch import record as records
from launcher.launch import warm
from launcher.prepare import Preparation, prepare
from launcher.request import RunRequest, TargetKind
from launcher.settings import Settings
from launcher.value import names_of, replace

if TYPE_CHECKING:
    from argparse import Namespace


def launch(split: SplitArguments, options: Namespace | NoOptions, tokens: tuple[str, ...], cache: Cache) -> int:
    """Prepare and launch; returns only on Windows.

    `tokens` are the arguments up to and with the target. Raises a `PyscriptError` that says why nothing was started.
    """
    request = _launch_request(split, options, tokens)
    if options.watch:
        # Processes, signals and the terminal, for those who watch.
        from launcher.cli.watch import watch  # noqa: PLC0415

        return watch(request, cache)
    try:
        preparation = prepare(request, cache, os.environ, console.make_reporter())
    except CommandNotFound as error:
        cache.abandon()
        if tokens[:1] != ("run",):
            error.hint = _hint_at_command(request.target, error.hint or "")
        raise
    except BaseException:
        cache.abandon()
        raise
    console.leave()
    return become(preparation, cache)


def _hint_at_command(name: str, hint: str) -> str:
    """Return the hint with the command in front that a name which nothing has was probably meant to be."""
    import difflib  # noqa: PLC0415 - 6 ms, for a mistake only

    near = difflib.get_close_matches(name, COMMANDS, 1, 0.7)
    return f"Did you mean pyscript {near[0]}? Else {hint[:1].lower()}{hint[1:]}" if near else hint


def _launch_request(split: SplitArguments, options: Namespace | NoOptions, tokens: tuple[str, ...]) -> RunRequest:
    kind, target = _target(split)
    kept = 0 if kind is TargetKind.COMMAND else len(split.target)
    request = run_request(kind, target, options, tokens, len(tokens) - kept, split.arguments)
    if options.script is None:
        return request
    if kind in (TargetKind.SCRIPT, TargetKind.STDIN):
        raise UsageError(
            f"--script says whose packages a program, a module or code gets, and {target} is a script itself.",
            hint=f"To run it with the packages of {options.script}: pyscript run --script {options.script} "
            f"python {target}",
        )
    return replace(request, script=options.script)


def run_request(
    kind: TargetKind,
    target: str,
    options: Namespace | NoOptions,
    tokens: tuple[str, ...],
    skipped: int,
    arguments: tuple[str, ...] = (),
) -> RunRequest:
    """Return what parsed options ask for; the parameters are the fields of `RunRequest`."""
    # Options are called as settings are, but for the unit; what is only a setting, nobody gives here.
    command_line = {name: getattr(options, name.removesuffix("_s"), None) for name in names_of(Settings)}
    if options.quiet or options.verbose:
        command_line["verbosity"] = -1 if options.quiet else min(2, options.verbose)
    return RunRequest(
        kind=kind,
        target=target,
        arguments=arguments,
        tokens=tokens,
        skipped=skipped,
        directory=_current_directory(),
        with_=tuple(each for text in options.with_ or () for each in split_requirements(text)),
        with_requirements=tuple(options.with_requirements or ()),
        with_editable=tuple(options.with_editable or ()),
        command_line=command_line,
        may_be_recorded=not options.cache_dir and target[:1] != "-" and not _is_called_like_a_command(kind, target),
    )


def _is_called_like_a_command(kind: TargetKind, target: str) -> bool:
    """Tell of a script that must not be recognised without its path: the warm path does not know subcommands."""
    return kind is TargetKind.SCRIPT and os.path.basename(target) in COMMANDS


def split_requirements(text: str) -> list[str]:
    """Return the requirements of one ``--with``: a comma separates them where it cannot belong to one.

    >>> split_requirements("rich[a,b]>=13,<15, cowsay")
    ['rich[a,b]>=13,<15', 'cowsay']
    """
    parts, start, depth, quote = [], 0, 0, ""
    for at, character in enumerate(text):
        if quote or character in "\"'":
            quote = "" if character == quote else quote or character
        elif character in "[(":
            depth += 1
        elif character in "])":
            depth -= 1
        elif character == "," and not depth and _ends_requirement(text[start:at], text[at + 1 :]):
            parts.append(text[start:at])
            start = at + 1
    found = [part.strip() for part in (*parts, text[start:])]
    return [part for part in found if part] or [text]


def _ends_requirement(before: str, behind: str) -> bool:
    """Tell whether a comma separates: not in front of a specifier (``>=1,<2``), nor in a URL, which may have any."""
    return "://" not in before and not behind.lstrip().startswith(("<", ">", "=", "!", "~"))


def _current_directory() -> str:
    try:
        return records.working_directory(dict(os.environ))
    except OSError as error:
        raise UsageError("The current directory does not exist any more.", hint="Change to another one.") from error


def _target(split: SplitArguments) -> tuple[TargetKind, str]:
    first = split.target[0]
    if len(split.target) == 2:
        return (TargetKind.MODULE if first == "-m" else TargetKind.CODE), split.target[1]
    if first == "-":
        return TargetKind.STDIN, first
    if os.path.dirname(first) or Path(first).suffix in (".py", ".pyw"):
        return TargetKind.SCRIPT, first
    # As for Python, a directory with a __main__.py is a script.
    if os.path.lexists(first) and (not os.path.isdir(first) or os.path.isfile(os.path.join(first, "__main__.py"))):
        return TargetKind.SCRIPT, first
    return TargetKind.COMMAND, first


def become(preparation: Preparation, cache: Cache) -> int:
    """Replace this process by what was prepared; on Windows run it and return its exit status. Raises `LaunchFailed`.

    What fetches wheels in the background is given up.
    """
    argv, environ, source = arguments_of(preparation), variables_for(preparation), preparation.source
    try:
        if source is not None and not source.is_regular_file:
            argv = _handed_over(argv, source.content, is_stdin=source.is_stdin)
        signals.heed()
        # Threads that fetch what turned out not to be needed go with us.
        cache.abandon()
        return warm.launch(preparation.record, argv, environ)
    except OSError as error:
        raise LaunchFailed(
            f"{argv[0]} could not be started: {error.strerror}.", hint="Try again with --refresh, which makes it anew."
        ) from error


def arguments_of(preparation: Preparation) -> list[str]:
    """Return the argument vector; a script whose name begins with a dash is named so that it is no option."""
    argv, source = list(preparation.argv), preparation.source
    if source is not None and source.is_regular_file and argv[1].startswith("-"):
        argv[1] = os.path.join(os.curdir, argv[1])
    return argv


def variables_for(preparation: Preparation) -> dict[str, str]:
    """Return this process's variables, and those of env-files whose names are not set."""
    return {**preparation.variables, **os.environ}


def _handed_over(argv: list[str], content: bytes, *, is_stdin: bool) -> list[str]:
    """Put a script that was read from a pipe where Python can read it again, and return the argument vector for that.

    stdin gets a descriptor of the content in its place, so that the script is run as ``python -`` runs it; a pipe such
    as ``/dev/fd/63`` is replaced by one under the same number.
    """
    import tempfile  # noqa: PLC0415

    if sys.platform == "win32" and not is_stdin:
        raise ScriptNotFound(f"{argv[1]} is not a file.", hint="Save the script to a file first.")
    with tempfile.TemporaryFile() as stream:
        stream.write(content)
        stream.flush()
        stream.seek(0)
        name = argv[1]
        digits = name.rpartition("/")[2]
        wanted = 0 if is_stdin else int(digits) if name.startswith(("/dev/fd/", "/proc/self/fd/")) else None
        if wanted is None:
            wanted = os.dup(stream.fileno())
            argv = [argv[0], f"/dev/fd/{wanted}", *argv[2:]]
            os.set_inheritable(wanted, True)
        else:
            os.dup2(stream.fileno(), wanted, inheritable=True)
    return argv
