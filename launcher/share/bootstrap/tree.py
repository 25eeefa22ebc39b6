"""The files of an environment: what is in wheels, laid out as the binary distribution format says."""

from __future__ import annotations

import configparser
import hashlib
import os
import re
import stat
import sys
import sysconfig
import zipfile
from typing import IO, Any, Dict, Iterator, Tuple

_IS_WINDOWS = os.name == "nt"
PROGRAMS = "Scripts" if _IS_WINDOWS else "bin"
_CHUNK_BYTES = 1 << 20
_LONGEST_SHEBANG = 127
_CODE = "import sys\nfrom {module} import {top}\nif __name__ == '__main__':\n    sys.exit({attribute}())\n"
_ENTRY_POINT = r"\s*([A-Za-z_][\w.]*)\s*:\s*([A-Za-z_][\w.]*)\s*(\[.*\])?\s*"


class Damaged(Exception):
    """The bundle is not what it was when it was made; the message is one clause."""


class Tree:
    """The files of an environment that is made in one directory and will be in another."""

    def __init__(self, made: str, place: str) -> None:
        self._made = made
        self._place = place
        self.packages = packages_of_environment()

    def add_script(self, archive: zipfile.ZipFile, script: Dict[str, Any]) -> None:
        """Write the script; raises `Damaged` where it is not the right one."""
        content = archive.read(script["file"])
        if hashlib.sha256(content).hexdigest() != script["sha256"]:
            raise Damaged("%s in it was changed" % script["file"])
        self.write(script["file"], [content])

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
                if folder == PROGRAMS:
                    chunks = self._with_own_shebang(chunks)
                is_executable = folder == PROGRAMS or bool(stat.S_IMODE(info.external_attr >> 16) & 0o111)
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
            "scripts": PROGRAMS,
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
                    self.write("%s/%s-script.py" % (PROGRAMS, name), [code])
                    batch = b'@"%~dp0python.exe" "%~dp0' + name.encode() + b'-script.py" %*\r\n'
                    self.write("%s/%s.cmd" % (PROGRAMS, name), [batch])
                else:
                    self.write("%s/%s" % (PROGRAMS, name), [self._shebang(), code], is_executable=True)

    def _shebang(self) -> bytes:
        """Return the first line of a program; /bin/sh finds an interpreter whose path the system could not read."""
        python = os.path.join(self._place, PROGRAMS, "python")
        line = b"#!" + os.fsencode(python) + b"\n"
        if len(line) <= _LONGEST_SHEBANG and len(python.split()) == 1:
            return line
        quoted = "'" + python.replace("'", "'\"'\"'") + "'"
        return b"#!/bin/sh\n'''exec' " + os.fsencode(quoted) + b' "$0" "$@"\n' + b"' '''\n"


def packages_of_environment() -> str:
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
