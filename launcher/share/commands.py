"""Installed commands on disk: where each is described, and how one gets there whole and goes again.

A command is a directory below ``commands/`` with a generation in it: the copied script, its lock, and a description::

    commands/greet/3f9a12bc/command.json
                            greet            the script; with --link the file itself is run, and nothing is copied
                            pylock.greet.toml

and a file on PATH that names the generation. Replacing that file is what replaces the command, at once and whole; the
former generation goes afterwards. What a kill leaves behind, the next change of the command removes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from launcher.cache import remove_tree
from launcher.environment.installed import DESCRIPTION, descriptions
from launcher.errors import CommandNotInstalled, DataUnusable
from launcher.python.installations import unusable_data
from launcher.value import replace


@dataclass(frozen=True, slots=True)
class Command:
    """An installed command, as its description says.

    `source` is the absolute path or the URL that it came from; `words` are the options in front of `script`, which is
    the copy or, where `is_link`, the source itself. `file` is what was put on PATH. `hashes` maps each file that was
    made, by absolute path, to its sha256. `environment` names the one that it was prepared with.
    """

    name: str
    source: str
    words: tuple[str, ...]
    script: str
    file: str
    is_link: bool
    environment: str
    hashes: Mapping[str, str] = field(default_factory=dict)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The arguments of the launch up to and with the script."""
        return (*self.words, self.script)

    @property
    def sha256(self) -> str | None:
        """The hash of the copied script; None where the source itself is run."""
        return self.hashes.get(self.script)

    def is_as_made(self, path: str) -> bool:
        """Tell whether a file that belongs to the command still is what was written into it."""
        try:
            return not os.path.islink(path) and sha256_of(Path(path).read_bytes()) == self.hashes.get(path)
        except OSError:
            return False

    @property
    def problem(self) -> str:
        """What keeps the command from being started, as a sentence without its end; empty where nothing does."""
        if not os.path.lexists(self.file):
            return f"{self.file} is missing"
        if not self.is_as_made(self.file):
            return f"{self.file} is another file now"
        if not os.access(self.file, os.X_OK):
            return f"{self.file} is not executable"
        return "" if os.path.exists(self.script) else f"{self.script} is missing"


class Commands:
    """The commands of one data directory, by name."""

    def __init__(self, root: Path | None) -> None:
        if root is None:
            raise DataUnusable(
                "There is no place for commands: neither HOME nor XDG_DATA_HOME is set.",
                hint="Set HOME, or PYSCRIPT_DATA_DIR to a directory of your own.",
            )
        self.root = root

    def __iter__(self) -> Iterator[Command]:
        """Yield each command once, in the order of the names."""
        for name in sorted({path.parent.parent.name for path in descriptions(self.root)}):
            if command := self.find(name):
                yield command

    def find(self, name: str) -> Command | None:
        """Return the command of a name, None where there is none.

        Of several generations the one that its file starts counts, else the youngest.
        """
        found = [(path, command) for path in self.root.glob(f"{name}/[!.]*/{DESCRIPTION}") if (command := _read(path))]
        found.sort(key=lambda each: (each[1].is_as_made(each[1].file), each[0].stat().st_mtime_ns))
        return found[-1][1] if found else None

    def named(self, name: str) -> Command:
        """Return the command of a name; raises `CommandNotInstalled` where there is none."""
        names = [each.name for each in self]
        # A name with a wildcard or a slash in it is nobody's.
        command = self.find(name) if name in names else None
        if command is None:
            known = f"Installed are: {', '.join(names)}." if names else "None is: pyscript install SCRIPT makes one."
            raise CommandNotInstalled(f"No command called {name} was installed by pyscript.", hint=known)
        return command

    @contextmanager
    def new_generation(self, name: str) -> Iterator[Path]:
        """Give a new directory for a command; after an error everything new goes again, unless it is in use already."""
        directory = self.root / name
        path = directory / os.urandom(4).hex()
        is_new = not directory.exists()
        with unusable_data(path):
            self.root.mkdir(parents=True, exist_ok=True)
            directory.mkdir(exist_ok=True)
            path.mkdir()
        try:
            yield path
        except BaseException:
            made = _read(path / DESCRIPTION)
            if made and made.is_as_made(made.file):
                raise
            remove_tree(path)
            if is_new:
                with suppress(OSError):
                    directory.rmdir()
            raise

    def describe(self, command: Command, generation: Path) -> None:
        """Write the description, which makes a command of what is in a generation."""
        content = json.dumps({"format": 1, **asdict(command)}, indent=2).encode()
        write_whole(generation / DESCRIPTION, content, 0o644)

    def noting(self, command: Command, environment: str) -> Command:
        """Return the command with the environment that it was prepared with now, and write that down."""
        noted = replace(command, environment=environment)
        if noted != command:
            for path in self.root.glob(f"{command.name}/[!.]*/{DESCRIPTION}"):
                if _read(path) == command:
                    self.describe(noted, path.parent)
        return noted

    def remove_former(self, command: Command, *, but: Path | None = None) -> list[str]:
        """Remove every generation of a command `but` one; return the paths that stay because somebody changed them."""
        kept: list[str] = []
        directory = self.root / command.name
        for generation in sorted(directory.iterdir()) if directory.is_dir() else ():
            if generation != but:
                kept += _remove_generation(generation)
        with suppress(OSError):
            directory.rmdir()
        return kept


def _remove_generation(generation: Path) -> list[str]:
    described = _read(generation / DESCRIPTION)
    changed = []
    for path in described.hashes if described else ():
        is_inside = os.path.dirname(path) == str(generation)
        if is_inside and os.path.lexists(path) and described and not described.is_as_made(path):
            changed.append(path)
    if not changed:
        remove_tree(generation)
        return []
    for entry in generation.iterdir():
        if str(entry) not in changed:
            remove_tree(entry)
    return changed


def sha256_of(content: bytes) -> str:
    """Return the sha256 of a file's content, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Write a file by way of one beside it and a rename; `mode` is narrowed as the umask says.

    Raises `CommandNotInstalled` where that is not possible.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}")
    try:
        try:
            with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, path)
        finally:
            with suppress(OSError):
                os.unlink(temporary)
    except OSError as error:
        raise CommandNotInstalled(
            f"{path} cannot be written: {error.strerror or error}.",
            hint="Mend the permissions there, or set PYSCRIPT_BIN_DIR to another directory that is on PATH.",
        ) from error


def copy_times(source: Path, target: Path) -> None:
    """Give a copy the times of what it was copied from: what changed a moment ago is not recognised by a launch."""
    with suppress(OSError):
        found = source.stat()
        os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))


def _read(path: Path) -> Command | None:
    try:
        content = json.loads(path.read_bytes())
        content.pop("format")
        return Command(**{**content, "words": tuple(content["words"])})
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
