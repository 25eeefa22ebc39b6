"""What resolution reads out of URLs: origins, credentials, file names, hashes, local paths."""

from __future__ import annotations

import os
import re
import sys
from base64 import b64encode
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urlsplit, urlunsplit

_CREDENTIALS = r"(?:(?<=://)(?<!ssh://)([^/@\s:]*)|(?<=ssh://)([^/@\s:]*)(?=:))(:[^/@\s]*)?@"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_CONTROL_OR_SEPARATOR = re.compile(r"[\x00-\x1f\x7f/\\]")


def mask_credentials(text: str) -> str:
    """Return `text` with the password of every URL in it replaced, and a lone token as well.

    >>> mask_credentials("https://me:secret@host/simple/ and https://token@host/")
    'https://me:****@host/simple/ and https://****@host/'

    With ssh, a name alone is no secret.
    """
    if "@" not in text:
        return text  # nearly always, so the expression is not even compiled
    return re.sub(_CREDENTIALS, lambda found: f"{found[1] or found[2] or ''}:****@" if found[3] else "****@", text)


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port: what credentials are bound to.

    >>> origin_of("https://me@Host/x") == origin_of("https://host:443/y")
    True
    """
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS.get(parts.scheme)


def split_credentials(url: str) -> tuple[str, str | None]:
    """Return the URL without user and password, and the value of the Authorization header they stand for.

    >>> split_credentials("https://me:pw@host/")
    ('https://host/', 'Basic bWU6cHc=')
    """
    parts = urlsplit(url)
    user_info, found, host = parts.netloc.rpartition("@")
    if not found:
        return url, None
    user, _, password = user_info.partition(":")
    return urlunsplit(parts._replace(netloc=host)), basic_authorization(unquote(user), unquote(password))


def basic_authorization(user: str, password: str) -> str:
    """Return the value of an Authorization header (RFC 7617)."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")


def without_fragment(url: str) -> str:
    """Return the URL without what follows ``#``."""
    return url.partition("#")[0]


def filename_of(url: str) -> str:
    """Return the last part of the URL's path, decoded.

    >>> filename_of("https://host/a/demo-1.0%2Bcpu-py3-none-any.whl?x=1#sha256=abc")
    'demo-1.0+cpu-py3-none-any.whl'
    """
    return unquote(urlsplit(url).path).rpartition("/")[2]


def is_version_control(url: str) -> bool:
    """Tell whether a requirement's URL names a repository, of whichever program."""
    return re.match(r"(git|hg|svn|bzr)[+@]", url, re.IGNORECASE) is not None


def names_a_wheel(url: str) -> bool:
    """Tell whether a requirement's URL is that of a wheel, by its name; everything else is a source."""
    return filename_of(url).endswith(".whl") and not is_version_control(url)


def sha256_in(url: str) -> str | None:
    """Return the sha256 that the URL's fragment states, or None."""
    for part in urlsplit(url).fragment.split("&"):
        name, _, value = part.partition("=")
        if name == "sha256" and value:
            return value.lower()
    return None


def is_safe_filename(name: str) -> bool:
    """Tell whether `name` is one path component without control characters."""
    return bool(name) and not name.startswith(".") and not _CONTROL_OR_SEPARATOR.search(name)


def may_list(page_url: str, filename: str, url: str) -> bool:
    """Tell whether a page may list a file: its name is safe, and only pages on this machine list what is on it.

    >>> may_list("https://host/a/", "a.zip", "file:///srv/a.zip"), may_list("file:///srv/", "a.zip", "file:///srv/a.zip")
    (False, True)
    """
    return is_safe_filename(filename) and (not url.startswith("file:") or page_url.startswith("file:"))


def path_from_file_url(url: str) -> Path:
    """Return the path that a ``file:`` URL names (RFC 8089)."""
    parts = urlsplit(without_fragment(url))
    host = f"//{parts.netloc}" if parts.netloc and parts.netloc != "localhost" else ""
    if sys.platform != "win32":
        return Path(os.fsdecode(unquote_to_bytes(host + parts.path)))
    # Drive letters are its business alone: it takes 40 ms, because it brings an HTTP client.
    from urllib.request import url2pathname  # noqa: PLC0415

    return Path(url2pathname(host + parts.path))
