#!/usr/bin/env pyscript
# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Say what fills the disk: the biggest files and folders below a folder.

    biggest.py                      below the current folder
    biggest.py ~/Downloads --top 20
    biggest.py ~ --older 365        only what nobody has changed for a year

Needs nothing but Python.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

BAR_WIDTH = 24
DAY_S = 24 * 60 * 60


def files_below(folder: Path, older_than_days: float) -> Iterator[tuple[Path, int]]:
    """Give each file with the bytes it takes; what may not be read is left out, links are not followed."""
    newest = time.time() - older_than_days * DAY_S
    seen: set[tuple[int, int]] = set()  # a file with several hard links takes its space once
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            try:
                status = path.lstat()
            except OSError:
                continue
            identity = (status.st_dev, status.st_ino)
            if status.st_mtime <= newest and identity not in seen:
                seen.add(identity)
                yield path, status.st_size


def in_words(size_bytes: float) -> str:
    """Return "1.4 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} B" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} TB"


def show(heading: str, sizes: Counter[Path], top: int, folder: Path) -> None:
    """Print the largest of them with bars."""
    print(heading)
    largest = max(sizes.values(), default=0) or 1
    for path, size in sizes.most_common(top):
        bar = "█" * round(BAR_WIDTH * size / largest)
        print(f"  {in_words(size):>9}  {bar:<{BAR_WIDTH}}  {path.relative_to(folder)}")


def main() -> None:
    """Read the command line, print what is big."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="default: the current folder")
    parser.add_argument("--top", type=int, default=8, help="how many to show (default: 8)")
    parser.add_argument("--older", type=float, default=0, metavar="DAYS", help="not changed for so many days")
    options = parser.parse_args()
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is not a folder")

    files: Counter[Path] = Counter(dict(files_below(options.folder, options.older)))
    folders: Counter[Path] = Counter()
    for path, size in files.items():
        for parent in path.relative_to(options.folder).parents[:-1]:
            folders[options.folder / parent] += size
    show("Files", files, options.top, options.folder)
    show("Folders", folders, options.top, options.folder)
    print(f"{len(files):,} files, {in_words(files.total())} together")


if __name__ == "__main__":
    main()
