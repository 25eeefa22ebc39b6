"""The words that stand between ``pyscript`` and the script wherever a command is called from.

A launch is recognised by its words, so those of a command mean the same in every directory: paths are absolute.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

from launcher.errors import UsageError
from launcher.request import PATH_SETTINGS, RunRequest, is_looked_up_on_path, with_absolute_path
from launcher.settings import Settings, has_credentials, key_of
from launcher.value import names_of, replace

ONCE = ("refresh", "upgrade")
"""Settings that ask for something to be made anew; a launch that has them always thinks."""

ONLY_NOW = {"verbosity", "color", "timeout_s", "retries", "offline", *ONCE}
"""Settings that say how to prepare a command, and not what it needs."""


def meaning_the_same_anywhere(request: RunRequest, environ: Mapping[str, str]) -> RunRequest:
    """Return the request with every path in its options absolute, and with the Python that PATH finds now."""
    here = request.directory
    given = dict(request.command_line)
    for name in PATH_SETTINGS:
        if value := given.get(name):
            given[name] = (
                _of_path(value, here) if isinstance(value, str) else [_of_path(each, here) for each in value]  # type: ignore[attr-defined]
            )
    if python := given.get("python"):
        given["python"] = _python(str(python), here, environ)
    return replace(
        request,
        with_=tuple(with_absolute_path(text, here) for text in request.with_),
        with_requirements=tuple(_absolute(path, here) for path in request.with_requirements),
        with_editable=tuple(with_absolute_path(path, here, is_path=True) for path in request.with_editable),
        command_line=given,
    )


def command_words(request: RunRequest) -> tuple[str, ...]:
    """Return the options of a request as they stand in front of its script.

    Raises `UsageError` for a URL with credentials: the file of a command can be read by others.
    """
    words: list[str] = []
    for option, values in (
        ("--with", request.with_),
        ("--with-requirements", request.with_requirements),
        ("--with-editable", request.with_editable),
    ):
        for value in values:
            words += [option, value]
    for name in names_of(Settings):
        given, option = request.command_line.get(name), f"--{key_of(name)}"
        if given is None or name in ONLY_NOW:
            continue
        if given is True:
            words.append(option)
        else:
            for each in given if isinstance(given, list | tuple) else [given]:
                words += [option, str(each)]
    if any(has_credentials(word) for word in words):
        raise UsageError(
            "A URL with a user name or password cannot be written into a command.",
            hint="Give it by PYSCRIPT_INDEX_URL or in config.toml, or the credentials by netrc.",
        )
    return tuple(words)


def _absolute(path: str, directory: str) -> str:
    return os.path.normpath(os.path.join(directory, os.path.expanduser(path)))


def _of_path(text: str, directory: str) -> str:
    """Return the value of a setting that may be a path: what exists, or looks like a path, is one."""
    path = _absolute(text, directory)
    return path if "://" not in text and (os.path.exists(path) or text.startswith((".", "~"))) else text


def _python(value: str, directory: str, environ: Mapping[str, str]) -> str:
    if os.path.basename(value) != value:
        return _absolute(value, directory)
    # Whoever calls the command later may have another PATH.
    found = shutil.which(value, path=environ.get("PATH")) if is_looked_up_on_path(value) else None
    return os.path.abspath(found) if found else value
