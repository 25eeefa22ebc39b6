#!/usr/bin/env pyscript
# /// script
# requires-python = ">=3.11"
# dependencies = ["humanize>=4,<5", "rich>=13,<16"]
# ///
"""Find files that are there twice, in the folder that this file lies in; put it into Downloads and double-click it.

duplicates.py                  its own folder and all below; asks before it moves anything
duplicates.py ~/Pictures
duplicates.py --move           move all but the oldest of each into "Duplicates", without asking
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import defaultdict
from pathlib import Path

from humanize import naturalsize
from rich.console import Console
from rich.progress import track
from rich.table import Table

ASIDE = "Duplicates"


def files_below(folder: Path) -> list[Path]:
    """Return all files with something in them, hidden ones and those put aside before left out."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.is_symlink()
        and path.stat().st_size
        and not any(part.startswith(".") or part == ASIDE for part in path.relative_to(folder).parts)
    ]


def same_content(paths: list[Path], console: Console) -> list[list[Path]]:
    """Return groups of files with the same content, the oldest of each first; the largest files come first."""
    by_size = defaultdict(list)
    for path in paths:
        by_size[path.stat().st_size].append(path)
    candidates = [path for group in by_size.values() if len(group) > 1 for path in group]
    by_content = defaultdict(list)
    for path in track(candidates, "Reading", console=console, transient=True):
        with path.open("rb") as file:
            by_content[hashlib.file_digest(file, "sha256").digest()].append(path)
    groups = [sorted(group, key=lambda path: path.stat().st_mtime) for group in by_content.values() if len(group) > 1]
    return sorted(groups, key=lambda group: -group[0].stat().st_size)


def show(groups: list[list[Path]], folder: Path, console: Console) -> None:
    """Print what is there several times."""
    table = Table("Kept", "The same again", "Size")
    table.columns[2].justify = "right"
    for kept, *copies in groups:
        names = "\n".join(str(path.relative_to(folder)) for path in copies)
        table.add_row(str(kept.relative_to(folder)), names, naturalsize(kept.stat().st_size))
    console.print(table)


def put_aside(copies: list[Path], folder: Path) -> None:
    """Move files into the folder for them, under names that are free there."""
    (folder / ASIDE).mkdir(exist_ok=True)
    for path in copies:
        target = folder / ASIDE / path.name
        number = 1
        while target.exists():
            number += 1
            target = folder / ASIDE / f"{path.stem} {number}{path.suffix}"
        path.rename(target)


def main() -> None:
    """Read the command line, show what is there twice, ask and move."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent)
    parser.add_argument("--move", action="store_true", help="move all but the oldest of each, without asking")
    options = parser.parse_args()
    folder, console = options.folder.resolve(), Console(highlight=False, markup=False)
    if not folder.is_dir():
        parser.error(f"{folder} is not a folder")

    groups = same_content(files_below(folder), console)
    if not groups:
        console.print(f"Nothing in {folder} is there twice.")
        return
    show(groups, folder, console)
    copies = [path for group in groups for path in group[1:]]
    what = f"{len(copies)} {'copy' if len(copies) == 1 else 'copies'}"
    is_wanted = options.move
    if not is_wanted and sys.stdin.isatty():
        is_wanted = console.input(f"Move {what} into the folder {ASIDE}? [y/N] ").strip().lower() in {"y", "yes"}
    if is_wanted:
        put_aside(copies, folder)
        console.print(f"Moved {what} into {folder / ASIDE}.")
    else:
        console.print("Nothing was moved.")


if __name__ == "__main__":
    main()
