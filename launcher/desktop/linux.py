"""What a double-click takes on a desktop of freedesktop.org: a MIME type, an application for it, and an icon.

Scripts with a block are a type of their own, below ``text/x-python``, so ordinary Python files stay with the editor.
The magic has to be in step with two others: with the weight of a glob, which is why ours is low (one of 60 takes every
``.py``), and with the magic of ``text/x-python3`` (50 loses to a ``#!`` line). Source: Shared MIME-info Database and
Desktop Entry specifications of freedesktop.org.
"""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from launcher.desktop.applications import Homes, default_application
from launcher.desktop.association_file import DEFAULTS, applications_of
from launcher.desktop.changes import MARK, SCRIPT_TYPE, Database, Kind, Place, Plan, Wanted
from launcher.errors import RegistrationFailed

APPLICATION = "pyscript-open.desktop"
"""The name of our entry, by which lists call it."""

PYTHON_TYPES = ("text/x-python", "text/x-python3")
"""What ordinary Python files are; which of the two depends on the version of the MIME database."""

_NEW_LINES = ("\\n", "\\r")

_ENTRY = """\
# {mark}
[Desktop Entry]
Type=Application
Name=Run Python script
Comment=Run a Python script with the packages that it asks for
Exec={handler} open %f
Icon={icon}
Terminal=false
NoDisplay=true
StartupNotify=false
MimeType={types};
"""

_PACKAGE = """\
<?xml version="1.0" encoding="UTF-8"?>
<!-- {mark} -->
<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">
  <mime-type type="{type}">
    <comment>Python script that names its packages</comment>
    <sub-class-of type="text/x-python"/>
    <generic-icon name="text-x-script"/>
    <glob pattern="*.py" weight="10"/>
    <glob pattern="*.pyw" weight="10"/>
    <magic priority="90">
{matches}
    </magic>
  </mime-type>
  <mime-type type="text/x-python">
    <glob pattern="*.pyw" weight="60"/>
  </mime-type>
</mime-info>
"""


def plan(handler: str, homes: Homes, *, is_for_all_python: bool) -> Plan:
    """Return what is to be written so that `handler` opens scripts with a block, or all Python files.

    Raises `RegistrationFailed` where an entry cannot name the handler.
    """
    types = (SCRIPT_TYPE, *(PYTHON_TYPES if is_for_all_python else ()))
    entry = _ENTRY.format(mark=MARK, handler=quoted(handler), icon=icon_name(), types=";".join(types))
    data = homes.data
    icons = os.path.join(data, "icons/hicolor/scalable/mimetypes")
    files = {
        os.path.join(data, "mime/packages/pyscript.xml"): mime_package().encode(),
        os.path.join(data, "applications", APPLICATION): entry.encode(),
        os.path.join(icons, f"{icon_name()}.svg"): icon(),
    }
    return Plan(
        platform="linux",
        handler=handler,
        is_for_all_python=is_for_all_python,
        wanted=(
            *(Wanted(Place(Kind.FILE, path), content) for path, content in files.items()),
            *claims(homes, types),
        ),
        databases=(
            Database("update-mime-database", os.path.join(data, "mime"), is_needed=True),
            Database("update-desktop-database", os.path.join(data, "applications")),
        ),
        # An icon cache that is older than this directory is passed over.
        refreshes=(("touch", "-c", os.path.join(data, "icons/hicolor")),),
        opener=opener(homes) or "",
    )


def claims(homes: Homes, types: tuple[str, ...]) -> tuple[Wanted, ...]:
    """Return the lines of the person's list that make us the default for types.

    Lists for one desktop, such as ``kde-mimeapps.list``, come before it: where one has a type, it has to have us too.
    """
    wanted = [Wanted(Place(Kind.SHARED, homes.list), application=APPLICATION, claimed=types)]
    for path in homes.lists_of_desktops():
        content = Path(path).read_bytes()
        if claimed := tuple(each for each in types if applications_of(content, DEFAULTS, each)):
            wanted.append(Wanted(Place(Kind.SHARED, path), application=APPLICATION, claimed=claimed))
    return tuple(wanted)


def opener(homes: Homes) -> str | None:
    """Return the name of the entry that opens ordinary Python files, were pyscript not there."""
    found = (default_application(each, homes, but={APPLICATION}) for each in (*PYTHON_TYPES, "text/plain"))
    return next((each for each in found if each), None)


def mime_package() -> str:
    """Return the description of our MIME type: the first line of a block near the beginning of a file tells it."""
    places = (("", "0"), ("\\xef\\xbb\\xbf", "0"), *((end, "0:4095") for end in _NEW_LINES))
    matches = [
        f'      <match type="string" value="{before}# /// script{end}" offset="{offset}"/>'
        for before, offset in places
        for end in _NEW_LINES
    ]
    return _PACKAGE.format(mark=MARK, type=SCRIPT_TYPE, matches="\n".join(matches))


def icon_name() -> str:
    """Return what the icon of our MIME type is called, by which desktops find it."""
    return SCRIPT_TYPE.replace("/", "-")


def icon() -> bytes:
    """Return the icon, an SVG."""
    return resources.files("launcher.desktop").joinpath("icon.svg").read_bytes()


def quoted(path: str) -> str:
    r"""Return a program as an ``Exec`` line has it: quoted, and escaped a second time as every value is.

    Raises `RegistrationFailed` for what no desktop starts: a percent sign, which begins a field code, or a line end.

    >>> print(quoted("/opt/my $tools/pyscript"))
    "/opt/my \\$tools/pyscript"
    """
    # Odd bytes of a name, which are no UTF-8 and have no place in an entry, are not printable either.
    if "%" in path or not path.isprintable():
        raise RegistrationFailed(
            f"No desktop can be told to start {path}: a percent sign, or a character that cannot be shown, is in it.",
            hint="Install pyscript, or put a link to it, at another path that is on PATH.",
        )
    escaped = "".join(f"\\{each}" if each in '"`$\\' else each for each in path)
    return '"' + escaped.replace("\\", "\\\\") + '"'
