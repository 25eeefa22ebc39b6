"""``pyscript lock``: fix every version and file that a script gets, on every machine and Python that it is for."""

from __future__ import annotations

import json
import os
import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from difflib import get_close_matches

from packaging.utils import canonicalize_name

from launcher.cache import Cache
from launcher.cli import console, output
from launcher.cli.parser import add_general_options, add_preparation_options, build_script_parser
from launcher.cli.script_arguments import STDIN, ScriptArguments, read_script_arguments
from launcher.errors import InvalidMetadata, LockOutdated, UsageError
from launcher.locking import HERE, LockDestination, LockRequest, changes_between, make_lock
from launcher.prepare import interpreter_for
from launcher.request import Needs, read_needs
from launcher.resolve.lockfile import Lock, read_lock
from launcher.script.remote_url import is_remote
from launcher.script.source import lock_name_of
from launcher.value import replace

MOST_CHANGES = 12
"""More than so many lines nobody reads; the file has them all."""


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript lock``."""
    parser = build_script_parser(
        "lock",
        "SCRIPT",
        "Fix every version and file that the script gets, by hash, in pylock.SCRIPT.toml beside\n"
        "it: for all platforms, and all Pythons that its requires-python allows. Launches use it,\n"
        "and pip and uv install from it. What is locked stays as it is until --upgrade.",
    )
    group = parser.add_argument_group("what to lock")
    group.add_argument(
        "--platform",
        "--python-platform",
        action="append",
        metavar="NAME",
        help="lock for this platform (repeatable), such as linux-x86_64; default: the usual five",
    )
    group.add_argument("--here", action="store_true", help="lock for this machine and its interpreter alone")
    group.add_argument(
        "--upgrade-package", action="append", metavar="NAME", help="let this package be newer (repeatable)"
    )
    group = parser.add_argument_group("where to put it")
    group.add_argument("--embed", action="store_true", help="put the lock into the script, as a block at its end")
    group.add_argument("-o", "--output", metavar="FILE", help="write this file: pylock.toml or pylock.NAME.toml")
    group.add_argument("--check", action="store_true", help="write nothing; fail where the lock is outdated")
    group.add_argument("--json", action="store_true", help="print JSON")
    add_preparation_options(parser)
    add_general_options(parser)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript lock`` and return the exit code."""
    parser = build_parser()
    asked = read_script_arguments(parser, arguments)
    script = asked.only_script()
    if script is None:
        console.print_usage(parser, "no script given")
        return UsageError.default_exit_code
    _refuse(asked, script)
    refuse_name(asked.options.output)
    cache = asked.open_cache()
    try:
        destination, former, lock = lock_script(asked, script, cache)
    except BaseException:
        cache.abandon()
        raise
    console.leave()
    _refuse_unknown(asked.options.upgrade_package or (), [lock] if former is None else [former, lock])
    is_changed = former is None or not lock.says_the_same(former)
    if asked.options.check and is_changed:
        raise _outdated(script, arguments, destination, former, lock)
    if is_changed:
        destination.write(lock)
        _tell_of_other(destination)
    if asked.options.json:
        console.print_line(json.dumps(_as_json(script, destination, former, lock), indent=2))
    else:
        _tell(destination, former, lock, is_changed=is_changed)
    return 0


def _refuse(asked: ScriptArguments, script: str) -> None:
    """Raise `UsageError` for what cannot be locked, and for options that contradict one another."""
    options = asked.options
    if script == STDIN:
        raise UsageError("What comes on stdin has no place for a lock.", hint="Save the script, and lock the file.")
    if is_remote(script):
        raise UsageError(
            f"{script} is elsewhere, and its lock would have to be there.", hint="Save the script, and lock the file."
        )
    if asked.has_requirements:
        raise UsageError(
            "A lock is of what the script itself asks for; --with and its kin are for one launch.",
            hint="Write it into the script's block.",
        )
    if options.here and options.platform:
        raise UsageError("--here and --platform both say what the lock is for.", hint="Leave one of them out.")
    if options.embed and options.output:
        raise UsageError("--embed and --output both say where the lock goes.", hint="Leave one of them out.")


def refuse_name(path: str | None) -> None:
    """Raise `UsageError` for the path of a lock whose name makes other tools take it for something else."""
    name = os.path.basename(path or "pylock.toml")
    is_named_right = name == "pylock.toml" or (
        name.startswith("pylock.") and name.endswith(".toml") and name.count(".") == 2 and len(name) > 12
    )
    if not is_named_right:
        raise UsageError(
            f"--output: {name} is no name for a lock; pip and uv would not take it.",
            hint="Call it pylock.toml or pylock.NAME.toml, where NAME has no dot.",
            reference="PEP 751",
        )


def _tell_of_other(destination: LockDestination) -> None:
    """Say which file has no effect any more because the script has its lock inside."""
    directory, name = os.path.split(destination.path)
    beside = os.path.join(directory, lock_name_of(name))
    if destination.is_embedded and os.path.exists(beside):
        console.show_note(f"{beside} has no effect any more: the lock in the script counts.")


def _refuse_unknown(names: Sequence[str], locks: Sequence[Lock]) -> None:
    """Raise `UsageError` for the name of a package that is in none of the locks, which is a slip."""
    known = {package.name for lock in locks for package in lock.content.packages}
    for name in names:
        if canonicalize_name(name) not in known:
            near = get_close_matches(canonicalize_name(name), known, 1)
            hint = f"Did you mean {near[0]}?" if near else "It takes the name of a package, without versions."
            raise UsageError(f"--upgrade-package: there is no {name} in the lock, which was left as it is.", hint=hint)


def lock_script(asked: ScriptArguments, script: str, cache: Cache) -> tuple[LockDestination, Lock | None, Lock]:
    """Return where the lock goes, what is there, and the lock; raises what making it raises."""
    options, reporter = asked.options, console.make_reporter()
    needs = read_needs(replace(asked.request(script), uses_lock=False), os.environ, reporter)
    _refuse_archive(needs)
    destination = _destination(needs, asked)
    former = _former(destination)
    wanted = LockRequest(
        needs=needs,
        interpreter=interpreter_for(needs, cache, reporter),
        directory=os.path.dirname(os.path.abspath(destination.path)),
        command=" ".join(("pyscript lock", os.path.basename(script), *_lasting(options))),
        former=former or _former(_other(needs, destination)),
        platforms=(HERE,) if options.here else tuple(options.platform or ()),
        is_upgrade=needs.settings.upgrade,
        upgraded=frozenset(canonicalize_name(name) for name in options.upgrade_package or ()),
    )
    return destination, former, make_lock(wanted, cache, reporter)


def _refuse_archive(needs: Needs) -> None:
    """Raise `UsageError` for a zip application, a bundle or not: it has no block."""
    source = needs.source
    if source and not source.text and source.content:
        has = "what it gets is fixed in it" if source.bundle else "it has no block that says what it requires"
        raise UsageError(
            f"{source.path} is a {'bundle' if source.bundle else 'zip application'}: {has}.",
            hint="Lock the script that it was made of.",
        )


def _lasting(options: Namespace) -> tuple[str, ...]:
    """Return the options that the same lock takes again, but for what it says itself."""
    return ("-o", os.path.basename(options.output)) if options.output else ()


def _destination(needs: Needs, asked: ScriptArguments) -> LockDestination:
    """Return where the lock goes: where a person says, else into a script that has one, else beside it."""
    assert needs.source is not None, "there is a script"
    path = needs.source.path
    if asked.options.output:
        return LockDestination(asked.options.output)
    embedded = LockDestination(path, is_embedded=True)
    if asked.options.embed or embedded.read() is not None:
        return embedded
    return LockDestination(os.path.join(os.path.dirname(path), needs.source.lock_name))


def _other(needs: Needs, destination: LockDestination) -> LockDestination:
    """Return where the versions are kept that a new lock begins with: when one moves into the script or out of it."""
    assert needs.source is not None, "there is a script"
    beside = LockDestination(os.path.join(os.path.dirname(needs.source.path), needs.source.lock_name))
    return beside if destination.is_embedded else LockDestination(needs.source.path, is_embedded=True)


def _former(destination: LockDestination) -> Lock | None:
    content = destination.read()
    if content is None:
        return None
    try:
        return read_lock(content, destination.label)
    except InvalidMetadata as error:
        console.show_warning(f"{error.message} It is made anew.")
        return None


def _outdated(
    script: str, arguments: Sequence[str], destination: LockDestination, former: Lock | None, lock: Lock
) -> LockOutdated:
    words = [each for each in arguments if each not in ("--check", "--json")]
    hint = f"Make it anew: pyscript lock {shlex.join(words)}"
    if former is None:
        place = "in it" if destination.is_embedded else f"in {destination.path}"
        return LockOutdated(f"{script} has no lock {place}.", hint=hint)
    changes = [in_words(*change) for change in changes_between(former, lock)]
    shown = changes[:MOST_CHANGES] + [f"and {len(changes) - MOST_CHANGES} more"] * (len(changes) > MOST_CHANGES)
    return LockOutdated("\n  ".join([f"{_sentence_start(destination)} is outdated.", *shown]), hint=hint)


def _sentence_start(destination: LockDestination) -> str:
    label = destination.label
    return label[:1].upper() + label[1:] if destination.is_embedded else label


def in_words(name: str, before: str, after: str) -> str:
    """Return in words what a lock changes of one project."""
    arrow = "→" if output.speaks_unicode() else "->"
    if before and after:
        return f"{name} {before} {arrow} {after}"
    return f"{name} {after} is new" if after else f"{name} {before} is not needed any more"


def _tell(destination: LockDestination, former: Lock | None, lock: Lock, *, is_changed: bool) -> None:
    names = {package.name for package in lock.content.packages}
    if not is_changed:
        output.confirm((f"{_sentence_start(destination)} is up to date: {output.counted(len(names), 'package')}.", ""))
        return
    if former is not None:
        changes = list(changes_between(former, lock))
        for change in changes[:MOST_CHANGES]:
            output.confirm(("  ", ""), (in_words(*change), ""))
        if len(changes) > MOST_CHANGES:
            output.confirm((f"  and {len(changes) - MOST_CHANGES} more", "dim"))
    place = f"{destination.path} itself" if destination.is_embedded else destination.path
    output.confirm((f"Locked {output.counted(len(names), 'package')} in {place}, for {lock.served}.", ""))


def _as_json(script: str, destination: LockDestination, former: Lock | None, lock: Lock) -> dict[str, object]:
    changes = changes_between(former, lock)
    return {
        "script": script,
        "lock": destination.path,
        "embedded": destination.is_embedded,
        "packages": _versions(lock),
        "changes": [{"name": name, "before": before, "after": after} for name, before, after in changes],
    }


def _versions(lock: Lock) -> dict[str, list[str]]:
    versions: dict[str, list[str]] = {}
    for package in lock.content.packages:
        versions.setdefault(package.name, []).extend([str(package.version)] if package.version else [])
    return versions
