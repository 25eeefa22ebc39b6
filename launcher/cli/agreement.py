"""What a person has to see of a script from elsewhere before it runs, and the question."""

from __future__ import annotations

import codecs
import json
import os
import time
from argparse import Namespace
from collections.abc import Iterator

from launcher.cache import Cache
from launcher.cli import console, launching, output
from launcher.cli.arguments import NoOptions
from launcher.cli.output import Line
from launcher.cli.question import Terminal
from launcher.cli.remote import Glance, Purpose
from launcher.errors import BuildFailed, InterpreterNotFound
from launcher.remote_script import kept_content
from launcher.reporter import Reporter, megabytes
from launcher.request import RunRequest, TargetKind
from launcher.resolve.candidate import Candidate
from launcher.resolve.urls import mask_credentials
from launcher.script.inline_metadata import ScriptMetadata, find_blocks, read_metadata
from launcher.script.lines import split_lines
from launcher.script.source import ScriptSource, declared_encoding, decode
from launcher.script.visible_text import changes, deceptive_lines, visible
from launcher.survey import Survey, package_sizes, resolve
from launcher.trust import Agreement
from launcher.value import replace

ONCE, CONTENT, PLACE, NO = "once", "content", "place", "no"
_WHOLE = "whole"
_BEWARE = "beware"
SHOWN_LINES = 16
_SHOWN_CHANGES = 8
_SHOWN_PACKAGES = 8
_WIDTH = 110
_MOST_TEXTS = 20
_LONGEST_TEXT = 400
"""Of what stands behind one label. The script's author writes requirements and settings, a server where it leads on."""
_ENCODINGS = frozenset({"ascii", "cp1252", "iso8859-1", "iso8859-15", "utf-8"})
"""Each has the letters of ASCII for what they are; utf-7 does not."""

Rows = list[tuple[str, list[tuple[str, str]]]]
"""What there is to say, by label: texts, each with a remark."""


def ask(terminal: Terminal, glance: Glance, options: Namespace | NoOptions, purpose: Purpose) -> str:
    """Show what would run and return what is answered: `CONTENT`, `PLACE`, `NO`, and where it is done now also `ONCE`.

    Raises what keeps the script from ever starting: then there is nothing to ask.
    """
    request = launching.run_request(TargetKind.SCRIPT, glance.path, options, (glance.path,), 0)
    try:
        rows = [*rows_of(glance), *needed(glance.source, request, glance.cache, console.make_reporter())]
    finally:
        console.leave()
    former = glance.standing.former
    title = "It comes from elsewhere, and nobody here agreed to run it."
    terminal.show(
        [
            [(glance.script.url.shown, "bold")],
            [(f"It is not what was agreed to on {day_of(former)}." if former else title, "warn")],
        ]
    )
    width = max(len(label) for label, _ in rows)
    for label, texts in rows:
        style = "warn" if label == _BEWARE else "dim"
        for number, (text, remark) in enumerate(short(texts)):
            label_cell = (f"  {'' if number else label:<{width}}  ", style)
            terminal.show([[label_cell, (text, ""), (f"  ({remark})" if remark else "", "dim")]])
    terminal.show([[], *first_lines(glance.source, SHOWN_LINES), []])
    choices, answers = _choices(glance, purpose)
    terminal.show([[(f"  {choice}", "")] for choice in choices])
    question: Line = [(f"{purpose.word.capitalize()} it?", "bold"), (" [n] ", "")]
    while (answer := terminal.ask(question, answers, NO)) == _WHOLE:
        terminal.show(first_lines(glance.source, None))
    return answer


def short(texts: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield texts as many and as long as leave what stands above them on the screen."""
    for text, remark in texts[:_MOST_TEXTS]:
        yield visible(text, _LONGEST_TEXT), visible(remark, _LONGEST_TEXT)
    if len(texts) > _MOST_TEXTS:
        yield f"… {len(texts) - _MOST_TEXTS} more", ""


def _choices(glance: Glance, purpose: Purpose) -> tuple[list[str], dict[str, str]]:
    """Return the answers as they are offered, and what each stands for."""
    choices = ["[n] no"]
    answers = {"n": NO, "no": NO, "a": CONTENT, "always": CONTENT, "s": _WHOLE, "show": _WHOLE}
    if purpose.yes:
        choices.append(f"[y] {purpose.yes}")
        answers |= {"y": ONCE, "yes": ONCE, "once": ONCE}
    choices.append("[a] always exactly this content")
    if glance.standing.places:
        choices.append(f"[o] always whatever comes from {' and '.join(glance.standing.places)}")
        answers |= {"o": PLACE, "origin": PLACE}
    return [*choices, "[s] show all of it"], answers


def rows_of(glance: Glance) -> Rows:
    """Return where a script comes from, what it is, and whether it may run."""
    script, standing = glance.script, glance.standing
    first, *others = script.file.hops
    where = [(first, ""), *((hop, "redirected") for hop in others)]
    rows: Rows = [("from", where)]
    if script.file.commit:
        rows.append(("commit", [(script.file.commit, "")]))
    rows.append(("sha256", [(script.file.sha256, "")]))
    if script.lock:
        rows.append(("lock", [("the file beside it", f"sha256 {script.lock.sha256}")]))
    if any(span.type == "pylock" for span in find_blocks(glance.source.text)):
        rows.append(("lock", [("inside the script", "")]))
    rows.append(("size", [(size_of(glance.source), "")]))
    rows.append(("trusted", list(dict.fromkeys(_trusted(glance)))))
    if standing.former:
        rows.append(("changed", list(_changed(glance, standing.former))))
    return [*rows, *warnings_about(glance.source)]


def warnings_about(source: ScriptSource) -> Rows:
    """Return what a person should know who reads the script to decide."""
    rows: Rows = []
    if deceptive := deceptive_lines(source.text):
        numbers = ", ".join(map(str, deceptive[:10])) + (", …" if len(deceptive) > 10 else "")
        what = "line" if len(deceptive) == 1 else "lines"
        rows.append((_BEWARE, [(f"{what} {numbers}: characters that hide something or turn it round", "")]))
    if (encoding := _encoding(source)) not in _ENCODINGS:
        rows.append((_BEWARE, [(f"it is written in {encoding}, so an editor may show other code than this", "")]))
    return rows


def first_lines(source: ScriptSource, count: int | None) -> Iterator[Line]:
    """Yield the first lines with their numbers, made such that nothing in them is hidden; None: all, and whole."""
    lines = split_lines(source.text)
    if lines[-1] == "":
        lines.pop()
    shown = lines if count is None else lines[:count]
    width = len(str(len(lines)))
    for number, line in enumerate(shown, 1):
        yield [(f"  {number:>{width}} | ", "dim"), (visible(line, None if count is None else _WIDTH), "")]
    if len(shown) < len(lines):
        yield [(f"  … {output.counted(len(lines) - len(shown), 'more line')}", "dim")]


def size_of(source: ScriptSource) -> str:
    """Return how large a script is, and how it is written."""
    count = output.counted(len(source.text.splitlines()), "line")
    return f"{megabytes(len(source.content))}, {count}, {_encoding(source)}"


def _encoding(source: ScriptSource) -> str:
    return codecs.lookup(declared_encoding(source.content.removeprefix(codecs.BOM_UTF8))[0]).name


def _trusted(glance: Glance) -> Iterator[tuple[str, str]]:
    standing = glance.standing
    if standing.is_named:
        yield "yes, --trust names it", "this once"
    elif standing.is_agreed:
        for each in standing.agreements:
            what = f"whatever comes from {each.place}" if each.place else "exactly this content"
            yield f"yes: {what} was agreed to on {day_of(each)}", _from(each, glance) if each.sha256 else ""
    else:
        yield "no", ""
        for each in standing.known:
            if standing.lacks_lock:
                yield f"it was agreed to on {day_of(each)} with the lock beside it, and there is none now", ""
                continue
            part = "the script" if each.sha256 == glance.script.file.sha256 else "the lock"
            yield f"{part} alone was agreed to on {day_of(each)}", _from(each, glance)


def _from(agreement: Agreement, glance: Glance) -> str:
    return "" if agreement.url in ("", glance.script.url.shown) else f"as {agreement.url}"


def _changed(glance: Glance, former: Agreement) -> Iterator[tuple[str, str]]:
    said = f"on {day_of(former)} other content of this URL was agreed to"
    before = kept_content(former.sha256, glance.cache)
    if before is None:
        yield said, f"{former.sha256[:16]}…, which is not kept any more"
        return
    path = glance.script.url.shown
    added, removed, rows = changes(decode(before, path), glance.source.text, _SHOWN_CHANGES)
    yield f"{said}: since then {output.counted(added, 'line')} came and {removed} went", ""
    for row in rows:
        yield visible(row, _WIDTH), ""
    if added + removed > len(rows):
        yield f"… {added + removed - len(rows)} more", ""


def needed(
    source: ScriptSource, request: RunRequest, cache: Cache, reporter: Reporter
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield what the script of a launch needs; for that wheels and metadata are read, and no code of anybody is run.

    Raises what keeps the script from ever starting.
    """
    metadata, _ = read_metadata(source.text, source.path)
    if metadata.requires_python is not None:
        yield "requires-python", [(metadata.requires_python, "")]
    if metadata.dependencies:
        yield "requirements", [(mask_credentials(each.text), "") for each in metadata.dependencies]
    try:
        survey = resolve(replace(request, may_build=False), cache, os.environ, reporter)
    except (BuildFailed, InterpreterNotFound) as error:
        yield "would install", [("what, cannot be told before: " + error.message.partition("\n")[0], "")]
        return
    if told := list(_settings(metadata)):
        yield "it sets", [(mask_credentials(each), "") for each in told]
    yield "would install", list(_packages(survey, cache))


def _settings(metadata: ScriptMetadata) -> Iterator[str]:
    """Yield what a block sets, as it is written there, but for whether there is a terminal, which is no danger."""
    for key, value in metadata.settings_table[1].items():
        if key not in ("gui", "pause"):
            yield f"{key} = {json.dumps(value, ensure_ascii=False, default=str)}"


def _packages(survey: Survey, cache: Cache) -> Iterator[tuple[str, str]]:
    pins = list(survey.resolution or ())
    if not pins:
        yield "nothing", f"Python {survey.interpreter.version} alone runs it"
        return
    names = [f"{pin.candidate.name} {pin.candidate.version}" for pin in pins]
    rest = f" and {len(names) - _SHOWN_PACKAGES} more" if len(names) > _SHOWN_PACKAGES else ""
    sizes = package_sizes(survey, cache).values()
    missing = sum(size.size_bytes or 0 for size in sizes if not size.is_stored)
    yield ", ".join(names[:_SHOWN_PACKAGES]) + rest, f"{megabytes(missing)} to download" if missing else "all here"
    for pin in pins:
        if not pin.candidate.is_wheel:
            yield f"{pin.candidate.name} is built here, which runs code of it", _source_of(pin.candidate)
        elif pin.candidate.direct_url is not None:
            yield f"{pin.candidate.name} comes from a URL", mask_credentials(pin.candidate.url)


def _source_of(candidate: Candidate) -> str:
    return candidate.filename if candidate.index else mask_credentials(candidate.url)


def day_of(agreement: Agreement) -> str:
    """Return the day on which something was agreed to."""
    return time.strftime("%Y-%m-%d", time.localtime(agreement.agreed_at))
