"""``pyscript cache``: where the cache is, what is in it, and how to make it smaller."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path

from launcher.cache import Bucket, Cache
from launcher.cli import console, output
from launcher.cli.parser import Parser, add_commands, add_general_options
from launcher.cli.run import open_cache, parse_command
from launcher.environment import collection
from launcher.environment.environment import used_wheels
from launcher.environment.stored_wheel import find_stored_wheel
from launcher.errors import PyscriptError, UsageError
from launcher.launch import record as records
from launcher.reporter import megabytes
from launcher.settings import read_duration

_LABELS = {
    Bucket.ENVIRONMENTS: "environments",
    Bucket.WHEELS: "wheels, unpacked",
    Bucket.BUILT: "wheels built here",
    Bucket.INDEX: "index pages",
    Bucket.METADATA: "wheel metadata",
    Bucket.HTTP: "answers for scripts' URLs",
    Bucket.SCRIPTS: "scripts from elsewhere",
    Bucket.RESOLUTIONS: "resolutions",
    Bucket.INTERPRETERS: "interpreters",
    Bucket.BUNDLES: "bundles, unpacked",
    Bucket.LAUNCH: "launch records",
    Bucket.WORKSPACES: "workspaces of editors",
}


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript cache``."""
    parser = Parser(
        prog="pyscript cache",
        description="Show, prune or clean the cache. It keeps itself small; nothing here has to be done by hand.",
        add_help=False,
        allow_abbrev=False,
    )
    about = {
        "dir": "print where the cache is",
        "info": "show what is in the cache",
        "prune": "remove environments unused for 30 days and wheels that no environment uses",
        "clean": "remove everything, or what belongs to one script or package",
    }
    commands = add_commands(parser, about)
    commands["prune"].add_argument(
        "--older-than", metavar="TIME", help="how long unused, such as '7 days' (default: '30 days')"
    )
    commands["clean"].add_argument_group("what to clean").add_argument(
        "what", nargs="?", metavar="SCRIPT|PACKAGE", help="only what belongs to this one (default: everything)"
    )
    for name in ("info", "prune", "clean"):
        commands[name].add_argument("--json", action="store_true", help="print JSON")
    for each in (*commands.values(), parser):
        add_general_options(each)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript cache`` and return the exit code."""
    options = parse_command(build_parser(), arguments)
    if options is None:
        return UsageError.default_exit_code
    cache = open_cache(options.cache_dir)
    if options.command == "dir":
        console.print_line(str(cache.root))
    else:
        {"info": _info, "prune": _prune, "clean": _clean}[options.command](cache, options)
    return 0


def _info(cache: Cache, options: Namespace) -> None:
    buckets = {bucket: _measured(cache.root / bucket) for bucket in _LABELS}
    total = sum(size for _, size in buckets.values())
    if options.json:
        content = {bucket: {"count": count, "size_bytes": size} for bucket, (count, size) in buckets.items()}
        console.print_line(json.dumps({"path": str(cache.root), "total_bytes": total, "buckets": content}, indent=2))
        return
    console.print_line(str(cache.root))
    for bucket, (count, size) in buckets.items():
        if count:
            console.print_line(f"{count:>8}  {_LABELS[bucket]:<26}{megabytes(size):>10}")
    console.print_line(f"{'':>8}  {'together':<26}{megabytes(total):>10}")


def _measured(path: Path) -> tuple[int, int]:
    """Return (number of entries, bytes on disk) of a bucket."""
    size, _ = collection.directory_size(path)
    if path.name == Bucket.LAUNCH:
        return sum(1 for _ in path.rglob(f"*{records.SUFFIX}")), size
    try:
        return len(os.listdir(path)), size
    except OSError:
        return 0, 0


def _prune(cache: Cache, options: Namespace) -> None:
    max_age_s: float = collection.MAX_AGE_S
    if options.older_than:
        try:
            max_age_s = read_duration(options.older_than)
        except ValueError as error:
            raise UsageError(f"--older-than: {options.older_than!r} is not valid.", hint=f"Give {error}.") from None
    _tell(collection.collect(cache, max_age_s, collection.BUDGET_BYTES), options)


def _clean(cache: Cache, options: Namespace) -> None:
    if options.what is None:
        freed = collection.Collected(
            environments=_names(cache.root / Bucket.ENVIRONMENTS),
            wheels=_names(cache.root / Bucket.WHEELS),
            builds=_names(cache.root / Bucket.BUILT),
            bundles=_names(cache.root / Bucket.BUNDLES),
        )
        _refuse_running(cache, freed.environments)
        freed.freed_bytes = collection.directory_size(cache.root)[0]
        cache.clear()
    elif os.path.isfile(options.what) or os.path.dirname(options.what) or Path(options.what).suffix == ".py":
        environments = _environments_of_script(cache, options.what)
        _refuse_running(cache, environments)
        freed = collection.remove_environments(cache, environments)
    else:
        freed = _clean_package(cache, options.what)
    _tell(freed, options)


def _refuse_running(cache: Cache, environments: Iterable[str]) -> None:
    if set(environments) & set(collection.running_environments(cache)):
        raise PyscriptError(
            "A script that was started by pyscript is still running; its packages would vanish under it.",
            hint="Wait until it has ended, or use pyscript cache prune, which leaves it alone.",
        )


def _environments_of_script(cache: Cache, script: str) -> set[str]:
    wanted = Path(os.path.abspath(script))
    found = set()
    for path, record in collection.launch_records(cache):
        # Where a record does not tell where it was launched, it may have been here.
        named = path or (Path(os.path.abspath(record.tokens[-1])) if record.tokens else None)
        if named is not None and (named == wanted or named.resolve() == wanted.resolve()):
            found.add(os.path.basename(record.environment))
    if not found:
        raise PyscriptError(
            f"Nothing in the cache belongs to {script}.", hint="It was not run yet, or was cleaned before."
        )
    return found


def _clean_package(cache: Cache, package: str) -> collection.Collected:
    from packaging.utils import canonicalize_name  # noqa: PLC0415 - 10 ms that dir and info do not need

    name = canonicalize_name(package)
    environments = [
        key
        for key in _names(cache.root / Bucket.ENVIRONMENTS)
        if name in {used for used, _, _ in used_wheels(cache.path(Bucket.ENVIRONMENTS, key))}
    ]
    wheels = [
        key
        for key in _names(cache.root / Bucket.WHEELS)
        if (found := find_stored_wheel(cache, key)) and found.name == name
    ]
    builds = [
        key
        for key in _names(cache.root / Bucket.BUILT)
        for wheel in cache.path(Bucket.BUILT, key).glob("*.whl")
        if canonicalize_name(wheel.name.partition("-")[0]) == name
    ]
    if not wheels and not builds:
        raise PyscriptError(f"There is no wheel of {package} in the cache.", hint="See pyscript cache info.")
    _refuse_running(cache, environments)
    return collection.remove_environments(cache, environments, wheels, builds)


def _names(path: Path) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def _tell(collected: collection.Collected, options: Namespace) -> None:
    counts = {
        "environments": len(collected.environments),
        "wheels": len(collected.wheels),
        "builds": len(collected.builds),
        "bundles": len(collected.bundles),
    }
    if options.json:
        console.print_line(json.dumps({**counts, "freed_bytes": collected.freed_bytes}, indent=2))
        return
    if not any((*counts.values(), collected.freed_bytes)):
        output.confirm(("Nothing was to be removed.", ""))
        return
    for seldom in ("builds", "bundles"):
        if not counts[seldom]:
            del counts[seldom]
    *others, last = (f"{count} {what[:-1] if count == 1 else what}" for what, count in counts.items())
    freed = megabytes(collected.freed_bytes) if collected.freed_bytes else "0 kB"
    output.confirm((f"Removed {', '.join(others)} and {last}, {freed}.", ""))
