"""Who takes part: pyscript and its peers, each installed from PyPI into an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PEERS = ("uv", "pipx", "hatch", "pip-run")
_SHELLS = ("dash", "bash")


@dataclass(frozen=True, slots=True)
class Tool:
    """One way to run a script: `run` is the command up to the script's path.

    Tools with the same `home` share caches. `environments` and `caches` are glob patterns in that home: what has to be
    forgotten for the tool to make its environment again, and to fetch everything again. `offline` are variables that
    forbid it the network, none where it has no such setting. `index_variables` take the URL of an index. `python` is
    the interpreter that the tool itself runs on, None for one that does not.
    """

    name: str
    version: str
    home: str
    run: tuple[str, ...]
    path: tuple[str, ...]
    environments: tuple[str, ...]
    caches: tuple[str, ...] = (".cache",)
    variables: Mapping[str, str] = field(default_factory=dict)
    offline: Mapping[str, str] = field(default_factory=dict)
    index_variables: tuple[str, ...] = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX")
    python: str | None = None
    is_slow: bool = False


class ToolUnavailable(Exception):
    """A tool could not be installed; the message says why in one line."""


def install_peer(name: str, directory: Path, *, upgrade: bool = False) -> Tool:
    """Install one of `PEERS` below `directory` unless it is there already, and return it.

    Raises `ToolUnavailable` where pip fails.
    """
    python = _install(name, name, directory / name, upgrade=upgrade)
    version, programs = _installed_version(python, name), python.parent
    run: tuple[str, ...]
    interpreters = str(Path(base_python()).parent)
    if name == "uv":
        # The only one that looks for an interpreter on PATH; the others take the one they run on.
        run = (_program(programs, "uv"), "run", "--script")
        environments = (".cache/uv/environments-v*",)
        return Tool("uv", version, "uv", run, (str(programs), interpreters), environments, offline={"UV_OFFLINE": "1"})
    if name == "pipx":
        run = (_program(programs, "pipx"), "run")
        tool = Tool("pipx", version, "pipx", run, (str(programs),), (".cache/pipx", ".local/share/pipx/.cache"))
    elif name == "hatch":
        run = (_program(programs, "hatch"), "run")
        tool = Tool("hatch", version, "hatch", run, (str(programs),), (".local/share/hatch/env",))
    else:
        # As shipped it installs anew for each launch; with this it keeps what it installed, as the others do.
        keep = {"PIP_RUN_RETENTION_STRATEGY": "persist"}
        run = (_program(programs, "pip-run"),)
        tool = Tool("pip-run", version, "pip-run", run, (str(programs),), (".cache/pip run",), variables=keep)
    return replace(tool, python=str(python), is_slow=True)


def install_pyscript(directory: Path) -> list[Tool]:
    """Return the ways to run pyscript: the command beside `sys.executable`, else the checkout, newly installed.

    The first one is the command as installed, through each shell found where it is a shell script; the last one is
    always the Python launcher, started directly. Raises `ToolUnavailable` where pip fails.
    """
    python = Path(sys.executable)
    if not Path(_program(python.parent, "pyscript")).exists():
        python = _install(str(CHECKOUT), "pyscript", directory / "pyscript", upgrade=True)
    command = _program(python.parent, "pyscript")
    launcher = _last_line([str(python), "-I", "-c", "import launcher.__main__ as m; print(m.__file__)"])
    environments = (".cache/pyscript/environments-v*", ".cache/pyscript/launch-v*")
    version = _installed_version(python, "pyscript-launcher")
    common = Tool("", version, "pyscript", (), (str(python.parent),), environments, python=str(python))
    common = replace(common, offline={"PYSCRIPT_OFFLINE": "1"}, index_variables=("PYSCRIPT_INDEX_URL",))
    return [
        *(replace(common, name=name, run=run) for name, run in _ways_to_start(command)),
        replace(common, name="pyscript (Python path)", run=(str(python), "-I", "-S", launcher)),
    ]


def _ways_to_start(command: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return name and command line of each way in which the installed command can be run on this machine."""
    with Path(command).open("rb") as stream:
        first_line = stream.readline()
    if first_line.strip() != b"#!/bin/sh":
        return [("pyscript (entry point)", (command,))]
    found = [(shell, path) for shell in _SHELLS if (path := shutil.which(shell))]
    return [(f"pyscript ({shell})", (path, command)) for shell, path in found] or [
        ("pyscript (sh)", ("/bin/sh", command))
    ]


def install_tools(
    names: Sequence[str], directory: Path, announce: Callable[[str], None], *, upgrade: bool = False
) -> tuple[list[Tool], dict[str, str]]:
    """Return the tools of `names` ("pyscript" or one of `PEERS`), and why others of them cannot take part."""
    tools: list[Tool] = []
    failures: dict[str, str] = {}
    for name in names:
        announce(f"installing {name}")
        try:
            if name == "pyscript":
                tools += install_pyscript(directory)
            else:
                tools.append(install_peer(name, directory, upgrade=upgrade))
        except ToolUnavailable as error:
            failures[name] = str(error)
    return tools, failures


def base_python() -> str:
    """Return the interpreter below all environments: the one this runs on, outside any virtual environment."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def default_directory() -> Path:
    """Return where peers are kept between runs, per Python version."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "pyscript-bench" / f"python{sys.version_info.major}.{sys.version_info.minor}"


def _install(requirement: str, name: str, directory: Path, *, upgrade: bool) -> Path:
    """Install `requirement` into an environment at `directory` and return its Python; pip's settings are the user's."""
    python = directory / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    # Exported, it would leave the tools without byte code, and make them look slow.
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    if Path(_program(python.parent, name)).exists() and not upgrade:
        return python
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--upgrade"]
    for command in ([base_python(), "-m", "venv", str(directory)], [*pip, "pip"], [*pip, requirement]):
        ended = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
        if ended.returncode:
            lines = [line.strip() for line in ended.stderr.splitlines() if "error" in line.lower()]
            raise ToolUnavailable(f"{name} cannot be installed: {'; '.join(lines) or ended.stderr[-300:]}")
    return python


def _installed_version(python: Path, distribution: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({distribution!r}))"
    return _last_line([str(python), "-I", "-c", code])


def _last_line(command: Sequence[str]) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = ended.stdout.split("\n") if ended.returncode == 0 else []
    if not any(lines):
        raise ToolUnavailable(f"{Path(command[0]).name} gave no answer: {ended.stderr.strip()[-200:]}")
    return [line for line in lines if line][-1]


def _program(directory: Path, name: str) -> str:
    return str(directory / (f"{name}.exe" if sys.platform == "win32" else name))
