"""The file on PATH that starts a command: what is written into it. Pure.

On POSIX a shell script that reads pyscript's own shell launcher in. Of four ways it is the quickest that is right
everywhere: a copy with ``#!/…/pyscript`` fails on macOS, where the program of a first line may not be a script itself;
a link to a script with ``#!/usr/bin/env pyscript`` needs the right PATH, also in cron, keeps no options, and executes
three programs where this executes two (1302 system calls up to the end of Python; 1273 with a shell that executes
pyscript, 1226 so, and 1220 for ``pyscript SCRIPT`` itself).
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass

from launcher.environment.console_scripts import windows_program_tail

_SHELL = """\
#!/bin/sh
# {name} is a script that pyscript installed as a command; pyscript uninstall {name} removes it.
set -- {words} "$@"
pyscript_itself={program} recognition={recognition}
trap 'echo "{name}: pyscript is broken or was moved; install it, then: pyscript upgrade {name}" >&2' EXIT
[ -x "$pyscript_itself" ] || pyscript_itself=$(command -v pyscript) || exit 127
[ -f "$recognition" ] && . "$recognition"
exec "$pyscript_itself" "$@"
"""

_WINDOWS = """\
import sys
sys.argv[1:1] = {words!r}
from launcher.__main__ import main
sys.exit(main())
"""


@dataclass(frozen=True, slots=True)
class Launcher:
    """Where pyscript is: its `program`, its shell launcher as `recognition`, and the Python that it runs on."""

    program: str
    recognition: str
    python: str


def shell_command(name: str, words: tuple[str, ...], launcher: Launcher) -> bytes:
    """Return the shell script for the command `name`; `words` are pyscript's options and the script.

    It becomes the script by way of `Launcher.recognition`; where that is gone, by pyscript itself, which is looked for
    on PATH as well; and where there is none, it says what to do.
    """
    quoted = " ".join(shlex.quote(word) for word in words)
    text = _SHELL.format(
        name=name, words=quoted, program=shlex.quote(launcher.program), recognition=shlex.quote(launcher.recognition)
    )
    return os.fsencode(text)


def windows_command(stub: bytes, words: tuple[str, ...], launcher: Launcher, *, is_gui: bool) -> bytes:
    """Return the ``.exe`` for a command: installer's program `stub`, and behind it what Python is to do."""
    code = _WINDOWS.format(words=list(words)).encode()
    return stub + windows_program_tail(code, launcher.python, is_gui=is_gui)
