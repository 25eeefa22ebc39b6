"""Where a file on this machine came from: the marks that browsers, mail programs and systems put on downloads.

A hint for a person and nothing more: anybody who can write a file can write, or leave out, its marks. Whether it may
run is decided by its content.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress

from launcher.resolve.urls import mask_credentials

_XDG_URLS = ("user.xdg.origin.url", "user.xdg.referrer.url")
"""As freedesktop.org's "Guidelines for extended attributes" have them: the file's own URL, then that of the page."""

_QUARANTINE = "com.apple.quarantine"
_ZONE_STREAM = ":Zone.Identifier"
_ZONES = {"1": "the local network", "2": "a trusted site", "3": "the internet", "4": "a restricted site"}
_LONGEST_BYTES = 1 << 16
_LONGEST_CHARACTERS = 500

ReadAttribute = Callable[[str, str], bytes | None]
"""Returns the content of a file's attribute or stream of a name, None where there is none."""


def origin_of(path: str, read: ReadAttribute | None = None) -> str:
    """Return where a file came from, in words or as a URL without its password; nothing where no mark says so."""
    read = read or _read
    for name in _XDG_URLS:
        if url := _one_line(read(path, name)):
            return mask_credentials(url)
    if zone := _zone(read(path, _ZONE_STREAM)):
        return zone
    return _quarantine(read(path, _QUARANTINE))


def _zone(content: bytes | None) -> str:
    r"""Return what the stream says that Windows adds to downloads.

    >>> _zone(b"[ZoneTransfer]\r\nZoneId=3\r\nHostUrl=https://host/x.py\r\n"), _zone(b"[ZoneTransfer]\r\nZoneId=3\r\n")
    ('https://host/x.py', 'the internet')
    """
    if not content:
        return ""
    is_wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = content[:_LONGEST_BYTES].decode("utf-16" if is_wide else "utf-8", "replace")
    values = dict(re.findall(r"(?m)^\s*(\w+)\s*=\s*(.*?)\s*$", text))
    for name in ("HostUrl", "ReferrerUrl"):
        # Edge writes about:internet where it does not want to say.
        if (url := _one_line(values.get(name, "").encode())) and not url.startswith("about:"):
            return mask_credentials(url)
    return _ZONES.get(values.get("ZoneId", ""), "")


def _quarantine(content: bytes | None) -> str:
    """Return what the attribute says that macOS adds to downloads: flags; time; the program's name; an identifier.

    >>> _quarantine(b"0083;66a34c7a;Mail;6F1B-0A")
    'Mail, which received it'
    """
    fields = _one_line(content).split(";")
    if len(fields) < 3 or not re.fullmatch(r"[0-9a-fA-F]{4}", fields[0]):
        return ""
    return f"{fields[2].strip() or 'a program'}, which received it"


def _one_line(content: bytes | None) -> str:
    if not content:
        return ""
    text = content[:_LONGEST_BYTES].decode("utf-8", "replace").rstrip("\0").strip()
    return "".join(each for each in text if each.isprintable())[:_LONGEST_CHARACTERS]


def _read(path: str, name: str) -> bytes | None:
    """Return an attribute of a file, or on Windows a stream of it."""
    with suppress(OSError, ValueError):
        if name.startswith(":"):
            return _stream(path, name) if sys.platform == "win32" else None
        if sys.platform == "linux":
            return os.getxattr(path, name)
        if sys.platform == "darwin":
            return _mac_attribute(path, name)
    return None


def _stream(path: str, name: str) -> bytes:
    with open(f"{path}{name}", "rb") as stream:
        return stream.read(_LONGEST_BYTES)


def _mac_attribute(path: str, name: str) -> bytes | None:
    """Ask the program that reads them: Python has no function for it there."""
    import subprocess  # noqa: PLC0415 - 10 ms, and on macOS only

    done = subprocess.run(["/usr/bin/xattr", "-p", name, path], capture_output=True, timeout=10, check=False)
    return done.stdout if done.returncode == 0 else None
