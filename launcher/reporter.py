"""What a preparation tells about its progress, the reporter that says nothing, and how sizes are written.

Rooms report through this protocol and never print: `launcher.cli.console` decides what a person sees.
"""

from __future__ import annotations

from typing import Protocol


def megabytes(count_bytes: int) -> str:
    """Return a size for people.

    >>> megabytes(17_240_000), megabytes(3_100)
    ('17.2 MB', '3 kB')
    """
    if count_bytes < 1_000_000:
        return f"{max(count_bytes and 1, round(count_bytes / 1000))} kB"
    if count_bytes < 1_000_000_000:
        return f"{count_bytes / 1_000_000:.1f} MB"
    return f"{count_bytes / 1_000_000_000:.2f} GB"


class Reporter(Protocol):
    """Hears what a preparation is doing. Every method may be called from any thread."""

    def step(self, text: str) -> None:
        """A new step began, such as ``"Resolving requests"``; it replaces the one before."""

    def progress(self, done: int, total: int) -> None:
        """`done` of `total` parts of the current step are finished."""

    def download_started(self, name: str, size_bytes: int | None) -> None:
        """A download called `name` began; the size is None where nobody told it."""

    def download_advanced(self, name: str, count_bytes: int) -> None:
        """`count_bytes` more of the download have arrived."""

    def download_finished(self, name: str) -> None:
        """The download is over, whether it succeeded or not."""

    def detail(self, text: str, level: int = 1) -> None:
        """Something worth knowing with ``-v`` (level 1) or ``-vv`` (level 2)."""

    def warning(self, text: str) -> None:
        """Something a person should mend, although the script can run."""

    def finished(self, text: str) -> None:
        """The preparation is complete; `text` sums it up in one line."""


class SilentReporter:
    """A reporter for callers that want no progress; it satisfies `Reporter`."""

    def step(self, text: str) -> None:
        """Say nothing."""

    def progress(self, done: int, total: int) -> None:
        """Say nothing."""

    def download_started(self, name: str, size_bytes: int | None) -> None:
        """Say nothing."""

    def download_advanced(self, name: str, count_bytes: int) -> None:
        """Say nothing."""

    def download_finished(self, name: str) -> None:
        """Say nothing."""

    def detail(self, text: str, level: int = 1) -> None:
        """Say nothing."""

    def warning(self, text: str) -> None:
        """Say nothing."""

    def finished(self, text: str) -> None:
        """Say nothing."""
