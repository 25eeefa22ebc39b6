"""What a new script begins with (pure).

Each template runs as it is, without arguments, so that whoever made it sees at once that everything is in place.
"""

from __future__ import annotations

from dataclasses import dataclass

_NAME = "NAME"
_SHEBANG = "#!/usr/bin/env pyscript"


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of script: what it is good for, what it needs, and its code, without shebang line and block."""

    title: str
    code: str
    requirements: tuple[str, ...] = ()
    suffix: str = ".py"

    def text(self, name: str) -> str:
        """Return the script with its shebang line; it calls itself `name`."""
        return f"{_SHEBANG}\n\n{self.code.replace(_NAME, name)}"


_SCRIPT = '''\
"""Say here what it does."""


def main() -> None:
    print("Hello from NAME!")


if __name__ == "__main__":
    main()
'''

_CLI = '''\
"""Greet somebody."""

import argparse
import sys


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", default="world", help="whom to greet (default: %(default)s)")
    parser.add_argument("-n", "--times", type=int, default=1, metavar="N", help="how often (default: %(default)s)")
    parser.add_argument("-v", "--verbose", action="store_true", help="say more")
    arguments = parser.parse_args()
    if arguments.verbose:
        print(f"Greeting {arguments.times} times.", file=sys.stderr)
    for _ in range(arguments.times):
        print(f"Hello, {arguments.name}!")
    return 0


if __name__ == "__main__":
    sys.exit(main())
'''

_DATA = '''\
"""Describe a table: a CSV file, or a small example."""

import argparse
import io

import pandas as pd

EXAMPLE = """\\
city,month,rain_mm
Bergen,1,235
Bergen,7,148
Lisbon,1,100
Lisbon,7,4
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", help="a CSV file; without one, the example")
    arguments = parser.parse_args()
    table = pd.read_csv(arguments.file or io.StringIO(EXAMPLE))
    print(table.head().to_string(index=False))
    print()
    print(table.describe().to_string())


if __name__ == "__main__":
    main()
'''

_WEB = '''\
"""Fetch a page and say what came: JSON as it is, of everything else the beginning."""

import argparse
import json
import sys

import requests


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?", default="https://example.com", help="default: %(default)s")
    parser.add_argument("--timeout", type=float, default=15, metavar="SECONDS", help="default: %(default)s")
    arguments = parser.parse_args()
    try:
        answer = requests.get(arguments.url, timeout=arguments.timeout)
        answer.raise_for_status()
    except requests.RequestException as error:
        print(f"{arguments.url}: {error}", file=sys.stderr)
        return 1
    print(f"{answer.status_code} {answer.reason}, {len(answer.content)} bytes of {answer.headers.get('content-type')}")
    if "json" in answer.headers.get("content-type", ""):
        print(json.dumps(answer.json(), indent=2, ensure_ascii=False))
    else:
        print(answer.text[:500])
    return 0


if __name__ == "__main__":
    sys.exit(main())
'''

_GUI = '''\
"""A window with a field and a button."""

import tkinter as tk
from tkinter import ttk


class Window(tk.Tk):
    def __init__(self) -> None:
        super().__init__()
        self.title("NAME")
        self.name = tk.StringVar(value="world")
        self.answer = tk.StringVar()
        frame = ttk.Frame(self, padding=16)
        frame.grid(sticky="nsew")
        ttk.Label(frame, text="Name").grid(row=0, column=0, padx=(0, 8))
        field = ttk.Entry(frame, textvariable=self.name, width=30)
        field.grid(row=0, column=1, padx=(0, 8))
        ttk.Button(frame, text="Greet", command=self.greet).grid(row=0, column=2)
        ttk.Label(frame, textvariable=self.answer).grid(row=1, column=0, columnspan=3, pady=(12, 0))
        field.bind("<Return>", lambda _: self.greet())
        field.focus()

    def greet(self) -> None:
        self.answer.set(f"Hello, {self.name.get()}!")


if __name__ == "__main__":
    Window().mainloop()
'''

TEMPLATES = {
    "script": Template("a function and a call of it", _SCRIPT),
    "cli": Template("a command with arguments (argparse)", _CLI),
    "data": Template("reads a table and describes it (pandas)", _DATA, ("pandas",)),
    "web": Template("fetches a page or JSON (requests)", _WEB, ("requests",)),
    "gui": Template("a window (tkinter), as a .pyw file", _GUI, suffix=".pyw"),
}
"""By the name that ``--template`` takes; the first is the default."""
