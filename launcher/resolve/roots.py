"""The requirements that somebody wrote, parsed, with what they name by URL or path."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion

from launcher.errors import BuildFailed, InvalidMetadata
from launcher.resolve.candidate import Candidate
from launcher.resolve.dependencies import Dependency, DependencyReader
from launcher.resolve.resolution import Requested
from launcher.resolve.urls import filename_of, mask_credentials, sha256_in, without_fragment
from launcher.value import replace

if TYPE_CHECKING:
    from launcher.resolve.index import Index

_VERSION_CONTROL = re.compile(r"(git|hg|svn|bzr)(\+|@)", re.IGNORECASE)
_BARE = re.compile(r"(?P<where>.+?)(?:\[(?P<extras>[^\]]*)\])?(?:\s+;\s*(?P<marker>.*))?")
_FETCHED_SCHEMES = ("http", "https", "file")


@dataclass(frozen=True, slots=True)
class Root:
    """A written requirement whose marker holds; `candidate` is the wheel it names by URL or path."""

    dependency: Dependency
    requested: Requested
    candidate: Candidate | None = None


def read_roots(requested: Sequence[Requested], reader: DependencyReader, index: Index) -> list[Root]:
    """Return the requirements that hold for the interpreter.

    Raises `InvalidMetadata` where one cannot be understood and `BuildFailed` where one names something to be built.
    """
    found = (_read_root(each, reader, index) for each in requested)
    return [root for root in found if root is not None]


def _read_root(requested: Requested, reader: DependencyReader, index: Index) -> Root | None:
    text = _named(requested)
    try:
        dependency = reader.read(text)
    except ValueError as error:
        raise invalid_requirement(requested, error) from error
    if dependency is None:
        return None
    if dependency.url is None:
        return Root(dependency, requested)
    candidate = candidate_at(dependency, requested.origin, index)
    # The text is shown to people and must not carry what the URL carries.
    shown = replace(dependency, url=candidate.url, text=mask_credentials(requested.text.strip()))
    return Root(shown, requested, candidate)


def invalid_requirement(requested: Requested, error: ValueError) -> InvalidMetadata:
    """Return the error that a text is which is no requirement."""
    return InvalidMetadata(
        f"{mask_credentials(requested.text)!r} ({requested.origin}) is not a valid requirement: {error}.",
        hint='Write it as in "requests>=2.31" or "rich[jupyter]; python_version < \'3.12\'".',
        reference="PEP 508",
        excerpt=requested.excerpt,
    )


def _named(requested: Requested) -> str:
    """Return a requirement that is only a path or URL of a wheel as ``name @ URL``; others as they are."""
    text = requested.text.strip()
    if _VERSION_CONTROL.match(text):
        raise _not_yet(text, requested.origin, "A requirement from version control")
    is_path = os.path.isabs(text) or text.startswith(("./", "../", "~/"))
    if not is_path and not re.match(r"(https?|file):", text):
        return text
    parts = _BARE.fullmatch(text)
    where, extras, marker = (parts["where"], parts["extras"], parts["marker"]) if parts else (text, None, None)
    url = Path(where).expanduser().absolute().as_uri() if is_path else where
    name = filename_of(url).partition("-")[0]
    if not filename_of(url).endswith(".whl"):
        raise _not_yet(text, requested.origin, "What is not a wheel")
    return f"{name}[{extras or ''}] @ {url}" + (f" ; {marker}" if marker else "")


def candidate_at(dependency: Dependency, origin: str, index: Index) -> Candidate:
    """Return the wheel that a requirement names by URL; its version is that in the file name.

    Credentials in the URL are kept for its origin. Raises `BuildFailed` for what is not a wheel and `InvalidMetadata`
    for a URL that cannot be one of this project.
    """
    assert dependency.url is not None
    shown = mask_credentials(dependency.text)
    if _VERSION_CONTROL.match(dependency.url):
        raise _not_yet(shown, origin, "A requirement from version control")
    url = index.fetcher.remember_credentials(dependency.url)
    filename = filename_of(url)
    if urlsplit(url).scheme.lower() not in _FETCHED_SCHEMES:
        raise InvalidMetadata(f"{shown} ({origin}) cannot be fetched: only http, https and file URLs can.")
    if not filename.endswith(".whl"):
        raise _not_yet(shown, origin, "What is not a wheel")
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise InvalidMetadata(
            f"{shown} ({origin}) names a file that is no wheel: {error}.", reference="Binary distribution format"
        ) from error
    if canonicalize_name(name) != dependency.name:
        raise InvalidMetadata(
            f"{shown} ({origin}) asks for {dependency.name}, but the file is a wheel of {name}.",
            hint="Mend the name or the URL.",
        )
    return Candidate(
        name=dependency.name,
        version=str(version),
        filename=filename,
        url=without_fragment(url),
        sha256=sha256_in(url),
    )


def _not_yet(text: str, origin: str, what: str) -> BuildFailed:
    return BuildFailed(
        f"{mask_credentials(text)} ({origin}) would have to be built. {what} cannot be used yet.",
        hint="Use a wheel: a version from an index, or the URL or path of a .whl file.",
    )
