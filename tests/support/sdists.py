"""Make sdists, and the projects in them, for tests: their backend is in the tree, so building needs no index.

>>> sdist = Sdist("demo", "1.0", requires=("rich>=13",))
>>> sdist.filename, len(sdist.content) > 500
('demo-1.0.tar.gz', True)

The backend appends a line to the file that the variable ``BUILD_LOG`` names for each hook that is called, so that "it
was built once" can be asserted.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

_BACKEND = """
import base64, hashlib, os, zipfile

NAME, VERSION, REQUIRES, EXTRAS, MORE = {facts!r}
STEM = NAME.replace("-", "_") + "-" + VERSION

def _note(hook):
    print("the backend was here")
    if os.environ.get("BUILD_LOG"):
        with open(os.environ["BUILD_LOG"], "a") as stream:
            stream.write(f"{{hook}} {{NAME}} {{VERSION}}\\n")

def _metadata():
    lines = ["Metadata-Version: 2.1", "Name: " + NAME, "Version: " + VERSION]
    lines += ["Requires-Dist: " + text for text in REQUIRES]
    for extra, texts in EXTRAS.items():
        lines.append("Provides-Extra: " + extra)
        lines += [f"Requires-Dist: {{text}}; extra == '{{extra}}'" for text in texts]
    return "\\n".join([*lines, "", ""])

def _wheel(directory, files):
    name = STEM + "-py3-none-any.whl"
    files = {{**files, STEM + ".dist-info/METADATA": _metadata(),
        STEM + ".dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"}}
    rows = []
    with zipfile.ZipFile(os.path.join(directory, name), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows.append(f"{{path}},sha256={{digest}},{{len(text.encode())}}")
        record = STEM + ".dist-info/RECORD"
        archive.writestr(record, "\\n".join([*rows, record + ",,", ""]))
    return name

def get_requires_for_build_wheel(config_settings=None):
    return MORE

get_requires_for_build_editable = get_requires_for_build_wheel

def build_wheel(directory, config_settings=None, metadata_directory=None):
    _note("build_wheel")
    {statement}
    files = {{}}
    for name in os.listdir("src"):
        with open(os.path.join("src", name)) as stream:
            files[name] = stream.read()
    return _wheel(directory, files)

def build_editable(directory, config_settings=None, metadata_directory=None):
    _note("build_editable")
    {statement}
    return _wheel(directory, {{NAME + ".pth": os.path.join(os.getcwd(), "src")}})
"""

_PREPARES = """
def prepare_metadata_for_build_wheel(directory, config_settings=None):
    _note("prepare_metadata")
    os.mkdir(os.path.join(directory, STEM + ".dist-info"))
    with open(os.path.join(directory, STEM + ".dist-info", "METADATA"), "w") as stream:
        stream.write(_metadata())
    return STEM + ".dist-info"
"""


@dataclass(frozen=True)
class Sdist:
    """A description of an sdist; `content` is the file, `write` and `write_project` put it, or its tree, on disk.

    `requires` and `extras` are what its wheel needs, `build_requires` what stands in pyproject.toml and `more_requires`
    what the backend asks for besides. `statement` is run by the backend when it builds. `is_static`: its PKG-INFO says
    what it needs (PEP 643); `prepares`: the backend can tell without building. `built_as` is the (name, version) that
    the wheel says it is, where that contradicts the sdist. `members` are added to the archive as they are.
    """

    name: str
    version: str = "1.0"
    requires: Sequence[str] = ()
    extras: Mapping[str, Sequence[str]] = field(default_factory=dict)
    build_requires: Sequence[str] = ()
    more_requires: Sequence[str] = ()
    statement: str = "pass"
    is_static: bool = False
    prepares: bool = False
    built_as: tuple[str, str] | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    members: Sequence[tuple[tarfile.TarInfo, bytes]] = ()

    @property
    def module(self) -> str:
        """The name of its one module."""
        return re.sub(r"[-_.]+", "_", self.name)

    @property
    def filename(self) -> str:
        """The proper file name (PEP 625)."""
        return f"{self.module}-{self.version}.tar.gz"

    @property
    def sha256(self) -> str:
        """The hash of the whole file, in hex."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def tree(self) -> dict[str, str]:
        """Its files, relative to the project's directory."""
        name, version = self.built_as or (self.name, self.version)
        facts = (name, version, tuple(self.requires), dict(self.extras), list(self.more_requires))
        backend = _BACKEND.format(facts=facts, statement=self.statement)
        return {
            "pyproject.toml": f"[build-system]\nrequires = {list(self.build_requires)}\n"
            'build-backend = "backend"\nbackend-path = ["."]\n',
            "backend.py": backend + (_PREPARES if self.prepares else ""),
            f"src/{self.module}.py": f"VERSION = {self.version!r}\n",
            **self.files,
        }

    @property
    def pkg_info(self) -> str:
        """What PKG-INFO says."""
        lines = [f"Metadata-Version: {'2.2' if self.is_static else '2.1'}", f"Name: {self.name}"]
        lines.append(f"Version: {self.version}")
        lines += [f"Requires-Dist: {text}" for text in self.requires] if self.is_static else []
        return "\n".join([*lines, "", ""])

    @cached_property
    def content(self) -> bytes:
        """The whole archive; the same description gives the same bytes."""
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as archive:
            for name, text in {"PKG-INFO": self.pkg_info, **self.tree}.items():
                entry = tarfile.TarInfo(f"{self.module}-{self.version}/{name}")
                entry.size = len(text.encode())
                archive.addfile(entry, io.BytesIO(text.encode()))
            for entry, data in self.members:
                archive.addfile(entry, io.BytesIO(data))
        # Not "w:gz": that writes the time into the header.
        return gzip.compress(stream.getvalue(), mtime=0)

    @property
    def zip_content(self) -> bytes:
        """The same as a ZIP file."""
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for name, text in self.tree.items():
                archive.writestr(zipfile.ZipInfo(f"{self.module}-main/{name}"), text)
        return stream.getvalue()

    def write(self, directory: Path) -> Path:
        """Write the archive into `directory` under its proper name."""
        path = directory / self.filename
        path.write_bytes(self.content)
        return path

    def write_project(self, directory: Path) -> Path:
        """Write the tree into `directory`, made where missing, and return that."""
        for name, text in self.tree.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return directory
