"""HTTP as resolution needs it: one pool, one TLS context, retries, and credentials that stay with their origin.

The only importer of httpx2. What goes wrong leaves as `IndexUnreachable` with a masked URL and what to do.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from launcher import __version__
from launcher.errors import IndexUnreachable, NotAvailableOffline
from launcher.resolve.urls import basic_authorization, mask_credentials, origin_of, split_credentials

CONNECTIONS_AT_ONCE = 16
_RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_CHUNK_BYTES = 1 << 16

_T = TypeVar("_T")
_Origin = tuple[str, str, int | None]


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

    Credentials are taken out of URLs that `remember_credentials` hears, and from netrc where a server asks; they are
    sent to the origin they were given for and nowhere else, redirects included.
    """

    def __init__(self, *, timeout_s: float = 15.0, retries: int = 3, offline: bool = False) -> None:
        self.offline = offline
        self._timeout_s = timeout_s
        self._retries = retries
        self._authorizations: dict[_Origin, str] = {}
        self._asked_netrc: set[_Origin] = set()
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
        bare, authorization = split_credentials(url)
        if authorization is not None:
            self._authorizations[origin_of(bare)] = authorization
        return bare

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
                        raise _refused(url, download.status)
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
        url = self.remember_credentials(url)
        origin = origin_of(url)
        sent = self._with_authorization(origin, headers)
        with self._client().stream("GET", url, headers=sent) as response:
            is_asked = response.status_code == 401 and origin_of(str(response.url)) == origin
            if not is_asked or not self._found_in_netrc(origin, "Authorization" in sent):
                yield Download(response)
                return
        with self._client().stream("GET", url, headers=self._with_authorization(origin, headers)) as response:
            yield Download(response)

    def _with_authorization(self, origin: _Origin, headers: Mapping[str, str] | None) -> dict[str, str]:
        sent = dict(headers or {})
        if authorization := self._authorizations.get(origin):
            sent["Authorization"] = authorization
        return sent

    def _found_in_netrc(self, origin: _Origin, was_sent: bool) -> bool:
        """Look the host up in netrc, once; tell whether there are credentials now that were not sent."""
        with self._lock:
            if origin in self._authorizations:
                return not was_sent
            if origin not in self._asked_netrc:
                self._asked_netrc.add(origin)
                if found := _netrc_login(origin[1]):
                    self._authorizations[origin] = basic_authorization(*found)
            return origin in self._authorizations

    def _client(self) -> httpx2.Client:
        with self._lock:
            if self._opened is None:
                self._opened = httpx2.Client(
                    verify=tls_context(),
                    limits=httpx2.Limits(
                        max_connections=CONNECTIONS_AT_ONCE, max_keepalive_connections=CONNECTIONS_AT_ONCE
                    ),
                    timeout=httpx2.Timeout(self._timeout_s, pool=None),
                    follow_redirects=True,
                    headers={"User-Agent": f"pyscript/{__version__}"},
                )
                _look_up_hosts_once(self._opened)
            return self._opened


def tls_context() -> ssl.SSLContext:
    """Return the one TLS context, with the system's certificates.

    SSL_CERT_FILE, SSL_CERT_DIR and REQUESTS_CA_BUNDLE name others. On Linux a directory of hashed certificates is
    preferred: OpenSSL reads the one it needs (0.2 ms), where a bundle is read whole (25 ms).
    """
    bundle = os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE")
    directory = os.environ.get("SSL_CERT_DIR")
    if not bundle and not directory and sys.platform in ("darwin", "win32"):
        # 20 ms, and only these systems keep their certificates elsewhere than in files.
        import truststore  # noqa: PLC0415

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not bundle and not directory:
        paths = ssl.get_default_verify_paths()
        bundle, directory = paths.openssl_cafile, paths.openssl_capath
    # Debian's bundle lies in the directory of hashed links to the same certificates.
    hashed = next((path for path in (directory, bundle and str(Path(bundle).parent)) if _is_hashed(path)), None)
    if hashed and (not bundle or Path(bundle).parent == Path(hashed) or not Path(bundle).is_file()):
        context.load_verify_locations(capath=hashed)
    elif bundle and Path(bundle).exists():
        is_directory = Path(bundle).is_dir()
        context.load_verify_locations(
            cafile=None if is_directory else bundle, capath=bundle if is_directory else hashed
        )
    else:
        context.load_default_certs()
    return context


def _is_hashed(directory: str | None) -> bool:
    with suppress(OSError):
        return any(re.fullmatch(r"[0-9a-f]{8}\.\d", name) for name in os.listdir(directory or ""))
    return False


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


def _look_up_hosts_once(client: httpx2.Client) -> None:
    """Give the pool our backend. httpx2 has no parameter for it: where the attributes are gone, all stays as it was."""
    pool: Any = getattr(client._transport, "_pool", None)
    if hasattr(pool, "_network_backend"):
        pool._network_backend = _HostsLookedUpOnce(pool._network_backend)


def _netrc_login(host: str) -> tuple[str, str] | None:
    # 3 ms, and only a server that asks for credentials needs it.
    import netrc  # noqa: PLC0415

    try:
        found = netrc.netrc(os.environ.get("NETRC")).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    return (found[0], found[2] or "") if found else None


def _asked_pause_s(headers: Mapping[str, str], otherwise_s: float) -> float:
    asked = headers.get("retry-after", "")
    return min(float(asked), _LONGEST_PAUSE_S) if asked.isdigit() else otherwise_s


def _is_worth_repeating(error: Exception) -> bool:
    return not isinstance(error, httpx2.UnsupportedProtocol) and "CERTIFICATE_VERIFY_FAILED" not in str(error)


def _refused(url: str, status: int) -> IndexUnreachable:
    shown = mask_credentials(url)
    if status in (401, 403):
        wanted = "credentials" if status == 401 else "other credentials, or refuses this address"
        return IndexUnreachable(
            f"{shown} answered {status}: it wants {wanted}.",
            hint="Put user and password into the index URL, or into ~/.netrc.",
        )
    if status == 407:
        return IndexUnreachable(f"The proxy in front of {shown} wants credentials.", hint="Put them into HTTPS_PROXY.")
    return IndexUnreachable(f"{shown} answered {status}, several times.", hint="Try again later, or use another index.")


def _failed(url: str, error: Exception, attempts: int, timeout_s: float) -> IndexUnreachable:
    shown, reason = mask_credentials(url), str(error) or type(error).__name__
    times = f" after {attempts} attempts" if attempts > 1 else ""
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return IndexUnreachable(
            f"The certificate of {shown} could not be verified: {reason}",
            hint="Where a company proxy re-signs traffic, name its certificate in SSL_CERT_FILE.",
        )
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
