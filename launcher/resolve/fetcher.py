"""HTTP as resolution needs it: one pool, one TLS context, retries, and credentials that stay with their origin.

The only importer of httpx2. What goes wrong leaves as `IndexUnreachable` with a masked URL and what to do.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

from launcher import __version__
from launcher.errors import IndexUnreachable, NotAvailableOffline, UsageError
from launcher.resolve.credentials import Credentials
from launcher.resolve.tls import Access, tls_context, unverified_context
from launcher.resolve.urls import mask_credentials, origin_of

CONNECTIONS_AT_ONCE = 16
_RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_CHUNK_BYTES = 1 << 16
_WANTS_A_CERTIFICATE = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE")
_FINAL = ("CERTIFICATE_VERIFY_FAILED", *_WANTS_A_CERTIFICATE, "407 ")
"""In errors that come again however often one tries."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that was read to its end; header names are lower case, `url` is where redirects led."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str


class Download:
    """An answer whose body is read piece by piece."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self.url = str(response.url)

    def chunks(self) -> Iterator[bytes]:
        """Give the body as it was sent: a wheel is never unpacked on the way, its hash is that of the file."""
        return self._response.iter_raw(_CHUNK_BYTES)


class Fetcher:
    """Fetches URLs from any thread; at most `CONNECTIONS_AT_ONCE` at once.

    `credentials` go to the origin they were given for and nowhere else, redirects included.
    """

    def __init__(
        self, *, timeout_s: float = 15.0, retries: int = 3, offline: bool = False, access: Access | None = None
    ) -> None:
        self.offline = offline
        self._timeout_s = timeout_s
        self._retries = retries
        self._access = access or Access()
        self.credentials = Credentials(asks_keyring=self._access.asks_keyring)
        self._opened: httpx2.Client | None = None
        self._is_closed = False
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            self._is_closed = True
            if self._opened is not None:
                self._opened.close()

    def remember_credentials(self, url: str) -> str:
        """Return the URL without its credentials, which are kept for its origin."""
        return self.credentials.remember(url)

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Return the answer to a GET, whatever its status, except that 401, 403, 407 and 5xx raise.

        Raises `IndexUnreachable` where no answer could be had, and `NotAvailableOffline`.
        """

        def read(download: Download) -> Reply:
            content = download._response.read()
            return Reply(download.status, download.headers, content, download.url)

        return self.consume(url, read, headers)

    def consume(self, url: str, read: Callable[[Download], _T], headers: Mapping[str, str] | None = None) -> _T:
        """Open `url`, hand the answer to `read` and return what that returns; both are repeated where they fail.

        `read` may be called several times and starts afresh each time. Raises as `get` does.
        """
        if self.offline:
            raise NotAvailableOffline(
                f"{mask_credentials(url)} is not in the cache, and offline forbids fetching it.",
                hint="Run once without --offline.",
            )
        for attempt in range(self._retries + 1):
            pause_s = min(_FIRST_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S)
            is_last = attempt == self._retries
            try:
                with self._open(url, headers) as download:
                    if download.status in _RETRIED_STATUSES and not is_last:
                        pause_s = _asked_pause_s(download.headers, pause_s)
                    elif download.status >= 500 or download.status in (401, 403, 407, 408, 429):
                        raise self._refused(url, download.status)
                    else:
                        return read(download)
            except (httpx2.TransportError, httpx2.DecodingError) as error:
                if is_last or self._is_closed or not _is_worth_repeating(error):
                    raise _failed(url, error, attempt + 1, self._timeout_s) from error
            except (httpx2.InvalidURL, httpx2.TooManyRedirects, httpx2.StreamError, UnicodeError) as error:
                raise IndexUnreachable(f"{mask_credentials(url)} cannot be fetched: {error}.") from error
            time.sleep(pause_s)
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def _open(self, url: str, headers: Mapping[str, str] | None) -> Iterator[Download]:
        url = self.remember_credentials(url) if "@" in url else url
        sent = self._with_authorization(url, headers)
        with self._client().stream("GET", url, headers=sent) as response:
            is_asked = response.status_code in (401, 403) and origin_of(str(response.url)) == origin_of(url)
            if not is_asked or not self.credentials.look_up(url, sent.get("Authorization")):
                yield Download(response)
                return
        with self._client().stream("GET", url, headers=self._with_authorization(url, headers)) as response:
            yield Download(response)

    def _refused(self, url: str, status: int) -> IndexUnreachable:
        shown = mask_credentials(url)
        if status in (401, 403):
            said, hint = self.credentials.refusal(url, status)
            return IndexUnreachable(f"{shown} answered {status}: {said}.", hint=hint)
        if status == 407:
            return _refused_by_proxy(shown)
        return IndexUnreachable(
            f"{shown} answered {status}, several times.", hint="Try again later, or use another index."
        )

    def _with_authorization(self, url: str, headers: Mapping[str, str] | None) -> dict[str, str]:
        sent = dict(headers or {})
        if authorization := self.credentials.authorization_for(url):
            sent["Authorization"] = authorization
        return sent

    def _client(self) -> httpx2.Client:
        with self._lock:
            if self._opened is None:
                self._opened = self._make_client()
            return self._opened

    def _make_client(self) -> httpx2.Client:
        access = self._access
        limits = httpx2.Limits(max_connections=CONNECTIONS_AT_ONCE, max_keepalive_connections=CONNECTIONS_AT_ONCE)
        try:
            mounts = {
                f"https://{host}": httpx2.HTTPTransport(
                    verify=unverified_context(access), limits=limits, proxy=access.proxy or _proxy_for(host)
                )
                for host in access.trusted_hosts
            }
            client = httpx2.Client(
                verify=tls_context(access),
                limits=limits,
                timeout=httpx2.Timeout(self._timeout_s, pool=None),
                follow_redirects=True,
                headers={"User-Agent": f"pyscript/{__version__}"},
                proxy=access.proxy,
                mounts=mounts,
            )
        except (ValueError, httpx2.InvalidURL) as error:
            raise UsageError(
                f"A proxy or a trusted host cannot be used: {mask_credentials(str(error))}.",
                hint="A proxy is given as http://host:port, a trusted host as host or host:port.",
            ) from error
        for transport in (client._transport, *mounts.values()):
            _look_up_hosts_once(transport)
        return client


def _proxy_for(host: str) -> str | None:
    """Return the proxy that the variables name for a host; httpx2 asks them only for hosts without special ways."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return None if proxy_bypass(name) else getproxies().get("https") or getproxies().get("all")


class _HostsLookedUpOnce:
    """Resolves each host name once: more than 12 threads that do so at once met a stall of 5 s (a lost DNS reply)."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._addresses: dict[tuple[str, int], list[str]] = {}
        self._lock = threading.Lock()

    def connect_tcp(self, host: str, port: int, *args: Any, **options: Any) -> Any:
        with self._lock:
            addresses = self._addresses.get((host, port))
            if addresses is None:
                with suppress(OSError):
                    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                    addresses = self._addresses[host, port] = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        # The last one is not guarded, so that its error says why. A name that could not be resolved fails in there.
        for address in (addresses or [host])[:-1]:
            with suppress(Exception):
                return self._backend.connect_tcp(address, port, *args, **options)
        return self._backend.connect_tcp((addresses or [host])[-1], port, *args, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


def _look_up_hosts_once(transport: httpx2.BaseTransport) -> None:
    """Give the pool our backend. httpx2 has no parameter for it: where the attributes are gone, all stays as it was."""
    pool: Any = getattr(transport, "_pool", None)
    if hasattr(pool, "_network_backend"):
        pool._network_backend = _HostsLookedUpOnce(pool._network_backend)


def _host_of(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _asked_pause_s(headers: Mapping[str, str], otherwise_s: float) -> float:
    asked = headers.get("retry-after", "")
    return min(float(asked), _LONGEST_PAUSE_S) if asked.isdigit() else otherwise_s


def _is_worth_repeating(error: Exception) -> bool:
    is_final = isinstance(error, httpx2.UnsupportedProtocol) or any(word in str(error) for word in _FINAL)
    return not is_final


def _refused_by_proxy(shown: str) -> IndexUnreachable:
    return IndexUnreachable(
        f"The proxy in front of {shown} wants credentials.",
        hint="Put them into HTTPS_PROXY or --proxy: http://user:password@host:port.",
    )


def _failed(url: str, error: Exception, attempts: int, timeout_s: float) -> IndexUnreachable:
    shown, reason = mask_credentials(url), str(error) or type(error).__name__
    times = f" after {attempts} attempts" if attempts > 1 else ""
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return IndexUnreachable(
            f"The certificate of {shown} could not be verified: {reason}",
            hint="Name the certificate of your company with --cert or PYSCRIPT_CERT, or, where nothing else helps, do "
            f"without verifying: --trusted-host {_host_of(url)}",
        )
    if any(word in reason for word in _WANTS_A_CERTIFICATE):
        return IndexUnreachable(
            f"{shown} wants a client certificate, or has no way of encrypting in common with us: {reason}.",
            hint="Name a PEM file with the certificate and its key: --client-cert or PYSCRIPT_CLIENT_CERT.",
        )
    if "407 " in reason and isinstance(error, httpx2.ProxyError):
        return _refused_by_proxy(shown)
    if isinstance(error, httpx2.TimeoutException):
        return IndexUnreachable(
            f"{shown} did not answer within {timeout_s:g} s{times}.", hint="Try again, or raise --timeout."
        )
    if isinstance(error, httpx2.UnsupportedProtocol):
        return IndexUnreachable(f"{shown} cannot be fetched: only http, https and file URLs can.")
    return IndexUnreachable(
        f"{shown} could not be reached{times}: {mask_credentials(reason)}.",
        hint="Check the connection and the URL; with everything in the cache, --offline needs neither.",
    )
