"""``pyscript export``: what a script gets, written for other tools."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence

from launcher.cache import Cache
from launcher.cli import console
from launcher.cli.lock import lock_script, refuse_name
from launcher.cli.parser import add_general_options, add_preparation_options, build_script_parser
from launcher.cli.remote import request_of
from launcher.cli.script_arguments import STDIN, ScriptArguments, read_script_arguments
from launcher.errors import UsageError
from launcher.prepare import prepare
from launcher.request import RunRequest
from launcher.resolve.urls import mask_credentials
from launcher.script.remote_url import is_remote
from launcher.script.rewriting import rewrite
from launcher.share.dockerfile import dockerfile_text, dockerfile_with_pyscript
from launcher.share.exported import Exported, descriptions_of, gather
from launcher.share.requirements_export import requirements_text
from launcher.share.sbom import cyclonedx_text
from launcher.survey import resolve
from launcher.value import replace

_EPOCH = "SOURCE_DATE_EPOCH"


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript export``."""
    parser = build_script_parser(
        "export",
        "SCRIPT",
        "Write what a script gets for other tools: a requirements.txt with hashes for pip and uv, a\n"
        "lock (PEP 751), a bill of materials (CycloneDX 1.6), or a Dockerfile. A lock is for all\n"
        "platforms, the others are for the interpreter and the platform here.",
    )
    group = parser.add_argument_group("what to write")
    group.add_argument("--format", choices=tuple(_FORMATS), metavar="FORMAT", help=", ".join(_FORMATS))
    group.add_argument("-o", "--output", metavar="FILE", help="write it to this file instead of stdout")
    group.add_argument("--no-hashes", action="store_true", help="requirements without hashes")
    group.add_argument(
        "--with-pyscript", action="store_true", help="a Dockerfile whose image runs the script with pyscript"
    )
    add_preparation_options(parser)
    add_general_options(parser)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript export`` and return the exit code."""
    parser = build_parser()
    asked = read_script_arguments(parser, arguments)
    script = asked.only_script()
    if script is None:
        console.print_usage(parser, "no script given")
        return UsageError.default_exit_code
    if asked.options.format is None:
        raise UsageError("--format is missing.", hint="Give one of " + ", ".join(_FORMATS) + ".")
    if asked.options.format in ("pylock", "dockerfile") and is_remote(script):
        raise UsageError(f"{mask_credentials(script)} is not on this machine.", hint="Save it to a file first.")
    if script == STDIN or os.path.isdir(script) or not os.path.basename(script).isprintable():
        raise UsageError(f"{script} has no name that could be written down.", hint="Give the path of a script.")
    if asked.options.format == "pylock":
        refuse_name(asked.options.output)
    cache = asked.open_cache()
    try:
        text = _FORMATS[asked.options.format](script, asked, cache)
    finally:
        console.leave()
        cache.abandon()
    _put(text, asked.options.output)
    return 0


def _put(text: str, path: str | None) -> None:
    if path is not None and path != "-":
        if _is_stream(path):
            with open(path, "wb") as stream:
                stream.write(text.encode())
        else:
            rewrite(path, text.encode())
    elif sys.stdout is not None:
        console.print_line(text.removesuffix("\n"))


def _is_stream(path: str) -> bool:
    """Tell whether a path leads to what holds no content that could be replaced: /dev/stdout, or a named pipe."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _exported(script: str, asked: ScriptArguments, cache: Cache) -> tuple[Exported, RunRequest]:
    request, glance = request_of(asked, script, cache)
    survey = resolve(request, cache, os.environ, console.make_reporter())
    return gather(glance.script.url.shown if glance else script, survey, cache, console.make_reporter()), request


def _requirements(script: str, asked: ScriptArguments, cache: Cache) -> str:
    return _requirements_of(_exported(script, asked, cache)[0], asked)


def _pylock(script: str, asked: ScriptArguments, cache: Cache) -> str:
    if asked.has_requirements:
        raise UsageError("A lock is of what the script itself asks for.", hint="Leave --with and its kin out.")
    # As `pyscript lock` makes it where it is given no options: what is locked already stays as it is.
    unset = {"output": None, "embed": False, "here": False, "platform": None, "upgrade_package": None}
    plain = replace(asked, options=Namespace(**{**vars(asked.options), **unset}))
    return lock_script(plain, script, cache)[2].to_text()


def _requirements_of(exported: Exported, asked: ScriptArguments) -> str:
    if exported.without_hash and not asked.options.no_hashes:
        console.show_warning(
            f"No hashes are written: there is none for {', '.join(exported.without_hash)}, and pip wants one for "
            "every package or for none."
        )
    return requirements_text(exported, with_hashes=not asked.options.no_hashes)


def _dockerfile(script: str, asked: ScriptArguments, cache: Cache) -> str:
    exported, _ = _exported(script, asked, cache)
    if asked.options.with_pyscript:
        return dockerfile_with_pyscript(exported)
    local = [pin.candidate.name for pin in exported.pins if pin.candidate.url.startswith("file:")]
    if local:
        raise UsageError(
            f"{', '.join(local)} would not be in the image: it is in a directory of this machine.",
            hint="Put what it needs into an index, or give away the script as a bundle: pyscript bundle",
        )
    return dockerfile_text(exported, _requirements_of(exported, asked))


def _cyclonedx(script: str, asked: ScriptArguments, cache: Cache) -> str:
    made_at_s = _epoch(os.environ)
    exported, request = _exported(script, asked, cache)
    # Licences stand in the packages themselves.
    preparation = prepare(request, cache, os.environ, console.make_reporter())
    descriptions = descriptions_of(preparation.resolution, cache)
    source = exported.survey.needs.source
    sha256 = hashlib.sha256(source.content).hexdigest() if source else None
    return cyclonedx_text(exported, sha256, descriptions, made_at_s)


def _epoch(environ: Mapping[str, str]) -> int:
    """Return the time to write down: that of SOURCE_DATE_EPOCH, else now."""
    text = environ.get(_EPOCH, "")
    if text and not re.fullmatch(r"\d{1,11}", text):
        raise UsageError(f"the variable {_EPOCH}: {text!r} is not a number of seconds since 1970.")
    return int(text or time.time())


_FORMATS: dict[str, Callable[[str, ScriptArguments, Cache], str]] = {
    "requirements": _requirements,
    "pylock": _pylock,
    "cyclonedx": _cyclonedx,
    "dockerfile": _dockerfile,
}
