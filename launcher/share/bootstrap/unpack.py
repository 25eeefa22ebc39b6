"""The first start of a bundle: verify its wheels and make an environment of them, once for each interpreter.

What is half made lies beside the place and is renamed into it when it is whole, under a lock that the system gives back
when its holder is killed; so fifty first starts at once unpack once, and no start finds half of it.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import marshal
import os
import shutil
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional

from pyscript_bundle.tree import PROGRAMS, Damaged, Tree, packages_of_environment

_TAG = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This directory is a cache made by pyscript. Remove it with: pyscript cache clean\n"
    "# See https://bford.info/cachedir/\n"
)
_HALF_MADE = ".half-made-"
_WORTH_TELLING_BYTES = 5 << 20
"""Unpacking more takes long enough for a person to wonder."""


class Bundle(NamedTuple):
    """A bundle that is about to be unpacked: its path, its digest, its manifest, and what of it is for this Python."""

    path: str
    digest: str
    manifest: bytes
    target: Dict[str, Any]

    @property
    def content(self) -> Dict[str, Any]:
        """What the manifest says."""
        read: Dict[str, Any] = json.loads(self.manifest.decode("utf-8"))
        return read

    @property
    def wheels(self) -> List[Dict[str, Any]]:
        """The wheels that belong to the target."""
        return [self.content["wheels"][number] for number in self.target["wheels"]]


def unpack(bundle: Bundle, python: Optional[str], root: Optional[str], name: str) -> str:
    """Return the place where the bundle is unpacked for the interpreter `python`, made now.

    It is called `name` in the cache at `root`, or is a temporary directory for this start alone where that cannot be
    written. Raises `Damaged`, and ends the program where there is no room at all.
    """
    _check_manifest(bundle)
    _tell_of_work(bundle)
    try:
        if not root:
            raise OSError("neither HOME nor PYSCRIPT_CACHE_DIR says where to keep it")
        return _kept(bundle, root, name, lambda made, place: _make(bundle, python, made, place))
    except (OSError, RuntimeError) as error:
        reason = _reason(error)
    try:
        return _for_this_start(bundle, python, reason)
    except OSError as error:
        sys.exit(
            "%s cannot be unpacked: neither in the cache, %s, nor in a temporary directory, %s.\n"
            "  Make room, or set PYSCRIPT_CACHE_DIR to a directory that can be written."
            % (bundle.path, reason, _reason(error))
        )


def unpack_script(bundle: Bundle, root: str, name: str) -> str:
    """Return the place where the script alone is, for the environment that runs and that pyscript has made."""
    _check_manifest(bundle)

    def make(made: str, place: str) -> None:
        with zipfile.ZipFile(bundle.path) as archive:
            tree = Tree(made, place)
            tree.add_script(archive, bundle.content["script"])
            _mark(archive, bundle, made, place, sys.prefix)

    return _kept(bundle, root, name, make)


def _check_manifest(bundle: Bundle) -> None:
    if hashlib.sha256(bundle.manifest).hexdigest()[: len(bundle.digest)] != bundle.digest:
        raise Damaged("bundle.json in it was changed")


def _kept(bundle: Bundle, root: str, name: str, make: Callable[[str, str], None]) -> str:
    """Return the place called `name` in the cache, made by `make` in another directory and renamed."""
    _check_root(root)
    above = os.path.join(root, "bundles-v1", bundle.digest)
    os.makedirs(above, mode=0o700, exist_ok=True)
    place = os.path.join(above, name)
    with _alone(os.path.join(above, "lock")) as is_alone:
        if _is_whole(place):
            return place  # somebody else made it meanwhile
        if is_alone:
            for left in os.listdir(above):
                if left.startswith(_HALF_MADE):  # by one that was killed
                    shutil.rmtree(os.path.join(above, left), ignore_errors=True)
        made = tempfile.mkdtemp(prefix=_HALF_MADE, dir=above)
        try:
            make(made, place)
            if os.path.lexists(place):
                os.rename(place, made + "-former")
                shutil.rmtree(made + "-former", ignore_errors=True)
            os.rename(made, place)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            if _is_whole(place):
                return place
            raise
    return place


def _for_this_start(bundle: Bundle, python: Optional[str], reason: str) -> str:
    place = os.path.realpath(tempfile.mkdtemp(prefix="pyscript-"))
    process = os.getpid()

    def remove() -> None:
        if os.getpid() == process:  # and not a child of it
            shutil.rmtree(place, ignore_errors=True)

    atexit.register(remove)
    _make(bundle, python, place, place)
    sys.stderr.write(
        "%s was unpacked for this start only, because the cache cannot be used: %s.\n"
        "  Set PYSCRIPT_CACHE_DIR to a directory that can be written, and further starts are quick.\n"
        % (os.path.basename(bundle.path), reason)
    )
    return place


def _check_root(root: str) -> None:
    """Make the cache where it is missing, as pyscript would; raises `OSError` where it is somebody else's."""
    try:
        os.makedirs(os.path.dirname(root), mode=0o700, exist_ok=True)
        os.mkdir(root, 0o700)
    except FileExistsError:
        found = os.stat(root)
        if sys.platform != "win32":
            if found.st_uid != os.geteuid():
                raise OSError("%s belongs to another user" % root) from None
            if found.st_mode & 0o022:
                os.chmod(root, 0o700)
    tag = os.path.join(root, "CACHEDIR.TAG")
    if not os.path.exists(tag):
        if set(os.listdir(root)) - {"bundles-v1"}:
            raise OSError("%s is not a cache of pyscript: other things are in it" % root)
        with open(tag, "w", encoding="ascii") as stream:
            stream.write(_TAG)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return "%s (%s)" % (error.strerror, error.filename) if error.filename else error.strerror
    return str(error)


def _is_whole(place: str) -> bool:
    """Tell whether a start finds what it needs there, as `__main__` looks for it."""
    try:
        with open(os.path.join(place, "ready"), "rb") as stream:
            found = os.fstat(stream.fileno())
            marker = marshal.loads(stream.read())
        is_ours = sys.platform == "win32" or (found.st_uid in (0, os.geteuid()) and not found.st_mode & 0o022)
        return is_ours and bool(marker["place"] == place and os.path.isfile(marker["script"]))
    except (OSError, ValueError, EOFError, TypeError, KeyError):
        return False


@contextmanager
def _alone(path: str) -> Iterator[bool]:
    """Hold a lock against other starts; gives False where the file system has no locks, and renaming must do."""
    with open(path, "ab") as stream:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(stream.fileno(), msvcrt.LK_LOCK, 1)
            else:
                import fcntl

                fcntl.flock(stream, fcntl.LOCK_EX)
            is_alone = True
        except (ImportError, OSError):
            is_alone = False
        yield is_alone


def _tell_of_work(bundle: Bundle) -> None:
    size = sum(wheel["size"] for wheel in bundle.wheels)
    if size > _WORTH_TELLING_BYTES and sys.stderr is not None and sys.stderr.isatty():
        what = (os.path.basename(bundle.path), len(bundle.wheels), size / 1e6)
        sys.stderr.write("Unpacking %s for its first start: %d packages, %.0f MB\n" % what)


# The environment


def _make(bundle: Bundle, python: Optional[str], made: str, place: str) -> None:
    """Make the environment in `made`, which will be renamed to `place`; the marker is written last."""
    tree = Tree(made, place)
    with zipfile.ZipFile(bundle.path) as archive:
        tree.add_script(archive, bundle.content["script"])
        for wheel in bundle.wheels:
            tree.add_wheel(archive, wheel)
        if python:
            _add_interpreter(made, python)
        _mark(archive, bundle, made, place, place)


def _mark(archive: zipfile.ZipFile, bundle: Bundle, made: str, place: str, environment: str) -> None:
    """Write the marker: what `start` is called with, and its code, compiled for the interpreter that runs."""
    packages = os.path.join(made, packages_of_environment())
    marker = {
        "place": place,
        "environment": environment,
        "packages": os.path.join(place, packages_of_environment()),
        "script": os.path.join(place, *bundle.content["script"]["file"].split("/")),
        "has_pth": os.path.isdir(packages) and any(name.endswith(".pth") for name in os.listdir(packages)),
        "start": compile(archive.read("pyscript_bundle/start.py"), "start.py", "exec", dont_inherit=True, optimize=0),
    }
    # What a group may write, as some umasks have it, is not believed.
    with open(os.path.join(made, "ready"), "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as stream:
        stream.write(marshal.dumps(marker))


def _add_interpreter(made: str, python: str) -> None:
    """Make what turns a directory into an environment (PEP 405), for processes that the script starts."""
    programs = os.path.join(made, PROGRAMS)
    for directory in (programs, os.path.join(made, packages_of_environment())):
        os.makedirs(directory, exist_ok=True)
    if sys.platform == "win32":
        import venv

        venv.EnvBuilder(symlinks=False).create(made)
        return
    settings = "home = %s\ninclude-system-site-packages = false\nversion = %s\n"
    with open(os.path.join(made, "pyvenv.cfg"), "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(settings % (os.path.dirname(python), ".".join(map(str, sys.version_info[:3]))))
    for name in ("python%d.%d" % sys.version_info[:2], "python3", "python"):
        path = os.path.join(programs, name)
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink(python if name == "python" else "python", path)
