"""What a command may be called. Pure."""

from __future__ import annotations

import os
import re

from launcher.errors import UsageError

_ALLOWED = r"\w[\w.+-]*"
_LONGEST_BYTES = 100
"""File systems end at 255 bytes, and temporary files have longer names."""

_OURS = ("pyscript", "pyscript-launcher")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""What Windows takes for a device, whatever stands behind the dot."""

_SHELL_WORDS = (
    " alias bg break builtin case cd command continue declare dirs disown do done echo elif else enable end esac"
    " eval exec exit export false fc fg fi for function getopts hash help history if jobs kill let local logout popd"
    " printf pushd pwd read readonly return select set shift source suspend switch test then time times trap true type"
    " typeset ulimit umask unalias unset until wait which while "
)
"""Words that bash, zsh or fish understand themselves before they look at PATH."""


def is_shell_word(name: str) -> bool:
    """Tell whether a shell means something else by the name.

    >>> is_shell_word("test"), is_shell_word("es")
    (True, False)
    """
    return f" {name} " in _SHELL_WORDS


def check_name(name: str) -> None:
    """Raise `UsageError` for what is no name of a command.

    >>> check_name("hello-world.2")
    >>> check_name("../evil")
    Traceback (most recent call last):
    launcher.errors.UsageError: A command cannot be called '../evil'.
    """
    hint = "Give a name of letters, digits, and _ . + - behind the first: --name greet"
    if not re.fullmatch(_ALLOWED, name) or len(os.fsencode(name)) > _LONGEST_BYTES or name.endswith("."):
        raise UsageError(f"A command cannot be called {name!r}.", hint=hint)
    if name.lower() in _OURS:
        raise UsageError(f"{name} is pyscript's own program.", hint="Give another name: --name greet")
    if _DEVICES.fullmatch(name):
        raise UsageError(f"Windows takes {name} for a device.", hint="Give another name: --name greet")


def default_name(source: str) -> str:
    """Return the name of the command for a script's path or URL, which `check_name` has not seen yet.

    >>> default_name("/home/me/greet.py"), default_name("/home/me/my.tool"), default_name("/home/me/app/__main__.py")
    ('greet', 'my.tool', 'app')
    """
    directory, _, file_name = source.rstrip("/").replace("\\", "/").rpartition("/")
    stem, suffix = os.path.splitext(file_name)
    if stem == "__main__":
        return default_name(directory)
    return stem if suffix in (".py", ".pyw", ".pyz") else file_name
