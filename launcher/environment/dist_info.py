"""The small texts in a wheel's dist-info directory, read where they are written as nearly all are.

installer reads them with the standard library's parsers of mail, configuration files and CSV, which it takes 60 ms to
import and which need twice as long as what is here. What returns None where a text is not written plainly leaves that
text to installer, so that odd ones are judged as they always were.
"""

from __future__ import annotations

from launcher.environment.manifest import EntryPoint

Rows = dict[str, tuple[str, str]]
"""Path -> hash and size, as RECORD spells them."""

_SCRIPT_GROUPS = ("console_scripts", "gui_scripts")


def header_fields(text: str) -> dict[str, list[str]]:
    r"""Return the values of each field, by its name in lower case, in the head of METADATA or WHEEL.

    Fields end where `email` says that they do: at the first line that is none.

    >>> header_fields("Name: demo\nVersion: 1.0\n\nName: not this one")
    {'name': ['demo'], 'version': ['1.0']}
    """
    fields: dict[str, list[str]] = {}
    values: list[str] = []
    head = text.replace("\r\n", "\n").partition("\n\n")[0]
    for line in head.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line[:1] in (" ", "\t"):
            if values:
                values[-1] += f"\n{line}"
            continue
        name, colon, value = line.partition(":")
        if line.startswith("From "):
            # The envelope of a mail, which `email` passes over.
            values = []
            continue
        if not colon or not name.isascii() or not name.isprintable() or " " in name:
            break
        values = fields.setdefault(name.lower(), []) if name else []
        if name:
            values.append(value.lstrip(" \t"))
    return fields


def plain_rows(record: str) -> Rows | None:
    r"""Return the rows of a RECORD in which nothing is quoted, or None.

    >>> plain_rows("demo.py,sha256=x,1\ndemo-1.0.dist-info/RECORD,,")
    {'demo.py': ('sha256=x', '1'), 'demo-1.0.dist-info/RECORD': ('', '')}
    """
    if '"' in record or "\\" in record:
        return None
    try:
        return {path: (digest, size) for path, digest, size in [line.split(",") for line in record.splitlines()]}
    except ValueError:
        return None


def plain_entry_points(text: str) -> list[EntryPoint] | None:
    r"""Return the scripts in an ``entry_points.txt`` without comments, continued lines and repetitions, or None.

    >>> plain_entry_points("[console_scripts]\nrun = demo.cli:main\n")
    [EntryPoint(name='run', module='demo.cli', attribute='main', is_gui=False)]
    """
    points: list[EntryPoint] = []
    groups: dict[str, set[str]] = {"DEFAULT": set()}
    group = ""
    for whole_line in text.split("\n"):
        line = whole_line.rstrip()
        if not line:
            continue
        if line[0] == "[":
            group = line[1:-1]
            if line[-1] != "]" or not group or group in groups or "[" in group or "]" in group:
                return None
            groups[group] = set()
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not group or not name or not equals or name in groups[group] or line[0] in "#;" or line[0].isspace():
            return None
        groups[group].add(name)
        if group in _SCRIPT_GROUPS:
            module, _, attribute = value.partition(":")
            if not value.isascii() or not all(
                part.isidentifier() for part in (*module.split("."), *attribute.split("."))
            ):
                return None
            points.append(EntryPoint(name, module, attribute, group == "gui_scripts"))
    return points


def record_row(path: str, digest: str = "", size: str = "") -> str:
    r"""Return a line of RECORD, quoted where CSV asks for it (PEP 376).

    >>> record_row('a "b", c.py', "sha256=x", "1")
    '"a ""b"", c.py",sha256=x,1\n'
    """
    if "," in path or '"' in path:
        quoted = path.replace('"', '""')
        path = f'"{quoted}"'
    return f"{path},{digest},{size}\n"
