from __future__ import annotations

from pathlib import Path

import pytest

from launcher.consent import Standing, agreements_to, places_of, read_named, standing_of
from launcher.errors import UntrustedScript, UsageError
from launcher.remote_script import RemoteFile, RemoteScript
from launcher.script.remote_url import parse_remote
from launcher.trust import Agreement, Trust

SCRIPT, LOCK, OTHER = "ab" * 32, "cd" * 32, "ef" * 32
URL = "https://host/tools/x.py"


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust(tmp_path / "trust")


def script(*hops: str, lock: str | None = None) -> RemoteScript:
    file = RemoteFile(b"", SCRIPT, hops or (URL,), 0.0)
    beside = RemoteFile(b"", LOCK, (lock,), 0.0) if lock else None
    return RemoteScript(parse_remote(hops[0] if hops else URL), file, beside, "/x.py")


def stands(trust: Trust, *agreements: Agreement, **of_script: str) -> Standing:
    trust.add(*agreements)
    return standing_of(script(**of_script), trust)


def test_what_nobody_agreed_to_may_not_run(trust: Trust) -> None:
    found = standing_of(script(), trust)
    assert (found.is_agreed, found.missing, found.places) == (False, (SCRIPT,), ("https://host/",))


def test_content_that_was_agreed_to_may_run_from_anywhere(trust: Trust) -> None:
    assert stands(trust, Agreement(sha256=SCRIPT, url="https://other/y.py")).is_agreed


def test_a_lock_has_to_be_agreed_to_as_well(trust: Trust) -> None:
    found = stands(trust, Agreement(sha256=SCRIPT), lock="https://host/tools/pylock.x.toml")
    assert (found.is_agreed, found.missing) == (False, (LOCK,))
    assert [each.sha256 for each in found.known] == [SCRIPT]
    trust.add(*agreements_to(script(lock="https://host/tools/pylock.x.toml")))
    assert standing_of(script(lock="https://host/tools/pylock.x.toml"), trust).is_agreed


@pytest.mark.parametrize("place", ["https://host/", "https://host/tools/"])
def test_whatever_comes_from_a_place_may_run(place: str, trust: Trust) -> None:
    assert stands(trust, Agreement(place=place)).is_agreed


@pytest.mark.parametrize("place", ["https://host/other/", "https://hos/", "https://host:444/"])
def test_other_places_say_nothing(place: str, trust: Trust) -> None:
    assert not stands(trust, Agreement(place=place)).is_agreed


def test_all_of_the_way_has_to_be_agreed_to(trust: Trust) -> None:
    moved = script("https://short/x", "https://middle/x", URL)
    for place in ("https://host/", "https://short/"):
        trust.add(Agreement(place=place))
        assert not standing_of(moved, trust).is_agreed
    trust.add(Agreement(place="https://middle/"))
    assert standing_of(moved, trust).is_agreed
    assert places_of(moved) == ("https://short/", "https://middle/", "https://host/")


def test_a_way_by_where_nobody_vouches_is_covered_by_no_place(trust: Trust) -> None:
    for place in ("https://host/", "https://pastebin.com/"):
        trust.add(Agreement(place=place))
    moved = script(URL, "https://pastebin.com/raw/abc")
    assert not standing_of(moved, trust).is_agreed
    assert places_of(moved) == ()


@pytest.mark.parametrize("unverified", ["host", "host:8443"])
def test_a_host_without_a_certificate_is_no_place(unverified: str, trust: Trust) -> None:
    trust.add(Agreement(place="https://host:8443/"))
    seen = script("https://host:8443/x.py")
    assert standing_of(seen, trust).is_agreed
    assert not standing_of(seen, trust, unverified=[unverified]).is_agreed


def test_a_commit_under_a_trusted_name_may_be_a_fork_s(trust: Trust) -> None:
    trust.add(Agreement(place="https://github.com/me/tools/"))
    assert standing_of(script("https://raw.githubusercontent.com/me/tools/main/x.py"), trust).is_agreed
    assert not standing_of(script("https://raw.githubusercontent.com/me/tools/0123abcdef/x.py"), trust).is_agreed


def test_what_the_command_line_names_may_run(trust: Trust) -> None:
    assert standing_of(script(), trust, frozenset({SCRIPT})).is_agreed
    with pytest.raises(UntrustedScript, match=SCRIPT):
        standing_of(script(), trust, frozenset({OTHER}))
    with pytest.raises(UntrustedScript, match=LOCK):
        standing_of(script(lock="https://host/tools/pylock.x.toml"), trust, frozenset({SCRIPT}))


def test_what_is_named_counts_even_where_other_content_was_agreed_to(trust: Trust) -> None:
    trust.add(Agreement(sha256=SCRIPT))
    with pytest.raises(UntrustedScript):
        standing_of(script(), trust, frozenset({OTHER}))


def test_other_content_of_the_same_url_is_remembered(trust: Trust) -> None:
    former = Agreement(sha256=OTHER, url=URL, agreed_at=3)
    assert stands(trust, former).former == former
    assert standing_of(script("https://host/y.py"), trust).former is None


def test_a_sha256_is_named_in_any_common_way() -> None:
    assert read_named([f"sha256:{SCRIPT}", f"SHA256={LOCK.upper()}", OTHER]) == {SCRIPT, LOCK, OTHER}


@pytest.mark.parametrize("text", ["", "yes", "sha256:", "sha512:" + "ab" * 64, "ab" * 31, "all"])
def test_nothing_else_is_a_name_of_content(text: str) -> None:
    with pytest.raises(UsageError, match="names no content"):
        read_named([text])
