#!/usr/bin/env pyscript
# /// script
# requires-python = ">=3.11"
# dependencies = ["fpdf2>=2.7.9,<3", "pypdf>=4,<8"]
# ///
"""Join PDF files into one, with a page of contents in front and bookmarks at the side.

    pdfmerge.py january.pdf february.pdf march.pdf --out quarter.pdf --title "First quarter"
    pdfmerge.py scans/*.pdf --plain             no page of contents
    pdfmerge.py                                 writes three letters of its own and joins them

The files themselves stay as they are.
"""

from __future__ import annotations

import argparse
import tempfile
from io import BytesIO
from pathlib import Path

from fpdf import FPDF
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError

LETTERS = {
    "1 Invitation": ["Dear Ada,", "come to tea on Thursday. There will be cake and, if Charles is well, an engine."],
    "2 Reply": ["Dear Mary,", "gladly. I shall bring notes. They have become longer than the paper they are about."],
    "3 Thanks": ["Dear Ada,", "the cake is gone and the notes are still here. Everybody reads note G first."],
}


def new_page(heading: str) -> FPDF:
    """Return a document with one page that has a heading and room below it."""
    page = FPDF(format="A4")
    page.set_margin(25)
    page.add_page()
    page.set_font("Times", "B", 24)
    page.cell(0, 20, latin(heading), new_x="LMARGIN", new_y="NEXT")
    page.set_font("Times", size=13)
    return page


def latin(text: str) -> str:
    """Replace what the fonts built into every PDF reader do not have."""
    return text.encode("latin-1", "replace").decode("latin-1")


def write_letters(folder: Path) -> list[Path]:
    """Write some letters to join."""
    paths = []
    for name, paragraphs in LETTERS.items():
        page = new_page(name[2:])
        for paragraph in paragraphs:
            page.multi_cell(0, 9, paragraph, new_x="LMARGIN", new_y="NEXT")
        paths.append(folder / f"{name}.pdf")
        page.output(str(paths[-1]))
    return paths


def contents_page(title: str, first_pages: list[tuple[str, int]]) -> PdfReader:
    """Return a page that lists the files and the page on which each begins."""
    page = new_page(title)
    for name, first in first_pages:
        page.cell(140, 10, latin(name), border="B")
        page.cell(20, 10, str(first), border="B", align="R", new_x="LMARGIN", new_y="NEXT")
    return PdfReader(BytesIO(page.output()))


def merge(files: list[Path], title: str, *, plain: bool) -> tuple[PdfWriter, list[tuple[str, int]]]:
    """Join the files in the order given; return the result and each file's first page, from 1."""
    parts = [(path.stem, PdfReader(path)) for path in files]
    first_pages, next_page = [], 1 if plain else 2
    for name, part in parts:
        first_pages.append((name, next_page))
        next_page += len(part.pages)
    writer = PdfWriter()
    writer.add_metadata({"/Title": title})
    if not plain:
        writer.append(contents_page(title, first_pages), outline_item="Contents")
    for name, part in parts:
        writer.append(part, outline_item=name)
    return writer, first_pages


def main() -> None:
    """Read the command line, write the joined file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="PDF", help="in the order wanted")
    parser.add_argument("--out", type=Path, default=Path("merged.pdf"), help="default: merged.pdf")
    parser.add_argument("--title", default="Contents", help="the heading of the first page")
    parser.add_argument("--plain", action="store_true", help="make no page of contents")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        files = options.files or write_letters(Path(folder))
        try:
            writer, first_pages = merge(files, options.title, plain=options.plain)
        except (OSError, PyPdfError) as error:
            parser.exit(1, f"Nothing was written: {error}\n")
    writer.write(options.out)
    for name, first in first_pages:
        print(f"page {first:>3}  {name}")
    print(f"{options.out}: {len(writer.pages)} pages")


if __name__ == "__main__":
    main()
