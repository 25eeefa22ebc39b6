"""pyscript as somebody's tool installed it, and the question whether a launch takes more than its shell script."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from launcher.value import replace
from tests.conftest import ROOT, Program

_NOT_SHARED = ("__pycache__", "launcher", "pip", "pyscript_launcher", "setuptools", "wheel")
_SOURCES = ("launcher", "LICENSE", "README.md", "hatch_build.py", "pyproject.toml")


@dataclass(frozen=True)
class Installation:
    """The installed `command`, and the `package` that it falls back on."""

    command: Path
    package: Path

    @classmethod
    def of(cls, command: Path) -> Installation:
        """Return the installation in the environment that `command` lies in, links followed."""
        (package,) = command.resolve().parents[1].glob("lib/python3.*/site-packages/launcher")
        return cls(command, package)

    def launch_twice(self, program: Program, *arguments: str | Path) -> list[str]:
        """Return what was said by a first launch, a second one without any launcher's Python, and that Python then.

        The last one is what the second would have said had it asked: a message that there is no launcher.
        """
        ours = replace(program, path=self.command)
        said = [ours(*arguments)]
        with self._without_python():
            said += [ours(*arguments), ours("--version")]
        return [done.stdout + done.stderr if done.returncode == 0 else "failed" for done in said]

    @contextmanager
    def _without_python(self) -> Iterator[None]:
        entry = self.command.resolve().with_name("pyscript-launcher")
        hidden = {path: path.with_name(f"{path.name}-hidden") for path in (self.package, entry)}
        for path, elsewhere in hidden.items():
            path.rename(elsewhere)
        try:
            yield
        finally:
            for path, elsewhere in hidden.items():
                elsewhere.rename(path)


def base_python() -> Path:
    """Return the interpreter below the environment that runs the tests."""
    return Path(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))


def make_environment(path: Path) -> Path:
    """Make an environment that has what pyscript depends on, but no pyscript, and return its Python."""
    subprocess.run([base_python(), "-m", "venv", "--without-pip", path], check=True)
    (site_packages,) = path.glob("lib/python3.*/site-packages")
    share_dependencies(site_packages)
    return path / "bin" / "python"


def share_dependencies(site_packages: Path) -> None:
    """Link what is installed beside the tests, but for pyscript, as if it were installed in `site_packages`."""
    site_packages.mkdir(parents=True, exist_ok=True)
    for own in {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}:
        for entry in own.iterdir():
            if entry.name.partition("-")[0] not in _NOT_SHARED and entry.suffix != ".pth":
                (site_packages / entry.name).symlink_to(entry)


def copy_sources(target: Path) -> Path:
    """Copy what is needed to install the project, and return where it is."""
    target.mkdir(parents=True)
    for name in _SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target)
    return target


def pip_install(python: Path, *arguments: str | Path, environ: Mapping[str, str]) -> None:
    """Install with the pip beside the tests into `python`'s environment, without any network.

    The backend has to be there already: it is among what `share_dependencies` links.
    """
    offline = ["--quiet", "--disable-pip-version-check", "install", "--no-index", "--no-deps", "--no-build-isolation"]
    command = [sys.executable, "-m", "pip", "--python", python, *offline, *arguments]
    # Only the system's own Python is managed by somebody else, and nothing is written to it here.
    settings = {"PIP_CONFIG_FILE": os.devnull, "PIP_BREAK_SYSTEM_PACKAGES": "1"}
    done = subprocess.run(command, env={**environ, **settings}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
