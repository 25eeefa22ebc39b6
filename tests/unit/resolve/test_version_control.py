"""What a ``git+`` URL says, and what git is told."""

from __future__ import annotations

import re

import pytest

from launcher.resolve.version_control import Repository, _environ, _failure, parse_repository

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


def test_git_asks_nobody_and_keeps_to_its_own_repository() -> None:
    child = _environ(Repository("https://host/a"), {"GIT_DIR": "/hook/.git", "GIT_INDEX_FILE": "x", "HOME": "/me"})
    assert not child.keys() & {"GIT_DIR", "GIT_INDEX_FILE", "GIT_SSH_COMMAND"}
    assert (child["GIT_TERMINAL_PROMPT"], child["GIT_ASKPASS"], child["HOME"]) == ("0", "", "/me")
    assert child["GIT_ALLOW_PROTOCOL"] == "https:http:ssh:git"


def test_a_password_goes_to_its_host_only_and_not_by_the_command_line() -> None:
    repository = parse_repository("git+https://me:pw@host/a")
    child = _environ(repository, {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c"})
    given = [
        (child[f"GIT_CONFIG_KEY_{at}"], child[f"GIT_CONFIG_VALUE_{at}"]) for at in range(int(child["GIT_CONFIG_COUNT"]))
    ]
    helper = "credential.https://host.helper"
    assert given[:-1] == [("a.b", "c"), ("core.askPass", ""), (helper, "")]
    assert given[-1][0] == helper
    assert "pw" not in repr(given)
    assert (child["PYSCRIPT_GIT_USER"], child["PYSCRIPT_GIT_PASSWORD"]) == ("me", "pw")


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
