"""Where measured commands run: a home per tool, scripts on fresh paths, a clean environment."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from launcher.cache import remove_tree
from tests.benchmarks.measure import Command
from tests.benchmarks.tools import Tool

_KEPT_VARIABLES = frozenset(
    {
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("ssl_cert_file", "ssl_cert_dir", "requests_ca_bundle", "curl_ca_bundle"),
        *("lang", "lc_all", "lc_ctype", "tmpdir", "tmp", "temp"),
        *("systemroot", "systemdrive", "windir", "comspec", "pathext"),
    }
)
"""What a child needs of the environment outside to reach the network and to start at all; compared in lower case."""


def clean_environ(outside: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of `outside` that children may see: no settings of Python, pip, uv or pyscript.

    >>> clean_environ({"HTTPS_PROXY": "x", "PYTHONDONTWRITEBYTECODE": "1", "UV_CACHE_DIR": "/c", "HOME": "/h"})
    {'HTTPS_PROXY': 'x'}
    """
    return {name: value for name, value in outside.items() if name.lower() in _KEPT_VARIABLES}


def script_text(requirements: Sequence[str], body: str) -> str:
    """Return a script with a block that asks for `requirements`, followed by `body`.

    >>> print(script_text(["rich"], "pass"))
    # /// script
    # requires-python = ">=3.11"
    # dependencies = [
    #     "rich",
    # ]
    # ///
    pass
    <BLANKLINE>
    """
    rows = "".join(f'#     "{requirement}",\n' for requirement in requirements)
    return f'# /// script\n# requires-python = ">=3.11"\n# dependencies = [\n{rows}# ]\n# ///\n{body}\n'


class Workspace:
    """A temporary directory with everything that the measured commands read and write."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._numbers = count()

    def home(self, tool: Tool) -> Path:
        """Return the HOME of `tool`; tools that share a cache share it."""
        return self._made(self.root / "homes" / tool.home)

    def fresh_script(self, text: str) -> Path:
        """Write a script to a path that no tool has seen before."""
        path = self._made(self.root / "scripts" / str(next(self._numbers))) / "script.py"
        path.write_text(text, encoding="utf-8")
        return path

    def command(self, tool: Tool, arguments: Sequence[str]) -> Command:
        """Return the command that runs `arguments` as `tool` would be run in a person's terminal."""
        home = self.home(tool)
        environ = clean_environ(os.environ) | {
            "HOME": str(home),
            "PATH": os.pathsep.join([*tool.path, *_system_path()]),
            # A machine's pip.conf would send pip's users to another index than uv.
            "PIP_CONFIG_FILE": os.devnull,
            **tool.variables,
        }
        if sys.platform == "win32":
            environ |= {"USERPROFILE": str(home), "LOCALAPPDATA": str(home / ".cache")}
        output = self._made(self.root / "output" / tool.home)
        return Command(tuple(arguments), environ, self._made(self.root / "elsewhere"), output)

    def forget(self, tool: Tool, patterns: Sequence[str]) -> None:
        """Move what matches the glob patterns in the tool's home out of its sight; it is deleted with the workspace."""
        home = self.home(tool)
        for pattern in patterns:
            for path in sorted(home.glob(pattern)):
                path.rename(self.kept_aside() / path.name)

    def kept_aside(self) -> Path:
        """Return a new directory for things that tools should no longer find."""
        return self._made(self.root / "forgotten" / str(next(self._numbers)))

    def _made(self, path: Path) -> Path:
        path.mkdir(parents=True, exist_ok=True)
        return path


@contextmanager
def temporary_workspace() -> Iterator[Workspace]:
    """Give a new workspace and remove it afterwards, write-protected stores included."""
    root = Path(tempfile.mkdtemp(prefix="pyscript-bench-")).resolve()
    try:
        yield Workspace(root)
    finally:
        remove_tree(root)


def _system_path() -> list[str]:
    return os.defpath.split(os.pathsep) if sys.platform == "win32" else ["/usr/local/bin", "/usr/bin", "/bin"]
