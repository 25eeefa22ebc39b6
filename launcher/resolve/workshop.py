"""What building takes from other rooms; the builds themselves are in `launcher.resolve.source_trees`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from launcher.reporter import Reporter, SilentReporter
from launcher.resolve.formats import Formats
from launcher.value import Value, field

if TYPE_CHECKING:
    from launcher.resolve.build import BuildPlace

Chain = tuple[tuple[str, str], ...]
"""What is being built for what: the name of a build and what people call it, the outermost first."""


class Workshop(Value):
    """What may be built, and with what.

    `make_environment` makes one of requirements, of an origin, for builds of a chain; None where nothing can be built.
    With `require_hashes`, what a URL names is looked at only where a hash says what it has to be. `tools_key` is a text
    of everything that decides which build requirements are taken.
    """

    formats: Formats = field(default_factory=Formats)
    make_environment: Callable[[Sequence[str], str, Chain], BuildPlace] | None = None
    reporter: Reporter = field(default_factory=SilentReporter)
    chain: Chain = ()
    require_hashes: bool = False
    tools_key: str = ""
