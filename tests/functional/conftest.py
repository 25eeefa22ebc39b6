"""What the functional tests share: scripts on disk, and an index with a few small packages on it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.support.index_server import IndexServer
from tests.support.wheels import Wheel

WriteScript = Callable[..., Path]


@pytest.fixture
def write_script(tmp_path: Path) -> WriteScript:
    """Return a function that writes a script with a block of `dependencies` and a `body`, and gives its path."""

    def write(
        body: str = "print('hello')", *dependencies: str, name: str = "x.py", block: str = "", head: str = ""
    ) -> Path:
        path = tmp_path / name
        lines = [*block.splitlines(), *([f"dependencies = {list(dependencies)}"] if dependencies else [])]
        commented = "".join(f"# {line}\n" for line in lines)
        text = f"# /// script\n{commented}# ///\n" if lines else ""
        path.write_text(f"{head}{text}{body}\n")
        return path

    return write


def package(name: str, version: str = "1.0", requires: tuple[str, ...] = (), **fields: object) -> Wheel:
    """Return a wheel whose module says its version, and whose console script prints it with its arguments."""
    module = name.replace("-", "_")
    body = (
        f"import sys\n__version__ = {version!r}\n"
        f"def main():\n    print({name!r}, __version__, *sys.argv[1:])\nif __name__ == '__main__':\n    main()\n"
    )
    return Wheel(
        name,
        version,
        requires=requires,
        files={f"{module}.py": body.encode()},
        entry_points={"console_scripts": {name: f"{module}:main"}},
        **fields,  # type: ignore[arg-type]
    )


@pytest.fixture
def stocked(index: IndexServer, run_pyscript: Program) -> IndexServer:
    """Return an index that pyscript uses: ``speak`` 1.0 and 2.0 (which needs ``voice``), ``voice`` and ``greet``."""
    index.add(package("speak"), package("speak", "2.0", ("voice>=1",)), package("voice", "1.5"), package("greet"))
    run_pyscript.environ["PYSCRIPT_INDEX_URL"] = index.index_url
    return index


@dataclass(frozen=True)
class Certificates:
    """PEM files for 127.0.0.1: the server's and a client's, each with its key; `locked` has a key with a password."""

    server: Path
    client: Path
    locked: Path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificates")

    def make(name: str, *options: str) -> Path:
        key, path = folder / f"{name}.key", folder / f"{name}.pem"
        command = [program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"]
        named = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key)]
        subprocess.run([*command, *named, "-out", str(path), *options], check=True, capture_output=True)
        path.write_bytes(path.read_bytes() + key.read_bytes())
        return path

    return Certificates(make("server", "-nodes"), make("client", "-nodes"), make("locked", "-passout", "pass:word"))
