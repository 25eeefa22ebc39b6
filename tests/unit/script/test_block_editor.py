from __future__ import annotations

import codecs
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from launcher.errors import InvalidMetadata
from launcher.script.block_editor import with_block
from launcher.script.inline_metadata import find_block, find_blocks
from tests.unit.script.test_inline_metadata import REFERENCE, reference_toml, universal_newlines

TOML = 'dependencies = ["rich"]\n'
BLOCK = '# /// script\n# dependencies = ["rich"]\n# ///\n'


def inserted(text: str, toml: str = TOML, kind: str = "script") -> str:
    return with_block(text.encode(), kind, toml).decode()


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("", BLOCK),
        ("print()\n", f"{BLOCK}\nprint()\n"),
        ("\nprint()\n", f"{BLOCK}\nprint()\n"),
        ('"""Say."""\nprint()', f'{BLOCK}\n"""Say."""\nprint()'),
        ("#!/usr/bin/env pyscript\nprint()\n", f"#!/usr/bin/env pyscript\n{BLOCK}\nprint()\n"),
        ("#!/usr/bin/env pyscript", f"#!/usr/bin/env pyscript\n{BLOCK}"),
        ("# -*- coding: utf-8 -*-\nprint()\n", f"# -*- coding: utf-8 -*-\n{BLOCK}\nprint()\n"),
        ("#!/bin/x\n# vi: coding=utf-8\n# (c)\n", f"#!/bin/x\n# vi: coding=utf-8\n{BLOCK}\n# (c)\n"),
        ("\n# coding: utf-8\nprint()\n", f"\n# coding: utf-8\n{BLOCK}\nprint()\n"),
        ("# Copyright\nprint()\n", f"{BLOCK}\n# Copyright\nprint()\n"),
        ("# x\n# y\n# coding: latin-1\n", f"{BLOCK}\n# x\n# y\n# coding: latin-1\n"),
        ("# /// other\n# a = 1\n# ///\n", f"{BLOCK}\n# /// other\n# a = 1\n# ///\n"),
    ],
)  # fmt: skip
def test_a_new_block_comes_behind_the_shebang_and_the_cookie(script: str, expected: str) -> None:
    assert inserted(script) == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("", "# /// pylock\n# a = 1\n# ///\n"),
        ("print()", "print()\n\n# /// pylock\n# a = 1\n# ///\n"),
        (f"{BLOCK}print()\n", f"{BLOCK}print()\n\n# /// pylock\n# a = 1\n# ///\n"),
        (BLOCK, f"{BLOCK}\n# /// pylock\n# a = 1\n# ///\n"),
        ("print()\n\n", "print()\n\n# /// pylock\n# a = 1\n# ///\n"),
        ("print()\r\n", "print()\r\n\r\n# /// pylock\r\n# a = 1\r\n# ///\r\n"),
    ],
)
def test_a_new_block_of_another_type_comes_to_the_end(script: str, expected: str) -> None:
    assert inserted(script, "a = 1\n", "pylock") == expected


def test_a_block_is_replaced_where_it_stands() -> None:
    script = f"import os\n{BLOCK}print()\n# end"
    assert inserted(script, "a = 1\n\nb = 2") == "import os\n# /// script\n# a = 1\n#\n# b = 2\n# ///\nprint()\n# end"


def test_lines_of_the_block_that_stay_keep_the_form_they_have() -> None:
    script = "# /// script\r\n# a = 1\r# \n#\r\n# b = 2\n# ///"
    assert inserted(script, "a = 1\n\n\nb = 3\n") == "# /// script\r\n# a = 1\r# \n#\r\n# b = 3\r\n# ///"


def test_the_same_content_changes_no_byte() -> None:
    script = f"#!/bin/x\n{BLOCK}x".replace("\n", "\r").encode()
    assert with_block(script, "script", TOML) == script


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (BLOCK, ""),
        (f"{BLOCK}\nprint()\n", "print()\n"),
        (f"#!/bin/x\n{BLOCK}\nprint()\n", "#!/bin/x\n\nprint()\n"),
        (f"#!/bin/x\n\n{BLOCK}\nprint()\n", "#!/bin/x\n\nprint()\n"),
        (f"a\n{BLOCK}b\n", "a\nb\n"),
        (f"a\r\n\r\n{BLOCK}", "a\r\n"),
        (f"\ufeff{BLOCK}\nx\n", "\ufeffx\n"),
        (f"a\n\x0c\n{BLOCK}\n", "a\n\x0c\n\n"),
        ("print()\n", "print()\n"),
    ],
)
def test_a_block_goes_with_the_blank_line_that_set_it_apart(script: str, expected: str) -> None:
    assert with_block(script.encode(), "script", None) == expected.encode()


def test_a_block_that_was_put_in_can_be_taken_out_again() -> None:
    script = b"#!/bin/x\n\nprint()\n"
    assert with_block(with_block(script, "pylock", TOML), "pylock", None) == script


def test_line_ends_of_the_file_are_used() -> None:
    assert inserted("#!/bin/x\r\nprint()\r\n") == f"#!/bin/x\n{BLOCK}\nprint()\n".replace("\n", "\r\n")
    assert inserted("print()\r", "a = 1\r\nb = 2\r\n") == "# /// script\r# a = 1\r# b = 2\r# ///\r\rprint()\r"


def test_a_byte_order_mark_stays_first() -> None:
    script = codecs.BOM_UTF8 + b"#!/bin/x\nprint()\n"
    assert with_block(script, "script", TOML) == codecs.BOM_UTF8 + f"#!/bin/x\n{BLOCK}\nprint()\n".encode()
    assert with_block(codecs.BOM_UTF8 + b"x\n", "script", TOML) == codecs.BOM_UTF8 + f"{BLOCK}\nx\n".encode()


def test_the_declared_encoding_is_used() -> None:
    script = "# coding: latin-1\nprint('é')\n".encode("latin-1")
    edited = with_block(script, "script", "# ä\n" + TOML)
    assert edited == f"# coding: latin-1\n{BLOCK}\nprint('é')\n".replace("# dep", "# # ä\n# dep").encode("latin-1")


def test_a_character_that_the_encoding_lacks_is_named() -> None:
    with pytest.raises(InvalidMetadata, match=r"x\.py declares the encoding latin-1, which has no 'Ł' for its block"):
        with_block(b"# coding: latin-1\n", "script", "# Ł\n", "x.py")


def test_a_line_that_would_be_read_as_a_coding_cookie_is_refused() -> None:
    with pytest.raises(InvalidMetadata, match="Python would read the file in another way then"):
        with_block("print('é')\n".encode(), "script", '# coding: ascii\na = "b"\n')


def test_a_block_that_hid_a_coding_cookie_is_not_taken_away() -> None:
    with pytest.raises(InvalidMetadata, match="Python would read the file in another way then"):
        with_block(f"{BLOCK}# coding: ascii\nprint('é')\n".encode(), "script", None)


def test_two_blocks_are_refused() -> None:
    with pytest.raises(InvalidMetadata, match="two blocks of pylock metadata, in line 1 and in line 5"):
        with_block(b"# /// pylock\n# a = 1\n# ///\n\n# /// pylock\n# a = 1\n# ///\n", "pylock", "a = 2\n")


def test_an_encoding_whose_lines_are_no_bytes_is_refused_or_right() -> None:
    script = b"# coding: utf-7\n# +AAo-# /// script+AAo-# a +AD0- 1+AAo-# ///+AAo-print()\n"
    assert find_block(script.decode("utf-7"), "x") is not None
    with pytest.raises(InvalidMetadata, match="Python would read the file in another way then"):
        with_block(script, "script", "a = 2\n")


LINES = st.sampled_from(
    [
        *("# /// script", "# /// pylock", "# ///", "#", "# ", "# a = 1"),
        "# b = '\u2028'",
        "#x",
        "",
        " ",
        "x",
        "#!/b",
        "\f",
    ]
)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])
SCRIPTS = st.lists(st.tuples(LINES, ENDS), max_size=14).map(lambda rows: "".join(map("".join, rows)))
METADATA = st.lists(st.sampled_from(["a = 1", "", "///", "# ///", "/// script", "b = '\u2028'"]), max_size=5).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)
KINDS = st.sampled_from(["script", "pylock"])


def blocks_of(text: str) -> list[tuple[str, str]]:
    """What the specification's regular expression finds: types, and contents as TOML."""
    return [(found["type"], reference_toml(found["content"])) for found in re.finditer(REFERENCE, text)]


@given(script=SCRIPTS, kind=KINDS, toml=METADATA, mark=st.sampled_from([b"", codecs.BOM_UTF8]))
@example(script="# /// script\n# a = 1\n# ///", kind="pylock", toml="///\n", mark=b"")
def test_what_is_written_is_what_the_reference_reads(script: str, kind: str, toml: str, mark: bytes) -> None:
    before = blocks_of(universal_newlines(script))
    if [each for each, _ in before].count(kind) > 1:
        return
    edited = with_block(mark + script.encode(), kind, toml)
    after = blocks_of(universal_newlines(edited.decode("utf-8-sig")))
    assert (kind, toml or "\n") in after
    assert [each for each in after if each[0] != kind] == [each for each in before if each[0] != kind]
    without = blocks_of(universal_newlines(with_block(edited, kind, None).decode("utf-8-sig")))
    assert without == [each for each in before if each[0] != kind]


@given(script=SCRIPTS, kind=KINDS, toml=METADATA)
def test_every_byte_outside_of_the_block_stays(script: str, kind: str, toml: str) -> None:
    spans = [span for span in find_blocks(script) if span.type == kind]
    if len(spans) > 1:
        return
    edited = with_block(script.encode(), kind, toml).decode()
    if spans:
        start, end = spans[0].start, spans[0].end
        assert edited.startswith(script[:start])
        assert edited.endswith(script[end:])
    else:
        found = next(span for span in find_blocks(edited) if span.type == kind)
        outside = edited[: found.start] + edited[found.end :]
        assert outside.replace("\r", "").replace("\n", "") == script.replace("\r", "").replace("\n", "")
        assert all(row in edited for row in re.findall(r"[^\r\n]+(?:\r\n|\r|\n)", script))
