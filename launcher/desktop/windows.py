r"""What a double-click takes on Windows: values of the current user in the registry, and no administrator.

Windows goes by the end of a file's name, so there is no type for scripts with a block: pyscript is offered for ``.py``
and ``.pyw``, and a person chooses it with "Open with" and "Always". For all Python files it is the default where nobody
chose anything, and ``pyscript open`` gives what has no block to the program that opened it before. What a person chose
(``UserChoice``) is read and never written: Windows protects it.
Source: "File Types", "Default Programs" and "Application Registration" in the documentation of the Windows shell.
"""

from __future__ import annotations

import ntpath
import re

from launcher.desktop.applications import Application
from launcher.desktop.changes import HKCU, HKLM, REG_NONE, REG_SZ, Kind, Place, Plan, Wanted, decoded, encoded
from launcher.desktop.registry import Registry
from launcher.errors import RegistrationFailed

_CLASSES = r"Software\Classes"
_CAPABILITIES = r"Software\pyscript\Capabilities"
_APP_PATHS = r"Software\Microsoft\Windows\CurrentVersion\App Paths"
_CHOICE = r"Software\Microsoft\Windows\CurrentVersion\Explorer\FileExts\{}\UserChoice"
_ABOUT = "Run a Python script with the packages that it asks for"

PROG_IDS = {".py": "pyscript.Script.1", ".pyw": "pyscript.WindowScript.1"}
"""What our types are called, by the ending of the files; Windows wants a version at the end."""


def plan(handler: str, registry: Registry, *, is_for_all_python: bool) -> Plan:
    r"""Return what is to be set so that `handler`, the path of ``pyscriptw.exe``, is offered for scripts.

    With `is_for_all_python` it is the default, unless the person chose something. Raises `RegistrationFailed` where a
    command line cannot name the handler.
    """
    if "%" in handler or '"' in handler or not handler.isprintable():
        raise RegistrationFailed(
            f"Windows cannot be told to start {handler}: it is no plain path.",
            hint="Install pyscript at a path without percent signs.",
        )
    values = {
        **_types(handler),
        **_application(handler),
        **{
            (rf"{_CLASSES}\{suffix}\OpenWithProgids", name): encoded(REG_NONE, b"") for suffix, name in PROG_IDS.items()
        },
    }
    if is_for_all_python:
        values |= {(rf"{_CLASSES}\{suffix}", ""): encoded(REG_SZ, name) for suffix, name in PROG_IDS.items()}
    return Plan(
        platform="win32",
        handler=handler,
        is_for_all_python=is_for_all_python,
        wanted=tuple(
            Wanted(Place(Kind.REGISTRY, rf"{HKCU}\{key}", name), content) for (key, name), content in values.items()
        ),
        opener=opener(registry) or "",
    )


def chosen(registry: Registry, suffix: str) -> str | None:
    """Return what the person chose to open files with this ending, by its identifier."""
    return _text(registry, rf"{HKCU}\{_CHOICE.format(suffix)}", "ProgId")


def opener(registry: Registry) -> str | None:
    """Return the identifier of what opens ``.py`` files, were pyscript not there."""
    keys = (rf"{HKCU}\{_CLASSES}\.py", rf"{HKLM}\{_CLASSES}\.py")
    found = (chosen(registry, ".py"), *(_text(registry, key) for key in keys))
    return next((each for each in found if each and each not in PROG_IDS.values()), None)


def find_application(identifier: str, registry: Registry) -> Application | None:
    """Return the program behind an identifier, or None where there is none."""
    for root in (HKCU, HKLM):
        if line := _text(registry, rf"{root}\{_CLASSES}\{identifier}\shell\open\command"):
            name = _text(registry, rf"{root}\{_CLASSES}\{identifier}") or identifier
            return Application(identifier, name, _words(line))
    return None


def _types(handler: str) -> dict[tuple[str, str], bytes]:
    """Return the values of our types, by key and name."""
    values: dict[tuple[str, str], str] = {}
    for suffix, name in PROG_IDS.items():
        key = rf"{_CLASSES}\{name}"
        values |= {
            (key, ""): "Python script" if suffix == ".py" else "Python script without a console",
            (rf"{key}\Application", "ApplicationName"): "pyscript",
            (rf"{key}\DefaultIcon", ""): f'"{handler}",0',
            (rf"{key}\shell\open", "FriendlyAppName"): "pyscript",
            (rf"{key}\shell\open\command", ""): _command(handler),
        }
    return {place: encoded(REG_SZ, text) for place, text in values.items()}


def _application(handler: str) -> dict[tuple[str, str], bytes]:
    """Return the values that make a program known: to "Open with", to the settings, and to the Run dialog."""
    directory, file_name = ntpath.split(handler)
    application = rf"{_CLASSES}\Applications\{file_name}"
    values = {
        (application, "FriendlyAppName"): "pyscript",
        (rf"{application}\shell\open\command", ""): _command(handler),
        (_CAPABILITIES, "ApplicationName"): "pyscript",
        (_CAPABILITIES, "ApplicationDescription"): _ABOUT,
        (r"Software\RegisteredApplications", "pyscript"): _CAPABILITIES,
    }
    for suffix, name in PROG_IDS.items():
        values[rf"{application}\SupportedTypes", suffix] = ""
        values[rf"{_CAPABILITIES}\FileAssociations", suffix] = name
    for program in ("pyscript.exe", "pyscriptw.exe"):
        values[rf"{_APP_PATHS}\{program}", ""] = ntpath.join(directory, program)
    return {place: encoded(REG_SZ, text) for place, text in values.items()}


def _command(handler: str) -> str:
    return f'"{handler}" open "%1" %*'


def _text(registry: Registry, key: str, name: str = "") -> str | None:
    content = registry.read(key, name)
    text = decoded(content)[1] if content else None
    return text if isinstance(text, str) and text else None


def _words(line: str) -> tuple[str, ...]:
    r"""Return the words of a command line, with the codes of an entry in the place of Windows' own.

    >>> _words(r'"C:\my tools\py.exe" "%L" %*')
    ('C:\\\\my tools\\\\py.exe', '%f')
    """
    words = [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', line)]
    codes = {"%1": "%f", "%L": "%f", "%l": "%f"}
    return tuple(codes.get(word, word.replace("%", "%%")) for word in words if word != "%*")
