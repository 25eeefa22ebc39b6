"""The first start of a bundle: verify its wheels and make an environment of them, once for each interpreter.

What is half made lies beside the place and is renamed into it when it is whole, under a lock that the system gives back
when its holder is killed; so fifty first starts at once unpack once, and no start finds half of it.
"""

from __future__ import annotations

import atexit
import configparser
import hashlib
import json
import marshal
import os
import re
import shutil
import stat
import sys
import sysconfig
import tempfile
import zipfile
from contextlib import contextmanager
from typing import IO, Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

_TAG = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This directory is a cache made by pyscript. Remove it with: pyscript cache clean\n"
    "# See https://bford.info/cachedir/\n"
)
_IS_WINDOWS = os.name == "nt"
_PROGRAMS = "Scripts" if _IS_WINDOWS else "bin"
_HALF_MADE = ".half-made-"
_CHUNK_BYTES = 1 << 20
_WORTH_TELLING_BYTES = 5 << 20
"""Unpacking more takes long enough for a person to wonder."""
_LONGEST_SHEBANG = 127
_CODE = "import sys\nfrom {module} import {top}\nif __name__ == '__main__':\n    sys.exit({attribute}())\n"
_ENTRY_POINT = r"\s*([A-Za-z_][\w.]*)\s*:\s*([A-Za-z_][\w.]*)\s*(\[.*\])?\s*"


class Damaged(Exception):
    """The bundle is not what it was when it was made; the message is one clause."""


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
    if hashlib.sha256(bundle.manifest).hexdigest()[: len(bundle.digest)] != bundle.digest:
        raise Damaged("bundle.json in it was changed")
    _tell_of_work(bundle)
    try:
        if not root:
            raise OSError("neither HOME nor PYSCRIPT_CACHE_DIR says where to keep it")
        return _kept(bundle, python, root, name)
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


def _kept(bundle: Bundle, python: Optional[str], root: str, name: str) -> str:
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
            _make(bundle, python, made, place)
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
        if not _IS_WINDOWS:
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
        is_ours = _IS_WINDOWS or (found.st_uid in (0, os.geteuid()) and not found.st_mode & 0o022)
        return is_ours and bool(marker["place"] == place and os.path.isfile(marker["script"]))
    except (OSError, ValueError, EOFError, TypeError, KeyError):
        return False


@contextmanager
def _alone(path: str) -> Iterator[bool]:
    """Hold a lock against other starts; gives False where the file system has no locks, and renaming must do."""
    with open(path, "ab") as stream:
        try:
            if _IS_WINDOWS:
                import msvcrt

                msvcrt.locking(stream.fileno(), msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined,unused-ignore]
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
    tree = _Tree(made, place)
    with zipfile.ZipFile(bundle.path) as archive:
        script = bundle.content["script"]
        content = archive.read(script["file"])
        if hashlib.sha256(content).hexdigest() != script["sha256"]:
            raise Damaged("%s in it was changed" % script["file"])
        tree.write(script["file"], [content])
        start = archive.read("pyscript_bundle/start.py")
        for wheel in bundle.wheels:
            tree.add_wheel(archive, wheel)
    if python:
        _add_interpreter(made, python)
    packages = os.path.join(place, tree.packages)
    has_pth = any(name.endswith(".pth") for name in os.listdir(os.path.join(made, tree.packages)))
    marker = {
        "place": place,
        "environment": place,
        "packages": packages,
        "script": os.path.join(place, *bundle.content["script"]["file"].split("/")),
        "has_pth": has_pth,
        "start": compile(start, "start.py", "exec", dont_inherit=True, optimize=0),
    }
    with open(os.path.join(made, "ready"), "wb") as stream:
        stream.write(marshal.dumps(marker))


def _add_interpreter(made: str, python: str) -> None:
    """Make what turns a directory into an environment (PEP 405), for processes that the script starts."""
    programs = os.path.join(made, _PROGRAMS)
    if _IS_WINDOWS:
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


class _Tree:
    """The files of an environment that is made in one directory and will be in another."""

    def __init__(self, made: str, place: str) -> None:
        self._made = made
        self._place = place
        self.packages = _packages()
        for directory in (self.packages, _PROGRAMS, "script"):
            os.makedirs(os.path.join(made, directory), exist_ok=True)

    def write(self, name: str, chunks: Any, *, is_executable: bool = False) -> str:
        """Write a file; raises `Damaged` for a name that leads out of the environment."""
        parts = name.split("/")
        if {"", ".", ".."} & set(parts) or re.search(r"[\x00-\x1f\\]|(^|/)[A-Za-z]:(/|$)", name):
            raise Damaged("the file name %r in it is not allowed" % name)
        path = os.path.join(self._made, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as stream:
            for chunk in chunks:
                stream.write(chunk)
        if is_executable:
            os.chmod(path, 0o755)
        return path

    def add_wheel(self, archive: zipfile.ZipFile, wheel: Dict[str, Any]) -> None:
        """Lay a wheel out as the binary distribution format says; raises `Damaged` where it is not the right one."""
        try:
            with archive.open(wheel["file"]) as stream:
                _check(stream, wheel)
            with archive.open(wheel["file"]) as stream, zipfile.ZipFile(stream) as opened:
                self._lay_out(opened)
        except (KeyError, ValueError, zipfile.BadZipFile, EOFError) as error:
            raise Damaged("%s in it cannot be read (%s)" % (wheel["file"], error)) from error

    def _lay_out(self, wheel: zipfile.ZipFile) -> None:
        names = wheel.namelist()
        dist_info = next(name.partition("/")[0] for name in names if name.endswith(".dist-info/METADATA"))
        data = dist_info[: -len(".dist-info")] + ".data/"
        for info in wheel.infolist():
            if info.filename.endswith("/"):
                continue
            folder, name = self.packages, info.filename
            if name.startswith(data):
                folder, name = self._place_of_data(name[len(data) :], dist_info)
            with wheel.open(info) as stream:
                chunks = _chunks(stream)
                if folder == _PROGRAMS:
                    chunks = self._with_own_shebang(chunks)
                is_executable = folder == _PROGRAMS or bool(stat.S_IMODE(info.external_attr >> 16) & 0o111)
                self.write("/".join(filter(None, (folder, name))), chunks, is_executable=is_executable)
        self.write("%s/%s/INSTALLER" % (self.packages, dist_info), [b"pyscript\n"])
        if dist_info + "/entry_points.txt" in names:
            self._add_programs(wheel.read(dist_info + "/entry_points.txt").decode("utf-8"))

    def _place_of_data(self, name: str, dist_info: str) -> Tuple[str, str]:
        scheme, _, rest = name.partition("/")
        headers = "include/site/python%d.%d/%s" % (
            sys.version_info[0],
            sys.version_info[1],
            dist_info.partition("-")[0],
        )
        folders = {
            "purelib": self.packages,
            "platlib": self.packages,
            "scripts": _PROGRAMS,
            "data": "",
            "headers": headers,
        }
        if scheme not in folders or (scheme == "data" and rest.partition("/")[0] in ("ready", "script", "pyvenv.cfg")):
            raise Damaged("the file name %r in it is not allowed" % name)
        return folders[scheme], rest

    def _with_own_shebang(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        first = next(chunks, b"")
        if first.startswith(b"#!python"):
            first = self._shebang() + first.partition(b"\n")[2]
        yield first
        yield from chunks

    def _add_programs(self, text: str) -> None:
        parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
        parser.optionxform = str  # type: ignore[assignment,method-assign,unused-ignore]
        parser.read_string(text)
        for section in ("console_scripts", "gui_scripts"):
            for name, value in parser.items(section) if parser.has_section(section) else ():
                point = re.fullmatch(_ENTRY_POINT, value)
                if point is None or "/" in name:
                    raise Damaged("the entry point %r in it is not allowed" % name)
                module, attribute = point[1], point[2]
                code = _CODE.format(module=module, top=attribute.partition(".")[0], attribute=attribute).encode()
                if _IS_WINDOWS:
                    self.write("%s/%s-script.py" % (_PROGRAMS, name), [code])
                    batch = b'@"%~dp0python.exe" "%~dp0' + name.encode() + b'-script.py" %*\r\n'
                    self.write("%s/%s.cmd" % (_PROGRAMS, name), [batch])
                else:
                    self.write("%s/%s" % (_PROGRAMS, name), [self._shebang(), code], is_executable=True)

    def _shebang(self) -> bytes:
        """Return the first line of a program; /bin/sh finds an interpreter whose path the system could not read."""
        python = os.path.join(self._place, _PROGRAMS, "python")
        line = b"#!" + os.fsencode(python) + b"\n"
        if len(line) <= _LONGEST_SHEBANG and len(python.split()) == 1:
            return line
        quoted = "'" + python.replace("'", "'\"'\"'") + "'"
        return b"#!/bin/sh\n'''exec' " + os.fsencode(quoted) + b' "$0" "$@"\n' + b"' '''\n"


def _packages() -> str:
    """Return site-packages of an environment of this interpreter, relative, with slashes."""
    known = sysconfig.get_scheme_names()
    scheme = next(name for name in ("venv", "nt" if _IS_WINDOWS else "posix_prefix") if name in known)
    path = sysconfig.get_path("purelib", scheme, {"base": "", "platbase": "", "installed_base": ""})
    return path.replace(os.sep, "/").strip("/")


def _check(stream: IO[bytes], wheel: Dict[str, Any]) -> None:
    digest = hashlib.sha256()
    for chunk in _chunks(stream):
        digest.update(chunk)
    if digest.hexdigest() != wheel["sha256"]:
        raise Damaged("%s in it was changed" % wheel["file"])


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while True:
        chunk = stream.read(_CHUNK_BYTES)
        if not chunk:
            return
        yield chunk
