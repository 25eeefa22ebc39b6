"""Resolver cases as data: each ``*.toml`` here holds packages, requirements and the expected pins or words.

In ``packages`` a key is ``name version``; its value is a list of requirements, or a table:

- ``requires``, ``extras`` (a table of lists), ``requires-python``, ``tag``, ``build-tag``: what the wheel says;
- ``tags``: several wheels of this version, one for each tag; ``sdist = true``: only a source distribution;
- ``index-requires-python``, ``yanked``: what the page says; ``metadata``: METADATA that is served instead.

``requested`` are the requirements, of one origin unless it is ``[text, origin]``. Either ``pins`` is the whole answer,
or ``error`` names the error's class and ``says`` are parts of its message and hint in this order.
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any

import pytest

from launcher import errors
from launcher.cache import Cache
from launcher.reporter import SilentReporter
from launcher.resolve.index import Index, IndexSettings
from launcher.resolve.provider import Policy, resolve
from launcher.resolve.resolution import Requested, Resolution
from tests.scenarios.interpreters import make_interpreter
from tests.support.index_server import IndexServer
from tests.support.wheels import Wheel

_HERE = Path(__file__).parent


def _scenarios() -> list[Any]:
    found = []
    for path in sorted(_HERE.glob("*.toml")):
        for scenario in tomllib.loads(path.read_text(encoding="utf-8"))["scenario"]:
            found.append(pytest.param(scenario, id=f"{path.stem}: {scenario['name']}"))
    return found


class _Listener(SilentReporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


@pytest.mark.parametrize("scenario", _scenarios())
def test_scenario(scenario: dict[str, Any], tmp_path: Path) -> None:
    with IndexServer() as server:
        for key, what in scenario["packages"].items():
            name, version = key.split(" ")
            _serve(server, name, version, what if isinstance(what, dict) else {"requires": what})
        listener = _Listener()
        if "error" in scenario:
            with pytest.raises(getattr(errors, scenario["error"])) as caught:
                _resolve(scenario, server, tmp_path, listener)
            _assert_says(f"{caught.value.message}\n{caught.value.hint or ''}", scenario.get("says", []))
            return
        resolution = _resolve(scenario, server, tmp_path, listener)
        assert [f"{pin.candidate.name}=={pin.candidate.version}" for pin in resolution] == scenario["pins"]
        for name, filename in scenario.get("files", {}).items():
            assert [pin.candidate.filename for pin in resolution if pin.candidate.name == name] == [filename]
        _assert_says("\n".join(listener.warnings), scenario.get("warns", []))
        # The same again from what is cached, and from bytes: nothing may depend on what has arrived when.
        assert _resolve(scenario, server, tmp_path, listener) == resolution
        assert Resolution.from_bytes(resolution.to_bytes()) == resolution


def _resolve(scenario: dict[str, Any], server: IndexServer, tmp_path: Path, listener: _Listener) -> Resolution:
    texts = [each if isinstance(each, list) else [each, "line 1 of x.py"] for each in scenario["requested"]]
    requested = [Requested(text.replace("{files}", f"{server.origin}/files"), origin) for text, origin in texts]
    settings = IndexSettings(index_url=server.index_url, retries=0)
    interpreter = make_interpreter(scenario.get("python", "3.12.1"))
    with Index(settings, interpreter, Cache(tmp_path / "cache")) as index:
        return resolve(requested, interpreter, index, Policy(), listener)


def _serve(server: IndexServer, name: str, version: str, what: dict[str, Any]) -> None:
    page = {}
    if "index-requires-python" in what:
        page["requires_python"] = what["index-requires-python"]
    if "yanked" in what:
        page["yanked"] = what["yanked"]
    if what.get("sdist"):
        server.add_file(f"{name}-{version}.tar.gz", b"sources", **page)
        return
    if "metadata" in what:
        page["metadata"] = what["metadata"].encode()
        page["metadata_sha256"] = hashlib.sha256(page["metadata"]).hexdigest()
    for tag in what.get("tags", [what.get("tag", "py3-none-any")]):
        wheel = Wheel(
            name,
            version,
            requires=[text.replace("{files}", f"{server.origin}/files") for text in what.get("requires", ())],
            extras=what.get("extras", {}),
            requires_python=what.get("requires-python"),
            tag=tag,
            build_tag=what.get("build-tag", ""),
        )
        server.add(wheel, **page)


def _assert_says(text: str, parts: list[str]) -> None:
    at = 0
    for part in parts:
        assert part in text[at:], f"{part!r} is not in the rest of:\n{text}"
        at = text.index(part, at) + len(part)
