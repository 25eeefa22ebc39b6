"""A package index in this process, on 127.0.0.1: PEP 503 and 691 pages, PEP 658 metadata, ranges, faults on demand.

::

    with IndexServer() as server:
        server.add(Wheel("demo", "1.0"))
        ...                                  # point a client at server.index_url
        assert server.paths() == ["/simple/demo/", "/files/demo-1.0-py3-none-any.whl.metadata"]

Every request is logged with its status, so that "a locked run made no request" can be asserted.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
import ssl
import threading
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from fnmatch import fnmatchcase
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Protocol
from urllib.parse import unquote, urlsplit

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
HTML_TYPE = "application/vnd.pypi.simple.v1+html"


class WheelLike(Protocol):
    """What the server needs of `tests.support.wheels.Wheel`."""

    @property
    def filename(self) -> str: ...
    @property
    def content(self) -> bytes: ...


@dataclass(frozen=True)
class LoggedRequest:
    """One request as it was answered; header names are lower case."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]


class Hold:
    """Keeps answers back until it is released: a test then knows what goes on meanwhile, however slow the machine is.

    One that nobody releases ends after `LONGEST_S`, so that what waits for it fails and does not hang.
    """

    LONGEST_S = 60

    def __init__(self) -> None:
        self._asked, self._released = threading.Event(), threading.Event()

    def wait_until_asked(self) -> None:
        """Return when a request has come whose answer is kept back."""
        assert self._asked.wait(self.LONGEST_S), "nobody asked"

    def release(self) -> None:
        """Let all answers go."""
        self._released.set()

    def keep_back(self) -> None:
        """Return when the answer may go; the server calls it."""
        self._asked.set()
        self._released.wait(self.LONGEST_S)


@dataclass
class Fault:
    """What goes wrong for requests whose path matches; give only what should differ from a sound answer.

    `times` counts down: None means always. `hold` keeps the answer back until it is released. `truncate_to` keeps that
    many bytes of the body and then drops the connection; `drop` drops it without an answer. `content` replaces the
    body, `headers` are added (None removes one).
    """

    status: int | None = None
    delay_s: float = 0.0
    hold: Hold | None = None
    truncate_to: int | None = None
    drop: bool = False
    content: bytes | None = None
    content_type: str | None = None
    redirect_to: str | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    times: int | None = None


@dataclass
class ServedFile:
    """One file of a project. What is None is left out of the pages; `metadata` False: no PEP 658 for it."""

    filename: str
    content: bytes
    sha256: str | None
    requires_python: str | None = None
    yanked: str | bool = False
    upload_time: str | None = "2024-01-01T00:00:00.000000Z"
    metadata: bytes | None = None
    metadata_sha256: str | bool | None = None
    url: str | None = None
    size: int | None = None

    @property
    def project(self) -> str:
        stem = self.filename.removesuffix(".whl")
        name = stem.split("-")[0] if stem != self.filename else self.filename.rsplit("-", 1)[0]
        return re.sub(r"[-_.]+", "-", name).lower()


class IndexServer:
    """An index and its files; use as a context manager. Attributes may be changed while it runs.

    With a `tls` context of a server it speaks https.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.files: dict[str, list[ServedFile]] = {}
        self.requests: list[LoggedRequest] = []
        self.serves_json = True
        self.serves_metadata = True
        self.serves_ranges = True
        self.etags = True
        self.cache_control: str | None = "max-age=600"
        self.credentials: tuple[str, str] | None = None
        self.vulnerabilities: dict[str, list[Mapping[str, object]]] | None = None
        """By name and version, as in ``{"demo 1.0": [{"id": …}]}``, what the JSON API tells; None: there is none."""
        self.latency_s = 0.0
        self.concurrent = 0
        self.most_concurrent = 0
        self._faults: list[tuple[str, Fault]] = []
        self._extra: dict[str, tuple[bytes, str]] = {}
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"index": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._scheme = "https" if tls else "http"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> IndexServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def origin(self) -> str:
        """``http://127.0.0.1:PORT``, or with https."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    @property
    def index_url(self) -> str:
        """What a client is given as its index."""
        return f"{self.origin}/simple/"

    @property
    def find_links_url(self) -> str:
        """A flat HTML page that links every file."""
        return f"{self.origin}/flat/"

    def index_url_for(self, user: str, password: str) -> str:
        """Return the index URL with credentials in it."""
        return self.index_url.replace("://", f"://{user}:{password}@")

    def add(self, *wheels: WheelLike, **fields: object) -> list[ServedFile]:
        """Serve wheels; `fields` are those of `ServedFile` that should differ from what the wheel says."""
        return [self.add_file(wheel.filename, wheel.content, **fields) for wheel in wheels]

    def add_file(self, filename: str, content: bytes, **fields: object) -> ServedFile:
        """Serve `content`; a wheel's metadata and requires-python are read out of it."""
        served = ServedFile(filename, content, hashlib.sha256(content).hexdigest(), size=len(content))
        served.metadata = _read_metadata(content) if filename.endswith(".whl") else None
        if served.metadata is not None:
            served.requires_python = BytesParser().parsebytes(served.metadata)["Requires-Python"]
            served.metadata_sha256 = hashlib.sha256(served.metadata).hexdigest()
        for name, value in fields.items():
            if not hasattr(served, name):
                raise TypeError(f"a served file has no field {name!r}")
            setattr(served, name, value)
        with self._lock:
            self.files.setdefault(served.project, []).append(served)
        return served

    def add_page(self, path: str, content: bytes, content_type: str = "text/html") -> str:
        """Serve anything at `path` and return its URL."""
        self._extra[path] = (content, content_type)
        return self.origin + path

    def fail(self, pattern: str, fault: Fault) -> None:
        """Let `fault` happen to every path that matches the shell pattern; the latest matching one applies."""
        with self._lock:
            self._faults.insert(0, (pattern, fault))

    def heal(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def forget_requests(self) -> None:
        """Empty the log."""
        with self._lock:
            self.requests.clear()

    def paths(self, pattern: str = "*") -> list[str]:
        """Return the logged paths that match a shell pattern, in the order of their answers."""
        with self._lock:
            return [request.path for request in self.requests if fnmatchcase(request.path, pattern)]

    def _take_fault(self, path: str) -> Fault | None:
        with self._lock:
            for pattern, fault in self._faults:
                if fnmatchcase(path, pattern) and fault.times != 0:
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None

    def _answer(self, path: str, accept: str) -> tuple[bytes, str] | None:
        """Return body and content type of a sound answer, or None for 404."""
        if path in self._extra:
            return self._extra[path]
        with self._lock:
            projects = {name: list(files) for name, files in self.files.items()}
        wants_json = self.serves_json and "+json" in accept
        if path == "/flat/":
            return _html_page("flat", [file for files in projects.values() for file in files], self), "text/html"
        if path.startswith("/simple/") and (files := projects.get(path.split("/")[2])) is not None:
            name = path.split("/")[2]
            return (
                (_json_page(name, files, self), JSON_TYPE) if wants_json else (_html_page(name, files, self), HTML_TYPE)
            )
        if path.startswith("/pypi/") and (facts := self._facts(projects, *path.split("/")[2:4])) is not None:
            return facts, "application/json"
        if path.startswith("/files/"):
            wanted = unquote(path.removeprefix("/files/"))
            for file in (file for files in projects.values() for file in files):
                if file.filename == wanted:
                    return file.content, "application/octet-stream"
                if f"{file.filename}.metadata" == wanted and self.serves_metadata and file.metadata is not None:
                    return file.metadata, "application/octet-stream"
        return None

    def _facts(self, projects: Mapping[str, list[ServedFile]], name: str, version: str) -> bytes | None:
        """Return what the JSON API says of a release: of what PyPI says, the part that is of interest."""
        files = [file for file in projects.get(name, ()) if f"-{version}-" in file.filename]
        if self.vulnerabilities is None or not files:
            return None
        yanked = files[0].yanked
        info = {
            "name": name,
            "version": version,
            "yanked": bool(yanked),
            "yanked_reason": yanked if isinstance(yanked, str) else None,
        }
        rows = self.vulnerabilities.get(f"{name} {version}", [])
        return json.dumps({"info": info, "urls": [], "vulnerabilities": rows, "last_serial": 1}).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing where a client went away: tests do that on purpose."""


class _Handler(BaseHTTPRequestHandler):
    index: IndexServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        with self.index._lock:
            self.index.concurrent += 1
            self.index.most_concurrent = max(self.index.most_concurrent, self.index.concurrent)
        try:
            self._respond()
        finally:
            with self.index._lock:
                self.index.concurrent -= 1

    do_HEAD = do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing to stderr; `IndexServer.requests` is the log."""

    def _respond(self) -> None:
        path = urlsplit(self.path).path
        fault = self.index._take_fault(path) or Fault()
        time.sleep(self.index.latency_s + fault.delay_s)
        if fault.hold is not None:
            fault.hold.keep_back()
        if fault.drop:
            self._log(0)
            self.close_connection = True
            return
        if fault.redirect_to is not None:
            self._send(fault.status or 302, b"", {"Location": fault.redirect_to}, fault)
        elif fault.status is not None:
            self._send(fault.status, fault.content or b"fault", {"Content-Type": "text/plain"}, fault)
        elif not self._is_authorized():
            self._send(401, b"who are you?", {"WWW-Authenticate": 'Basic realm="index"'}, fault)
        elif (found := self.index._answer(path, self.headers.get("Accept", ""))) is None:
            self._send(404, b"not found", {"Content-Type": "text/plain"}, fault)
        else:
            self._send_sound(path, *found, fault)

    def _send_sound(self, path: str, body: bytes, content_type: str, fault: Fault) -> None:
        body = body if fault.content is None else fault.content
        headers = {"Content-Type": fault.content_type or content_type}
        is_page = path.startswith(("/simple/", "/flat/", "/pypi/"))
        if is_page and self.index.cache_control:
            headers["Cache-Control"] = self.index.cache_control
        if self.index.etags:
            headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            if self.headers.get("If-None-Match") == headers["ETag"]:
                self._send(304, b"", headers, fault)
                return
        if path.startswith("/files/") and self.index.serves_ranges:
            headers["Accept-Ranges"] = "bytes"
            if wanted := self.headers.get("Range"):
                self._send_range(wanted, body, headers, fault)
                return
        self._send(200, body, headers, fault)

    def _send_range(self, wanted: str, body: bytes, headers: dict[str, str], fault: Fault) -> None:
        first_text, _, last_text = wanted.removeprefix("bytes=").partition("-")
        first = int(first_text) if first_text else max(len(body) - int(last_text), 0)
        last = min(int(last_text), len(body) - 1) if first_text and last_text else len(body) - 1
        if first > last:
            self._send(416, b"", {"Content-Range": f"bytes */{len(body)}"}, fault)
            return
        headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
        self._send(206, body[first : last + 1], headers, fault)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str], fault: Fault) -> None:
        self._log(status)
        self.send_response_only(status, HTTPStatus(status).phrase)
        for name, value in {**headers, **fault.headers}.items():
            if value is not None:
                self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD" or status in (204, 304):
            return
        if fault.truncate_to is not None:
            self.wfile.write(body[: fault.truncate_to])
            self.close_connection = True
            return
        self.wfile.write(body)

    def _log(self, status: int) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.index._lock:
            self.index.requests.append(LoggedRequest(self.command, urlsplit(self.path).path, status, headers))

    def _is_authorized(self) -> bool:
        if self.index.credentials is None:
            return True
        expected = base64.b64encode(":".join(self.index.credentials).encode()).decode()
        return self.headers.get("Authorization") == f"Basic {expected}"


def _read_metadata(content: bytes) -> bytes | None:
    """Return the METADATA of a wheel, or None where it has none that can be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            return archive.read(name)
    except (zipfile.BadZipFile, StopIteration, RuntimeError, NotImplementedError):
        return None


def _file_url(file: ServedFile) -> str:
    return file.url or f"/files/{file.filename}"


def _json_page(name: str, files: list[ServedFile], index: IndexServer) -> bytes:
    rows = []
    for file in files:
        row: dict[str, object] = {
            "filename": file.filename,
            "url": _file_url(file),
            "hashes": {"sha256": file.sha256} if file.sha256 else {},
            "requires-python": file.requires_python,
            "yanked": file.yanked,
            "size": file.size,
            "upload-time": file.upload_time,
        }
        if index.serves_metadata and file.metadata is not None and file.metadata_sha256:
            told = file.metadata_sha256
            row["core-metadata"] = {"sha256": told} if isinstance(told, str) else True
        rows.append({key: value for key, value in row.items() if value is not None})
    return json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": rows}).encode()


def _html_page(name: str, files: list[ServedFile], index: IndexServer) -> bytes:
    lines = [f"<!DOCTYPE html><html><head><title>{html.escape(name)}</title></head><body>"]
    for file in files:
        attributes = {"href": _file_url(file) + (f"#sha256={file.sha256}" if file.sha256 else "")}
        if file.requires_python:
            attributes["data-requires-python"] = file.requires_python
        if file.yanked is not False:
            attributes["data-yanked"] = file.yanked if isinstance(file.yanked, str) else ""
        if index.serves_metadata and file.metadata is not None and file.metadata_sha256:
            told = file.metadata_sha256
            attributes["data-core-metadata"] = f"sha256={told}" if isinstance(told, str) else "true"
        written = " ".join(f'{key}="{html.escape(value)}"' for key, value in attributes.items())
        lines.append(f"<a {written}>{html.escape(file.filename)}</a><br>")
    return "\n".join([*lines, "</body></html>"]).encode()
