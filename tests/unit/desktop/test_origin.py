"""Where a file came from, by the marks that other programs left on it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from launcher.desktop.origin import origin_of

QUARANTINE = "com.apple.quarantine"
URL = "user.xdg.origin.url"
REFERRER = "user.xdg.referrer.url"
ZONE = ":Zone.Identifier"


@pytest.mark.parametrize(
    ("attributes", "origin"),
    [
        ({}, ""),
        ({URL: b"https://host/x.py"}, "https://host/x.py"),
        ({URL: b"https://host/x.py\0"}, "https://host/x.py"),
        ({REFERRER: b"https://host/page"}, "https://host/page"),
        ({URL: b"", REFERRER: b"https://host/page"}, "https://host/page"),
        ({URL: b"https://me:secret@host/x.py"}, "https://me:****@host/x.py"),
        ({URL: b"https://host/\x1b[2Jx\n\xe2\x80\xaepy"}, "https://host/[2Jxpy"),
        ({URL: b"https://host/" + b"x" * 10_000}, "https://host/" + "x" * 487),
        ({URL: b"\xff\xfe"}, "\ufffd\ufffd"),
        (
            {ZONE: b"[ZoneTransfer]\r\nZoneId=3\r\nReferrerUrl=https://p/\r\nHostUrl=https://h/x.py\r\n"},
            "https://h/x.py",
        ),
        ({ZONE: b"[ZoneTransfer]\r\nZoneId=3\r\nHostUrl=about:internet\r\n"}, "the internet"),
        ({ZONE: b"[ZoneTransfer]\nZoneId = 4\n"}, "a restricted site"),
        ({ZONE: b"[ZoneTransfer]\r\nZoneId=0\r\n"}, ""),
        ({ZONE: "[ZoneTransfer]\r\nZoneId=3\r\n".encode("utf-16")}, "the internet"),
        ({ZONE: b"\x00nonsense"}, ""),
        ({QUARANTINE: b"0083;66a34c7a;Safari;6F1B-0A"}, "Safari, which received it"),
        ({QUARANTINE: b"0083;66a34c7a;;"}, "a program, which received it"),
        ({QUARANTINE: b"nonsense"}, ""),
    ],
)
def test_every_mark_is_read(attributes: dict[str, bytes], origin: str) -> None:
    assert origin_of("x.py", lambda _, name: attributes.get(name)) == origin


@pytest.mark.skipif(sys.platform != "linux", reason="attributes are read otherwise")
def test_the_attribute_of_a_real_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text("")
    assert origin_of(str(path)) == ""
    try:
        os.setxattr(path, URL, b"https://host/x.py")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    assert origin_of(str(path)) == "https://host/x.py"
    assert origin_of(str(tmp_path / "gone.py")) == ""
