"""What was asked for, and what follows from it: script text -> metadata -> settings and requirements.

The first half of the data path, up to where an interpreter is needed; `launcher.prepare` is the other half.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from launcher import settings as settings_module
from launcher.config_file import config_path, read_config_file
from launcher.errors import Excerpt
from launcher.reporter import Reporter
from launcher.resolve.resolution import Policy, Requested
from launcher.script.inline_metadata import (
    ScriptMetadata,
    excerpt_of_requires_python,
    excerpt_of_setting,
    read_metadata,
)
from launcher.script.lines import split_lines
from launcher.script.source import LOCK_OPENING, ScriptSource, decode, read_script, read_stdin_script
from launcher.settings import BlockTable, Settings
from launcher.value import Value, field, replace

if TYPE_CHECKING:
    from launcher.resolve.script_lock import ScriptLock

_VERSION_OR_RANGE = r"[<>=~!]|((c?python|cp|pypy|graalpy|graalvm)-?)?[\d.]+((a|b|rc)\d+)?t?d?$"
_PIP_VARIABLES = frozenset(
    {"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_TRUSTED_HOST"}
    | {"PIP_CERT", "PIP_CLIENT_CERT", "PIP_PROXY", "PIP_KEYRING_PROVIDER"}
)
_RELATIVE = r"([A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\])?\s*@\s*)?(\.{1,2}(?:[/\\].*?)?|~/.*?)(\[[^\]]*\])?(\s+;.*)?"
"""A requirement on a path that begins with a dot, or in the home directory, with name and marker if it has them."""
PATH_SETTINGS = ("find_links", "constraint", "override", "env_file", "cert", "client_cert")
"""Settings whose values on the command line are paths, or may be."""
_NO_METADATA = ScriptMetadata(None, (), {}, None)


class TargetKind(StrEnum):
    """What is to be run inside the environment."""

    SCRIPT = "script"
    STDIN = "stdin"
    MODULE = "module"
    CODE = "code"
    COMMAND = "command"


class RunRequest(Value):
    """What the command line asked for.

    `tokens` are the arguments up to and with the target, `skipped` how many of them are not handed on, `arguments`
    those behind it. `command_line` holds the settings given as options; `directory` is the current one, absolute.
    `script` is that whose block decides where the target is something else. A lock counts only where it `uses_lock`.
    `may_build` is False where nobody agreed to run it; `sha256` is its own, if known, `lock_sha256` that of its lock.
    """

    kind: TargetKind
    target: str
    arguments: tuple[str, ...]
    tokens: tuple[str, ...]
    skipped: int
    directory: str
    with_: tuple[str, ...] = ()
    with_requirements: tuple[str, ...] = ()
    with_editable: tuple[str, ...] = ()
    command_line: Mapping[str, object] = field(default_factory=dict)
    may_be_recorded: bool = True
    script: str | None = None
    may_build: bool = True
    uses_lock: bool = True
    sha256: str = ""
    lock_sha256: str | None = None

    @property
    def means_the_same_anywhere(self) -> bool:
        """Whether the current directory decides nothing: the script's path is absolute, and so is each in an option."""
        given = self.command_line
        values = [given.get(name) or () for name in PATH_SETTINGS]
        paths = [path for value in values for path in ([value] if isinstance(value, str) else value)]  # type: ignore[attr-defined]
        paths += [*self.with_requirements, *self.with_editable]
        if (python := str(given.get("python") or "")) and os.path.basename(python) != python:
            paths.append(python)
        return (
            self.kind is TargetKind.SCRIPT
            and os.path.isabs(self.target)
            and all(os.path.isabs(path) or "://" in path for path in paths)
            and all(with_absolute_path(text, os.sep) == text for text in self.with_)
        )


class Needs(Value):
    """Everything that decides which environment a request gets, and the script's `metadata` that it came from.

    `requires_python` is the range of the script and of the locks and scripts that it is run with. `files` are those
    that were read on the way, or would have been were they there, by absolute path; `is_lasting` is False where the
    answer can change without one of these changing. `variables` are those of env-files, for the script itself. `lock`
    is the script's, if it has one.
    """

    source: ScriptSource | None
    settings: Settings
    requires_python: str | None
    requested: tuple[Requested, ...]
    policy: Policy
    files: tuple[str, ...]
    is_lasting: bool
    metadata: ScriptMetadata
    variables: Mapping[str, str]
    lock: ScriptLock | None = None

    @property
    def requires_python_line(self) -> Excerpt | None:
        """Where the script says all of it; finding it takes 0.4 ms, and only messages show it."""
        source, metadata = self.source, self.metadata
        if source is None or self.requires_python != metadata.requires_python:
            return None
        return excerpt_of_requires_python(source.path, source.text, metadata)


def read_needs(request: RunRequest, environ: Mapping[str, str], reporter: Reporter) -> Needs:
    """Read the script, the config file and the requirements files of a request, and say what it needs.

    Raises `ScriptNotFound`, `InvalidMetadata` or `UsageError`.
    """
    source = _read_source(request)
    metadata = _read_metadata(source, reporter)
    settings = _settle(request, source, metadata, environ, reporter)
    requested = [*_of_block(request, source, metadata), *_of_options(request)]
    requires_python = [] if metadata.requires_python is None else [metadata.requires_python]
    policy, paths, variables = _read_policy(request, source, settings, environ)
    files = [str(config_path(environ)), *paths]
    is_lasting = not (settings.refresh or settings.upgrade or settings.max_age_s is not None or settings.env_file)
    is_lasting = is_lasting and not (variables or (settings.python and is_looked_up_on_path(settings.python)))
    if request.with_requirements:
        # 40 ms for packaging, and few launches name a file.
        from launcher.resolve import requirements_file  # noqa: PLC0415

        for name in request.with_requirements:
            content = requirements_file.read_requirements_file(os.path.join(request.directory, name), environ)
            requested += requirements_file.as_requested(content)
            requires_python += content.requires_python
            policy = requirements_file.with_policy_options(policy, settings, content)
            settings = requirements_file.with_index_options(settings, content)
            files += [os.path.abspath(path) for path in content.paths]
            is_lasting = is_lasting and not content.variables
    settings = _with_pip_configuration(settings, environ, files)
    return Needs(
        lock=_find_lock(request, source, metadata, settings, files),  # which may add to the files
        source=source,
        settings=settings,
        requires_python=",".join(requires_python) if requires_python else None,
        requested=tuple(requested),
        policy=policy,
        files=tuple(files),
        is_lasting=is_lasting,
        metadata=metadata,
        variables=_env_file_variables(settings),
    )


def with_content(needs: Needs, content: bytes, request: RunRequest) -> Needs:
    """Return what the request would need if its script had this content, with a block that has other requirements.

    The lock that the script has is not for these.
    """
    assert needs.source is not None
    source = replace(needs.source, content=content, text=decode(content, needs.source.path))
    metadata, _ = read_metadata(source.text, source.path)
    requested = (*_of_block(request, source, metadata), *_of_options(request))
    asked = {"requires_python": metadata.requires_python, "requested": requested, "lock": None}
    return replace(needs, source=source, metadata=metadata, **asked)


def settings_before_script(request: RunRequest, environ: Mapping[str, str], reporter: Reporter) -> Settings:
    """Return the settings that hold where the script is not there yet: what it says itself is not among them.

    Raises `UsageError`.
    """
    return _with_pip_configuration(_settle(request, None, _NO_METADATA, environ, reporter), environ, [])


def _read_policy(
    request: RunRequest, source: ScriptSource | None, settings: Settings, environ: Mapping[str, str]
) -> tuple[Policy, tuple[str, ...], tuple[str, ...]]:
    """Return what the settings say of versions, the files that were read for it, and the variables in these."""
    policy = Policy(
        prerelease=settings.prerelease,
        resolution=settings.resolution,
        exclude_newer=settings.exclude_newer,
        exclude_newer_package=settings.exclude_newer_package,
    )
    if not (settings.constraint or settings.override):
        return policy, (), ()
    # 40 ms for packaging, and few launches have any.
    from launcher.resolve.written_policy import read_written_policy  # noqa: PLC0415

    config = str(config_path(environ))
    directories = {"": request.directory, config: os.path.dirname(config)}
    for origin in filter(settings_module.is_of_script, settings.origins.values()):
        directories[origin] = _directory_of(source, request)
    written = read_written_policy(policy, settings, directories, environ)
    return written.policy, written.paths, written.variables


def _find_lock(
    request: RunRequest, source: ScriptSource | None, metadata: ScriptMetadata, settings: Settings, files: list[str]
) -> ScriptLock | None:
    """Return the script's lock, if it has one, and add to `files` where one beside it is, or would be."""
    if not request.uses_lock:
        return None
    directory = "" if source is None or source.is_stdin else _directory_of(source, request)
    beside = os.path.join(directory, source.lock_name) if source and directory else None
    files += [beside] if beside else []
    has_lock = source and (source.bundle or LOCK_OPENING in source.text or (beside and os.path.lexists(beside)))
    if not (has_lock or settings.locked or settings.frozen or request.lock_sha256):
        return None
    # 1 ms, for scripts that have one.
    from launcher.resolve.script_lock import find_lock  # noqa: PLC0415

    return find_lock(source, metadata, settings, directory, request.lock_sha256)


def _env_file_variables(settings: Settings) -> dict[str, str]:
    if not settings.env_file:
        return {}
    # 20 ms for dotenv, and few launches have one.
    from launcher.env_file import read_env_files  # noqa: PLC0415

    return read_env_files(settings.env_file)


def is_looked_up_on_path(python: str) -> bool:
    """Tell whether ``--python`` names a program; a version, a range or a path does not depend on PATH."""
    return os.path.basename(python) == python and not re.match(_VERSION_OR_RANGE, python)


def _read_source(request: RunRequest) -> ScriptSource | None:
    if request.kind is TargetKind.STDIN:
        return read_stdin_script()
    path = request.target if request.kind is TargetKind.SCRIPT else request.script
    return None if path is None else read_script(path, request.sha256)


def _read_metadata(source: ScriptSource | None, reporter: Reporter) -> ScriptMetadata:
    if source is None or source.bundle is not None:
        return _NO_METADATA if source is None else ScriptMetadata(source.requires_python, (), {}, None)
    metadata, warnings = read_metadata(source.text, source.path)
    for warning in warnings:
        reporter.warning(warning)
    return metadata


def _settle(
    request: RunRequest,
    source: ScriptSource | None,
    metadata: ScriptMetadata,
    environ: Mapping[str, str],
    reporter: Reporter,
) -> Settings:
    config = read_config_file(path := config_path(environ))
    values, table = _tool_table(source, metadata, reporter)
    settings = settings_module.resolve_settings(request.command_line, environ, values, config, str(path), table)
    return with_relative_paths_from(settings, _directory_of(source, request))


def with_relative_paths_from(settings: Settings, directory: str) -> Settings:
    """Return the settings with the script's own relative paths, of find-links and sources, made absolute."""
    find_links, sources = settings.find_links, settings.sources
    if not find_links and not sources:
        return settings
    if settings_module.is_of_script(settings.origins.get("find_links", "")):
        find_links = tuple(link if "://" in link else _absolute(link, directory) for link in find_links)
    sources = tuple(replace(each, path=_absolute(each.path, directory)) if each.path else each for each in sources)
    return replace(settings, find_links=find_links, sources=sources)


def _absolute(path: str, directory: str) -> str:
    return os.path.normpath(os.path.join(directory, path))


def _tool_table(
    source: ScriptSource | None, metadata: ScriptMetadata, reporter: Reporter
) -> tuple[Mapping[str, object], BlockTable]:
    """Return what the block says in ``[tool.pyscript]``, or where it has only ``[tool.uv]``, in that."""
    name, values = metadata.settings_table
    if name == "uv":
        # 1 ms, for the scripts that were written for uv.
        from launcher.script.uv_table import read_uv_table  # noqa: PLC0415

        read = read_uv_table(values)
        for warning in read.warnings:
            reporter.warning(warning)
        if read.ignored:
            reporter.detail("Keys of [tool.uv] without effect: " + ", ".join(read.ignored))
        values = dict(read.values)

    def excerpt_of(key: str, word: str) -> Excerpt | None:
        return (
            None if source is None else excerpt_of_setting(source.path, source.text, metadata, name, key=key, word=word)
        )

    return values, BlockTable(f"[tool.{name}]", excerpt_of)


def _with_pip_configuration(settings: Settings, environ: Mapping[str, str], files: list[str]) -> Settings:
    """Fill in what pip's configuration says, and add to `files` those where it is, or would be."""
    if settings_module.is_on("PYSCRIPT_NO_PIP_CONFIG", environ):
        return settings
    places = _pip_config_files(environ)
    files += places
    found = [path for path in places if os.path.isfile(path)]
    if not found and environ.keys().isdisjoint(_PIP_VARIABLES):
        return settings
    # A millisecond, with a file 4 more for configparser; and most machines have no configuration of pip.
    from launcher.pip_configuration import with_pip_configuration  # noqa: PLC0415

    return with_pip_configuration(settings, environ, found)


def _pip_config_files(environ: Mapping[str, str]) -> list[str]:
    """Return where pip's configuration files may be: the machine's, the user's, the environment's, PIP_CONFIG_FILE."""
    name = "pip.ini" if sys.platform == "win32" else "pip.conf"
    chosen, home = environ.get("PIP_CONFIG_FILE", ""), environ.get("HOME") or os.path.expanduser("~")
    if chosen == os.devnull:
        return []
    if sys.platform == "win32":
        places = [environ.get("PROGRAMDATA", "C:\\ProgramData") + "\\pip"]
        of_user = [f"{home}\\pip", environ.get("APPDATA", home) + "\\pip"]
    elif sys.platform == "darwin":
        places = ["/Library/Application Support/pip"]
        of_user = [f"{home}/.pip", f"{home}/.config/pip", f"{home}/Library/Application Support/pip"]
    else:
        places = [*(f"{each}/pip" for each in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")), "/etc"]
        of_user = [f"{home}/.pip", (environ.get("XDG_CONFIG_HOME") or f"{home}/.config") + "/pip"]
    # As pip does: a file chosen by the variable stands for the user's own.
    places += [] if chosen and os.path.exists(chosen) else of_user
    # The environment that pyscript is installed in; `sys.prefix` does not know it without the site module.
    places.append(os.path.dirname(os.path.dirname(sys.executable)))
    files = [*(os.path.join(place, name) for place in places), *([os.path.abspath(chosen)] if chosen else [])]
    return list(dict.fromkeys(files))


def _directory_of(source: ScriptSource | None, request: RunRequest) -> str:
    """Return the directory that relative paths in the block count from."""
    directory = "" if source is None or source.is_stdin else os.path.dirname(source.path)
    absolute = os.path.join(request.directory, directory) if directory else request.directory
    return absolute if os.pardir in directory else os.path.normpath(absolute)  # what is above a link, only it tells


def _of_block(request: RunRequest, source: ScriptSource | None, metadata: ScriptMetadata) -> list[Requested]:
    if source is None:
        return []
    directory, lines = _directory_of(source, request), split_lines(source.text)
    requested = []
    for item in metadata.dependencies:
        line = lines[item.line_number - 1]
        excerpt = Excerpt(source.path, item.line_number, line, max(line.find(item.text), 0) + 1, len(item.text))
        origin = f"line {item.line_number} of {source.path}"
        requested.append(Requested(with_absolute_path(item.text, directory), origin, excerpt=excerpt))
    return requested


def _of_options(request: RunRequest) -> list[Requested]:
    here = request.directory
    plain = [Requested(with_absolute_path(text, here), "--with") for text in request.with_]
    editable = [
        Requested(with_absolute_path(path, here, is_path=True), f"--with-editable {path}", is_editable=True)
        for path in request.with_editable
    ]
    return plain + editable


def with_absolute_path(text: str, directory: str, *, is_path: bool = False) -> str:
    """Return a requirement that names a relative path (``./x.whl``, ``x @ ../x``) with an absolute one.

    Others stay as they are, but a text that `is_path` can be nothing else.
    """
    text_alone = text.strip()
    if not is_path and "@" not in text and not text_alone.startswith((".", "~")):
        return text  # like nearly all; for these the pattern, which takes 0.4 ms to compile, is not needed
    found = re.fullmatch(_RELATIVE, text_alone)
    if not found and not is_path:
        return text
    name, path, extras, marker = found.groups() if found else ("", text, None, None)
    path = os.path.normpath(os.path.join(directory, os.path.expanduser(path)))
    if name:
        from pathlib import Path  # noqa: PLC0415 - for the few that name a path so

        path, _, fragment = path.partition("#")
        path = Path(path).as_uri() + (f"#{fragment}" if fragment else "")
    return f"{name or ''}{path}{extras or ''}{marker or ''}"
