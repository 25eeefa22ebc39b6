"""Locks as data: `locks.toml` holds packages, requirements, targets and what a lock then says."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.pylock import Package, Pylock
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.version import Version

from launcher import errors
from launcher.cache import Cache
from launcher.reporter import SilentReporter
from launcher.resolve.index import Index
from launcher.resolve.index_settings import IndexSettings
from launcher.resolve.lock_packages import LockPlace, lock_packages
from launcher.resolve.lockfile import Lock
from launcher.resolve.platforms import DEFAULT_PLATFORMS, read_platform
from launcher.resolve.provider import resolve
from launcher.resolve.resolution import Resolution
from launcher.resolve.targets import target_interpreter
from launcher.resolve.universal import Target, UniversalRequest, resolve_universally
from launcher.resolve.workshop import Workshop
from tests.scenarios.interpreters import make_interpreter
from tests.scenarios.world import Listener, Scenario, formats_in, policy_in, requested_in, serve
from tests.support.index_server import IndexServer

LOCKS: list[Scenario] = tomllib.loads(Path(__file__).with_name("locks.toml").read_text("utf-8"))["lock"]


@pytest.mark.parametrize("scenario", [pytest.param(each, id=each["name"]) for each in LOCKS])
def test_lock(scenario: Scenario, tmp_path: Path) -> None:
    with IndexServer() as server:
        serve(scenario, server)
        settings, workshop = IndexSettings(index_url=server.index_url, retries=0), Workshop(formats_in(scenario))
        with Index(settings, make_interpreter(), Cache(tmp_path / "cache"), workshop) as index:
            if "error" in scenario:
                with pytest.raises(getattr(errors, scenario["error"])) as caught:
                    _lock(scenario, server, index)
                said = f"{caught.value.message}\n{caught.value.hint}"
                assert [part for part in scenario["says"] if part not in said] == []
                return
            resolutions, lock = _lock(scenario, server, index)
            assert [_entry(package) for package in lock.content.packages] == scenario["entries"]
            for entry in lock.content.packages:
                key = f"{entry.name} {entry.version}"
                if key in scenario.get("files", {}):
                    assert _files(entry) == scenario["files"][key]
                if key in scenario.get("dependencies", {}):
                    named = [" ".join(each.values()) for each in entry.dependencies or ()]
                    assert named == scenario["dependencies"][key]
            for target, resolution in resolutions.items():
                _assert_gives(lock, target, resolution)
                if not scenario.get("aligned"):
                    assert resolution == _alone(scenario, server, index, target), "nothing had to be the same"
            # Again, from what it said: nothing moves.
            assert _lock(scenario, server, index, lock)[1].to_text() == lock.to_text()


def _targets(scenario: Scenario) -> list[Target]:
    pythons, platforms = scenario.get("pythons", ["3.13", "3.12", "3.11"]), scenario.get("platforms", DEFAULT_PLATFORMS)
    return [
        Target(read_platform(platform), target_interpreter(python, platform))
        for python, platform in itertools.product(pythons, platforms)
    ]


def _lock(
    scenario: Scenario, server: IndexServer, index: Index, former: Lock | None = None
) -> tuple[dict[Target, Resolution], Lock]:
    requested, policy = requested_in(scenario, server), policy_in(scenario, server)
    wanted = UniversalRequest(
        requested_for=lambda _: requested,
        index_for=lambda _: index,
        policy=policy,
        requires_python=SpecifierSet(scenario.get("requires-python", ">=3.8")),
        former=former or _former(scenario),
        upgraded=frozenset(scenario.get("upgraded", ())),
        optional_platforms=frozenset(map(read_platform, scenario.get("optional-platforms", ()))),
        newest_required=scenario.get("newest-required"),
    )
    listener = Listener()
    resolutions = resolve_universally(_targets(scenario), wanted, listener)
    said = scenario.get("warns", [])
    assert [warning[: len(text)] for warning, text in zip(listener.warnings, said, strict=True)] == said
    packages = lock_packages(resolutions, LockPlace("/somewhere", lambda _: index, policy))
    return resolutions, Lock(_pylock(packages))


def _former(scenario: Scenario) -> Lock | None:
    if "former" not in scenario:
        return None
    archive: dict[str, Any] = {"url": "https://files.example/x.zip", "hashes": {"sha256": "a" * 64}}
    table = {
        "lock-version": "1.0",
        "created-by": "tests",
        "packages": [{"name": name, "version": text, "archive": archive} for name, text in scenario["former"].items()],
    }
    return Lock(Pylock.from_dict(table))


def _pylock(packages: list[Package]) -> Pylock:
    pylock = Pylock(lock_version=Version("1.0"), created_by="tests", packages=packages)
    pylock.validate()
    return pylock


def _entry(package: Package) -> str:
    return f"{package.name} {package.version}" + (f" ; {package.marker}" if package.marker else "")


def _files(package: Package) -> list[str]:
    sdist = [package.sdist.filename] if package.sdist else []
    return [*(wheel.filename for wheel in package.wheels or ()), *sdist]


def _assert_gives(lock: Lock, target: Target, resolution: Resolution) -> None:
    """An installer that reads the lock there, packaging's own, gets the very files that were resolved."""
    interpreter = target.interpreter
    environment: Any = dict(interpreter.markers)
    chosen = lock.content.select(environment=environment, tags=[Tag(*tag.split("-", 2)) for tag in interpreter.tags])
    assert {package.name: getattr(file, "filename", None) for package, file in chosen} == {
        pin.candidate.name: pin.candidate.filename for pin in resolution
    }
    assert [each.name for each in lock.packages_for(interpreter.markers)] == [pin.candidate.name for pin in resolution]


def _alone(scenario: Scenario, server: IndexServer, index: Index, target: Target) -> Resolution:
    requested, policy = requested_in(scenario, server), policy_in(scenario, server)
    return resolve(requested, target.interpreter, index, policy, SilentReporter())
