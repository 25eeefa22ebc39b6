#!/usr/bin/env pyscript
# /// script
# requires-python = ">=3.11"
# dependencies = ["flask>=3,<4", "markdown>=3.5,<4"]
# ///
"""Show a folder of Markdown notes as web pages, to yourself or to the people in the house.

    webpage.py                      the notes in data/notes, at http://127.0.0.1:8000/
    webpage.py ~/notes --port 9000
    webpage.py ~/notes --lan        let other machines on the network read them too
    webpage.py ~/notes --once       stop after the first visitor

Ctrl-C stops it.
"""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path

from flask import Flask, abort, render_template_string
from markdown import markdown
from markupsafe import Markup
from werkzeug.serving import make_server

NOTES = Path(__file__).parent / "data" / "notes"
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{ title }}</title>
<style>
  body { font: 1.1rem/1.6 Georgia, serif; color: #333; background: #fbf8f1; max-width: 38rem; margin: 3rem auto; }
  nav { font: .9rem sans-serif; } nav a { margin-right: 1rem; } a { color: #2a6f97; }
  table { border-collapse: collapse; } td, th { border-bottom: 1px solid #ccc; padding: .2rem .8rem; }
  blockquote { border-left: 4px solid #e9a03b; margin-left: 0; padding-left: 1rem; }
</style>
<nav>{% for name in names %}<a href="/{{ name }}">{{ name }}</a>{% endfor %}</nav>
{{ body }}
</html>
"""


def make_app(folder: Path) -> Flask:
    """Return the application: one page per Markdown file of the folder, read anew for each visitor."""
    app = Flask(__name__)

    @app.get("/")
    @app.get("/<name>")
    def page(name: str = "index") -> str:
        notes = {path.stem: path for path in sorted(folder.glob("*.md"))}
        if name == "index" and name not in notes:
            body = f"<h1>{len(notes)} notes</h1>"
        elif name in notes:
            body = markdown(notes[name].read_text(encoding="utf-8"), extensions=["extra"])
        else:
            abort(404)
        return render_template_string(PAGE, title=name, names=notes, body=Markup(body))

    return app


def main() -> None:
    """Read the command line, answer visitors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=NOTES, help="default: data/notes")
    parser.add_argument("--port", type=int, default=8000, help="default: 8000; 0 takes any that is free")
    parser.add_argument("--lan", action="store_true", help="listen on every network of this machine")
    parser.add_argument("--once", action="store_true", help="stop after the first visitor")
    options = parser.parse_args()
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is not a folder")

    server = make_server("0.0.0.0" if options.lan else "127.0.0.1", options.port, make_app(options.folder))
    print(f"Reading {options.folder.name} at http://127.0.0.1:{server.port}/", flush=True)
    with suppress(KeyboardInterrupt):
        if options.once:
            server.handle_request()
        else:
            server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main()
