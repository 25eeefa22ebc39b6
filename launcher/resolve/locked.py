"""From a lock to the resolution of one interpreter: nothing is searched, and no index is asked (PEP 751, installing).

A lock says for each package by which files it comes. Which of them an interpreter gets, its markers and tags decide,
the latter as they decide on an index; a source where no wheel fits. What a lock states of a file is verified when it is
fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.pylock import Package, PackageSdist, PackageWheel, Pylock
from packaging.specifiers import SpecifierSet
from packaging.utils import parse_sdist_filename, parse_wheel_filename

from launcher.errors import BuildFailed, Excerpt, InvalidMetadata, PyscriptError, ResolutionImpossible
from launcher.python.query import Interpreter
from launcher.resolve.candidate import Candidate
from launcher.resolve.dependencies import DependencyReader
from launcher.resolve.formats import Formats
from launcher.resolve.lock_freshness import refuse_outdated
from launcher.resolve.lock_places import LockPlaces
from launcher.resolve.lockfile import REFERENCE, Lock, LockTerms, read_lock
from launcher.resolve.releases import Compatibility
from launcher.resolve.resolution import Pin, Policy, Requested, Resolution
from launcher.resolve.script_lock import ScriptLock
from launcher.value import replace

if TYPE_CHECKING:
    from launcher.resolve.index import Index

IN_LOCK = "the lock"
"""Where a file was found of which a lock does not say on which index it is."""

OpenIndex = Callable[[], "Index"]
"""Opens what fetches files and looks at sources; for most locks it is not needed."""


@dataclass(frozen=True, slots=True)
class LockedRequest:
    """A lock and what is asked of it.

    `requested` is what the block requires, and `terms` what a lock of ours must have been made for; None: whatever it
    was made for, it is used.
    """

    lock: ScriptLock
    requested: Sequence[Requested]
    interpreter: Interpreter
    formats: Formats
    terms: LockTerms | None


def resolve_locked(wanted: LockedRequest, open_index: OpenIndex) -> Resolution:
    """Return what the lock has for the interpreter; no index is asked what it has.

    Sources whose version it does not state are looked at, and files whose sha256 it does not state are fetched.

    Raises `LockOutdated` where it does not answer what is asked of it, `InvalidMetadata` where it is no lock or cannot
    be used, `ResolutionImpossible` where it has nothing for the interpreter, and `BuildFailed` where it has only what
    must not be built.
    """
    lock = read_script_lock(wanted.lock)
    chosen = _Choice(lock.content, wanted, open_index)
    if wanted.terms is not None:
        refuse_outdated(lock, wanted.lock, wanted.terms, wanted.requested, wanted.interpreter)
    chosen.check_interpreter()
    packages = lock.packages_for(wanted.interpreter.markers)
    candidates = [chosen.candidate(package) for package in chosen.unambiguous(packages)]
    names = {candidate.name for candidate in candidates}
    needs: dict[str, set[str]] = {package.name: _needed_names(package) & names for package in packages}
    pins = [Pin(each, dependencies=tuple(sorted(needs[each.name]))) for each in candidates]
    return Resolution(tuple(sorted(pins, key=lambda pin: pin.candidate.name)), _roots(wanted, names, needs))


def with_pins(policy: Policy, locked: Resolution) -> Policy:
    """Return the policy that lets nothing be taken of the locked packages but what the lock has.

    For what is asked for beside a lock: it may add packages and must not change any.
    """
    constraints, overrides = [], []
    for candidate in (pin.candidate for pin in locked):
        if candidate.direct_url is None:
            hashes = (f"sha256:{candidate.sha256}",) if candidate.sha256 else ()
            constraints.append(Requested(f"{candidate.name}=={candidate.version}", IN_LOCK, hashes))
        else:
            overrides.append(
                Requested(f"{candidate.name} @ {candidate.url}", IN_LOCK, is_editable=candidate.is_editable)
            )
    return replace(
        policy,
        constraints=(*policy.constraints, *constraints),
        overrides=(*policy.overrides, *overrides),
    )


def joined(locked: Resolution, beside: Resolution) -> Resolution:
    """Return both as one; of a package that both have, the file is that of the lock.

    All that the locked packages need is locked, so what was resolved with their pins can only add to them.
    """
    pins = {pin.candidate.name: pin for pin in beside}
    for pin in locked:
        also = pins.get(pin.candidate.name, pin)
        names = tuple(sorted({*pin.dependencies, *also.dependencies}))
        pins[pin.candidate.name] = replace(also, candidate=pin.candidate, dependencies=names)
    ordered = sorted(pins.values(), key=lambda pin: pin.candidate.name)
    return Resolution(tuple(ordered), tuple(sorted({*locked.roots, *beside.roots})))


def read_script_lock(lock: ScriptLock) -> Lock:
    """Return what a script's lock says; raises `InvalidMetadata`, with the line, where it is none."""
    try:
        return read_lock(lock.text.encode("utf-8", "surrogatepass"), lock.label)
    except InvalidMetadata as error:
        cause = error.__cause__
        if (line := getattr(cause, "lineno", None)) is not None:
            error.excerpt = lock.excerpt(line, getattr(cause, "colno", 1))
        raise


def _needed_names(package: Package) -> set[str]:
    return {str(each.get("name")) for each in package.dependencies or ()}


def _roots(wanted: LockedRequest, names: set[str], needs: dict[str, set[str]]) -> tuple[str, ...]:
    """Return what the script asks for, and what nobody is known to need: many locks do not say who needs whom."""
    reader = DependencyReader(wanted.interpreter.markers)
    asked = set()
    for requested in wanted.requested:
        try:
            dependency = reader.read(requested.text)
        except ValueError:
            continue
        asked |= {dependency.name} if dependency else set()
    needed = set[str]().union(*needs.values())
    return tuple(sorted(name for name in names if name in asked or name not in needed))


class _Choice:
    """What one interpreter gets of a lock."""

    def __init__(self, lock: Pylock, wanted: LockedRequest, open_index: OpenIndex) -> None:
        self._lock, self._wanted, self._open_index = lock, wanted, open_index
        self._interpreter, self._formats = wanted.interpreter, wanted.formats
        self._compatibility = Compatibility(wanted.interpreter.tags, wanted.interpreter.version)
        self._places = LockPlaces(wanted.lock)

    def check_interpreter(self) -> None:
        """Raise `ResolutionImpossible` where the lock was not made for such an interpreter."""
        lock, script_lock = self._lock, self._wanted.lock
        if lock.requires_python and not self._takes(lock.requires_python):
            raise ResolutionImpossible(
                f"{_capitalised(script_lock.label)} is for Python {lock.requires_python}, and {self._described}.",
                hint=f"Run it on such a Python, as with --python '{lock.requires_python}', or lock again.",
                reference=REFERENCE,
                excerpt=self._places.excerpt_of("requires-python"),
            )
        markers = dict(self._interpreter.markers)
        if lock.environments and not any(each.evaluate(markers, context="requirement") for each in lock.environments):
            raise ResolutionImpossible(
                f"{_capitalised(script_lock.label)} was not made for such an environment: {self._described}.",
                hint="Lock again for this platform and Python too: pyscript lock --help says how.",
                reference=REFERENCE,
                excerpt=self._places.excerpt_of("environments"),
            )

    def unambiguous(self, packages: Sequence[Package]) -> Sequence[Package]:
        """Return the packages; raises `InvalidMetadata` where two of them have one name."""
        seen: dict[str, Package] = {}
        for package in packages:
            if package.name in seen:
                lines = " and ".join(str(self._line(each)) for each in (seen[package.name], package))
                message = f"has two entries for {package.name} that both hold for this interpreter, in lines {lines}"
                raise self._invalid(package, message)
            seen[package.name] = package
        return packages

    def candidate(self, package: Package) -> Candidate:
        """Return the file or source that the interpreter gets of a package."""
        if package.requires_python and not self._takes(package.requires_python):
            raise ResolutionImpossible(
                f"{self._named(package)} needs Python {package.requires_python}, and {self._described}.",
                hint="Run it on such a Python, or lock again for this one.",
                reference=REFERENCE,
                excerpt=self._excerpt(package),
            )
        try:
            if package.is_direct:
                found = self._direct(package)
            else:
                found = self._file(package, self._best_wheel(package) or self._sdist(package))
            is_unnamed = found.hashes and not found.sha256
            return self._open_index().with_sha256(found) if is_unnamed else found
        except ValueError as error:
            raise self._invalid(package, f"cannot be used for {package.name}: {error}") from error
        except PyscriptError as error:
            error.excerpt = error.excerpt or self._excerpt(package)
            raise

    def _best_wheel(self, package: Package) -> PackageWheel | None:
        """Return the wheel with the best tag and, of several, the highest build number; None where none fits."""
        if not package.wheels or not self._formats.allow_wheels(package.name):
            return None
        ranked = []
        for wheel in package.wheels:
            rank = self._compatibility.rank(wheel.filename)
            if rank is not None:
                build_number, build_text = parse_wheel_filename(wheel.filename)[2] or (-1, "")
                ranked.append((rank, -build_number, build_text, wheel.filename, wheel))
        return min(ranked, key=lambda each: each[:4])[4] if ranked else None

    def _sdist(self, package: Package) -> PackageSdist:
        may_build = self._formats.allow_build(package.name)
        if package.sdist is not None and may_build:
            return package.sdist
        named = self._named(package)
        if package.wheels and not self._formats.allow_wheels(package.name):
            why = "has no source distribution there" if may_build else "may not be built either (no-build)"
            raise BuildFailed(f"{named}: no-binary forbids to use its wheels, and it {why}.", hint="Allow one of them.")
        if package.sdist is not None:
            raise BuildFailed(
                f"{named} has no wheel there for {self._interpreter_name}, and no-build forbids to build its source.",
                hint="Lock again for this platform, or allow it to be built; what is built runs its code.",
            )
        raise ResolutionImpossible(
            f"{named} has no file for {self._interpreter_name}: {len(package.wheels or ())} wheels are for others.",
            hint="Lock again for this platform and Python too: pyscript lock --help says how.",
            reference=REFERENCE,
        )

    def _file(self, package: Package, file: PackageWheel | PackageSdist) -> Candidate:
        is_wheel = isinstance(file, PackageWheel)
        version = package.version or (
            parse_wheel_filename(file.filename)[1] if is_wheel else parse_sdist_filename(file.filename)[1]
        )
        hashes = self._places.hashes(file.hashes)
        return Candidate(
            name=package.name,
            version=str(version),
            filename=file.filename,
            url=self._places.url_of(file.url, file.path),
            sha256=hashes.get("sha256"),
            size_bytes=file.size,
            requires_python=str(package.requires_python) if package.requires_python else None,
            index=self._places.masked(package.index) or IN_LOCK,
            hashes=tuple(f"{name}:{value}" for name, value in hashes.items()),
        )

    def _direct(self, package: Package) -> Candidate:
        """Return the repository, archive or directory that a package is taken from."""
        version = str(package.version) if package.version else ""
        if package.vcs is not None:
            candidate = self._places.repository(package.name, version, package.vcs)
        elif package.archive is not None:
            candidate = self._places.archive(package.name, version, package.archive)
        else:
            assert package.directory is not None, "what is direct has one of the three"
            return self._look(package, self._places.directory(package.directory))
        return candidate if candidate.version else self._look(package, candidate.url)

    def _look(self, package: Package, url: str) -> Candidate:
        """Return the source at a URL, of which only itself says its version."""
        is_editable = package.directory is not None and bool(package.directory.editable)
        found = self._open_index().source_trees.find(url, name=package.name, is_editable=is_editable)
        if found.name != package.name:
            raise ValueError(f"what is at {url} says that it is {found.name}")
        return found

    # Words

    def _takes(self, specifiers: SpecifierSet) -> bool:
        return specifiers.contains(self._interpreter.version, prereleases=True)

    @property
    def _interpreter_name(self) -> str:
        this = self._interpreter
        return f"{this.implementation} {this.version} on {this.paths.get('platform', 'this platform')}"

    @property
    def _described(self) -> str:
        return f"this is {self._interpreter_name} ({self._interpreter.executable})"

    def _named(self, package: Package) -> str:
        version = f" {package.version}" if package.version else ""
        return f"{package.name}{version} of {self._wanted.lock.label}"

    def _line(self, package: Package) -> int:
        return self._excerpt(package).line_number

    def _excerpt(self, package: Package) -> Excerpt:
        position = next(at for at, each in enumerate(self._lock.packages) if each is package)
        return self._places.excerpt_of_package(position)

    def _invalid(self, package: Package, problem: str) -> InvalidMetadata:
        return InvalidMetadata(
            f"{_capitalised(self._wanted.lock.label)} {problem}.",
            hint="Lock again.",
            reference=REFERENCE,
            excerpt=self._excerpt(package),
        )


def _capitalised(label: str) -> str:
    return f"T{label[1:]}" if label.startswith("the lock ") else label
