"""Environments: a PEP 405 layout made by hand and composed from stored wheels, named by its key.

Making the layout takes a tenth of a millisecond; the standard library's venv needs 10 ms for its import alone. An
environment is ``environments-v1/<key>/``; its marker, written last, names the wheels it uses, and the time of its file
``used`` is when it was last used.
"""

from __future__ import annotations

import marshal
import ntpath
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from launcher.cache import MAKE_ROOM, Bucket, Cache, remove_tree
from launcher.digest import digest_of
from launcher.environment.compose import Layout, Plan, carry_out, next_link_mode, plan, usable_link_mode
from launcher.environment.stored_wheel import StoredWheel
from launcher.errors import CacheUnusable
from launcher.reporter import Reporter
from launcher.value import Value

if TYPE_CHECKING:
    from launcher.python.query import Interpreter

MARKER = ".pyscript"
USED = "used"
"""`launcher.launch` sets its time at every launch."""
_LAYOUT_VERSION = 1
"""Raise it whenever an environment with the same key would look different."""
_MARSHAL_VERSION = 4
_HOME = "home = "
_VERSION = "version = "
_IS_WINDOWS = sys.platform == "win32"
_KEY_LENGTH = 32
"""128 bits; the path is part of every console script's first line, which must be short."""


class Environment(Value):
    """A complete environment; `python` is its interpreter and `bin` the directory of its programs."""

    key: str
    path: Path
    python: Path
    bin: Path


class _Recipe(Value):
    """What an environment is made of, and where it will be."""

    target: Path
    layout: Layout
    interpreter: Interpreter
    wheels: Sequence[StoredWheel]


def environment_key(interpreter: Interpreter, wheels: Iterable[tuple[str, str, str]], link_mode: str) -> str:
    """Return the name of the environment for an interpreter and (name, version, key in the store) of its wheels.

    The key in the store is what `launcher.environment.stored_wheel.store_key` says. The order does not matter.
    """
    rows = sorted("\t".join(wheel) for wheel in wheels)
    text = "\n".join((str(_LAYOUT_VERSION), interpreter.identity, link_mode, *rows))
    return digest_of(text, _KEY_LENGTH)


def open_environment(cache: Cache, key: str) -> Environment | None:
    """Return the environment with this key, or None where there is none that is complete and has its interpreter."""
    environment = _at(cache.path(Bucket.ENVIRONMENTS, key))
    try:
        # After a power cut a renamed file can be there and empty.
        if os.stat(f"{environment.path}/{MARKER}").st_size and os.stat(environment.python):
            return environment
    except OSError:
        pass
    return None


def create_environment(
    cache: Cache, interpreter: Interpreter, wheels: Sequence[StoredWheel], link_mode: str, reporter: Reporter
) -> Environment:
    """Compose the environment of these wheels, or return the one that is there; a damaged one is made anew.

    Two launches may compose the same environment at once: the first that is complete is taken. Only where composing
    takes long, or something damaged has to be replaced, do they wait for each other under the lock of the key.

    Raises `CacheUnusable` where it cannot be written.
    """
    key = environment_key(interpreter, [(wheel.name, wheel.version, wheel.key) for wheel in wheels], link_mode)
    if environment := open_environment(cache, key):
        return environment
    target = cache.path(Bucket.ENVIRONMENTS, key)
    recipe = _Recipe(target, _layout(str(target), interpreter), interpreter, wheels)
    with _exclusive(cache, key, reporter, is_needed=link_mode != "fold" or os.path.lexists(target)):
        if environment := open_environment(cache, key):
            return environment
        mode: str | None = usable_link_mode(wheels, link_mode, recipe.layout)
        while mode:
            mode = _compose(cache, recipe, mode, reporter)
    _check_wheels_are_there(wheels, target)
    return _at(target)


def last_used(path: Path) -> float | None:
    """Return when the environment at `path` was last used, in seconds since the epoch; None where nobody knows."""
    try:
        return os.stat(path / USED).st_mtime
    except OSError:
        return None


def home_of(path: Path) -> Path | None:
    """Return the directory of the interpreter that the environment at `path` was made for; None where nobody knows."""
    try:
        first = (path / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    except OSError:
        return None
    return Path(first.removeprefix(_HOME))


def version_of(path: Path) -> str | None:
    """Return the version of the interpreter of the environment at `path`; None where nobody knows."""
    try:
        text = (path / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return next((line.removeprefix(_VERSION) for line in text.splitlines() if line.startswith(_VERSION)), None)


def used_wheels(path: Path) -> tuple[tuple[str, str, str], ...]:
    """Return (name, version, key in the store) of the wheels that the environment at `path` links to.

    Nothing for one that is not complete: it will be made anew before it is used.
    """
    try:
        content = marshal.loads((path / MARKER).read_bytes())
        return tuple((name, version, key) for name, version, key in content)
    except (OSError, ValueError, EOFError, TypeError):
        return ()


def _check_wheels_are_there(wheels: Sequence[StoredWheel], target: Path) -> None:
    """Make sure that collection in another process did not take a wheel before this environment claimed it."""
    for wheel in wheels:
        if not os.path.exists(wheel.path):
            os.unlink(target / MARKER)
            raise CacheUnusable(
                f"{wheel.name} {wheel.version} was removed from the cache while an environment was made of it.",
                hint="Try again.",
            )


@contextmanager
def _exclusive(cache: Cache, key: str, reporter: Reporter, *, is_needed: bool) -> Iterator[None]:
    """Hold the key's lock where it is needed: importing filelock takes 40 ms, folding less than one."""
    if not is_needed:
        yield
        return
    with cache.lock(f"environment-{key}", reporter, "composing the same environment"):
        yield


def _compose(cache: Cache, recipe: _Recipe, mode: str, reporter: Reporter) -> str | None:
    """Make the environment and publish it; return the link mode to try instead where this one does not work."""
    # The temporary directory itself becomes the environment: ext4 makes new inodes slowly after it deleted some.
    with cache.temporary_directory() as temporary:
        made = str(temporary)
        try:
            planned = plan(recipe.wheels, recipe.layout, mode)
            carry_out(planned, recipe.layout, made, mode)
            _write_layout(made, recipe, planned)
        except ValueError as error:
            raise CacheUnusable(
                f"A wheel in the store is damaged: {error}.", hint="Run pyscript cache clean, then try again."
            ) from error
        except OSError as error:
            if (following := next_link_mode(mode, error)) is None:
                path = error.filename2 or error.filename
                raise CacheUnusable(
                    f"The environment cannot be written: {error.strerror or error} ({path}).",
                    hint=MAKE_ROOM,
                ) from error
            reporter.detail(f"The link mode {mode} does not work here ({error.strerror}); trying {following}")
            return following
        for detail in planned.details:
            reporter.detail(detail)
        if open_environment(cache, recipe.target.name):
            return None  # another launch was quicker, and may be running in it already
        if os.path.lexists(recipe.target):
            with suppress(OSError):
                os.rename(recipe.target, f"{temporary}-damaged")
            remove_tree(Path(f"{temporary}-damaged"))
        cache.publish(temporary, Bucket.ENVIRONMENTS, recipe.target.name)
    return None


def _layout(root: str, interpreter: Interpreter) -> Layout:
    """Return where things are in an environment of this interpreter, as its own sysconfig says."""
    paths = interpreter.paths
    site_packages, programs = paths["purelib"], paths["scripts"]
    # Where pip and uv put headers: sysconfig's include would be the base interpreter's.
    headers = f"include/site/{paths['python_lib']}"
    if _IS_WINDOWS:
        return Layout(root, site_packages, programs, headers, ntpath.join(root, programs, "python.exe"), True)
    return Layout(root, site_packages, programs, headers, f"{root}/{programs}/python")


def _write_layout(made: str, recipe: _Recipe, planned: Plan) -> None:
    """Write what makes a directory an environment (PEP 405), and last the marker that says it is complete."""
    layout, interpreter = recipe.layout, recipe.interpreter
    home = interpreter.paths["home"]
    settings = f"{_HOME}{home}\ninclude-system-site-packages = false\n{_VERSION}{interpreter.version}\n"
    _write(f"{made}/pyvenv.cfg", f"{settings}pyscript = {_LAYOUT_VERSION}\n".encode())
    if layout.is_windows:
        _copy_windows_launchers(f"{made}/{layout.bin}", interpreter)
    else:
        _link_interpreter(made, layout, interpreter, planned)
    _write(f"{made}/{USED}", b"")
    rows = tuple((wheel.name, wheel.version, wheel.key) for wheel in recipe.wheels)
    _write(f"{made}/{MARKER}", marshal.dumps(rows, _MARSHAL_VERSION))


def _link_interpreter(made: str, layout: Layout, interpreter: Interpreter, planned: Plan) -> None:
    """Make the links that venv makes: the interpreter under all its names, and ``lib64``."""
    major, minor, _ = interpreter.version_info
    directory = f"{made}/{layout.bin}"
    os.symlink(interpreter.executable, f"{directory}/python")
    names = {"python3", f"python{major}.{minor}", interpreter.paths["python_lib"]}
    if interpreter.implementation == "pypy":
        names |= {"pypy", "pypy3"}
    for name in sorted(names):
        os.symlink("python", f"{directory}/{name}")
    # As venv does: 64-bit builds for Linux may look for compiled modules in lib64.
    if sys.platform != "darwin" and sys.maxsize > 2**32 and "lib64" not in planned.directories:
        os.symlink("lib", f"{made}/lib64")


def _copy_windows_launchers(directory: str, interpreter: Interpreter) -> None:
    """Copy the programs that start the interpreter in `home`; CPython keeps them for venv, renamed in 3.13."""
    import shutil  # noqa: PLC0415 - 5 ms that only Windows needs

    kept = os.path.join(interpreter.paths["stdlib"], "venv", "scripts", "nt")
    for name, former_name in (("venvlauncher.exe", "python.exe"), ("venvwlauncher.exe", "pythonw.exe")):
        source = os.path.join(kept, name)
        shutil.copyfile(
            source if os.path.exists(source) else os.path.join(kept, former_name), f"{directory}/{former_name}"
        )


def _write(path: str, content: bytes) -> None:
    with open(path, "xb", buffering=0) as stream:
        stream.write(content)


def _at(path: Path) -> Environment:
    programs = path / ("Scripts" if _IS_WINDOWS else "bin")
    return Environment(path.name, path, programs / ("python.exe" if _IS_WINDOWS else "python"), programs)
