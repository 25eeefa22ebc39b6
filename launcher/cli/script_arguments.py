"""The command line of a command about scripts: options anywhere, the same as for running, and the scripts."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass

from launcher.cache import Cache
from launcher.cli.launching import run_request
from launcher.cli.parser import separate_arguments
from launcher.cli.run import configure_console, open_cache
from launcher.errors import UsageError
from launcher.request import RunRequest, TargetKind

STDIN = "-"

_ONLY_FOR_PREPARING = {
    *("--trust", "--source"),
    *("-q", "--quiet", "-v", "--verbose", "--color", "--cache-dir", "--timeout", "--retries", "--offline"),
    *("--refresh", "-U", "--upgrade", "--json", "--print-python", "--invert", "--outdated", "--depth"),
    *("--platform", "--python-platform", "--here", "--embed", "--check", "--upgrade-package"),
    *("--run", "--editor", "--ignore", "--ask", "--format", "-o", "--output", "--no-hashes", "--all"),
    "--with-pyscript",
}
"""Options that say how to prepare or what to print, and not what a launch needs."""


@dataclass(frozen=True, slots=True)
class ScriptArguments:
    """Parsed arguments: `options`, the same as they were written, and the other words."""

    options: Namespace
    written: tuple[tuple[str, ...], ...]
    words: tuple[str, ...]

    @property
    def has_requirements(self) -> bool:
        """Whether the options bring requirements, so that there is something to look at without a script."""
        options = self.options
        return bool(options.with_ or options.with_requirements or options.with_editable)

    def only_script(self) -> str | None:
        """Return the script, None where none was given; raises `UsageError` where there are several."""
        if len(self.words) > 1:
            raise UsageError("One script at a time, please: " + ", ".join(self.words) + ".")
        return self.words[0] if self.words else None

    def open_cache(self) -> Cache:
        """Return the cache that the options name; raises `UsageError` where nothing names one."""
        return open_cache(self.options.cache_dir)

    def request(self, script: str | None) -> RunRequest:
        """Return the request that launching `script` with these options is; ``-`` is stdin, None no script at all.

        The launch is the one that these words in front of the script's path would make, without those that only say
        how to prepare or what to print.
        """
        if script is None:
            return run_request(TargetKind.CODE, "", self.options, ("-c", ""), 0)
        kind = TargetKind.STDIN if script == STDIN else TargetKind.SCRIPT
        lasting = [word for option in self.written if not _is_only_for_preparing(option) for word in option]
        # A script whose name begins with a dash would be taken for an option.
        target = os.path.join(os.curdir, script) if script.startswith("-") and script != STDIN else script
        return run_request(kind, target, self.options, (*lasting, target), len(lasting))


def read_script_arguments(parser: ArgumentParser, arguments: Sequence[str]) -> ScriptArguments:
    """Parse the arguments of a command and set the console up as they say; raises `UsageError`."""
    written, words = separate_arguments(parser, arguments)
    options = parser.parse_args([word for option in written for word in option])
    configure_console(options)
    return ScriptArguments(options, written, words)


def _is_only_for_preparing(option: tuple[str, ...]) -> bool:
    name = option[0].partition("=")[0]
    # -qU is -q and -U.
    letters = [] if name.startswith("--") else [f"-{letter}" for letter in name[1:]]
    return name in _ONLY_FOR_PREPARING or (bool(letters) and _ONLY_FOR_PREPARING.issuperset(letters))
