"""Where a source is: what the URL of a requirement says about directories of this machine and within archives."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from launcher.errors import HashMismatch, InvalidMetadata, SourceUnreachable
from launcher.resolve.candidate import Candidate
from launcher.resolve.direct_url import directory_origin
from launcher.resolve.project_files import DESCRIPTION_FILES, fingerprint
from launcher.resolve.source_identity import label_of
from launcher.resolve.urls import (
    is_version_control,
    mask_credentials,
    path_from_file_url,
    sha256_in,
    without_fragment,
)


def directory_at(url: str) -> Path | None:
    """Return the directory of this machine that a URL names, or None."""
    if not url.startswith("file:"):
        return None
    path = path_from_file_url(url)
    return path if path.is_dir() else None


def project_in_directory(path: Path, url: str, name: str, is_editable: bool) -> Candidate:
    """Return the project in a directory; raises `InvalidMetadata` where there is none."""
    subdirectory = subdirectory_of(url)
    if not any((path / subdirectory / each).exists() for each in DESCRIPTION_FILES[:2]):
        raise InvalidMetadata(
            f"{path / subdirectory} is not a project that can be installed: it has neither a pyproject.toml "
            "nor a setup.py.",
            hint="Name the directory that holds one of them.",
        )
    origin = directory_origin(without_fragment(url), subdirectory, is_editable=is_editable)
    decides = path / subdirectory if is_editable else path
    state = fingerprint(str(decides), is_editable=is_editable)
    return Candidate(name, "", path.name, url, is_editable=is_editable, direct_url=origin, state=state)


def subdirectory_of(url: str) -> str:
    """Return where in a directory or archive the project is, by the fragment of its URL; nothing for its top."""
    return parse_qs(urlsplit(url).fragment).get("subdirectory", [""])[0].strip("/")


def inside(directory: Path, subdirectory: str, candidate: Candidate) -> Path:
    """Return a subdirectory; raises `SourceUnreachable` where it is none or leads out of the directory."""
    path = directory / subdirectory
    if ".." in subdirectory.split("/") or not path.is_dir() or not path.resolve().is_relative_to(directory.resolve()):
        raise SourceUnreachable(
            f"{label_of(candidate)} has no directory {subdirectory!r}.", hint="Mend the subdirectory in its URL."
        )
    return path


def refuse_without_hash(url: str, hashes: tuple[str, ...]) -> None:
    """Raise `HashMismatch` where neither the given hashes nor the URL say which file it has to be, or it is no file."""
    is_file = not is_version_control(url) and directory_at(url) is None
    if is_file and (hashes or sha256_in(url)):
        return
    shown = f"{mask_credentials(url)} " + ("is not what the given hashes allow" if hashes else "has no hash")
    if is_file:
        said, hint = "--require-hashes asks for one for every package", "Write it behind the URL: --hash=sha256:…"
    else:
        said, hint = "only a file can have one, and this is a directory or a repository", "Name an archive of it."
    raise HashMismatch(f"{shown}: {said}.", hint=f"Nothing of it was run. {hint}")
