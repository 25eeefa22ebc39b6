"""Credentials go where they were given for; where a server refuses, netrc and the keyring program are asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher.resolve import credentials as credentials_module
from launcher.resolve.credentials import Credentials
from launcher.resolve.urls import basic_authorization

ME, YOU = basic_authorization("me", "secret"), basic_authorization("you", "hidden")
REFUSED = "https://host/simple/demo/"


@pytest.fixture(autouse=True)
def netrc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "netrc"
    monkeypatch.setenv("NETRC", str(path))
    return path


def write_netrc(path: Path, text: str) -> None:
    path.write_text(text, encoding="ascii")
    path.chmod(0o600)


def test_a_url_loses_its_credentials_and_they_are_kept_for_its_origin() -> None:
    credentials = Credentials()
    assert credentials.remember("https://me:secret@host/simple/") == "https://host/simple/"
    assert credentials.authorization_for("https://host/simple/demo/") == ME
    assert credentials.authorization_for("https://HOST:443/files/demo.whl") == ME
    for elsewhere in (
        "http://host/simple/",
        "https://host:8443/simple/",
        "https://other/simple/",
        "https://host.evil/",
    ):
        assert credentials.authorization_for(elsewhere) is None


def test_two_indexes_on_one_host_have_each_their_own() -> None:
    credentials = Credentials()
    credentials.remember("https://me:secret@host/a/simple/")
    credentials.remember("https://you:hidden@host/b/simple/")
    assert credentials.authorization_for("https://host/a/simple/demo/") == ME
    assert credentials.authorization_for("https://host/b/simple/demo/") == YOU
    assert credentials.authorization_for("https://host/files/demo.whl") == ME


def test_what_is_given_later_for_the_same_place_counts() -> None:
    credentials = Credentials()
    credentials.remember("https://me:wrong@host/simple/")
    credentials.remember("https://me:secret@host/simple/")
    credentials.remember("https://host/simple/")
    assert credentials.authorization_for(REFUSED) == ME


@pytest.mark.parametrize(
    ("url", "name", "variables", "expected"),
    [
        ("https://host/simple/", "my-co.x", {"USERNAME": "me", "PASSWORD": "secret"}, ME),
        ("https://you:hidden@host/simple/", "my-co.x", {"USERNAME": "me", "PASSWORD": "secret"}, ME),
        ("https://me@host/simple/", "my-co.x", {"PASSWORD": "secret"}, ME),
        ("https://host/simple/", "my-co.x", {"PASSWORD": "secret"}, basic_authorization("", "secret")),
        ("https://host/simple/", "other", {"USERNAME": "me", "PASSWORD": "secret"}, None),
        ("https://host/simple/", "", {"USERNAME": "me", "PASSWORD": "secret"}, None),
    ],
)
def test_variables_of_a_named_index(url: str, name: str, variables: dict[str, str], expected: str | None) -> None:
    environ = {f"PYSCRIPT_INDEX_MY_CO_X_{key}": value for key, value in variables.items()}
    credentials = Credentials()
    credentials.remember(url, name, environ)
    assert credentials.authorization_for(REFUSED) == expected


def test_netrc_is_looked_into_once_when_a_server_refuses(netrc: Path) -> None:
    credentials = Credentials()
    credentials.remember("https://host/simple/")
    assert not credentials.look_up(REFUSED, None)
    write_netrc(netrc, "machine host login me password secret\n")
    assert not credentials.look_up(REFUSED, None), "it was looked into already"
    credentials = Credentials()
    assert credentials.look_up(REFUSED, None)
    assert credentials.authorization_for("https://host/files/x") == ME
    assert credentials.look_up(REFUSED, None), "another thread has sent nothing yet"
    assert not credentials.look_up(REFUSED, ME)


def test_netrc_of_another_user_or_host_is_not_taken(netrc: Path) -> None:
    write_netrc(netrc, "machine host login you password hidden\nmachine other login me password secret\n")
    credentials = Credentials()
    credentials.remember("https://me@host/simple/")
    assert not credentials.look_up(REFUSED, basic_authorization("me", ""))
    assert not Credentials().look_up("https://third/simple/", None)


def test_a_netrc_that_cannot_be_read_is_none(netrc: Path) -> None:
    write_netrc(netrc, "machine host logged in\n")
    assert not Credentials().look_up(REFUSED, None)


def test_a_refused_password_is_not_replaced_by_another(netrc: Path) -> None:
    write_netrc(netrc, "machine host login me password secret\n")
    credentials = Credentials()
    credentials.remember("https://me:wrong@host/simple/")
    assert not credentials.look_up(REFUSED, basic_authorization("me", "wrong"))


class Keyring:
    """The ``keyring`` program, in memory."""

    def __init__(self, answers: dict[tuple[str, ...], str]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, command: list[str]) -> str:
        self.asked.append(tuple(command[1:]))
        return self.answers.get(tuple(command[1:]), "")


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Keyring:
    asked = Keyring({})
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(credentials_module, "_output_of", asked)
    return asked


def test_the_keyring_is_asked_by_url_and_then_by_host(keyring: Keyring) -> None:
    credentials = Credentials(asks_keyring=True)
    credentials.remember("https://me@host:8443/simple/")
    keyring.answers = {("get", "host:8443", "me"): "secret"}
    assert credentials.look_up("https://host:8443/simple/demo/", basic_authorization("me", ""))
    assert credentials.authorization_for("https://host:8443/files/x") == ME
    assert keyring.asked == [("get", "https://host:8443/simple/", "me"), ("get", "host:8443", "me")]


def test_a_newer_keyring_knows_the_user_as_well(keyring: Keyring) -> None:
    credentials = Credentials(asks_keyring=True)
    credentials.remember("https://host/simple/")
    keyring.answers = {("--mode", "creds", "get", "https://host/simple/"): "me\nsecret"}
    assert credentials.look_up(REFUSED, None)
    assert credentials.authorization_for(REFUSED) == ME


def test_the_keyring_is_not_asked_unless_it_may_be(keyring: Keyring) -> None:
    assert not Credentials().look_up(REFUSED, None)
    assert keyring.asked == []


def test_without_the_program_there_is_no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert not Credentials(asks_keyring=True).look_up(REFUSED, None)


def test_a_refusal_says_what_was_refused_and_how_to_give_another() -> None:
    credentials = Credentials()
    assert credentials.refusal(REFUSED, 401) == (
        "it wants credentials",
        "Give user and password in the index URL (https://user:password@host/...), in ~/.netrc or by keyring "
        "(--keyring-provider subprocess).",
    )
    credentials.remember("https://host/simple/", "company", {"PYSCRIPT_INDEX_COMPANY_PASSWORD": "x"})
    said, hint = credentials.refusal(REFUSED, 401)
    both = "PYSCRIPT_INDEX_COMPANY_USERNAME and PYSCRIPT_INDEX_COMPANY_PASSWORD"
    assert said == f"it does not accept the credentials from {both}"
    assert f"as {both} or by keyring" in hint
    assert credentials.refusal(REFUSED, 403)[0].startswith("it refuses the credentials from")
    assert credentials.refusal("https://other/", 403)[0] == "it wants credentials, or refuses this address"
