"""Constraints and overrides as settings give them, requirements or names of files, read for the resolver."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from launcher.errors import UsageError
from launcher.resolve.requirements_file import as_constraints, as_requested, read_requirements_file
from launcher.resolve.resolution import Policy, Requested
from launcher.settings import Settings
from launcher.value import replace

_PATH = re.compile(r"[./~\\]|[A-Za-z]:[/\\]")
_SUFFIXES = (".txt", ".in", ".toml", ".cfg", ".lock", ".pip", ".py", ".reqs")
_REQUIREMENT = re.compile(r"[<>=!~;@\[]")


@dataclass(frozen=True, slots=True)
class WrittenPolicy:
    """A policy with the absolute paths of the files that were read for it, and the variables that these mention."""

    policy: Policy
    paths: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()


def read_written_policy(
    policy: Policy, settings: Settings, directories: Mapping[str, str], environ: Mapping[str, str]
) -> WrittenPolicy:
    """Return `policy` with the settings' constraints and overrides, from requirements and files.

    `directories` maps the origin of a setting to the directory that its relative paths start from, "" all others.
    Raises `UsageError` where a file cannot be read, and `InvalidMetadata`, with the line, for what in it is neither.
    """
    found: dict[str, list[Requested]] = {"constraint": [], "override": []}
    paths: list[str] = []
    variables: list[str] = []
    for name, values in (("constraint", settings.constraint), ("override", settings.override)):
        origin = settings.origins.get(name, f"--{name}")
        for text in values:
            if not is_file(text):
                found[name].append(Requested(text, origin))
                continue
            path = os.path.join(directories.get(origin, directories[""]), os.path.expanduser(text))
            if not os.path.isfile(path):
                raise UsageError(
                    f"{origin}: there is no file {path}.",
                    hint=f'Check the path; or give a requirement, such as --{name} "urllib3<2".',
                )
            content = read_requirements_file(path, environ)
            # What stands in a constraints file is a constraint, written by -c or not.
            found[name] += as_constraints(content) if name == "constraint" else as_requested(content)
            paths += content.paths
            variables += content.variables
    return WrittenPolicy(
        replace(policy, constraints=tuple(found["constraint"]), overrides=tuple(found["override"])),
        tuple(os.path.abspath(path) for path in paths),
        tuple(variables),
    )


def is_file(text: str) -> bool:
    """Tell whether a value names a file: a path does, and a plain name that ends as such files do.

    >>> is_file("constraints.txt"), is_file("./a>b.txt"), is_file("lists/old"), is_file("zope.interface")
    (True, True, True, False)
    >>> is_file("urllib3<2"), is_file("a @ https://127.0.0.1/a.whl"), is_file("https://127.0.0.1/c.txt")
    (False, False, False)
    """
    if _PATH.match(text):
        return True
    return not _REQUIREMENT.search(text) and "://" not in text and ("/" in text or text.endswith(_SUFFIXES))
