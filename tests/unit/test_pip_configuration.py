"""pip's configuration fills what nothing else has set, in pip's own order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from launcher.errors import UsageError
from launcher.pip_configuration import with_pip_configuration
from launcher.settings import Settings, resolve_settings

Write = Callable[[str, str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, text: str) -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write_file


def test_nothing_said_changes_nothing() -> None:
    assert with_pip_configuration(Settings(), {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_INDEX_URL": ""}, []) == (
        Settings()
    )


def test_everything_that_says_where_packages_come_from(write: Write) -> None:
    path = write(
        "pip.conf",
        "[global]\nindex-url = https://a/\nextra_index_url =\n    https://b/\n    https://c/\nfind-links = ~/wheels\n"
        "no-index = false\ntrusted-host = a\n  b:8443\ncert = ~/ca.pem\nclient-cert = /client.pem\n"
        "proxy = http://proxy:3128\ntimeout = 60\nkeyring-provider = import\n[list]\nformat = columns\n",
    )
    settings = with_pip_configuration(Settings(), {}, [path])
    home = str(Path("~").expanduser())
    assert settings == Settings(
        index_url="https://a/",
        extra_index_url=("https://b/", "https://c/"),
        find_links=(f"{home}/wheels",),
        no_index=False,
        trusted_host=("a", "b:8443"),
        cert=f"{home}/ca.pem",
        client_cert="/client.pem",
        proxy="http://proxy:3128",
        keyring_provider="subprocess",
        origins=settings.origins,
    )
    assert settings.origins["index_url"] == f"pip's {path}"


def test_a_block_does_not_take_back_that_no_index_is_asked(write: Write) -> None:
    of_script = resolve_settings({}, {}, {"no-index": False, "index-url": "https://a/"}, {})
    for environ, files in (({"PIP_NO_INDEX": "1"}, []), ({}, [write("pip.conf", "[global]\nno-index = true\n")])):
        settings = with_pip_configuration(of_script, environ, files)
        assert settings.no_index and "pip" in settings.origins["no_index"].lower()
    assert with_pip_configuration(of_script, {"PIP_INDEX_URL": "https://b/"}, []).index_url == "https://a/"
    assert not with_pip_configuration(resolve_settings({}, {"PYSCRIPT_NO_INDEX": "0"}, {}, {}), environ, files).no_index


def test_variables_then_later_files_then_earlier_ones(write: Write) -> None:
    files = [write("1", "[global]\nindex-url = https://1/\nproxy = http://1/"), write("2", "[global]\nproxy=http://2/")]
    settings = with_pip_configuration(Settings(), {}, files)
    assert (settings.index_url, settings.proxy) == ("https://1/", "http://2/")
    settings = with_pip_configuration(Settings(), {"PIP_PROXY": "http://3/"}, files)
    assert (settings.proxy, settings.origins["proxy"]) == ("http://3/", "the variable PIP_PROXY")


def test_the_section_of_install_counts_more_whichever_file_it_stands_in(write: Write) -> None:
    files = [write("1", "[install]\nindex-url = https://i/"), write("2", "[global]\nindex-url = https://g/")]
    assert with_pip_configuration(Settings(), {}, files).index_url == "https://i/"


def test_what_was_set_elsewhere_stays(write: Write) -> None:
    ours = resolve_settings({}, {"PYSCRIPT_INDEX_URL": "https://ours/"}, {}, {"extra-index-url": ["https://b/"]})
    path = write("1", "[global]\nindex-url = https://1/\nextra-index-url = https://2/\nproxy = http://1/")
    settings = with_pip_configuration(ours, {}, [path])
    assert (settings.index_url, settings.extra_index_url, settings.proxy) == (
        "https://ours/",
        ("https://b/",),
        "http://1/",
    )


@pytest.mark.parametrize("provider", ["auto", "disabled"])
def test_a_keyring_that_pip_asks_only_beside_the_person_is_not_asked(provider: str) -> None:
    settings = with_pip_configuration(Settings(), {"PIP_KEYRING_PROVIDER": provider}, [])
    assert settings.keyring_provider == "disabled"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "index-url = https://me:secret@a/\n",
            "pip's configuration file {path} cannot be read: File contains no section",
        ),
        ("[global]\nproxy = a\nproxy = b\n", "cannot be read"),
        ("[global]\nno-index = perhaps\n", "pip's {path}: 'perhaps' is not a valid value for no-index."),
    ],
)
def test_a_bad_file_is_named(write: Write, text: str, said: str) -> None:
    path = write("pip.conf", text)
    with pytest.raises(UsageError) as caught:
        with_pip_configuration(Settings(), {}, [path])
    assert said.format(path=path) in caught.value.message
    assert "secret" not in caught.value.message
    assert caught.value.hint


def test_a_bad_variable_is_named() -> None:
    with pytest.raises(UsageError, match="the variable PIP_NO_INDEX: 'perhaps' is not a valid value"):
        with_pip_configuration(Settings(), {"PIP_NO_INDEX": "perhaps"}, [])


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "pip.conf"
    path.write_bytes(b"[global]\nindex-url = \xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        with_pip_configuration(Settings(), {}, [str(path)])
