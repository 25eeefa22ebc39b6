"""Which application opens a Python file that is not for pyscript: the one that did before pyscript was there."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from launcher.desktop import linux, macos, windows
from launcher.desktop.applications import Application, Homes, find_application
from launcher.desktop.journal import Journal, JournalFile
from launcher.desktop.registry import open_registry
from launcher.errors import PyscriptError
from launcher.python.places import data_directory


def previous_application(environ: Mapping[str, str]) -> Application | None:
    """Return the application that a file without a block is given to, by ``Application.command(path)``.

    It is the one that the journal remembers; where that is gone, or nothing is installed, the one that would be chosen
    were pyscript not there. None where there is none at all.
    """
    if sys.platform == "darwin":
        return macos.EDITOR
    journal = _journal(environ)
    remembered = journal.opener if journal else ""
    if registry := open_registry():
        names = (remembered, windows.opener(registry) or "")
        return next((found for each in names if each and (found := windows.find_application(each, registry))), None)
    homes = Homes.of(environ)
    names = (remembered, linux.opener(homes) or "")
    return next((found for each in names if each and (found := find_application(each, homes))), None)


def application_for_plain_files(environ: Mapping[str, str]) -> Application | None:
    """Return the previous application where pyscript was registered for all Python files, else None.

    Files without a block come to pyscript otherwise too, where a person chose it for one; then it is to run them.
    """
    journal = _journal(environ)
    return previous_application(environ) if journal and journal.is_for_all_python else None


def _journal(environ: Mapping[str, str]) -> Journal | None:
    try:
        return JournalFile(data_directory(environ, sys.platform)).read()
    except PyscriptError:
        # A damaged journal is for `pyscript desktop` to complain about; the file can be opened without it.
        return None
