#!/usr/bin/env pyscript
# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "charset-normalizer>=3,<4",
#     "humanize>=4.10,<5",
#     "natsort>=8,<9",
#     "rich>=13,<16",
# ]
# ///
"""Show a CSV file as a table, with the numbers summed.

    table.py                                a coffee shop's year, from data/coffee.csv
    table.py --sort=-Sum --top 3            the three largest
    table.py accounts.csv --sort Amount     any CSV file, whatever its encoding and separator

Columns of whole numbers side by side, such as the months of a year, become one sparkline and their sum.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from datetime import datetime
from itertools import groupby
from pathlib import Path

from charset_normalizer import from_path
from humanize import intcomma, naturalsize, naturaltime
from natsort import index_natsorted, order_by_index
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

COFFEE = Path(__file__).parent / "data" / "coffee.csv"
SHORTEST_SERIES = 6  # this many columns of whole numbers side by side are one series
BLOCKS = "▁▂▃▄▅▆▇█"
COOL, WARM = (80, 170, 220), (255, 130, 70)

Columns = dict[str, list[str]]


def numbers(cells: list[str]) -> list[float] | None:
    """Return the cells ("1,250.5", "12,5", "") as numbers, or None where one of them is a word."""
    try:
        return [float(re.sub(r",(?=\d{3}\b)", "", cell).replace(",", ".") or 0) for cell in cells]
    except ValueError:
        return None


def read_columns(path: Path) -> Columns:
    """Read a CSV file whose encoding and separator nobody wrote down."""
    text = str(from_path(path).best() or "").lstrip("\ufeff")
    separator = max(",;\t|", key=text.partition("\n")[0].count)
    heading, *rows = [row for row in csv.reader(text.splitlines(), delimiter=separator) if row] or [[]]
    heading = [name if name not in heading[:i] else f"{name} ({i + 1})" for i, name in enumerate(heading)]
    padded = [[escape(cell) for cell in row] + [""] * len(heading) for row in rows]
    return {name: [row[i] for row in padded] for i, name in enumerate(heading)}


def sparkline(series: list[float]) -> str:
    """Draw a series as blocks, from cool and low to warm and high."""
    low, span = min(series), (max(series) - min(series)) or 1
    line = ""
    for height in ((number - low) / span for number in series):
        red, green, blue = (round(cool + height * (warm - cool)) for cool, warm in zip(COOL, WARM, strict=True))
        line += f"[rgb({red},{green},{blue})]{BLOCKS[round(height * 7)]}[/]"
    return line


def fold_series(columns: Columns) -> Columns:
    """Replace every run of whole-number columns that is long enough by a sparkline and its sum."""
    folded: Columns = {}
    for is_whole, group in groupby(columns, key=lambda name: all(cell.isdigit() for cell in columns[name])):
        names = list(group)
        if is_whole and len(names) >= SHORTEST_SERIES:
            rows = [[float(cell) for cell in row] for row in zip(*(columns[name] for name in names), strict=True)]
            span = f"{names[0]} - {names[-1]}"
            folded[span] = [sparkline(row) for row in rows]
            sum_name = "Sum" if "Sum" not in {*columns, *folded} else f"Sum {span}"
            folded[sum_name] = [intcomma(sum(row), 0) for row in rows]
        else:
            folded |= {name: columns[name] for name in names}
    return folded


def sort_rows(columns: Columns, by: str) -> Columns:
    """Sort as a person would ("file2" before "file10"); a minus before the name puts the largest first."""
    name = by.removeprefix("-")
    if name not in columns:
        sys.exit(f"There is no column {name!r}. There are: {', '.join(columns)}.")
    order = index_natsorted(numbers(columns[name]) or columns[name], reverse=by.startswith("-"))
    return {name: order_by_index(cells, order) for name, cells in columns.items()}


def as_table(title: str, caption: str, columns: Columns) -> Table:
    """Lay the columns out: words to the left, numbers to the right with their sum below."""
    table = Table(title=escape(title), caption=escape(caption), box=box.ROUNDED, show_footer=True)
    table.title_style, table.header_style = "bold", "bold cyan"
    for name, cells in columns.items():
        if (values := numbers(cells)) is None:
            table.add_column(escape(name), no_wrap=True)
        else:
            table.add_column(escape(name), intcomma(f"{sum(values):.10g}"), justify="right", footer_style="bold")
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    return table


def main() -> None:
    """Read the command line, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=COFFEE, help="a CSV file (default: data/coffee.csv)")
    parser.add_argument("--sort", metavar="COLUMN", help="sort by this column; --sort=-COLUMN for the largest first")
    parser.add_argument("--top", type=int, metavar="N", help="keep the first N rows only")
    options = parser.parse_args()
    if not options.file.is_file():
        parser.error(f"{options.file} is not a file")

    columns = fold_series(read_columns(options.file))
    if options.sort:
        columns = sort_rows(columns, options.sort)
    columns = {name: cells[: options.top] for name, cells in columns.items()}
    status = options.file.stat()
    age = naturaltime(datetime.now() - datetime.fromtimestamp(status.st_mtime))
    caption = f"{options.file.name}: {naturalsize(status.st_size)}, changed {age}"
    Console().print(as_table(options.file.stem.title(), caption, columns))


if __name__ == "__main__":
    main()
