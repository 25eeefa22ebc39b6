"""A script from a path or from stdin: its bytes, read once, and its text."""

from __future__ import annotations

import codecs
import os
import re
import stat
import sys
from itertools import islice
from typing import TYPE_CHECKING

from launcher.errors import Excerpt, InvalidMetadata, ScriptNotFound, UntrustedScript
from launcher.script.inline_metadata import find_blocks
from launcher.script.lines import end_of_line, line_number_at, lines_from, split_lines
from launcher.value import Value

if TYPE_CHECKING:
    from launcher.script.bundle_file import Bundle

STDIN_PATH = "<stdin>"
LOCK_BLOCK = "pylock"
LOCK_OPENING = f"# /// {LOCK_BLOCK}"
"""What the block with a script's own lock is called, and how it begins."""

_FIRST_TWO_LINES = rb"([^\r\n]*)(?:\r\n|\r|\n)?([^\r\n]*)"
# Both as the Python reference gives them in "Encoding declarations" (PEP 263).
_CODING = rb"[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)"
_BLANK_OR_COMMENT = rb"[ \t\f]*(?:#|\Z)"

_UTF16_HINT = "Save it as UTF-8; Windows PowerShell's > writes UTF-16."
_ARCHIVE_HINT = "What can be run is a zip application: an archive with a __main__.py at its top."
_MAIN = "__main__.py"
_BINARY_FORMATS: tuple[tuple[bytes, str, str | None], ...] = (
    (b"\xff\xfe", "text in UTF-16, which Python does not read", _UTF16_HINT),
    (b"\xfe\xff", "text in UTF-16, which Python does not read", _UTF16_HINT),
    (b"\x7fELF", "a compiled program", "Run it without pyscript."),
    (b"MZ", "a Windows program", "Run it without pyscript."),
    (b"\xcf\xfa\xed\xfe", "a compiled program", "Run it without pyscript."),
    (b"\xca\xfe\xba\xbe", "a compiled program", "Run it without pyscript."),
    (b"PK\x03\x04", "a zip archive", _ARCHIVE_HINT),
    (b"\x1f\x8b", "a compressed file", "Decompress it first."),
)
_ZIP_END = b"PK\x05\x06"
_ZIP_END_WITHIN = 66_000
"""A zip archive ends with this record and a comment of at most 65,535 bytes; a .pyz begins with a shebang line."""

_MOST_NAMES = 2_000
"""So many neighbours of a missing script are looked at for a similar name."""


class ScriptSource(Value):
    """A script as it was read.

    `path` is as given (``<stdin>`` for stdin). `text` is `content` decoded as Python would, without a byte order mark
    and with the line ends that the file has. `is_regular_file` is False for what cannot be read twice, such as a pipe.

    A directory with a ``__main__.py`` is a script too, as it is for Python: then `path` is that of this file, and
    `is_inside_directory` is True. So is a zip application; what could be read in it is its own affair, and `text` is
    empty. Where it is a `bundle` of ours, that says what is in it.
    """

    path: str
    content: bytes
    text: str
    is_stdin: bool
    is_regular_file: bool = True
    is_inside_directory: bool = False
    bundle: Bundle | None = None

    @property
    def lock_name(self) -> str:
        """The name of the file that has the script's lock, where there is one."""
        return lock_name_of(os.path.basename(self.path))

    @property
    def requires_python(self) -> str | None:
        """The Pythons that a bundle has packages for; what a script says of that, its block says."""
        return self.bundle.manifest.requires_python if self.bundle else None

    @property
    def head(self) -> bytes | None:
        r"""The bytes from which the metadata follows: from the first to the end of the `script` block.

        Comment lines directly behind the block are part of it, because a ``# ///`` in them would close the block
        instead. It ends with a ``\n`` unless it is the whole file. None where only the whole file will do: there is no
        block (one could be added anywhere), the bytes of the block's end cannot be told, or the script is not the file
        that is named.
        """
        if self.is_inside_directory:
            return None
        span = next((span for span in find_blocks(self.text) if span.type == "script"), None)
        if span is None:
            return None
        count = line_number_at(self.text, span.end)
        for line in islice(lines_from(self.text, span.end), 1, None):
            if not line.startswith("#"):
                break
            count += 1
        head = self.content[: end_of_line(self.content, count)]
        if head != self.content and not head.endswith(b"\n"):
            return None
        # Codecs such as utf-7 can write a line end without its byte; then counting in bytes is wrong.
        try:
            text = decode(head, self.path)
        except InvalidMetadata:
            return None
        lines_in_head = line_number_at(text, len(text)) - text.endswith(("\n", "\r"))
        return head if self.text.startswith(text) and lines_in_head == count else None


def lock_name_of(filename: str) -> str:
    """Return what the lock beside a script is called; PEP 751 allows no dot in the middle of such a name.

    >>> lock_name_of("report.py"), lock_name_of("my.tool.py")
    ('pylock.report.toml', 'pylock.my-tool.toml')
    """
    stem = os.path.splitext(filename)[0]
    return f"pylock.{stem.replace('.', '-')}.toml"


def read_script(path: str, sha256: str = "") -> ScriptSource:
    """Read a script from a file, a directory or a pipe (``<(...)``); it is opened once.

    Raises `ScriptNotFound` where there is none, it cannot be read, or it is no script (a directory, a binary),
    `InvalidMetadata` where it cannot be decoded, and `UntrustedScript` where it is not what has the sha256 given.
    """
    main = os.path.join(path, _MAIN)
    is_inside_directory = bool(path) and os.path.isfile(main)
    path = main if is_inside_directory else path
    try:
        with open(path, "rb") as stream:
            is_regular_file = stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
            content = stream.read()
    except (OSError, ValueError) as error:
        raise _not_read(path, error) from error
    if sha256:
        _refuse_other(content, sha256, path)
    if is_regular_file and not is_inside_directory and is_zip_application(content):
        from launcher.script.bundle_file import read_bundle  # noqa: PLC0415 - 5 ms, for archives only

        return ScriptSource(path, content, "", is_stdin=False, bundle=read_bundle(path))
    _refuse_binary(content, path)
    return ScriptSource(
        path,
        content,
        decode(content, path),
        is_stdin=False,
        is_regular_file=is_regular_file,
        is_inside_directory=is_inside_directory,
    )


def read_stdin_script() -> ScriptSource:
    """Read a script from stdin, to its end. Raises as `read_script` does."""
    try:
        if sys.stdin is None:
            raise OSError("it is closed")
        content = sys.stdin.buffer.read()
    except (OSError, ValueError) as error:
        raise ScriptNotFound(
            f"The script cannot be read from stdin: {_reason(error)}.",
            hint="Give a path instead of -, or pipe the script in: pyscript - < script.py",
        ) from error
    _refuse_binary(content, STDIN_PATH)
    return ScriptSource(STDIN_PATH, content, decode(content, STDIN_PATH), is_stdin=True, is_regular_file=False)


def decode(content: bytes, path: str) -> str:
    """Return the text of a source file: by its byte order mark or coding cookie, else as UTF-8 (PEP 263).

    Raises `InvalidMetadata`, with the line, for an encoding that Python does not know and for bytes that are not in it.
    """
    has_mark = content.startswith(codecs.BOM_UTF8)
    if has_mark:
        content = content[len(codecs.BOM_UTF8) :]
    encoding, line_number = declared_encoding(content)
    try:
        if has_mark and codecs.lookup(encoding).name != "utf-8":
            raise InvalidMetadata(
                f"{path} begins with the byte order mark of UTF-8 and declares the encoding {encoding}.",
                hint="Take one of the two away.",
                reference="PEP 263",
                excerpt=_excerpt(content, path, line_number, encoding),
            )
        return content.decode(encoding)
    except LookupError:
        raise InvalidMetadata(
            f"{path} declares an encoding that Python does not know: {encoding}.",
            hint='Save it as UTF-8 and take the line away, or name the right one, such as "# coding: latin-1".',
            reference="PEP 263",
            excerpt=_excerpt(content, path, line_number, encoding),
        ) from None
    except UnicodeDecodeError as error:
        raise _undecodable(content, path, encoding, error) from error
    except ValueError as error:  # some codecs raise a bare UnicodeError
        raise InvalidMetadata(f"{path} cannot be decoded as {encoding}: {error}.", reference="PEP 263") from error


def declared_encoding(content: bytes) -> tuple[str, int]:
    """Return the encoding in the coding cookie and its line; ("utf-8", 0) where there is no cookie (PEP 263).

    `content` is that of a source file without its byte order mark.
    """
    if b"coding" not in content:
        return "utf-8", 0
    lines = re.match(_FIRST_TWO_LINES, content)
    for number, line in enumerate(lines.groups() if lines else (), 1):
        if cookie := re.match(_CODING, line):
            encoding = cookie[1].decode("ascii")
            # Editors add the line ends they use (utf-8-unix); Python forgives that for these two.
            plain = re.match(r"(utf-8|latin-1|iso-8859-1|iso-latin-1)-", encoding.lower().replace("_", "-") + "-")
            return (plain[1] if plain else encoding), number
        if not re.match(_BLANK_OR_COMMENT, line):
            break
    return "utf-8", 0


def _undecodable(content: bytes, path: str, encoding: str, error: UnicodeDecodeError) -> InvalidMetadata:
    as_characters = content.decode("latin-1")  # one for each byte
    number = line_number_at(as_characters, error.start)
    line_start = max(content.rfind(b"\n", 0, error.start), content.rfind(b"\r", 0, error.start)) + 1
    line = split_lines(as_characters[line_start : line_start + 10_000])[0].encode("latin-1")
    before = content[line_start : error.start].decode(encoding, "replace")
    return InvalidMetadata(
        f"{path} is not written in {encoding}: line {number} holds the byte 0x{content[error.start]:02x}.",
        hint='Save it as UTF-8, or name its encoding in the first line, such as "# coding: latin-1".',
        reference="PEP 263",
        excerpt=Excerpt(path, number, line.decode(encoding, "replace"), len(before) + 1),
    )


def _excerpt(content: bytes, path: str, line_number: int, wanted: str) -> Excerpt:
    line = split_lines(content[: end_of_line(content, 2)].decode("latin-1"))[line_number - 1]
    return Excerpt(path, line_number, line, max(0, line.find(wanted)) + 1, len(wanted))


def is_zip_application(content: bytes) -> bool:
    """Tell whether Python would run this as an archive; a shebang line may stand before it (PEP 441)."""
    if _ZIP_END not in content[-_ZIP_END_WITHIN:]:
        return False
    # 12 ms, for archives only.
    import zipfile  # noqa: PLC0415
    from io import BytesIO  # noqa: PLC0415

    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return _MAIN in archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def _refuse_other(content: bytes, sha256: str, path: str) -> None:
    # For what a person agreed to just now.
    from launcher.digest import sha256_of  # noqa: PLC0415

    if sha256_of(content) != sha256:
        raise UntrustedScript(
            f"{path} changed after you agreed to run it, so nothing of it was run.", hint="Open it again."
        )


def _refuse_binary(content: bytes, path: str) -> None:
    """Raise `ScriptNotFound` for content with a zero byte: Python runs no source file that holds one."""
    zero = content.find(b"\0")
    if zero < 0:
        return
    found = next((item for item in _BINARY_FORMATS if content.startswith(item[0])), None)
    if found is None and content[2:4] == b"\r\n":
        hint = "Run the .py file it was made from, or this one without pyscript: python FILE.pyc"
        found = (b"", "compiled Python code", hint)
    if found is None and _ZIP_END in content[-_ZIP_END_WITHIN:]:
        found = (b"", "a zip archive", _ARCHIVE_HINT)
    if found is None and content.partition(b"\n")[2].startswith(b"PK\x03\x04"):
        found = (b"", "the beginning of a zip application, which was cut off", "Get it again.")
    if found is not None:
        raise ScriptNotFound(f"{path} is no Python script but {found[1]}.", hint=found[2])
    number = line_number_at(content[:zero].decode("latin-1"), zero)
    raise ScriptNotFound(
        f"{path} is a binary file: there is a zero byte in line {number}, and Python source cannot hold one.",
        hint="Give the path of a Python script.",
    )


def _not_read(path: str, error: OSError | ValueError) -> ScriptNotFound:
    if not path:
        return ScriptNotFound("The path of the script is empty.", hint="Give the path of a Python script.")
    if os.path.isdir(path):  # Windows calls this "permission denied"
        hint = f"Give the path of a Python script in it; one that is called {_MAIN} would be run."
        return ScriptNotFound(f"{path} is a directory.", hint=hint)
    if isinstance(error, FileNotFoundError):
        return _missing(path)
    if isinstance(error, PermissionError):
        hint = f"Give yourself the right to read it: chmod u+r {path}"
        return ScriptNotFound(f"There is no permission to read {path}.", hint=None if os.name == "nt" else hint)
    if isinstance(error, NotADirectoryError):
        return ScriptNotFound(f"There is no script {path}: a part of the path is a file.", hint="Check the path.")
    return ScriptNotFound(f"{path} cannot be read: {_reason(error)}.", hint="Check the path.")


def _missing(path: str) -> ScriptNotFound:
    if "://" in path:
        hint = "Save it to a file of this machine first; pyscript info shows what is there."
        return ScriptNotFound(f"{path} is a URL, and this takes a file.", hint=hint)
    if os.path.islink(path):
        target = os.readlink(path)
        return ScriptNotFound(
            f"{path} is a symbolic link to {target}, which does not exist.", hint="Mend the link, or give another path."
        )
    directory, name = os.path.split(path)
    if directory and not os.path.isdir(directory):
        return ScriptNotFound(f"There is no script {path}.", hint=f"The directory {directory} does not exist.")
    near = [os.path.join(directory, found) for found in _similar_names(directory or os.curdir, name)]
    hint = f"Did you mean {' or '.join(near)}?" if near else "Check the name and the directory you are in."
    return ScriptNotFound(f"There is no script {path}.", hint=hint)


def _similar_names(directory: str, name: str) -> list[str]:
    # 4 ms, and only for a mistake.
    from difflib import get_close_matches  # noqa: PLC0415

    try:
        with os.scandir(directory) as entries:
            names = [entry.name for entry in islice(entries, _MOST_NAMES) if not entry.is_dir()]
    except OSError:
        return []
    if f"{name}.py" in names:
        return [f"{name}.py"]
    by_lower_case = {found.lower(): found for found in names}
    return [by_lower_case[found] for found in get_close_matches(name.lower(), by_lower_case, n=2, cutoff=0.7)]


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
