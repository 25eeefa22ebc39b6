"""What could be installed: a wheel, or a source of one. It imports nothing: remembered resolutions are read without it.

A source is an sdist, an archive, a repository or a directory; `launcher.resolve.source_trees` makes its wheel.
"""

from __future__ import annotations

from launcher.value import Value


class Candidate(Value):
    """One wheel or source of one version, with everything needed to download and verify it.

    `name` is canonical; `url` carries no credentials. `core_metadata` is the sha256 of the ``.metadata`` beside the
    file, True where it is there without a hash, None where the index has none (PEP 658, 714). `index` is where it was
    found: an index, a find-links location, or ``""`` for a requirement that names the URL itself.

    The `url` of a source that is no file is ``git+…@COMMIT`` or that of the directory, of which an `is_editable` one is
    used in place; ``#subdirectory=`` says where in it the project is. `built_sha256` is the sha256 of the wheel built
    of a source; `direct_url` the text of ``direct_url.json`` where a requirement names the URL (PEP 610). `state` is
    the fingerprint of a directory (`launcher.resolve.project_files`) as it was looked at, None for all else. `hashes`
    are all that a lock states (``sha512:…``), which are verified as well, and so is the size then.
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
    is_editable: bool = False
    built_sha256: str | None = None
    direct_url: str | None = None
    state: str | None = None
    hashes: tuple[str, ...] = ()

    @property
    def is_wheel(self) -> bool:
        """Whether it can be installed as it is; a wheel of anything else has to be built."""
        return self.filename.endswith(".whl")

    @property
    def wheel_sha256(self) -> str | None:
        """The sha256 of what is installed, where it is known."""
        return self.sha256 if self.is_wheel else self.built_sha256
