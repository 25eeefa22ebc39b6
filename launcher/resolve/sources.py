"""What ``[tool.pyscript.sources]`` makes of the requirements in a block: the same names, from elsewhere. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from launcher.errors import UsageError
from launcher.resolve.resolution import Requested
from launcher.script.index_tables import Source, canonical_name
from launcher.value import replace

if TYPE_CHECKING:
    from launcher.python.query import Interpreter

_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)\s*(?P<extras>\[[^\]]*\])?\s*(?P<rest>[^;@]*)(?P<marker>;.*)?", re.DOTALL
)


def sources_for(sources: Iterable[Source], interpreter: Interpreter) -> dict[str, Source]:
    """Return the source of each package on an interpreter: the first whose marker holds.

    Raises `UsageError` for a marker that cannot be understood.
    """
    found: dict[str, Source] = {}
    for source in sources:
        if source.name not in found and _holds(source, interpreter):
            found[source.name] = source
    return found


def with_sources(requested: Sequence[Requested], sources: dict[str, Source]) -> list[Requested]:
    """Return the requirements with URLs or editable paths where their sources say so.

    A source stands in the place of the specifier, as in uv. One that names an index changes nothing here.
    """
    rewritten: list[Requested] = []
    for requirement in requested:
        parts = _REQUIREMENT.fullmatch(requirement.text.strip())
        source = sources.get(canonical_name(parts["name"])) if parts else None
        if parts is None or source is None or source.index is not None:
            rewritten.append(requirement)
            continue
        extras, marker = parts["extras"] or "", (parts["marker"] or "").removeprefix(";").strip()
        url = source.url or Path(source.path or "").as_uri()
        text = f"{parts['name']}{extras} @ {url}" + (f" ; {marker}" if marker else "")
        rewritten.append(replace(requirement, text=text, is_editable=bool(source.editable and source.path)))
    return rewritten


def _holds(source: Source, interpreter: Interpreter) -> bool:
    if source.marker is None:
        return True
    # 40 ms: packaging, and few sources have a marker.
    from launcher.resolve.dependencies import DependencyReader  # noqa: PLC0415

    try:
        return DependencyReader(interpreter.markers).read(f"{source.name} ; {source.marker}") is not None
    except ValueError as error:
        raise UsageError(
            f"The marker of {source.name}'s source cannot be understood: {error}.",
            hint="Write it as in: marker = \"sys_platform == 'linux'\"",
            reference="PEP 508",
        ) from error
