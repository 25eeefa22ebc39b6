"""Whether a lock still answers its script: by the terms that ours states, else by what it has for each requirement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from packaging.pylock import Package

from launcher.errors import Excerpt, LockOutdated
from launcher.python.query import Interpreter
from launcher.resolve.dependencies import Dependency, DependencyReader
from launcher.resolve.lockfile import Lock, LockTerms
from launcher.resolve.resolution import Requested
from launcher.resolve.script_lock import ScriptLock
from launcher.resolve.urls import mask_credentials, without_fragment

_MOST_REASONS = 3


def refuse_outdated(
    lock: Lock,
    script_lock: ScriptLock,
    terms: LockTerms,
    requested: Sequence[Requested],
    interpreter: Interpreter,
) -> None:
    """Raise `LockOutdated` where the lock does not answer the block any more.

    `terms` are what a lock made now would state. One of another tool states none: it is outdated where what it has for
    the interpreter lacks something `requested`, or contradicts it.
    """
    if lock.terms is not None:
        reasons = list(_differences(lock.terms, terms))
        excerpt = None
    else:
        found = list(_unanswered(requested, lock.packages_for(interpreter.markers), interpreter))
        reasons = [reason for reason, _ in found]
        excerpt = next((excerpt for _, excerpt in found), None)
    if reasons:
        shown = "; ".join(islice(reasons, _MOST_REASONS)) + "; …" * (len(reasons) > _MOST_REASONS)
        raise LockOutdated(
            f"{script_lock.label[:1].upper()}{script_lock.label[1:]} is outdated: {shown}."
            if script_lock.is_embedded
            else f"{script_lock.label} is outdated: {shown}.",
            hint="Lock again with pyscript lock, or use it as it is: --frozen",
            excerpt=excerpt,
        )


def _differences(was: LockTerms, now: LockTerms) -> Iterator[str]:
    """Yield in words what has changed since a lock of ours was made."""
    for text in now.requirements:
        if text not in was.requirements:
            yield f"the script has {mask_credentials(text)!r} now"
    for text in was.requirements:
        if text not in now.requirements:
            yield f"it does not have {mask_credentials(text)!r} any more"
    if was.requires_python != now.requires_python:
        former, latter = was.requires_python or "not there", now.requires_python or "not there"
        yield f"requires-python was {former} and is {latter} now"
    if was.settings != now.settings:
        yield "a setting that decides about versions is another than it was"


def _unanswered(
    requested: Sequence[Requested], packages: Sequence[Package], interpreter: Interpreter
) -> Iterator[tuple[str, Excerpt | None]]:
    """Yield in words, with their lines, the requirements that the packages of a lock do not answer."""
    reader = DependencyReader(interpreter.markers)
    by_name = {package.name: package for package in packages}
    for each in requested:
        try:
            dependency = reader.read(each.text)
        except ValueError:
            continue  # only a path or URL: its name is not known without looking there
        if dependency is None:
            continue
        package = by_name.get(dependency.name)  # type: ignore[call-overload]
        if package is None:
            yield f"it has no {dependency.name}", each.excerpt
        elif not _answers(package, dependency):
            yield f"it has {_described(package)}, and the script asks for {dependency.text}", each.excerpt


def _answers(package: Package, dependency: Dependency) -> bool:
    if dependency.url is None:
        return package.version is None or dependency.takes(str(package.version))
    source = package.vcs or package.archive
    if source is None:
        return package.directory is not None and dependency.url.startswith("file:")
    if source.path and dependency.url.startswith("file:"):
        return True
    wanted = without_fragment(dependency.url).removeprefix("git+")
    return source.url is not None and wanted.startswith(without_fragment(source.url).removeprefix("git+"))


def _described(package: Package) -> str:
    return f"{package.name} {package.version}" if package.version else f"{package.name} from elsewhere"
