"""unearth, which finds: it reads HTML pages and find-links, and judges and orders the files of a version.

The only importer of unearth, and itself loaded where there is something to judge that was not judged before: that takes
175 ms, of which 125 are the HTTP client that unearth brings and that nobody asks. Two things are ours. It is handed
only what a cheap test of the name lets through, a version at a time (914 tags against 2,000 files: 350 ms). And it
never fetches: it takes a refusal or a broken server for "no such package".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.tags import Tag
from unearth import Link, PackageFinder, TargetPython
from unearth.collector import IndexPage, collect_links_from_location, parse_html_page

from launcher.errors import IndexUnreachable
from launcher.resolve.fetcher import Fetcher
from launcher.resolve.page_files import PageFile
from launcher.resolve.urls import mask_credentials, may_list, path_from_file_url, sha256_in, split_credentials

_OFFER = "https://offered.invalid/"
_JSON = "application/vnd.pypi.simple.v1+json"


def default_index() -> str:
    """Return the URL of unearth's own index: a finder that is given none has one."""
    return str(PackageFinder().sources[0]["url"])


def best_file(
    name: str, files: Sequence[tuple[object, ...]], version_info: tuple[int, int, int], tags: Sequence[str]
) -> str | None:
    """Return the name of the best of several files of one version, by tag and then by build number.

    `files` are `PageFile`s as `marshal` leaves them; `tags` are those of the interpreter that any of them has, best
    first: unearth hashes each of some 900 for each file, 0.5 ms in all.
    """
    offered = _OfferedPage(Fetcher(offline=True))
    offered.offer(map(PageFile._make, files))
    finder = PackageFinder(session=offered, index_urls=[_OFFER], target_python=_OurTarget(version_info, tags))
    found = next(iter(finder.find_all_packages(name, allow_yanked=True)), None)
    return None if found is None or found.version is None else found.link.filename


def linked_files(location: str, fetcher: Fetcher) -> list[PageFile]:
    """Return what a find-links location, a page or a directory, links to."""
    return _from_links(collect_links_from_location(_OfferedPage(fetcher), Link(location), expand=True), location)


class _OurTarget(TargetPython):
    """The interpreter's own tags instead of those that unearth derives from a version."""

    def __init__(self, version_info: tuple[int, int, int], tags: Sequence[str]) -> None:
        super().__init__(py_ver=version_info)
        self._tags = [Tag(*tag.split("-", 2)) for tag in tags]

    def supported_tags(self) -> list[Tag]:
        """Return the tags that can matter, best first."""
        return self._tags


@dataclass(frozen=True)
class _Answer:
    """unearth's `Response`."""

    url: str
    content: bytes
    headers: Mapping[str, str]
    encoding: str | None = None
    status_code: int = 200
    reason_phrase: str = "OK"


class _OfferedPage:
    """unearth's `Fetcher`: it serves the files that were offered last, and find-links pages by way of ours."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._content = b""

    def offer(self, files: Iterable[PageFile]) -> None:
        """Let the next page hold these files and no others."""
        rows = [
            {"filename": file.filename, "url": file.url, "yanked": file.yanked is not None, "hashes": {}}
            | ({"requires-python": file.requires_python} if file.requires_python else {})
            for file in files
        ]
        self._content = json.dumps({"files": rows}).encode()

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Any:
        """Answer for the page of an offer or of a find-links location."""
        if url.startswith(_OFFER):
            return _Answer(url, self._content, {"Content-Type": _JSON})
        if url.startswith("file:"):
            return _Answer(url, path_from_file_url(url).read_bytes(), {"Content-Type": "text/html"})
        reply = self._fetcher.get(url, headers)
        if reply.status != 200:
            raise IndexUnreachable(
                f"The find-links page {mask_credentials(url)} answered {reply.status}.",
                hint="Mend the URL: --find-links.",
            )
        content_type = reply.headers.get("content-type", "")
        if "json" not in content_type and "html" not in content_type:
            raise IndexUnreachable(
                f"The find-links page {mask_credentials(url)} is neither HTML nor JSON but {content_type or 'unnamed'}."
            )
        return _Answer(reply.url, reply.content, {"Content-Type": content_type}, _charset(content_type))

    head = get

    def get_stream(self, url: str, *, headers: Mapping[str, str] | None = None) -> Any:
        """Refuse: downloads are not unearth's."""
        raise NotImplementedError(url)

    def iter_secure_origins(self) -> Iterable[tuple[str, str, str]]:
        """Take every location: who configured it chose it."""
        return [("*", "*", "*")]


# Pages as unearth reads them


def files_in_html(content: bytes, url: str, content_type: str = "") -> list[PageFile]:
    """Return the files that an HTML page of an index links to; raises `ValueError` where it is no text."""
    charset = _charset(content_type)
    try:
        return _from_links(parse_html_page(IndexPage(Link(url), content, charset, "text/html")), url)
    except (UnicodeDecodeError, LookupError) as error:
        raise ValueError(f"it is not text in {charset or 'utf-8'}") from error


def _charset(content_type: str) -> str | None:
    return content_type.partition("charset=")[2].strip(' "') or None


def _from_links(links: Iterable[Link], page_url: str) -> list[PageFile]:
    files = []
    for link in links:
        url = split_credentials(link.url_without_fragment)[0]
        if not may_list(page_url, link.filename, url):
            continue
        metadata = link.dist_info_metadata
        files.append(
            PageFile(
                filename=link.filename,
                url=url,
                sha256=(link.hashes or {}).get("sha256") or sha256_in(link.url),
                requires_python=link.requires_python or None,
                yanked=link.yank_reason,
                size_bytes=None,
                core_metadata=metadata.get("sha256") or True if isinstance(metadata, dict) else metadata or None,
                upload_time=None,
            )
        )
    return files


def files_in_directory(directory: Path) -> list[PageFile] | None:
    """Return the files of a ``file:`` index: those of index.html, else those beside it; None without a directory."""
    if not directory.parent.is_dir():
        raise IndexUnreachable(f"The index directory {directory.parent} does not exist.", hint="Mend --index-url.")
    if not directory.is_dir():
        return None
    page = directory / "index.html"
    if page.is_file():
        return files_in_html(page.read_bytes(), page.as_uri())
    links = (Link.from_path(path) for path in sorted(directory.iterdir()))
    return _from_links(links, page.as_uri())
