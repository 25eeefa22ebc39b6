"""Places of a registration as they are on this machine: reading them, writing them, and what holds them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress

from launcher.desktop.changes import Kind, Place
from launcher.desktop.registry import Registry
from launcher.errors import FileNotWritten, RegistrationFailed
from launcher.script.rewriting import rewrite

_TEMPORARY = r"\.{}\.[0-9a-f]{{16}}\.tmp"
"""What `launcher.script.rewriting` calls a file that is not whole yet."""

_ROOT = "HKEY_"


def run_program(words: Sequence[str]) -> None:
    """Run a program that says nothing; raises `RegistrationFailed` with what it said where it fails."""
    try:
        # A file system that is asked to write at once takes a second, and what is generated can be generated again.
        environ = {**os.environ, "PKGSYSTEM_ENABLE_FSYNC": "0"}
        done = subprocess.run(
            words, capture_output=True, stdin=subprocess.DEVNULL, env=environ, check=False, encoding="utf-8"
        )
    except (OSError, ValueError) as error:
        raise RegistrationFailed(f"{words[0]} cannot be started: {error}.") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip() or f"it ended with {done.returncode}"
        raise RegistrationFailed(f"{' '.join(words)} failed: {said}")


class Machine:
    """Where plans are carried out: the file system, on Windows a `registry`, and programs, which `run` runs.

    `find` returns the path of a program, None where there is none.
    """

    def __init__(
        self,
        registry: Registry | None = None,
        run: Callable[[Sequence[str]], None] = run_program,
        find: Callable[[str], str | None] = shutil.which,
    ) -> None:
        self._registry = registry
        self.run = run
        self.find = find

    @property
    def registry(self) -> Registry:
        """The registry; raises `RegistrationFailed` where there is none."""
        if self._registry is None:
            raise RegistrationFailed("There is no registry on this system.", hint="See pyscript desktop status.")
        return self._registry

    def read(self, place: Place) -> bytes | None:
        """Return what is in a place, or None where nothing is; raises `FileNotWritten` where that cannot be told."""
        try:
            if place.kind is Kind.REGISTRY:
                return self.registry.read(place.path, place.name)
            with open(place.path, "rb") as stream:
                return stream.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise FileNotWritten(f"{place} cannot be read: {error.strerror}.", hint="It was left as it is.") from error

    def write(self, place: Place, content: bytes | None, *, former: bytes | None, is_executable: bool = False) -> None:
        """Put something into a place that has `former`, or empty it; files are replaced whole, through links.

        Raises `FileNotWritten` where that is not possible.
        """
        try:
            if place.kind is Kind.REGISTRY:
                self.registry.write(place.path, place.name, content)
                return
            target = os.path.realpath(place.path)
            if content is None:
                with suppress(FileNotFoundError):
                    os.unlink(target)
                return
            for directory in missing_directories(target):
                with suppress(FileExistsError):
                    os.mkdir(directory, 0o700)
        except OSError as error:
            raise FileNotWritten(
                f"{place} cannot be written: {error.strerror} ({error.filename}).", hint="Mend the permissions there."
            ) from error
        rewrite(place.path, content, former=former)
        if is_executable:
            os.chmod(target, os.stat(target).st_mode | 0o111)

    def sweep(self, place: Place) -> None:
        """Remove what a killed write left beside a file."""
        if place.kind is Kind.REGISTRY:
            return
        directory, name = os.path.split(os.path.realpath(place.path))
        pattern = re.compile(_TEMPORARY.format(re.escape(name[:100])))
        with suppress(OSError):
            for each in os.listdir(directory):
                if pattern.fullmatch(each):
                    os.unlink(os.path.join(directory, each))

    def missing_containers(self, place: Place) -> tuple[str, ...]:
        """Return the directories or registry keys that have to be made for a place, the outermost first."""
        if place.kind is not Kind.REGISTRY:
            return missing_directories(os.path.realpath(place.path))
        missing = []
        key = place.path
        while "\\" in key and not self.registry.has_key(key):
            missing.append(key)
            key = key.rpartition("\\")[0]
        return tuple(reversed(missing))

    def remove_container(self, path: str) -> None:
        """Remove a directory or a registry key if nothing is in it."""
        with suppress(OSError):
            if path.startswith(_ROOT):
                self.registry.remove_empty_key(path)
            else:
                os.rmdir(path)

    def announce(self) -> None:
        """Let the desktop know of changes in the registry, where there is one."""
        if self._registry is not None:
            self._registry.announce()


def missing_directories(path: str) -> tuple[str, ...]:
    """Return the directories above a path that are not there, the outermost first."""
    missing = []
    directory = os.path.dirname(path)
    while not os.path.lexists(directory) and directory != os.path.dirname(directory):
        missing.append(directory)
        directory = os.path.dirname(directory)
    return tuple(reversed(missing))
