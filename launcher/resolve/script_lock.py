"""The lock of a script, as it was found: beside the script, or embedded in it as a block of its own.

A lock is looked for at each preparation, but read only where there is one; what it says is `launcher.resolve.locked`'s
to know.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import PurePath
from typing import TYPE_CHECKING

from launcher.cache import Bucket
from launcher.digest import digest_of, sha256_of
from launcher.errors import Excerpt, InvalidMetadata, LockOutdated, UntrustedScript, UsageError
from launcher.script.inline_metadata import ScriptMetadata, find_block
from launcher.script.lines import split_lines
from launcher.script.source import LOCK_BLOCK, LOCK_OPENING, ScriptSource
from launcher.settings import Settings, is_of_script
from launcher.value import Value, replace

if TYPE_CHECKING:
    from launcher.script.bundle_file import Bundle

REFERENCE = "PEP 751, pylock.toml"

_LARGEST_LOCK_BYTES = 32 << 20
"""Ten times what a lock of 500 packages for all platforms takes."""
_STATED_RANGE = r"""requires-python[ \t]*=[ \t]*(?:"([^"\\\n]*)"|'([^'\n]*)')[ \t]*(?:#.*)?$"""
_HEX_DIGITS_OF_SHA256 = 64
_OURS = "[tool.pyscript]"


class ScriptLock(Value):
    """The text of a script's lock, where it is, and the metadata of the script, which it has to answer.

    `path` is what messages call the file it stands in, and `lines_above` how many lines of that are not the lock's.
    Relative paths in it count from `directory`, which is absolute, or empty where the script is no file or comes
    from elsewhere: then there are none. `insisting` is the setting that lets it not be made anew: ``locked``,
    ``frozen``, or None.
    """

    text: str
    path: str
    directory: str
    lines_above: int = 0
    metadata: ScriptMetadata = ScriptMetadata(None, (), {}, None)
    insisting: str | None = None

    @property
    def is_embedded(self) -> bool:
        """Whether it is a part of the script."""
        return self.lines_above > 0

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"the lock in {self.path}" if self.is_embedded else self.path

    @property
    def key(self) -> str:
        """A text of all that decides what it stands for; where it is counts only where it can name a path."""
        may_name_paths = "path" in self.text or "\\" in self.text
        place = self.directory if may_name_paths else ""
        metadata = self.metadata
        asked = ([each.text for each in metadata.dependencies], metadata.requires_python, metadata.tool)
        return repr((digest_of(self.text), place, bool(self.directory), asked, self.insisting == "frozen"))

    @property
    def range_of_others(self) -> str | None:
        """What the lock of another tool states for `requires-python`, read without parsing the lock; None for ours.

        Ours has the block's. Keys of the lock itself stand above its first table (TOML).
        """
        top = self.text.partition("\n[")[0]
        if _OURS in self.text or "requires-python" not in top:
            return None
        found = re.search(rf"(?m)^[ \t]*{_STATED_RANGE}", top)
        return (found[1] or found[2]) if found else None

    def excerpt(self, line_number: int, column: int = 1, length: int = 1) -> Excerpt:
        """Return a place in it, for an error; lines and columns count from 1, those of its TOML."""
        lines = split_lines(self.text)
        number = min(line_number, len(lines))
        prefix = "# " if self.is_embedded else ""
        return Excerpt(
            self.path, self.lines_above + number, prefix + lines[number - 1], len(prefix) + column, max(1, length)
        )


def find_lock(
    source: ScriptSource | None,
    metadata: ScriptMetadata,
    settings: Settings,
    directory: str,
    sha256: str | None = None,
) -> ScriptLock | None:
    """Return the lock in the script, else the one in the file beside it, else None; without a script there is none.

    `directory` is the script's, absolute, or empty where it is no file. Raises `InvalidMetadata` where the lock cannot
    be read, `LockOutdated` where there is none and the settings insist on one, `UsageError` where they contradict
    one another, and `UntrustedScript` where the file has not the `sha256` given, which is empty for no file at all.
    """
    insisting = insisting_setting(settings)
    if source is None:
        if insisting and settings.origins[insisting].startswith("--"):
            raise UsageError(f"--{insisting} is about the lock of a script, and this is none.", hint="Leave it out.")
        return None
    if insisting and settings.upgrade:
        raise UsageError(
            f"{settings.origins['upgrade']} makes a lock anew, and {settings.origins[insisting]} forbids it.",
            hint="Leave one of them out.",
        )
    if source.bundle is not None:
        return _lock_of_bundle(source.bundle, directory, settings)
    # As the script was named, but for the dot of ./x.py: people read it.
    beside = str(PurePath(source.path).with_name(source.lock_name)) if directory else None
    root = "" if not directory or _is_of_elsewhere(directory) else str(PurePath(directory))
    lock = read_embedded_lock(source, root) if LOCK_OPENING in source.text else None
    if lock is None and beside is not None and os.path.lexists(beside):
        lock = read_lock_file(beside, root, sha256)
    if lock is not None:
        return replace(lock, metadata=metadata, insisting=insisting)
    if sha256:
        raise _changed(str(beside))
    if insisting and metadata.dependencies:
        raise _missing(source.path, beside, settings.origins[insisting])
    return None


def _lock_of_bundle(bundle: Bundle, directory: str, settings: Settings) -> ScriptLock:
    """Return the lock in a bundle, which is in `directory`; its files are those in the bundle."""
    if settings.upgrade:
        raise UsageError(
            f"{bundle.path} is a bundle: it has its packages in it, and {settings.origins['upgrade']} wants others.",
            hint="Leave it out, or bundle the script anew.",
        )
    place = os.path.join(directory, os.path.basename(bundle.path))
    return ScriptLock(bundle.lock.decode(errors="replace"), bundle.path, place, insisting="frozen")


def _is_of_elsewhere(directory: str) -> bool:
    """Tell whether this is where a script from elsewhere was laid down, which can name nothing of this machine."""
    bucket, folder = os.path.split(directory)
    return os.path.basename(bucket) == Bucket.SCRIPTS and len(folder.partition("-")[0]) == _HEX_DIGITS_OF_SHA256


def _missing(path: str, beside: str | None, origin: str) -> LockOutdated:
    where = f", neither in it nor as {beside}" if beside else ""
    hint = f"Make one: pyscript lock {path}"
    if beside and os.path.exists(f"{path}.lock"):
        name = os.path.basename(beside)
        hint = (
            f"{path}.lock is of uv's own format, which only uv reads. "
            f"Lock anew: pyscript lock {path}, or: uv export --script {path} --format pylock.toml -o {name}"
        )
    return LockOutdated(f"{path} has no lock{where}, and {origin} asks for one.", hint=hint)


def insisting_setting(settings: Settings) -> str | None:
    """Return the setting that lets a launch make no lock anew: ``locked`` or ``frozen``; None where it may.

    Of both, that of the place that counts more. Raises `UsageError` where they were given in the same way.
    """
    given = [name for name in ("locked", "frozen") if getattr(settings, name)]
    if len(given) < 2:
        return given[0] if given else None
    ranks = [_rank(settings.origins[name]) for name in given]
    if ranks[0] == ranks[1]:
        raise UsageError(
            f"{settings.origins['locked']} wants a lock that is up to date, and {settings.origins['frozen']} one that "
            "may not be.",
            hint="Leave one of them out.",
        )
    return given[ranks.index(min(ranks))]


def _rank(origin: str) -> int:
    """Return how much a place counts in which a setting is given, the least counting most."""
    places = (origin.startswith("--"), origin.startswith("the variable "), is_of_script(origin))
    return (*places, True).index(True)


def read_embedded_lock(source: ScriptSource, directory: str) -> ScriptLock | None:
    """Return the lock in the ``# /// pylock`` block of a script, or None where it has none.

    `directory` is as `ScriptLock` has it. Raises `InvalidMetadata` where it has two.
    """
    block = find_block(source.text, source.path, LOCK_BLOCK)
    return None if block is None else ScriptLock(block.metadata, source.path, directory, block.first_line)


def read_lock_file(path: str, directory: str, sha256: str | None = None) -> ScriptLock:
    """Return the lock in a file; relative paths in it count from `directory`, as `ScriptLock` has it.

    Raises `InvalidMetadata` where it cannot be read, is too large, or no text, `UntrustedScript` where it has not the
    `sha256` given.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as stream:
            found = os.fstat(stream.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise _not_read(path, "it is no regular file")
            if found.st_size > _LARGEST_LOCK_BYTES:
                raise _not_read(path, f"it has {found.st_size >> 20} MB, and no lock has more than 32")
            content = stream.read()
    except OSError as error:
        raise _not_read(path, error.strerror or str(error)) from error
    if sha256 is not None and sha256_of(content) != sha256:
        raise _changed(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise _not_read(path, f"line {number} is not written in UTF-8") from error
    return ScriptLock(text, path, directory)


def _changed(path: str) -> UntrustedScript:
    return UntrustedScript(
        f"{path} changed after you agreed to what it decides, so nothing was run.", hint="Open the script again."
    )


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting for who writes into it, should it be a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _not_read(path: str, reason: str) -> InvalidMetadata:
    return InvalidMetadata(
        f"The lock {path} cannot be used: {reason}.",
        hint="Mend it, make it anew with pyscript lock, or take it away to run the script without a lock.",
        reference=REFERENCE,
    )
