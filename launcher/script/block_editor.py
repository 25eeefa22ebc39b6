"""Write a block of metadata into a script: every byte outside of the block stays as it is.

Bytes go in and bytes come out. The block gets the line ends and the encoding that the file has, and of its own lines
only those that change are written anew. Pure.
"""

from __future__ import annotations

import codecs
import re
from difflib import SequenceMatcher

from launcher.errors import InvalidMetadata
from launcher.script.inline_metadata import REFERENCE, find_block, find_blocks
from launcher.script.lines import split_lines
from launcher.script.source import declared_encoding, decode

_ROW = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_TEXT_ROW = re.compile(_ROW.pattern.decode("ascii"))
_LINE_ENDS = b"\r\n"


def with_block(content: bytes, kind: str, toml: str | None, path: str = "<script>") -> bytes:
    """Return a script's content with its block ``# /// kind`` saying `toml`, or for None without that block.

    A block that is there is replaced where it stands. A new `script` block comes behind the shebang line and the coding
    cookie, in front of all else; one of another type, such as a lock, comes to the end of the file, out of the reader's
    way. Every byte outside of the block stays; a blank line that sets it apart comes and goes with it. The lines of
    `toml` may end in any way, in the file they end as the first one there does.

    `path` is what messages call the script. Raises `InvalidMetadata` where the script has two such blocks, cannot be
    decoded, declares an encoding that lacks a character of `toml`, or would not be read as it was meant.
    """
    text = decode(content, path)
    block = find_block(text, path, kind)
    mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
    plain = content.removeprefix(mark)
    rows: list[bytes] = _ROW.findall(plain)
    if len(rows) != len(_TEXT_ROW.findall(text)):  # codecs such as utf-7 can write a line end without its byte
        raise _not_writable(path)
    lines = None if toml is None else _encoded(_lines_of(toml), declared_encoding(plain)[0], path)
    if block is not None:
        start, end = block.first_line - 1, block.last_line
        former = split_lines(block.metadata)[:-1]
        if lines is None:
            _remove(rows, start, end)
        else:
            rows[start:end] = _changed(rows[start:end], former, _lines_of(toml or ""), lines)
    elif lines is not None:
        _insert(rows, lines, kind, _header_length(plain))
    edited = mark + b"".join(rows)
    if edited != content:
        _check(text, edited, kind, toml, path)
    return edited


def _header_length(plain: bytes) -> int:
    """Return the number of lines that must stay first: those of the shebang and of the coding cookie."""
    return max(declared_encoding(plain)[1], int(plain.startswith(b"#!")))


def _insert(rows: list[bytes], lines: list[bytes], kind: str, header_length: int) -> None:
    """Put a new block among the rows of a script."""
    line_end = _line_end(rows)
    is_first = kind == "script"
    position = header_length if is_first else len(rows)
    if position and not rows[position - 1].endswith((b"\n", b"\r")):
        rows[position - 1] += line_end
    if _would_merge(rows, position, line_end):
        line_end = b"\r\n"
    block = [line + line_end for line in (f"# /// {kind}".encode("ascii"), *map(_commented, lines), b"# ///")]
    # Comments that touch a block are part of it: a later "# ///" among them would close it.
    if not is_first and rows and not _is_blank(rows[-1]):
        block.insert(0, line_end)
    if position < len(rows) and not _is_blank(rows[position]):
        block.append(line_end)
    rows[position:position] = block


def _remove(rows: list[bytes], start: int, end: int) -> None:
    """Take a block out, and the blank line that set it apart where two would meet or one would be the first or last."""
    del rows[start:end]
    is_after_blank = start == 0 or _is_blank(rows[start - 1])
    if start < len(rows):
        if is_after_blank and _is_blank(rows[start]):
            del rows[start]
    elif start and is_after_blank:
        del rows[start - 1]
    if _would_merge(rows, start, b""):
        rows.insert(start, b"\r\n")


def _changed(rows: list[bytes], former: list[str], wanted: list[str], encoded: list[bytes]) -> list[bytes]:
    """Return the rows of a block with other lines between its first and last row; lines that stay keep their bytes."""
    opening, *kept, closing = rows
    line_end = _line_end(rows)
    written: list[bytes] = []
    for tag, start, end, new_start, new_end in SequenceMatcher(None, former, wanted).get_opcodes():
        if tag == "equal":
            written += kept[start:end]
        else:
            written += [_commented(line) + line_end for line in encoded[new_start:new_end]]
    return [opening, *written, closing]


def _lines_of(toml: str) -> list[str]:
    """Return the lines that stand for a TOML text; a block has at least one."""
    lines = split_lines(toml)
    return lines[:-1] if lines[-1] == "" and len(lines) > 1 else lines


def _encoded(lines: list[str], encoding: str, path: str) -> list[bytes]:
    try:
        return [line.encode(encoding) for line in lines]
    except UnicodeEncodeError as error:
        raise InvalidMetadata(
            f"{path} declares the encoding {encoding}, which has no {error.object[error.start]!r} for its block.",
            hint="Save it as UTF-8, without the line that declares another encoding.",
            reference="PEP 263",
        ) from error


def _check(text: str, edited: bytes, kind: str, toml: str | None, path: str) -> None:
    """Raise `InvalidMetadata` where what was edited is not read as it was meant: line 2 may look like a cookie."""
    try:
        found = decode(edited, path)
        block = find_block(found, path, kind)
        is_meant = _others(found, kind) == _others(text, kind)
    except InvalidMetadata:
        block, is_meant = None, False
    wanted = None if toml is None else "".join(f"{line}\n" for line in _lines_of(toml))
    if not is_meant or wanted != (block and block.metadata):
        raise _not_writable(path)


def _not_writable(path: str) -> InvalidMetadata:
    return InvalidMetadata(
        f"The block cannot be written into {path}: Python would read the file in another way then.",
        hint="Save the script as UTF-8 and edit the block by hand.",
        reference=REFERENCE,
    )


def _others(text: str, kind: str) -> list[tuple[str, str]]:
    """Return the other blocks of a text, each with its content."""
    return [(span.type, text[span.content_start : span.content_end]) for span in find_blocks(text) if span.type != kind]


def _commented(line: bytes) -> bytes:
    return b"# " + line if line else b"#"


def _is_blank(row: bytes) -> bool:
    return not row.strip(_LINE_ENDS)


def _would_merge(rows: list[bytes], position: int, line_end: bytes) -> bool:
    r"""Tell whether a ``\r`` and a ``\n`` would come together, and be one, where rows that end so are put in."""
    before, behind = b"".join(rows[:position][-1:]), b"".join(rows[position:][:1])
    if not line_end:
        return before.endswith(b"\r") and behind.startswith(b"\n")
    return (line_end == b"\n" and before.endswith(b"\r")) or (line_end == b"\r" and behind.startswith(b"\n"))


def _line_end(rows: list[bytes]) -> bytes:
    """Return how the first row ends."""
    first = rows[0] if rows else b""
    return first[len(first.rstrip(_LINE_ENDS)) :] or b"\n"
