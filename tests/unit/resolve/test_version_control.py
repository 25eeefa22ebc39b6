"""What a ``git+`` URL says, and what git says."""

from __future__ import annotations

import re

import pytest

from launcher.errors import NotAvailableOffline
from launcher.resolve.version_control import Repository, _failure, parse_repository

HASH = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("git+https://host/a.git", Repository("https://host/a.git")),
        ("git+https://host/a.git@v1", Repository("https://host/a.git", "v1")),
        ("git+https://host/a.git@feature/x", Repository("https://host/a.git", "feature/x")),
        ("git+ssh://git@host/me/a.git@main", Repository("ssh://git@host/me/a.git", "main")),
        ("git+file:///srv/a@v1", Repository("file:///srv/a", "v1")),
        (
            "git+https://host/a.git@v1#egg=demo[x]&subdirectory=lib/part/",
            Repository("https://host/a.git", "v1", "lib/part", "demo"),
        ),
        ("git+https://me:pw@host/a", Repository("https://host/a", login=("me", "pw"))),
        ("git+https://t%40k@host/a", Repository("https://host/a", login=("t@k", ""))),
        ("git+ssh://me:pw@host/a", Repository("ssh://me@host/a")),
    ],
)
def test_what_a_url_says(url: str, expected: Repository) -> None:
    assert parse_repository(url) == expected


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("svn+https://host/a", "Subversion repositories cannot be used"),
        ("git+ext::sh -c x", "has to begin with git+https://"),
        ("git@host:me/a.git", "has to begin with git+https://"),
        ("git+ssh://git@host:me/a.git", "a colon behind the host"),
        ("git+ssh://-oProxyCommand=x/a", "begins with a dash"),
        ("git+ssh://-oProxyCommand=x@host/a", "begins with a dash"),
        ("git+https://host/a@-x", "'-x' is no name of a branch"),
        ("git+https://host/a@", "'' is no name of a branch"),
        ("git+https://host/a@main~1", "is no name of a branch"),
        ("git+https://me:a%0Ahost=x@host/a", "control characters"),
        ("git+https://host/a#subdirectory=../b", "leads out of the repository"),
    ],
)
def test_what_is_refused(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_repository(url)


def test_only_a_whole_commit_id_never_moves() -> None:
    assert parse_repository(f"git+https://host/a@{HASH}").commit == HASH
    assert parse_repository(f"git+https://host/a@{HASH[:12]}").commit is None
    assert parse_repository("git+https://me:pw@host/a@v1#subdirectory=b").at(HASH) == (
        f"git+https://host/a@{HASH}#subdirectory=b"
    )


@pytest.mark.parametrize(
    ("stderr", "said"),
    [
        ("remote: Repository not found.", "There is no git repository at https://host/a"),
        ("fatal: could not read Username for 'https://host': terminal prompts disabled", "wants credentials"),
        ("git@host: Permission denied (publickey).", "wants credentials"),
        ("fatal: unable to access 'https://host/a/': Could not resolve host: host", "could not be reached"),
        ("fatal: transport 'file' not allowed", "a kind of address that is not allowed"),
        ("fatal: the sky fell", "git could not fetch https://host/a.\n  | fatal: the sky fell"),
        ("fatal: https://me:pw@host/a broke", "https://me:****@host/a broke"),
    ],
)
def test_what_git_says_in_other_words(stderr: str, said: str) -> None:
    error = _failure(Repository("https://host/a"), stderr)
    assert said in error.message


def test_what_lies_elsewhere_is_not_there_offline() -> None:
    error = _failure(Repository("file:///a"), "fatal: transport 'https' not allowed", is_offline=True)
    assert isinstance(error, NotAvailableOffline)
    assert "such as a submodule, lies elsewhere, and offline forbids fetching it" in error.message
