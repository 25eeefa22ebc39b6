"""Which certificates are believed; the handshakes themselves are in tests/functional/test_indexes.py."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from launcher.errors import UsageError
from launcher.prepare import open_fetcher
from launcher.resolve.access import Access
from launcher.resolve.tls import tls_context, unverified_context
from launcher.settings import Settings


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def nonsense(tmp_path: Path) -> str:
    path = tmp_path / "company.pem"
    path.write_text("no certificate", encoding="ascii")
    return str(path)


def test_the_tls_context_verifies() -> None:
    context = tls_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_trusted_host_is_not_verified() -> None:
    context = unverified_context(Access())
    assert context.verify_mode is ssl.CERT_NONE
    assert not context.check_hostname


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_bundle_of_a_variable_is_taken(monkeypatch: pytest.MonkeyPatch, nonsense: str, variable: str) -> None:
    monkeypatch.setenv(variable, nonsense)
    with pytest.raises(UsageError, match=r"company\.pem \(SSL_CERT_FILE or REQUESTS_CA_BUNDLE\) cannot be used"):
        tls_context()


def test_a_variable_that_names_nothing_leaves_the_systems_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/company.pem")
    assert tls_context().verify_mode is ssl.CERT_REQUIRED


def test_a_certificate_that_is_named_and_not_there() -> None:
    with pytest.raises(UsageError) as caught:
        tls_context(Access(cert="/nowhere/ca.pem", origins={"cert": "the variable PYSCRIPT_CERT"}))
    assert caught.value.message == (
        "The certificates in /nowhere/ca.pem (the variable PYSCRIPT_CERT) cannot be used: No such file or directory."
    )


def test_a_certificate_that_is_named_goes_before_the_variables(monkeypatch: pytest.MonkeyPatch, nonsense: str) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/company.pem")
    with pytest.raises(UsageError, match=r"company\.pem \(cert\) cannot be used: it holds none"):
        tls_context(Access(cert=nonsense))


def test_a_file_beside_hashed_certificates_is_read_all_the_same(tmp_path: Path, nonsense: str) -> None:
    (tmp_path / "12345678.0").touch()
    with pytest.raises(UsageError, match="it holds none"):
        tls_context(Access(cert=nonsense))


@pytest.mark.parametrize("make", [tls_context, unverified_context])
def test_a_client_certificate_that_cannot_be_used(nonsense: str, make: object) -> None:
    assert callable(make)
    with pytest.raises(UsageError, match=r"client certificate .*company\.pem \(client-cert\) cannot be used"):
        make(Access(client_cert=nonsense))
    with pytest.raises(UsageError, match=r"\(--client-cert\) cannot be used: No such file"):
        make(Access(client_cert="/nowhere", origins={"client_cert": "--client-cert"}))


def test_how_servers_are_reached_is_what_the_settings_say() -> None:
    origins = {"cert": "config.toml"}
    settings = Settings(cert="a.pem", proxy="http://p/", keyring_provider="subprocess", origins=origins)
    assert Access.of(settings) == Access(cert="a.pem", proxy="http://p/", asks_keyring=True, origins=origins)
    # Interpreters come from servers as well.
    assert open_fetcher(settings)._access == Access.of(settings)
