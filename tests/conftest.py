"""Fixtures for every test: a machine of its own (cache, home, variables), the installed program, an index.

What is below tests/network keeps the person's own home and pip configuration, because the real index may need them.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import hypothesis
import pytest

from tests.support.index_server import IndexServer
from tests.support.screen import PROGRAMS as SCREEN_PROGRAMS
from tests.support.screen import Screen

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in the background of a shell script; what the tests start would inherit it, and some of it is interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)

TESTS = Path(__file__).parent
ROOT = TESTS.parent

_ALWAYS_KEPT = {
    *("LANG", "LOGNAME", "SHELL", "TMPDIR", "USER"),
    *("COMSPEC", "NUMBER_OF_PROCESSORS", "PATH", "PATHEXT", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "WINDIR"),
}
_NEVER_ONLINE = ("COVERAGE_", "PYSCRIPT_", "PYTEST_", "PYTHON", "UV_", "VIRTUAL_ENV", "XDG_CACHE_HOME")

# The machine may be busy with other tests: how long an example takes says nothing.
hypothesis.settings.register_profile("house", deadline=None, print_blob=True)
hypothesis.settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else ""
        if folder in {"functional", "network"}:
            item.add_marker(pytest.mark.functional)
        if folder == "network":
            item.add_marker(pytest.mark.network)


def program_path(name: str = "pyscript") -> Path:
    """Return where the program `name` of the tested installation is: beside the Python that runs the tests."""
    suffix = ".exe" if sys.platform == "win32" else ""
    return Path(sys.executable).parent / f"{name}{suffix}"


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    """Return a cache directory of this test's own; it does not exist yet."""
    return tmp_path / "cache"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return an empty home directory of this test's own."""
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def environ(request: pytest.FixtureRequest, cache_dir: Path, home: Path) -> dict[str, str]:
    """Return the variables for programs under test; of the person's configuration only online tests see any."""
    is_online = request.node.get_closest_marker("network") is not None
    child = {name: value for name, value in os.environ.items() if _is_kept(name.upper(), is_online)}
    child["PYSCRIPT_CACHE_DIR"] = str(cache_dir)
    if not is_online:
        child |= {"HOME": str(home), "USERPROFILE": str(home)}
        # /etc/pip.conf is read like any other configuration of pip.
        child["PYSCRIPT_NO_PIP_CONFIG"] = "1"
    if sys.platform != "win32":
        system = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")
        child["PATH"] = os.pathsep.join((str(program_path().parent), *system))
    return child


@dataclass(frozen=True)
class Program:
    """The installed `pyscript`, ready to be run in a test's own surroundings. Call it, or `start` it."""

    path: Path
    environ: dict[str, str]
    directory: Path
    _started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __call__(
        self,
        *arguments: str | os.PathLike[str],
        env: Mapping[str, str | None] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        input: str | bytes = "",  # noqa: A002  # subprocess.run's name for it
        timeout_s: float = 600,
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end; `env` adds variables, or takes them away where the value is None.

        Output is text; bytes that are no UTF-8 come as surrogates, line ends as they are.
        """
        completed = subprocess.run(
            [os.fspath(word) for word in (self.path, *arguments)],
            env=self.variables(env),
            cwd=cwd or self.directory,
            input=input.encode() if isinstance(input, str) else input,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
        stdout, stderr = (raw.decode("utf-8", "surrogateescape") for raw in (completed.stdout, completed.stderr))
        return subprocess.CompletedProcess(completed.args, completed.returncode, stdout, stderr)

    def start(
        self, *arguments: str | os.PathLike[str], env: Mapping[str, str | None] | None = None
    ) -> subprocess.Popen[str]:
        """Start it and return at once, for tests of signals and of many launches; what still runs is killed later."""
        process = subprocess.Popen(
            [os.fspath(word) for word in (self.path, *arguments)],
            env=self.variables(env),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def variables(self, changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """Return the variables it is run with, `changes` made."""
        merged: dict[str, str | None] = {**self.environ, **(changes or {})}
        return {name: value for name, value in merged.items() if value is not None}

    def stop(self) -> None:
        """Kill what `start` left running."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def run_pyscript(environ: dict[str, str], tmp_path: Path) -> Iterator[Program]:
    """Run the installed program in `tmp_path`: ``run_pyscript("x.py", "arg", env={...}, cwd=..., input="...")``."""
    path = program_path()
    if not path.exists():
        pytest.fail(f"{path} is missing: install the project into this environment first (pip install -e .)")
    program = Program(path, environ, tmp_path)
    yield program
    program.stop()


@pytest.fixture
def index() -> Iterator[IndexServer]:
    """Return an index on 127.0.0.1, empty at first; it logs what it is asked."""
    with IndexServer() as server:
        yield server


@pytest.fixture
def screen(environ: dict[str, str], tmp_path: Path) -> Iterator[Screen]:
    """Return a screen of this test's own that nobody sees, or skip the test where the programs for one are missing."""
    refuse_missing(*SCREEN_PROGRAMS)
    with Screen(tmp_path, environ) as screen:
        yield screen


def refuse_missing(*programs: str) -> None:
    """Skip the test where programs are missing; where CI has installed them all, that they are missing is an error."""
    missing = ", ".join(name for name in programs if shutil.which(name) is None)
    if missing and os.environ.get("REQUIRE_DOUBLE_CLICKS"):
        pytest.fail(f"not installed, though they were to be: {missing}")
    if missing:
        pytest.skip(f"not installed: {missing}")


@pytest.fixture(scope="session")
def interpreters() -> Mapping[str, str]:
    """Return other Pythons of this machine that really start, as {"3.12": absolute path}; often there are none."""
    return other_interpreters()


@cache
def other_interpreters() -> Mapping[str, str]:
    """Find CPythons in the usual places, leaving out the version that runs the tests."""
    found: dict[str, str] = {}
    for executable in _possible_interpreters():
        version = _version_of(executable)
        if version and version != "{}.{}".format(*sys.version_info):
            found.setdefault(version, str(executable))
    return dict(sorted(found.items(), key=lambda item: int(item[0].partition(".")[2])))


def _possible_interpreters() -> Sequence[Path]:
    minors = range(8, 15)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    in_pyenv = [path for minor in minors for path in sorted(pyenv.glob(f"3.{minor}.*/bin/python"))]
    directories = [Path(name) for name in ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin")]
    return [*in_pyenv, *(directory / f"python3.{minor}" for directory in directories for minor in minors)]


def _version_of(executable: Path) -> str | None:
    """Ask an executable for its version, because a name promises nothing: a shim may stand for no Python at all."""
    if not executable.exists():
        return None
    question = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([executable, "-I", "-S", "-c", question], capture_output=True, timeout=20, check=False)
    except OSError:
        return None
    return answer.stdout.decode().strip() if answer.returncode == 0 else None


def _is_kept(name: str, is_online: bool) -> bool:
    return name in _ALWAYS_KEPT or (is_online and not name.startswith(_NEVER_ONLINE))
