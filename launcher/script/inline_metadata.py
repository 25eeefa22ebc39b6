r"""Inline script metadata (PEP 723): find the blocks of a script and read the `script` block.

What is a block is judged by the reference regular expression of the specification::

    (?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$

That expression is quadratic on hostile text, so `find_blocks` is a scanner of its own; a property test holds the two
together. Three things follow from the expression that are easy to miss:

- A block is closed by the *last* ``# ///`` line of an unbroken run of comments, not by the first.
- In multi-line mode ``$`` and ``^`` know only ``\n``, hence ``\s`` stands for exactly one ``\n``. Scripts are read with
  universal newlines, by Python and by the specification's examples, so ``\r\n`` and a lone ``\r`` count as ``\n`` here.
- Other line-like characters (form feed, NEL, U+2028, ...) belong to the line they stand in, for ``.`` matches them. The
  reference implementation takes the comment prefixes off with `str.splitlines`, which would cut a string in two at
  U+2028 and eat a character of it; here the prefix is taken off the lines that the expression sees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain, islice

import tomli

from launcher.errors import Excerpt, InvalidMetadata
from launcher.script.lines import line_number_at, split_lines
from launcher.script.near_misses import near_miss
from launcher.script.toml_positions import find_array_items, find_key, find_value
from launcher.value import Value

REFERENCE = "PEP 723, Inline script metadata"

_KEYS = ("dependencies", "requires-python", "tool")
_BY_ANOTHER_NAME = {
    **dict.fromkeys(("requirements", "requires", "deps"), "dependencies"),
    **dict.fromkeys(("python-requires", "python"), "requires-python"),
}
"""What people who know setup.py or other tools write."""

TOOL_KEYS = (
    "index-url",
    "extra-index-url",
    "find-links",
    "no-index",
    "index",
    "sources",
    "no-build",
    "no-build-package",
    "no-binary",
    "no-binary-package",
    "offline",
    "max-age",
    "constraint",
    "override",
    "prerelease",
    "resolution",
    "exclude-newer",
    "exclude-newer-package",
    "locked",
    "link-mode",
    "timeout",
    "retries",
    "gui",
    "pause",
)
"""What a script may set about itself in `[tool.pyscript]`."""

# The literal beginning lets the search run at memchr speed; the look-behind then asks for the start of a line.
_OPENING = re.compile(r"# /// (?<![^\r\n]# /// )(?P<type>[a-zA-Z0-9-]+)(?=[\r\n])")
# A line end that no content line (`#` or `# ...`) follows.
_RUN_END = re.compile(r"(?:\n|\r(?!\n))(?!#(?:[ \r\n]|\Z))")
_CLOSING = "# ///"

_MOST_WARNINGS = 5

_KEYS_OF_LATER_VERSIONS = frozenset({"permissions"})
"""Nobody should think that one of these protects them before it does."""

_TOML_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (str, "a string"),
    (int, "an integer"),
    (float, "a float"),
    (list, "an array"),
    (dict, "a table"),
)


class BlockSpan(Value):
    """Where a block of any type stands in the text: offsets of its first and last character, and of its content.

    `start` is at the opening line's ``#``, `end` behind the closing line's last slash (its line end is not part of it);
    the content lines are ``text[content_start:content_end]``.
    """

    type: str
    start: int
    content_start: int
    content_end: int
    end: int


class ScriptBlock(Value):
    r"""A block of a text, of type `script` or another.

    `prelude` and `postlude` are the text before and behind the block, with the line ends they have. `metadata` is the
    TOML text: comment prefixes removed, lines ended by ``\n``. Lines count from 1; the first is the opening line, the
    last the closing one.
    """

    prelude: str
    metadata: str
    postlude: str
    first_line: int
    last_line: int


class Dependency(Value):
    """An item of `dependencies`, as written, and its line in the script."""

    text: str
    line_number: int


class ScriptMetadata(Value):
    """What the block says; everything is empty where there is none. `tool` is the whole `[tool]` table, as parsed."""

    requires_python: str | None
    dependencies: tuple[Dependency, ...]
    tool: Mapping[str, object]
    block: ScriptBlock | None

    @property
    def settings_table(self) -> tuple[str, Mapping[str, object]]:
        """The name and the content of the table that says how to run the script: uv's, where there is none of ours."""
        own, theirs = self.tool.get("pyscript"), self.tool.get("uv")
        name, table = ("uv", theirs) if own is None and isinstance(theirs, dict) else ("pyscript", own)
        return name, table if isinstance(table, dict) else {}


def read_metadata(text: str, path: str) -> tuple[ScriptMetadata, tuple[str, ...]]:
    """Return the inline script metadata of a script's text, and warnings for the person who wrote it.

    `path` is what messages call the script. Requirements and `requires-python` are checked to be strings, no further.
    Raises `InvalidMetadata`, with the line to blame, for two `script` blocks, invalid TOML and wrong types.
    """
    block = find_block(text, path)
    if block is None:
        warning = near_miss(text, path)
        return ScriptMetadata(None, (), {}, None), ((warning,) if warning else ())
    script = _Script(path, text, block)
    table = _parse(script)
    requires_python = table.get("requires-python")
    if requires_python is not None and not isinstance(requires_python, str):
        raise _wrong_type(script, "requires-python", "a string", requires_python, 'requires-python = ">=3.12"')
    dependencies = _dependencies(script, table.get("dependencies", []))
    tool = table.get("tool", {})
    if not isinstance(tool, dict):
        raise _wrong_type(script, "tool", "a table", tool, "[tool.pyscript]")
    own = tool.get("pyscript", {})
    if not isinstance(own, dict):
        raise _wrong_type(script, "tool.pyscript", "a table", own, "[tool.pyscript]")
    misspelled = (_misspelled_key(script, key) for key in table if key not in _KEYS)
    unknown = (_unknown_key(script, key) for key in own if key not in TOOL_KEYS)
    warnings = tuple(islice(filter(None, chain(misspelled, unknown)), _MOST_WARNINGS))
    return ScriptMetadata(requires_python, dependencies, tool, block), warnings


def find_blocks(text: str) -> Iterator[BlockSpan]:
    """Yield the blocks of every type, in order, in time linear in the length of `text` (PEP 723)."""
    position = 0
    while opening := _OPENING.search(text, position):
        run_end = _RUN_END.search(text, opening.end())
        # A block beginning inside this run would have to close in it too, behind the last line that can.
        position = run_end.start() if run_end else len(text)
        content_start = opening.end() + (2 if text.startswith("\r\n", opening.end()) else 1)
        closing = _last_closing_line(text, content_start, position)
        if closing is not None:
            yield BlockSpan(opening["type"], opening.start(), content_start, closing, closing + len(_CLOSING))


def find_block(text: str, path: str, kind: str = "script") -> ScriptBlock | None:
    """Return the block of a type, or None where there is none. Raises `InvalidMetadata` where there are two."""
    opening = f"# /// {kind}"
    if opening not in text:
        return None
    spans = [span for span in find_blocks(text) if span.type == kind]
    if not spans:
        return None
    span, *others = spans
    first_line = line_number_at(text, span.start)
    if others:
        second_line = line_number_at(text, others[0].start)
        raise InvalidMetadata(
            f"{path} has two blocks of {kind} metadata, in line {first_line} and in line {second_line}.",
            hint="Put the lines of both into one block.",
            reference=REFERENCE,
            excerpt=Excerpt(path, second_line, opening, 1, len(opening)),
        )
    content = split_lines(text[span.content_start : span.content_end])[:-1]
    return ScriptBlock(
        prelude=text[: span.start],
        metadata="".join(f"{line[_prefix_length(line) :]}\n" for line in content),
        postlude=text[span.end :],
        first_line=first_line,
        last_line=first_line + len(content) + 1,
    )


def excerpt_of(path: str, text: str, dependency: Dependency) -> Excerpt:
    """Return the place of a dependency in the script, for an error about it."""
    return _excerpt_of_text(path, split_lines(text), dependency.line_number, dependency.text)


def excerpt_of_requires_python(path: str, text: str, metadata: ScriptMetadata) -> Excerpt | None:
    """Return the place of the `requires-python` value in the script, or None where the metadata has none."""
    if metadata.block is None or metadata.requires_python is None:
        return None
    script = _Script(path, text, metadata.block)
    return _excerpt_of_text(path, script.lines(), script.line_of("requires-python"), metadata.requires_python, script)


def excerpt_of_setting(
    path: str, text: str, metadata: ScriptMetadata, table: str, *, key: str, word: str
) -> Excerpt | None:
    """Return the place of what a tool's `table` says for `key`: of a string `word` in it, else of its first line."""
    if metadata.block is None:
        return None
    script, toml = _Script(path, text, metadata.block), metadata.block.metadata
    start = find_key(toml, table)
    start = None if start is None else find_key(toml, key, start)
    if start is None:
        return None
    found = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])").search(toml, start) if word else None
    if found:
        return script.excerpt(found.start(), len(word))
    start = find_value(toml, key, start) or start
    return script.excerpt(start, max(1, len(toml[start : toml.find("\n", start)].rstrip())))


def _last_closing_line(text: str, content_start: int, run_end: int) -> int | None:
    """Return where the last closing line of a run of comments begins; at least one content line stands before it."""
    end = run_end
    while (found := text.rfind(_CLOSING, content_start, end)) > content_start:
        behind = found + len(_CLOSING)
        if text[found - 1] in "\r\n" and (behind == len(text) or text[behind] in "\r\n"):
            return found
        end = found
    return None


def _prefix_length(line: str) -> int:
    return 2 if line.startswith("# ") else 1


class _Script(Value):
    """A script with its block: turns places in the TOML text into places in the script."""

    path: str
    text: str
    block: ScriptBlock

    def lines(self) -> list[str]:
        """Return the block's lines as they stand in the script, the opening one first."""
        return split_lines(self.text[len(self.block.prelude) : len(self.text) - len(self.block.postlude)])

    def line_at(self, offset: int) -> int:
        """Return the script's line number of an offset in the TOML text."""
        return self.block.first_line + 1 + self.block.metadata.count("\n", 0, offset)

    def lines_at(self, offsets: list[int]) -> Iterator[int]:
        """Yield the script's line numbers of ascending offsets in the TOML text."""
        number, position = self.block.first_line + 1, 0
        for offset in offsets:
            number += self.block.metadata.count("\n", position, offset)
            position = offset
            yield number

    def line_of(self, key: str, table: str | None = None) -> int:
        """Return the line that sets a key, behind the one that names `table`; the opening line where none is found."""
        after = find_key(self.block.metadata, table) if table else 0
        offset = find_key(self.block.metadata, key, after or 0)
        return self.block.first_line if offset is None else self.line_at(offset)

    def excerpt(self, offset: int, length: int = 1) -> Excerpt:
        """Return the place of `length` characters at an offset in the TOML text; its end is the closing line."""
        number = self.line_at(offset)
        line = self.lines()[number - self.block.first_line]
        if number == self.block.last_line:
            return Excerpt(self.path, number, line, 1, len(line))
        column = offset - (self.block.metadata.rfind("\n", 0, offset) + 1) + _prefix_length(line) + 1
        return Excerpt(self.path, number, line, column, max(1, min(length, len(line) - column + 1)))


def _parse(script: _Script) -> dict[str, object]:
    try:
        return tomli.loads(script.block.metadata)
    except tomli.TOMLDecodeError as error:
        number = script.line_at(error.pos)
        raise InvalidMetadata(
            f"The metadata block of {script.path} is not valid TOML: {error.msg} (line {number}).",
            hint=_toml_hint(script),
            reference=REFERENCE,
            excerpt=script.excerpt(error.pos),
        ) from error
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, 500 brackets
        raise InvalidMetadata(
            f"The metadata block of {script.path} cannot be read: {error}.",
            reference=REFERENCE,
            excerpt=script.excerpt(0),
        ) from error


def _toml_hint(script: _Script) -> str:
    inner = [number for number, line in enumerate(script.lines(), script.block.first_line) if line == _CLOSING]
    if len(inner) > 1:
        return (
            f'A block goes on to the last "# ///" of an unbroken comment, here line {inner[-1]}. '
            f"To end it in line {inner[0]}, put an empty line behind that one."
        )
    return 'Mend the line; what stands behind the "# " must be TOML, such as: dependencies = ["requests"]'


def _dependencies(script: _Script, value: object) -> tuple[Dependency, ...]:
    example = 'dependencies = ["requests", "rich>=13"]'
    if not isinstance(value, list):
        raise _wrong_type(script, "dependencies", "an array of strings", value, example)
    start = find_value(script.block.metadata, "dependencies") if value else None
    spans = find_array_items(script.block.metadata, start) if start is not None else []
    if len(spans) != len(value):  # the key is written in a way that nobody writes
        spans = []
    for position, item in enumerate(value):
        if not isinstance(item, str):
            start, end = spans[position] if spans else (0, 1)
            raise InvalidMetadata(
                f"The dependencies of {script.path} must be strings; item {position + 1} is {_toml_type(item)}.",
                hint=f"Write it in quotes, such as: {example}",
                reference=REFERENCE,
                excerpt=script.excerpt(start, end - start),
            )
    if not spans:
        line_number = script.line_of("dependencies")
        return tuple(Dependency(item, line_number) for item in value)
    line_numbers = script.lines_at([start for start, _ in spans])
    return tuple(Dependency(*pair) for pair in zip(value, line_numbers, strict=True))


def _wrong_type(script: _Script, key: str, expected: str, value: object, example: str) -> InvalidMetadata:
    metadata = script.block.metadata
    name = key.rpartition(".")[2]
    offset = find_value(metadata, name)
    if offset is None:
        offset = find_key(metadata, name) or 0
    end = metadata.find("\n", offset)
    return InvalidMetadata(
        f"In the metadata block of {script.path}, {key} must be {expected}, not {_toml_type(value)}.",
        hint=f"Write, for example: {example}",
        reference=REFERENCE,
        excerpt=script.excerpt(offset, max(1, len(metadata[offset:end].rstrip()))),
    )


def _toml_type(value: object) -> str:
    return next((name for type_, name in _TOML_TYPES if isinstance(value, type_)), "a date or time")


def _misspelled_key(script: _Script, key: str) -> str | None:
    """Warn of a key beside the tables that is nearly one of PEP 723's; others are left to whoever knows them."""
    from difflib import get_close_matches  # noqa: PLC0415 - 4 ms, and only for a mistake

    written = key.lower().replace("_", "-")
    near = [_BY_ANOTHER_NAME[written]] if written in _BY_ANOTHER_NAME else get_close_matches(written, _KEYS, 1, 0.8)
    if not near:
        return None
    return f'{script.path}, line {script.line_of(key)}: "{key}" has no effect. Did you mean "{near[0]}"?'


def _unknown_key(script: _Script, key: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - 4 ms, and only for a mistake

    place = f"{script.path}, line {script.line_of(key, 'pyscript')}"
    if key in _KEYS_OF_LATER_VERSIONS:
        return f'{place}: "{key}" in [tool.pyscript] has no effect in this version of pyscript.'
    near = get_close_matches(key.lower().replace("_", "-"), TOOL_KEYS, n=1)
    mend = f'Did you mean "{near[0]}"?' if near else "Known are: " + ", ".join(TOOL_KEYS) + "."
    return f'{place}: [tool.pyscript] has no key "{key}". {mend}'


def _excerpt_of_text(
    path: str, lines: list[str], line_number: int, wanted: str, script: _Script | None = None
) -> Excerpt:
    """Return the place of a string's text, where it is written plainly, else of its whole line."""
    line = lines[line_number - (script.block.first_line if script else 1)]
    escaped = wanted.replace("\\", "\\\\").replace('"', '\\"')
    for quoted in (f'"{escaped}"', f"'{wanted}'"):
        found = line.find(quoted)
        if found >= 0 and wanted:
            return Excerpt(path, line_number, line, found + 2, len(quoted) - 2)
    return Excerpt(path, line_number, line, 1, max(1, len(line)))
