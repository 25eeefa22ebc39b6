"""The requirements that somebody wrote, parsed, with what they name by URL or path."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion

from launcher.errors import InvalidMetadata, PyscriptError, UsageError
from launcher.resolve.candidate import Candidate
from launcher.resolve.dependencies import Dependency, DependencyReader, hint_for
from launcher.resolve.resolution import Requested
from launcher.resolve.urls import (
    filename_of,
    is_version_control,
    mask_credentials,
    names_a_wheel,
    sha256_in,
    without_fragment,
)
from launcher.value import Value, replace

if TYPE_CHECKING:
    from launcher.resolve.index import Index

_BARE = r"(?P<where>.+?)(?:\[(?P<extras>[^\]]*)\])?(?:\s+;\s*(?P<marker>.*))?"
_BARE_URL = r"(https?|file):|(git|hg|svn|bzr)[+@]"
_NAMED_SOURCE = r"[^@]*@\s*(git\+|file:|https?:)"
_OTHER_HASHES = frozenset({"md5", "sha1", "sha224", "sha384", "sha512", "blake2b", "blake2s"})
_FETCHED_SCHEMES = ("http", "https", "file")


class Root(Value):
    """A written requirement whose marker holds; `candidate` is the wheel or source it names by URL or path."""

    dependency: Dependency
    requested: Requested
    candidate: Candidate | None = None


def read_roots(requested: Sequence[Requested], reader: DependencyReader, index: Index) -> list[Root]:
    """Return the requirements that hold for the interpreter; sources that they name are fetched and asked for versions.

    Raises `InvalidMetadata` where one cannot be understood, and for sources whatever `SourceTrees.find` raises.
    """
    sources = [each for each in requested if _names_a_source(each.text.strip())]
    if len(sources) > 1:
        for each in sources:
            index.submit(_read_root, each, DependencyReader(reader.markers), index)
    found = (_read_root(each, reader, index) for each in requested)
    return [root for root in found if root is not None]


def _names_a_source(text: str) -> bool:
    return _is_bare_url(text) or ("@" in text and re.match(_NAMED_SOURCE, text, re.IGNORECASE) is not None)


def _is_bare_url(text: str) -> bool:
    # Most requirements have neither a colon nor an at sign, and compiling the expression takes 1 ms.
    return (":" in text or "@" in text) and re.match(_BARE_URL, text, re.IGNORECASE) is not None


def _read_root(requested: Requested, reader: DependencyReader, index: Index) -> Root | None:
    bare = bare_parts(requested)
    try:
        if bare and not names_a_wheel(bare[0]):
            is_wanted = reader.read(f"it ; {bare[2]}") if bare[2] else True
            return _nameless_root(requested, bare[0], bare[1], index) if is_wanted else None
        text = _named(*bare) if bare else requested.text.strip()
        dependency = reader.read(text)
        _ = dependency and dependency.url and urlsplit(dependency.url)  # raises for what is no URL
    except ValueError as error:
        raise invalid_requirement(requested, error) from error
    if dependency is None:
        return None
    if dependency.url is None:
        return Root(dependency, requested)
    candidate = candidate_at(dependency, requested, index)
    # The text is shown to people and must not carry what the URL carries.
    shown = replace(dependency, url=candidate.url, text=mask_credentials(requested.text.strip()))
    return Root(shown, requested, candidate)


def invalid_requirement(requested: Requested, error: ValueError) -> InvalidMetadata:
    """Return the error that a text is which is no requirement."""
    return InvalidMetadata(
        f"{mask_credentials(requested.text)!r} ({requested.origin}) is not a valid requirement: {error}.",
        hint=hint_for(requested.text.strip()),
        reference="PEP 508",
        excerpt=requested.excerpt,
    )


def bare_parts(requested: Requested) -> tuple[str, str, str] | None:
    """Return URL, extras and marker of a requirement that is only a path or URL; None for those with a name."""
    text = requested.text.strip()
    is_path = os.path.isabs(text) or text.startswith(("./", "../", "~/"))
    if not is_path and not _is_bare_url(text):
        return None
    parts = re.fullmatch(_BARE, text)
    where, extras, marker = (parts["where"], parts["extras"], parts["marker"]) if parts else (text, None, None)
    if is_path and os.path.exists(text):
        where, extras = text, None
    url = Path(os.path.normpath(Path(where).expanduser().absolute())).as_uri() if is_path else where
    return url, extras or "", marker or ""


def _named(url: str, extras: str, marker: str) -> str:
    """Return the URL of a wheel as ``name @ URL``."""
    name = filename_of(url).partition("-")[0]
    return f"{name}[{extras}] @ {url}" + (f" ; {marker}" if marker else "")


def _nameless_root(requested: Requested, url: str, extras: str, index: Index) -> Root:
    candidate = _source_at(url, "", requested, index)
    dependency = Dependency(
        name=candidate.name,
        extras=tuple(sorted({canonicalize_name(each) for each in extras.replace(",", " ").split()})),
        specifiers=SpecifierSet(),
        url=candidate.url,
        text=mask_credentials(requested.text.strip()),
    )
    return Root(dependency, requested, candidate)


def candidate_at(dependency: Dependency, requested: Requested, index: Index) -> Candidate:
    """Return the wheel or source that a requirement names by URL.

    A wheel's version is that in its file name, a source's that in its metadata. Credentials in the URL are kept for its
    origin. Raises `InvalidMetadata` for a URL that cannot be one of this project, and what `SourceTrees.find` raises.
    """
    assert dependency.url is not None
    if not names_a_wheel(dependency.url):
        return _source_at(dependency.url, dependency.name, requested, index)
    shown = f"{mask_credentials(dependency.text)} ({requested.origin})"
    url = _fetchable(dependency.url, shown, requested, index)
    try:
        name, version, _, _ = parse_wheel_filename(filename_of(url))
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise InvalidMetadata(
            f"{shown} names a file that is no wheel: {error}.", reference="Binary distribution format"
        ) from error
    _check_name(canonicalize_name(name), dependency.name, requested)
    return Candidate(
        name=dependency.name,
        version=str(version),
        filename=filename_of(url),
        url=without_fragment(url),
        sha256=sha256_in(url),
    )


def _source_at(url: str, name: str, requested: Requested, index: Index) -> Candidate:
    """Return the source at a URL; `name` is what the requirement calls it, if anything."""
    shown = f"{mask_credentials(requested.text.strip())} ({requested.origin})"
    if is_version_control(url):
        # 4 ms, for those who take something from a repository.
        from launcher.resolve.version_control import parse_repository  # noqa: PLC0415

        try:
            stated = canonicalize_name(parse_repository(url).name)
        except ValueError as error:
            raise InvalidMetadata(f"{shown} cannot be used: {error}.", excerpt=requested.excerpt) from error
        name = name or stated
    else:
        url = _fetchable(url, shown, requested, index)
    if requested.is_editable and not url.startswith("file:"):
        raise UsageError(f"{shown} is no directory of this machine, so it cannot be used in place.")
    try:
        candidate = index.source_trees.find(url, name=name, is_editable=requested.is_editable, hashes=requested.hashes)
    except PyscriptError as error:
        error.excerpt = error.excerpt or requested.excerpt
        raise
    _check_name(candidate.name, name or candidate.name, requested)
    return candidate


def _fetchable(url: str, shown: str, requested: Requested, index: Index) -> str:
    """Return a URL without credentials, which are kept; a path is no URL, nor is what no fetcher fetches.

    A hash in it that would not be checked is refused: whoever wrote it relies on it.
    """
    if urlsplit(url).scheme.lower() not in _FETCHED_SCHEMES:
        raise InvalidMetadata(
            f"{shown} cannot be fetched: only http, https, file and git+ URLs can.",
            hint="Write a path as ./directory, and a repository as git+https://host/path.",
            excerpt=requested.excerpt,
        )
    kinds = [part.partition("=")[0].lower() for part in urlsplit(url).fragment.split("&")]
    if "sha256" not in kinds and (unchecked := [kind for kind in kinds if kind in _OTHER_HASHES]):
        raise InvalidMetadata(
            f"{shown} states a hash that cannot be checked: {unchecked[0]}.",
            hint="Give its sha256 instead: #sha256=…",
            excerpt=requested.excerpt,
        )
    return index.fetcher.remember_credentials(url)


def _check_name(found: str, wanted: str, requested: Requested) -> None:
    if found != wanted:
        raise InvalidMetadata(
            f"{mask_credentials(requested.text.strip())} ({requested.origin}) asks for {wanted}, "
            f"but what is there is {found}.",
            hint="Mend the name or the URL.",
            excerpt=requested.excerpt,
        )
