"""A policy made ready for one resolution: what it forbids of a project's versions, and what it puts in their place."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from launcher.cutoff import moment_of
from launcher.errors import InvalidMetadata
from launcher.resolve.dependencies import Dependency, DependencyReader
from launcher.resolve.resolution import Policy, Requested
from launcher.resolve.roots import Root, invalid_requirement, read_roots
from launcher.resolve.urls import mask_credentials
from launcher.value import Value, replace

if TYPE_CHECKING:
    from launcher.resolve.index import Index

# Texts, because few resolutions have constraints or overrides to compile them for.
_NAME = r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)"
_PATH_OR_URL = r"[./~]|[a-zA-Z0-9+.-]+://|(git|hg|svn|bzr)\+|file:"


class Limits(Value):
    """What a policy forbids of one project: other versions than the constraints', later files, maybe pre-releases.

    `uploaded_before` is a moment as in `launcher.cutoff`.
    """

    constraints: tuple[Root, ...] = ()
    uploaded_before: str | None = None
    prerelease: str = "if-necessary"

    @property
    def names_prereleases(self) -> bool:
        """Whether a constraint names a pre-release, which asks for them as a requirement does."""
        return any(root.dependency.asks_for_prereleases for root in self.constraints)

    @property
    def is_pinned(self) -> bool:
        """Whether a constraint names one version exactly, which may then be a yanked one, as for a requirement."""
        return any(root.dependency.is_pinned for root in self.constraints)


class Rules:
    """A policy for the interpreter that `reader` reads for. Raises `InvalidMetadata` for what it cannot hold."""

    def __init__(self, policy: Policy, reader: DependencyReader, index: Index) -> None:
        now_s = time.time()
        self.constraints: dict[str, list[Root]] = {}
        self.overrides: dict[str, list[Root]] = {}
        self.require_hashes = policy.require_hashes
        self.preferred = dict(policy.preferred)
        self._policy = policy
        self._directly_asked: frozenset[str] = frozenset()
        cutoffs: dict[str, str | int | None] = {"": policy.exclude_newer, **dict(policy.exclude_newer_package)}
        self._moments = {name: None if each is None else moment_of(each, now_s) for name, each in cutoffs.items()}
        for requested in policy.constraints:
            if (constraint := _read_constraint(requested, reader)) is not None:
                self.constraints.setdefault(constraint.dependency.name, []).append(constraint)
        for requested in policy.overrides:
            found = read_roots([requested], reader, index)
            for name in [root.dependency.name for root in found] or _names_in(requested.text):
                self.overrides.setdefault(name, []).extend(found)

    def limits(self, name: str) -> Limits:
        """Return what is forbidden of a project."""
        return Limits(
            constraints=tuple(self.constraints.get(name, ())),
            uploaded_before=self._moments.get(name, self._moments[""]),
            prerelease=self._policy.prerelease,
        )

    def takes_oldest(self, name: str) -> bool:
        """Tell whether the oldest version of a project is to be taken that satisfies everything, not the newest."""
        resolution = self._policy.resolution
        return resolution == "lowest" or (resolution == "lowest-direct" and name in self._directly_asked)

    def replaced_roots(self, roots: Sequence[Root]) -> list[Root]:
        """Return the written requirements with overrides in the place of those on the same projects."""
        found: list[Root] = []
        for root in roots:
            overrides = self.overrides.get(root.dependency.name)
            if overrides is None:
                found.append(root)
            else:
                found += [replace(each, dependency=_with_extras(each, root.dependency)) for each in overrides]
        self._directly_asked = frozenset(root.dependency.name for root in found)
        return list(dict.fromkeys(found))

    def replaced(self, dependencies: Iterable[Dependency]) -> list[Dependency]:
        """Return what a package asks for with overrides in the place of what is asked of the same projects."""
        found: list[Dependency] = []
        for dependency in dependencies:
            overrides = self.overrides.get(dependency.name)
            found += [dependency] if overrides is None else [_with_extras(each, dependency) for each in overrides]
        return found


def _with_extras(override: Root, dependency: Dependency) -> Dependency:
    """Return what an override asks for with the extras that it takes the place of: it is about versions."""
    own = override.dependency
    return replace(own, extras=tuple(sorted({*own.extras, *dependency.extras})))


def _names_in(text: str) -> list[str]:
    """Return the name in a requirement whose marker does not hold, so that nothing stands in for that project."""
    found = re.match(_NAME, text)
    return [canonicalize_name(found[1])] if found else []


def _read_constraint(requested: Requested, reader: DependencyReader) -> Root | None:
    """Return a constraint, None where its marker does not hold: a name, a specifier and maybe a marker, as in pip."""
    shown = mask_credentials(requested.text.strip())
    if not re.match(_PATH_OR_URL, requested.text.strip()):
        try:
            dependency = reader.read(requested.text)
        except ValueError as error:
            raise invalid_requirement(requested, error) from error
        if dependency is None:
            return None
        if dependency.url is None and not dependency.extras:
            return Root(dependency, requested)
        what = "extras" if dependency.extras and dependency.url is None else "a URL"
        raise InvalidMetadata(
            f"A constraint cannot have {what}: {shown} ({requested.origin}).",
            hint=_INSTEAD_OF_EXTRAS if what == "extras" else _INSTEAD_OF_A_URL,
            reference="Constraints Files (pip)",
        )
    raise InvalidMetadata(
        f"A constraint has a name and a version, and {shown} ({requested.origin}) is a path or URL.",
        hint=_INSTEAD_OF_A_URL,
        reference="Constraints Files (pip)",
    )


_INSTEAD_OF_EXTRAS = "Leave out the brackets: a constraint says which versions, the requirement says which extras."
_INSTEAD_OF_A_URL = "Give it as an override: it then replaces every requirement on that package."
