"""What unearth said before about the same question, so that it need not be loaded: that takes 175 ms.

Its answers depend on the question, the interpreter's tags and its own code alone; a file in the cache for each pair of
the latter two holds them.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.machinery import PathFinder

from launcher.cache import Bucket, Cache
from launcher.digest import digest_of
from launcher.errors import CacheUnusable

FINDER = "launcher.resolve.finder"
"""The module that asks unearth, which a worker may load."""

_FORMAT = 1
_MOST_ANSWERS = 20_000
"""Of 50 bytes each. When there are more, all are forgotten, which costs loading unearth once."""
_DEFAULT_INDEX = "default index"


class RememberedFinder:
    """Answers of unearth for one interpreter, which the cache may have. Not for several threads at once."""

    def __init__(self, cache: Cache, tags: Sequence[str]) -> None:
        self._cache = cache
        self._key = f"finder-{digest_of(' '.join((_code_of_unearth(), *tags)))}"
        self._answers = self._read()
        self._is_changed = False

    def default_index(self, ask: Callable[[], str]) -> str:
        """Return the URL of the default index; `ask` is called where it is not known."""
        return self._answer(_DEFAULT_INDEX, ask) or ""

    def choice(self, filenames: Sequence[str], ask: Callable[[], str | None]) -> str | None:
        """Return which of some files of one version is the best, if any; `ask` is called where it is not known."""
        return self._answer(digest_of("/".join(filenames)), ask)

    def save(self) -> None:
        """Keep what was learned; not being able to is no failure."""
        if self._is_changed:
            with suppress(CacheUnusable):
                self._cache.write(Bucket.INDEX, self._key, marshal.dumps((_FORMAT, self._answers)))
            self._is_changed = False

    def _answer(self, question: str, ask: Callable[[], str | None]) -> str | None:
        if question in self._answers:
            return self._answers[question]
        answer = ask()
        if len(self._answers) >= _MOST_ANSWERS:
            self._answers.clear()
        self._answers[question] = answer
        self._is_changed = True
        return answer

    def _read(self) -> dict[str, str | None]:
        with suppress(ValueError, EOFError, TypeError):
            version, answers = marshal.loads(self._cache.read(Bucket.INDEX, self._key) or b"")
            if version == _FORMAT and isinstance(answers, dict):
                return answers
        return {}


def _code_of_unearth() -> str:
    """Return a text that changes with the installed unearth."""
    spec = PathFinder.find_spec("unearth")
    if spec is None or not spec.origin:
        return ""
    with suppress(OSError):
        state = os.stat(spec.origin)
        return f"{spec.origin} {state.st_mtime_ns} {state.st_size}"
    return spec.origin
