"""Archives of sources, sdists above all: the project in one, and what its PKG-INFO says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launcher import unpacking
from launcher.errors import CacheUnusable, InvalidWheel

_LARGEST_PKG_INFO_BYTES = 16 << 20
_HINT = "Nothing of it was used. Ask for another version, or tell the project that its archive is broken."


def unpack(archive: Path, directory: Path) -> Path:
    """Unpack `archive` (tar, however compressed, or ZIP) into `directory` and return its top directory.

    Raises `InvalidWheel` where it cannot be read, would write outside `directory`, or is made to fill a disk.
    """
    with _sound(archive):
        unpacking.unpack(archive, directory)
        entries = sorted(directory.iterdir())
        if len(entries) == 1 and entries[0].is_dir() and not entries[0].is_symlink():
            return entries[0]
        if any((directory / name).exists() for name in ("pyproject.toml", "setup.py")):
            return directory
        raise unpacking.Unsound(
            f"it should hold one directory with a project, and holds {len(entries)} files and directories"
        )


def read_pkg_info(archive: Path) -> bytes | None:
    """Return PKG-INFO from the top directory of an sdist, or None where it has none. Raises as `unpack`."""
    with _sound(archive):
        return unpacking.read_file(archive, _is_pkg_info, _LARGEST_PKG_INFO_BYTES)


def _is_pkg_info(name: str) -> bool:
    return name.endswith("/PKG-INFO") and name.removeprefix("./").count("/") == 1


@contextmanager
def _sound(archive: Path) -> Iterator[None]:
    try:
        yield
    except unpacking.Unsound as error:
        raise InvalidWheel(f"{archive.name} is not a sound source archive: {error}.", hint=_HINT) from error
    except OSError as error:
        raise CacheUnusable(
            f"{archive.name} cannot be unpacked into the cache: {error.strerror or error}.",
            hint="Make room or mend the permissions there, or set PYSCRIPT_CACHE_DIR to another directory.",
        ) from error
