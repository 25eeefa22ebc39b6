#!/usr/bin/env pyscript
# /// script
# requires-python = ">=3.11"
# dependencies = ["segno>=1.6,<2"]
# ///
"""Show a QR code in the terminal: a link for a phone, the key of the guest network, a visiting card.

    qr.py https://example.com/menu
    qr.py --wifi "Guest network" --password "correct horse"
    qr.py https://example.com/menu --save menu.svg
    echo "some text" | qr.py -

--save writes .png, .svg, .pdf or .eps instead, for a poster.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import segno
from segno import helpers

EXAMPLE = "https://peps.python.org/pep-0723/"


def make_code(options: argparse.Namespace) -> tuple[segno.QRCode, str]:
    """Return the code that the command line asks for, and what it says in words."""
    if options.wifi:
        security = "WPA" if options.password else None
        code = helpers.make_wifi(ssid=options.wifi, password=options.password, security=security)
        return code, f"the network {options.wifi!r}"
    text = sys.stdin.read().strip() if options.text == "-" else options.text
    return segno.make(text, micro=False), text


def main() -> None:
    """Read the command line, show or save the code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="?", default=EXAMPLE, help="a link or any text; - reads it from stdin")
    parser.add_argument("--wifi", metavar="NAME", help="join this network instead")
    parser.add_argument("--password", help="of the network")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write a picture; the ending says which kind")
    parser.add_argument("--scale", type=int, default=10, help="pixels per module of a saved picture (default: 10)")
    options = parser.parse_args()

    try:
        code, meaning = make_code(options)
        if options.save:
            code.save(str(options.save), scale=options.scale)
            side = code.symbol_size(scale=options.scale)[0]
            print(f"{options.save}: {side} x {side}, {meaning}")
        else:
            code.terminal(compact=True)
            print(f"Version {code.designator}: {meaning}")
    except ValueError as error:  # too much text, or an ending that segno does not know
        parser.error(str(error))


if __name__ == "__main__":
    main()
