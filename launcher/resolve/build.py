"""A project in development -> an editable wheel (PEP 517, PEP 660), by way of pypa/build.

The build runs in an environment of our own making: its requirements go through the same resolver, store and composer as
a script's. What the backend prints is shown only where it fails.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from build import BuildBackendException, BuildException, ProjectBuilder
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from launcher.cache import Bucket, Cache
from launcher.errors import BuildFailed, UsageError
from launcher.launch.record import stamp_of
from launcher.launch.warm import environment_for
from launcher.python.query import Interpreter
from launcher.reporter import Reporter

_DECIDING_FILES = ("pyproject.toml", "setup.py", "setup.cfg")
_SHOWN_LINES = 20


class BuildPlace(Protocol):
    """An environment to build in, as `launcher.environment` makes them in a later room."""

    @property
    def path(self) -> Path:
        """The environment's directory."""

    @property
    def python(self) -> Path:
        """The environment's interpreter."""


BuildEnvironment = Callable[[Sequence[str], str], BuildPlace]
"""Makes an environment of requirements; the second argument says where they come from."""


@dataclass(frozen=True, slots=True)
class BuiltProject:
    """An editable wheel and what it is good for.

    `name` is the project's, `extras` the wanted ones (``[a,b]`` or nothing); when one of the files at the absolute
    paths `depends_on` changes, a new build is necessary.
    """

    name: str
    extras: str
    wheel: Path
    depends_on: tuple[str, ...]


def build_editable(
    path: Path, interpreter: Interpreter, build_environment: BuildEnvironment, cache: Cache, reporter: Reporter
) -> BuiltProject:
    """Return the editable wheel of the project at `path`, which may end in extras (``./lib[test]``).

    It is built once for each state of the files that describe the project. Raises `UsageError` where there is no
    project and `BuildFailed` with the last lines of the backend's output where it cannot be built.
    """
    project, extras = _split_extras(path)
    files = tuple(str(project / name) for name in _DECIDING_FILES)
    stamps = [stamp_of(name) for name in files]
    if not any(stamps[:2]):
        raise UsageError(
            f"{path} is not a project that can be installed: it has neither a pyproject.toml nor a setup.py.",
            hint="Give --with-editable the directory that holds one of them.",
        )
    key = hashlib.sha256(repr((str(project), stamps, interpreter.identity)).encode()).hexdigest()[:32]
    with cache.lock(f"build-{key}", reporter, f"building {project.name}"):
        wheel = _built_before(cache, key)
        if wheel is None:
            reporter.step(f"Building {project.name}")
            wheel = _build(project, key, build_environment, cache)
    return BuiltProject(_name_of(wheel), extras, wheel, files)


def _split_extras(path: Path) -> tuple[Path, str]:
    text = str(path)
    if text.endswith("]") and not path.exists():
        text, _, extras = text[:-1].rpartition("[")
        return Path(text).resolve(), f"[{extras}]"
    return path.resolve(), ""


def _built_before(cache: Cache, key: str) -> Path | None:
    return next(cache.path(Bucket.BUILT, key).glob("*.whl"), None)


def _build(project: Path, key: str, build_environment: BuildEnvironment, cache: Cache) -> Path:
    output = _Output()
    try:
        builder = ProjectBuilder(project)
        origin = f"[build-system] of {project / 'pyproject.toml'}"
        requires = sorted(builder.build_system_requires)
        builder = _builder_in(build_environment(requires, origin), project, output)
        if more := sorted(builder.get_requires_for_build("editable")):
            environment = build_environment([*requires, *more], origin)
            builder = _builder_in(environment, project, output)
        with cache.temporary_directory() as directory:
            made = Path(builder.build("editable", str(directory)))
            if made.parent != directory or made.suffix != ".whl":
                raise BuildFailed(f"The build backend of {project} did not return a wheel but {made.name!r}.")
            return cache.publish(directory, Bucket.BUILT, key) / made.name
    except BuildFailed:
        raise
    except (BuildException, BuildBackendException, subprocess.CalledProcessError) as error:
        raise BuildFailed(
            f"{project} could not be built: {error}\n{output.last_lines()}".rstrip(),
            hint="Mend the project, or see whether `python -m build` builds it.",
        ) from error


def _builder_in(environment: BuildPlace, project: Path, output: _Output) -> ProjectBuilder:
    child = environment_for(str(environment.path), dict(os.environ))

    def run(cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None) -> None:
        done = subprocess.run(
            cmd,
            cwd=cwd,
            env=child | dict(extra_environ or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        output.lines += done.stdout.decode(errors="replace").splitlines()
        done.check_returncode()

    return ProjectBuilder(project, python_executable=str(environment.python), runner=run)


class _Output:
    """What the backend printed, kept for the case that it fails."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def last_lines(self) -> str:
        return "\n".join(f"  | {line}" for line in self.lines[-_SHOWN_LINES:])


def _name_of(wheel: Path) -> str:
    try:
        return parse_wheel_filename(wheel.name)[0]
    except InvalidWheelFilename as error:
        raise BuildFailed(f"The build backend returned a wheel with an invalid name: {wheel.name}.") from error
