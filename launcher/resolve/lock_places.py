"""What a lock says of places, made safe to be used: URLs, paths from the lock's directory, hashes; and its own lines.

What is wrong with one raises `ValueError` with one clause, which begins with what is wrong.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from packaging.pylock import PackageArchive, PackageDirectory, PackageVcs

from launcher.errors import Excerpt
from launcher.resolve.candidate import Candidate
from launcher.resolve.direct_url import archive_origin, repository_origin
from launcher.resolve.script_lock import ScriptLock
from launcher.resolve.urls import filename_of, mask_credentials
from launcher.resolve.version_control import parse_repository
from launcher.script.toml_positions import find_key

_SCHEMES = ("http", "https", "file")
_BROKEN_HASHES = frozenset({"md5", "sha1"})
"""Whoever wants to can make two files that have the same."""
_PACKAGES = re.compile(r"^[ \t]*\[\[[ \t]*packages[ \t]*\]\]", re.MULTILINE)


class LockPlaces:
    """The places in one lock."""

    def __init__(self, lock: ScriptLock) -> None:
        self._lock = lock

    # Files

    def url_of(self, url: str | None, path: str | None) -> str:
        """Return where a file is; of a URL and a path, the path counts where something is there."""
        if path and (not url or (self._lock.directory and os.path.exists(self._absolute(path)))):
            return Path(self._absolute(path)).as_uri()
        shown, parts = mask_credentials(url or ""), urlsplit(url or "")
        if parts.scheme.lower() not in _SCHEMES:
            raise ValueError(f"{shown!r} cannot be fetched, only http, https and file URLs can")
        if "@" in parts.netloc:
            raise ValueError(f"{shown} has a user name or password in it, and a lock must not say whom to be")
        if parts.scheme == "file" and not self._lock.directory:
            raise ValueError(f"{shown} is a file of this machine, which nobody elsewhere can name")
        return url or ""

    def hashes(self, stated: Mapping[str, str]) -> dict[str, str]:
        """Return the hashes that can be verified, by algorithm; one of them has to be worth something."""
        # Those called shake have no length of their own.
        known = {name for name in hashlib.algorithms_guaranteed if not name.startswith("shake")}
        found = {name: value.lower() for name, value in stated.items() if name in known}
        if not found.keys() - _BROKEN_HASHES:
            names = ", ".join(sorted(stated))
            raise ValueError(f"of its hashes ({names}) none proves what a file is; it takes one such as sha256")
        for name, value in found.items():
            if not re.fullmatch(rf"[0-9a-f]{{{2 * hashlib.new(name).digest_size}}}", value):
                raise ValueError(f"{value!r} is no {name}")
        return found

    def masked(self, url: str | None) -> str:
        """Return a URL as it may be shown, or nothing."""
        return mask_credentials(url) if url else ""

    # Sources

    def repository(self, name: str, version: str, vcs: PackageVcs) -> Candidate:
        """Return the commit of a repository as a candidate."""
        if vcs.type != "git":
            raise ValueError(f"{vcs.type!r} repositories cannot be used, only those of git")
        if not re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", vcs.commit_id):
            raise ValueError(f"{vcs.commit_id!r} is no whole id of a commit")
        url = vcs.url or Path(self._absolute(vcs.path or "")).as_uri()
        if "@" in urlsplit(url).netloc and urlsplit(url).scheme != "ssh":
            raise ValueError(
                f"{mask_credentials(url)} has a user name or password in it, and a lock must not say whom to be"
            )
        fragment = f"#subdirectory={vcs.subdirectory}" if vcs.subdirectory else ""
        found = parse_repository(f"git+{url}@{vcs.commit_id}{fragment}")
        origin = repository_origin(found.url, vcs.requested_revision or "", vcs.commit_id, found.subdirectory)
        return Candidate(name, version, filename_of(found.url), found.at(vcs.commit_id), direct_url=origin)

    def archive(self, name: str, version: str, archive: PackageArchive) -> Candidate:
        """Return an archive, which may be a wheel, as a candidate."""
        url, hashes = self.url_of(archive.url, archive.path), self.hashes(archive.hashes)
        subdirectory = (archive.subdirectory or "").strip("/")
        _refuse_outside(subdirectory)
        filename = filename_of(url)
        is_wheel = filename.endswith(".whl")
        if is_wheel and not version:
            version = filename.split("-")[1] if filename.count("-") >= 4 else ""
        sha256 = hashes.get("sha256")
        return Candidate(
            name=name,
            version=version,
            filename=filename,
            url=f"{url}#subdirectory={subdirectory}" if subdirectory else url,
            sha256=sha256,
            size_bytes=archive.size,
            direct_url=archive_origin(url, sha256, subdirectory) if sha256 else None,
            hashes=tuple(f"{algorithm}:{value}" for algorithm, value in hashes.items()),
        )

    def directory(self, directory: PackageDirectory) -> str:
        """Return the URL of a directory that holds a project."""
        subdirectory = (directory.subdirectory or "").strip("/")
        _refuse_outside(subdirectory)
        url = Path(self._absolute(directory.path)).as_uri()
        return f"{url}#subdirectory={subdirectory}" if subdirectory else url

    def _absolute(self, path: str) -> str:
        if not self._lock.directory:
            raise ValueError(f"{path!r} is a path, and there is no directory that it could count from")
        if "\0" in path:
            raise ValueError(f"{path!r} is no path")
        # PEP 751 has / between the parts of relative ones; on Windows the other is a separator anyway.
        return os.path.normpath(os.path.join(self._lock.directory, path))

    # Lines

    def excerpt_of(self, key: str) -> Excerpt:
        """Return the line of a key of the lock itself."""
        offset = find_key(self._lock.text, key)
        return self._excerpt(offset or 0)

    def excerpt_of_package(self, position: int) -> Excerpt:
        """Return the line that names the package at a position, as far as it is written as everybody writes it."""
        for at, found in enumerate(_PACKAGES.finditer(self._lock.text)):
            if at == position:
                return self._excerpt(find_key(self._lock.text, "name", found.end() + 1) or found.start())
        return self._excerpt(find_key(self._lock.text, "packages") or 0)

    def _excerpt(self, offset: int) -> Excerpt:
        text = self._lock.text
        start = text.rfind("\n", 0, offset) + 1
        line = text[start:].partition("\n")[0].rstrip()
        return self._lock.excerpt(text.count("\n", 0, offset) + 1, offset - start + 1, len(line) - (offset - start))


def _refuse_outside(subdirectory: str) -> None:
    if ".." in subdirectory.replace("\\", "/").split("/"):
        raise ValueError(f"{subdirectory!r} leads out of the directory that it is below")
