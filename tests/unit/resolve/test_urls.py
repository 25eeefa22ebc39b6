"""URLs: what is shown, where credentials go, which names are safe."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from launcher.resolve.urls import (
    filename_of,
    is_safe_filename,
    mask_credentials,
    origin_of,
    path_from_file_url,
    sha256_in,
    split_credentials,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://host/simple/", "https://host/simple/"),
        ("https://me:secret@host/simple/", "https://me:****@host/simple/"),
        ("https://token@host/", "https://****@host/"),
        (
            "a @ git+https://u:p@host/x@main and https://:k@b/",
            "a @ git+https://u:****@host/x@main and https://:****@b/",
        ),
        ("https://host/a@1.0", "https://host/a@1.0"),
    ],
)
def test_no_password_is_shown(text: str, shown: str) -> None:
    assert mask_credentials(text) == shown


def test_credentials_are_taken_out_and_decoded() -> None:
    assert split_credentials("https://a%40b:c%3Ad@host:8080/x?y") == ("https://host:8080/x?y", "Basic YUBiOmM6ZA==")
    assert split_credentials("https://host/x") == ("https://host/x", None)


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin_of("https://HOST/x") == origin_of("https://u:p@host:443/")
    assert len({origin_of(url) for url in ("https://h/", "http://h/", "https://h:444/", "https://g/")}) == 4


@pytest.mark.parametrize("name", ["", ".", "..", "../x.whl", "a/b.whl", "a\\b.whl", "a\n.whl", ".hidden", "a\x00"])
def test_names_that_could_leave_a_directory_are_refused(name: str) -> None:
    assert not is_safe_filename(name)


def test_a_file_name_is_the_decoded_last_part() -> None:
    assert filename_of("https://h/p/a-1.0%2Bcpu-py3-none-any.whl?q=1#sha256=00") == "a-1.0+cpu-py3-none-any.whl"
    assert filename_of("https://h/p/..%2Fa.whl") == "a.whl"


def test_the_hash_in_a_fragment() -> None:
    assert sha256_in("https://h/a.whl#egg=a&sha256=ABC") == "abc"
    assert sha256_in("https://h/a.whl#md5=abc") is None


def test_paths_with_odd_characters_survive() -> None:
    path = Path("/tmp/a b#c%d/é.whl").absolute()
    assert path_from_file_url(path.as_uri()) == path


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are text there")
def test_paths_that_are_no_text_survive() -> None:
    path = Path(os.fsdecode(b"/tmp/\xff.whl"))
    assert path_from_file_url(path.as_uri()) == path


def test_the_host_of_a_file_url_counts() -> None:
    assert path_from_file_url("file://localhost/srv/a.whl#sha256=1") == Path("/srv/a.whl")
    assert path_from_file_url("file://server/srv/a.whl") == Path("//server/srv/a.whl")
