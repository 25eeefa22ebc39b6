"""The requirements file format of pip: logical lines, their options, and the requirement in each (pure).

The rules are pip's, "Requirements File Format": a backslash at the end continues a line, ``#`` begins a comment at the
start of a line or behind a space, ``${NAME}`` stands for an environment variable where that is set.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from launcher.errors import Excerpt, InvalidMetadata
from launcher.resolve.urls import mask_credentials
from launcher.script.lines import split_lines

REFERENCE = "Requirements File Format (pip)"

_COMMENT = re.compile(r"(^|\s+)#.*$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_OPTIONS = re.compile(r"(?:^|\s)(?=-)")
_HASH = re.compile(r"(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})")

_SHORT = {"-i": "--index-url", "-f": "--find-links", "-r": "--requirement", "-c": "--constraint", "-e": "--editable"}
_FLAGS = ("--no-index", "--pre", "--prefer-binary", "--require-hashes")
_VALUED = (*_SHORT.values(), "--extra-index-url", "--no-binary", "--only-binary", "--hash")


@dataclass(frozen=True, slots=True)
class FileRequirement:
    """A requirement from a file, and where it stands: ``requirements.txt, line 2``.

    `text` is as in PEP 508, or the URL or absolute path of something without a name. `hashes` (``sha256:…``) are the
    only files allowed for it; empty allows all.
    """

    text: str
    origin: str
    hashes: tuple[str, ...] = ()
    editable: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """A logical line: a requirement with its hashes, or options in a line of their own.

    Options have their long names; the value of a flag is empty.
    `lines` are the physical lines it was written in, `line_number` is the first one's.
    """

    path: str
    line_number: int
    lines: tuple[str, ...]
    requirement: str = ""
    options: tuple[tuple[str, str], ...] = ()

    @property
    def origin(self) -> str:
        """Where it stands, in words."""
        return f"{self.path}, line {self.line_number}"

    def excerpt(self, wanted: str) -> Excerpt:
        """Return the line that holds `wanted`, with that underlined; the first line where none does."""
        wanted = mask_credentials(wanted)
        lines = [mask_credentials(line) for line in self.lines]
        for number, line in enumerate(lines, self.line_number):
            if wanted and wanted in line:
                return Excerpt(self.path, number, line, line.index(wanted) + 1, len(wanted))
        return Excerpt(self.path, self.line_number, lines[0], 1, max(1, len(lines[0])))

    def error(self, message: str, hint: str, wanted: str) -> InvalidMetadata:
        """Return the error that this line is; `wanted` is the part of it to underline."""
        return InvalidMetadata(
            f"{self.path}, line {self.line_number}: {mask_credentials(message)}",
            hint=hint,
            reference=REFERENCE,
            excerpt=self.excerpt(wanted),
        )


def parse_statements(text: str, path: str, environ: Mapping[str, str]) -> Iterator[Statement]:
    """Yield the logical lines of a requirements file that say something.

    `path` is what messages call the file. Raises `InvalidMetadata`, with the line, for options that are unknown, lack
    their value or stand where they mean nothing. Whether a requirement is valid is not looked at.
    """
    for line_number, lines in _logical_lines(text):
        joined = "".join(line.strip("\\") for line in lines[:-1]) + lines[-1].removesuffix("\\")
        # pip expands behind the removal of comments, so that a value may hold a "#".
        content = _expand(_COMMENT.sub("", joined).strip(), environ)
        if not content:
            continue
        begin = _OPTIONS.search(content)
        requirement = content[: begin.start()].strip() if begin else content
        statement = Statement(path, line_number, lines, requirement)
        options = tuple(_options(content[begin.end() :], statement)) if begin else ()
        yield Statement(path, line_number, lines, requirement, options)


def mentioned_variables(text: str) -> set[str]:
    """Return the names of the environment variables that a requirements file mentions, set or not."""
    return set(_VARIABLE.findall(text))


def _logical_lines(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield groups of physical lines that backslashes join. A comment ends a group, whatever it ends with."""
    group: list[str] = []
    for number, line in enumerate(split_lines(text), 1):
        is_comment = _COMMENT.match(line) is not None
        group.append(f" {line}" if is_comment and group else line)
        if line.endswith("\\") and not is_comment:
            continue
        yield number - len(group) + 1, tuple(group)
        group = []
    if group:
        yield len(split_lines(text)) - len(group) + 1, tuple(group)


def _expand(text: str, environ: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: environ.get(found[1]) or found[0], text) if "${" in text else text


def _options(text: str, statement: Statement) -> Iterator[tuple[str, str]]:
    words = iter(_words(text, statement))
    for word in words:
        name, has_value, value = word.partition("=") if word.startswith("--") else (word[:2], len(word) > 2, word[2:])
        name = _SHORT.get(name, name)
        if name not in _FLAGS and name not in _VALUED:
            raise _unknown(word, statement)
        if name in _FLAGS and has_value:
            raise statement.error(f"{name} takes no value.", "Take the value away.", word)
        if name in _VALUED and not has_value:
            value = next(words, "")
        if name in _VALUED and not value:
            raise statement.error(f"{name} lacks its value.", f"Write {name} VALUE.", word)
        _check_place(name, value, statement)
        yield name, value.lower() if name == "--hash" else value


def _words(text: str, statement: Statement) -> list[str]:
    words = shlex.shlex(text, posix=True, punctuation_chars=False)
    words.whitespace_split, words.commenters = True, ""
    words.escape = ""  # a backslash is part of a path on Windows
    try:
        return list(words)
    except ValueError:
        raise statement.error("a quotation mark is not closed.", "Close it, or take it away.", "") from None


def _unknown(word: str, statement: Statement) -> InvalidMetadata:
    known = ", ".join(sorted({*_FLAGS, *_VALUED}))
    what = "pyscript does not know the option" if word.startswith("-") else "there is something behind the option:"
    return statement.error(f"{what} {word}.", f"Take it out of the file. Known are: {known}.", word)


def _check_place(name: str, value: str, statement: Statement) -> None:
    if name == "--hash" and not statement.requirement:
        raise statement.error("--hash stands without a requirement.", "Write it behind a requirement.", name)
    if name != "--hash" and statement.requirement:
        raise statement.error(f"{name} stands behind a requirement.", "Write it in a line of its own.", name)
    if name == "--hash" and not _HASH.fullmatch(value.lower()):
        raise statement.error(
            f"{value} is no hash of sha256, sha384 or sha512.", "Write it as in --hash=sha256:0123…, all digits.", value
        )
