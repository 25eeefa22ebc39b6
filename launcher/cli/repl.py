"""``pyscript repl``: an interactive Python, or IPython, with the packages of a script and its folder to import from."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from launcher.cli import console
from launcher.cli.launching import become
from launcher.cli.parser import add_general_options, add_preparation_options, build_script_parser
from launcher.cli.remote import agreed_script
from launcher.cli.script_arguments import STDIN, ScriptArguments, read_script_arguments
from launcher.errors import UsageError
from launcher.prepare import Preparation, prepare
from launcher.script.remote_url import is_remote
from launcher.value import replace

_IPYTHON = "ipython"

_SET_UP = """\
def start():
    import sys
    if sys.path[:1] == ['']:
        del sys.path[0]
    sys.path[:0] = {folders!r}
    sys.argv[:] = ['']
start()
del start
"""
"""Puts the script's folder where ``python SCRIPT`` has it; without a script the current one stays."""

_PYTHON_STARTUP = """\
def start():
    import os
    path = os.environ.get('PYTHONSTARTUP')
    if path:
        try:
            with open(path, 'rb') as stream:
                exec(compile(stream.read(), path, 'exec'), globals())
        except Exception:
            import traceback
            traceback.print_exc()
start()
del start
"""
"""Python reads it only where it is given nothing to run."""

_START_IPYTHON = """\
import sys, IPython
sys.exit(IPython.start_ipython(argv={argv!r}))
"""


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript repl``."""
    parser = build_script_parser(
        "repl",
        "[SCRIPT]",
        "Start an interactive Python with the packages of a script, and with the script's folder to\n"
        "import from. The script is not run. `--with ipython` starts IPython instead.",
    )
    group = parser.add_argument_group("what to run")
    group.add_argument(
        "--run", action="store_true", help="run the script first, with the arguments behind it, as python -i does"
    )
    add_preparation_options(parser)
    add_general_options(parser)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript repl``; returns only where nothing was started, or on Windows."""
    asked = read_script_arguments(build_parser(), arguments)
    script = asked.words[0] if asked.options.run and asked.words else asked.only_script()
    if script is None and asked.options.run:
        raise UsageError("--run: there is no script to run.", hint="Give one: pyscript repl --run report.py")
    if script == STDIN:
        raise UsageError("stdin is where you type, so no script can come from it.", hint="Save the script to a file.")
    cache = asked.open_cache()
    if script is not None and is_remote(script):
        # What it brings is imported here, so it is asked about as for a launch.
        script = agreed_script(script, asked.options, cache).path
    try:
        preparation = prepare(asked.request(script), cache, os.environ, console.make_reporter())
    except BaseException:
        cache.abandon()
        raise
    console.leave()
    words = _words(script, asked, preparation)
    if sys.stdin is not None and sys.stdin.isatty():
        console.show_note(_greeting(script, preparation, is_run=asked.options.run))
    argv = [str(preparation.environment.python), *words]
    return become(replace(preparation, argv=argv, source=None), cache)


def _words(script: str | None, asked: ScriptArguments, preparation: Preparation) -> list[str]:
    """Return what the environment's Python is given."""
    # A directory or an archive with a __main__.py is itself what Python imports from.
    folder = None if script is None else script if os.path.isdir(script) else os.path.dirname(script)
    set_up = _SET_UP.format(folders=[""] if folder is None else [os.path.abspath(folder)])
    to_run = [os.path.join(os.curdir, script) if script.startswith("-") else script, *asked.words[1:]] if script else []
    if _IPYTHON in preparation.resolution.roots:
        argv = ["--InteractiveShellApp.ignore_cwd=True", *(["-i", *to_run] if asked.options.run else [])]
        return ["-c", set_up + _START_IPYTHON.format(argv=argv)]
    if asked.options.run:
        return ["-i", *to_run]
    return ["-i", "-c", set_up + _PYTHON_STARTUP]


def _greeting(script: str | None, preparation: Preparation, *, is_run: bool) -> str:
    packages = sorted(preparation.resolution.roots)
    shown = ", ".join(packages[:6]) + (", …" if len(packages) > 6 else "")
    text = f"Python {preparation.interpreter.version} with {shown or 'no packages'}"
    path = Path(script or "")
    if script and not is_run and path.suffix == ".py" and path.stem.isidentifier():
        text += f'; "import {path.stem}" brings in what {path.name} defines'
    return text + "."
