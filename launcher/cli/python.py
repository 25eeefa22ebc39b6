"""``pyscript python``: which Pythons are here and can be downloaded, and getting or removing one by hand."""

from __future__ import annotations

import json
import os
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path

from launcher.cache import Bucket, Cache
from launcher.cli import console, output
from launcher.cli.parser import Parser, add_commands, add_general_options
from launcher.cli.run import open_cache, parse_command
from launcher.environment import collection
from launcher.environment.environment import home_of
from launcher.errors import IndexUnreachable, InterpreterNotFound, PyscriptError, UsageError
from launcher.prepare import open_fetcher
from launcher.python.demand import THE_REQUEST, Demand, NotFetched
from launcher.python.discovery import InterpreterRequest, find_interpreter, list_interpreters
from launcher.python.downloads import Build, find_build, newest_builds, open_catalogue, without_credentials
from launcher.python.installations import Installations
from launcher.python.places import executable_inside, installations_directory
from launcher.python.query import Interpreter, query
from launcher.python.request import parse_python_request
from launcher.reporter import Reporter
from launcher.request import Needs, RunRequest, TargetKind, read_needs

_SPEC_HELP = "a version or an implementation: 3.13, 3.13.1, 3.14t, pypy3.10, '>=3.12'"


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript python``."""
    parser = Parser(
        prog="pyscript python",
        description="Show, download or remove Pythons. A script that asks for one that is missing gets it by itself.",
        epilog="To run the program called python in an environment: pyscript run python ...",
        add_help=False,
        allow_abbrev=False,
    )
    about = {
        "list": "show the Pythons that are here, and those that can be downloaded",
        "find": "print the path of the Python that SPEC, or a script, would get",
        "install": "download Pythons: of each SPEC the newest that fits",
        "uninstall": "remove Pythons that pyscript downloaded: all that fit SPEC",
    }
    commands = add_commands(parser, about)
    commands["list"].add_argument("--json", action="store_true", help="print JSON")
    commands["find"].add_argument("spec", nargs="?", metavar="SPEC", help=_SPEC_HELP)
    commands["find"].add_argument("--script", metavar="SCRIPT", help="the one that this script would run on")
    for name in ("install", "uninstall"):
        commands[name].add_argument("spec", nargs="+", metavar="SPEC", help=_SPEC_HELP)
    for name in ("list", "install"):
        commands[name].add_argument("--offline", action="store_true", default=None, help="do not use the network")
        commands[name].add_argument("--python-mirror", metavar="URL", help="download from here")
    for each in (*commands.values(), parser):
        add_general_options(each)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript python`` and return the exit code."""
    options = parse_command(build_parser(), arguments)
    if options is None:
        return UsageError.default_exit_code
    command = {"list": _list, "find": _find, "install": _install, "uninstall": _uninstall}[options.command]
    command(open_cache(options.cache_dir), options)
    return 0


def _needs(options: Namespace, reporter: Reporter, script: str | None = None) -> Needs:
    """Return the settings, as a launch would have them, and what a script needs."""
    given = {name: getattr(options, name, None) for name in ("offline", "python_mirror")}
    kind = TargetKind.SCRIPT if script else TargetKind.CODE
    request = RunRequest(kind, script or "", (), (script or "",), 0, os.getcwd(), command_line=given)
    return read_needs(request, os.environ, reporter)


def _installations() -> Installations:
    return Installations(installations_directory(os.environ, sys.platform))


# list


def _list(cache: Cache, options: Namespace) -> None:
    reporter = console.make_reporter()
    settings = _needs(options, reporter).settings
    found = list_interpreters(cache, reporter)
    builds: list[Build] = []
    # A mirror's own list is only there where the network is.
    if not (settings.offline and settings.python_mirror):
        with closing(open_fetcher(settings)) as fetcher:
            builds = list(newest_builds(open_catalogue(settings.python_mirror, fetcher)))
    console.leave()
    installations = _installations()
    builds = [build for build in builds if not installations.executable(build)]
    if options.json:
        here = [_described(each, installations) for each in found]
        there = [_kind(each) | {"url": without_credentials(each.urls[0]), "sha256": each.sha256} for each in builds]
        content = {"directory": str(installations.root), "found": here, "to_download": there}
        console.print_line(json.dumps(content, indent=2))
        return
    for interpreter in found:
        mark = "  (downloaded)" if installations.directory_of(interpreter.executable) else ""
        mark = mark if interpreter.is_supported else "  (too old for scripts)"
        console.print_line(f"{_name(interpreter):<16}{_short(interpreter.executable)}{mark}")
    if not builds:
        return
    console.print_line("\nTo download with pyscript python install:")
    for _, group in groupby(builds, lambda build: (build.implementation, build.free_threaded)):
        console.print_line("  " + "  ".join(_spec(build) for build in group))


def _kind(python: Interpreter | Build) -> dict[str, object]:
    return {
        "version": python.version,
        "implementation": python.implementation,
        "free_threaded": python.free_threaded,
    }


def _described(interpreter: Interpreter, installations: Installations) -> dict[str, object]:
    return _kind(interpreter) | {
        "path": interpreter.executable,
        "runs_scripts": interpreter.is_supported,
        "downloaded": installations.directory_of(interpreter.executable) is not None,
    }


def _name(python: Interpreter | Build) -> str:
    implementation = "" if python.implementation == "cpython" else f"{python.implementation} "
    return implementation + python.version + "t" * python.free_threaded


def _spec(build: Build) -> str:
    return _name(build).replace(" ", "")


def _short(path: str | os.PathLike[str]) -> str:
    home = os.path.expanduser("~") + os.sep
    text = os.fspath(path)
    return f"~{os.sep}{text.removeprefix(home)}" if text.startswith(home) else text


# find


def _find(cache: Cache, options: Namespace) -> None:
    reporter = console.make_reporter()
    needs = _needs(options, reporter, options.script)
    origin = THE_REQUEST if options.spec else needs.settings.origins.get("python", "--python")
    python = options.spec or needs.settings.python
    wanted = InterpreterRequest(needs.requires_python, python, lambda: needs.requires_python_line, origin)

    def refuse(demand: Demand) -> NotFetched:
        return NotFetched(
            "None was downloaded: `find` never does.",
            f"download one with `pyscript python install {demand.name_to_install}`",
        )

    found = find_interpreter(wanted, cache, reporter, obtain=refuse)
    console.leave()
    console.print_line(found.executable)


# install


def _install(cache: Cache, options: Namespace) -> None:
    reporter, installations = console.make_reporter(), _installations()
    settings = _needs(options, reporter).settings
    demands = [_demand(spec) for spec in options.spec]
    with closing(open_fetcher(settings)) as fetcher:
        catalogue = open_catalogue(settings.python_mirror, fetcher)
        for demand in demands:
            build = find_build(demand, catalogue)
            if build is None:
                raise InterpreterNotFound(
                    f"{catalogue.origin} has no build of {demand.python.text} for this machine.",
                    hint="See what there is: pyscript python list.",
                )
            if executable := installations.executable(build):
                output.confirm((f"{build.label} is here already: {_short(executable)}", ""))
                continue
            started = time.monotonic()
            try:
                executable = installations.add(build, fetcher, cache, reporter)
            except IndexUnreachable as error:
                hint = "Check the connection, or name a mirror with --python-mirror."
                raise IndexUnreachable(error.message, hint=hint) from error
            console.leave()
            reporter = console.make_reporter()
            elapsed = f"{time.monotonic() - started:.1f} s"
            output.confirm((f"Installed {build.label} in {elapsed}: {_short(executable)}", ""))


def _demand(spec: str) -> Demand:
    demand = Demand(InterpreterRequest(python=spec, python_origin="SPEC"))
    if demand.python.location is not None:
        raise UsageError(f"{spec!r} is neither a version nor an implementation.", hint=f"Give {_SPEC_HELP}.")
    return demand


# uninstall


def _uninstall(cache: Cache, options: Namespace) -> None:
    installations = _installations()
    victims: dict[Path, str] = {}
    for spec in options.spec:
        fitting = dict(_fitting(spec, installations, cache))
        if not fitting:
            raise InterpreterNotFound(
                f"No Python that pyscript downloaded fits {spec}.",
                hint="pyscript python list marks those that it did; remove others the way they were installed.",
            )
        victims |= fitting
    for directory in victims:
        _check_unused(directory, cache)
    for directory, name in victims.items():
        # Not while a launch fetches it, and once more when no launch can find it any more: one may just have begun.
        with cache.lock(f"python-{directory.name}", console.make_reporter(), f"fetching {name}"):
            installations.remove(directory, lambda path: _check_unused(path, cache))
        output.confirm((f"Removed {name}: {_short(directory)}", ""))
        if count := len(list(_environments_on(directory, cache))):
            used = (
                "1 environment was made for it; its script gets another"
                if count == 1
                else f"{count} environments were made for it; their scripts get another"
            )
            output.confirm((f"{used} at the next launch.", ""))


def _fitting(spec: str, installations: Installations, cache: Cache) -> Iterator[tuple[Path, str]]:
    """Yield (directory, name) of the interpreters that fit; one that does not answer any more goes by its directory."""
    request = parse_python_request(spec)
    for directory in installations:
        if spec in (directory.name, str(directory)):
            yield directory, directory.name
            continue
        try:
            executable = executable_inside(directory)
            interpreter = query(executable, cache) if executable else None
        except InterpreterNotFound:
            continue
        if request.location is None and interpreter is not None and request.accepts(interpreter):
            yield directory, f"Python {_name(interpreter)}"


def _check_unused(directory: Path, cache: Cache) -> None:
    running = set(collection.running_environments(cache))
    if not running.isdisjoint(_environments_on(directory, cache)):
        raise PyscriptError(
            f"A script that was started by pyscript is still running on {_short(directory)}.",
            hint="Wait until it has ended, then try again.",
        )


def _environments_on(directory: Path, cache: Cache) -> Iterator[str]:
    """Yield the keys of environments whose interpreter is inside a directory."""
    for path in (cache.root / Bucket.ENVIRONMENTS).glob("*"):
        if (home := home_of(path)) is not None and home.is_relative_to(directory):
            yield path.name
