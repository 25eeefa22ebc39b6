"""``pyscript bundle``: a script with everything it needs in one file, for a machine that has nothing but Python."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence

from launcher.cli import console, output
from launcher.cli.parser import add_general_options, add_preparation_options, build_script_parser
from launcher.cli.remote import BUNDLE, agreed_script
from launcher.cli.script_arguments import STDIN, read_script_arguments
from launcher.errors import UsageError
from launcher.reporter import megabytes
from launcher.script.remote_url import is_remote
from launcher.share.bundle import ANY, BundleRequest, MadeBundle, make_bundle


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript bundle``."""
    parser = build_script_parser(
        "bundle",
        "SCRIPT",
        "Put a script, its packages and a small bootstrap into one file, which runs where pyscript\n"
        "and the network are missing: `python tool.pyz`. It runs on every Python and platform that\n"
        "its wheels are for; others can be added.",
    )
    group = parser.add_argument_group("what to make")
    group.add_argument("-o", "--output", metavar="FILE", help="the file to write (default: the script's name, .pyz)")
    group.add_argument(
        "--python-platform",
        "--platform",
        action="append",
        metavar="PLATFORM",
        help="the platform that it is for, such as linux-aarch64, or any (repeatable; default: this one)",
    )
    group.add_argument(
        "--python-version", action="append", metavar="VERSION", help="the Python that it is for (repeatable)"
    )
    group.add_argument("--json", action="store_true", help="print JSON")
    add_preparation_options(parser)
    add_general_options(parser)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript bundle`` and return the exit code."""
    parser = build_parser()
    asked = read_script_arguments(parser, arguments)
    script, options = asked.only_script(), asked.options
    if script is None:
        console.print_usage(parser, "no script given")
        return UsageError.default_exit_code
    if options.output == STDIN:
        raise UsageError("A bundle is not written to stdout.", hint="Name a file: -o tool.pyz")
    if script == STDIN and not options.output:
        raise UsageError("A script from stdin has no name for its bundle.", hint="Give one: -o tool.pyz")
    cache = asked.open_cache()
    if is_remote(script):
        # Those whom the bundle is given to are not asked.
        script = agreed_script(script, options, cache, BUNDLE).path
    platforms, pythons = tuple(options.python_platform or ()), tuple(options.python_version or ())
    wanted = BundleRequest(asked.request(script), platforms, pythons, options.output or None)
    try:
        made = make_bundle(wanted, cache, os.environ, console.make_reporter())
    except BaseException:
        cache.abandon()
        raise
    finally:
        console.leave()
    if options.json:
        console.print_line(json.dumps(_as_json(made), indent=2))
    else:
        _tell(made, is_portable=ANY in platforms)
    return 0


def _tell(made: MadeBundle, *, is_portable: bool) -> None:
    count = len({wheel.name for wheel in made.manifest.wheels})
    packages = output.counted(count, "package") if count else "no packages"
    output.confirm((f"{made.path} is ready: {packages}, {megabytes(made.size_bytes)}.", ""))
    output.confirm((f"It runs on {made.manifest.runs_on}.", ""))
    if made.native and not is_portable:
        what = f"{', '.join(made.native[:3])}{' and others' * (len(made.native) > 3)}"
        hint = f"Only there, because of {what}; see --python-platform for others."
        output.confirm((hint, "dim"))


def _as_json(made: MadeBundle) -> Mapping[str, object]:
    manifest = made.manifest
    return {
        "path": os.path.abspath(made.path),
        "size_bytes": made.size_bytes,
        "requires-python": manifest.requires_python,
        "runs-on": manifest.runs_on,
        "packages": [
            {"name": wheel.name, "version": wheel.version, "file": wheel.file.file, "sha256": wheel.file.sha256}
            for wheel in manifest.wheels
        ],
        "targets": [
            {
                "pythons": [".".join(map(str, version)) for version in target.pythons],
                "newer": target.is_open,
                "implementation": target.implementation,
                "free-threaded": target.free_threaded,
                "system": target.system,
                "machine": target.machine,
                "libc": " ".join(map(str, target.libc[:1]))
                + " " * bool(target.libc)
                + ".".join(map(str, target.libc[1:])),
                "packages": [manifest.wheels[number].name for number in target.wheels],
            }
            for target in manifest.targets
        ],
    }
