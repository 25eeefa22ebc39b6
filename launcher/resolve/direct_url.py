"""The content of ``direct_url.json``: where what a requirement named by URL came from (PEP 610). Pure.

The URLs given here carry no credentials; nothing but what stands in these files is ever recorded of a URL.
"""

from __future__ import annotations

import json
from typing import Any


def archive_origin(url: str, sha256: str, subdirectory: str = "") -> str:
    """Return the text for a wheel, an sdist or any other archive.

    >>> archive_origin("https://host/a.zip", "abc")
    '{"archive_info": {"hashes": {"sha256": "abc"}}, "url": "https://host/a.zip"}'
    """
    return _text(url, subdirectory, archive_info={"hashes": {"sha256": sha256}})


def repository_origin(url: str, revision: str, commit: str, subdirectory: str = "") -> str:
    """Return the text for a commit of a git repository; `revision` is what was asked for, maybe nothing."""
    info = {"vcs": "git", "commit_id": commit} | ({"requested_revision": revision} if revision else {})
    return _text(url, subdirectory, vcs_info=info)


def directory_origin(url: str, subdirectory: str = "", *, is_editable: bool) -> str:
    """Return the text for a directory of this machine."""
    return _text(url, subdirectory, dir_info={"editable": True} if is_editable else {})


def _text(url: str, subdirectory: str, **info: dict[str, Any]) -> str:
    more = {"subdirectory": subdirectory} if subdirectory else {}
    return json.dumps({"url": url, **info, **more}, sort_keys=True)
