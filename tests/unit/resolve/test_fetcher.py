"""HTTP, against a server in this process: retries, refusals, redirects, and where credentials go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.errors import IndexUnreachable, NotAvailableOffline
from launcher.resolve import fetcher as fetcher_module
from launcher.resolve.fetcher import Fetcher
from tests.support.index_server import Fault, IndexServer


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher_module, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setenv("NETRC", "/nowhere/netrc")


@pytest.fixture
def server() -> Iterator[IndexServer]:
    with IndexServer() as running:
        running.add_page("/page", b"content")
        yield running


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    made = Fetcher(timeout_s=0.3, retries=2)
    yield made
    made.close()


def authorizations(server: IndexServer) -> list[str | None]:
    return [request.headers.get("authorization") for request in server.requests]


def test_an_answer(server: IndexServer, fetcher: Fetcher) -> None:
    reply = fetcher.get(f"{server.origin}/page")
    assert (reply.status, reply.content, reply.headers["content-type"]) == (200, b"content", "text/html")
    assert fetcher.get(f"{server.origin}/missing").status == 404


@pytest.mark.parametrize(
    "fault",
    [Fault(status=503, times=2), Fault(drop=True, times=2), Fault(truncate_to=3, times=1), Fault(delay_s=0.6, times=1)],
)
def test_what_passes_is_tried_again(server: IndexServer, fetcher: Fetcher, fault: Fault) -> None:
    server.fail("/page", fault)
    assert fetcher.get(f"{server.origin}/page").content == b"content"


@pytest.mark.parametrize(
    ("fault", "said", "times"),
    [
        (Fault(status=500), "answered 500, several times", 3),
        (Fault(status=503), "answered 503, several times", 3),
        (Fault(status=401), "answered 401: it does not accept the credentials from the URL.", 1),
        (Fault(status=403), "answered 403: it refuses the credentials from the URL, or this address.", 1),
        (Fault(status=407), "The proxy in front of", 1),
        (Fault(drop=True), "could not be reached after 3 attempts", 3),
        (Fault(truncate_to=3), "could not be reached after 3 attempts", 3),
        (Fault(delay_s=0.6), "did not answer within 0.3 s after 3 attempts", None),
    ],
)
def test_what_stays_is_said(server: IndexServer, fetcher: Fetcher, fault: Fault, said: str, times: int | None) -> None:
    server.fail("/page", fault)
    with pytest.raises(IndexUnreachable) as caught:
        fetcher.get(f"{server.origin}/page".replace("://", "://me:secret@"))
    assert said in caught.value.message
    assert "secret" not in caught.value.message
    assert f"{server.origin}/page".replace("://", "://me:****@") in caught.value.message
    assert caught.value.hint
    if times is not None:
        assert len(server.paths("/page")) == times


def test_nobody_is_there(fetcher: Fetcher) -> None:
    with IndexServer() as gone:
        url = f"{gone.origin}/page"
    with pytest.raises(IndexUnreachable, match="could not be reached after 3 attempts"):
        fetcher.get(url)


@pytest.mark.parametrize("url", ["ftp://host/x", "https://", "https://[bad/", "https://ho st/"])
def test_urls_that_cannot_be_fetched(fetcher: Fetcher, url: str) -> None:
    with pytest.raises((IndexUnreachable, ValueError)):
        fetcher.get(url)


def test_redirects_end(server: IndexServer, fetcher: Fetcher) -> None:
    server.fail("/page", Fault(redirect_to="/page"))
    with pytest.raises(IndexUnreachable, match="cannot be fetched"):
        fetcher.get(f"{server.origin}/page")


def test_offline_asks_nobody(server: IndexServer) -> None:
    with pytest.raises(NotAvailableOffline, match="offline forbids"):
        Fetcher(offline=True).get(f"{server.origin}/page")
    assert server.requests == []


def test_retry_after_is_heard(server: IndexServer, fetcher: Fetcher) -> None:
    server.fail("/page", Fault(status=429, headers={"Retry-After": "1"}, times=1))
    started = time.monotonic()
    assert fetcher.get(f"{server.origin}/page").status == 200
    assert time.monotonic() - started >= 1


def test_credentials_go_to_their_origin(server: IndexServer, fetcher: Fetcher) -> None:
    server.credentials = ("me", "secret")
    bare = fetcher.remember_credentials(server.index_url_for("me", "secret"))
    assert "secret" not in bare
    assert fetcher.get(f"{server.origin}/page").status == 200
    with IndexServer() as other:
        other.add_page("/page", b"other")
        fetcher.get(f"{other.origin}/page")
        assert authorizations(other) == [None]


def test_credentials_do_not_follow_a_redirect_elsewhere(server: IndexServer, fetcher: Fetcher) -> None:
    with IndexServer() as other:
        other.add_page("/caught", b"other")
        server.fail("/page", Fault(redirect_to=f"{other.origin}/caught"))
        url = f"{server.origin}/page".replace("://", "://me:secret@")
        assert fetcher.get(url).content == b"other"
        assert authorizations(server) == ["Basic bWU6c2VjcmV0"]
        assert authorizations(other) == [None]


def test_netrc_is_asked_when_the_server_asks(
    server: IndexServer, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n", encoding="ascii")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert fetcher.get(f"{server.origin}/page").status == 200
    assert authorizations(server) == [None], "nobody asked"
    server.credentials = ("me", "secret")
    assert fetcher.get(f"{server.origin}/page").status == 200
    assert fetcher.get(f"{server.origin}/page").status == 200
    assert authorizations(server)[1:] == [None, "Basic bWU6c2VjcmV0", "Basic bWU6c2VjcmV0"]


def test_credentials_of_a_url_go_before_netrc(
    server: IndexServer, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n", encoding="ascii")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server.credentials = ("me", "secret")
    with pytest.raises(IndexUnreachable, match="401"):
        fetcher.get(f"{server.origin}/page".replace("://", "://me:wrong@"))
