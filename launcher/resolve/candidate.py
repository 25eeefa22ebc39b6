"""A wheel that could be installed. It imports nothing, because a remembered resolution is read without the finder."""

from __future__ import annotations

from launcher.value import Value


class Candidate(Value):
    """One wheel of one version, with everything needed to download and verify it.

    `name` is canonical; `url` carries no credentials. `core_metadata` is the sha256 of the ``.metadata`` beside the
    wheel, True where it is there without a hash, None where the index has none (PEP 658, 714). `index` is where it was
    found: an index, a find-links location, or ``""`` for a requirement that names the URL itself.
    """

    name: str
    version: str
    filename: str
    url: str
    sha256: str | None = None
    size_bytes: int | None = None
    requires_python: str | None = None
    yanked: str | None = None
    core_metadata: str | bool | None = None
    index: str = ""
