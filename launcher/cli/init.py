"""``pyscript init``: write a new script that runs at once."""

from __future__ import annotations

import os
import shlex
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from difflib import get_close_matches

from launcher.block_changes import BlockChange, editor_of_new_script
from launcher.cli import console, output
from launcher.cli.launching import split_requirements
from launcher.cli.parser import add_general_options, add_resolution_options, build_script_parser
from launcher.cli.script_arguments import ScriptArguments, read_script_arguments
from launcher.errors import UsageError
from launcher.python.request import parse_python_request
from launcher.resolve.requirement_text import positions_of
from launcher.script.rewriting import write_new
from launcher.script.source import ScriptSource
from launcher.script.templates import TEMPLATES, Template
from launcher.value import replace

_SUFFIXES = (".py", ".pyw")
_LIST = "list"


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript init``."""
    parser = build_script_parser(
        "init",
        "NAME",
        "Write a new script: shebang line, block and code that runs at once. It is executable, and\n"
        "nothing is ever overwritten. To add requirements to a script that is there: pyscript add.",
    )
    add_resolution_options(parser)
    group = parser.add_argument_group("what to write")
    group.add_argument(
        "--with", dest="with_", action="append", metavar="REQ", help="add a requirement (repeatable), or several: a,b"
    )
    group.add_argument("--template", metavar="NAME", help=f"{', '.join(TEMPLATES)}; `{_LIST}` shows what they are")
    group.add_argument("--gui", action="store_true", help="a script with a window, as --template gui")
    add_general_options(parser)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript init`` and return the exit code."""
    parser = build_parser()
    asked = read_script_arguments(parser, arguments)
    if asked.options.template == _LIST:
        output.print_columns([[(name, "name")], [(each.title, "")]] for name, each in TEMPLATES.items())
        return 0
    if not asked.words:
        console.print_usage(parser, "no name given")
        return UsageError.default_exit_code
    if len(asked.words) > 1:
        raise UsageError("One script at a time, please: " + ", ".join(asked.words) + ".")
    template = _template(asked.options)
    path = _path(asked.words[0], template)
    wanted = [
        *template.requirements,
        *(each for text in asked.options.with_ or () for each in split_requirements(text)),
    ]
    _refuse_hiding(path, wanted)
    write_new(path, _made(asked, template, path, wanted).content, is_executable=True)
    run = path if os.path.dirname(path) else os.path.join(os.curdir, path)
    output.confirm(
        (f"Wrote {path}. To run it: ", ""), (f"pyscript {path}" if os.name == "nt" else shlex.quote(run), "name")
    )
    return 0


def _made(asked: ScriptArguments, template: Template, path: str, wanted: Sequence[str]) -> BlockChange:
    """Return the new script with its block; raises whatever keeps its requirements from being resolved."""
    text = template.text(os.path.splitext(os.path.basename(path))[0])
    source = ScriptSource(path, text.encode(), text, is_stdin=False)
    request = replace(asked.request(None), with_=())
    cache, reporter = asked.open_cache(), console.make_reporter()
    try:
        editor = editor_of_new_script(request, source, _range_in(asked.options), cache, os.environ, reporter)
        return editor.add(wanted)
    finally:
        cache.abandon()
        console.leave()


def _template(options: Namespace) -> Template:
    """Return the template that the options name; raises `UsageError` where there is none."""
    name = options.template or ("gui" if options.gui else next(iter(TEMPLATES)))
    if name not in TEMPLATES:
        near = get_close_matches(name, TEMPLATES, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(TEMPLATES)}."
        raise UsageError(f"There is no template called {name!r}.", hint=hint)
    if options.gui and name != "gui":
        raise UsageError(f"--gui is a template of its own, and so is {name}.", hint="Give one of the two.")
    return TEMPLATES[name]


def _path(name: str, template: Template) -> str:
    """Return the path of the script; raises `UsageError` for what cannot be one."""
    if not name.strip() or name == "-":
        raise UsageError("A new script needs a name.", hint="Give the path of a file that is not there yet.")
    if "://" in name:
        raise UsageError(f"{name} is not on this machine.", hint="Give the path of a file that is not there yet.")
    if os.path.basename(name) in ("", os.curdir, os.pardir) or os.path.isdir(name):
        raise UsageError(f"{name} is a directory.", hint=f"Name the script in it: {os.path.join(name, 'tool.py')}")
    path = name if name.endswith(_SUFFIXES) else name + template.suffix
    return os.path.join(os.curdir, path) if path.startswith("-") else path


def _refuse_hiding(path: str, wanted: Sequence[str]) -> None:
    """Raise `UsageError` for a script that its own imports would find in the place of a module."""
    module = os.path.splitext(os.path.basename(path))[0]
    if module in sys.stdlib_module_names:
        raise UsageError(
            f"A script called {os.path.basename(path)} would hide Python's own module {module} from what it imports.",
            hint="Give it another name.",
        )
    if positions_of(wanted, module):
        raise UsageError(
            f"A script called {os.path.basename(path)} would hide the package {module} from itself.",
            hint="Give it another name.",
        )


def _range_in(options: Namespace) -> str:
    """Return the range that ``--python`` names; empty where it names one version, or something else."""
    request = parse_python_request(options.python) if options.python else None
    return str(request.specifiers) if request and request.is_range else ""
