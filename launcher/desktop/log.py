"""The log of an opened script: a file each in the data directory, and only so many of them.

It holds what was done, and what a script said that has no terminal. An error that no window showed is found here.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path

FOLDER = "logs"
_SUFFIX = ".log"
_MOST_LOGS = 50
_KEPT_FOR_S = 30 * 86_400
_LARGEST_BYTES = 16_000_000
"""A script that runs for weeks and says much must not fill the disk."""
_KEPT_BYTES = 1_000_000
_LONGEST_STEM_BYTES = 120
"""Of a name of 255, which what stands behind it makes longer."""
_TAIL_BYTES = 100_000
_OUTPUT = "--- output\n"


class Log:
    """A log that is being written; one without a `path` keeps what it takes until it is closed, if it can."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor
        self._output_from = 0

    @classmethod
    def open(cls, data_directory: Path | None, script: str) -> Log:
        """Begin the log of a script, and remove old ones; without a data directory that can be written it has no name.

        A script has to run on a full disk as well, so nothing here is an error.
        """
        if data_directory is not None:
            directory = data_directory / FOLDER
            with suppress(OSError):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                _prune(directory)
                stem = re.sub(r"[^\w.-]", "_", Path(script).stem).encode()[:_LONGEST_STEM_BYTES].decode(errors="ignore")
                path = directory / f"{stem}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}{_SUFFIX}"
                # Appending: whatever others write meanwhile stays, and cutting it off works.
                return cls(str(path), os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600))
        return cls("", _nameless())

    @classmethod
    def append(cls, path: str) -> Log:
        """Go on with a log that another process began."""
        with suppress(OSError):
            if path:
                return cls(path, os.open(path, os.O_RDWR | os.O_APPEND))
        return cls("", os.open(os.devnull, os.O_RDWR))

    def write(self, text: str) -> None:
        """Add a line, behind the time."""
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n"
        with suppress(OSError):
            os.write(self.descriptor, line.encode("utf-8", "backslashreplace"))

    def begin_output(self) -> None:
        """Say that from here on the script itself writes."""
        with suppress(OSError):
            os.write(self.descriptor, _OUTPUT.encode())
            self._output_from = os.fstat(self.descriptor).st_size

    def output(self) -> str:
        """Return what the script wrote, or the end of it where that is much."""
        with suppress(OSError):
            return self._since(max(self._output_from, self._size - _TAIL_BYTES)).decode("utf-8", "replace")
        return ""

    def cut(self) -> None:
        """Keep only the end of a log that has become very long."""
        with suppress(OSError):
            if self._size > _LARGEST_BYTES:
                end = self._since(self._size - _KEPT_BYTES)
                os.ftruncate(self.descriptor, 0)
                self._output_from = 0
                os.write(self.descriptor, b"--- what came before was cut off\n" + end)

    def close(self) -> None:
        """Write no more."""
        with suppress(OSError):
            os.close(self.descriptor)

    @property
    def _size(self) -> int:
        return os.fstat(self.descriptor).st_size

    def _since(self, start: int) -> bytes:
        """Return what there is from a place on, but for what comes only now; what is written goes to the end anyway."""
        count = self._size - start
        os.lseek(self.descriptor, start, os.SEEK_SET)
        return os.read(self.descriptor, max(0, count))


def _nameless() -> int:
    """Return the descriptor of a file that nobody else sees: an error is to be shown even if it cannot be kept."""
    import tempfile  # noqa: PLC0415 - 5 ms, where something is wrong

    with suppress(OSError):
        descriptor, path = tempfile.mkstemp()
        try:
            return os.open(path, os.O_RDWR | os.O_APPEND)
        finally:
            os.close(descriptor)
            os.unlink(path)
    return os.open(os.devnull, os.O_RDWR)


def _prune(directory: Path) -> None:
    """Remove the logs that are old, and the oldest of too many; one that is being written to is young."""
    found = [entry for entry in os.scandir(directory) if entry.name.endswith(_SUFFIX)]
    ages = sorted((entry.stat(follow_symlinks=False).st_mtime, entry.path) for entry in found)
    too_many = {path for _, path in ages[: max(0, len(ages) - _MOST_LOGS + 1)]}
    for changed_at, path in ages:
        if path in too_many or time.time() - changed_at > _KEPT_FOR_S:
            with suppress(OSError):
                os.unlink(path)
