"""Files that say which application opens what: ``mimeapps.list``, ``mimeinfo.cache``, ``*.desktop``. Pure.

They are groups of ``key=value`` lines, and many programs write into the same one. An edit touches the lines that it is
about and no other byte: comments, order, line ends and what is not UTF-8 stay. Source: the Desktop Entry and the MIME
applications specifications of freedesktop.org.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

DEFAULTS = "Default Applications"
ADDED = "Added Associations"
REMOVED = "Removed Associations"

_HEADER = re.compile(r"\[([^\[\]]*)\]\s*$")
_LISTS = (DEFAULTS, ADDED)


def value_of(content: bytes, group: str, key: str) -> str | None:
    r"""Return what a key is set to, the last time that it is; None where it is not.

    >>> value_of(b"[A]\nx = 1\n[B]\nx=2", "A", "x")
    '1'
    """
    found = [value for _, where, name, value in _settings(_lines(content)) if (where, name) == (group, key)]
    return found[-1] if found else None


def applications_of(content: bytes, group: str, mime_type: str) -> list[str]:
    """Return the identifiers in the list that a MIME type is set to."""
    return _listed(value_of(content, group, mime_type) or "")


def with_default(content: bytes, mime_type: str, application: str) -> bytes:
    r"""Return the content with an application in front of those that a MIME type has as its default.

    >>> with_default(b"[Default Applications]\nx/y=a.desktop;\n", "x/y", "b.desktop")
    b'[Default Applications]\nx/y=b.desktop;a.desktop;\n'
    >>> with_default(b"# mine", "x/y", "b.desktop")
    b'# mine\n\n[Default Applications]\nx/y=b.desktop;\n'
    """
    lines = _lines(content)
    others = [each for each in applications_of(content, DEFAULTS, mime_type) if each != application]
    line = f"{mime_type}={';'.join([application, *others])};"
    end = next((found[1] for each in lines if (found := _split_end(each))[1]), "\n")
    former = [at for at, group, key, _ in _settings(lines) if (group, key) == (DEFAULTS, mime_type)]
    if former:
        lines[former[-1]] = line + (_split_end(lines[former[-1]])[1] or end)
        return _joined(lines)
    if lines and not _split_end(lines[-1])[1]:
        lines[-1] += end
    at = _end_of_group(lines, DEFAULTS)
    if at is None:
        lines += [*([end] if lines and lines[-1].strip() else []), f"[{DEFAULTS}]{end}", line + end]
    else:
        lines.insert(at, line + end)
    return _joined(lines)


def without_application(content: bytes, application: str, *, former: bytes | None) -> bytes:
    r"""Return the content with an application taken out of every list that has it; what is empty then goes.

    `former` is what was there before the application was: a group that it had stays, even if it is empty.

    >>> without_application(b"[Default Applications]\nx/y=b.desktop;a.desktop;\n", "b.desktop", former=None)
    b'[Default Applications]\nx/y=a.desktop;\n'
    """
    lines = _lines(content)
    emptied = set()
    for at, group, key, value in _settings(_lines(content)):
        if group in _LISTS and application in _listed(value):
            others = [each for each in _listed(value) if each != application]
            # Written as it was: with or without the semicolon at its end.
            rest = ";".join(others) + ";" * value.rstrip().endswith(";")
            lines[at] = f"{key}={rest}{_split_end(lines[at])[1]}" if others else ""
            if not others:
                emptied.add(group)
    for group in emptied - set(_groups(_lines(former or b""))):
        _drop_if_empty(lines, group)
    return _joined(lines)


def _drop_if_empty(lines: list[str], group: str) -> None:
    """Take out a group without any line, and the blank line in front of it."""
    header = next(at for at, each in enumerate(lines) if (found := _HEADER.match(each)) and found[1] == group)
    following = next((at for at in range(header + 1, len(lines)) if _HEADER.match(lines[at])), len(lines))
    if any(each.strip() for each in lines[header + 1 : following]):
        return
    is_apart = header > 0 and not lines[header - 1].strip()
    for at in range(header - 1 if is_apart else header, header + 1):
        lines[at] = ""


def _end_of_group(lines: Sequence[str], group: str) -> int | None:
    """Return where a new line of a group belongs: behind its last setting; None where there is no such group.

    A comment behind that may be about what comes next.
    """
    headers = [at for at, line in enumerate(lines) if (header := _HEADER.match(line)) and header[1] == group]
    places = [*headers, *(at for at, name, *_ in _settings(lines) if name == group)]
    return max(places) + 1 if places else None


def _settings(lines: Sequence[str]) -> Iterator[tuple[int, str, str, str]]:
    """Yield the index, group, key and value of each line that sets something."""
    group = ""
    for at, line in enumerate(lines):
        if header := _HEADER.match(line):
            group = header[1]
        elif "=" in line and not line.lstrip().startswith("#"):
            key, _, value = line.partition("=")
            yield at, group, key.strip(), value.strip()


def _groups(lines: Sequence[str]) -> Iterator[str]:
    yield from (found[1] for line in lines if (found := _HEADER.match(line)))


def _listed(value: str) -> list[str]:
    return [each.strip() for each in value.split(";") if each.strip()]


def _lines(content: bytes) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", content.decode("utf-8", "surrogateescape"))


def _joined(lines: Sequence[str]) -> bytes:
    return "".join(lines).encode("utf-8", "surrogateescape")


def _split_end(line: str) -> tuple[str, str]:
    body = line.rstrip("\r\n")
    return body, line[len(body) :]
