"""``pyscript edit``: a script in the person's editor, which finds the script's packages."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Sequence

from launcher.cache import Cache
from launcher.cli import child, console
from launcher.cli.editor import find_editor
from launcher.cli.launching import variables_for
from launcher.cli.parser import add_general_options, add_preparation_options, build_script_parser
from launcher.cli.script_arguments import STDIN, read_script_arguments
from launcher.cli.workspace import write_workspace
from launcher.errors import PyscriptError, ScriptNotFound, UsageError
from launcher.launch import warm
from launcher.prepare import Preparation, prepare
from launcher.request import RunRequest
from launcher.script.remote_url import is_remote
from launcher.script.source import is_zip_application


def build_parser() -> ArgumentParser:
    """Return the parser of ``pyscript edit``."""
    parser = build_script_parser(
        "edit",
        "SCRIPT",
        "Open a script in $VISUAL, $EDITOR, VS Code or what is there, and wait until it is closed.\n"
        "The editor gets the script's environment: VS Code by a workspace file in the cache, others\n"
        "by VIRTUAL_ENV and PATH. Where the script was changed, it is prepared when the editor is closed.",
    )
    group = parser.add_argument_group("how to open it")
    group.add_argument("--editor", metavar="PROGRAM", help="the editor to use, with its options")
    add_preparation_options(parser)
    add_general_options(parser)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``pyscript edit`` and return the editor's exit status; raises what is wrong with the script afterwards."""
    parser = build_parser()
    asked = read_script_arguments(parser, arguments)
    script = asked.only_script()
    if script is None:
        console.print_usage(parser, "no script given")
        return UsageError.default_exit_code
    if script == STDIN:
        raise UsageError("What comes from stdin cannot be edited.", hint="Save it to a file first.")
    if is_remote(script):
        raise UsageError(f"{script} is not on this machine, so it cannot be edited.", hint="Save it to a file first.")
    if not os.path.isfile(script):
        raise ScriptNotFound(f"There is no script {script}.", hint=f"Begin one with: pyscript init {script}")
    if is_zip_application(_content(script) or b""):
        raise UsageError(f"{script} is an archive, which no editor shows as text.", hint="Edit what it was made of.")
    editor = find_editor(asked.options.editor, os.environ)
    cache, request = asked.open_cache(), asked.request(script)
    preparation, before = _prepared_if_possible(request, cache), _content(script)
    environ, workspace = dict(os.environ), None
    if preparation is not None:
        path = str(preparation.environment.path)
        environ = warm.environment_for(path, variables_for(preparation))
        warm.note_use(path)
        workspace = write_workspace(script, preparation.environment, cache) if editor.reads_workspaces else None
    status = child.run(editor.opening(script, workspace), environ)
    if status == 0 and (preparation is None or _content(script) != before):
        _prepared(request, cache)
    cache.abandon()
    return status


def _prepared_if_possible(request: RunRequest, cache: Cache) -> Preparation | None:
    """Prepare the script; where that fails, the editor is where it can be mended, so it opens all the same."""
    try:
        return _prepared(request, cache)
    except PyscriptError as error:
        console.show_error(error)
        console.show_note("The script is opened without its packages.")
        return None


def _prepared(request: RunRequest, cache: Cache) -> Preparation:
    try:
        return prepare(request, cache, os.environ, console.make_reporter())
    except PyscriptError:
        raise
    except BaseException:
        cache.abandon()
        raise
    finally:
        console.leave()


def _content(script: str) -> bytes | None:
    try:
        with open(script, "rb") as stream:
            return stream.read()
    except OSError:
        return None
