from __future__ import annotations

import doctest
import re

import pytest

from launcher.errors import UsageError
from launcher.script import remote_url
from launcher.script.remote_url import covers, likely_file, parse_place, parse_remote, without_secrets

COMMIT = "0123456789abcdef0123456789abcdef01234567"
RAW = "https://raw.githubusercontent.com/me/tools"


def test_the_examples_hold() -> None:
    assert doctest.testmod(remote_url).failed == 0


@pytest.mark.parametrize(
    ("page", "file"),
    [
        ("https://github.com/me/tools/blob/main/a/x.py#L3-L9", f"{RAW}/main/a/x.py"),
        ("https://github.com/me/tools/blob/main/x.py?raw=true", f"{RAW}/main/x.py"),
        ("https://github.com/me/tools/raw/refs/heads/main/x.py", f"{RAW}/refs/heads/main/x.py"),
        (
            "https://gist.github.com/me/0123456789abcdef0123",
            "https://gist.githubusercontent.com/me/0123456789abcdef0123/raw",
        ),
        (
            f"https://gist.github.com/me/0123456789abcdef0123/{COMMIT}",
            f"https://gist.githubusercontent.com/me/0123456789abcdef0123/raw/{COMMIT}",
        ),
        (
            "https://gist.github.com/me/0123456789abcdef0123#file-my-tool-py",
            "https://gist.githubusercontent.com/me/0123456789abcdef0123/raw/my-tool.py",
        ),
        ("https://gist.github.com/0123456789abcdef0123", "https://gist.github.com/0123456789abcdef0123/raw"),
        ("https://gitlab.com/g/s/p/-/blob/main/x.py", "https://gitlab.com/g/s/p/-/raw/main/x.py"),
        ("https://git.example/g/p/-/blob/main/x.py?ref_type=heads", "https://git.example/g/p/-/raw/main/x.py"),
        ("https://gitlab.com/-/snippets/123", "https://gitlab.com/-/snippets/123/raw"),
        ("https://bitbucket.org/me/tools/src/main/x.py", "https://bitbucket.org/me/tools/raw/main/x.py"),
        ("https://codeberg.org/me/tools/src/branch/main/x.py", "https://codeberg.org/me/tools/raw/branch/main/x.py"),
        ("https://git.sr.ht/~me/tools/tree/main/item/a/x.py", "https://git.sr.ht/~me/tools/blob/main/a/x.py"),
        ("https://host/x.py?a=1", "https://host/x.py?a=1"),
    ],
)
def test_a_page_stands_for_the_file_that_it_shows(page: str, file: str) -> None:
    assert parse_remote(page).url == file


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("HTTPS://Host:443/a", "https://host/a"),
        ("https://host:0443/a", "https://host/a"),
        ("https://host:/a", "https://host/a"),
        ("https://host.:08443/a", "https://host:8443/a"),
        ("https://host/%61%2D%7e/%2B", "https://host/a-~/%2B"),
        ("https://host", "https://host/"),
        ("http://127.0.0.1:80/a", "http://127.0.0.1/a"),
        ("http://[::1]:8000/a", "http://[::1]:8000/a"),
        ("https://host/ä?b=ü", "https://host/%C3%A4?b=%C3%BC"),
        # A Cyrillic letter.
        ("https://g\u0456thub.com/x.py", "https://xn--gthub-n2e.com/x.py"),
        ("git+https://host/me/r.git@v1#a/x.py", "git+https://host/me/r.git@v1"),
        ("git+ssh://git:pw@host/me/r.git#x.py", "git+ssh://git@host/me/r.git"),
    ],
)
def test_a_url_is_written_in_one_way(text: str, url: str) -> None:
    assert parse_remote(text).url == url


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http://host/x.py", "unencrypted"),
        ("git+http://host/r#x.py", "unencrypted"),
        ("http://127.0.0.1.evil.example/x.py", "unencrypted"),
        ("ftp://host/x.py", "nothing is fetched by ftp"),
        ("file:///etc/x.py", "nothing is fetched by file"),
        ("git+ext://host/x#x.py", r"nothing is fetched by git\+ext"),
        ("https:///x.py", "is not a URL"),
        ("https://host:99999/x.py", "is not a URL"),
        ("https://[::1/x.py?token=abc", "^https://\\[::1/x.py is not a URL"),
        ("https://host/a b.py", "is not a URL"),
        ("https://host/\x1b[2J.py", "is not a URL"),
        ("https://host/a\\b.py", "is not a URL"),
        ("https://host/me/../you/x.py", "detour"),
        ("https://host/me/%2e%2E/you/x.py", "detour"),
        ("https://host/me%2fyou/x.py", "detour"),
        ("https://host/me/..;/you/x.py", "detour"),
        ("https://host/me/..%3Ba/you/x.py", "detour"),
        ("git+https://host/r", "which file"),
        ("git+https://host/r#", "which file"),
        ("git+https://host/r#../x.py", "which file"),
        ("git+https://host/r#a%2F..%2Fx.py", "which file"),
        ("git+https://host/r#a\u202ex.py", "which file"),
    ],
)
def test_what_cannot_be_fetched_safely_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        parse_remote(text)
    assert refused.value.exit_code == 2


def test_credentials_are_kept_apart_and_stay_with_their_host() -> None:
    url = parse_remote("https://me:secret@host/x.py")
    assert (url.url, url.shown) == ("https://host/x.py", "https://host/x.py")
    assert url.with_credentials == "https://me:secret@host/x.py"
    assert parse_remote("https://me:secret@github.com/me/tools/blob/main/x.py").user_info == ""
    with pytest.raises(UsageError) as refused:
        parse_remote("http://me:secret@host/x.py")
    assert "secret" not in refused.value.message + str(refused.value.hint)


def test_a_token_in_the_query_is_not_shown() -> None:
    assert parse_remote("https://host/x.py?a=1&private_token=abc").shown == "https://host/x.py?a=1&private_token=****"
    assert without_secrets("https://host/x.py?X-Amz-Signature=abc") == "https://host/x.py?X-Amz-Signature=****"
    assert without_secrets("https://host/x.py?monkey=1") == "https://host/x.py?monkey=1"


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://host/a/x.py", "https://host/"),
        ("https://host:8443/a/x.py", "https://host:8443/"),
        (f"{RAW}/main/x.py", "https://github.com/me/tools/"),
        (f"{RAW}/refs/heads/main/x.py", "https://github.com/me/tools/"),
        ("https://gitlab.com/g/s/p/-/raw/main/x.py", "https://gitlab.com/g/s/p/"),
        ("https://git.example/me/tools/raw/branch/main/x.py", "https://git.example/me/tools/"),
        ("git+https://github.com/me/tools.git@v1#x.py", "https://github.com/me/tools/"),
        ("git+https://github.com/me/tools#x.py", "https://github.com/me/tools/"),
        ("git+ssh://git@host/me/tools.git#x.py", "ssh://host/me/tools/"),
    ],
)
def test_a_place_ends_where_another_owner_s_could_begin(url: str, place: str) -> None:
    remote = parse_remote(url)
    assert remote.place == place
    assert covers(place, remote.address)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x.py",
        "git+file:///srv/r#x.py",
        # Commits of forks and of merge requests can be asked for under the original's name.
        f"{RAW}/{COMMIT}/x.py",
        f"{RAW}/{COMMIT[:7]}/x.py",
        f"{RAW}/{COMMIT[:4]}/x.py",
        f"{RAW}/{COMMIT.upper()}/x.py",
        f"{RAW}/{COMMIT}~0/x.py",
        f"{RAW}/{COMMIT}%5e0/x.py",
        f"{RAW}/v1-0-g{COMMIT[:7]}/x.py",
        f"{RAW}/%61{COMMIT[1:]}/x.py",
        f"{RAW}//{COMMIT}/x.py",
        f"{RAW}/%70ull/1/head/x.py",
        # A fork can have folders of any name.
        f"https://gitlab.com/me/tools/-/raw/{COMMIT}/-/raw/main/x.py",
        f"https://git.example/me/tools/%2d/raw/{COMMIT}/x.py",
        f"https://git.example/me/tools/-//raw/{COMMIT}/x.py",
        f"https://git.example/me/tools/media/commit/{COMMIT}/x.py",
        f"{RAW}/refs/pull/1/head/x.py",
        f"git+https://github.com/me/tools@{COMMIT}#x.py",
        "git+https://github.com/me/tools@refs/pull/1/head#x.py",
        "https://gitlab.com/me/tools/-/raw/refs/merge-requests/1/head/x.py",
        f"https://codeberg.org/me/tools/raw/commit/{COMMIT}/x.py",
        # Anybody writes these.
        "https://github.com:8443/me/tools/releases/x.py",
        "https://pastebin.com:0443/raw/x",
        "https://raw.githubusercontent.com/wiki/me/tools/x.py",
        "https://gist.github.com/me/0123456789abcdef0123",
        "git+https://gist.github.com/me/0123456789abcdef0123.git@main#x.py",
        "https://github.com/me/tools/files/1/x.py",
        "https://github.com/me/tools/releases/download/v1/x.py",
        "https://objects.githubusercontent.com/x.py",
        "https://gitlab.com/me/tools/uploads/0123/x.py",
        "https://pastebin.com/raw/abc",
        "https://cdn.jsdelivr.net/gh/me/tools/x.py",
    ],
)
def test_nobody_vouches_for_what_anybody_could_have_put_there(url: str) -> None:
    assert parse_remote(url).place is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("https://github.com/", "Anybody can put something on github.com, so it"),
        ("https://gitlab.com", "Anybody can put something on gitlab.com, so it"),
        ("http://127.0.0.1/", "what comes unencrypted can be changed on its way"),
        ("git+file:///srv/", "nothing is fetched by file"),
        # What they show comes from elsewhere, and its address says any name.
        ("https://gist.github.com/me/", "Anybody can put something on gist.github.com, and its addresses do not tell"),
        ("git+ssh://git@gist.github.com/me/", "its addresses do not tell who did"),
        ("https://pastebin.com/raw/", "its addresses do not tell who did"),
    ],
)
def test_what_is_no_place_to_trust(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        parse_place(text)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://host/a/tool.py", "tool.py"),
        ("https://host/a/.py", "py"),
        ("https://host/-rf.py", "rf.py"),
        ("https://host/a%00b.py", None),
        ("https://host/t%C3%A4st.py", "t_st.py"),
        ("https://host/__main__.py", "script.py"),
        ("https://host/" + "x" * 300 + ".py", "x" * 97 + ".py"),
        ("https://host/%0a%1b.py", "__.py"),
    ],
)
def test_a_script_gets_a_plain_file_name(url: str, name: str | None) -> None:
    if name is None:
        with pytest.raises(UsageError):
            parse_remote(url)
    else:
        assert parse_remote(url).filename == name


def test_the_sha256_behind_a_url_is_read() -> None:
    assert parse_remote("https://host/x.py#sha256=" + "Ab" * 32).sha256 == "ab" * 32
    assert parse_remote("https://host/x.py#L4").sha256 is None


def test_what_lies_beside_a_script() -> None:
    git = parse_remote("git+https://host/r@v1#a/x.py").beside("pylock.x.toml")
    assert git is not None
    assert (git.url, git.path) == ("git+https://host/r@v1", "a/pylock.x.toml")
    assert parse_remote("https://host/get?file=x.py").beside("pylock.x.toml") is None
    assert parse_remote("https://gist.github.com/me/0123456789abcdef0123").beside("pylock.script.toml") is None


def test_only_pages_have_a_file_behind_them() -> None:
    assert likely_file("https://git.example/x.py") is None
