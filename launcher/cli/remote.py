"""Scripts from elsewhere at the command line: fetched, looked at, asked about where that is needed, and launched."""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from typing import TYPE_CHECKING

from launcher.cache import Cache
from launcher.cli import console, signals
from launcher.cli.arguments import NoOptions, SplitArguments
from launcher.cli.run import open_trust
from launcher.errors import PyscriptError, ScriptNotFound, UntrustedScript
from launcher.launch import warm
from launcher.remote_script import RemoteScript, kept_script, obtain_script
from launcher.script.remote_url import is_remote, parse_remote
from launcher.trust import Agreement, Trust
from launcher.value import Value, replace

if TYPE_CHECKING:
    from argparse import Namespace

    from launcher.cli.script_arguments import ScriptArguments
    from launcher.consent import Standing
    from launcher.request import RunRequest
    from launcher.script.source import ScriptSource


class Purpose(Value):
    """What somebody has to agree to: in the question, as done, and as the answer that leaves no agreement behind."""

    word: str
    done: str
    yes: str = ""


RUN = Purpose("run", "run", "yes, this once")
INSTALL = Purpose("install", "installed", "yes, and the command that it becomes runs without asking")
UPGRADE = Purpose("upgrade to", "taken, and the command stays as it was", "yes, and the command runs it without asking")
BUNDLE = Purpose("bundle", "bundled", "yes, and whoever gets the bundle is not asked")
AGREE = Purpose("agree to", "agreed to")


class Glance(Value):
    """A script from elsewhere as it lies here, and whether it may run; nothing of it was run."""

    script: RemoteScript
    source: ScriptSource
    standing: Standing
    trust: Trust
    cache: Cache

    @property
    def path(self) -> str:
        """Where the script was laid down."""
        return self.script.path


def look_at(url: str, options: Namespace | NoOptions, cache: Cache) -> Glance:
    """Fetch a script where that is needed and tell how it stands; nothing of it is run.

    Raises what `obtain_script` and `standing_of` raise.
    """
    # 30 ms: settings, and what reads a script.
    from launcher.cli import launching  # noqa: PLC0415
    from launcher.consent import read_named, standing_of  # noqa: PLC0415
    from launcher.request import TargetKind, settings_before_script  # noqa: PLC0415
    from launcher.script.source import read_script  # noqa: PLC0415

    remote = parse_remote(url)
    trust, named = open_trust(), read_named(getattr(options, "trust", None) or ())
    request = launching.run_request(TargetKind.SCRIPT, url, options, (url,), 0)
    reporter = console.make_reporter()
    try:
        settings = settings_before_script(request, os.environ, reporter)
        script = obtain_script(remote, settings, cache, reporter)
    except PyscriptError:
        raise
    except BaseException:
        cache.abandon()
        raise
    finally:
        console.leave()
    try:
        source = read_script(script.path)
    except PyscriptError as error:
        error.message = error.message.replace(script.path, remote.shown)
        raise
    if not source.text and source.content:
        raise ScriptNotFound(
            f"{remote.shown} is no Python script but a zip application, whose code cannot be shown before it runs.",
            hint="Download it, look at what is in it, and run the file.",
        )
    return Glance(script, source, standing_of(script, trust, named, settings.trusted_host), trust, cache)


def request_of(asked: ScriptArguments, script: str | None, cache: Cache) -> tuple[RunRequest, Glance | None]:
    """Return the request of a command that only looks at a script, and what there is to say of one from elsewhere.

    Nothing is built for such a one before somebody agreed to run it. Raises what `look_at` raises.
    """
    if script is None or not is_remote(script):
        return asked.request(script), None
    glance = look_at(script, asked.options, cache)
    return replace(asked.request(glance.path), may_build=glance.standing.is_agreed), glance


def agreed_script(url: str, options: Namespace | NoOptions, cache: Cache, purpose: Purpose = RUN) -> RemoteScript:
    """Return a script that a person agreed to, now or before; whoever gets it may run it.

    Raises `UntrustedScript` where nobody did, or nobody can be asked.
    """
    glance = look_at(url, options, cache)
    if not glance.standing.is_agreed:
        glance.trust.add(*ask_for_agreement(glance, options, purpose))
    return glance.script


def ask_for_agreement(
    glance: Glance, options: Namespace | NoOptions, purpose: Purpose = AGREE
) -> tuple[Agreement, ...]:
    """Show a script, ask, and return what is agreed to: nothing where the `purpose` is agreed to this once.

    Raises `UntrustedScript` where the answer is no, or nobody can be asked.
    """
    # What it takes to show a script, and to find out what it would install.
    from launcher.cli import agreement  # noqa: PLC0415
    from launcher.cli.question import open_terminal  # noqa: PLC0415
    from launcher.consent import agreements_to  # noqa: PLC0415

    script = glance.script
    with open_terminal() as terminal:
        if terminal is None:
            raise _refused(glance)
        answer = agreement.ask(terminal, glance, options, purpose)
    if answer == agreement.CONTENT:
        return agreements_to(script)
    if answer == agreement.PLACE:
        return tuple(Agreement(place=place, url=script.url.shown) for place in glance.standing.places)
    if answer == agreement.ONCE:
        return ()
    raise UntrustedScript(f"{script.url.shown} was not {purpose.done}.")


def launch(split: SplitArguments, options: Namespace | NoOptions, tokens: tuple[str, ...], cache: Cache) -> int:
    """Launch the script at the URL in `split` as the file that it was laid down as; parameters as in `launching`.

    The launch record is that of this file: it says nothing of the URL, so whether it may run is asked first, each time.
    """
    script = _known_script(split.target[0], options, cache) or agreed_script(split.target[0], options, cache)
    tokens = (*tokens[:-1], script.path)
    environ = dict(os.environ)
    if recognised := warm.recognise([*tokens, *split.arguments], environ):
        signals.heed()
        cache.abandon()
        with suppress(OSError):
            return warm.launch(*recognised, environ)
        # Whatever is wrong with what was recorded, the full path makes it anew or says why not.
        cache = Cache(cache.root)
    # 30 ms: the whole data path.
    from launcher.cli import launching  # noqa: PLC0415

    return launching.launch(SplitArguments(split.options, (script.path,), split.arguments), options, tokens, cache)


def _known_script(url: str, options: Namespace | NoOptions, cache: Cache) -> RemoteScript | None:
    """Return a script that is fresh and whose content was agreed to, without the 30 ms that settings take to read.

    No other setting decides about such a one, and these two are in no file.
    """
    if options.refresh or os.environ.get("PYSCRIPT_REFRESH") or options.trust:
        return None
    script, trust = kept_script(parse_remote(url), cache), open_trust()
    return script if script and all(map(trust.of_content, script.sha256s)) else None


def _refused(glance: Glance) -> UntrustedScript:
    url = shlex.quote(glance.script.url.shown)
    named = " ".join(f"sha256:{sha256}" for sha256 in glance.standing.missing)
    options = " ".join(f"--trust sha256:{sha256}" for sha256 in glance.script.sha256s)
    changed = ""
    if glance.standing.former:
        changed = " What was agreed to for this URL before was other content."
    return UntrustedScript(
        f"Nobody here agreed to run what is at {glance.script.url.shown}, and there is no terminal to ask at.{changed}",
        hint=f"Look at it with pyscript info {url}\n"
        f"      then run it once with     pyscript {options} {url}\n"
        f"      or agree to it for good:  pyscript trust add {named}",
    )
