"""What a source says it is: its name and version, before it is built and in what is built of it."""

from __future__ import annotations

from pathlib import Path

from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from launcher.errors import BuildFailed, InvalidWheel
from launcher.resolve.candidate import Candidate
from launcher.resolve.metadata import WheelMetadata, parse_metadata


def label_of(candidate: Candidate) -> str:
    """Return what people call a source: name and version, as far as they are known."""
    return f"{candidate.name or candidate.filename} {candidate.version}".rstrip()


def stated_name(directory: Path) -> str:
    """Return the name that a project states without being built, or nothing."""
    import tomli  # noqa: PLC0415 - for a project without a name, and only where packages are forbidden by name

    try:
        stated = tomli.loads((directory / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return canonicalize_name(stated) if isinstance(stated, str) else ""


def parsed(candidate: Candidate, content: bytes) -> WheelMetadata:
    """Return what a METADATA or PKG-INFO says; raises `InvalidWheel` where it cannot be read."""
    try:
        return parse_metadata(content)
    except ValueError as error:
        raise InvalidWheel(f"The metadata of {label_of(candidate)} cannot be used: {error}.") from error


def checked(candidate: Candidate, metadata: WheelMetadata) -> WheelMetadata:
    """Return the metadata; raises `InvalidWheel` where it is of another project or version than the file name says."""
    if candidate.version and not metadata.is_of(candidate.name, candidate.version):
        raise InvalidWheel(
            f"{candidate.filename or label_of(candidate)} says in its metadata that it is "
            f"{metadata.name} {metadata.version}.",
            reference="Source distribution format",
        )
    return metadata


def check_identity(candidate: Candidate, wheel: Path) -> None:
    """Raise `BuildFailed` where the name of a built wheel is invalid, or of another project or version."""
    try:
        name, version, _, _ = parse_wheel_filename(wheel.name)
    except ValueError as error:
        raise BuildFailed(f"{label_of(candidate)} made a wheel with an invalid name: {wheel.name}.") from error
    if candidate.version and (name, version) != (candidate.name, Version(candidate.version)):
        raise BuildFailed(
            f"{label_of(candidate)} made a wheel that says it is {name} {version}.", hint="Ask for another version."
        )
