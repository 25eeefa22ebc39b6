"""Who we are to which server: credentials from URLs, variables, netrc and keyring, each for its own place."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from launcher.resolve.urls import basic_authorization, origin_of, split_credentials

_KEYRING_TIMEOUT_S = 60
_Origin = tuple[str, str, int | None]


class _Login:
    """What is known of a place: everything of `origin` below `folder`. `password` is None where only a user is known.

    `told_by` says for people where it is from; `variables` are the two that can give it to a named index.
    """

    def __init__(self, origin: _Origin, folder: str, location: str) -> None:
        self.origin, self.folder, self.location = origin, folder, location
        self.user: str | None = None
        self.password: str | None = None
        self.told_by = self.variables = ""
        self.is_looked_up = False

    @property
    def authorization(self) -> str | None:
        return None if self.user is None else basic_authorization(self.user, self.password or "")


class Credentials:
    """Credentials by place. They go to the origin that they were given for and to no other.

    netrc and, where it may be asked, the ``keyring`` program are looked into when a server refuses what it got, once
    for each place. Every method may be called from any thread.
    """

    def __init__(self, *, asks_keyring: bool = False) -> None:
        self._asks_keyring = asks_keyring
        self._logins: list[_Login] = []
        self._lock = threading.Lock()

    def remember(self, url: str, name: str = "", environ: Mapping[str, str] | None = None) -> str:
        """Return the URL without its credentials, which are kept.

        For an index with a `name`, ``PYSCRIPT_INDEX_<NAME>_USERNAME`` and ``_PASSWORD`` in `environ` come first.
        """
        bare = split_credentials(url)[0]
        folder = urlsplit(bare).path.rpartition("/")[0] + "/"
        login = _Login(origin_of(bare), folder, bare)
        user_info, found, _ = urlsplit(url).netloc.rpartition("@")
        if found:
            user, colon, password = user_info.partition(":")
            login.user, login.password = unquote(user), unquote(password) if colon else None
            login.told_by = "the URL"
        if name:
            prefix = "PYSCRIPT_INDEX_" + "".join(each if each.isalnum() else "_" for each in name.upper())
            login.variables = f"{prefix}_USERNAME and {prefix}_PASSWORD"
            given = environ or {}
            if given.get(f"{prefix}_USERNAME") or given.get(f"{prefix}_PASSWORD"):
                login.user = given.get(f"{prefix}_USERNAME") or login.user or ""
                login.password = given.get(f"{prefix}_PASSWORD") or login.password
                login.told_by = login.variables
        with self._lock:
            self._keep(login)
        return bare

    def _keep(self, login: _Login) -> None:
        """Add a login, or let it replace one that says less or was given earlier for the same place."""
        for at, known in enumerate(self._logins):
            if (known.origin, known.folder) == (login.origin, login.folder):
                if login.user is not None or login.variables:
                    self._logins[at] = login
                return
        self._logins.append(login)

    def authorization_for(self, url: str) -> str | None:
        """Return the Authorization header for a URL: of the nearest place around it, else of another on its origin."""
        with self._lock:
            login = self._login(url)
            return login.authorization if login else None

    def _place(self, url: str) -> _Login | None:
        """Return the nearest place around a URL, whether or not credentials for it are known."""
        origin, path = origin_of(url), urlsplit(url).path
        around = (login for login in self._logins if login.origin == origin and path.startswith(login.folder))
        return max(around, key=lambda login: len(login.folder), default=None)

    def _login(self, url: str) -> _Login | None:
        """Return the place whose credentials a URL gets: files often lie beside the index's pages, not below them."""
        place, origin = self._place(url), origin_of(url)
        if place is None or place.user is None:
            return next((login for login in self._logins if login.origin == origin and login.user is not None), None)
        return place

    def look_up(self, url: str, sent: str | None) -> bool:
        """Look for what a server wants that refused `sent`; tell whether there is something else to send now."""
        with self._lock:
            place = self._place(url)
            if place is None:
                place = _Login(origin_of(url), "/", url)
                self._logins.append(place)
            if not place.is_looked_up and place.password is None:
                place.is_looked_up = True
                self._look_up(place)
            login = self._login(url)
            return login is not None and login.authorization not in (None, sent)

    def _look_up(self, login: _Login) -> None:
        host = login.origin[1]
        if found := _in_netrc(host, login.user):
            login.user, login.password = found
            login.told_by = "netrc"
        elif self._asks_keyring and (found := _in_keyring(login)):
            login.user, login.password = found
            login.told_by = "the keyring"

    def refusal(self, url: str, status: int) -> tuple[str, str]:
        """Return what to say of an answer 401 or 403: what was refused, and how credentials can be given."""
        with self._lock:
            place, login = self._place(url), self._login(url)
        given = f"the credentials from {login.told_by}" if login else ""
        if status == 401:
            said = f"it does not accept {given}" if given else "it wants credentials"
        else:
            said = f"it refuses {given}, or this address" if given else "it wants credentials, or refuses this address"
        ways = ["in the index URL (https://user:password@host/...)", "in ~/.netrc"]
        ways += [f"as {place.variables}"] if place and place.variables else []
        ways += [] if self._asks_keyring else ["by keyring (--keyring-provider subprocess)"]
        return said, f"Give user and password {', '.join(ways[:-1])} or {ways[-1]}."


def _in_netrc(host: str, user: str | None) -> tuple[str, str] | None:
    # 3 ms, and only a server that asks for credentials needs it.
    import netrc  # noqa: PLC0415

    try:
        found = netrc.netrc(os.environ.get("NETRC")).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    return (found[0], found[2] or "") if found and user in (None, found[0]) else None


def _in_keyring(login: _Login) -> tuple[str, str] | None:
    """Ask the ``keyring`` program on PATH, as pip and uv do: by the index's URL, then by the host.

    It is a program of its own, because as a library it would bring its dependencies and whatever backends are installed
    into the launcher.
    """
    import shutil  # noqa: PLC0415 - 20 ms with subprocess, and few have a keyring

    program = shutil.which("keyring")
    if program is None:
        return None
    host, port = urlsplit(login.location).hostname or "", urlsplit(login.location).port
    for service in (login.location, f"{host}:{port}" if port else host):
        if login.user is not None:
            password = _output_of([program, "get", service, login.user])
            if password:
                return login.user, password
        else:
            # Since keyring 25.2: the user's name, then the password.
            user, _, password = _output_of([program, "--mode", "creds", "get", service]).partition("\n")
            if user and password:
                return user, password
    return None


def _output_of(command: list[str]) -> str:
    """Return what a program writes, nothing where it fails. It gets no stdin: nobody is asked anything."""
    import subprocess  # noqa: PLC0415

    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            timeout=_KEYRING_TIMEOUT_S,
            check=False,
        )
        return done.stdout.decode().strip("\r\n").replace("\r\n", "\n") if done.returncode == 0 else ""
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
