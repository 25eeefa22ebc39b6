"""A scenario as data: read from its file, put on an index, and what it asks of the resolver.

In ``packages`` a key is ``name version``; its value is a list of requirements, or a table:

- ``requires``, ``extras`` (a table of lists), ``requires-python``, ``tag``, ``build-tag``: what the wheel says;
- ``tags``, ``build-tags``: several wheels of this version, one for each; ``sdist``: ``true`` for a broken source
  distribution alone, ``"static"`` for one that says what it needs, ``"beside"`` for such a one beside the wheels;
- ``index-requires-python``, ``yanked``, ``uploaded`` (false: not stated): what the page says; ``metadata``: METADATA
  that is served instead.

``requested`` are the requirements, of one origin unless it is ``[text, origin]``; ``policy`` is a ``[tool.pyscript]``
table. Either ``pins`` is the whole answer, or ``error`` names the error's class and ``says`` are parts of its message
and hint in this order. ``differs`` says why ``uv`` or ``pip`` answers otherwise (`tests.scenarios.compare`).
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any

from launcher.reporter import SilentReporter
from launcher.resolve.formats import Formats, allowed_formats
from launcher.resolve.resolution import Policy, Requested
from launcher.resolve.written_policy import read_written_policy
from launcher.settings import resolve_settings
from tests.support.index_server import IndexServer
from tests.support.sdists import Sdist
from tests.support.wheels import Wheel

_HERE = Path(__file__).parent

Scenario = dict[str, Any]


class Listener(SilentReporter):
    """Keeps what is warned of."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def load_scenarios() -> list[tuple[str, Scenario]]:
    """Return all scenarios with what they are called."""
    return [
        (f"{path.stem}: {scenario['name']}", scenario)
        for path in sorted(_HERE.glob("*.toml"))
        for scenario in tomllib.loads(path.read_text(encoding="utf-8")).get("scenario", [])
    ]


def serve(scenario: Scenario, server: IndexServer) -> None:
    """Put the scenario's packages on an index."""
    for key, what in scenario["packages"].items():
        name, version = key.split(" ")
        _serve_version(server, name, version, what if isinstance(what, dict) else {"requires": what})


def requested_in(scenario: Scenario, server: IndexServer) -> list[Requested]:
    """Return the scenario's requirements."""
    pairs = [each if isinstance(each, list) else [each, "line 1 of x.py"] for each in scenario["requested"]]
    return [Requested(text.replace("{files}", f"{server.origin}/files"), origin) for text, origin in pairs]


def policy_in(scenario: Scenario, server: IndexServer) -> Policy:
    """Return the scenario's policy as the settings of a script would give it."""
    table = {
        key: [text.replace("{files}", f"{server.origin}/files") for text in value] if isinstance(value, list) else value
        for key, value in scenario.get("policy", {}).items()
    }
    settings = resolve_settings({}, {}, table, {})
    policy = Policy(
        prerelease=settings.prerelease,
        resolution=settings.resolution,
        exclude_newer=settings.exclude_newer,
        exclude_newer_package=settings.exclude_newer_package,
    )
    return read_written_policy(policy, settings, {"": ""}, {}).policy


def formats_in(scenario: Scenario) -> Formats:
    """Return what the scenario's policy says of building."""
    return allowed_formats(resolve_settings({}, {}, scenario.get("policy", {}), {}))


def _serve_version(server: IndexServer, name: str, version: str, what: dict[str, Any]) -> None:
    page = {}
    if "index-requires-python" in what:
        page["requires_python"] = what["index-requires-python"]
    if "yanked" in what:
        page["yanked"] = what["yanked"]
    if "uploaded" in what:
        page["upload_time"] = what["uploaded"] or None
    if kind := what.get("sdist"):
        sdist = Sdist(name, version, requires=what.get("requires", ()), is_static=True)
        server.add_file(sdist.filename, b"sources" if kind is True else sdist.content, **page)
        if kind != "beside":
            return
    if "metadata" in what:
        page["metadata"] = what["metadata"].encode()
        page["metadata_sha256"] = hashlib.sha256(page["metadata"]).hexdigest()
    for tag in what.get("tags", [what.get("tag", "py3-none-any")]):
        for build_tag in what.get("build-tags", [what.get("build-tag", "")]):
            wheel = Wheel(
                name,
                version,
                requires=[text.replace("{files}", f"{server.origin}/files") for text in what.get("requires", ())],
                extras=what.get("extras", {}),
                requires_python=what.get("requires-python"),
                tag=tag,
                build_tag=build_tag,
            )
            server.add(wheel, **page)
