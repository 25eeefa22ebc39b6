"""What a double-click takes on macOS: a small application that declares the types of Python files.

It is a droplet, which ``osacompile`` makes of a few lines of AppleScript: a bundle around a shell script never gets
the event that says which file is to be opened. Its property list is completed, and it is signed ad hoc, because
macOS starts no program on Apple silicon that is not. As on Windows a person makes it the default ("Get Info", "Open
with", "Change All"): macOS goes by the end of a file's name as well.
"""

from __future__ import annotations

import os
import plistlib
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from launcher.desktop.applications import Application
from launcher.desktop.changes import Kind, Place, Plan, Wanted
from launcher.errors import RegistrationFailed

BUNDLE = "pyscript.app"
IDENTIFIER = "pyscript-launcher.open"
EDITOR = Application("TextEdit", "the text editor", ("/usr/bin/open", "-t", "%f"))
"""Opens what has no block; which application did before is not to be told from outside."""

_REGISTER = "/System/Library/Frameworks/CoreServices.framework/Frameworks/LaunchServices.framework/Support/lsregister"

_SOURCE = """\
on open theFiles
    repeat with theFile in theFiles
        do shell script {opening} & quoted form of POSIX path of theFile & " > /dev/null 2>&1 &"
    end repeat
end open

on run
    display dialog "pyscript opens Python scripts: double-click one, or drop it here." buttons {{"OK"}} default button 1
end run
"""

Run = Callable[[Sequence[str]], None]
"""Runs a program and raises `RegistrationFailed` where it fails."""


def plan(handler: str, environ: Mapping[str, str], run: Run, *, is_for_all_python: bool) -> Plan:
    """Return the files of the application, which is made in a temporary directory to know them.

    Raises `RegistrationFailed` where it cannot be made.
    """
    home = environ.get("HOME") or os.path.expanduser("~")
    application = os.path.join(home, "Applications", BUNDLE)
    with TemporaryDirectory() as directory:
        bundle = _made(Path(directory), handler, run, is_for_all_python=is_for_all_python)
        files = sorted(path for path in bundle.rglob("*") if path.is_file())
        wanted = tuple(
            Wanted(
                Place(Kind.FILE, os.path.join(application, path.relative_to(bundle))),
                path.read_bytes(),
                is_executable=os.access(path, os.X_OK),
            )
            for path in files
        )
    return Plan(
        platform="darwin",
        handler=handler,
        is_for_all_python=is_for_all_python,
        wanted=wanted,
        refreshes=((_REGISTER, "-f", application),),
        opener=EDITOR.identifier,
    )


def _made(directory: Path, handler: str, run: Run, *, is_for_all_python: bool) -> Path:
    """Make the application in a directory, and return it."""
    bundle = directory / BUNDLE
    source = directory / "open.applescript"
    source.write_text(apple_script(handler), encoding="utf-8")
    run(("/usr/bin/osacompile", "-o", str(bundle), str(source)))
    properties = bundle / "Contents" / "Info.plist"
    try:
        merged = with_types(properties.read_bytes(), is_for_all_python=is_for_all_python)
    except (OSError, ValueError, plistlib.InvalidFileException) as error:
        raise RegistrationFailed(
            f"osacompile made no application that can be completed: {error}.",
            hint="Install Apple's command line tools.",
        ) from error
    properties.write_bytes(merged)
    run(("/usr/bin/codesign", "--force", "--sign", "-", str(bundle)))
    return bundle


def apple_script(handler: str) -> str:
    r"""Return the source of the droplet: each file is given to the handler, which is not waited for.

    >>> print(apple_script('/a "b"/pyscript').splitlines()[2].strip().partition(" & quoted")[0])
    do shell script "'/a \"b\"/pyscript' open "
    """
    opening = f"{shlex.quote(handler)} open "
    literal = opening.replace("\\", "\\\\").replace('"', '\\"')
    return _SOURCE.format(opening=f'"{literal}"')


def with_types(properties: bytes, *, is_for_all_python: bool) -> bytes:
    """Return a property list with our name and the types of Python files, and whatever else was in it."""
    table = plistlib.loads(properties)
    table |= {
        "CFBundleIdentifier": IDENTIFIER,
        "CFBundleName": "pyscript",
        "CFBundleDocumentTypes": [
            {
                "CFBundleTypeName": "Python script",
                "CFBundleTypeRole": "Viewer",
                "CFBundleTypeExtensions": ["py", "pyw"],
                "LSItemContentTypes": ["public.python-script"],
                "LSHandlerRank": "Default" if is_for_all_python else "Alternate",
            }
        ],
        "LSUIElement": True,
    }
    return plistlib.dumps(table)
