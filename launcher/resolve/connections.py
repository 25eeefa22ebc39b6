"""HTTP/1.1 connections, kept alive and shared by threads; straight to a server or through a proxy.

On http.client and not on the client that unearth brings: importing that takes 125 ms where this takes 45, and each of
the 300 requests of a large first launch 0.7 ms of CPU instead of 0.13.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit

from launcher.errors import UsageError
from launcher.inflate import BROKEN, decompressobj
from launcher.resolve.access import CONNECTIONS_AT_ONCE, Access
from launcher.resolve.tls import tls_context, unverified_context
from launcher.resolve.urls import basic_authorization, mask_credentials, origin_of

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 20
_CHUNK_BYTES = 1 << 18
"""At most, of what has arrived: for each piece the interpreter lock has to be had, from those who compute."""
_WORTH_READING_BYTES = 1 << 16
"""What is left of an unread body up to this size is read, so that its connection can be used again."""
_LARGEST_DECODED_BYTES = 1 << 28
_FAILURES: tuple[type[Exception], ...] = (OSError, http.client.HTTPException, *BROKEN)
_IN_A_TARGET = "/?:@!$&'()*+,;=-._~%"


class ConnectionFailed(Exception):
    """The server could not be reached, or its answer did not arrive whole; `str()` says what was met."""

    def __init__(self, reason: str, *, is_timeout: bool = False) -> None:
        super().__init__(reason)
        self.is_timeout = is_timeout


class UnsupportedUrl(ValueError):
    """A URL that is not of HTTP; `str()` says why."""


class Answer:
    """What a server answered: header names are lower case, `url` is where redirects led."""

    def __init__(self, response: http.client.HTTPResponse, url: str) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.getheaders()}
        self.url = url

    def read(self) -> bytes:
        """Return the whole body, decoded; raises `ConnectionFailed`."""
        with _failures_told():
            content = self._response.read()
            encoding = self.headers.get("content-encoding", "identity").strip().lower()
            return content if encoding in ("", "identity") else _decoded(content, encoding)

    def chunks(self) -> Iterator[bytes]:
        """Give the body as it was sent, piece by piece; raises `ConnectionFailed`."""
        while True:
            with _failures_told():
                chunk = self._response.read1(_CHUNK_BYTES)
                if not chunk and self._response.length:
                    raise http.client.IncompleteRead(b"", self._response.length)
            if not chunk:
                return
            yield chunk


class _Route(NamedTuple):
    """How a server is reached; `proxy` is the URL of one, or None."""

    scheme: str
    host: str
    port: int
    proxy: str | None


class Connections:
    """Gets URLs from any thread, `CONNECTIONS_AT_ONCE` at once."""

    def __init__(self, timeout_s: float, access: Access) -> None:
        self._timeout_s = timeout_s
        self._access = access
        self._places = threading.BoundedSemaphore(CONNECTIONS_AT_ONCE)
        self._idle: dict[_Route, list[http.client.HTTPConnection]] = {}
        self._in_use: set[http.client.HTTPConnection] = set()
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._addresses = _Addresses()
        self._find_proxy: Callable[[str, str], str | None] | None = None
        self._is_closed = False
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close all connections; who still reads from one fails."""
        with self._lock:
            self._is_closed = True
            in_use, idle = list(self._in_use), [each for every in self._idle.values() for each in every]
            self._idle.clear()
        for connection in idle:
            connection.close()
        for connection in in_use:
            # Not closed: the descriptor belongs to the thread that reads from it.
            with suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str], *, follows_redirects: bool = True) -> Iterator[Answer]:
        """Give the answer to a GET, redirects followed; Authorization stays with the origin of `url`.

        Raises `ConnectionFailed`, `UnsupportedUrl`, `UsageError` for a proxy that cannot be used.
        """
        sent = {"Accept": "*/*", "Accept-Encoding": "identity", **headers}
        with self._places:
            for _ in range(_MOST_REDIRECTS):
                route = self._route(url)
                with self._exchange(route, url, sent) as response:
                    location = response.getheader("Location") if response.status in REDIRECTS else None
                    if location is None or not follows_redirects:
                        yield Answer(response, url)
                        return
                target = urljoin(url, location)
                if origin_of(target) != origin_of(url):
                    sent.pop("Authorization", None)
                url = target
        raise UnsupportedUrl(f"it was redirected {_MOST_REDIRECTS} times")

    @contextmanager
    def _exchange(self, route: _Route, url: str, headers: Mapping[str, str]) -> Iterator[http.client.HTTPResponse]:
        connection = self._taken(route, may_be_used=True)
        try:
            is_used = connection.sock is not None
            try:
                with _failures_told():
                    response = _answer_to(connection, route, url, headers)
            except ConnectionFailed as error:
                if not is_used or error.is_timeout:
                    raise
                # The server had closed it meanwhile, as servers do.
                self._given_back(route, connection, None)
                connection = self._taken(route, may_be_used=False)
                with _failures_told():
                    response = _answer_to(connection, route, url, headers)
            yield response
        except BaseException:
            self._given_back(route, connection, None)
            raise
        self._given_back(route, connection, response)

    def _taken(self, route: _Route, *, may_be_used: bool) -> http.client.HTTPConnection:
        with self._lock:
            if self._is_closed:
                raise ConnectionFailed("it is not wanted any more")
            idle = self._idle.get(route)
            connection = idle.pop() if idle and may_be_used else self._connection(route)
            self._in_use.add(connection)
            return connection

    def _given_back(
        self, route: _Route, connection: http.client.HTTPConnection, response: http.client.HTTPResponse | None
    ) -> None:
        """Keep a connection whose answer was read to its end for the next request, else close it."""
        is_reusable = response is not None and not response.will_close and _is_read(response)
        with self._lock:
            self._in_use.discard(connection)
            if is_reusable and not self._is_closed:
                self._idle.setdefault(route, []).append(connection)
                return
        connection.close()

    def _connection(self, route: _Route) -> http.client.HTTPConnection:
        straight: tuple[str, int, dict[str, str]] = (route.host, route.port, {})
        host, port, authorization = straight if route.proxy is None else _proxy_address(route.proxy)
        if route.scheme == "http":
            connection = http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        else:
            context = self._context(route)
            connection = http.client.HTTPSConnection(host, port, timeout=self._timeout_s, context=context)
            if route.proxy is not None:
                connection.set_tunnel(route.host, route.port, headers=authorization)
        # There is no public way to say how to connect. Were the attribute gone, each connection would look up its host.
        connection._create_connection = self._addresses.connect  # type: ignore[attr-defined]
        return connection

    def _context(self, route: _Route) -> ssl.SSLContext:
        is_trusted = not {route.host, f"{route.host}:{route.port}"}.isdisjoint(self._access.trusted_hosts)
        if is_trusted not in self._contexts:
            make = unverified_context if is_trusted else tls_context
            self._contexts[is_trusted] = make(self._access)
        return self._contexts[is_trusted]

    def _route(self, url: str) -> _Route:
        try:
            parts = urlsplit(url)
            scheme, host, port = parts.scheme, parts.hostname, parts.port
        except ValueError as error:
            raise UnsupportedUrl(str(error)) from error
        if scheme not in ("http", "https"):
            raise UnsupportedUrl("only http, https and file URLs can")
        if not host or not host.isprintable() or " " in host:
            raise UnsupportedUrl("it names no host")
        if self._find_proxy is None:
            self._find_proxy = _system_proxies()
        proxy = self._access.proxy or self._find_proxy(scheme, host)
        return _Route(scheme, host, port or {"http": 80, "https": 443}[scheme], proxy)


class _Addresses:
    """Looks up each host name once: more than 12 threads that do so at once met a stall of 5 s (a lost DNS reply)."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], list[str]] = {}
        self._lock = threading.Lock()

    def connect(self, address: tuple[str, int], timeout_s: float, *others: object) -> socket.socket:
        """Return a connection to host and port; raises `OSError` of the last of its addresses."""
        del others
        with self._lock:
            if address not in self._known:
                found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
                self._known[address] = list(dict.fromkeys(str(entry[4][0]) for entry in found))
            *first, last = self._known[address]
        for each in first:
            with suppress(OSError):
                return socket.create_connection((each, address[1]), timeout_s)
        return socket.create_connection((last, address[1]), timeout_s)


@contextmanager
def _failures_told() -> Iterator[None]:
    try:
        yield
    except (http.client.InvalidURL, UnicodeError) as error:
        raise UnsupportedUrl(str(error)) from error
    except http.client.IncompleteRead as error:
        raise ConnectionFailed("the answer ended before its end") from error
    except _FAILURES as error:
        raise ConnectionFailed(
            str(error) or type(error).__name__, is_timeout=isinstance(error, TimeoutError)
        ) from error


def _answer_to(
    connection: http.client.HTTPConnection, route: _Route, url: str, headers: Mapping[str, str]
) -> http.client.HTTPResponse:
    parts = urlsplit(url)
    target = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_IN_A_TARGET)
    sent = dict(headers)
    if route.proxy is not None and route.scheme == "http":
        target = f"http://{parts.netloc}{target}"
        sent |= _proxy_address(route.proxy)[2]
    connection.putrequest("GET", target, skip_accept_encoding=True)
    for name, value in sent.items():
        connection.putheader(name, value)
    try:
        connection.endheaders()
    except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
        # It was closed before we had spoken; what the server said before that is still to be read and says why.
        if connection.sock is None:
            raise
    return connection.getresponse()


def _is_read(response: http.client.HTTPResponse) -> bool:
    """Tell whether nothing of the body is left, after reading a rest that is small."""
    if response.isclosed():
        return True
    if response.length is None or response.length > _WORTH_READING_BYTES:
        return False
    with suppress(OSError, http.client.HTTPException):
        response.read()
        return True
    return False


def _decoded(content: bytes, encoding: str) -> bytes:
    if encoding not in ("gzip", "x-gzip"):
        raise http.client.HTTPException(f"it is encoded as {encoding}, which nobody asked for")
    decompressor = decompressobj(31)
    decoded: bytes = decompressor.decompress(content, _LARGEST_DECODED_BYTES)
    if decompressor.unconsumed_tail or not decompressor.eof:
        raise http.client.HTTPException("its compressed content is cut off or too large")
    return decoded


def _system_proxies() -> Callable[[str, str], str | None]:
    """Return what tells the proxy for scheme and host that variables or the system name."""
    if sys.platform not in ("darwin", "win32") and not any(name.lower().endswith("_proxy") for name in os.environ):
        return lambda _scheme, _host: None
    # 10 ms, for those who have a proxy.
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415

    proxies = getproxies()

    def find(scheme: str, host: str) -> str | None:
        found = proxies.get(scheme) or proxies.get("all")
        return None if not found or proxy_bypass(host) else found

    return find


def _proxy_address(proxy: str) -> tuple[str, int, dict[str, str]]:
    """Return host, port and what says who we are to a proxy; raises `UsageError` where it cannot be used."""
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        host, port = None, 0
    if not host or parts.scheme != "http":
        raise UsageError(
            f"The proxy {mask_credentials(proxy)} cannot be used.",
            hint="A proxy is given as http://host:port, also for https: what goes through it is encrypted.",
        )
    if parts.username is None:
        return host, port, {}
    authorization = basic_authorization(unquote(parts.username), unquote(parts.password or ""))
    return host, port, {"Proxy-Authorization": authorization}
