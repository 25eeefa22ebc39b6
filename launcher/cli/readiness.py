"""From a script that was opened to one that may run and has its environment: asked about, and prepared.

Whoever sits there is asked and told by windows, or in a terminal where there are none; here that makes no difference.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from launcher.cache import Bucket, Cache
from launcher.desktop.log import Log
from launcher.desktop.opening import OpenedScript, arguments_of_run
from launcher.desktop.window import Question
from launcher.launch import warm
from launcher.reporter import Reporter
from launcher.trust import Trust
from launcher.value import Value, replace

if TYPE_CHECKING:
    from launcher.request import RunRequest

_POLL_S = 0.05
_IMPATIENT_S = 3.0
"""Who clicks four times in a row means one double-click."""


class Ready(Value):
    """A program that only has to be run: the argument vector, its environment and the variables of its env-files.

    Without an environment it is no script of ours but another program.
    """

    argv: list[str]
    environment: str
    variables: Mapping[str, str]

    def variables_of_run(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the variables that the script is run with, given ours."""
        if not self.environment:
            return dict(environ)
        return warm.environment_for(self.environment, {**self.variables, **environ})


class Person(Protocol):
    """Who opened the script."""

    def ask(self, question: Question) -> bool:
        """Return whether it may run."""

    def reporting(self, heading: str) -> AbstractContextManager[Reporter]:
        """Give a reporter that shows what is being done; behind the block nothing of it is on the screen."""


class Opening(Value):
    """A script that is being opened, the arguments it gets, and what decides about it."""

    script: OpenedScript
    arguments: tuple[str, ...]
    trust: Trust
    cache: Cache
    log: Log


def ready_at_once(opening: Opening, environ: Mapping[str, str]) -> Ready | None:
    """Return a script that was agreed to and whose launch was prepared before, else None; raises `DataUnusable`."""
    script = opening.script
    if not script.is_agreed(opening.trust):
        return None
    recognised = warm.recognise([script.path, *opening.arguments], dict(environ))
    if recognised is None:
        return None
    record, _ = recognised
    if not script.in_environment(record.environment).is_agreed(opening.trust):
        return None
    warm.note_use(record.environment)
    return Ready(arguments_of_run(record.program, script, opening.arguments), record.environment, {})


def ready_after_asking(opening: Opening, person: Person, environ: Mapping[str, str]) -> Ready | None:
    """Ask where that is needed, prepare, and return what to run; None where the person said no.

    Raises a `PyscriptError` that says what keeps the script from starting.
    """
    # 30 ms: the whole data path.
    from launcher.cli import launching  # noqa: PLC0415
    from launcher.cli.arguments import NoOptions  # noqa: PLC0415
    from launcher.prepare import prepare  # noqa: PLC0415
    from launcher.request import TargetKind  # noqa: PLC0415

    script, cache = opening.script, opening.cache
    with suppress(OSError):
        os.utime(_lock_path(script, cache))
    tokens = (script.path,)
    asked = launching.run_request(TargetKind.SCRIPT, script.path, NoOptions(), tokens, 0, opening.arguments)
    request = replace(asked, sha256=script.sha256, lock_sha256=script.lock_sha256)
    try:
        while True:
            if not script.is_agreed(opening.trust) and not _asked(script, opening, request, person):
                return None
            with person.reporting(f"Preparing {script.name}") as reporter:
                preparation = prepare(request, cache, environ, reporter)
            record = preparation.record
            # Only now is it known which modules there are that something beside the script may stand in for.
            script = script.in_environment(record.environment)
            if script.is_agreed(opening.trust):
                break
    finally:
        cache.abandon()
    opening.log.write(f"Python {preparation.interpreter.version}, {len(preparation.resolution.pins)} packages.")
    warm.note_use(record.environment)
    argv = arguments_of_run(record.program, script, opening.arguments)
    return Ready(argv, record.environment, preparation.variables)


def _asked(script: OpenedScript, opening: Opening, request: RunRequest, person: Person) -> bool:
    """Ask whether a script may run, and write a yes down; raises what keeps it from ever starting."""
    # What it takes to show a script, and to find out what it would install.
    from launcher.cli.open_question import question_about  # noqa: PLC0415

    with person.reporting(f"Finding out what {script.name} needs") as reporter:
        question = question_about(script, opening.trust, request, opening.cache, reporter)
    if not person.ask(question):
        opening.log.write("Nobody agreed to run it.")
        return False
    script.refuse_other_neighbours()
    opening.trust.add(*script.agreements())
    opening.log.write("It was agreed to run exactly this content.")
    return True


def lock_name_of(script: OpenedScript) -> str:
    """Return the name of the lock that whoever asks about a content, and prepares it, holds meanwhile."""
    return f"open-{script.sha256}"


def _lock_path(script: OpenedScript, cache: Cache) -> Path:
    """Return the path of that lock, whose time of change is when it was taken."""
    return cache.directory(Bucket.LOCKS) / f"{lock_name_of(script)}.lock"


def wait_for_other(script: OpenedScript, cache: Cache, person: Person) -> None:
    """Return when another who opened the same content is done with asking and preparing; it runs the script, if any.

    At once where that one has only just begun: a window of ours would come up in front of its own.
    """
    with suppress(OSError):
        if time.time() - os.stat(_lock_path(script, cache)).st_mtime < _IMPATIENT_S:
            return
    with person.reporting(f"{script.name} is being opened already") as reporter:
        reporter.step("Look for its other window: it may be waiting for your answer")
        while True:
            with cache.lock_at_once(lock_name_of(script)) as is_held:
                if is_held:
                    return
            time.sleep(_POLL_S)
