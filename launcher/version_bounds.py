"""Which versions a block may name: those that every Python which the script allows can have."""

from __future__ import annotations

from collections.abc import Mapping

from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from launcher.cache import Cache
from launcher.errors import PyscriptError, UsageError
from launcher.python.query import Interpreter
from launcher.reporter import Reporter
from launcher.resolve.platforms import platform_of
from launcher.resolve.requirement_text import raised, read_requirement_text, with_lower_bound
from launcher.resolve.targets import pythons_for, target_interpreter
from launcher.survey import Survey, resolve_needs


def own_series(interpreter: Interpreter) -> str:
    """Return the `requires-python` of a script that is written on an interpreter: its series, and all after it."""
    major, minor, _ = interpreter.version_info
    return f">={major}.{minor}"


def resolved_versions(survey: Survey) -> dict[str, str]:
    """Return the versions in a resolution, by name, without the packages that come from a URL."""
    return {pin.candidate.name: pin.candidate.version for pin in survey.resolution or () if pin.candidate.index}


def allowed_versions(survey: Survey, cache: Cache, reporter: Reporter) -> dict[str, str]:
    """Return the versions of a resolution, or the older ones that the oldest Python allowed by `requires-python` gets.

    Where nothing can be resolved for that Python, as when it would have to build something, they are those resolved.
    """
    versions, oldest = resolved_versions(survey), _oldest_python(survey)
    if oldest is None or not versions:
        return versions
    reporter.step(f"Resolving for Python {oldest.version.rpartition('.')[0]}")
    try:
        # That interpreter is nowhere, so it can build nothing.
        others = resolved_versions(resolve_needs(survey.needs, oldest, cache, reporter, may_build=False))
    except PyscriptError as error:
        reporter.detail(f"For Python {oldest.version.rpartition('.')[0]}: {error.message}")
        return versions
    return {name: min(version, others.get(name, version), key=Version) for name, version in versions.items()}


def bounded(text: str, versions: Mapping[str, str]) -> str:
    """Return a requirement with a lower bound where it says nothing of versions and there is one for it."""
    requirement = read_requirement_text(text)
    version = versions.get(requirement.canonical_name)
    return with_lower_bound(text, version) if version and requirement.is_bare else text


def raised_for(text: str, interpreter: Interpreter, versions: Mapping[str, str]) -> str:
    """Return a requirement with its pins and lower bounds at these versions; as it is where its marker excludes it."""
    requirement = read_requirement_text(text)
    if requirement.marker and not Marker(requirement.marker).evaluate({**interpreter.markers, "extra": ""}):
        return text
    version = versions.get(requirement.canonical_name)
    return raised(text, version) if version else text


def _oldest_python(survey: Survey) -> Interpreter | None:
    """Return the oldest Python that the script allows, on this platform; None where it is no older than ours."""
    requires_python, ours = survey.needs.requires_python, survey.interpreter
    if requires_python is None or ours.implementation != "cpython":
        return None
    oldest = pythons_for(SpecifierSet(requires_python), ours.version_info[:2])[-1]
    try:
        found = target_interpreter(oldest, platform_of(ours).name)
    except UsageError:  # a machine that has no name
        return None
    return found if found.version_info[:2] < ours.version_info[:2] else None
