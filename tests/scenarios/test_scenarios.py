"""Resolver cases as data: each ``*.toml`` here holds packages, requirements and the expected pins or words."""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher import errors
from launcher.cache import Cache
from launcher.resolve.index import Index
from launcher.resolve.index_settings import IndexSettings
from launcher.resolve.provider import resolve
from launcher.resolve.resolution import Resolution
from launcher.resolve.workshop import Workshop
from tests.scenarios.interpreters import make_interpreter
from tests.scenarios.world import Listener, Scenario, formats_in, load_scenarios, policy_in, requested_in, serve
from tests.support.index_server import IndexServer


@pytest.mark.parametrize("scenario", [pytest.param(each, id=name) for name, each in load_scenarios()])
def test_scenario(scenario: Scenario, tmp_path: Path) -> None:
    with IndexServer() as server:
        serve(scenario, server)
        listener = Listener()
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


def _resolve(scenario: Scenario, server: IndexServer, tmp_path: Path, listener: Listener) -> Resolution:
    requested, policy = requested_in(scenario, server), policy_in(scenario, server)
    settings = IndexSettings(index_url=server.index_url, retries=0)
    interpreter = make_interpreter(scenario.get("python", "3.12.1"))
    workshop = Workshop(formats_in(scenario))
    with Index(settings, interpreter, Cache(tmp_path / "cache"), workshop) as index:
        return resolve(requested, interpreter, index, policy, listener)


def _assert_says(text: str, parts: list[str]) -> None:
    at = 0
    for part in parts:
        assert part in text[at:], f"{part!r} is not in the rest of:\n{text}"
        at = text.index(part, at) + len(part)
