#!/usr/bin/env pyscript
# /// script
# requires-python = ">=3.11"
# dependencies = ["matplotlib>=3.8,<4"]
# ///
"""Draw the columns of a CSV file as lines and save the picture; needs no screen.

    plot.py                                     the weather of four towns, to weather.png
    plot.py runs.csv --only pace --out pace.svg
    plot.py runs.csv --title "This year's runs" --size 800x600

The first column is the horizontal axis, each other column of numbers is a line. The end of the file name that
--out gives decides the format: .png, .svg or .pdf.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

WEATHER = Path(__file__).parent / "data" / "weather.csv"
DPI = 100
COLOURS = ["#2a6f97", "#e07a5f", "#588157", "#8e6c8a", "#e9a03b", "#4a4e69"]


def pixel_size(text: str) -> tuple[int, int]:
    """Read "1200x675"."""
    width, _, height = text.partition("x")
    return int(width), int(height)


def read_lines(path: Path) -> tuple[list[str], dict[str, list[float]]]:
    """Return the labels of the horizontal axis and the lines by name; a gap in the file is a gap in the line."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        heading, *rows = csv.reader(file)
    lines: dict[str, list[float]] = {}
    for index, name in enumerate(heading[1:], start=1):
        try:
            lines[name] = [float(row[index] or "nan") for row in rows]
        except ValueError:
            continue  # a column of words
    return [row[0] for row in rows], lines


def draw(labels: list[str], lines: dict[str, list[float]], title: str, size: tuple[int, int]) -> Figure:
    """Draw the lines, each with its name at its right end, where a legend would make the eye travel."""
    mpl.rcParams |= {"font.size": 12, "figure.constrained_layout.h_pad": 0.2, "figure.constrained_layout.w_pad": 0.2}
    figure = Figure(figsize=(size[0] / DPI, size[1] / DPI), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    for number, (name, values) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(values, color=colour, linewidth=2.5, marker="o", markersize=5)
        axes.annotate(
            name, (len(values) - 1, values[-1]), (12, 0), textcoords="offset points", color=colour, va="center"
        )
    every = (len(labels) - 1) // 12 + 1  # more labels than this would overlap
    axes.set_xticks(range(0, len(labels), every), labels[::every])
    axes.set_title(title, loc="left", fontsize=18, fontweight="bold", pad=16)
    axes.grid(axis="y", color="#dddddd")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0)
    return figure


def main() -> None:
    """Read the command line, save the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=WEATHER, help="a CSV file (default: data/weather.csv)")
    parser.add_argument("--only", action="append", metavar="COLUMN", help="draw this column; may be repeated")
    parser.add_argument("--title", help="default: the file's name")
    parser.add_argument("--size", type=pixel_size, default=(1200, 675), help="in pixels (default: 1200x675)")
    parser.add_argument("--out", type=Path, help="default: the file's name with .png, in the current folder")
    options = parser.parse_args()

    labels, lines = read_lines(options.file)
    lines = {name: values for name, values in lines.items() if not options.only or name in options.only}
    if not lines:
        parser.error(f"{options.file} has no such column of numbers")
    out = options.out or Path(f"{options.file.stem}.png")
    draw(labels, lines, options.title or options.file.stem.title(), options.size).savefig(out, dpi=DPI)
    print(f"{out}: {', '.join(lines)}; {len(labels)} points each")


if __name__ == "__main__":
    main()
