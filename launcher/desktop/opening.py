"""A file that was opened by a double-click: what it is, whether it may run, and how it is run and failed.

It runs only if a person agreed to exactly this content, and then these very bytes: `launcher.desktop.agreed` compares
what the path leads to at that moment.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from launcher.desktop.beside import Neighbour, neighbours_of
from launcher.desktop.log import Log
from launcher.digest import sha256_of
from launcher.errors import LaunchFailed, ScriptNotFound, UntrustedScript
from launcher.script.inline_metadata import find_block, read_metadata
from launcher.script.source import ScriptSource, lock_name_of, read_script
from launcher.settings import read_value
from launcher.trust import Agreement, Trust
from launcher.value import Value, replace

_RUNNER = Path(__file__).with_name("agreed.py")
_OF_FILE_MANAGER = (
    *("DESKTOP_STARTUP_ID", "XDG_ACTIVATION_TOKEN", "BAMF_DESKTOP_FILE_HINT"),
    *("GIO_LAUNCHED_DESKTOP_FILE", "GIO_LAUNCHED_DESKTOP_FILE_PID"),
)
"""Variables that are about our own start: a window of the script would be taken for ours."""

_LOOK_AT_LOG_EVERY_S = 1.0
"""A script in an endless loop may write a gigabyte in that time."""
_LARGEST_LOCK_BYTES = 1 << 26
_LARGEST_SCRIPT_BYTES = 1 << 26
"""Nobody can read a larger one to decide by it, and it is read whole."""


class OpenedScript(Value):
    """A script as it was opened: read once, with the sha256 of what it holds.

    `path` is absolute, and `lock_sha256` that of the lock beside it, if there is one; `beside` is what else there
    decides what runs, in its `environment` once that is known. `block` is the text of its `script` block, or None
    without one. With `is_gui` it gets no terminal; else the terminal stays open after success where it `pauses`.
    """

    path: str
    source: ScriptSource
    sha256: str
    lock_sha256: str = ""
    block: str | None = ""
    is_gui: bool = False
    pauses: bool = True
    beside: tuple[Neighbour, ...] = ()
    environment: str = ""

    @property
    def name(self) -> str:
        """What the file is called."""
        return os.path.basename(self.path)

    @property
    def has_block(self) -> bool:
        """Whether it says what it needs."""
        return self.block is not None

    @property
    def sha256s(self) -> tuple[str, ...]:
        """What a person has to agree to before it runs."""
        beside = [each.sha256 for each in self.beside]
        return (self.sha256, *([self.lock_sha256] if self.lock_sha256 else []), *beside)

    def is_agreed(self, trust: Trust) -> bool:
        """Tell whether all that decides what runs was agreed to, a lock that is gone as well; raises `DataUnusable`."""
        found = [trust.of_content(each) for each in dict.fromkeys(self.sha256s)]
        return all(found) and not any(each and each.lock and not self.lock_sha256 for each in found)

    def agreements(self) -> tuple[Agreement, ...]:
        """Return the agreements to exactly this content, each with the path of its file."""
        lock = os.path.join(os.path.dirname(self.path), self.source.lock_name)
        script = Agreement(sha256=self.sha256, url=self.path, lock=self.lock_sha256)
        locks = (Agreement(sha256=self.lock_sha256, url=lock),) if self.lock_sha256 else ()
        return (*(Agreement(sha256=each.sha256, url=each.path) for each in self.beside), *locks, script)

    def in_environment(self, environment: str) -> OpenedScript:
        """Return it with what lies beside it now; that is more where it is called as what an environment has."""
        beside = neighbours_of(self.path, self.source.text, self.block or "", environment)
        return replace(self, beside=beside, environment=environment)

    def refuse_other_neighbours(self) -> None:
        """Raise `UntrustedScript` where what lies beside it is not what it was any more."""
        if self.in_environment(self.environment).beside != self.beside:
            raise UntrustedScript(
                f"What lies beside {self.path} changed after you agreed to it, so nothing was run.",
                hint="Open the script again.",
            )

    def former(self, trust: Trust) -> Agreement | None:
        """Return the last agreement to other content of the same path, if there is one."""
        agreements, _ = trust.all()
        return next((each for each in reversed(agreements) if each.url == self.path), None)


def read_opened(path: str, *, wants_gui: bool = False) -> OpenedScript:
    """Read the file at an absolute path; `wants_gui` says that it gets no terminal, whatever its block says.

    Raises `ScriptNotFound` where it cannot be read or is not one file of source text, `InvalidMetadata` and
    `UsageError` for a block that makes no sense.
    """
    _refuse_what_cannot_be_read_whole(path)
    source = read_script(path)
    if source.is_inside_directory or not source.is_regular_file or (source.content and not source.text):
        raise ScriptNotFound(
            f"{path} is not one file of Python code, which could be shown before it runs.",
            hint="Run it from a terminal: pyscript PATH",
        )
    is_gui, pauses = wants_gui or path.lower().endswith(".pyw"), True
    # Parsing takes a millisecond, and most scripts say nothing of these two.
    if "gui" in source.text or "pause" in source.text:
        table = read_metadata(source.text, path)[0].tool.get("pyscript")
        values = table if isinstance(table, dict) else {}
        where = "[tool.pyscript] in the script"
        if "gui" in values:
            is_gui = wants_gui or bool(read_value("gui", values["gui"], where))
        if "pause" in values:
            pauses = bool(read_value("pause", values["pause"], where))
    found = find_block(source.text, path)
    block = found.metadata if found else None
    opened = OpenedScript(path, source, sha256_of(source.content), _sha256_of_lock(path), block, is_gui, pauses)
    return opened.in_environment("")


def _sha256_of_lock(path: str) -> str:
    """Return the sha256 of the lock beside a script: it decides what is installed as much as the script does."""
    lock = os.path.join(os.path.dirname(path), lock_name_of(os.path.basename(path)))
    try:
        with open(lock, "rb", opener=_open_at_once) as stream:
            is_file = stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
            return sha256_of(stream.read(_LARGEST_LOCK_BYTES)) if is_file else ""
    except OSError:
        return ""  # there is none; one that cannot be read keeps the script from being prepared


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting for who writes into it, should it be a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _refuse_what_cannot_be_read_whole(path: str) -> None:
    """Raise `ScriptNotFound` for a pipe or a device, which may have no end or keep us waiting, and for what is huge."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return  # reading it says why
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        reason = "is no file but a pipe or a device"
    elif found.st_size > _LARGEST_SCRIPT_BYTES:
        reason = f"has {found.st_size >> 20} MB, which nobody can read before it runs"
    else:
        return
    raise ScriptNotFound(f"{path} {reason}.", hint="Run it from a terminal: pyscript PATH")


def arguments_of_run(program: str, opened: OpenedScript, arguments: Sequence[str]) -> list[str]:
    """Return the argument vector by which the environment's Python `program` runs exactly what was opened."""
    return [program, str(_RUNNER), opened.sha256, opened.path, *arguments]


def without_file_manager(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables without those that are about who called us.

    >>> without_file_manager({"HOME": "/home/me", "DESKTOP_STARTUP_ID": "pcmanfm-1"})
    {'HOME': '/home/me'}
    """
    return {name: value for name, value in environ.items() if name not in _OF_FILE_MANAGER}


def run_without_terminal(argv: Sequence[str], environ: Mapping[str, str], log: Log) -> int:
    """Run a GUI script to its end and return its exit status, below zero for a signal; what it says goes to the log.

    When we are asked to end, it is asked as well. Raises `LaunchFailed`.
    """
    log.begin_output()
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        process = subprocess.Popen(
            argv,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=log.descriptor,
            stderr=subprocess.STDOUT,
            creationflags=flags,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LaunchFailed(f"{argv[0]} could not be started: {reason}.") from error
    with _ended_with_us(process):
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_AT_LOG_EVERY_S)
            log.cut()
            if process.returncode is not None:
                return process.returncode


@contextmanager
def _ended_with_us(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if process.poll() is None:
            process.terminate()
        raise


def is_ended_from_outside(status: int) -> bool:
    """Tell of an exit status that somebody asked for: logging out, or a task manager."""
    names = ("SIGTERM", "SIGHUP", "SIGINT", "SIGKILL")
    return sys.platform != "win32" and -status in [getattr(signal, name) for name in names]
