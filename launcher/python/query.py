"""One interpreter: what it is, and the memory of what it answered.

Every preparation reads this module's cache, so nothing heavy is imported at the top: a remembered answer costs a
`stat`, a `read` and a `marshal.loads`. The question itself is in `launcher.python.answer`.
"""

from __future__ import annotations

import marshal
import os
import sys
import time
from binascii import crc32
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from launcher import __version__
from launcher.cache import Bucket, Cache
from launcher.errors import InterpreterNotFound
from launcher.value import Value, field, names_of

if TYPE_CHECKING:
    from launcher.python.answer import Answer

OLDEST_SUPPORTED = (3, 8)
"""The oldest CPython a script may run on; older ones are recognised, so that the message can say so."""

_FORMAT = f"interpreter 1, pyscript {__version__}"
_REFUSAL_LASTS_S = 600
"""A broken interpreter may be mended without a change to its file, for example by installing a library."""


class Interpreter(Value):
    """What one Python executable says of itself.

    `executable` is the base interpreter's absolute path, never a venv's or a shim. `version` is complete (``"3.12.1"``,
    ``"3.15.0rc1"``). `markers` is the PEP 508 environment without ``extra``. `tags` are wheel tags, best first, in the
    order of `packaging.tags.sys_tags`; empty for versions that are too old. `stamp` is the executable's modification
    time in nanoseconds and its size in bytes.

    `paths` holds, all as text: absolute ``home`` (the ``home`` of a pyvenv.cfg), ``prefix`` and ``stdlib``; relative to
    an environment, with ``/``, ``purelib``, ``platlib``, ``scripts`` and ``include``; and ``platlibdir`` (``lib``,
    ``lib64``), ``python_lib`` (``python3.12``, ``python3.13t``, ``pypy3.10``), ``executable_name``, ``soabi``,
    ``ext_suffix`` and ``platform`` (sysconfig's).
    """

    executable: str
    version: str
    implementation: str
    free_threaded: bool
    markers: Mapping[str, str] = field(hash=False)
    tags: tuple[str, ...] = field(hash=False, repr=False)
    paths: Mapping[str, str] = field(hash=False, repr=False)
    stamp: tuple[int, int]
    debug: bool = False

    @property
    def version_info(self) -> tuple[int, int, int]:
        """The release as three numbers: ``(3, 15, 0)`` for ``"3.15.0rc1"``."""
        numbers = []
        for part in self.version.split(".")[:3]:
            digits = part[: len(part) - len(part.lstrip("0123456789"))]
            numbers.append(int(digits or 0))
        major, minor, micro = (*numbers, 0, 0, 0)[:3]
        return major, minor, micro

    @property
    def is_prerelease(self) -> bool:
        """Whether this is an alpha, a beta or a release candidate."""
        return any(letter in self.version.partition("+")[0] for letter in "abc")

    @property
    def is_supported(self) -> bool:
        """Whether scripts can run on it."""
        return self.version_info >= OLDEST_SUPPORTED

    @property
    def identity(self) -> str:
        """Stable text naming what an environment made for this interpreter depends on.

        The kernel's release is a marker too, but stays out: a new kernel does not spoil an environment.
        """
        best_tag = self.tags[0] if self.tags else ""
        return "|".join((self.implementation, self.version, best_tag, self.paths.get("purelib", ""), self.executable))


def query(executable: str, cache: Cache, *, refresh: bool = False) -> Interpreter:
    """Return what the interpreter at `executable` says of itself, asking it only where the cache does not know.

    A venv's Python and a shim answer for their base interpreter. `refresh` asks in any case. Raises
    `InterpreterNotFound` saying why where there is no answer.
    """
    path = os.path.abspath(executable)
    stamp = file_stamp(path)
    if stamp is None:
        raise InterpreterNotFound(f"There is no Python interpreter at {path}.")
    remembered = None if refresh else _remembered(path, stamp, cache)
    if isinstance(remembered, Interpreter):
        return remembered
    if remembered is not None:
        raise _refused(path, remembered)
    return _ask(path, stamp, cache)


def file_stamp(path: str) -> tuple[int, int] | None:
    """Return modification time (ns) and size (bytes) of the file that `path` leads to; None where there is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size


def host() -> str:
    """Name the system that answers hold for: one home directory may serve machines with other C libraries."""
    if sys.platform == "win32":
        return f"win32 {tuple(sys.getwindowsversion())[:3]}"
    system = os.uname()
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (OSError, ValueError):
        libc = ""
    return f"{system.sysname} {system.release} {system.version} {system.machine} {libc}"


def entry_key(kind: str, text: str) -> str:
    """Return the name of an entry in the interpreters' bucket.

    A checksum is enough, and spares the 3 ms of hashlib: the entry repeats what it is about, so that two texts with one
    checksum merely push each other out.
    """
    return f"{kind}-{crc32(text.encode('utf-8', 'surrogateescape')):08x}"


def encode_entry(content: Any) -> bytes:
    """Return `content` (what marshal can hold) with a checksum in front, for `decode_entry`."""
    payload = marshal.dumps(content)
    return crc32(payload).to_bytes(4, "big") + payload


def decode_entry(entry: bytes | None) -> Any:
    """Return what `encode_entry` was given, or None where the entry is missing or damaged."""
    if entry is None or len(entry) < 5 or crc32(entry[4:]).to_bytes(4, "big") != entry[:4]:
        return None
    try:
        return marshal.loads(entry[4:])
    except (EOFError, TypeError, ValueError):
        return None


def _remembered(path: str, stamp: tuple[int, int], cache: Cache) -> Interpreter | str | None:
    """Return a kept answer, or the reason of a kept refusal, or None."""
    match decode_entry(cache.read(Bucket.INTERPRETERS, entry_key("answer", path))):
        case [known_format, known_path, known_host, known_stamp, made_at, content]:
            if (known_format, known_path, known_host, known_stamp) != (_FORMAT, path, host(), stamp):
                return None
        case _:
            return None
    if isinstance(content, str):
        return content if 0 <= time.time() - made_at < _REFUSAL_LASTS_S else None
    interpreter = Interpreter(**content)
    # A venv's path can keep its stamp while the base interpreter behind it changes.
    if interpreter.executable != path and file_stamp(interpreter.executable) != interpreter.stamp:
        return None
    return interpreter


def _remember(path: str, stamp: tuple[int, int], content: Interpreter | str, cache: Cache) -> None:
    plain: Any = content
    if isinstance(content, Interpreter):
        plain = {name: getattr(content, name) for name in names_of(Interpreter)}
    entry = encode_entry((_FORMAT, path, host(), stamp, time.time(), plain))
    cache.write(Bucket.INTERPRETERS, entry_key("answer", path), entry)


def _ask(path: str, stamp: tuple[int, int], cache: Cache) -> Interpreter:
    # subprocess and json cost 30 ms, packaging.tags 40: only for an interpreter that is not known yet.
    from launcher.python.answer import Refusal, ask  # noqa: PLC0415

    answer = ask(path)
    if isinstance(answer, Refusal):
        if answer.is_lasting and _looks_like_an_interpreter(path):
            _remember(path, stamp, answer.reason, cache)
        raise _refused(path, answer.reason)
    interpreter = _interpreter(answer)
    if interpreter is None:
        raise _refused(path, f"it names {answer['executable']} as its base interpreter, which is not there")
    # A shim's answer depends on the directory and the variables it was asked under: keep it for the real file only.
    if _is_same_file(path, answer["self"]):
        _remember(path, stamp, interpreter, cache)
    if interpreter.executable != path:
        _remember(interpreter.executable, interpreter.stamp, interpreter, cache)
    return interpreter


def _interpreter(answer: Answer) -> Interpreter | None:
    # 40 ms, as above.
    from launcher.python.tags import pep440_version, wheel_tags  # noqa: PLC0415

    stamp = file_stamp(answer["executable"])
    if stamp is None:
        return None
    return Interpreter(
        executable=answer["executable"],
        version=pep440_version(answer),
        implementation=answer["implementation"],
        free_threaded=answer["free_threaded"],
        markers=answer["markers"],
        tags=wheel_tags(answer),
        paths=answer["paths"],
        stamp=stamp,
        debug=answer["debug"],
    )


def _refused(path: str, reason: str) -> InterpreterNotFound:
    return InterpreterNotFound(
        f"{path} cannot be used as a Python interpreter: {reason}.",
        hint="Run it by hand to see what is wrong with it, or name another one with `--python`.",
    )


def _looks_like_an_interpreter(path: str) -> bool:
    """Tell a real program from a shim, whose refusal depends on where it is asked."""
    if not os.path.basename(os.path.realpath(path)).lower().startswith(("python", "pypy", "graalpy")):
        return False
    try:
        with open(path, "rb") as stream:
            return stream.read(2) != b"#!"
    except OSError:
        return False


def _is_same_file(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except (OSError, ValueError):
        return False
