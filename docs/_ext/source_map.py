"""The directive `source-map`: every file of the launcher with what its first line says of it, room by room.

In MyST, on a page of its own::

    ```{source-map}
    ```
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

import launcher

_TOP = Path(launcher.__file__).parent


class SourceMap(SphinxDirective):
    """Write one section per folder, each with a definition list of its files."""

    def run(self) -> list[nodes.Node]:
        files = sorted(_TOP.rglob("*.py"), key=lambda path: (path.parent, path.name))
        return [
            self._section(folder, list(members)) for folder, members in groupby(files, key=lambda path: path.parent)
        ]

    def _section(self, folder: Path, files: list[Path]) -> nodes.section:
        name = folder.relative_to(_TOP.parent).as_posix()
        section = nodes.section(ids=[nodes.make_id(f"map-{name}")])
        section += nodes.title("", "", nodes.literal(text=f"{name}/"))
        self.state.document.note_implicit_target(section)
        entries = nodes.definition_list()
        for path in files:
            # A room is introduced by its package; in itself that is nearly always empty.
            if path.name == "__init__.py":
                section += nodes.paragraph("", "", *_inline(_first_sentence(path)))
                continue
            term = nodes.term("", "", nodes.literal(text=path.name))
            entries += nodes.definition_list_item(
                "", term, nodes.definition("", nodes.paragraph("", "", *_inline(_first_sentence(path))))
            )
        section += entries
        return section


def _first_sentence(path: Path) -> str:
    """Return the first paragraph of a module's docstring, on one line."""
    text = ast.get_docstring(ast.parse(path.read_bytes())) or ""
    return " ".join(text.partition("\n\n")[0].split())


def _inline(text: str) -> Iterator[nodes.Node]:
    for position, part in enumerate(text.replace("``", "`").split("`")):
        yield nodes.literal(text=part) if position % 2 else nodes.Text(part)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("source-map", SourceMap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
