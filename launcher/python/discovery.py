"""Which interpreter a script runs on.

`requires-python` decides and ``--python`` narrows. The search itself is in `launcher.python.search`; here is what a
launch with a known answer needs, and that is little: a remembered choice costs no import and no probe.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from launcher.cache import Bucket, Cache
from launcher.errors import Excerpt, InterpreterNotFound
from launcher.python.places import Surroundings
from launcher.python.query import Interpreter, decode_entry, encode_entry, entry_key, file_stamp, host, query
from launcher.reporter import Reporter
from launcher.value import Value

if TYPE_CHECKING:
    from launcher.python.demand import Demand, NotFetched

_FORMAT = "choice 1"
_CHOICE_LASTS_S = 24 * 3600
"""So a newly installed Python is noticed within a day; `refresh` notices it at once."""


Obtain = Callable[["Demand"], "str | NotFetched"]
"""Gets an interpreter from elsewhere: its executable, or why there is none."""


class InterpreterRequest(Value):
    """What is asked of the interpreter, and who asked.

    `requires_python` is the block's text, whose line `requires_python_origin` finds for messages; `python` is the text
    of ``--python`` or of what stands for it, which `python_origin` names for them.
    """

    requires_python: str | None = None
    python: str | None = None
    requires_python_origin: Callable[[], Excerpt | None] = lambda: None
    python_origin: str = "--python"


def find_interpreter(
    request: InterpreterRequest,
    cache: Cache,
    reporter: Reporter,
    *,
    refresh: bool = False,
    surroundings: Surroundings | None = None,
    obtain: Obtain | None = None,
) -> Interpreter:
    """Return the interpreter that a script with this request runs on.

    The launcher's own base interpreter where it satisfies, else the newest stable CPython found; a plain ``--python
    3.12`` takes the first such one on PATH. Where there is none, `obtain` is asked for one. The choice is remembered
    for a day per request and PATH; `refresh` searches again. Raises `InterpreterNotFound`, `InvalidMetadata` for a
    malformed `requires-python` and `UsageError` for a malformed ``--python`` or one that contradicts `requires-python`.
    """
    surroundings = surroundings or Surroundings.here()
    asked = (request.requires_python, request.python, surroundings.path, surroundings.own)
    if not refresh and (interpreter := _remembered(asked, cache)) is not None:
        return interpreter
    # packaging.specifiers costs 45 ms and what asks and searches as much again.
    from launcher.python.search import Search  # noqa: PLC0415

    search = Search(request, cache, reporter, surroundings, refresh, obtain)
    interpreter = search.find()
    # A path or a name is looked up each time: what it leads to may depend on the current directory.
    if not search.is_for_one_location:
        _remember(asked, interpreter, cache)
    return interpreter


def list_interpreters(
    cache: Cache, reporter: Reporter, *, surroundings: Surroundings | None = None
) -> tuple[Interpreter, ...]:
    """Return every interpreter that can be found here, newest first, those too old for scripts included."""
    from launcher.python.search import Search  # noqa: PLC0415  # as above

    return Search(InterpreterRequest(), cache, reporter, surroundings or Surroundings.here()).everything()


def _remembered(asked: tuple[str | None, ...], cache: Cache) -> Interpreter | None:
    match decode_entry(cache.read(Bucket.INTERPRETERS, entry_key("choice", repr(asked)))):
        case [known_format, known_host, known_asked, made_at, executable, stamp]:
            if (known_format, known_host, known_asked) != (_FORMAT, host(), asked):
                return None
        case _:
            return None
    if not 0 <= time.time() - made_at < _CHOICE_LASTS_S or file_stamp(executable) != stamp:
        return None
    try:
        return query(executable, cache)
    except InterpreterNotFound:
        return None


def _remember(asked: tuple[str | None, ...], interpreter: Interpreter, cache: Cache) -> None:
    entry = encode_entry((_FORMAT, host(), asked, time.time(), interpreter.executable, interpreter.stamp))
    cache.write(Bucket.INTERPRETERS, entry_key("choice", repr(asked)), entry)
