"""The interpreters that pyscript downloaded: where they are, how one gets there whole, and how it goes again.

They lie in the data directory and not in the cache, because environments point to them: nothing removes one but
``pyscript python uninstall``. Each is made beside its place and renamed into it.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from launcher import unpacking
from launcher.cache import Cache, remove_tree
from launcher.errors import DataUnusable, HashMismatch, IndexUnreachable, InterpreterNotFound
from launcher.python.answer import Refusal, ask
from launcher.python.demand import Demand, NotFetched
from launcher.python.downloads import AS_IT_IS, Answer, Build, Machine, Server, find_build, open_catalogue, shown
from launcher.python.places import executable_inside, installations_directory
from launcher.reporter import Reporter
from launcher.settings import Settings

_TEMPORARY = ".new-"
_ABANDONED_S = 24 * 3600
_DISTRUST = "Try again; if it happens again, do not trust where it comes from."
_LARGEST_BYTES = 2 << 30
"""Nobody lists how large builds are; the largest, GraalPy's, has 400 MB."""


class Installations:
    """What is below one directory, each interpreter in a directory of its own; made on first use, owner-only."""

    def __init__(self, root: Path | None) -> None:
        if root is None:
            raise DataUnusable(
                "There is no place for interpreters: neither HOME nor XDG_DATA_HOME is set.",
                hint="Set HOME, or PYSCRIPT_DATA_DIR to a directory of your own.",
            )
        self.root = root

    def __iter__(self) -> Iterator[Path]:
        """Yield the directory of each interpreter."""
        with suppress(OSError):
            yield from sorted(path for path in self.root.iterdir() if not path.name.startswith("."))

    def executable(self, build: Build) -> str | None:
        """Return the interpreter of a build that is here already."""
        return executable_inside(self.root / build.directory_name)

    def directory_of(self, executable: str) -> Path | None:
        """Return the directory of an interpreter that is one of these."""
        return next((path for path in self if Path(executable).is_relative_to(path)), None)

    def add(self, build: Build, server: Server, cache: Cache, reporter: Reporter) -> str:
        """Download, verify and unpack a build, unless it is here, and return its executable.

        Raises `IndexUnreachable`, `HashMismatch`, `InterpreterNotFound` for an archive without a Python that starts
        here and is what its name says, and `DataUnusable`.
        """
        with cache.lock(f"python-{build.directory_name}", reporter, f"fetching {build.label}"):
            if executable := self.executable(build):
                return executable
            with self._temporary_directory() as temporary:
                reporter.step(f"Fetching {build.label}")
                archive = _download(build, temporary, server, reporter)
                reporter.step(f"Unpacking {build.label}")
                unpacked = _unpack(archive, temporary / "unpacked", build)
                _check(unpacked, build)
                self._publish(unpacked, self.root / build.directory_name)
        executable = self.executable(build)
        assert executable is not None, "it was there before it was renamed"
        return executable

    def remove(self, directory: Path, check: Callable[[Path], None] | None = None) -> None:
        """Remove an interpreter: at once from its name, so that no launch finds half of one.

        It gets its name back where `check`, which is then called with `directory`, raises.
        """
        victim = self.root / f"{_TEMPORARY}{os.getpid()}-{directory.name}"
        with unusable_data(directory):
            directory.rename(victim)
            try:
                if check is not None:
                    check(directory)
            except BaseException:
                victim.rename(directory)
                raise
        remove_tree(victim)

    @contextmanager
    def _temporary_directory(self) -> Iterator[Path]:
        """Give a new directory beside the interpreters; it is removed, and with it what killed launches left."""
        path = self.root / f"{_TEMPORARY}{os.getpid()}-{os.urandom(6).hex()}"
        with unusable_data(path):
            self._make_root()
            path.mkdir(mode=0o700)
        try:
            with unusable_data(path):
                yield path
        finally:
            remove_tree(path)
            for each in self.root.glob(f"{_TEMPORARY}*"):
                with suppress(OSError):
                    if each.stat().st_mtime < time.time() - _ABANDONED_S:
                        remove_tree(each)

    def _make_root(self) -> None:
        """Make the directory owner-only; refuse one that another user could put an interpreter into."""
        self.root.parent.parent.mkdir(parents=True, exist_ok=True)
        for path in (self.root.parent, self.root):
            path.mkdir(mode=0o700, exist_ok=True)
        found = self.root.stat()
        if sys.platform != "win32" and found.st_uid != os.geteuid():
            raise DataUnusable(
                f"The directory {self.root} belongs to another user.",
                hint="Set PYSCRIPT_DATA_DIR to a directory of your own.",
            )
        if sys.platform != "win32" and stat.S_IMODE(found.st_mode) & 0o022:
            self.root.chmod(0o700)

    def _publish(self, made: Path, target: Path) -> None:
        """Rename it into place, unless a launch with another cache, and so with other locks, was quicker."""
        if executable_inside(target):
            return
        if os.path.lexists(target):
            self.remove(target)  # it was damaged
        try:
            made.rename(target)
        except OSError:
            if not executable_inside(target):
                raise


def obtain(demand: Demand, settings: Settings, server: Server, cache: Cache, reporter: Reporter) -> str | NotFetched:
    """Return the executable of a build that satisfies the demand, downloaded where it is not here yet.

    Returns why there is none where that is nobody's fault. Raises `HashMismatch`, `DataUnusable` and `UsageError`.
    """
    for name, way in (
        ("offline", "run once without offline, which downloads one"),
        ("no_python_download", f"download one with `pyscript python install {demand.name_to_install}`"),
    ):
        if getattr(settings, name):
            return NotFetched(f"None was downloaded: {settings.origins[name]} forbids it.", way)
    try:
        catalogue = open_catalogue(settings.python_mirror, server)
        build = find_build(demand, catalogue)
        if build is None:
            machine = Machine.here().triple
            return NotFetched(f"There is none to download: {catalogue.origin} has no such build for {machine}.")
        return Installations(installations_directory(os.environ, sys.platform)).add(build, server, cache, reporter)
    except IndexUnreachable as error:
        way = "check the connection or name a mirror (PYSCRIPT_PYTHON_MIRROR)"
        return NotFetched(f"None could be downloaded: {error.message}", way)
    except InterpreterNotFound as error:
        return NotFetched(f"None could be downloaded: {error.message}")


def _download(build: Build, directory: Path, server: Server, reporter: Reporter) -> Path:
    """Return the archive, with the content that its sha256 says, from the first URL that has it."""
    path = directory / build.filename

    def read(answer: Answer) -> str | None:
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise IndexUnreachable(
                f"{build.filename} cannot be fetched: the server answered {answer.status}.", hint="Try again later."
            )
        told = answer.headers.get("content-length", "")
        size, digest = 0, hashlib.sha256()
        reporter.download_started(build.label, int(told) if told.isdigit() else None)
        try:
            with open(path, "wb") as stream:
                for chunk in answer.chunks():
                    size += len(chunk)
                    if size > _LARGEST_BYTES:
                        raise HashMismatch(
                            f"{build.filename} is not the build that was published: what the server sends is larger "
                            f"than any build, more than {_LARGEST_BYTES >> 20} MiB.",
                            hint=_DISTRUST,
                        )
                    stream.write(chunk)
                    digest.update(chunk)
                    reporter.download_advanced(build.label, len(chunk))
        finally:
            reporter.download_finished(build.label)
        return digest.hexdigest()

    for url in build.urls:
        found = server.consume(url, read, AS_IT_IS)
        if found == build.sha256:
            return path
        if found is not None:
            raise HashMismatch(
                f"{build.filename} is not the build that was published: its sha256 is {found}, and not {build.sha256}.",
                hint=_DISTRUST,
            )
    raise IndexUnreachable(
        f"There is no {shown(build.urls[-1])}.", hint="Upgrade pbs-installer, or name another mirror in python-mirror."
    )


def _unpack(archive: Path, directory: Path, build: Build) -> Path:
    """Return the one directory that the archive holds, unpacked; nothing is written outside `directory`."""
    try:
        unpacking.unpack(archive, directory)
    except unpacking.Unsound as error:
        raise InterpreterNotFound(f"{build.filename} cannot be unpacked: {error}.") from error
    entries = list(directory.iterdir())
    if len(entries) != 1 or not entries[0].is_dir():
        raise InterpreterNotFound(f"{build.filename} is packed in a way that is not known: it is no single directory.")
    entries[0].chmod(0o700)
    return entries[0]


def _check(directory: Path, build: Build) -> None:
    """Ask the new interpreter what it is: a name promises nothing, and it may have been made for another system."""
    executable = executable_inside(directory)
    answer = ask(executable) if executable else Refusal("there is no executable in it", is_lasting=True)
    if isinstance(answer, Refusal):
        raise InterpreterNotFound(f"{build.label} was fetched and does not work here: {answer.reason}.")
    found = (answer["implementation"], answer["release"], answer["free_threaded"])
    if found != (build.implementation, build.version, build.free_threaded):
        raise InterpreterNotFound(
            f"{build.filename} holds {answer['implementation']} {answer['version']} and not {build.label}."
        )


@contextmanager
def unusable_data(path: Path) -> Iterator[None]:
    """Turn an `OSError` about the data directory into a `DataUnusable` that says which path and why."""
    try:
        yield
    except OSError as error:
        raise DataUnusable(
            f"The data directory cannot be used: {error.strerror or error} ({error.filename or path}).",
            hint="Make room or mend the permissions there, or set PYSCRIPT_DATA_DIR to another directory.",
        ) from error
