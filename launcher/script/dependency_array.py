"""Edit the `dependencies` of a block's TOML text; comments, order, quotes and layout of the rest survive. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import tomli
import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array, String

from launcher.errors import InvalidMetadata
from launcher.script.inline_metadata import REFERENCE
from launcher.script.toml_positions import find_key

_INDENT = "    "


def new_metadata(requires_python: str | None, requirements: Sequence[str]) -> str:
    r"""Return the TOML text of a new block.

    >>> print(new_metadata(">=3.12", ["rich>=15"]), end="")
    requires-python = ">=3.12"
    dependencies = [
        "rich>=15",
    ]
    """
    line = f"requires-python = {_string(requires_python, is_literal=False).as_string()}\n" if requires_python else ""
    return with_dependencies(f"{line}dependencies = []\n", {}, requirements)


def with_dependencies(toml: str, changes: Mapping[int, str | None], additions: Sequence[str]) -> str:
    r"""Return `toml` with other `dependencies`.

    `changes` are by position in the array: a text takes the place of what is there, None takes it out, with the comment
    on its line. `additions` come behind the last one, each on a line of its own where the others are or where there are
    none. Raises `InvalidMetadata` where the array is written in a way that cannot be edited.

    >>> print(with_dependencies("dependencies = ['a', \"b\"] # mine", {0: "a>=2"}, ["c"]))
    dependencies = ['a>=2', "b", "c"] # mine
    """
    if not changes and not additions:
        return toml
    wanted = tomli.loads(toml)
    kept = [changes.get(at, text) for at, text in enumerate(wanted.get("dependencies", []))]
    wanted["dependencies"] = [text for text in kept if text is not None] + list(additions)
    try:
        edited = _edited(toml, changes, additions)
        found = tomli.loads(edited)
    except (TOMLKitError, tomli.TOMLDecodeError) as error:
        raise _not_editable(str(error)) from error
    # An editor that loses something elsewhere in the block would be noticed by nobody.
    if found != wanted:
        raise _not_editable("something else in the block would change")
    return edited


def _edited(toml: str, changes: Mapping[int, str | None], additions: Sequence[str]) -> str:
    document = tomlkit.parse(toml)
    if "dependencies" not in document:
        return _with_key(toml, additions)
    array = document["dependencies"]
    if not isinstance(array, Array):
        raise _not_editable("it is no array")
    is_literal = len(array) > 0 and all(map(_is_literal, array))
    for position in sorted(changes, reverse=True):
        text = changes[position]
        if text is None:
            del array[position]
        else:
            array[position] = _string(text, is_literal=_is_literal(array[position]))
    _append(array, [_string(text, is_literal=is_literal) for text in additions])
    return tomlkit.dumps(document)


def _append(array: Array, items: Sequence[String]) -> None:
    written = array.as_string()
    if "\n" in written:
        indents = re.findall(r"\n([ \t]*)[\"']", written)
        for item in items:
            array.add_line(item, indent=indents[-1] if indents else _INDENT)
        return
    if not len(array):
        array.multiline(True)
    for item in items:
        array.append(item)


def _with_key(toml: str, texts: Sequence[str]) -> str:
    """Return `toml`, which has no `dependencies`, with them: behind `requires-python`, else in front of everything."""
    array = tomlkit.array()
    _append(array, [_string(text, is_literal=False) for text in texts])
    start = find_key(toml, "requires-python")
    at = 0 if start is None else toml.find("\n", start) + 1 or len(toml)
    before = toml[:at] if not at or toml[:at].endswith("\n") else f"{toml[:at]}\n"
    gap = "\n" if toml.startswith("[", at) else ""
    return f"{before}dependencies = {array.as_string()}\n{gap}{toml[at:]}"


def _string(text: str, *, is_literal: bool) -> String:
    """Return a TOML string, in the quotes that its neighbours have unless it would need escapes in them."""
    if "'" in text or not text.isprintable():
        is_literal = False
    elif '"' in text or "\\" in text:
        is_literal = True
    return tomlkit.string(text, literal=is_literal)


def _is_literal(item: object) -> bool:
    return isinstance(item, String) and item.as_string().startswith("'")


def _not_editable(reason: str) -> InvalidMetadata:
    return InvalidMetadata(
        f"The dependencies of the block are written in a way that cannot be edited: {reason}.",
        hint="Write them as an array of strings, or edit them by hand.",
        reference=REFERENCE,
    )
