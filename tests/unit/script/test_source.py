from __future__ import annotations

import codecs
import hashlib
import io
import os
import sys
import threading
import tokenize
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launcher.errors import InvalidMetadata, ScriptNotFound, UntrustedScript
from launcher.script.inline_metadata import read_metadata
from launcher.script.source import ScriptSource, decode, read_script, read_stdin_script

BLOCK = "# /// script\n# dependencies = ['a']\n# ///\n"

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")


def not_found(path: Path | str) -> ScriptNotFound:
    with pytest.raises(ScriptNotFound) as caught:
        read_script(str(path))
    assert caught.value.exit_code == 2
    return caught.value


def undecodable(content: bytes) -> InvalidMetadata:
    with pytest.raises(InvalidMetadata) as caught:
        decode(content, "x.py")
    return caught.value


# Reading


def test_reads_a_script(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_bytes("print('ä')\r\n".encode())
    assert read_script(str(path)) == ScriptSource(
        path=str(path), content="print('ä')\r\n".encode(), text="print('ä')\r\n", is_stdin=False, is_regular_file=True
    )


def test_reads_only_what_was_agreed_to_where_that_is_named(tmp_path: Path) -> None:
    """Between the question and the preparation, which may build packages, the file could have been changed."""
    path = tmp_path / "x.py"
    path.write_bytes(b"agreed\n")
    sha256 = hashlib.sha256(b"agreed\n").hexdigest()
    assert read_script(str(path), sha256).text == "agreed\n"
    path.write_bytes(b"other\n")
    with pytest.raises(UntrustedScript, match="changed after you agreed"):
        read_script(str(path), sha256)


def test_reads_an_empty_script(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.touch()
    assert read_script(str(path)).text == ""


def test_reads_a_pipe_once(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("POSIX only")
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=(BLOCK,))
    writer.start()
    source = read_script(str(path))
    writer.join()
    assert source.text == BLOCK
    assert not source.is_regular_file
    assert not source.is_stdin


def _stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="ascii"))


def test_reads_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    _stdin(monkeypatch, b"\xef\xbb\xbfprint('\xc3\xa4')\n")
    source = read_stdin_script()
    assert (source.path, source.text, source.is_stdin, source.is_regular_file) == (
        "<stdin>",
        "print('ä')\n",
        True,
        False,
    )


def test_a_closed_stdin_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ScriptNotFound, match=r"^The script cannot be read from stdin: it is closed\.$"):
        read_stdin_script()


def test_a_binary_on_stdin_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    _stdin(monkeypatch, b"\x7fELF\0\0")
    with pytest.raises(ScriptNotFound, match=r"^<stdin> is no Python script but a compiled program\.$"):
        read_stdin_script()


# What is no script


def test_a_missing_script_suggests_a_similar_name(tmp_path: Path) -> None:
    (tmp_path / "thumbnails.py").touch()
    (tmp_path / "thumbnail.py.d").mkdir()
    error = not_found(tmp_path / "Thumbnail.py")
    assert error.message == f"There is no script {tmp_path / 'Thumbnail.py'}."
    assert error.hint == f"Did you mean {tmp_path / 'thumbnails.py'}?"


def test_a_missing_script_suggests_the_extension(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "table.py").touch()
    (tmp_path / "tables").touch()
    monkeypatch.chdir(tmp_path)
    assert not_found("table").hint == "Did you mean table.py?"


def test_a_missing_script_among_strangers(tmp_path: Path) -> None:
    (tmp_path / "zzz.py").touch()
    assert not_found(tmp_path / "table.py").hint == "Check the name and the directory you are in."


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    error = not_found(tmp_path / "no" / "x.py")
    assert error.hint == f"The directory {tmp_path / 'no'} does not exist."


@needs_posix
def test_a_dangling_link_is_named(tmp_path: Path) -> None:
    link = tmp_path / "x.py"
    link.symlink_to("gone.py")
    assert not_found(link).message == f"{link} is a symbolic link to gone.py, which does not exist."


def test_an_empty_path() -> None:
    assert not_found("").message == "The path of the script is empty."


def test_a_directory(tmp_path: Path) -> None:
    error = not_found(tmp_path)
    assert error.message == f"{tmp_path} is a directory."
    assert error.hint == "Give the path of a Python script in it; one that is called __main__.py would be run."


def test_a_directory_with_a_main_is_a_script(tmp_path: Path) -> None:
    main = tmp_path / "__main__.py"
    main.write_text("# /// script\n# dependencies = []\n# ///\n")
    source = read_script(str(tmp_path))
    assert (source.path, source.text) == (str(main), main.read_text())
    assert source.head is None, "the named path cannot be compared with it"


@pytest.mark.parametrize("shebang", [b"", b"#!/usr/bin/env pyscript\n"])
def test_a_zip_application_is_a_script_without_metadata(tmp_path: Path, shebang: bytes) -> None:
    path = tmp_path / "app"
    with open(path, "wb") as stream:
        stream.write(shebang)
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("__main__.py", "# /// script\n# dependencies = ['never-read']\n# ///\n")
    source = read_script(str(path))
    assert (source.path, source.text, source.head) == (str(path), "", None)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner/__main__.py", "")
    assert not_found(path).message == f"{path} is no Python script but a zip archive."


@needs_posix
def test_a_file_as_a_directory(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    assert not_found(tmp_path / "x" / "y.py").message.endswith("a part of the path is a file.")


@needs_posix
def test_an_unreadable_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.py"
    path.touch(mode=0o000)
    if os.access(path, os.R_OK):  # root may read everything
        monkeypatch.setattr("builtins.open", _refuse)
    error = not_found(path)
    assert error.message == f"There is no permission to read {path}."
    assert error.hint == f"Give yourself the right to read it: chmod u+r {path}"


def _refuse(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_any_other_reason_is_given(tmp_path: Path) -> None:
    assert not_found("x\0.py").message.endswith("cannot be read: embedded null byte.")
    if sys.platform != "win32":
        assert not_found(tmp_path / ("x" * 300)).message.endswith("cannot be read: File name too long.")


@pytest.mark.parametrize(
    ("content", "kind", "hint"),
    [
        (b"\x7fELF\x02\0", "a compiled program", "Run it without pyscript."),
        (b"MZ\x90\0", "a Windows program", "Run it without pyscript."),
        (b"PK\x03\x04\x14\0", "a zip archive", "an archive with a __main__.py at its top"),
        (b"#!/usr/bin/python\nPK\x03\x04\0PK\x05\x06\0\0", "a zip archive", "an archive with a __main__.py at its top"),
        (b"\xcb\r\r\n\0\0\0\0", "compiled Python code", "python FILE.pyc"),
        (b"\x1f\x8b\x08\0", "a compressed file", "Decompress it first."),
        ("print(1)\n".encode("utf-16"), "text in UTF-16, which Python does not read", "Save it as UTF-8"),
    ],
)
def test_a_binary_is_called_what_it_is(tmp_path: Path, content: bytes, kind: str, hint: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    error = not_found(path)
    assert error.message == f"{path} is no Python script but {kind}."
    assert error.hint is not None and hint in error.hint


def test_a_zero_byte_is_located(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_bytes(b"a = 1\r\nx = '\0'\n")
    assert not_found(path).message == (
        f"{path} is a binary file: there is a zero byte in line 2, and Python source cannot hold one."
    )


# Decoding


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"x = '\xc3\xa4'", "x = 'ä'"),
        (b"\xef\xbb\xbfx = '\xc3\xa4'", "x = 'ä'"),
        (b"\xef\xbb\xbf# coding: utf8\n", "# coding: utf8\n"),
        (b"# -*- coding: latin-1 -*-\nx = '\xe4'", "# -*- coding: latin-1 -*-\nx = 'ä'"),
        (b"#!/usr/bin/env pyscript\r\n# vim: fileencoding=cp1252\r\n# \x80", None),
        (b"\r# coding=iso-8859-15\r# \xa4", "\r# coding=iso-8859-15\r# €"),
        (b"# coding: latin-1-unix\n# \xe4", "# coding: latin-1-unix\n# ä"),
        (b"# coding: utf_8-dos\n# \xc3\xa4", "# coding: utf_8-dos\n# ä"),
        (b"x = 1\n# coding: latin-1\n# \xc3\xa4", "x = 1\n# coding: latin-1\n# ä"),
        (b"\n\n# coding: latin-1\n# \xc3\xa4", "\n\n# coding: latin-1\n# ä"),
        (b"coding: latin-1\n# \xc3\xa4", "coding: latin-1\n# ä"),
    ],
)
def test_decodes_as_python_does(content: bytes, text: str | None) -> None:
    assert decode(content, "x.py") == (content.decode("cp1252") if text is None else text)


_cookie_lines = st.lists(
    st.sampled_from(
        [
            "# coding: latin-1",
            "#coding=utf-8",
            " \t\x0c# x coding: cp1252",
            "x # coding: latin-1",
            "",
            "  ",
            "# x",
            "x = 1",
        ]
    ),
    max_size=4,
)


@settings(deadline=None)
@given(_cookie_lines, st.booleans())
def test_finds_the_cookie_that_tokenize_finds(lines: list[str], has_mark: bool) -> None:
    content = codecs.BOM_UTF8 * has_mark + "\n".join([*lines, "# "]).encode() + "ä".encode()
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(content).readline)[0]
    except SyntaxError:
        assert undecodable(content).message.startswith("x.py begins with the byte order mark of UTF-8 and declares")
    else:
        assert decode(content, "x.py") == content.decode(encoding)


def test_an_unknown_encoding_is_shown() -> None:
    error = undecodable(b"#!/bin/sh\n# coding: latin-one\n")
    assert error.message == "x.py declares an encoding that Python does not know: latin-one."
    assert error.excerpt is not None
    assert (error.excerpt.line_number, error.excerpt.line) == (2, "# coding: latin-one")
    assert (error.excerpt.column, error.excerpt.length) == (11, 9)


def test_a_codec_that_gives_no_text_is_unknown() -> None:
    assert "does not know: hex" in undecodable(b"# coding: hex\n").message


def test_a_codec_that_always_fails_is_an_error() -> None:
    assert "cannot be decoded as undefined" in undecodable(b"# coding: undefined\n").message


def test_a_mark_and_a_cookie_that_contradict_one_another() -> None:
    error = undecodable(codecs.BOM_UTF8 + b"# coding: latin-1\n")
    assert error.message == "x.py begins with the byte order mark of UTF-8 and declares the encoding latin-1."
    assert error.excerpt is not None and error.excerpt.line_number == 1


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_bytes_outside_the_encoding_are_shown(end: bytes) -> None:
    error = undecodable(end.join([b"x = 1", b"# \xc3\xa4 \xe4 b", b"y = 1"]))
    assert error.message == "x.py is not written in utf-8: line 2 holds the byte 0xe4."
    assert error.hint == 'Save it as UTF-8, or name its encoding in the first line, such as "# coding: latin-1".'
    assert error.excerpt is not None
    assert (error.excerpt.line_number, error.excerpt.line, error.excerpt.column) == (2, "# ä \ufffd b", 5)


# The head


def source_of(content: bytes) -> ScriptSource:
    return ScriptSource("x.py", content, decode(content, "x.py"), is_stdin=False)


@pytest.mark.parametrize("before", [b"", b"#!/usr/bin/env pyscript\n", b"x = 1\n\n", b"# coding: latin-1\n# \xe4\n"])
@pytest.mark.parametrize("behind", [b"", b"print(1)\n", b"\n# /// other\n# a\n# ///\n", b"\r\nx"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_head_ends_with_the_block(before: bytes, behind: bytes, end: bytes) -> None:
    head = (before + BLOCK.encode()).replace(b"\n", end)
    assert source_of(head + behind).head == head


def test_the_head_counts_a_byte_order_mark() -> None:
    content = codecs.BOM_UTF8 + BLOCK.encode()
    assert source_of(content + b"x = 1\n").head == content


def test_the_head_is_the_whole_file_where_that_ends_with_the_block() -> None:
    content = BLOCK.removesuffix("\n").encode()
    assert source_of(content).head == content


def test_comments_directly_behind_the_block_belong_to_the_head() -> None:
    head = BLOCK + "# more\n#!x\n"
    assert source_of((head + "\n# x\n").encode()).head == head.encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"print(1)\n",
        b"#/// script\n# a = 1\n# ///\n",
        BLOCK.replace("\n", "\r").encode() + b"x = 1\r",
        b"# coding: utf-7\n# +AAo-\n" + BLOCK.encode() + b"x\n",
        b"# coding: unicode_escape\n# \\\n# \\n# \\n\n" + BLOCK.encode() + b"x\n",
    ],
    ids=["empty", "no block", "near miss", "lone CR", "utf-7", "unicode_escape"],
)
def test_only_the_whole_file_will_do(content: bytes) -> None:
    assert source_of(content).head is None


@settings(deadline=None)
@given(st.lists(st.sampled_from(["# /// script", "# ///", "# x", "#", "x", ""])), st.sampled_from(["\n", "\r\n"]))
def test_whatever_follows_the_head_the_block_stays(lines: list[str], end: str) -> None:
    """What the launch record promises: same head, next byte no ``#``, hence same first block."""
    head = (BLOCK + "# y\n").replace("\n", end)
    tail = end.join(["x", *lines])
    try:
        metadata, _ = read_metadata(head + tail, "x.py")
    except InvalidMetadata as error:
        assert "two blocks" in error.message
        return
    assert [dependency.text for dependency in metadata.dependencies] == ["a"]
    assert source_of((head + tail).encode()).head == head.encode()
