"""Where interpreters live on this kind of system: pure functions over an environment and a file system.

Names are hints for what to ask first; what an interpreter is, only it can say.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from launcher.errors import UsageError
from launcher.value import Value

_NAME = r"(?P<stem>python|pypy|graalpy)(?P<version>3(?:\.\d+)?)?t?(?:\.exe)?"
_INSIDE = (
    "bin/python3",
    "bin/python",
    "install/bin/python3",
    "python/bin/python3",
    "bin/pypy3",
    "bin/graalpy",
    "python.exe",
    "Scripts/python.exe",
    "python/python.exe",
    "install/python.exe",
    "pypy3.exe",
)
"""Where installers put the executable inside an installation; ``python.exe`` alone never exists on POSIX."""


class Place(Value):
    """An executable that may be an interpreter, and where it was seen."""

    path: str
    origin: str

    @property
    def is_shim(self) -> bool:
        """Whether a version manager answers under this name; what it leads to is found at its real place too."""
        return os.path.basename(os.path.dirname(self.path)) == "shims"

    @property
    def named_version(self) -> str | None:
        """The minor version in the name, ``"3.12"``, or None; ``python3`` may be any."""
        match = re.fullmatch(_NAME, os.path.basename(self.path), re.IGNORECASE)
        return match["version"] if match and "." in (match["version"] or "") else None

    @property
    def named_implementation(self) -> str | None:
        """``"pypy"`` or ``"graalpy"`` where the name says so; ``python`` may be any."""
        match = re.fullmatch(_NAME, os.path.basename(self.path), re.IGNORECASE)
        return match["stem"].lower() if match and match["stem"].lower() != "python" else None


class Surroundings(Value):
    """What decides where to look; `root` stands before fixed directories, so that tests can have their own."""

    environ: Mapping[str, str]
    platform: str
    own: str
    root: str = "/"

    @classmethod
    def here(cls) -> Surroundings:
        """Return those of this process."""
        return cls(environ=os.environ, platform=sys.platform, own=sys.executable)

    @property
    def path(self) -> str:
        """The value of PATH."""
        return self.environ.get("PATH", os.defpath)


def on_path(surroundings: Surroundings) -> Iterator[Place]:
    """Yield what PATH offers, in its order; in one directory ``python3`` and ``python`` first, then the newest name."""
    separator = ";" if surroundings.platform == "win32" else ":"
    seen = set()
    for directory in surroundings.path.split(separator):
        # A relative entry would let the current directory say which interpreter is run.
        if os.path.isabs(directory) and directory not in seen:
            seen.add(directory)
            yield from _in_directory(directory, "PATH", surroundings)


def elsewhere(surroundings: Surroundings) -> Iterator[Place]:
    """Yield what version managers, installers and the system have, whether on PATH or not; conda's base last."""
    for parent, origin in _parents(surroundings):
        for directory in _children(parent):
            if executable := executable_inside(directory):
                yield Place(executable, origin)
    for directory_name in _bin_directories(surroundings):
        yield from _in_directory(directory_name, "the system", surroundings)
    for directory in _conda_bases(surroundings):
        if executable := executable_inside(directory):
            yield Place(executable, "conda")


def executable_inside(directory: str | os.PathLike[str]) -> str | None:
    """Return the interpreter of an installation or a venv, or None where the directory is neither."""
    return next((path for name in _INSIDE if os.path.isfile(path := os.path.join(directory, name))), None)


def data_directory(environ: Mapping[str, str], platform: str) -> Path | None:
    """Return where pyscript keeps what is no cache, or None where no variable names a place for data.

    ``PYSCRIPT_DATA_DIR`` decides, else the platform's own place. Raises `UsageError` where it is not absolute: the
    current directory must not say which interpreter is run.
    """
    if chosen := environ.get("PYSCRIPT_DATA_DIR"):
        if not os.path.isabs(chosen):
            raise UsageError(f"The variable PYSCRIPT_DATA_DIR: {chosen!r} is not an absolute path.", hint="Give one.")
        return Path(chosen)
    data = _data_directory(environ, platform)
    return data / "pyscript" if data else None


def installations_directory(environ: Mapping[str, str], platform: str) -> Path | None:
    """Return where the interpreters are that pyscript downloaded; None, or raises, as `data_directory` does."""
    data = data_directory(environ, platform)
    return data / "pythons" if data else None


def find_on_path(name: str, surroundings: Surroundings) -> str | None:
    """Return the first executable file called `name` on PATH, relative entries left out."""
    is_windows = surroundings.platform == "win32"
    suffixes = surroundings.environ.get("PATHEXT", ".EXE;.BAT;.CMD").split(";") if is_windows else []
    for directory in surroundings.path.split(";" if is_windows else ":"):
        for suffix in ["", *suffixes]:
            path = os.path.join(directory, name + suffix)
            if os.path.isabs(directory) and os.path.isfile(path) and os.access(path, os.X_OK):
                return path
    return None


def _in_directory(directory: str, origin: str, surroundings: Surroundings) -> Iterator[Place]:
    if surroundings.platform == "darwin" and not _may_run_system_python(directory, surroundings):
        return
    try:
        names = [name for name in os.listdir(directory) if re.fullmatch(_NAME, name, re.IGNORECASE)]
    except OSError:
        return
    for name in sorted(names, key=_name_rank):
        path = os.path.join(directory, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            yield Place(path, origin)


def _name_rank(name: str) -> tuple[bool, int, str]:
    match = re.fullmatch(_NAME, name, re.IGNORECASE)
    assert match is not None
    _, _, minor = (match["version"] or "").partition(".")
    return match["stem"].lower() != "python", -int(minor or 1000), name


def _may_run_system_python(directory: str, surroundings: Surroundings) -> bool:
    """Tell whether ``/usr/bin/python3`` of macOS is one: without developer tools it opens a window instead."""
    if os.path.normpath(directory) != os.path.join(surroundings.root, "usr/bin"):
        return True
    tools = ("Library/Developer/CommandLineTools", "Applications/Xcode.app")
    return any(os.path.exists(os.path.join(surroundings.root, each)) for each in tools)


def _parents(surroundings: Surroundings) -> Iterator[tuple[Path, str]]:
    """Yield directories each of whose children is an installation, and who made them."""
    environ, platform = surroundings.environ, surroundings.platform
    if ours := installations_directory(environ, platform):
        yield ours, "pyscript"
    if home := _home(environ, platform):
        yield from _parents_of_person(home, environ, platform)
    if platform == "darwin":
        for name in ("Python.framework", "PythonT.framework"):
            yield Path(surroundings.root, "Library/Frameworks", name, "Versions"), "python.org"
    elif platform == "win32":
        yield from (
            (Path(environ[name]), "python.org") for name in ("ProgramFiles", "ProgramFiles(x86)") if name in environ
        )
    else:
        yield Path(surroundings.root, "opt/python"), "the system"


def _parents_of_person(home: Path, environ: Mapping[str, str], platform: str) -> Iterator[tuple[Path, str]]:
    local = _directory(environ, "LOCALAPPDATA") or home / "AppData/Local"
    roaming = _directory(environ, "APPDATA") or home / "AppData/Roaming"
    xdg = _directory(environ, "XDG_DATA_HOME") or home / ".local/share"
    library = home / "Library/Application Support"
    data = _data_directory(environ, platform) or xdg
    pyenv = _directory(environ, "PYENV_ROOT") or home / (".pyenv/pyenv-win" if platform == "win32" else ".pyenv")
    yield pyenv / "versions", "pyenv"
    uv = _directory(environ, "UV_PYTHON_INSTALL_DIR")
    for parent in (
        [uv] if uv else [roaming / "uv/python", roaming / "uv/data/python", xdg / "uv/python", library / "uv/python"]
    ):
        yield parent, "uv"
    pipx = _directory(environ, "PIPX_HOME")
    for parent in [pipx] if pipx else [data / "pipx", xdg / "pipx", home / ".local/pipx", home / "pipx"]:
        yield parent / "py", "pipx"
    yield (_directory(environ, "ASDF_DATA_DIR") or home / ".asdf") / "installs/python", "asdf"
    yield (
        (_directory(environ, "MISE_DATA_DIR") or (local if platform == "win32" else xdg) / "mise") / "installs/python",
        "mise",
    )
    yield data / "hatch/pythons", "hatch"
    yield home / ".rye/py", "rye"
    if platform == "win32":
        yield local / "Programs/Python", "python.org"
        yield local / "Python", "the Python install manager"


def _bin_directories(surroundings: Surroundings) -> Iterator[str]:
    if surroundings.platform == "win32":
        return
    if surroundings.platform == "darwin":
        yield os.path.join(surroundings.root, "opt/homebrew/bin")
        for cellar in ("opt/homebrew/opt", "usr/local/opt"):
            kegs = [keg for keg in _children(Path(surroundings.root, cellar)) if keg.name.startswith("python")]
            yield from (str(keg / "bin") for keg in kegs)
        yield os.path.join(surroundings.root, "opt/local/bin")
    yield os.path.join(surroundings.root, "usr/local/bin")
    yield os.path.join(surroundings.root, "usr/bin")


def _conda_bases(surroundings: Surroundings) -> Iterator[Path]:
    environ = surroundings.environ
    if conda := environ.get("CONDA_EXE"):
        yield Path(conda).parent.parent
    names = ("miniforge3", "miniconda3", "mambaforge", "anaconda3")
    if home := _home(environ, surroundings.platform):
        yield from (home / name for name in names)
    yield from (Path(surroundings.root, "opt", name) for name in ("conda", *names))


def _home(environ: Mapping[str, str], platform: str) -> Path | None:
    return _directory(environ, "USERPROFILE" if platform == "win32" else "HOME")


def _data_directory(environ: Mapping[str, str], platform: str) -> Path | None:
    """Return where programs keep a person's data, None where no variable says."""
    variable, below_home = {
        "win32": ("LOCALAPPDATA", "AppData/Local"),
        "darwin": ("", "Library/Application Support"),
    }.get(platform, ("XDG_DATA_HOME", ".local/share"))
    home = _home(environ, platform)
    return _directory(environ, variable) or (home and home / below_home)


def _directory(environ: Mapping[str, str], variable: str) -> Path | None:
    value = environ.get(variable)
    return Path(value) if value and os.path.isabs(value) else None


def _children(parent: Path) -> list[Path]:
    """Return the directories in `parent`, links that merely repeat another one included."""
    try:
        return sorted(child for child in parent.iterdir() if child.is_dir() and not child.name.startswith("."))
    except OSError:
        return []
