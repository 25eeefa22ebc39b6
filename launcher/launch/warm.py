"""Recognise a launch that was prepared before, and become the script.

This is the warm path: it compares, it never parses or decides. Whatever is not exactly as a record says is left to the
full path. On POSIX ``pyscript.sh`` does the same without starting Python at all.
"""

import sys
import time as _time

from launcher.launch import record as records

if sys.platform == "win32":
    import nt as _os
else:
    import _signal
    import posix as _os

_SECOND_NS = 1_000_000_000
_LONGEST_OPTIONS = 24
"""A launch with more arguments than this before its target is never recognised."""


def recognise(arguments: list[str], environ: dict[str, str]) -> tuple[records.LaunchRecord, list[str]] | None:
    """Return the record that holds for `arguments` and the argument vector to execute, or None.

    `arguments` are those behind the program's own name. Which of them are options is not known here, so each beginning
    of the list is looked up; the record says how many of its tokens are pyscript's own.
    """
    root = records.cache_root(environ)
    if not arguments or not root:
        return None
    try:
        directory = records.working_directory(environ)
    except OSError:  # it was deleted
        return None
    counts = range(2, min(len(arguments), _LONGEST_OPTIONS) + 1) if _has_options(arguments[0]) else (1,)
    for count in counts:
        tokens = tuple(arguments[:count])
        for place in (directory,) if count == 1 else (records.ANYWHERE, directory):
            path = records.record_path(root, tokens, place)
            found = records.read(path) if path else None
            started_ns = _time.time_ns()
            if path and found and records.holds(found, tokens, environ):
                if found.head is not None:
                    note_seen(path, started_ns)
                return found, [found.program, *arguments[found.skipped :]]
    return None


def launch(record: records.LaunchRecord, argv: list[str], environ: dict[str, str]) -> int:
    """Replace this process by the recorded program; on Windows run it and return its exit status.

    The environment's programs come first on PATH and VIRTUAL_ENV names it, as after activating it. Raises `OSError`
    where the program cannot be executed.
    """
    child = environment_for(record.environment, environ)
    note_use(record.environment)
    if root := records.cache_root(environ):
        records.write_stamps(root, record)
    if sys.platform == "win32":
        return _os.spawnve(_os.P_WAIT, record.program, _quoted(argv), child)
    _restore_signals()
    _os.execve(record.program, argv, child)
    return 0


def environment_for(environment: str, environ: dict[str, str]) -> dict[str, str]:
    """Return the variables that a program inside `environment` (an absolute path) is given."""
    child = dict(environ)
    if sys.platform == "win32":
        programs, separator = f"{environment}\\Scripts", ";"
    else:
        programs, separator = f"{environment}/bin", ":"
    path = child.get("PATH")
    child["PATH"] = f"{programs}{separator}{path}" if path else programs
    child["VIRTUAL_ENV"] = environment
    # PYTHONHOME would make the environment's interpreter look for its packages elsewhere; activating clears it as well.
    child.pop("PYTHONHOME", None)
    child.pop("__PYVENV_LAUNCHER__", None)
    return child


def note_use(environment: str) -> None:
    """Remember for collection that the environment is used, at the cost of one system call."""
    try:  # noqa: SIM105 - contextlib is no builtin module
        _os.utime(f"{environment}/used", None)
    except OSError:
        pass


def note_seen(path: str, seen_ns: int) -> None:
    """Let the record at `path` say when its script was looked through, all of it, for a lock that came into it.

    A shell does not read behind the head: a script that is younger than its record it leaves to Python, which looks.
    Some compare whole seconds, so the time is one before.
    """
    time_ns = seen_ns - _SECOND_NS
    try:  # noqa: SIM105 - contextlib is no builtin module
        _os.utime(path, ns=(time_ns, time_ns))
    except OSError:
        pass


def _has_options(first: str) -> bool:
    return first[:1] == "-" or first == "run"


def _restore_signals() -> None:
    """Undo what starting Python did: ignored signals stay ignored across exec, and SIGPIPE should end programs.

    A signal that Python has taken but not yet told a handler of would be lost by exec: those that were listened to are
    held back until they have their default action again.
    """
    if sys.platform != "win32":
        listened = [
            number
            for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP)
            if callable(_signal.getsignal(number))
        ]
        before = _signal.pthread_sigmask(_signal.SIG_BLOCK, listened)
        for number in (_signal.SIGPIPE, _signal.SIGXFSZ, *listened):
            _signal.signal(number, _signal.SIG_DFL)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, before)


def _quoted(argv: list[str]) -> list[str]:
    """Quote for the Microsoft C runtime, whose spawn joins arguments with blanks."""
    quoted = []
    for argument in argv:
        if argument and not any(character in ' \t\n\v"' for character in argument):
            quoted.append(argument)
            continue
        result, backslashes = '"', 0
        for character in argument:
            if character == "\\":
                backslashes += 1
                continue
            result += "\\" * (backslashes * 2 + 1 if character == '"' else backslashes) + character
            backslashes = 0
        quoted.append(result + "\\" * (backslashes * 2) + '"')
    return quoted
