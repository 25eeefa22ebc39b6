"""HTTP as resolution needs it: retries, credentials that stay with their origin, and errors that say what to do.

What goes wrong leaves as `IndexUnreachable` with a masked URL.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from launcher import __version__
from launcher.errors import IndexUnreachable, NotAvailableOffline
from launcher.resolve.access import Access
from launcher.resolve.credentials import Credentials
from launcher.resolve.urls import mask_credentials, origin_of
from launcher.value import Value

if TYPE_CHECKING:
    from launcher.resolve.connections import Answer, ConnectionFailed, Connections

_RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_WANTS_A_CERTIFICATE = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE")
_FINAL = ("CERTIFICATE_VERIFY_FAILED", *_WANTS_A_CERTIFICATE, "407 ")
"""In errors that come again however often one tries."""

_T = TypeVar("_T")


class Reply(Value):
    """An answer that was read to its end; header names are lower case, `url` is where redirects led."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str


class Fetcher:
    """Fetches URLs from any thread.

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
        self._opened: Connections | None = None
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

        def read(answer: Answer) -> Reply:
            return Reply(answer.status, answer.headers, answer.read(), answer.url)

        return self.consume(url, read, {"Accept-Encoding": "gzip", **(headers or {})})

    def consume(
        self,
        url: str,
        read: Callable[[Answer], _T],
        headers: Mapping[str, str] | None = None,
        *,
        follows_redirects: bool = True,
    ) -> _T:
        """Open `url`, hand the answer to `read` and return what that returns; both are repeated where they fail.

        The body comes as it was sent unless `headers` ask for an encoding: a file's hash is that of the file.
        `read` may be called several times and starts afresh each time. Raises as `get` does.
        """
        if self.offline:
            raise NotAvailableOffline(
                f"{mask_credentials(url)} is not in the cache, and offline forbids fetching it.",
                hint="Run once without --offline.",
            )
        connections = self._connections()
        # It is loaded by now; at the top it would be by everybody.
        from launcher.resolve.connections import ConnectionFailed, UnsupportedUrl  # noqa: PLC0415

        for attempt in range(self._retries + 1):
            pause_s = min(_FIRST_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S)
            is_last = attempt == self._retries
            try:
                with self._open(connections, url, headers, follows_redirects) as answer:
                    if answer.status in _RETRIED_STATUSES and not is_last:
                        pause_s = _asked_pause_s(answer.headers, pause_s)
                    elif answer.status >= 500 or answer.status in (401, 403, 407, 408, 429):
                        raise self._refused(url, answer.status)
                    else:
                        return read(answer)
            except ConnectionFailed as error:
                if is_last or self._is_closed or any(word in str(error) for word in _FINAL):
                    raise _failed(url, error, attempt + 1, self._timeout_s) from error
            except UnsupportedUrl as error:
                raise IndexUnreachable(f"{mask_credentials(url)} cannot be fetched: {error}.") from error
            time.sleep(pause_s)
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def _open(
        self, connections: Connections, url: str, headers: Mapping[str, str] | None, follows_redirects: bool
    ) -> Iterator[Answer]:
        url = self.remember_credentials(url) if "@" in url else url
        sent = self._with_authorization(url, headers)
        with connections.get(url, sent, follows_redirects=follows_redirects) as answer:
            is_asked = answer.status in (401, 403) and origin_of(answer.url) == origin_of(url)
            if not is_asked or not self.credentials.look_up(url, sent.get("Authorization")):
                yield answer
                return
        with connections.get(
            url, self._with_authorization(url, headers), follows_redirects=follows_redirects
        ) as answer:
            yield answer

    def _connections(self) -> Connections:
        with self._lock:
            if self._opened is None:
                # 45 ms: http.client and ssl, which whoever finds all in the cache does without.
                from launcher.resolve.connections import Connections  # noqa: PLC0415

                self._opened = Connections(self._timeout_s, self._access)
                if self._is_closed:
                    self._opened.close()
            return self._opened

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
        sent = {"User-Agent": f"pyscript/{__version__}", **(headers or {})}
        if authorization := self.credentials.authorization_for(url):
            sent["Authorization"] = authorization
        return sent


def _host_of(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _asked_pause_s(headers: Mapping[str, str], otherwise_s: float) -> float:
    asked = headers.get("retry-after", "")
    return min(float(asked), _LONGEST_PAUSE_S) if asked.isdecimal() else otherwise_s


def _refused_by_proxy(shown: str) -> IndexUnreachable:
    return IndexUnreachable(
        f"The proxy in front of {shown} wants credentials.",
        hint="Put them into HTTPS_PROXY or --proxy: http://user:password@host:port.",
    )


def _failed(url: str, error: ConnectionFailed, attempts: int, timeout_s: float) -> IndexUnreachable:
    shown, reason = mask_credentials(url), str(error)
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
    if "407 " in reason:
        return _refused_by_proxy(shown)
    if error.is_timeout:
        return IndexUnreachable(
            f"{shown} did not answer within {timeout_s:g} s{times}.", hint="Try again, or raise --timeout."
        )
    return IndexUnreachable(
        f"{shown} could not be reached{times}: {mask_credentials(reason)}.",
        hint="Check the connection and the URL; with everything in the cache, --offline needs neither.",
    )
