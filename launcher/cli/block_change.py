"""What `add`, `remove` and `upgrade` have in common: change a script's block, write it, and say what became of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

from launcher.block_changes import BlockChange, BlockEditor, editor_of_script
from launcher.cache import Cache
from launcher.changed_lock import ChangedLock
from launcher.cli import console, output
from launcher.cli.lock import MOST_CHANGES, in_words
from launcher.cli.script_arguments import ScriptArguments
from launcher.digest import digest_of
from launcher.errors import CacheUnusable
from launcher.reporter import Reporter


def change_block(asked: ScriptArguments, script: str, change: Callable[[BlockEditor], BlockChange]) -> BlockChange:
    """Change the block of a script and write it; raises whatever keeps it from being changed."""
    cache, reporter = asked.open_cache(), console.make_reporter()
    try:
        with _only_one(script, cache, reporter):
            changed = change(editor_of_script(asked.request(script), cache, os.environ, reporter))
            changed.write(script, cache)
    finally:
        cache.abandon()
        console.leave()
    return changed


@contextmanager
def _only_one(script: str, cache: Cache, reporter: Reporter) -> Iterator[None]:
    """Let two changes of one script happen one after the other, so that neither finds the file changed meanwhile."""
    with ExitStack() as stack:
        # Where nothing can be locked, the later of the two is refused when it is written.
        with suppress(CacheUnusable):
            name = digest_of(os.path.realpath(script))
            stack.enter_context(cache.lock(f"block-{name}", reporter, "changing the same script"))
        yield


def show_json(script: str, changed: BlockChange) -> None:
    """Print the changes for a machine."""
    changes = [{"before": each.before, "after": each.after} for each in changed.changes]
    newer = [{"name": name, "before": before, "after": after} for name, before, after in changed.newer]
    lock = None
    if changed.lock is not None:
        of_lock = [dict(zip(("name", "before", "after"), each, strict=True)) for each in changed.lock.changes]
        lock = {"path": changed.lock.destination.path, "changes": of_lock}
    console.print_line(json.dumps({"script": script, "changes": changes, "newer": newer, "lock": lock}, indent=2))


def show(script: str, changed: BlockChange, *, nothing: Sequence[str] = ()) -> None:
    """Print each change on a line of its own; `nothing` are lines about what already was so."""
    arrow = "\N{RIGHTWARDS ARROW}" if output.speaks_unicode() else "->"
    for each in changed.changes:
        if each.before is None:
            output.confirm(("Added ", ""), (each.after or "", "new"), (f" to {script}.", ""))
        elif each.after is None:
            output.confirm(("Removed ", ""), (each.before, "name"), (f" from {script}.", ""))
        else:
            output.confirm((f"Changed {each.before} {arrow} ", ""), (each.after, "new"), (f" in {script}.", ""))
    for name, before, after in changed.newer:
        output.confirm((f"The next launch gets {name} ", ""), (after, "new"), (f", not {before}.", ""))
    for line in nothing:
        output.confirm((line, ""))
    if changed.lock is not None and changed.lock.is_changed:
        _show_lock(changed.lock)


def _show_lock(changed: ChangedLock) -> None:
    words = [in_words(*each) for each in changed.changes]
    more = [f"and {len(words) - MOST_CHANGES} more"] if len(words) > MOST_CHANGES else []
    output.confirm((f"Locked again: {changed.destination.label}", ""))
    for line in (*words[:MOST_CHANGES], *more):
        output.confirm((f"  {line}", ""))
