"""The file of ``--with-requirements FILE``: a requirements.txt, a lock (pylock.toml), or another script.

Where pip and uv differ, or pip surprises, the rules here are:

- Nested files (``-r``, ``-c``) and relative paths start at the directory of the file that names them; where nothing is
  there, at the current directory, as pip has it.
- What a constraints file names by ``-r`` are constraints too (as in uv), so that a constraint never installs anything.
- A file that names itself, directly or by way of others, is an error; one that is named twice is read once.
- An option that pyscript does not know is an error, never ignored.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli
from packaging.requirements import InvalidRequirement, Requirement

from launcher.errors import Excerpt, InvalidMetadata, UsageError
from launcher.resolve.dependencies import hint_for
from launcher.resolve.pylock_pins import read_pins
from launcher.resolve.requirements_format import FileRequirement, Statement, mentioned_variables, parse_statements
from launcher.resolve.resolution import Policy, Requested
from launcher.resolve.urls import is_version_control
from launcher.script.inline_metadata import find_block, read_metadata
from launcher.script.lines import split_lines
from launcher.script.source import decode
from launcher.settings import Settings
from launcher.value import replace

# pip freeze > FILE in Windows PowerShell writes UTF-16.
_MARKED = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_URL = re.compile(r"(git|hg|svn|bzr)\+|[a-z][a-z0-9+.-]+://|file:", re.IGNORECASE)
_NAMED_URL = re.compile(r"[A-Za-z0-9._-]+\s*(\[[^\]]*\])?\s*@")
_PATH = re.compile(r"(?P<path>.+?)\s*(?P<extras>\[[^\[\]/\\]*\])?\s*(?:;\s*(?P<marker>.*))?")
_ARCHIVES = (".whl", ".tar.gz", ".zip", ".tar.bz2", ".tar.xz")


@dataclass(frozen=True, slots=True)
class RequirementsFile:
    """What a file and those that it names ask for.

    `index_url` to `only_binary` are its options, where it has them; `prerelease` is ``--pre``. `requires_python` are
    the specifiers that the interpreter has to satisfy as well (those of locks and scripts). `paths` are the absolute
    paths of all files that were read, this one first; `variables` are the names of the environment variables that they
    mention: where one changes, the files say something else.
    """

    requested: tuple[FileRequirement, ...]
    constraints: tuple[FileRequirement, ...] = ()
    index_url: str | None = None
    extra_index_url: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    prerelease: bool = False
    require_hashes: bool = False
    no_binary: tuple[str, ...] = ()
    only_binary: tuple[str, ...] = ()
    requires_python: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()


def read_requirements_file(path: str, environ: Mapping[str, str] | None = None) -> RequirementsFile:
    """Read a requirements file, a lock or a script, with everything that it names.

    `environ` is what ``${NAME}`` is looked up in; the process's own where it is None. Raises `UsageError` where `path`
    cannot be read, and `InvalidMetadata`, with the line, for everything in it that cannot be understood or found.
    """
    reading = _Reading(os.environ if environ is None else environ)
    reading.read(path, as_constraints=False)
    return RequirementsFile(
        requested=tuple(reading.requested),
        constraints=tuple(reading.constraints),
        index_url=reading.options["--index-url"][-1] if reading.options["--index-url"] else None,
        extra_index_url=tuple(reading.options["--extra-index-url"]),
        find_links=tuple(reading.options["--find-links"]),
        no_index=bool(reading.options["--no-index"]),
        prerelease=bool(reading.options["--pre"]),
        require_hashes=bool(reading.options["--require-hashes"]),
        no_binary=tuple(reading.options["--no-binary"]),
        only_binary=tuple(reading.options["--only-binary"]),
        requires_python=tuple(reading.requires_python),
        paths=tuple(dict.fromkeys(reading.paths)),
        variables=tuple(sorted(reading.variables)),
    )


def as_requested(content: RequirementsFile) -> list[Requested]:
    """Return the requirements for the resolver."""
    # What is installed of a repository is never edited, so that it is editable says nothing.
    return [
        Requested(each.text, each.origin, each.hashes, is_editable=each.editable and not is_version_control(each.text))
        for each in content.requested
    ]


def as_constraints(content: RequirementsFile) -> tuple[Requested, ...]:
    """Return everything that a constraints file asks for. Raises `InvalidMetadata` for what can be no constraint."""
    return _constraints((*content.requested, *content.constraints))


def _constraints(requirements: tuple[FileRequirement, ...]) -> tuple[Requested, ...]:
    for each in requirements:
        if each.editable:
            raise InvalidMetadata(
                f"A constraint cannot be editable: {each.text} ({each.origin}).",
                hint="Give it by --with-editable, or as a -e line of the requirements file.",
                reference="Constraints Files (pip)",
            )
    return tuple(Requested(each.text, each.origin, each.hashes) for each in requirements)


def with_policy_options(policy: Policy, settings: Settings, content: RequirementsFile) -> Policy:
    """Return `policy` with what the file says of versions; a ``--pre`` yields to what was set."""
    is_pre = content.prerelease and "prerelease" not in settings.origins
    return replace(
        policy,
        constraints=(*policy.constraints, *_constraints(content.constraints)),
        prerelease="allow" if is_pre else policy.prerelease,
        require_hashes=policy.require_hashes or content.require_hashes,
    )


def with_index_options(settings: Settings, content: RequirementsFile) -> Settings:
    """Return `settings` with the file's index options: places are added, the rest yields to what was set."""
    return replace(
        settings,
        index_url=settings.index_url if "index_url" in settings.origins else content.index_url or settings.index_url,
        extra_index_url=tuple(dict.fromkeys((*settings.extra_index_url, *content.extra_index_url))),
        find_links=tuple(dict.fromkeys((*settings.find_links, *content.find_links))),
        no_index=settings.no_index if "no_index" in settings.origins else content.no_index or settings.no_index,
        **_format_settings(settings, content),
    )


def _format_settings(settings: Settings, content: RequirementsFile) -> dict[str, Any]:
    """Return the settings that ``--only-binary`` and ``--no-binary`` stand for; each adds to what was set."""
    found: dict[str, Any] = {}
    for field_name, values in (("no_build", content.only_binary), ("no_binary", content.no_binary)):
        names: list[str] = []
        for value in ",".join(values).split(","):
            names = [] if value == ":none:" else [*names, value.strip()]
        if ":all:" in names:
            found[field_name] = True
        packages = getattr(settings, f"{field_name}_package")
        found[f"{field_name}_package"] = (*packages, *(name for name in names if name not in ("", ":all:")))
    return found


@dataclass(slots=True)
class _Reading:
    """What has been read so far."""

    environ: Mapping[str, str]
    requested: list[FileRequirement] = field(default_factory=list)
    constraints: list[FileRequirement] = field(default_factory=list)
    options: dict[str, list[str]] = field(
        default_factory=lambda: {
            name: []
            for name in (
                *("--index-url", "--extra-index-url", "--find-links", "--no-index", "--pre"),
                *("--prefer-binary", "--require-hashes", "--no-binary", "--only-binary"),
            )
        }
    )
    requires_python: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    variables: set[str] = field(default_factory=set)
    _chain: list[str] = field(default_factory=list)
    _done: set[tuple[str, bool]] = field(default_factory=set)

    def read(self, path: str, *, as_constraints: bool, named_in: Statement | None = None) -> None:
        """Read one file and those that it names; `named_in` is the line that names it."""
        absolute = os.path.abspath(path)
        if absolute in self._chain and named_in is not None:
            raise named_in.error(
                f"{path} ends up naming itself: {' -> '.join([*self._chain, absolute])}.", "Take the line away.", path
            )
        if (absolute, as_constraints) in self._done:
            return
        content = _read_bytes(path, named_in)
        self.paths.append(absolute)
        self._chain.append(absolute)
        text = _decode(content, path)
        requirements = self.constraints if as_constraints else self.requested
        if path.lower().endswith(".toml"):
            self._read_lock(text, path, requirements)
        elif path.lower().endswith((".py", ".pyw")) or text.startswith("#!") or find_block(text, path):
            self._read_script(text, path, requirements)
        else:
            self.variables |= mentioned_variables(text)
            for statement in parse_statements(text, path, self.environ):
                self._read_statement(statement, as_constraints, requirements)
        self._chain.pop()
        self._done.add((absolute, as_constraints))

    def _read_statement(self, statement: Statement, as_constraints: bool, requirements: list[FileRequirement]) -> None:
        if statement.requirement:
            hashes = tuple(value for _, value in statement.options)
            text = _requirement_text(statement.requirement, statement)
            requirements.append(FileRequirement(text, statement.origin, hashes))
            return
        for name, value in statement.options:
            if name in {"--requirement", "--constraint"}:
                if re.match(r"https?://", value):
                    hint = "Download it and name the file."
                    raise statement.error("a requirements file cannot be read from a URL.", hint, value)
                nested = _located(value, statement.path)
                is_constraint = as_constraints or name == "--constraint"
                self.read(nested, as_constraints=is_constraint, named_in=statement)
            elif name == "--editable":
                text = _requirement_text(value, statement)
                requirements.append(FileRequirement(text, statement.origin, editable=True))
            elif name == "--find-links" and not _URL.match(value):
                self.options[name].append(os.path.abspath(_located(value, statement.path)))
            else:
                self.options[name].append(value)

    def _read_lock(self, text: str, path: str, requirements: list[FileRequirement]) -> None:
        try:
            table = tomli.loads(text)
        except tomli.TOMLDecodeError as error:
            lines = split_lines(text)
            number = min(error.lineno, len(lines))
            raise InvalidMetadata(
                f"{path} is not valid TOML: {error.msg} (line {number}).",
                excerpt=Excerpt(path, number, lines[number - 1], error.colno),
            ) from error
        except (ValueError, RecursionError) as error:
            raise InvalidMetadata(f"{path} cannot be read: {error}.") from error
        if "lock-version" not in table:
            raise InvalidMetadata(
                f"{path} is no lock: it has no lock-version.",
                hint="Give a requirements.txt, a pylock.toml or a script; for a project there is --with-editable PATH.",
                reference="PEP 751, pylock.toml",
            )
        pins = read_pins(table, path, os.path.dirname(os.path.abspath(path)))
        requirements += pins.requirements
        self.options["--find-links"] += pins.find_links
        self.requires_python += [pins.requires_python] if pins.requires_python else []

    def _read_script(self, text: str, path: str, requirements: list[FileRequirement]) -> None:
        metadata, warnings = read_metadata(text, path)
        if metadata.block is None:
            raise InvalidMetadata(
                f"{path} is a script without inline metadata.",
                hint=warnings[0] if warnings else "Give a script with a # /// script block, or a requirements.txt.",
                reference="PEP 723, Inline script metadata",
            )
        lines = split_lines(text)
        for dependency in metadata.dependencies:
            number = dependency.line_number
            statement = Statement(path, number, (lines[number - 1],))
            requirements.append(
                FileRequirement(_requirement_text(dependency.text, statement), f"line {number} of {path}")
            )
        self.requires_python += [metadata.requires_python] if metadata.requires_python else []


def _read_bytes(path: str, named_in: Statement | None) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        message = f"the requirements file {path} cannot be read: {reason}."
        if named_in is not None:
            raise named_in.error(message, "Check the path; it starts at the directory of this file.", "") from error
        raise UsageError(f"T{message[1:]}", hint="Check the path given to --with-requirements.") from error


def _decode(content: bytes, path: str) -> str:
    for mark, encoding in _MARKED:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    if b"\0" in content:
        raise InvalidMetadata(
            f"{path} is a binary file.",
            hint="Give a requirements.txt, a pylock.toml or a script; a wheel is given by --with PATH.",
        )
    return decode(content, path)


def _requirement_text(text: str, statement: Statement) -> str:
    """Return a requirement as the resolver takes it: local paths made absolute, wheels among them with their name.

    Raises `InvalidMetadata` for a path where nothing is and for what is no requirement by PEP 508.
    """
    if not _NAMED_URL.match(text):
        if _URL.match(text):
            return text
        if _is_path(re.split(r"[\[;]", text, maxsplit=1)[0].strip()):
            return _with_absolute_path(text, statement)
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).partition("\n")[0]
        raise statement.error(
            f"{text!r} is not a valid requirement: {reason}.",
            hint_for(text),
            text,
        ) from error
    if requirement.url and not _URL.match(requirement.url):
        requirement.url = Path(_existing(requirement.url, statement)).as_uri()
        return str(requirement)
    return text


def _is_path(text: str) -> bool:
    if "://" in text:
        return False
    return "/" in text or os.sep in text or text.startswith((".", "~")) or text.lower().endswith(_ARCHIVES)


def _with_absolute_path(text: str, statement: Statement) -> str:
    parts = _PATH.fullmatch(text)
    assert parts is not None, "a path has at least one character"
    path = _existing(parts["path"], statement)
    extras, marker = parts["extras"] or "", f" ; {parts['marker']}" if parts["marker"] else ""
    if path.endswith(".whl"):
        return f"{os.path.basename(path).partition('-')[0]}{extras} @ {Path(path).as_uri()}{marker}"
    return f"{path}{extras}{marker}"


def _existing(path: str, statement: Statement) -> str:
    found = os.path.abspath(_located(path, statement.path))
    if not os.path.exists(found):
        raise statement.error(f"there is no file {path}.", "Relative paths start at the directory of this file.", path)
    return found


def _located(path: str, named_in: str) -> str:
    """Return where a path leads from the directory of the file that names it, or from the current one."""
    path = os.path.expanduser(path)
    from_file = os.path.normpath(os.path.join(os.path.dirname(named_in), path))
    return path if os.path.exists(path) and not os.path.exists(from_file) else from_file
