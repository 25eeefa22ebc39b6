"""Which application a desktop opens a file with, as the lists and ``.desktop`` files of freedesktop.org say.

Read here and not asked of ``gio`` or ``xdg-mime``: not every desktop has them, and neither says what would come next
were pyscript not there. Source: the specification of associations between MIME types and applications, section 2.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from launcher.desktop.association_file import ADDED, DEFAULTS, REMOVED, applications_of, value_of
from launcher.value import Value

_ENTRY = "Desktop Entry"
_LIST = "mimeapps.list"


class Homes(Value):
    """Where a person's desktop looks: first the person's own data and configuration, then the system's."""

    data: str
    config: str
    data_directories: tuple[str, ...]
    config_directories: tuple[str, ...]
    desktops: tuple[str, ...] = ()
    path: str = os.defpath

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Homes:
        """Return what the variables say; relative paths in them are ignored, as the specification wants it."""
        home = environ.get("HOME") or os.path.expanduser("~")
        return cls(
            data=_absolute(environ.get("XDG_DATA_HOME", "")) or os.path.join(home, ".local/share"),
            config=_absolute(environ.get("XDG_CONFIG_HOME", "")) or os.path.join(home, ".config"),
            data_directories=_all_of(environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"),
            config_directories=_all_of(environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"),
            desktops=tuple(each.lower() for each in environ.get("XDG_CURRENT_DESKTOP", "").split(":") if each),
            path=environ.get("PATH", os.defpath),
        )

    @property
    def application_directories(self) -> tuple[str, ...]:
        """The directories of ``.desktop`` files, the first that has one decides."""
        return tuple(os.path.join(each, "applications") for each in (self.data, *self.data_directories))

    @property
    def list(self) -> str:
        """The person's own list, into which programs write what the person chose."""
        return os.path.join(self.config, _LIST)

    def lists_of_desktops(self) -> tuple[str, ...]:
        """Return the person's own lists for single desktops that can be read."""
        return tuple(str(path) for path in sorted(Path(self.config).glob(f"?*-{_LIST}")) if os.access(path, os.R_OK))

    def lists(self) -> Iterator[bytes]:
        """Yield the content of each ``mimeapps.list`` that is there, the one that decides first."""
        for directory in (self.config, *self.config_directories, *self.application_directories):
            for name in (*(f"{desktop}-{_LIST}" for desktop in self.desktops), _LIST):
                yield from _content(os.path.join(directory, name))


class Application(Value):
    """A program that opens files: the name of its entry, the words of its ``Exec`` line, and whether it has no window.

    >>> Application("x.desktop", "X", ("x", "--at", "%f", "100%%")).command("/a b.py")
    ('x', '--at', '/a b.py', '100%')
    """

    identifier: str
    name: str
    words: tuple[str, ...]
    needs_terminal: bool = False

    def command(self, path: str) -> tuple[str, ...]:
        """Return the words that open a file, which is given where the entry says, else at the end."""
        codes = {"%f": path, "%F": path, "%u": "", "%U": ""}
        if any(code in word for word in self.words for code in ("%u", "%U")):
            codes["%u"] = codes["%U"] = Path(path).as_uri()
        has_place = any(code in word for word in self.words for code in codes)
        filled = (_filled(word, {**codes, "%c": self.name}) for word in self.words)
        return tuple(word for word in filled if word is not None) + (() if has_place else (path,))


def default_application(mime_type: str, homes: Homes, but: Collection[str] = ()) -> str | None:
    """Return the name of the entry that opens files of a type, `but` certain ones; None where nothing does."""
    lists = list(homes.lists())
    caches = [
        content for each in homes.application_directories for content in _content(os.path.join(each, "mimeinfo.cache"))
    ]
    refused = {name for content in lists for name in applications_of(content, REMOVED, mime_type)}
    candidates = [name for content in lists for name in applications_of(content, DEFAULTS, mime_type)]
    for group, contents in ((ADDED, lists), ("MIME Cache", caches)):
        candidates += [
            name for content in contents for name in applications_of(content, group, mime_type) if name not in refused
        ]
    return next((name for name in candidates if name not in but and find_application(name, homes)), None)


def find_application(identifier: str, homes: Homes) -> Application | None:
    """Return the application of an entry; None where there is none, or its program is gone."""
    if "/" in identifier:
        return None
    for directory in homes.application_directories:
        for name in _file_names(identifier):
            for content in _content(os.path.join(directory, name)):
                return _application(identifier, content, homes)
    return None


def _application(identifier: str, content: bytes, homes: Homes) -> Application | None:
    def said(key: str) -> str:
        return value_of(content, _ENTRY, key) or ""

    try:
        words = tuple(_words(said("Exec")))
    except ValueError:  # a quotation mark without its other half
        return None
    program = said("TryExec") or (words[0] if words else "")
    if said("Hidden") == "true" or not words or not shutil.which(program, path=homes.path):
        return None
    return Application(identifier, said("Name") or identifier, words, said("Terminal") == "true")


def _words(line: str) -> list[str]:
    r"""Return the words of an ``Exec`` line.

    >>> _words(r'"/opt/a \\$b/x" open %f')
    ['/opt/a $b/x', 'open', '%f']
    """
    escapes = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
    text, at = "", 0
    while at < len(line):
        is_escape = line[at] == "\\" and line[at + 1 : at + 2] in escapes and at + 1 < len(line)
        text += escapes[line[at + 1]] if is_escape else line[at]
        at += 1 + is_escape
    # POSIX shells, and shlex, take a backslash before these as it is unless it is quoted.
    return [word.replace("\\$", "$").replace("\\`", "`") for word in shlex.split(text)]


def _filled(word: str, codes: Mapping[str, str]) -> str | None:
    """Return a word with its field codes replaced; None for one that is nothing but an unknown code."""
    if len(word) == 2 and word[0] == "%" and word != "%%" and word not in codes:
        return None
    text, at = "", 0
    while at < len(word):
        code = word[at : at + 2]
        is_code = code[0] == "%" and len(code) == 2
        text += ("%" if code == "%%" else codes.get(code, "")) if is_code else word[at]
        at += 1 + is_code
    return text


def _file_names(identifier: str) -> Iterator[str]:
    """Yield where an entry may lie: a dash in its name may stand for a directory."""
    yield identifier
    for at, character in enumerate(identifier):
        if character == "-":
            yield identifier[:at] + "/" + identifier[at + 1 :]


def _content(path: str) -> Iterator[bytes]:
    try:
        with open(path, "rb") as stream:
            yield stream.read()
    except OSError:
        return


def _absolute(path: str) -> str:
    return path if os.path.isabs(path) else ""


def _all_of(paths: str) -> tuple[str, ...]:
    return tuple(each for each in paths.split(":") if os.path.isabs(each))
