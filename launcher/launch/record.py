"""Launch records: what a finished preparation leaves, so that the next launch need not think.

A record is a small file that a shell can read line by line::

    pyscript 3 /home/me … /home/me/x.py the format, the variables that could change the answer, the record's place, and
                                        the arguments up to the target where there were options; tabs between them
    0 /…/environments-v1/3f…/bin/python how many leading arguments are pyscript's own and are dropped, and the
                                        program to execute, in the environment it belongs to
    = 1753000000000000000 5400 /…       a file that must have this mtime (ns) and size (bytes)
    - 0 0 /…/config.toml                a file that must be absent
    --- 0 7                             once more what is dropped, and how many lines the head has
    #!/usr/bin/env pyscript             the head of the script, to the last byte: everything up to the block's end
    …

Lines are few and long because each that bash reads costs 12 us, and what it need not take apart is compared whole. A
head of more lines than a shell should read has another format, ``pyscript 3 long``, which only Python knows.

It holds when every line of it is still true. One that was cut off, or lies in another's place, shows it: without its
head it would hold for any block. Only `launcher.prepare` writes records, so that "it holds" means "the full path once
decided this". The module imports builtin modules only, because it is the whole of a warm launch.
"""

import sys
import time as _time

if sys.platform == "win32":
    import nt as _os
else:
    import posix as _os

MAGIC = "pyscript 3"
LONG_MAGIC = "pyscript 3 long"
SUFFIX = ".launch"
OPTIONS_DIRECTORY = "@options"
"""Records of launches with options live here; no script's absolute path begins with it."""

ANYWHERE = "/@anywhere"
"""Stands for the current directory in the place of a launch with options that means the same in all of them."""

STAMPS_DIRECTORY = "@stamps"
"""A shell cannot read a time, but it can compare two files: here is an empty file of each time that a record names."""

VARIABLES = (
    "HOME",
    "XDG_CONFIG_HOME",
    "PYSCRIPT_CONFIG_FILE",
    "PYSCRIPT_PYTHON",
    "PYSCRIPT_INDEX_URL",
    "PYSCRIPT_EXTRA_INDEX_URL",
    "PYSCRIPT_FIND_LINKS",
    "PYSCRIPT_NO_INDEX",
    "PYSCRIPT_NO_BUILD",
    "PYSCRIPT_NO_BUILD_PACKAGE",
    "PYSCRIPT_NO_BINARY",
    "PYSCRIPT_NO_BINARY_PACKAGE",
    "PYSCRIPT_OFFLINE",
    "PYSCRIPT_REFRESH",
    "PYSCRIPT_UPGRADE",
    "PYSCRIPT_MAX_AGE",
    "PYSCRIPT_TIMEOUT",
    "PYSCRIPT_RETRIES",
    "PYSCRIPT_LINK_MODE",
    "PYSCRIPT_ENV_FILE",
    "PYSCRIPT_CONSTRAINT",
    "PYSCRIPT_OVERRIDE",
    "PYSCRIPT_PRERELEASE",
    "PYSCRIPT_RESOLUTION",
    "PYSCRIPT_EXCLUDE_NEWER",
    "PYSCRIPT_EXCLUDE_NEWER_PACKAGE",
    "PYSCRIPT_LOCKED",
    "PYSCRIPT_FROZEN",
    "PYSCRIPT_NO_PIP_CONFIG",
    "PIP_CONFIG_FILE",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_NO_INDEX",
    "XDG_CONFIG_DIRS",
)
"""Variables that could change what the full path decides.

The cache directory's own is where the record lies, and a warm launch says nothing, quiet or verbose.
"""

_BUCKET = "launch-v1"
_SEPARATOR = "\n--- "
_TAB = "\t"
_LONGEST_RECORD = 1 << 18
_MOST_LINES_FOR_A_SHELL = 200
_PROGRAMS = "\\Scripts\\" if sys.platform == "win32" else "/bin/"
_RECENT_NS = 3_000_000_000
_LONGEST_SCRIPT = 1 << 24
_LOCK_OPENING = b"# /// pylock"
_X_OK = 1


class LaunchRecord:
    """What a preparation decided; no dataclass, because that module alone costs more than a warm launch.

    `program` and `environment` are absolute paths; `skipped` counts the leading arguments that are not handed on;
    `tokens` are the arguments up to and with the target where there were options, else empty; `stamps` maps the
    absolute path of a file to its (mtime in ns, size in bytes), or to None where it must be absent; `head` is what the
    script must begin with, or None where a stamp stands for the whole script; `place` is what `record_place` says.
    """

    __slots__ = ("environment", "head", "place", "program", "skipped", "stamps", "tokens", "variables")

    def __init__(
        self,
        program: str,
        environment: str,
        variables: str,
        tokens: tuple[str, ...] = (),
        skipped: int = 0,
        head: bytes | None = None,
    ) -> None:
        self.program = program
        self.environment = environment
        self.variables = variables
        self.tokens = tokens
        self.skipped = skipped
        self.head = head
        self.stamps: dict[str, tuple[int, int] | None] = {}
        self.place = ""


def variables_of(environ: dict[str, str]) -> str:
    r"""Return the line that stands for all of `VARIABLES`, in their order; one that is not set counts as empty.

    >>> variables_of({"HOME": "/home/me", "PYSCRIPT_PYTHON": "3.12", "EDITOR": "vi"}).split("\t")[:5]
    ['/home/me', '', '', '3.12', '']
    """
    return _TAB.join([environ.get(name, "") for name in VARIABLES])


def cache_root(environ: dict[str, str]) -> str | None:
    """Return the cache directory that `environ` names, or None where it names none.

    >>> cache_root({"HOME": "/home/me", "XDG_CACHE_HOME": "relative/is/ignored"})
    '/home/me/.cache/pyscript'
    """
    if chosen := environ.get("PYSCRIPT_CACHE_DIR"):
        return chosen if chosen[0] == "/" or sys.platform == "win32" else f"{_os.getcwd()}/{chosen}"
    if sys.platform == "win32":
        local = environ.get("LOCALAPPDATA")
        return f"{local}\\pyscript\\Cache" if local else None
    if (xdg := environ.get("XDG_CACHE_HOME", "")) and xdg[0] == "/":
        return f"{xdg}/pyscript"
    home = environ.get("HOME")
    return f"{home}/.cache/pyscript" if home else None


def working_directory(environ: dict[str, str]) -> str:
    """Return the current directory by the name the shell uses for it, as ``pwd -L`` does.

    `PWD` counts only where it names the very directory this process is in.
    """
    named = environ.get("PWD", "")
    actual = _os.getcwd()
    if named and named != actual and named[0] == "/":
        try:
            if _os.stat(named)[1:3] == _os.stat(actual)[1:3]:
                return named
        except OSError:
            pass
    return actual


def record_path(root: str, tokens: tuple[str, ...], directory: str) -> str | None:
    """Return where in the cache at `root` the record of a launch is kept, or None where there can be none.

    >>> record_path("/c", ("./x.py",), "/home/me")
    '/c/launch-v1/home/me/x.py.launch'
    """
    place = record_place(tokens, directory)
    return place and f"{root}/{_BUCKET}{place}{SUFFIX}"


def record_place(tokens: tuple[str, ...], directory: str) -> str | None:
    """Return the place of a launch's record among all records, or None where there can be none.

    Places are such that a shell can put them together: a script lies in a mirror of the file system, a launch with
    options in a mirror of the directory (paths may be relative) under its words. Only words that make no file name are
    hashed, and a shell does not recognise them.

    >>> record_place(("/opt/x.py",), "/home/me"), record_place(("--with", "rich", "x.py"), "/home/me")
    ('/opt/x.py', '/@options/home/me/--with rich x.py')
    """
    if len(tokens) == 1:
        return _mirrored(tokens[0], directory)
    words = " ".join(tokens)
    if is_plain(words) and (path := _mirrored("x", directory)):
        return f"/{OPTIONS_DIRECTORY}{path[:-1]}{words}"
    key = "\0".join((directory, *tokens)).encode("utf-8", "surrogateescape")
    return f"/{OPTIONS_DIRECTORY}/{_hash(key)}"


def write_stamps(root: str, record: LaunchRecord) -> None:
    """Make the empty files by which a shell sees whether the stamped files are as old as they were.

    Some shells compare whole seconds, so a file that changed a moment ago gets none yet: the launch then takes the way
    through Python, which comes here again. Failing to write one has the same effect.
    """
    now = _time.time_ns()
    for stamp in record.stamps.values():
        if stamp is None or now - stamp[0] < _RECENT_NS:
            continue
        path = f"{root}/{_BUCKET}/{STAMPS_DIRECTORY}/{stamp[0]}"
        try:
            if not _os.access(path, 0):
                _make_directory(f"{root}/{_BUCKET}/{STAMPS_DIRECTORY}")
                _os.close(_os.open(path, _os.O_WRONLY | _os.O_CREAT, 0o600))
                _os.utime(path, ns=(stamp[0], stamp[0]))
        except OSError:
            pass


def _make_directory(path: str) -> None:
    try:  # noqa: SIM105 - contextlib is no builtin module
        _os.mkdir(path, 0o700)
    except FileExistsError:
        pass


def is_plain(words: str) -> bool:
    """Tell whether the words of a launch can name its record, below the directory that mirrors the current one."""
    longest = max([len(part) for part in words.split("/")])
    return longest < 120 and "\n" not in words and "\t" not in words and "\\" not in words and ".." not in words


def encode(record: LaunchRecord) -> bytes | None:
    """Return the record as it is written, or None where something in it does not fit on a line, or it is too long."""
    head = record.head or b""
    line_count = head.count(b"\n")
    magic = MAGIC if line_count <= _MOST_LINES_FOR_A_SHELL else LONG_MAGIC
    first = _TAB.join((magic, record.variables, record.place, _joined(record.tokens)))
    lines = [first, f"{record.skipped} {record.program}"]
    for path, stamp in record.stamps.items():
        lines.append(f"- 0 0 {path}" if stamp is None else f"= {stamp[0]} {stamp[1]} {path}")
    if record.variables.count(_TAB) != len(VARIABLES) - 1 or environment_of(record.program) != record.environment:
        return None
    if not record.place or _TAB in record.place:
        return None
    # A shell takes blanks at the end for no part of a path.
    if any("\n" in line or "\0" in line for line in lines) or any(line[-1] in " \t" for line in lines[1:]):
        return None
    text = "\n".join(lines) + f"{_SEPARATOR}{record.skipped} {line_count}\n"
    content = text.encode("utf-8", "surrogateescape") + head
    return content if len(content) < _LONGEST_RECORD else None


def decode(content: bytes) -> LaunchRecord | None:
    """Return the record that `content` holds, or None where it is damaged or of another format."""
    before, _, behind = content.partition(_SEPARATOR.encode())
    closing, line_end, head = behind.partition(b"\n")
    lines = before.decode("utf-8", "surrogateescape").split("\n")
    magic, *fields = lines[0].split(_TAB)
    if magic not in (MAGIC, LONG_MAGIC) or len(fields) < len(VARIABLES) + 2 or len(lines) < 2 or b"\0" in before:
        return None
    skipped, _, program = lines[1].partition(" ")
    variables, (place, *tokens) = _TAB.join(fields[: len(VARIABLES)]), fields[len(VARIABLES) :]
    environment = environment_of(program)
    if (
        not (skipped.isdecimal() and environment and line_end)
        or closing != f"{skipped} {head.count(line_end)}".encode()
    ):
        return None
    record = LaunchRecord(program, environment, variables, _split(tokens), int(skipped), head or None)
    record.place = place
    for line in lines[2:]:
        kind, mtime, size, path = (line.split(" ", 3) + [""] * 3)[:4]
        if kind not in ("=", "-") or not (mtime.isdecimal() and size.isdecimal() and path):
            return None
        record.stamps[path] = (int(mtime), int(size)) if kind == "=" else None
    return record


def environment_of(program: str) -> str:
    """Return the environment that a program lies in, or nothing where it lies in none.

    >>> environment_of("/c/environments-v1/3f/bin/python"), environment_of("/bin/ls"), environment_of("ls")
    ('/c/environments-v1/3f', '', '')
    """
    environment, found, name = program.rpartition(_PROGRAMS)
    return environment if found and "/" not in name else ""


def read(path: str) -> LaunchRecord | None:
    """Read the record at `path`; None where there is none, or none of use, or one that belongs elsewhere."""
    content = _read(path, _LONGEST_RECORD) if is_ours(path) else None
    record = decode(content) if content else None
    return record if record and path.endswith(f"/{_BUCKET}{record.place}{SUFFIX}") else None


def is_ours(path: str) -> bool:
    """Tell whether this user owns the file: where HOME is another's (sudo), theirs decide nothing for us."""
    if sys.platform == "win32":
        return True
    try:
        return _os.stat(path).st_uid == _os.geteuid()
    except OSError:
        return False


def holds(record: LaunchRecord, tokens: tuple[str, ...], environ: dict[str, str]) -> bool:
    """Tell whether everything the record says is still so; the script is read again, its last token names it."""
    if record.variables != variables_of(environ):
        return False
    if record.tokens and record.tokens != tokens:
        return False
    for path, stamp in record.stamps.items():
        if stamp_of(path) != stamp:
            return False
    if record.head is not None and not _begins_with(tokens[-1], record.head):
        return False
    return _os.access(record.program, _X_OK)


def stamp_of(path: str) -> tuple[int, int] | None:
    """Return (mtime in ns, size in bytes) of a file, None where there is none."""
    try:
        found = _os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _begins_with(script: str, head: bytes) -> bool:
    """Tell whether the script still begins with `head`, and what is behind it has no say.

    A comment line behind the block could belong to it (PEP 723 closes a block at the last ``# ///`` of a run of
    comments), so the next byte must not be a ``#``; a head without a line end must be the whole file. Nor may a lock
    have come into the script: one that had it has no head. What only looks like one takes the full path.
    """
    content = _read(script, _LONGEST_SCRIPT)
    if content is None or content[: len(head)] != head or len(content) == _LONGEST_SCRIPT:
        return False
    following = content[len(head) : len(head) + 1]
    if following and (head[-1:] != b"\n" or following == b"#"):
        return False
    return _LOCK_OPENING not in content


def _read(path: str, limit: int) -> bytes | None:
    try:
        descriptor = _os.open(path, _os.O_RDONLY | getattr(_os, "O_BINARY", 0) | getattr(_os, "O_NONBLOCK", 0))
    except OSError:
        return None
    try:
        return _os.read(descriptor, limit)
    except OSError:
        return None
    finally:
        _os.close(descriptor)


def _mirrored(script: str, directory: str) -> str | None:
    """Return the script's absolute path without ``.``; None for one with ``..``, which links may lead elsewhere.

    A URL is no path, although there may be one that is called like it.
    """
    if sys.platform == "win32":
        script = script.replace("\\", "/")
        directory = directory.replace("\\", "/")
        absolute = script if script[1:2] == ":" else f"{directory}/{script}"
        absolute = "/" + absolute.replace(":", "", 1)
    else:
        absolute = script if script[:1] == "/" else f"{directory}/{script}"
    if not script or script[-1] == "/" or "://" in script:
        return None
    parts: list[str] = []
    for part in absolute.split("/"):
        if part == "..":
            return None
        if part and part != ".":
            parts.append(part)
    return "/" + "/".join(parts) if parts else None


def _hash(key: bytes) -> str:
    """Hash by FNV-1a: importing hashlib is a fifth of a warm launch, and the tokens in the record are compared too."""
    value = 0xCBF29CE484222325
    for byte in key:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def _joined(tokens: tuple[str, ...]) -> str:
    return _TAB.join([token.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t") for token in tokens])


def _split(tokens: list[str]) -> tuple[str, ...]:
    return () if tokens == [""] else tuple([_unescaped(token) for token in tokens])


def _unescaped(token: str) -> str:
    return "\\".join([part.replace("\\n", "\n").replace("\\t", "\t") for part in token.split("\\\\")])
