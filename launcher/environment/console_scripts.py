"""Write the programs of a wheel's entry points.

installer writes the same, but importing it takes 48 ms, many times what composing an environment may take.
"""

from __future__ import annotations

import os

from launcher.environment.manifest import EntryPoint

_LONGEST_SHEBANG = 127
"""What Linux before 5.1 reads of the first line."""

_POSIX_TEMPLATE = """\
import sys
from {module} import {imported}
if __name__ == "__main__":
    sys.exit({attribute}())
"""

_WINDOWS_TEMPLATE = """\
import sys
from {module} import {imported}
if __name__ == "__main__":
    if sys.argv[0].endswith(".exe"):
        sys.argv[0] = sys.argv[0][:-4]
    sys.exit({attribute}())
"""


def posix_script(point: EntryPoint, python: str) -> bytes:
    """Return the program for an entry point, run by the interpreter at the path `python`."""
    return shebang(python) + _code(_POSIX_TEMPLATE, point)


def windows_launcher_tail(point: EntryPoint, python: str) -> bytes:
    """Return what follows Windows' launcher in the ``.exe`` for an entry point, run by `python`."""
    return windows_program_tail(_code(_WINDOWS_TEMPLATE, point), python, is_gui=point.is_gui)


def windows_program_tail(code: bytes, python: str, *, is_gui: bool) -> bytes:
    """Return what follows Windows' launcher in an ``.exe``: the first line and a ZIP with the code."""
    if is_gui:
        directory, _, file_name = python.rpartition("\\")
        python = f"{directory}\\{file_name.replace('python', 'pythonw')}"
    # 15 ms that only Windows needs.
    import io  # noqa: PLC0415
    import zipfile  # noqa: PLC0415

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py"), code)
    return b"#!" + python.encode() + b"\n" + stream.getvalue()


def shebang(python: str) -> bytes:
    r"""Return the first line, or lines, that make a file a program run by `python`.

    Where the system could not read the path in a first line, ``/bin/sh`` starts Python, which takes the next two lines
    for a string.

    >>> shebang("/env/bin/python")
    b'#!/env/bin/python\n'
    >>> shebang("/my env/bin/python")
    b'#!/bin/sh\n\'\'\'exec\' \'/my env/bin/python\' "$0" "$@"\n\' \'\'\'\n'
    """
    line = b"#!" + os.fsencode(python) + b"\n"
    if len(line) <= _LONGEST_SHEBANG and len(python.split()) == 1:
        return line
    quoted = "'" + python.replace("'", "'\"'\"'") + "'"
    return b"#!/bin/sh\n'''exec' " + os.fsencode(quoted) + b' "$0" "$@"\n' + b"' '''\n"


def rewrite_shebang(content: bytes, python: str) -> bytes:
    """Replace the ``#!python`` or ``#!pythonw`` line that a wheel's own script starts with."""
    return shebang(python) + content.partition(b"\n")[2]


def _code(template: str, point: EntryPoint) -> bytes:
    imported = point.attribute.partition(".")[0]
    return template.format(module=point.module, imported=imported, attribute=point.attribute).encode()
