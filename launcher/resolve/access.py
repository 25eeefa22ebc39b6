"""How servers are reached, as the settings say it."""

from __future__ import annotations

from collections.abc import Mapping

from launcher.settings import Settings
from launcher.value import Value, field

CONNECTIONS_AT_ONCE = 16


class Access(Value):
    """How servers are reached: `cert` and `client_cert` are PEM files, `trusted_hosts` are not verified.

    `proxy` stands for all of ``HTTPS_PROXY`` and its kin; `asks_keyring` allows the ``keyring`` program to be run.
    `origins` says where each setting came from, by its name in `Settings`.
    """

    cert: str | None = None
    client_cert: str | None = None
    proxy: str | None = None
    trusted_hosts: tuple[str, ...] = ()
    asks_keyring: bool = False
    origins: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> Access:
        """Return what the settings say of it."""
        return cls(
            cert=settings.cert,
            client_cert=settings.client_cert,
            proxy=settings.proxy,
            trusted_hosts=settings.trusted_host,
            asks_keyring=settings.keyring_provider == "subprocess",
            origins=settings.origins,
        )
