#!/usr/bin/env pyscript
# /// script
# requires-python = ">=3.11"
# dependencies = ["pillow>=10.4,<14"]
# ///
"""Make a small version of every picture in a folder, and one contact sheet of them all.

    thumbnails.py holiday/                  writes holiday/thumbnails/*.jpg and holiday/thumbnails/contact-sheet.png
    thumbnails.py holiday/ --size 320 --out small/
    thumbnails.py                           paints six pictures of its own to show what it does

The pictures themselves stay as they are.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps, UnidentifiedImageError

PAPER, INK = "#f6f1e7", "#3d3a36"
MARGIN, CAPTION_HEIGHT = 16, 22
HORIZONS = {
    "dawn": ("#ffd9a0", "#7a5c86"),
    "noon": ("#9fd3f5", "#3f7d4e"),
    "dusk": ("#f2785c", "#3b2a4a"),
    "night": ("#1b2440", "#0b0f1c"),
    "fog": ("#e4e6e6", "#aab3b3"),
    "snow": ("#c9e0ee", "#f7fbfd"),
}


def paint_samples(folder: Path) -> None:
    """Paint a few landscapes of different shapes, so that there is something to make small."""
    for number, (name, (sky, land)) in enumerate(HORIZONS.items()):
        width, height = (900, 600) if number % 3 else (600, 900)
        picture = Image.new("RGB", (width, height), sky)
        draw = ImageDraw.Draw(picture)
        draw.circle((width * 0.68, height * 0.3), width * 0.09, fill="#fff7dc")
        hills = [(x, height * 0.68 + 60 * math.sin(x / 130 + number) + 18 * math.sin(x / 37)) for x in range(width + 1)]
        draw.polygon([(0, height), *hills, (width, height)], fill=land)
        picture.save(folder / f"{name}.png")


def make_thumbnail(path: Path, size: int) -> Image.Image | None:
    """Return the picture no larger than a square of `size` pixels, upright; None for a file that is no picture."""
    try:
        with Image.open(path) as picture:
            picture.draft("RGB", (size, size))  # lets the JPEG decoder skip most of the work
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (UnidentifiedImageError, OSError):
        return None
    upright.thumbnail((size, size))
    return upright


def contact_sheet(thumbnails: dict[str, Image.Image], size: int) -> Image.Image:
    """Place the thumbnails on one sheet, as near to a square as it gets, each with its name below."""
    columns = math.ceil(math.sqrt(len(thumbnails)))
    rows = math.ceil(len(thumbnails) / columns)
    cell_width, cell_height = size + MARGIN, size + MARGIN + CAPTION_HEIGHT
    sheet = Image.new("RGB", (columns * cell_width + MARGIN, rows * cell_height + MARGIN), PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, (name, thumbnail) in enumerate(thumbnails.items()):
        row, column = divmod(number, columns)
        left, top = MARGIN + column * cell_width, MARGIN + row * cell_height
        sheet.paste(thumbnail, (left + (size - thumbnail.width) // 2, top + (size - thumbnail.height) // 2))
        draw.text((left + size / 2, top + size + 4), name, fill=INK, anchor="ma", font_size=14)
    return sheet


def main() -> None:
    """Read the command line, write the thumbnails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="where the pictures are (default: paints some)")
    parser.add_argument("--size", type=int, default=200, help="longest side in pixels (default: 200)")
    parser.add_argument("--out", type=Path, help="where to write (default: 'thumbnails' in the folder)")
    options = parser.parse_args()

    folder = options.folder
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="pictures-"))
        paint_samples(folder)
    if not folder.is_dir():
        parser.error(f"{folder} is not a folder")

    files = sorted(path for path in folder.iterdir() if path.is_file())
    made = {path.name: small for path in files if (small := make_thumbnail(path, options.size))}
    if not made:
        parser.exit(1, f"There is no picture in {folder}.\n")
    out = options.out or folder / "thumbnails"
    out.mkdir(parents=True, exist_ok=True)
    for name, thumbnail in made.items():
        thumbnail.save(out / f"{name}.jpg", quality=85)
        print(f"{name}: {thumbnail.width} x {thumbnail.height}")
    contact_sheet(made, options.size).save(out / "contact-sheet.png")
    print(f"{len(made)} thumbnails and contact-sheet.png are in {out}")


if __name__ == "__main__":
    main()
