"""Connections: which are used again, what goes through a proxy, and what becomes of answers that are not whole."""

from __future__ import annotations

import gzip
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from launcher.errors import UsageError
from launcher.resolve.access import Access
from launcher.resolve.connections import ConnectionFailed, Connections, UnsupportedUrl


class Scripted(socketserver.ThreadingTCPServer):
    """Answers each request with the next of `answers`, and notes request heads by connection.

    After an empty answer the connection is closed; after `HANGS` it is kept and nothing comes.
    """

    daemon_threads = True

    def __init__(self, *answers: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = list(answers)
        self.heads: list[list[str]] = []
        self.asked = threading.Event()
        self.released = threading.Event()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(socketserver.BaseRequestHandler):
    server: Scripted

    def handle(self) -> None:
        own: list[str] = []
        self.server.heads.append(own)
        received = b""
        while self.server.answers:
            while b"\r\n\r\n" not in received:
                more = self.request.recv(65536)
                if not more:
                    return
                received += more
            head, _, received = received.partition(b"\r\n\r\n")
            own.append(head.decode())
            self.server.asked.set()
            answer = self.server.answers.pop(0)
            if answer == HANGS:
                self.server.released.wait(60)
                return
            if not answer:
                return
            self.request.sendall(answer)


HANGS = b"hangs"


def answer(body: bytes = b"", *fields: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def scripted(*answers: bytes) -> Iterator[Scripted]:
    with Scripted(*answers) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def connections() -> Iterator[Connections]:
    made = Connections(5.0, Access())
    yield made
    made.close()


def body_of(connections: Connections, url: str, **headers: str) -> bytes:
    with connections.get(url, headers) as got:
        return got.read()


def test_one_connection_serves_requests_that_follow_one_another(connections: Connections) -> None:
    moved = answer(b"moved", "Location: /elsewhere", status="302 Found")
    with scripted(answer(b"one"), answer(b"not here", status="404 Not Found"), moved, answer(b"two")) as server:
        assert body_of(connections, f"{server.origin}/a") == b"one"
        with connections.get(f"{server.origin}/b", {}) as got:
            assert got.status == 404  # its body is left unread
        with connections.get(f"{server.origin}/c", {}) as got:
            assert (got.read(), got.url) == (b"two", f"{server.origin}/elsewhere")
        assert [[head.split(" ")[1] for head in heads] for heads in server.heads] == [["/a", "/b", "/c", "/elsewhere"]]


def test_a_connection_that_the_server_closed_meanwhile_is_no_failure(connections: Connections) -> None:
    with scripted(answer(b"one"), b"", answer(b"two")) as server:
        assert body_of(connections, f"{server.origin}/a") == b"one"
        assert body_of(connections, f"{server.origin}/b") == b"two"
        assert [len(heads) for heads in server.heads] == [2, 1]


def test_a_new_connection_that_is_closed_is_one(connections: Connections) -> None:
    with scripted(b"", answer(b"two")) as server, pytest.raises(ConnectionFailed):
        body_of(connections, f"{server.origin}/a")


def test_the_longest_body_that_nobody_reads_costs_its_connection(connections: Connections) -> None:
    with scripted(answer(b"x" * 200_000), answer(b"two")) as server:
        with connections.get(f"{server.origin}/a", {}):
            pass
        assert body_of(connections, f"{server.origin}/b") == b"two"
        assert [len(heads) for heads in server.heads] == [1, 1]


def test_what_a_reader_raises_is_its_own(connections: Connections) -> None:
    """A full disk is no failure of the network, though both are an `OSError`."""
    with (
        scripted(answer(b"x")) as server,
        pytest.raises(OSError, match="disk full"),
        connections.get(server.origin, {}) as got,
    ):
        for _ in got.chunks():
            raise OSError("disk full")


@pytest.mark.parametrize("pieces", [False, True])
def test_an_answer_that_ends_early_has_failed(connections: Connections, pieces: bool) -> None:
    cut = answer(b"0123456789")[:-4]
    with scripted(cut + b"", b"") as server:
        server.answers.pop()
        with pytest.raises(ConnectionFailed, match="ended before its end"), connections.get(server.origin, {}) as got:
            b"".join(got.chunks()) if pieces else got.read()


def test_compressed_answers_are_read_and_given_as_sent_in_pieces(connections: Connections) -> None:
    packed = gzip.compress(b"content", mtime=0)
    with scripted(*[answer(packed, "Content-Encoding: gzip")] * 2) as server:
        assert body_of(connections, server.origin) == b"content"
        with connections.get(server.origin, {}) as got:
            assert b"".join(got.chunks()) == packed


@pytest.mark.parametrize(
    ("body", "encoding", "said"),
    [
        (gzip.compress(b"content" * 9, mtime=0)[:-9], "gzip", "cut off or too large"),
        (b"content that is not compressed", "gzip", "incorrect header check|Invalid gzip"),
        (b"content", "br", "encoded as br, which nobody asked for"),
    ],
)
def test_compressed_answers_that_cannot_be_read(
    connections: Connections, body: bytes, encoding: str, said: str
) -> None:
    with (
        scripted(answer(body, f"Content-Encoding: {encoding}")) as server,
        pytest.raises(ConnectionFailed, match=said),
    ):
        body_of(connections, server.origin)


def test_an_answer_cannot_grow_without_bound(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launcher.resolve.connections._LARGEST_DECODED_BYTES", 1000)
    with (
        scripted(answer(gzip.compress(b"0" * 100_000, mtime=0), "Content-Encoding: gzip")) as server,
        pytest.raises(ConnectionFailed, match="too large"),
    ):
        body_of(connections, server.origin)


def test_closing_ends_who_waits(connections: Connections) -> None:
    failures: list[Exception] = []

    def ask(url: str) -> None:
        try:
            body_of(connections, url)
        except ConnectionFailed as error:
            failures.append(error)

    with scripted(HANGS) as server:
        waiting = threading.Thread(target=ask, args=(server.origin,))
        waiting.start()
        assert server.asked.wait(10)
        connections.close()
        waiting.join(20)
        assert not waiting.is_alive()
        assert len(failures) == 1
        with pytest.raises(ConnectionFailed, match="not wanted any more"):
            body_of(connections, server.origin)


@pytest.mark.parametrize("url", ["ftp://host/", "https://ho st/", "https://h:port/", "http:///path", "mailto:x"])
def test_what_is_no_url_of_http(connections: Connections, url: str) -> None:
    with pytest.raises(UnsupportedUrl):
        body_of(connections, url)


def test_a_path_is_sent_as_a_url_writes_it(connections: Connections) -> None:
    with scripted(answer()) as server:
        body_of(connections, f"{server.origin}/caf\u00e9 1%2B/?a=b c")
        assert server.heads[0][0].startswith("GET /caf%C3%A9%201%2B/?a=b%20c HTTP/1.1\r\n")


# Proxies


def test_a_proxy_gets_whole_urls_and_its_own_credentials() -> None:
    with scripted(answer(b"by proxy")) as proxy:
        connections = Connections(5.0, Access(proxy=proxy.origin.replace("//", "//me:p%40ss@")))
        assert body_of(connections, "http://index.invalid/simple/", Authorization="Basic index") == b"by proxy"
        head = proxy.heads[0][0]
        assert head.startswith("GET http://index.invalid/simple/ HTTP/1.1\r\n")
        assert "\r\nProxy-Authorization: Basic bWU6cEBzcw==" in head
        assert "\r\nHost: index.invalid\r\n" in head


def test_what_is_encrypted_goes_through_a_tunnel_that_gets_no_credentials_but_its_own() -> None:
    with scripted(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as proxy:
        connections = Connections(5.0, Access(proxy=proxy.origin.replace("//", "//me:secret@")))
        with pytest.raises(ConnectionFailed, match="407 "):
            body_of(connections, "https://index.invalid/simple/", Authorization="Basic index")
        head = proxy.heads[0][0]
        assert head.startswith("CONNECT index.invalid:443 HTTP/1.")
        assert "Proxy-Authorization: Basic bWU6c2VjcmV0" in head
        assert "Basic index" not in head


def test_variables_name_the_proxy_and_who_needs_none(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(answer(b"by proxy")) as proxy, scripted(answer(b"straight")) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.origin)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert body_of(connections, "http://index.invalid/") == b"by proxy"
        assert body_of(connections, server.origin) == b"straight"


@pytest.mark.parametrize("proxy", ["socks5://me:secret@host:1080", "https://me:secret@host", "http://h:port"])
def test_a_proxy_that_cannot_be_used(proxy: str) -> None:
    with pytest.raises(UsageError, match="cannot be used") as caught:
        body_of(Connections(5.0, Access(proxy=proxy)), "https://index.invalid/")
    assert "secret" not in str(caught.value)
