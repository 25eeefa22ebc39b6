"""The mirror serves what it got once, with metadata beside every wheel, and without asking again."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.benchmarks.mirror import Mirror
from tests.support.index_server import IndexServer
from tests.support.wheels import Wheel


def get(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes, Mapping[str, str]]:
    with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers or {}))) as answer:
        return answer.status, answer.read(), answer.headers


def test_what_was_asked_for_once_is_served_from_then_on(tmp_path: Path) -> None:
    wheel = Wheel("speak", "1.0")
    with IndexServer() as index:
        index.serves_metadata = False
        index.add(wheel)
        with Mirror(tmp_path, index.index_url) as mirror:
            _, first, _ = get(f"{mirror.index_url}speak/")
            get(urljoin(mirror.index_url, json.loads(first)["files"][0]["url"]) + ".metadata")
        index.forget_requests()
        with Mirror(tmp_path, index.index_url) as mirror:
            _, page, headers = get(f"{mirror.index_url}speak/")
            (row,) = json.loads(page)["files"]
            url = urljoin(mirror.index_url, row["url"])
            assert row["core-metadata"]
            assert b"Name: speak" in get(f"{url}.metadata")[1]
            status, content, _ = get(url, {"Range": "bytes=-10"})
            assert (status, content) == (206, wheel.content[-10:])
            assert get(url)[1] == wheel.content
            with pytest.raises(urllib.error.HTTPError, match="304"):
                get(f"{mirror.index_url}speak/", {"If-None-Match": headers["ETag"]})
        assert index.requests == []


def test_what_nobody_has_is_not_there(tmp_path: Path) -> None:
    with (
        IndexServer() as index,
        Mirror(tmp_path, index.index_url) as mirror,
        pytest.raises(urllib.error.HTTPError, match="404"),
    ):
        get(f"{mirror.index_url}nothere/")
