"""``pyscript trust``: what from elsewhere may run without asking."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from launcher.cli import console, output
from launcher.cli.parser import Parser, add_commands, add_general_options, add_preparation_options
from launcher.cli.remote import ask_for_agreement, look_at
from launcher.cli.run import open_cache, open_trust, parse_command
from launcher.errors import PyscriptError, ScriptNotFound, UsageError
from launcher.script.remote_url import is_remote, parse_place, parse_remote
from launcher.trust import Agreement

_SHA256 = r"(?:sha256[:=])?([0-9a-fA-F]{64})"
_BEGINNING = r"(?:sha256[:=])?([0-9a-fA-F]{8,64})"


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript trust``."""
    parser = Parser(
        prog="pyscript trust",
        description="Say what from elsewhere may run without asking: contents, or whatever comes from a place.",
        add_help=False,
        allow_abbrev=False,
    )
    about = {
        "add": "agree to a script, a place (a URL that ends with /), a sha256, or the content of a file",
        "list": "show what was agreed to",
        "remove": "forget an agreement, or all of them",
    }
    commands = add_commands(parser, about)
    what = "SCRIPT-URL|PLACE/|sha256:…|FILE"
    commands["add"].add_argument("what", nargs="+", metavar=what, help="what to agree to; the URL of a script is asked")
    # argparse would show all 40 options here.
    commands["add"].usage = f"pyscript trust add [OPTION...] {what}..."
    commands["list"].add_argument("--json", action="store_true", help="print JSON")
    commands["remove"].add_argument(
        "what", nargs="*", metavar=what, help="what to forget; of a sha256 the first digits"
    )
    commands["remove"].add_argument("--all", action="store_true", help="forget all of them")
    # Fetching a script, and finding out what it would install, takes what a launch takes.
    add_preparation_options(commands["add"])
    for each in (*commands.values(), parser):
        add_general_options(each)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript trust`` and return the exit code."""
    options = parse_command(build_parser(), arguments)
    if options is None:
        return UsageError.default_exit_code
    return {"add": _add, "list": _list, "remove": _remove}[options.command](options)


def _add(options: Namespace) -> int:
    trust = open_trust()
    for text in options.what:
        if is_script(text):
            _add_script(text, options)
            continue
        agreement = _agreement(text)
        trust.add(agreement)
        output.confirm((_sentence(agreement), ""))
    return 0


def is_script(text: str) -> bool:
    """Tell whether a text is the URL of a script, and not that of a place.

    >>> is_script("https://host/x.py"), is_script("https://host/tools/"), is_script("https://host")
    (True, False, False)
    """
    return is_remote(text) and not text.endswith("/") and "/" in text.partition("://")[2]


def _add_script(url: str, options: Namespace) -> None:
    glance = look_at(url, options, open_cache(options.cache_dir))
    standing = glance.standing
    if not standing.lacks_lock and set(glance.script.sha256s) <= {each.sha256 for each in standing.known}:
        output.confirm((f"Exactly what is at {glance.script.url.shown} was agreed to before.", ""))
        return
    agreements = ask_for_agreement(glance, options)
    glance.trust.add(*agreements)
    for each in agreements:
        output.confirm((_sentence(each), ""))


def _agreement(text: str) -> Agreement:
    """Return what is agreed to by a sha256, a place or a file."""
    if is_remote(text):
        return Agreement(place=parse_place(text))
    if found := re.fullmatch(_SHA256, text):
        return Agreement(sha256=found[1].lower())
    path = os.path.abspath(text)
    try:
        content = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise ScriptNotFound(
            f"{text} is neither a URL nor a sha256, nor a file that can be read.", hint="Check the name."
        ) from error
    return Agreement(sha256=hashlib.sha256(content).hexdigest(), url=path)


def _list(options: Namespace) -> int:
    agreements, errors = open_trust().all()
    if options.json:
        rows = [
            {"sha256": each.sha256 or None, "place": each.place or None, "url": each.url or None, "at": each.agreed_at}
            for each in agreements
        ]
        console.print_line(json.dumps(rows, indent=2))
    elif agreements:
        output.print_columns(map(_row, agreements))
    elif not errors:
        output.print_parts(("Nothing was agreed to.", ""))
    for error in errors[1:]:
        console.show_error(error)
    if errors:
        raise errors[0]
    return 0


def _row(agreement: Agreement) -> tuple[output.Line, ...]:
    day = time.strftime("%Y-%m-%d", time.localtime(agreement.agreed_at))
    if agreement.place:
        return [(agreement.place, "name")], [("all from there", "")], [(day, "dim")]
    return [(f"sha256:{agreement.sha256[:16]}…", "")], [(agreement.url, "name")], [(day, "dim")]


def _remove(options: Namespace) -> int:
    trust = open_trust()
    if options.all == bool(options.what):
        raise UsageError("Say what to forget, or --all.", hint="See pyscript trust list.")
    agreements, errors = trust.all()
    if options.all:
        removed = [each for each in agreements if trust.remove(each)]
    else:
        removed = [found for text in options.what for found in _matching(text, agreements) if trust.remove(found)]
    for each in removed:
        what = f"whatever comes from {each.place}" if each.place else f"sha256:{each.sha256}"
        output.confirm((f"Forgotten: {what}", ""))
    if not removed:
        raise errors[0] if errors else PyscriptError("There is no such agreement.", hint="See pyscript trust list.")
    return 0


def _matching(text: str, agreements: Sequence[Agreement]) -> list[Agreement]:
    """Return the agreements that a sha256 or its beginning, a URL, a place or a file names."""
    if not is_remote(text) and (found := re.fullmatch(_BEGINNING, text)):
        beginning = found[1].lower()
        # One whose file is damaged is not among them, and can be removed all the same.
        whole = [Agreement(sha256=beginning)] if len(beginning) == 64 else []
        return [each for each in agreements if each.sha256.startswith(beginning)] or whole
    if is_remote(text):
        wanted = parse_remote(text).shown if is_script(text) else _place_or(text)
        return [each for each in agreements if wanted in (each.place, each.place.rstrip("/"), each.url)]
    path = os.path.abspath(text)
    of_file = {_agreement(text).sha256} if os.path.isfile(path) else set()
    return [each for each in agreements if each.url == path or each.sha256 in of_file]


def _place_or(text: str) -> str:
    """Return the place as it was written down; what would be none now may have been one to an older pyscript."""
    try:
        return parse_place(text)
    except UsageError:
        return text


def _sentence(agreement: Agreement) -> str:
    if agreement.place:
        return f"Whatever comes from {agreement.place} may run now."
    return f"sha256:{agreement.sha256} may run now, wherever it comes from."
