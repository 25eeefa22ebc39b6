"""What a person has to see of an opened file before it runs, as a window shows it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from launcher.cache import Cache
from launcher.cli import agreement
from launcher.desktop.opening import OpenedScript
from launcher.desktop.origin import origin_of
from launcher.desktop.window import Question
from launcher.reporter import Reporter
from launcher.request import RunRequest
from launcher.script.inline_metadata import find_blocks
from launcher.script.lines import split_lines
from launcher.script.visible_text import visible
from launcher.trust import Trust

_LABELS = {"would install": "It installs", "requirements": "It asks for", "requires-python": "It needs Python"}
_MOST_NEIGHBOURS = 7
_LONGEST_NEIGHBOUR = 60
_MOST_LINES = 5_000
"""So many are shown; a window with more takes long to come."""


def question_about(
    script: OpenedScript, trust: Trust, request: RunRequest, cache: Cache, reporter: Reporter
) -> Question:
    """Return the question whether a script may run, with what it would install.

    Raises what keeps the script from ever starting: then there is nothing to ask.
    """
    rows = [("File", visible(script.path))]
    if origin := origin_of(script.path):
        rows.append(("It came from", origin))
    known = trust.of_content(script.sha256)
    former = None if known else script.former(trust)
    if former:
        rows.append(("Changed", f"On {agreement.day_of(former)} you agreed to run other content of this file."))
    for label, texts in [
        *agreement.needed(script.source, request, cache, reporter),
        *agreement.warnings_about(script.source),
    ]:
        shown = [f"{text} ({remark})" if remark else text for text, remark in agreement.short(texts)]
        rows.append((_LABELS.get(label, label.capitalize()), "\n".join(shown)))
    if script.beside:
        rows.append(("Beside it", "\n".join(_beside(script))))
    if script.lock_sha256:
        rows.append(("Lock", f"{visible(script.source.lock_name)} beside it decides what is installed."))
    elif any(span.type == "pylock" for span in find_blocks(script.source.text)):
        rows.append(("Lock", "A lock in the file decides what is installed."))
    rows += [("Size", agreement.size_of(script.source)), ("sha256", f"{script.sha256[:32]}\n{script.sha256[32:]}")]
    return Question(
        title=f"Run {visible(script.name)}?",
        heading=_heading(script, is_known=known is not None, is_changed=former is not None, origin=origin),
        rows=tuple(rows),
        source=_source(script),
    )


def _beside(script: OpenedScript) -> Iterator[str]:
    """Yield what else lies in the folder that runs, or decides what is installed, the strangest first."""
    folder = os.path.dirname(script.path)
    for each in script.beside[:_MOST_NEIGHBOURS]:
        path = visible(os.path.relpath(each.path, folder), _LONGEST_NEIGHBOUR)
        yield f"{path} (runs in the place of the installed module)" if each.is_in_place else path
    if len(script.beside) > _MOST_NEIGHBOURS:
        yield f"… {len(script.beside) - _MOST_NEIGHBOURS} more"


def _heading(script: OpenedScript, *, is_known: bool, is_changed: bool, origin: str) -> str:
    name = visible(script.name)  # whose line breaks would make rows
    if is_known:
        why = f"You agreed to run {name}, but not with what lies beside it now."
    elif is_changed:
        why = f"{name} has changed since you agreed to run it."
    elif origin:
        why = f"{name} came from elsewhere, and was never run here."
    else:
        why = f"{name} was never run here."
    return f"{why} It can do everything that you can do: run it only if you know who it is from."


def _source(script: OpenedScript) -> str:
    lines = split_lines(script.source.text)
    width = len(str(len(lines)))
    shown = [f"{number:>{width}}  {visible(line)}" for number, line in enumerate(lines[:_MOST_LINES], 1)]
    if len(lines) > _MOST_LINES:
        shown.append(f"… {len(lines) - _MOST_LINES:,} more lines")
    return "\n".join(shown)
