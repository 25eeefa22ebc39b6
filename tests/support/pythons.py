"""Pythons to download: archives packed as python-build-standalone packs, around the Python that runs the tests.

What is in one is a shell script. It starts the real Python, and answers the question what it is with the version and
the kind that it was made for, so that a machine seems to get a Python that it did not have.
"""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote

from launcher.python.downloads import Answer, Build, Machine
from tests.support.index_server import IndexServer

T = TypeVar("T")

_REAL = getattr(sys, "_base_executable", sys.executable)

_PROGRAM = """#!/bin/sh
export FAKE_PYTHON={label}
case "$*" in
    *pyscript-answer*) exec {real} -I -S -c '{answer}' "$0" "$4" ;;
    *) exec {real} "$@" ;;
esac
"""

_ANSWER = """
import io, json, os, re, sys
said = io.StringIO()
sys.stdout, real = said, sys.stdout
exec(sys.argv[2], {{"__name__": "__main__"}})
sys.stdout = real
answer = json.loads(re.search(">({{.*}})<", said.getvalue()).group(1))
answer["self"] = answer["executable"] = os.path.abspath(sys.argv[1])
answer["paths"]["home"] = os.path.dirname(answer["self"])
answer["version"] = answer["release"] = "{version}"
answer["markers"]["python_full_version"] = "{version}"
answer["markers"]["python_version"] = "{series}"
answer["implementation"] = "{implementation}"
answer["free_threaded"] = {free_threaded}
sys.stdout.write("<pyscript-answer>" + json.dumps(answer) + "</pyscript-answer>")
"""


@dataclass(frozen=True)
class FakePython:
    """An archive with a Python of this version in it; `program` and `members` change what it holds."""

    version: str
    implementation: str = "cpython"
    free_threaded: bool = False
    program: str | None = None
    members: Mapping[str, tarfile.TarInfo] = field(default_factory=dict)
    name_version: str | None = None

    @property
    def filename(self) -> str:
        threading = "-freethreaded" if self.free_threaded else ""
        version = self.name_version or self.version
        return f"{self.implementation}-{version}+20260101-{Machine.here().triple}{threading}-install_only.tar.gz"

    @property
    def build(self) -> Build:
        """What a catalogue says of it."""
        url = f"https://builds.invalid/{quote(self.filename)}"
        sha256 = hashlib.sha256(self.content).hexdigest()
        return Build(self.implementation, self.name_version or self.version, self.free_threaded, (url,), sha256)

    @property
    def content(self) -> bytes:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive:
            program = self.text.encode()
            info = tarfile.TarInfo("python/bin/python3")
            info.size, info.mode, info.mtime = len(program), 0o755, 1_700_000_000
            archive.addfile(info, io.BytesIO(program))
            for name, member in self.members.items():
                member.name = name
                archive.addfile(member, io.BytesIO(b"\0" * member.size))
        return stream.getvalue()

    @property
    def text(self) -> str:
        """What is in its executable."""
        if self.program is not None:
            return self.program
        label = f"{self.implementation}-{self.version}" + "t" * self.free_threaded
        answer = _ANSWER.format(
            version=self.version,
            series=self.version.rpartition(".")[0],
            implementation=self.implementation,
            free_threaded=self.free_threaded,
        )
        return _PROGRAM.format(label=label, real=_REAL, answer=answer)


def serve_pythons(server: IndexServer, *pythons: FakePython) -> str:
    """Serve archives and their list; return the mirror's URL with the sha256 that vouches for the list."""
    lines = []
    for python in pythons:
        content = python.content
        server.add_page(f"/pythons/{quote(python.filename)}", content, "application/gzip")
        lines.append(f"{hashlib.sha256(content).hexdigest()}  {python.filename}\n")
    sums = "".join(lines).encode()
    url = server.add_page("/pythons/SHA256SUMS", sums, "text/plain").rpartition("/")[0]
    return f"{url}/#sha256={hashlib.sha256(sums).hexdigest()}"


@dataclass
class Shelf:
    """A server without a network for `launcher.python`: what it has, by URL; anything else is not found."""

    contents: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    status: int = 404

    def consume(self, url: str, read: Callable[[Answer], T], headers: Mapping[str, str] | None = None) -> T:
        self.asked.append(url)
        content = self.contents.get(url)
        return read(_Shelved(self.status, b"") if content is None else _Shelved(200, content))


@dataclass(frozen=True)
class _Shelved:
    status: int
    content: bytes

    @property
    def headers(self) -> Mapping[str, str]:
        return {"content-length": str(len(self.content))}

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, len(self.content), 1000):
            yield self.content[start : start + 1000]
