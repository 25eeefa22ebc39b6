"""Where candidates come from, against servers in this process: which index, which requests, what when it misbehaves."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from launcher.cache import Bucket, Cache
from launcher.errors import (
    HashMismatch,
    IndexUnreachable,
    InvalidMetadata,
    InvalidWheel,
    NotAvailableOffline,
    PackageNotFound,
    ResolutionImpossible,
    UsageError,
)
from launcher.reporter import SilentReporter
from launcher.resolve import fetcher as fetcher_module
from launcher.resolve.candidate import Candidate
from launcher.resolve.index import Index
from launcher.resolve.index_settings import IndexSettings
from launcher.resolve.provider import resolve
from launcher.resolve.resolution import Policy, Requested
from launcher.script.index_tables import NamedIndex
from launcher.value import replace
from launcher.workers import Workers
from tests.scenarios.interpreters import make_interpreter
from tests.support.index_server import Fault, IndexServer
from tests.support.wheels import Flaw, Wheel

DEMO = Wheel("demo", "1.0", requires=["other>=1"])
WHEEL = "/files/demo-1.0-py3-none-any.whl"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher_module, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setenv("NETRC", "/nowhere/netrc")


@pytest.fixture
def server() -> Iterator[IndexServer]:
    with IndexServer() as running:
        running.add(DEMO)
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def opened(server: IndexServer | None, cache: Cache, **fields: Any) -> Index:
    settings = IndexSettings(index_url=server.index_url if server else None, **{"retries": 1, **fields})
    return Index(settings, make_interpreter(), cache)


def candidate(index: Index, name: str = "demo") -> Candidate:
    page = index.page(name)
    assert page is not None
    found = index.choose_file(name, page.files_of(len(page.versions) - 1), page.source)
    assert found is not None
    return found


# Pages


def test_a_page_and_its_candidate(server: IndexServer, cache: Cache) -> None:
    with opened(server, cache) as index:
        found = candidate(index)
    assert (found.name, found.version, found.filename) == ("demo", "1.0", DEMO.filename)
    assert (found.sha256, found.size_bytes) == (DEMO.sha256, len(DEMO.content))
    assert found.index == server.index_url


def test_html_says_the_same_as_json(server: IndexServer, cache: Cache, tmp_path: Path) -> None:
    server.add(Wheel("demo", "2.0"), yanked="it's <bad>", requires_python=">=3.8,<4")
    with opened(server, cache) as index:
        json_page = index.page("demo")
    server.serves_json = False
    with opened(server, Cache(tmp_path / "other")) as index:
        html_page = index.page("demo")
    assert json_page is not None and html_page is not None
    for at in range(2):
        (expected,), (found,) = json_page.files_of(at), html_page.files_of(at)
        assert found == expected._replace(size_bytes=None, upload_time=None)


@pytest.mark.parametrize("serves_json", [True, False])
def test_a_server_does_not_name_what_is_on_this_machine(
    serves_json: bool, server: IndexServer, cache: Cache, tmp_path: Path
) -> None:
    server.serves_json = serves_json
    server.add(Wheel("demo", "2.0"), url=tmp_path.as_uri())
    server.add(Wheel("demo", "3.0"), url="file:///srv/demo-3.0-py3-none-any.whl")
    with opened(server, cache) as index:
        page = index.page("demo")
    assert page is not None
    assert page.versions == ("1.0",)


def test_an_unknown_name_is_none(server: IndexServer, cache: Cache) -> None:
    with opened(server, cache) as index:
        assert index.page("missing") is None


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(status=401), "answered 401"),
        (Fault(status=403), "answered 403"),
        (Fault(status=503), "answered 503"),
        (Fault(status=418), "answered 418, which is neither a page nor 'not here'"),
        (Fault(content=b"{", content_type="application/json"), "did not answer with a page of an index"),
        (Fault(content=b"GIF89a", content_type="image/gif"), "its content type is image/gif"),
        (Fault(content=b"\xff\xfe", content_type="text/html; charset=utf-8"), "it is not text in utf-8"),
        (Fault(content=b"[" * 100_000, content_type="application/json"), "did not answer with a page"),
    ],
)
def test_trouble_is_not_absence(server: IndexServer, cache: Cache, fault: Fault, said: str) -> None:
    server.fail("/simple/demo/", fault)
    with opened(server, cache) as index, pytest.raises(IndexUnreachable) as caught:
        index.page("demo")
    assert said in caught.value.message
    assert caught.value.hint


def test_the_first_index_that_has_the_name_wins(server: IndexServer, cache: Cache) -> None:
    with IndexServer() as company:
        company.add(Wheel("demo", "0.1"))
        server.add(Wheel("public", "1.0"))
        with opened(server, cache, extra_index_urls=(company.index_url,)) as index:
            assert candidate(index).version == "0.1"
            assert candidate(index, "public").version == "1.0"
        assert server.paths() == ["/simple/public/"]


def test_a_broken_index_does_not_let_the_next_one_answer(server: IndexServer, cache: Cache) -> None:
    with IndexServer() as company:
        company.fail("*", Fault(status=503))
        with opened(server, cache, extra_index_urls=(company.index_url,)) as index, pytest.raises(IndexUnreachable):
            index.page("demo")
    assert server.requests == []


@pytest.fixture
def company() -> Iterator[IndexServer]:
    with IndexServer() as running:
        running.add(Wheel("demo", "0.5"), Wheel("ours", "1.0"))
        yield running


def test_named_indexes_come_first(server: IndexServer, company: IndexServer, cache: Cache) -> None:
    named = (NamedIndex("company", company.index_url),)
    with IndexServer() as extra, opened(server, cache, named=named, extra_index_urls=(extra.index_url,)) as index:
        assert index.locations == (company.index_url, extra.index_url, server.index_url)
        assert candidate(index).version == "0.5"
        assert (server.paths(), extra.paths()) == ([], [])


def test_an_explicit_index_is_asked_for_its_packages_alone(
    server: IndexServer, company: IndexServer, cache: Cache
) -> None:
    server.add(Wheel("ours", "9.9"))
    named = (NamedIndex("Company", company.index_url, explicit=True),)
    with opened(server, cache, named=named, sources={"ours": "company"}) as index:
        assert candidate(index).version == "1.0"
        assert candidate(index, "ours").version == "1.0"
    assert (server.paths(), company.paths()) == (["/simple/demo/"], ["/simple/ours/"])


def test_a_package_comes_from_its_source_and_from_nowhere_else(
    server: IndexServer, company: IndexServer, cache: Cache, tmp_path: Path
) -> None:
    Wheel("elsewhere", "1.0").write(tmp_path)
    server.add(Wheel("elsewhere", "1.0"))
    named = (NamedIndex("company", company.index_url),)
    options = {"named": named, "sources": {"elsewhere": "company"}, "find_links": (str(tmp_path),)}
    with opened(server, cache, **options) as index:
        assert index.page("elsewhere") is None
        asked = [Requested("elsewhere", "--with")]
        with pytest.raises(PackageNotFound) as caught:
            resolve(asked, make_interpreter(), index, Policy(), SilentReporter())
    assert caught.value.hint is not None
    assert caught.value.hint.endswith(f"Asked: {company.index_url}")
    assert server.paths() == []


def test_an_impossible_version_says_which_index_had_the_name(
    server: IndexServer, company: IndexServer, cache: Cache
) -> None:
    server.add(Wheel("demo", "2.0"))
    beside = {"extra_index_urls": (company.index_url,)}
    with opened(server, cache, **beside) as index, pytest.raises(ResolutionImpossible) as caught:
        resolve([Requested("demo>=2", "--with")], make_interpreter(), index, Policy(), SilentReporter())
    assert f"demo is taken from {company.index_url}, the first index that has it" in caught.value.message
    with opened(server, cache) as index, pytest.raises(ResolutionImpossible) as caught:
        resolve([Requested("demo>=3", "--with")], make_interpreter(), index, Policy(), SilentReporter())
    assert "first index" not in caught.value.message


def test_without_any_index_find_links_stand_for_sources_too(
    server: IndexServer, company: IndexServer, cache: Cache, tmp_path: Path
) -> None:
    DEMO.write(tmp_path)
    named = (NamedIndex("company", company.index_url),)
    options = {"named": named, "sources": {"demo": "company"}, "find_links": (str(tmp_path),)}
    with opened(server, cache, no_index=True, **options) as index:
        assert candidate(index).version == "1.0"
    assert (server.paths(), company.paths()) == ([], [])


def test_a_named_index_gets_its_variables(
    server: IndexServer, company: IndexServer, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYSCRIPT_INDEX_COMPANY_USERNAME", "me")
    monkeypatch.setenv("PYSCRIPT_INDEX_COMPANY_PASSWORD", "secret")
    company.credentials = ("me", "secret")
    with opened(server, cache, named=(NamedIndex("company", company.index_url),)) as index:
        index.metadata(candidate(index))
        server.add(Wheel("public"))
        candidate(index, "public")
    assert {request.status for request in company.requests} == {200, 404}
    assert {request.headers.get("authorization") for request in server.requests} == {None}


def test_the_default_index_is_unearths(cache: Cache) -> None:
    with opened(None, cache) as index:
        (location,) = index.locations
    assert location.startswith("https://")


def test_an_index_that_is_neither_url_nor_path(cache: Cache) -> None:
    with pytest.raises(UsageError, match="index-url: 'nonsense' is neither a URL nor a path"):
        Index(IndexSettings(index_url="nonsense"), make_interpreter(), cache)


@pytest.mark.parametrize(
    ("origin", "who"),
    [
        ("--find-links", "--find-links"),
        ("the variable PYSCRIPT_FIND_LINKS", "the variable PYSCRIPT_FIND_LINKS"),
        ("[tool.pyscript] in the script", "find-links in [tool.pyscript] in the script"),
    ],
)
def test_a_find_links_location_that_does_not_exist_names_who_said_it(
    origin: str, who: str, cache: Cache, tmp_path: Path
) -> None:
    origins, path = {"find_links": origin}, tmp_path / "gone"
    with pytest.raises(UsageError) as wrong:
        Index(IndexSettings(find_links=(str(path),), origins=origins), make_interpreter(), cache)
    assert wrong.value.message == f"{who}: {str(path)!r} is neither a URL nor a path that exists."
    settings = IndexSettings(find_links=(path.as_uri(),), no_index=True, origins=origins)
    with Index(settings, make_interpreter(), cache) as index, pytest.raises(IndexUnreachable) as missing:
        index.page("demo")
    assert missing.value.message == f"{who}: {path} does not exist."


def test_an_index_that_has_a_name_and_fails_is_named(server: IndexServer, cache: Cache) -> None:
    server.fail("/simple/demo/", Fault(drop=True))
    named = (NamedIndex("company", server.index_url_for("me", "secret")),)
    with opened(None, cache, named=named, retries=0) as index, pytest.raises(IndexUnreachable) as caught:
        index.page("demo")
    assert caught.value.message.startswith(f"The index company: {server.index_url}demo/ ")


# The cache of pages


def test_a_fresh_page_is_not_asked_for_again(server: IndexServer, cache: Cache) -> None:
    for _ in range(3):
        with opened(server, cache) as index:
            assert candidate(index).version == "1.0"
    assert server.paths() == ["/simple/demo/"]


def test_a_stale_page_is_revalidated(server: IndexServer, cache: Cache) -> None:
    server.cache_control = "max-age=0"
    for _ in range(2):
        with opened(server, cache) as index:
            assert candidate(index).version == "1.0"
    assert [request.status for request in server.requests] == [200, 304]
    server.add(Wheel("demo", "2.0"))
    with opened(server, cache) as index:
        assert candidate(index).version == "2.0"


def test_refresh_asks_although_it_is_fresh(server: IndexServer, cache: Cache) -> None:
    for refresh in (False, True):
        with opened(server, cache, refresh=refresh) as index:
            assert candidate(index).version == "1.0"
    assert [request.status for request in server.requests] == [200, 304]


def test_a_proxy_that_strips_everything(server: IndexServer, cache: Cache) -> None:
    server.etags, server.cache_control = False, None
    for _ in range(2):
        with opened(server, cache) as index:
            assert candidate(index).version == "1.0"
    assert [request.status for request in server.requests] == [200, 200]


def test_what_must_not_be_stored_is_not(server: IndexServer, cache: Cache) -> None:
    server.cache_control = "no-store"
    with opened(server, cache) as index:
        index.page("demo")
    assert list(cache.directory(Bucket.INDEX).iterdir()) == []


def test_a_damaged_entry_is_fetched_anew(server: IndexServer, cache: Cache) -> None:
    with opened(server, cache) as index:
        index.page("demo")
    (entry,) = cache.directory(Bucket.INDEX).iterdir()
    for damage in (b"", b"garbage", entry.read_bytes()[:-5]):
        entry.write_bytes(damage)
        with opened(server, cache) as index:
            assert candidate(index).version == "1.0"


def test_offline_uses_what_is_there_and_says_what_is_not(server: IndexServer, cache: Cache) -> None:
    server.cache_control = "max-age=0"
    with opened(server, cache) as index:
        index.metadata(candidate(index))
    server.forget_requests()
    with opened(server, cache, offline=True) as index:
        assert index.metadata(candidate(index)).requires_dist == ("other>=1",)
        with pytest.raises(NotAvailableOffline, match=r"The page of missing on .* is not in the cache"):
            index.page("missing")
        with pytest.raises(NotAvailableOffline, match="is not in the cache"):
            index.download(candidate(index), cache.directory(Bucket.TMP), SilentReporter())
    assert server.requests == []


def test_offline_knows_which_index_lacks_a_name(server: IndexServer, cache: Cache) -> None:
    with IndexServer() as company:
        for offline in (False, True):
            with opened(server, cache, extra_index_urls=(company.index_url,), offline=offline) as index:
                assert candidate(index).version == "1.0"


# Metadata


def test_metadata_beside_the_wheel(server: IndexServer, cache: Cache) -> None:
    for _ in range(2):
        with opened(server, cache) as index:
            assert index.metadata(candidate(index)).requires_dist == ("other>=1",)
    assert server.paths("/files/*") == [f"{WHEEL}.metadata"]


def test_metadata_that_is_not_what_the_page_states(server: IndexServer, cache: Cache) -> None:
    server.fail(f"{WHEEL}.metadata", Fault(content=DEMO.metadata + b"Requires-Dist: evil\n"))
    with opened(server, cache) as index, pytest.raises(HashMismatch, match=r"is not what .* states"):
        index.metadata(candidate(index))


def test_no_index_says_what_a_file_of_another_one_needs(server: IndexServer, cache: Cache) -> None:
    with IndexServer() as liar:
        liar.add(DEMO, metadata=DEMO.metadata.replace(b"other>=1", b"evil"), metadata_sha256=True)
        with opened(liar, cache) as index:
            assert index.metadata(candidate(index)).requires_dist == ("evil",)
    with opened(server, cache) as index:
        assert index.metadata(candidate(index)).requires_dist == ("other>=1",)


@pytest.mark.parametrize("fault", [Fault(status=404), Fault(status=403), Fault(status=500), Fault(drop=True)])
def test_metadata_that_is_advertised_and_missing(server: IndexServer, cache: Cache, fault: Fault) -> None:
    server.fail(f"{WHEEL}.metadata", fault)
    with opened(server, cache) as index:
        assert index.metadata(candidate(index)).requires_dist == ("other>=1",)
    assert server.requests[-1].headers["range"] == "bytes=-65536"


def test_a_page_of_the_proxy_instead_of_metadata_without_hash(cache: Cache) -> None:
    with IndexServer() as server:
        server.add(DEMO, metadata_sha256=True)
        server.fail(f"{WHEEL}.metadata", Fault(content=b"<html>Please log in</html>"))
        with opened(server, cache) as index:
            assert index.metadata(candidate(index)).requires_dist == ("other>=1",)


def test_a_ranged_read(server: IndexServer, cache: Cache) -> None:
    server.serves_metadata = False
    big = Wheel("big", files={f"big/m{at}.bin": hashlib.sha512(b"%d" % at).digest() * 40 for at in range(2000)})
    server.add(big)
    with opened(server, cache) as index:
        assert index.metadata(candidate(index)).requires_dist == ("other>=1",)
        assert index.metadata(candidate(index, "big")).name == "big"
    assert {request.status for request in server.requests if request.path.startswith("/files/")} == {206}
    assert len(server.paths("/files/big*")) > 1, "its central directory is longer than one read"


def test_one_read_does_for_a_project_whose_wheels_are_known(cache: Cache) -> None:
    """The first wheel's central directory is too long for the first read; the next one's is read at once."""
    files = {f"big/m{at}.bin": hashlib.sha512(b"%d" % at).digest() * 40 for at in range(2000)}
    with IndexServer() as server, opened(server, cache) as index:
        server.serves_metadata = False
        reads = []
        for version in ("2.0", "1.0"):
            wheel = Wheel("big", version, files=files, requires=["a"])
            server.add(wheel)
            file = server.files["big"][-1]
            found = Candidate("big", version, file.filename, f"{server.origin}/files/{file.filename}", file.sha256)
            before = len(server.requests)
            assert index.metadata(found).requires_dist == ("a",)
            reads.append(len(server.requests) - before)
    assert reads[0] > 1
    assert reads[1] == 1


def test_a_wheel_fetched_for_its_metadata_is_not_fetched_again(
    server: IndexServer, cache: Cache, tmp_path: Path
) -> None:
    server.serves_metadata = server.serves_ranges = False
    with opened(server, cache) as index:
        found = candidate(index)
        assert index.metadata(found).requires_dist == ("other>=1",)
        before = len(server.paths(WHEEL))
        path, sha256 = index.download(found, tmp_path, SilentReporter())
        assert len(server.paths(WHEEL)) == before
    assert (path.read_bytes(), sha256) == (DEMO.content, DEMO.sha256)
    assert list(cache.directory(Bucket.TMP).iterdir()) == []


@pytest.mark.parametrize(
    "flaw", [Flaw.NOT_A_ZIP, Flaw.NO_METADATA, Flaw.METADATA_NAME_DIFFERS, Flaw.METADATA_VERSION_DIFFERS]
)
def test_a_wheel_that_is_none(cache: Cache, flaw: Flaw) -> None:
    with IndexServer() as server:
        server.add(Wheel("demo", flaw=flaw))
        with opened(server, cache) as index, pytest.raises(InvalidWheel, match=r"demo-1\.0-py3-none-any\.whl"):
            index.metadata(candidate(index))


# Downloads


def test_a_download(server: IndexServer, cache: Cache, tmp_path: Path) -> None:
    with opened(server, cache) as index:
        path, sha256 = index.download(candidate(index), tmp_path / "", SilentReporter())
    assert path == tmp_path / DEMO.filename
    assert (path.read_bytes(), sha256) == (DEMO.content, DEMO.sha256)


@pytest.mark.parametrize(
    "fault", [Fault(truncate_to=100, times=1), Fault(status=502, times=1), Fault(drop=True, times=1)]
)
def test_a_download_that_is_interrupted_is_repeated(
    server: IndexServer, cache: Cache, tmp_path: Path, fault: Fault
) -> None:
    with opened(server, cache) as index:
        found = candidate(index)
        server.fail(WHEEL, fault)
        assert index.download(found, tmp_path, SilentReporter())[1] == DEMO.sha256


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(content=DEMO.content + b"x"), HashMismatch),
        (Fault(content=b""), HashMismatch),
        (Fault(truncate_to=100), IndexUnreachable),
        (Fault(status=404), IndexUnreachable),
        (Fault(status=500), IndexUnreachable),
    ],
)
def test_a_failed_download_leaves_nothing(
    server: IndexServer, cache: Cache, tmp_path: Path, fault: Fault, error: type[Exception]
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    with opened(server, cache) as index:
        found = candidate(index)
        server.fail(WHEEL, fault)
        with pytest.raises(error):
            index.download(found, target, SilentReporter())
    assert list(target.iterdir()) == []


def test_an_index_that_states_no_hash(cache: Cache) -> None:
    with IndexServer() as server:
        server.add(DEMO, sha256=None)
        with opened(server, cache) as index:
            assert index.with_sha256(candidate(index)).sha256 == DEMO.sha256


def test_a_url_with_a_wrong_hash_is_refused(server: IndexServer, cache: Cache, tmp_path: Path) -> None:
    server.add(Wheel("other", "1.0"))
    interpreter = make_interpreter()
    with opened(server, cache) as index:
        asked = Requested(f"demo @ {server.origin}{WHEEL}#sha256={'0' * 64}", "--with")
        resolution = resolve([asked], interpreter, index, Policy(), SilentReporter())
        with pytest.raises(HashMismatch, match=r"its URL states sha256 0000"):
            index.download(resolution.pins[0].candidate, tmp_path, SilentReporter())


def test_a_file_that_was_fetched_without_a_hash_is_compared_with_one(
    server: IndexServer, cache: Cache, tmp_path: Path
) -> None:
    with opened(server, cache) as index:
        known = candidate(index)
        assert index.with_sha256(replace(known, sha256=None)).sha256 == DEMO.sha256
        with pytest.raises(HashMismatch, match=r"states sha256 0000"):
            index.download(replace(known, sha256="0" * 64), tmp_path, SilentReporter())


def test_only_files_with_a_given_hash_are_taken(server: IndexServer, cache: Cache) -> None:
    server.add(Wheel("demo", "2.0"), Wheel("other", "1.0"))
    with opened(server, cache) as index:
        asked = Requested("demo", "requirements.txt, line 1", (f"sha256:{DEMO.sha256}",))
        resolution = resolve([asked], make_interpreter(), index, Policy(), SilentReporter())
    assert [pin.candidate.version for pin in resolution] == ["1.0", "1.0"]


# Other places


def test_find_links_in_a_directory_stand_beside_the_index(server: IndexServer, cache: Cache, tmp_path: Path) -> None:
    links = tmp_path / "links"
    Wheel("demo", "3.0").write(links)
    (links / "notes.txt").write_text("not a wheel", encoding="ascii")
    with opened(server, cache, find_links=(str(links),)) as index:
        page, found = index.page("demo"), candidate(index)
        assert page is not None and page.versions == ("1.0", "3.0")
        assert index.metadata(found).version == "3.0"
        path, sha256 = index.download(found, tmp_path, SilentReporter())
        assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("kind", ["page", "file"])
def test_find_links_on_a_page_without_any_index(server: IndexServer, cache: Cache, tmp_path: Path, kind: str) -> None:
    location = server.find_links_url
    if kind == "file":
        page = tmp_path / "links.html"
        page.write_text(f'<a href="{server.origin}{WHEEL}#sha256={DEMO.sha256}">demo</a>', encoding="ascii")
        location = page.as_uri()
    with opened(server, cache, find_links=(location,), no_index=True) as index:
        assert candidate(index).sha256 == DEMO.sha256
        assert index.page("missing") is None
    assert server.paths("/simple/*") == []


@pytest.mark.parametrize("fault", [Fault(status=404), Fault(status=500), Fault(content_type="image/gif")])
def test_find_links_that_are_not_there(server: IndexServer, cache: Cache, fault: Fault) -> None:
    server.fail("/flat/", fault)
    with opened(server, cache, find_links=(server.find_links_url,)) as index, pytest.raises(IndexUnreachable):
        index.page("demo")


@pytest.mark.parametrize("with_html", [True, False])
def test_an_index_in_a_directory(cache: Cache, tmp_path: Path, with_html: bool) -> None:
    project = tmp_path / "simple" / "demo"
    DEMO.write(project)
    if with_html:
        (project / "index.html").write_text(f'<a href="{DEMO.filename}">demo</a>', encoding="ascii")
    settings = IndexSettings(index_url=(tmp_path / "simple").as_uri())
    with Index(settings, make_interpreter(), cache) as index:
        assert index.metadata(candidate(index)).requires_dist == ("other>=1",)
        assert index.page("missing") is None


def test_an_index_directory_that_does_not_exist(cache: Cache, tmp_path: Path) -> None:
    settings = IndexSettings(index_url=(tmp_path / "gone").as_uri())
    with (
        Index(settings, make_interpreter(), cache) as index,
        pytest.raises(IndexUnreachable, match="does not exist"),
    ):
        index.page("demo")


def test_credentials_of_requirements_are_known_to_a_later_download(
    server: IndexServer, cache: Cache, tmp_path: Path
) -> None:
    url = f"{server.origin}{WHEEL}".replace("://", "://me:secret@")
    server.add(Wheel("other", "1.0"))
    asked = Requested(f"demo @ {url}", "--with")
    with opened(server, cache) as index:
        resolution = resolve([asked], make_interpreter(), index, Policy(), SilentReporter())
        assert "secret" not in repr(resolution)
    server.credentials = ("me", "secret")
    with opened(server, cache) as index:
        index.remember_credentials([asked.text])
        assert index.download(resolution.pins[0].candidate, tmp_path, SilentReporter())[1] == DEMO.sha256


@pytest.mark.parametrize("url", ["git+https://me:pw@host/a.git@-x", "git+https://me:pw@host/a@", "https://me:pw@[x/a"])
def test_urls_that_are_none_are_left_to_who_reads_them(url: str, server: IndexServer, cache: Cache) -> None:
    with opened(server, cache) as index:
        index.remember_credentials([f"demo @ {url}"])
        with pytest.raises(InvalidMetadata) as caught:
            resolve([Requested(f"demo @ {url}", "--with")], make_interpreter(), index, Policy(), SilentReporter())
    assert "pw" not in caught.value.message


def test_closing_does_not_wait_for_what_was_fetched_ahead(server: IndexServer, cache: Cache) -> None:
    server.latency_s = 10
    with opened(server, cache) as index:
        index.submit(index.page, "demo")
        started = time.monotonic()
    assert time.monotonic() - started < 8


def test_credentials_reach_pages_and_files_but_no_message_or_pin(
    server: IndexServer, cache: Cache, tmp_path: Path
) -> None:
    server.credentials = ("me", "secret")
    settings = IndexSettings(index_url=server.index_url_for("me", "secret"), retries=0)
    with Index(settings, make_interpreter(), cache) as index:
        found = candidate(index)
        index.metadata(found)
        index.download(found, tmp_path, SilentReporter())
        assert "secret" not in repr(found) + repr(index.locations)
    assert {request.status for request in server.requests} == {200}


def test_never_more_than_sixteen_connections(cache: Cache) -> None:
    with IndexServer() as server:
        names = [f"p{at}" for at in range(60)]
        server.add(Wheel("root", requires=names), *(Wheel(name) for name in names))
        server.latency_s = 0.01
        with opened(server, cache) as index:
            resolution = resolve([Requested("root", "x")], make_interpreter(), index, Policy(), SilentReporter())
        assert len(resolution.pins) == 61
        assert 8 < server.most_concurrent <= 16


def test_many_threads_ask_once(server: IndexServer, cache: Cache) -> None:
    server.latency_s = 0.05
    with opened(server, cache) as index:
        threads = [Thread(target=index.page, args=("demo",)) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert server.paths() == ["/simple/demo/"]


def test_closing_does_not_wait_for_unearths_answer(server: IndexServer, cache: Cache) -> None:
    server.add(Wheel("twin", "1.0", tag="py3-none-any"), Wheel("twin", "1.0", build_tag="1"))
    is_asked, let_go = Event(), Event()

    class Slow(Workers):
        def call(self, function: str, *arguments: Any) -> Any:
            is_asked.set()
            let_go.wait(10)
            return super().call(function, *arguments)

    index = Index(IndexSettings(index_url=server.index_url), make_interpreter(), cache, workers=Slow(0))
    thread = Thread(target=candidate, args=(index, "twin"))
    thread.start()
    assert is_asked.wait(10)
    index.close()
    assert thread.is_alive()
    let_go.set()
    thread.join()
