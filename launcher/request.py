"""What was asked for, and what follows from it: script text -> metadata -> settings and requirements.

The first half of the data path, up to where an interpreter is needed; `launcher.prepare` is the other half.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from launcher import settings as settings_module
from launcher.errors import Excerpt, InvalidMetadata
from launcher.reporter import Reporter
from launcher.resolve.resolution import Policy, Requested
from launcher.script.inline_metadata import ScriptMetadata, excerpt_of_requires_python, read_metadata
from launcher.script.lines import split_lines
from launcher.script.source import ScriptSource, read_script, read_stdin_script
from launcher.settings import Settings

_VERSION_OR_RANGE = re.compile(r"[<>=~!]|((c?python|cp|pypy|graalpy|graalvm)-?)?[\d.]+((a|b|rc)\d+)?t?d?$")
_NO_METADATA = ScriptMetadata(None, (), {}, None)


class TargetKind(StrEnum):
    """What is to be run inside the environment."""

    SCRIPT = "script"
    STDIN = "stdin"
    MODULE = "module"
    CODE = "code"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the command line asked for.

    `tokens` are the arguments up to and with the target, `skipped` how many of them are not handed on, `arguments`
    those behind it. `command_line` holds the settings given as options; `directory` is the current one, absolute.
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


@dataclass(frozen=True, slots=True)
class Needs:
    """Everything that decides which environment a request gets, and the script's `metadata` that it came from.

    `requires_python_line` is where the script says it; `editables` are absolute paths of projects with what named them;
    `files` are those that were read on the way, by absolute path; `is_lasting` is False where the answer can change
    without one of these files changing.
    """

    source: ScriptSource | None
    settings: Settings
    requires_python: str | None
    requires_python_line: Excerpt | None
    requested: tuple[Requested, ...]
    policy: Policy
    editables: tuple[tuple[str, str], ...]
    files: tuple[str, ...]
    is_lasting: bool
    metadata: ScriptMetadata


def read_needs(request: RunRequest, environ: Mapping[str, str], reporter: Reporter) -> Needs:
    """Read the script, the config file and the requirements files of a request, and say what it needs.

    Raises `ScriptNotFound`, `InvalidMetadata` or `UsageError`.
    """
    source = _read_source(request)
    metadata, line = _read_metadata(source, reporter)
    settings = _settle(request, source, metadata, environ)
    requested = [*_of_block(request, source, metadata), *_of_options(request)]
    editables = [(os.path.join(request.directory, path), f"--with-editable {path}") for path in request.with_editable]
    for name in settings.env_file:
        if not os.path.exists(name):
            raise InvalidMetadata(f"The env-file {name} does not exist.", hint="Check the path given to --env-file.")
    files = [str(settings_module.config_path(environ))]
    is_lasting = not (settings.refresh or settings.upgrade or settings.max_age_s is not None or settings.env_file)
    is_lasting = is_lasting and not (settings.python and _is_looked_up_on_path(settings.python))
    policy = Policy(
        prerelease=settings.prerelease,
        resolution=settings.resolution,
        exclude_newer=settings.exclude_newer,
        exclude_newer_package=settings.exclude_newer_package,
    )
    if settings.constraint or settings.override:
        # 40 ms for packaging, and few launches have any.
        from launcher.resolve import written_policy  # noqa: PLC0415

        directories = {
            "": request.directory,
            written_policy.IN_BLOCK: _directory_of(source, request),
            files[0]: os.path.dirname(files[0]),
        }
        written = written_policy.read_written_policy(policy, settings, directories, environ)
        policy = written.policy
        files += written.paths
        is_lasting = is_lasting and not written.variables
    if request.with_requirements:
        # 40 ms for packaging, and few launches name a file.
        from launcher.resolve import requirements_file  # noqa: PLC0415

        for name in request.with_requirements:
            content = requirements_file.read_requirements_file(os.path.join(request.directory, name), environ)
            requested += requirements_file.as_requested(content)
            editables += requirements_file.editables_of(content)
            policy = requirements_file.with_policy_options(policy, settings, content)
            settings = requirements_file.with_index_options(settings, content)
            files += [os.path.abspath(path) for path in content.paths]
            is_lasting = is_lasting and not content.variables
    return Needs(
        source=source,
        settings=settings,
        requires_python=metadata.requires_python,
        requires_python_line=line,
        requested=tuple(requested),
        policy=policy,
        editables=tuple(editables),
        files=tuple(files),
        is_lasting=is_lasting,
        metadata=metadata,
    )


def _is_looked_up_on_path(python: str) -> bool:
    """Tell whether ``--python`` names a program; a version, a range or a path does not depend on PATH."""
    return os.path.basename(python) == python and not _VERSION_OR_RANGE.match(python)


def _read_source(request: RunRequest) -> ScriptSource | None:
    if request.kind is TargetKind.STDIN:
        return read_stdin_script()
    return read_script(request.target) if request.kind is TargetKind.SCRIPT else None


def _read_metadata(source: ScriptSource | None, reporter: Reporter) -> tuple[ScriptMetadata, Excerpt | None]:
    if source is None:
        return _NO_METADATA, None
    metadata, warnings = read_metadata(source.text, source.path)
    for warning in warnings:
        reporter.warning(warning)
    return metadata, excerpt_of_requires_python(source.path, source.text, metadata)


def _settle(
    request: RunRequest, source: ScriptSource | None, metadata: ScriptMetadata, environ: Mapping[str, str]
) -> Settings:
    tool = metadata.tool.get("pyscript", {})
    path = settings_module.config_path(environ)
    config = settings_module.read_config_file(path)
    settings = settings_module.resolve_settings(
        request.command_line, environ, tool if isinstance(tool, dict) else {}, config, str(path)
    )
    return settings_module.with_relative_paths_from(settings, _directory_of(source, request))


def _directory_of(source: ScriptSource | None, request: RunRequest) -> str:
    """Return the directory that relative paths in the block count from."""
    if source is None or source.is_stdin:
        return request.directory
    return os.path.dirname(os.path.join(request.directory, source.path))


def _of_block(request: RunRequest, source: ScriptSource | None, metadata: ScriptMetadata) -> list[Requested]:
    if source is None:
        return []
    directory, lines = _directory_of(source, request), split_lines(source.text)
    requested = []
    for item in metadata.dependencies:
        line = lines[item.line_number - 1]
        excerpt = Excerpt(source.path, item.line_number, line, max(line.find(item.text), 0) + 1, len(item.text))
        origin = f"line {item.line_number} of {source.path}"
        requested.append(Requested(_with_absolute_path(item.text, directory), origin, excerpt=excerpt))
    return requested


def _of_options(request: RunRequest) -> list[Requested]:
    return [Requested(_with_absolute_path(text, request.directory), "--with") for text in request.with_]


def _with_absolute_path(text: str, directory: str) -> str:
    """Return a requirement that is a relative path (``./x.whl``) as an absolute one; others stay as they are."""
    if text.startswith(("./", "../", ".\\", "..\\")):
        return os.path.normpath(os.path.join(directory, text))
    return text
