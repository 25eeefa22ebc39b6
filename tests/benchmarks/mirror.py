"""An index on this machine with what the measured sets need, so that neither the network nor TLS has a part.

The first runs of everybody fill it from the default index; from then on it serves the same answers to all, as PyPI does
where nothing is in between: JSON pages that are fresh for ten minutes and have an ETag, and metadata beside each wheel
(PEP 658, PEP 691).
"""

from __future__ import annotations

import hashlib
import json
import socketserver
import threading
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple
from urllib.parse import urljoin

from unearth import PackageFinder

from launcher.resolve.metadata import metadata_in_wheel

_JSON = "application/vnd.pypi.simple.v1+json"
_BYTES = "application/octet-stream"
_PAGES, _FILES, _METADATA = "/simple/", "/files/", ".metadata"
_UPSTREAM_TIMEOUT_S = 60


class Mirror:
    """Serves from `directory`, and fills it from `upstream` where something is asked for the first time.

    That is the default index where nothing else is given. A context manager.
    """

    def __init__(self, directory: Path, upstream: str | None = None) -> None:
        self._directory = directory
        self._upstream = (upstream or str(PackageFinder().sources[0]["url"])).rstrip("/")
        self._fetching: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.mirror = self

    def __enter__(self) -> Mirror:
        self._directory.mkdir(parents=True, exist_ok=True)
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def index_url(self) -> str:
        """Where tools are sent."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{_PAGES}"

    def answer(self, path: str) -> tuple[Path, str] | None:
        """Return the file with the answer for `path` and its content type, None where upstream has none either."""
        with self._lock:
            lock = self._fetching.setdefault(path, threading.Lock())
        kept = self._directory / hashlib.sha256(path.encode()).hexdigest()
        kind = _JSON if path.startswith(_PAGES) else _BYTES
        with lock:
            if not kept.exists():
                try:
                    content = self._page(path) if kind == _JSON else self._file(path)
                except (urllib.error.HTTPError, ValueError):
                    return None
                unfinished = kept.with_suffix(".part")
                unfinished.write_bytes(content)
                unfinished.replace(kept)
        return kept, kind

    def _page(self, path: str) -> bytes:
        url = f"{self._upstream}/{path.removeprefix(_PAGES).strip('/')}/"
        page = json.loads(_fetched(url))
        for row in page["files"]:
            row["url"] = _FILES + urljoin(url, row["url"]).replace("://", "/", 1)
            if row["filename"].endswith(".whl"):
                # Some proxies strip it on the way here.
                row.setdefault("core-metadata", True)
        return json.dumps(page, separators=(",", ":")).encode()

    def _file(self, path: str) -> bytes:
        is_metadata = path.endswith(_METADATA)
        url = path.removeprefix(_FILES).removesuffix(_METADATA).replace("/", "://", 1)
        if not is_metadata:
            return _fetched(url)
        with suppress(urllib.error.HTTPError):
            return _fetched(url + _METADATA)
        wheel = self.answer(path.removesuffix(_METADATA))
        if wheel is None:
            raise ValueError("there is no such wheel")
        return metadata_in_wheel(wheel[0])


class Asked(NamedTuple):
    """What matters of one request."""

    path: str
    first: int | None
    last: int | None
    etag: str


def read_request(head: bytes) -> Asked:
    """Return what a request's head asks for; a suffix range has no `last` and a negative `first`.

    >>> read_request(b"GET /simple/rich/ HTTP/1.1\\r\\nHost: x\\r\\nRange: bytes=-100\\r\\n\\r\\n")
    Asked(path='/simple/rich/', first=-100, last=None, etag='')
    """
    request, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    first, last, wanted = None, None, headers.get("range", "")
    if wanted.startswith("bytes="):
        start, _, end = wanted.removeprefix("bytes=").partition("-")
        first, last = (int(start), int(end) if end else None) if start else (-int(end), None)
    return Asked(request.split(" ")[1], first, last, headers.get("if-none-match", ""))


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    mirror: Mirror

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing where a client went away."""


class _Handler(socketserver.StreamRequestHandler):
    """As little as a server can do, since it takes time away from those who are measured."""

    server: _Server
    disable_nagle_algorithm = True

    def handle(self) -> None:
        received = b""
        while True:
            while b"\r\n\r\n" not in received:
                more = self.connection.recv(65536)
                if not more:
                    return
                received += more
            head, _, received = received.partition(b"\r\n\r\n")
            self._answer(read_request(head), is_head=head.startswith(b"HEAD"))

    def _answer(self, asked: Asked, *, is_head: bool) -> None:
        found = self.server.mirror.answer(asked.path)
        if found is None:
            self.connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        kept, kind = found
        size, etag = kept.stat().st_size, f'"{kept.name[:16]}"'
        if asked.etag == etag:
            self.connection.sendall(f"HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n{_FRESH}\r\n\r\n".encode())
            return
        start, end, status = 0, size, "200 OK"
        fields = f"Content-Type: {kind}\r\nETag: {etag}\r\n{_FRESH}\r\nAccept-Ranges: bytes\r\n"
        if asked.first is not None:
            start = max(size + asked.first, 0) if asked.first < 0 else asked.first
            end = size if asked.last is None else min(asked.last + 1, size)
            status = "206 Partial Content"
            fields += f"Content-Range: bytes {start}-{end - 1}/{size}\r\n"
        self.connection.sendall(f"HTTP/1.1 {status}\r\n{fields}Content-Length: {end - start}\r\n\r\n".encode())
        if not is_head:
            with kept.open("rb") as stream:
                self.connection.sendfile(stream, start, end - start) if end > start else None


_FRESH = "Cache-Control: max-age=600, public"


def _fetched(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"Accept": f"{_JSON}, */*; q=0.1"})
    with urllib.request.urlopen(request, timeout=_UPSTREAM_TIMEOUT_S) as answer:
        content: bytes = answer.read()
    return content
