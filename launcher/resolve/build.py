"""A source tree -> its metadata and its wheel (PEP 517, 518, 660), by way of pypa/build, whose only importer this is.

The build runs in an environment of our own making: its requirements go through the same resolver, store and composer as
a script's. What the backend prints is shown only where it fails.
"""

from __future__ import annotations

import os
import subprocess
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from build import BuildBackendException, BuildException, ProjectBuilder, TypoWarning

from launcher.errors import BuildFailed
from launcher.launch.warm import environment_for
from launcher.reporter import Reporter
from launcher.resolve.build_output import BuildOutput, lines_of
from launcher.resolve.git_program import HOOK_VARIABLES

_AT_ONCE = threading.BoundedSemaphore(os.cpu_count() or 2)
"""Backends that run at the same time; none of them waits for another one."""

_ANOTHER_PROJECTS = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "__PYVENV_LAUNCHER__", *HOOK_VARIABLES)

# pypa/build and the hooks below it hand on what backends warn of as Python warnings, in the middle of our own words.
for _kind in (TypoWarning, UserWarning):
    warnings.simplefilter("ignore", _kind)


class BuildPlace(Protocol):
    """An environment to build in, as `launcher.environment` makes them in a later room."""

    @property
    def path(self) -> Path:
        """The environment's directory."""

    @property
    def python(self) -> Path:
        """The environment's interpreter."""


@dataclass(frozen=True, slots=True)
class SourceTree:
    """A project's directory, what people call it, what kind of wheel is wanted, and how to be alone in there."""

    directory: Path
    label: str
    is_editable: bool = False
    alone: Callable[[], AbstractContextManager[None]] = nullcontext

    @property
    def kind(self) -> Literal["wheel", "editable"]:
        """The kind as pypa/build calls it."""
        return "editable" if self.is_editable else "wheel"


class ProjectBuild:
    """One project in an environment that has what its backend asks for. Making it runs the backend already.

    `make_environment` returns an environment of requirements; its second argument says where they come from.
    Every method raises `BuildFailed` with the last lines of the backend's output.
    """

    def __init__(
        self, tree: SourceTree, make_environment: Callable[[Sequence[str], str], BuildPlace], reporter: Reporter
    ) -> None:
        self._tree = tree
        self._reporter = reporter
        self._output = BuildOutput()
        self._running: set[subprocess.Popen[str]] = set()
        self._is_stopped = False
        self._metadata_directory: str | None = None
        origin = f"a build requirement of {tree.label}"
        with self._failures():
            requires = sorted(ProjectBuilder(tree.directory).build_system_requires)
            self._builder = self._builder_in(make_environment(requires, origin))
            more = sorted(self._builder.get_requires_for_build(tree.kind) - set(requires))
            if more:
                self._builder = self._builder_in(make_environment([*requires, *more], origin))

    def metadata(self, directory: Path) -> bytes | None:
        """Return METADATA as the backend prepares it in `directory`, or None where only the wheel will tell."""
        with self._failures():
            self._metadata_directory = self._builder.prepare(self._tree.kind, directory)
        if self._metadata_directory is None:
            return None
        try:
            return Path(self._metadata_directory, "METADATA").read_bytes()
        except OSError as error:
            raise BuildFailed(f"The build backend of {self._tree.label} prepared no METADATA.") from error

    def wheel(self, directory: Path) -> Path:
        """Build the wheel into `directory` and return its path."""
        with self._failures():
            made = Path(self._builder.build(self._tree.kind, directory, metadata_directory=self._metadata_directory))
        if made.parent != directory or made.suffix != ".whl" or not made.is_file():
            raise BuildFailed(f"The build backend of {self._tree.label} did not make a wheel but {made.name!r}.")
        return made

    def stop(self) -> None:
        """End what is running, because nobody waits for it any more."""
        self._is_stopped = True
        for process in tuple(self._running):
            with suppress(OSError):
                process.terminate()

    def _builder_in(self, environment: BuildPlace) -> ProjectBuilder:
        child = environment_for(str(environment.path), dict(os.environ))
        for name in _ANOTHER_PROJECTS:
            child.pop(name, None)

        def run(cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None) -> None:
            with _AT_ONCE, self._tree.alone():
                self._run(cmd, cwd, child | dict(extra_environ or {}))

        return ProjectBuilder(self._tree.directory, python_executable=str(environment.python), runner=run)

    def _run(self, command: Sequence[str], directory: str | None, environ: Mapping[str, str]) -> None:
        if self._is_stopped:
            raise BuildFailed("The build was given up.")
        with subprocess.Popen(
            command,
            cwd=directory,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process:
            self._running.add(process)
            try:
                assert process.stdout is not None
                for line in lines_of(process.stdout):
                    self._output.add(line)
                    self._reporter.detail(f"{self._tree.label}: {line.rstrip()}", level=2)
            except BaseException:
                process.kill()
                raise
            finally:
                self._running.discard(process)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (BuildException, BuildBackendException, subprocess.CalledProcessError, OSError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> BuildFailed:
        reason = str(error).partition("\n")[0].rstrip(".")
        lines = self._output.last_lines()
        hint = self._output.hint()
        if "is not available" in reason:
            reason = f"its pyproject.toml asks for a build backend that its build requirements do not bring ({reason})"
            hint = "Tell the project, or ask for another version."
            lines = ""
        elif isinstance(error, BuildBackendException) and isinstance(error.exception, subprocess.CalledProcessError):
            reason = "its build backend failed"
        hint = hint or "Ask for another version, or one with a wheel; -vv shows everything that the build prints."
        return BuildFailed(f"{self._tree.label} could not be built: {reason}.\n{lines}".rstrip(), hint=hint)
