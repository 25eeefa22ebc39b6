"""A file from elsewhere, over HTTP or out of a git repository, from servers that may say anything."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urljoin

from launcher.cache import Cache
from launcher.errors import IndexUnreachable, ScriptNotFound, SourceUnreachable, UsageError
from launcher.remote_entry import Entry
from launcher.reporter import Reporter
from launcher.resolve.access import Access
from launcher.resolve.connections import REDIRECTS, Answer
from launcher.resolve.fetcher import Fetcher
from launcher.resolve.git_program import GitProgram, Reach
from launcher.resolve.page_cache import fresh_for_s
from launcher.resolve.version_control import Repository, fetch_commit, parse_repository, read_blob
from launcher.script.remote_url import RemoteUrl, is_loopback, likely_file, parse_remote
from launcher.settings import Settings
from launcher.value import Value, replace

LARGEST_BYTES = 5_000_000
"""The largest script of the standard library has 0.3 MB; what is larger was not written by a person."""
_MOST_REDIRECTS = 10
_LONGEST_S = 120.0
"""A server that sends a byte now and then is never silent for as long as the timeout."""
_GIT_FRESH_S = 300.0
"""What a branch stands for is asked again after this, as raw files of forges are; a whole commit id is never asked."""
_LASTING = frozenset({301, 308})
_LOCK_SIGN = rb"(?m)^[ \t]*[\"']?lock-version\b"
_REFS = "/info/refs"
"""What git asks a repository for first; a redirect of it is one of the repository."""
_MOVED = r"returned error: 30[12378]\b"
_SIGN_IN = r"(?i)sign[ _-]?in|log[ _-]?in|authenticat"


class _Reply(Value):
    """The end of one request: `location` is where it leads on, or empty; `content` is None where nothing is there."""

    status: int
    headers: dict[str, str]
    location: str = ""
    content: bytes | None = None


class _Fetched(Value):
    """A commit that was fetched into a directory; `way` are the URLs that led to its repository."""

    repository: Repository
    directory: Path
    commit: str
    way: tuple[RemoteUrl, ...]


class Download:
    """Gets files from elsewhere; a repository is fetched once for all of its files."""

    def __init__(self, settings: Settings, cache: Cache, reporter: Reporter) -> None:
        self._access = Access.of(settings)
        self._fetcher = Fetcher(timeout_s=settings.timeout_s, retries=settings.retries, access=self._access)
        self._git = GitProgram(Reach(timeout_s=settings.timeout_s, access=self._access, follows_redirects=False))
        self._cache = cache
        self._reporter = reporter
        self._repositories: dict[str, _Fetched] = {}
        self._directories = ExitStack()

    def close(self) -> None:
        """Close connections and remove what was fetched of repositories."""
        self._fetcher.close()
        self._git.stop()
        self._directories.close()

    def get(self, url: RemoteUrl, known: Entry | None, *, is_script: bool) -> tuple[Entry, bool]:
        """Return what is at a URL, and whether it may be kept; what is `known` of it is only asked about.

        Raises `ScriptNotFound` for what is no script where one `is_script`, else takes it for nothing, and
        `SourceUnreachable` where no answer could be had.
        """
        try:
            return (self._from_repository(url), True) if url.is_git else self._over_http(url, known, is_script)
        except IndexUnreachable as error:
            hint = (error.hint or "").replace("in the index URL", "in the URL").replace(", or use another index", "")
            raise SourceUnreachable(error.message, hint=hint or None) from error

    def _over_http(self, url: RemoteUrl, known: Entry | None, is_script: bool) -> tuple[Entry, bool]:
        target, hops, fresh_s = url, [url.shown], float("inf")
        for _ in range(_MOST_REDIRECTS):
            reply = self._ask(target, url, known if known and known.hops[-1] == target.shown else None)
            if not reply.location:
                break
            if reply.status not in _LASTING:
                fresh_s = min(fresh_s, fresh_for_s(reply.headers))
            target = _redirected(target, reply.location)
            if target.shown in hops:
                raise SourceUnreachable(f"{url.shown} redirects in a circle: {target.shown}.", hint="Check the URL.")
            hops.append(target.shown)
        else:
            raise SourceUnreachable(f"{url.shown} redirects more than {_MOST_REDIRECTS} times.", hint="Check the URL.")
        fresh_s = min(fresh_s, fresh_for_s(reply.headers))
        is_to_be_kept = "no-store" not in reply.headers.get("cache-control", "").lower()
        entry = Entry(
            reply.content,
            tuple(hops),
            time.time(),
            fresh_s,
            reply.headers.get("etag"),
            reply.headers.get("last-modified"),
        )
        if reply.status == 304 and known is not None:
            etag, last_modified = entry.etag or known.etag, entry.last_modified or known.last_modified
            return replace(entry, content=known.content, etag=etag, last_modified=last_modified), is_to_be_kept
        what = _other_than_a_script(reply)
        if what is not None and is_script:
            raise _no_script(url, target, what, reply.content or b"")
        # A server that answers everything, with a page or with the script, has no lock.
        is_lock = what is None and re.search(_LOCK_SIGN, reply.content or b"") is not None
        return entry if is_script or is_lock else replace(entry, content=None), is_to_be_kept

    def _ask(self, target: RemoteUrl, asked: RemoteUrl, known: Entry | None) -> _Reply:
        # Without it a proxy in between may answer from its own cache, and --refresh would refresh nothing.
        headers = {"Cache-Control": "max-age=0"} if known else {}
        if known is not None and known.content is not None:
            if known.etag:
                headers["If-None-Match"] = known.etag
            elif known.last_modified:
                headers["If-Modified-Since"] = known.last_modified

        def read(answer: Answer) -> _Reply:
            location = answer.headers.get("location", "") if answer.status in REDIRECTS else ""
            reply = _Reply(answer.status, dict(answer.headers), location)
            if location or (answer.status == 304 and known is not None) or answer.status in (404, 410):
                return reply
            if answer.status != 200:
                raise SourceUnreachable(
                    f"{target.shown} answered {answer.status}, which is no file.", hint="Check the URL."
                )
            return replace(reply, content=_body(answer, asked))

        return self._fetcher.consume(target.with_credentials, read, headers, follows_redirects=False)

    def _from_repository(self, url: RemoteUrl) -> Entry:
        if url.url not in self._repositories:
            self._repositories[url.url] = self._fetched(url)
        found = self._repositories[url.url]
        content = read_blob(found.repository, (found.commit, url.path), found.directory, self._git, LARGEST_BYTES)
        if content is not None and len(content) > LARGEST_BYTES:
            raise _too_large(url)
        fresh_s = float("inf") if found.repository.commit else _GIT_FRESH_S
        hops = tuple(replace(each, path=url.path).shown for each in found.way)
        return Entry(content, hops, time.time(), fresh_s, commit=found.commit)

    def _fetched(self, url: RemoteUrl) -> _Fetched:
        way = [url]
        while True:
            try:
                repository = parse_repository(way[-1].with_credentials)
            except ValueError as error:
                raise UsageError(f"{way[-1].shown} cannot be fetched: {error}.") from None
            directory = self._directories.enter_context(self._cache.temporary_directory())
            try:
                return _Fetched(repository, directory, fetch_commit(repository, directory, self._git), tuple(way))
            except SourceUnreachable as error:
                if not re.search(_MOVED, error.message) or len(way) > _MOST_REDIRECTS:
                    raise
                moved = self._moved(way[-1], repository)
                if moved is None:
                    raise
                way.append(moved)

    def _moved(self, url: RemoteUrl, repository: Repository) -> RemoteUrl | None:
        """Return the URL of the repository that a redirect leads to, or None where it leads to something else."""
        asked = RemoteUrl(f"{repository.url}{_REFS}?service=git-upload-pack", url.user_info)
        location, mark, _ = self._ask(asked, url, None).location.partition(_REFS)
        if not mark:
            return None
        target = _redirected(asked, location or "/")
        if target.url == repository.url:
            return None
        revision = f"@{repository.revision}" if repository.revision else ""
        return replace(target, url=f"git+{target.url}{revision}", path=url.path)


def _body(answer: Answer, asked: RemoteUrl) -> bytes:
    """Return the body of an answer, as long as it is of a size and a pace that a script has."""
    if answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise SourceUnreachable(f"{asked.shown} answers in an encoding that nobody asked for.", hint="Check the URL.")
    told = answer.headers.get("content-length", "")
    if told.isdecimal() and int(told) > LARGEST_BYTES:
        raise _too_large(asked)
    content, until = bytearray(), time.monotonic() + _LONGEST_S
    for chunk in answer.chunks():
        content += chunk
        if len(content) > LARGEST_BYTES:
            raise _too_large(asked)
        if time.monotonic() > until:
            raise SourceUnreachable(
                f"{asked.shown} did not come to an end within {_LONGEST_S:g} s.", hint="Try again later."
            )
    return bytes(content)


def _redirected(source: RemoteUrl, location: str) -> RemoteUrl:
    """Return where a server leads; it may say neither another way of fetching nor what this machine serves."""
    try:
        target = parse_remote(urljoin(source.url, location))
    except ValueError as error:
        raise SourceUnreachable(f"{source.shown} redirects to something that is no URL: {error}.") from error
    except UsageError as error:
        raise SourceUnreachable(f"{source.shown} redirects where nobody may follow. {error.message}") from error
    if target.is_git or (is_loopback(target.url) and not is_loopback(source.url)):
        raise SourceUnreachable(f"{source.shown} redirects to {target.shown}, where nobody may follow.")
    # Whatever user and password it names are not those of a person.
    return replace(target, user_info=source.user_info if _origin(target) == _origin(source) else "", sha256=None)


def _origin(url: RemoteUrl) -> str:
    return url.url.partition("://")[2].partition("/")[0]


def _other_than_a_script(reply: _Reply) -> str | None:
    """Return what came instead of Python, or None. No source file begins with ``<``."""
    content = (reply.content or b"").removeprefix(b"\xef\xbb\xbf").lstrip()
    if content.startswith(b"<"):
        return "a web page" if re.match(rb"(?i)<(!doctype html|html|head|body|!--)", content) else "XML"
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    return "JSON" if kind.endswith("json") and content.startswith((b"{", b"[")) else None


def _no_script(url: RemoteUrl, target: RemoteUrl, what: str, content: bytes) -> ScriptNotFound:
    # Bounded: a page of nothing but such beginnings would take hours.
    found = re.search(rb"(?is)<title[^>]{0,200}>(.{0,200}?)</title>", content)
    title = " ".join(found[1].decode("utf-8", "replace").split()) if found else ""
    called = f', "{title}"' if title else ""
    where = "" if target.shown == url.shown else f" (by way of {target.shown})"
    if likely := likely_file(url.url):
        hint = f"What it shows may be at {likely}"
    elif re.search(_SIGN_IN, title + target.url):
        hint = "It seems to want you to sign in; put a user and a token into ~/.netrc or the URL."
    else:
        hint = "Open it in a browser; where it shows a script, a link called Raw or Download leads to the file."
    return ScriptNotFound(f"{url.shown} is no script but {what}{called}{where}.", hint=hint)


def _too_large(url: RemoteUrl) -> ScriptNotFound:
    return ScriptNotFound(
        f"{url.shown} is no script: it is larger than {LARGEST_BYTES // 1_000_000} MB.",
        hint="Give the URL of a Python file; data and packages are fetched by the script itself.",
    )
