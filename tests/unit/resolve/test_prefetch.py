"""What is fetched ahead where versions are refused one after the other: enough, once, nothing in vain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from launcher.cache import Cache
from launcher.errors import ResolutionImpossible
from launcher.reporter import SilentReporter
from launcher.resolve.index import Index
from launcher.resolve.index_settings import IndexSettings
from launcher.resolve.prefetch import Prefetch
from launcher.resolve.provider import resolve
from launcher.resolve.releases import Releases
from launcher.resolve.resolution import Policy, Requested
from tests.scenarios.interpreters import make_interpreter
from tests.support.index_server import IndexServer
from tests.support.sdists import Sdist
from tests.support.wheels import Wheel

COUNT, OLDEST_ASKED_FOR = 36, 16


@pytest.fixture
def server() -> IndexServer:
    """Serve a project of which each version needs another version of one that nobody can have."""
    server = IndexServer()
    for number in range(1, COUNT + 1):
        server.add(Wheel("app", f"{number}.0", requires=[f"core=={number}"]))
        server.add(Wheel("core", f"{number}.0", requires=["shared<2"]))
    server.add(Wheel("shared", "1.0"), Wheel("shared", "2.0"))
    return server


def test_versions_that_are_refused_one_after_the_other(
    server: IndexServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead: list[tuple[str, list[int]]] = []
    fetch_ahead = Prefetch.metadata_of

    def recorded(self: Prefetch, releases: Releases, versions: Iterable[int]) -> None:
        found = list(versions)
        ahead.append((releases.name, found))
        fetch_ahead(self, releases, found)

    monkeypatch.setattr(Prefetch, "metadata_of", recorded)
    texts = (f"app>={OLDEST_ASKED_FOR}", "shared>=2")
    asked = [Requested(text, "test") for text in texts]
    interpreter = make_interpreter()
    settings = IndexSettings(index_url=server.index_url)
    with server, Index(settings, interpreter, Cache(tmp_path)) as index, pytest.raises(ResolutionImpossible):
        resolve(asked, interpreter, index, Policy(), SilentReporter())
    fetched = Counter(request.path for request in server.requests)
    assert max(fetched.values()) == 1
    never = [f"/files/app-{number}.0-py3-none-any.whl.metadata" for number in range(1, OLDEST_ASKED_FOR)]
    assert not [path for path in never if path in fetched]
    # Each version of app asks for one of core, so that what is asked for is never several of them.
    assert any(len(versions) > 1 for name, versions in ahead if name == "core")


def test_no_source_is_looked_into_that_is_only_compared(tmp_path: Path) -> None:
    """After so many conflicts versions are compared that nobody has asked for yet; backends are not run for that."""
    with IndexServer() as server:
        for number in range(1, COUNT + 1):
            if number < 9:
                server.add(Sdist("app", f"{number}.0"))
            else:
                server.add(Wheel("app", f"{number}.0", requires=[f"core=={number}"] if number > 9 else []))
                server.add(Wheel("core", f"{number}.0", requires=["shared<2"]))
        server.add(Wheel("shared", "1.0"), Wheel("shared", "2.0"))
        interpreter = make_interpreter()
        asked = [Requested(text, "test") for text in ("app", "shared>=2")]
        with Index(IndexSettings(index_url=server.index_url), interpreter, Cache(tmp_path)) as index:
            found = resolve(asked, interpreter, index, Policy(), SilentReporter())
        assert [(pin.candidate.name, pin.candidate.version) for pin in found] == [("app", "9.0"), ("shared", "2.0")]
        assert server.paths("*.tar.gz") == []
