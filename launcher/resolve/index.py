"""Where candidates come from: indexes and find-links, wheels' metadata, and the wheels.

unearth finds, in `launcher.resolve.finder`, which is loaded where there is something to judge that was not judged
before.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from packaging.version import Version

from launcher.cache import Cache
from launcher.errors import IndexUnreachable, NotAvailableOffline, UsageError
from launcher.reporter import Reporter, SilentReporter
from launcher.resolve.access import CONNECTIONS_AT_ONCE
from launcher.resolve.candidate import Candidate
from launcher.resolve.crew import Crew
from launcher.resolve.direct_url import archive_origin
from launcher.resolve.fetcher import Fetcher, Reply
from launcher.resolve.file_versions import version_of_sdist
from launcher.resolve.index_settings import IndexSettings
from launcher.resolve.metadata import WheelMetadata
from launcher.resolve.metadata_source import MetadataSource
from launcher.resolve.once import Once
from launcher.resolve.page_cache import PageCache
from launcher.resolve.page_files import PUT_THERE, PageFile
from launcher.resolve.pages import FIND_LINKS, ProjectPage, best_sdist, make_page, merge_pages
from launcher.resolve.releases import has_ordinary_name, tags_of
from launcher.resolve.remembered_finder import FINDER, RememberedFinder
from launcher.resolve.urls import mask_credentials, path_from_file_url
from launcher.resolve.wheel_files import WheelFiles
from launcher.resolve.workshop import Workshop
from launcher.script.index_tables import canonical_name
from launcher.value import replace
from launcher.workers import Workers

if TYPE_CHECKING:
    from launcher.python.query import Interpreter
    from launcher.resolve.source_trees import SourceTrees


_URL_WITH_CREDENTIALS = r"(?:git\+)?https?://[^/\s@]+@[^\s]+"
_JSON = ("application/vnd.pypi.simple.v1+json", "application/json")
_HTML = ("text/html", "application/vnd.pypi.simple.v1+html", "application/xhtml")


class Index:
    """All places that resolutions look at. Every method may be called from any thread.

    `interpreter` is the one that builds, and that files are chosen for where nobody names another.

    A name is taken from the first index that has it: those with a name in their order, the extra indexes in theirs,
    then the index. What find-links locations have is put beside it. Close it, or use it as a context manager.
    """

    def __init__(
        self,
        settings: IndexSettings,
        interpreter: Interpreter,
        cache: Cache,
        workshop: Workshop | None = None,
        workers: Workers | None = None,
    ) -> None:
        self.fetcher = Fetcher(
            timeout_s=settings.timeout_s, retries=settings.retries, offline=settings.offline, access=settings.access
        )
        self._pages = PageCache(cache, self.fetcher, refresh=settings.refresh)
        self._files = WheelFiles(cache, self.fetcher)
        self._metadata = MetadataSource(cache, self.fetcher, self._files)
        self._workshop = workshop or Workshop()
        self.formats = self._workshop.formats
        self._opened_source_trees: SourceTrees | None = None
        self._source_trees_lock = threading.Lock()
        self._is_closed = False
        self._interpreter = interpreter
        self._cache = cache
        self._workers = workers or Workers(0)
        self._remembered = {interpreter.tags: RememberedFinder(cache, interpreter.tags)}
        self._finder_lock = threading.Lock()
        self._sources: dict[str, str] = {}
        self._settings = settings
        self.locations = self._index_locations(settings)
        self._find_links = tuple(self._as_url(location, "find_links") for location in settings.find_links)
        self._project_pages: Once[str, ProjectPage | None] = Once()
        self._wheel_metadata: Once[str, WheelMetadata] = Once()
        self._linked: Once[str, list[PageFile]] = Once()
        self._crew = Crew(CONNECTIONS_AT_ONCE)

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop what was fetched ahead, close the connections and forget wheels that nobody asked for."""
        self._crew.close()
        # Who holds it waits for a worker, maybe for long; what it learns is asked for again some day.
        if self._finder_lock.acquire(blocking=False):
            for finder in self._remembered.values():
                finder.save()
            self._finder_lock.release()
        with self._source_trees_lock:
            self._is_closed = True
            source_trees = self._opened_source_trees
        if source_trees is not None:
            source_trees.close()
        self.fetcher.close()
        self._files.close()

    @property
    def source_trees(self) -> SourceTrees:
        """What makes wheels of sources, opened when one is met."""
        with self._source_trees_lock:
            if self._opened_source_trees is None:
                # 12 ms: builds, archives and git.
                from launcher.resolve.git_program import Reach  # noqa: PLC0415
                from launcher.resolve.source_trees import SourceTrees  # noqa: PLC0415

                asked = self._settings
                reach = Reach(asked.offline, asked.timeout_s, asked.access)
                opened = SourceTrees(self._interpreter, self._cache, self._files, self._workshop, reach)
                if self._is_closed:
                    opened.close()  # who still looks ahead starts nothing any more
                self._opened_source_trees = opened
            return self._opened_source_trees

    def begin(self, requirements: Iterable[str]) -> None:
        """Begin to fetch the pages of what is required by name; returns at once."""
        for text in requirements:
            name = re.match(r"[A-Za-z0-9][\w.-]*(?=\s*([<>=!~;\[(]|$))", text)
            if name is not None and "@" not in text:
                self.submit(self.page, canonical_name(name[0]))

    def submit(self, work: Callable[..., object], *arguments: object) -> None:
        """Do something ahead; what goes wrong there is met again by whoever needs the result."""
        self._crew.submit(work, *arguments)

    def remember_credentials(self, texts: Iterable[str]) -> None:
        """Keep the credentials in the URLs of requirements, for a download by a resolution that was made earlier."""
        for url in (url for text in texts if "@" in text for url in re.findall(_URL_WITH_CREDENTIALS, text)):
            keeper = self.source_trees if url.startswith("git+") else self.fetcher
            # One that is no URL is complained about where the requirement is read.
            with suppress(ValueError):
                keeper.remember_credentials(url)

    def page(self, name: str) -> ProjectPage | None:
        """Return the files of the project with this canonical name, or None where nobody knows it.

        Raises `IndexUnreachable` and `NotAvailableOffline`.
        """
        return self._project_pages.get(name, self._find_page)

    def metadata(self, candidate: Candidate) -> WheelMetadata:
        """Return what the candidate's METADATA says, from the cache, PEP 658, a ranged read or the wheel.

        A source that does not state it is asked by its build backend. Raises `InvalidWheel` where it cannot be read or
        is another's, `HashMismatch`, `IndexUnreachable`, `NotAvailableOffline`, and `BuildFailed` for a source.
        """
        if not candidate.is_wheel:
            return self.source_trees.metadata(candidate, self._metadata.beside)
        return self._wheel_metadata.get(candidate.sha256 or candidate.url, lambda _: self._metadata.read(candidate))

    def candidate(self, name: str, file: PageFile, source: str) -> Candidate:
        """Return a file of a page as a candidate; its version is that in the file name."""
        stated = file.filename.split("-")[1] if file.is_wheel else version_of_sdist(file.filename, name)
        return Candidate(
            name=name,
            version=str(Version(stated or "")),
            filename=file.filename,
            url=file.url,
            sha256=file.sha256,
            size_bytes=file.size_bytes,
            requires_python=file.requires_python,
            yanked=file.yanked,
            core_metadata=file.core_metadata,
            index=source,
        )

    def choose_file(
        self, name: str, files: Sequence[PageFile], source: str, interpreter: Interpreter | None = None
    ) -> Candidate | None:
        """Return the best wheel of one version as unearth ranks them, by tag and then by build number.

        Where the first of `files` is an sdist, all are: the best one is that in the format of the specification.
        `interpreter` is another one than the index was opened for, maybe of another machine.
        """
        if not files[0].is_wheel:
            return self.candidate(name, best_sdist(files), source)
        if len(files) == 1 and has_ordinary_name(files[0]):
            return self.candidate(name, files[0], source)
        by_name = {file.filename: file for file in files}
        judge = interpreter or self._interpreter
        with self._finder_lock:
            if judge.tags not in self._remembered:
                self._remembered[judge.tags] = RememberedFinder(self._cache, judge.tags)
            chosen = self._remembered[judge.tags].choice(tuple(by_name), lambda: self._best_file(name, files, judge))
        return None if chosen is None else self.candidate(name, by_name[chosen], source)

    def _best_file(self, name: str, files: Sequence[PageFile], judge: Interpreter) -> str | None:
        named = {tag for file in files for tag in tags_of(file.filename)}
        tags = [tag for tag in judge.tags if tag in named]
        rows = [tuple(file) for file in files]
        found: str | None = self._workers.call(f"{FINDER}:best_file", name, rows, judge.version_info, tags)
        return found

    def with_sha256(self, candidate: Candidate) -> Candidate:
        """Return the candidate with the sha256 of its file known, fetching it where the index does not state it."""
        is_file = candidate.is_wheel or candidate.index
        if is_file and not candidate.sha256:
            path, sha256 = self._files.keep(candidate, SilentReporter())
            candidate = replace(candidate, sha256=sha256, size_bytes=path.stat().st_size)
        if candidate.is_wheel and not candidate.index and candidate.sha256:
            return replace(candidate, direct_url=archive_origin(candidate.url, candidate.sha256))
        return candidate

    def download(self, candidate: Candidate, directory: Path, reporter: Reporter) -> tuple[Path, str]:
        """Put the wheel into `directory` under its proper name; return its path and verified sha256.

        A wheel that is built of a source is where it was built. Raises `HashMismatch`, `IndexUnreachable` and
        `NotAvailableOffline`; then nothing is left in the directory.
        """
        if not candidate.is_wheel:
            return self.source_trees.wheel(candidate)
        return self._files.fetch(candidate, directory, reporter)

    # Pages

    def places_of(self, name: str) -> tuple[str, ...]:
        """Return the indexes that are asked for a project, in their order."""
        return (self._sources[name],) if name in self._sources else self.locations

    def _find_page(self, name: str) -> ProjectPage | None:
        if name in self._sources:
            return self._page_at(self._sources[name], name)
        page = None
        for location in self.locations:
            page = self._page_at(location, name)
            if page is not None:
                break
        if not self._find_links:
            return page
        linked = [file for location in self._find_links for file in self._linked.get(location, self._read_find_links)]
        beside = make_page(name, linked, FIND_LINKS)
        if not beside.versions:
            return page
        return beside if page is None else merge_pages(beside, page)

    def _page_at(self, location: str, name: str) -> ProjectPage | None:
        url = urljoin(location if location.endswith("/") else f"{location}/", f"{name}/")
        source = mask_credentials(location)
        if url.startswith("file:"):
            files = _finder_module().files_in_directory(path_from_file_url(url))
            return None if files is None else make_page(name, files, source)
        try:
            return self._pages.get(url, lambda reply: _page_in(reply, name, source))
        except NotAvailableOffline as error:
            raise NotAvailableOffline(
                f"The page of {name} on {source} is not in the cache, and offline forbids fetching it.",
                hint="Run once without --offline.",
            ) from error
        except IndexUnreachable as error:
            message = f"{self._settings.name_before(location)}{error.message}"
            raise IndexUnreachable(message, hint=error.hint, reference=error.reference) from error

    def _read_find_links(self, location: str) -> list[PageFile]:
        path = path_from_file_url(location) if location.startswith("file:") else None
        if path is not None and not path.exists():
            message = f"{self._settings.origin_of('find_links')}: {path} does not exist."
            raise IndexUnreachable(message, hint="Mend the path, or leave it out.")
        files = _finder_module().linked_files(location, self.fetcher)
        return [file._replace(upload_time=PUT_THERE) for file in files]

    # Settings

    def _index_locations(self, settings: IndexSettings) -> tuple[str, ...]:
        if settings.no_index:
            return ()
        named = {canonical_name(each.name): self._as_url(each.url, "index", each.name) for each in settings.named}
        self._sources = {name: named[canonical_name(index)] for name, index in settings.sources.items()}
        default = settings.index_url
        if default is None and settings.needs_pages:
            # unearth knows it, which takes 150 ms.
            default = self._remembered[self._interpreter.tags].default_index(self._default_index)
        first = [named[canonical_name(each.name)] for each in settings.named if not each.explicit]
        extra = [self._as_url(each, "extra_index_url") for each in settings.extra_index_urls]
        last = [self._as_url(default, "index_url")] if default else []
        return tuple(dict.fromkeys((*first, *extra, *last)))

    def _default_index(self) -> str:
        found: str = self._workers.call(f"{FINDER}:default_index")
        return found

    def _as_url(self, location: str, setting: str, name: str = "") -> str:
        """Return a location as a URL without credentials, which the fetcher keeps; those of a name are variables."""
        if "://" in location or location.startswith("file:"):
            return self.fetcher.credentials.remember(location, name, os.environ)
        if os.path.exists(location):
            return Path(location).absolute().as_uri()
        raise UsageError(
            f"{self._settings.origin_of(setting)}: {location!r} is neither a URL nor a path that exists.",
            hint="An index is given as https://host/path/simple/, find-links also as a directory.",
        )


def _finder_module() -> Any:
    """Return the module that only needs loading where there are find-links or pages of HTML."""
    from launcher.resolve import finder  # noqa: PLC0415

    return finder


def _page_in(reply: Reply, name: str, source: str) -> ProjectPage:
    """Return an index page by its content type; raises `ValueError` where it is none."""
    content_type = reply.headers.get("content-type", "").lower()
    if content_type.startswith(_JSON):
        # 0.3 ms, and pages from the cache are read already.
        from launcher.resolve.json_page import read_page  # noqa: PLC0415

        return read_page(name, reply.content, reply.url, source)
    if not content_type.startswith(_HTML):
        raise ValueError(f"its content type is {content_type or 'not stated'}")
    return make_page(name, _finder_module().files_in_html(reply.content, reply.url, content_type), source)
