#!/usr/bin/env pyscript
# /// script
# requires-python = ">=3.11"
# dependencies = ["httpx>=0.27,<1", "rich>=13,<16"]
# ///
"""Ask a REST service a question and print the answer as a table.

    rest.py https://api.example.com/v1/cities --query country=PT --path data.cities
    rest.py https://api.example.com/me --header "Authorization: Bearer $TOKEN"
    rest.py                                 asks a small service of its own on 127.0.0.1

--path leads to the list inside the answer. A single object is shown as one row per key.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

LIGHTHOUSES = [
    {"name": "Hook Head", "country": "Ireland", "built": 1172, "height_m": 35},
    {"name": "La Lanterna", "country": "Italy", "built": 1543, "height_m": 77},
    {"name": "Cordouan", "country": "France", "built": 1611, "height_m": 68},
    {"name": "Kõpu", "country": "Estonia", "built": 1531, "height_m": 36},
    {"name": "Lindesnes", "country": "Norway", "built": 1656, "height_m": 16},
]


class LighthouseService(BaseHTTPRequestHandler):
    """Answers every GET with the list of lighthouses."""

    def do_GET(self) -> None:
        """Send the list as JSON."""
        body = json.dumps({"count": len(LIGHTHOUSES), "lighthouses": LIGHTHOUSES}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Keep quiet: the table is the output."""


@contextmanager
def lighthouse_service() -> Iterator[str]:
    """Run the service for as long as the block lasts; gives its URL."""
    with HTTPServer(("127.0.0.1", 0), LighthouseService) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/lighthouses"
        server.shutdown()


def fetch(url: str, query: dict[str, str], headers: dict[str, str]) -> Any:
    """GET the URL and return what its JSON says."""
    try:
        answer = httpx.get(url, params=query or None, headers=headers, timeout=20, follow_redirects=True)
        answer.raise_for_status()
        return answer.json()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        sys.exit(f"No answer from {url}: {error}")
    except ValueError:
        sys.exit(f"{url} answered with something that is not JSON.")


def follow(answer: Any, path: str) -> Any:
    """Walk into the answer along "data.items.0"."""
    for step in filter(None, path.split(".")):
        try:
            answer = answer[int(step)] if isinstance(answer, list) else answer[step]
        except (KeyError, IndexError, TypeError, ValueError):
            found = ", ".join(answer) if isinstance(answer, dict) else type(answer).__name__
            sys.exit(f"There is no {step!r} on the way {path!r}; there is: {found}.")
    return answer


def as_table(answer: Any, title: str) -> Table:
    """Turn a list of objects into one row each, an object into one row per key."""
    if isinstance(answer, dict):
        answer = [{"key": key, "value": value} for key, value in answer.items()]
    items = answer if isinstance(answer, list) else [answer]
    rows = [item if isinstance(item, dict) else {"value": item} for item in items]
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(title=escape(title), title_style="bold", header_style="bold cyan")
    for name in names:
        all_numbers = all(isinstance(row.get(name), int | float) for row in rows)
        table.add_column(escape(name), justify="right" if all_numbers else "left")
    for row in rows:
        cells = (row.get(name, "") for name in names)
        table.add_row(*(escape(c if isinstance(c, str) else json.dumps(c, ensure_ascii=False)) for c in cells))
    return table


def main() -> None:
    """Read the command line, print the answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", nargs="?", help="what to GET (default: a service of its own)")
    parser.add_argument("--query", action="append", default=[], metavar="NAME=VALUE", help="may be repeated")
    parser.add_argument("--header", action="append", default=[], metavar="NAME:VALUE", help="may be repeated")
    parser.add_argument("--path", default="", metavar="A.B.C", help="the way to the list inside the answer")
    options = parser.parse_args()

    if options.url is None:
        with lighthouse_service() as url:
            Console().print(as_table(follow(fetch(url, {}, {}), "lighthouses"), url))
        return
    query = {name: value for name, _, value in (item.partition("=") for item in options.query)}
    headers = {name.strip(): value.strip() for name, _, value in (item.partition(":") for item in options.header)}
    Console().print(as_table(follow(fetch(options.url, query, headers), options.path), options.url))


if __name__ == "__main__":
    main()
