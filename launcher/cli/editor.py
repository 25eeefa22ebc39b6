"""Which editor a person uses, and how it is told to open a script. Pure, but for looking at PATH."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher.errors import CommandNotFound, UsageError

_WITH_WORKSPACES = ("code", "code-insiders", "codium", "vscodium", "cursor", "windsurf", "positron")
"""VS Code and what is made of it: they read workspace files and wait with ``--wait``."""

_VARIABLES = ("VISUAL", "EDITOR")
_IN_A_TERMINAL = ("sensible-editor", "editor", "nano", "micro", "nvim", "vim", "vi", "emacs")


@dataclass(frozen=True, slots=True)
class Editor:
    """An editor as somebody named it; `words` begin with the path of its program."""

    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """What people call it."""
        return Path(self.words[0]).name.lower().removesuffix(".exe").removesuffix(".cmd")

    @property
    def reads_workspaces(self) -> bool:
        """Whether it is VS Code or made of it."""
        return self.name in _WITH_WORKSPACES

    def opening(self, script: str, workspace: Path | None = None) -> list[str]:
        """Return the command line that opens a script and waits until it is closed.

        A `workspace` is given to an editor that reads them.
        """
        words = list(self.words)
        if self.reads_workspaces:
            words += [] if {"-w", "--wait"} & set(words) else ["--wait"]
            words += [] if workspace is None else [str(workspace)]
        # A name that begins with a dash would be taken for an option.
        return [*words, os.path.join(os.curdir, script) if script.startswith("-") else script]


def find_editor(chosen: str | None, environ: Mapping[str, str]) -> Editor:
    """Return the editor in `chosen`, $VISUAL or $EDITOR, else VS Code or what else is there.

    Raises `UsageError` where the one that is named is not there, `CommandNotFound` where there is none at all.
    """
    named = [("--editor", chosen or ""), *((f"The variable {name}", environ.get(name, "")) for name in _VARIABLES)]
    path = environ.get("PATH", os.defpath)
    for origin, text in named:
        if text.strip():
            return _named(text, origin, path)
    for name in (*(_WITH_WORKSPACES if _has_a_screen(environ) else ()), *_IN_A_TERMINAL):
        if found := shutil.which(name, path=path):
            return Editor((found,))
    if sys.platform == "win32":
        return Editor(("notepad.exe",))
    if sys.platform == "darwin":
        return Editor(("/usr/bin/open", "-W", "-t"))
    raise CommandNotFound(
        "There is no editor: neither VISUAL nor EDITOR is set, and none that is known is on PATH.",
        hint="Name yours: pyscript edit --editor PROGRAM SCRIPT, or export EDITOR=PROGRAM",
    )


def _named(text: str, origin: str, path: str) -> Editor:
    """Return an editor with its options, as they are written for a shell."""
    # The path of a program with blanks in it, as people write it on Windows.
    if found := shutil.which(text.strip(), path=path):
        return Editor((found,))
    try:
        words = shlex.split(text, posix=sys.platform != "win32")
    except ValueError as error:
        raise UsageError(f"{origin}: {text!r} cannot be read: {error}.") from error
    found = shutil.which(os.path.expanduser(words[0].strip('"')), path=path) if words else None
    if found is None:
        raise UsageError(
            f"{origin} names the editor {words[0] if words else text!r}, which is no program on PATH.",
            hint="Install it, or name another one with --editor.",
        )
    return Editor((found, *words[1:]))


def _has_a_screen(environ: Mapping[str, str]) -> bool:
    """Tell whether a window can open here: on a desktop, or in the terminal of an editor, which hands it on."""
    if sys.platform in ("win32", "darwin") or environ.get("TERM_PROGRAM") == "vscode":
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
