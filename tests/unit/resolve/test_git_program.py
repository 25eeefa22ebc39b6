"""What git is told: of whom it may ask nothing, and of the network."""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher.resolve.access import Access
from launcher.resolve.git_program import Reach, environ_for


def given(child: dict[str, str]) -> list[tuple[str, str]]:
    count = int(child["GIT_CONFIG_COUNT"])
    return [(child[f"GIT_CONFIG_KEY_{at}"], child[f"GIT_CONFIG_VALUE_{at}"]) for at in range(count)]


def test_git_asks_nobody_and_keeps_to_its_own_repository() -> None:
    environ = {"GIT_DIR": "/hook/.git", "GIT_INDEX_FILE": "x", "HOME": "/me"}
    child = environ_for("https://host/a", None, Reach(), environ)
    assert not child.keys() & {"GIT_DIR", "GIT_INDEX_FILE", "GIT_SSH_COMMAND", "GIT_NO_LAZY_FETCH"}
    assert (child["GIT_TERMINAL_PROMPT"], child["GIT_ASKPASS"], child["HOME"]) == ("0", "", "/me")
    assert child["GIT_ALLOW_PROTOCOL"] == "https:http:ssh:git"


def test_a_password_goes_to_its_host_only_and_not_by_the_command_line() -> None:
    environ = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c"}
    child = environ_for("https://host/a", ("me", "pw"), Reach(), environ)
    helper = "credential.https://host.helper"
    assert given(child)[:2] == [("a.b", "c"), ("core.askPass", "")]
    assert given(child)[-2] == (helper, "")
    assert given(child)[-1][0] == helper
    assert "pw" not in repr(given(child))
    assert (child["PYSCRIPT_GIT_USER"], child["PYSCRIPT_GIT_PASSWORD"]) == ("me", "pw")


@pytest.mark.parametrize("count", ["", "many", "-1", "²", "9" * 30])
def test_a_count_of_settings_that_is_none_is_no_error_of_ours(count: str) -> None:
    child = environ_for("https://host/a", None, Reach(), {"GIT_CONFIG_COUNT": count})
    assert given(child)[0] == ("core.askPass", "")


def test_how_servers_are_reached_is_said_in_gits_words(tmp_path: Path) -> None:
    access = Access(cert="ca.pem", client_cert=str(tmp_path / "me.pem"), proxy="http://p:1", trusted_hosts=("h:8443",))
    settings = dict(given(environ_for("https://host/a", None, Reach(timeout_s=20.4, access=access), {})))
    assert settings["http.lowSpeedTime"] == "20"
    assert settings["http.proxy"] == "http://p:1"
    assert settings["http.sslCAInfo"] == str(Path("ca.pem").absolute())
    assert settings["http.sslCert"] == settings["http.sslKey"] == str(tmp_path / "me.pem")
    assert settings["http.https://h:8443/.sslVerify"] == "false"
    assert "http.followRedirects" not in settings
    itself = given(environ_for("https://host/a", None, Reach(follows_redirects=False), {}))
    assert dict(itself)["http.followRedirects"] == "false"
    directory = Reach(access=Access(cert=str(tmp_path)))
    assert dict(given(environ_for("https://host/a", None, directory, {})))["http.sslCAPath"] == str(tmp_path)


def test_offline_only_what_lies_on_this_machine_is_fetched() -> None:
    child = environ_for("file:///srv/a", None, Reach(offline=True), {})
    assert (child["GIT_ALLOW_PROTOCOL"], child["GIT_NO_LAZY_FETCH"]) == ("file", "1")


def test_ssh_asks_nobody_and_gives_up_unless_told_otherwise() -> None:
    child = environ_for("ssh://host/a", None, Reach(timeout_s=7), {"GIT_CONFIG_GLOBAL": "/nowhere"})
    assert child["GIT_SSH_COMMAND"].startswith("ssh -oBatchMode=yes -oConnectTimeout=7 ")
    assert environ_for("ssh://host/a", None, Reach(), {"GIT_SSH_COMMAND": "mine"})["GIT_SSH_COMMAND"] == "mine"
