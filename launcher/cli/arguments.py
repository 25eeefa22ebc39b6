"""A command line taken apart; light, because a launch without options needs no more of it than this."""

from __future__ import annotations

from typing import Any

from launcher.value import Value


class SplitArguments(Value):
    """A command line taken apart: `options` up to the target, the `target` (with its ``-m`` or ``-c``), the rest."""

    options: tuple[str, ...]
    target: tuple[str, ...]
    arguments: tuple[str, ...]


class NoOptions:
    """What argparse makes of no options at all, without the 5 ms that loading it and describing them takes."""

    def __getattr__(self, name: str) -> Any:
        return 0 if name == "verbose" else None
