from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launcher.errors import Excerpt, InvalidMetadata
from launcher.script.inline_metadata import (
    TOOL_KEYS,
    Dependency,
    excerpt_of,
    excerpt_of_requires_python,
    find_block,
    find_blocks,
    read_metadata,
)
from launcher.script.lines import split_lines

# Copied from the specification, "Inline script metadata", section "Reference implementation".
REFERENCE = r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$"


def universal_newlines(text: str) -> str:
    """What a file opened in text mode gives."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def reference_toml(content: str) -> str:
    """The reference implementation, taking off the prefixes of the lines that its regular expression sees."""
    lines = content.split("\n")[:-1]
    return "".join((line[2:] if line.startswith("# ") else line[1:]) + "\n" for line in lines)


def block(*lines: str) -> str:
    return "\n".join(["# /// script", *(f"# {line}" if line else "#" for line in lines), "# ///", ""])


def dependencies_of(text: str) -> list[str]:
    return [dependency.text for dependency in read_metadata(text, "x.py")[0].dependencies]


def error_of(text: str) -> InvalidMetadata:
    with pytest.raises(InvalidMetadata) as caught:
        read_metadata(text, "x.py")
    return caught.value


def shown(excerpt: Excerpt | None) -> tuple[int, str, str]:
    """The line's number, the line, and what of it is underlined."""
    assert excerpt is not None
    return (
        excerpt.line_number,
        excerpt.line,
        excerpt.line[excerpt.column - 1 : excerpt.column - 1 + excerpt.length],
    )


# Against the reference

_FRAGMENTS = [
    "# /// script",
    "# ///",
    "#",
    "# ",
    "# x = 1",
    "",
    "# /// pyproject",
    "# /// script-2",
    "# /// script ",
    "# ///  script",
    "# /// scr ipt",
    "# /// ",
    "# /// ///",
    "#/// script",
    "#///",
    " # ///",
    "# ////",
    "## ///",
    "#x",
    "#\t",
    "x = 1",
    '"""',
    "# # ///",
    "# a # ///",
    "# /// script # ///",
    "# /// scriptä",
    "///",
]
_LINE_ENDS = ["\n", "\r\n", "\r"]
_ODD_ENDS = ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\n\r", "\r\r\n", " \n", ""]
_OPENINGS = [
    "# /// script",
    "# /// script",
    "# /// script",
    "# /// other",
    "# /// Script",
    "#/// script",
    "# /// script ",
    "x# /// script",
]
_CLOSINGS = ["# ///", "# ///", "# ///", "# ///", "#///", "# /// ", " # ///", "# ////", "# x # ///"]
_CONTENTS = [
    "#",
    "# ",
    "# x = 1",
    "#  y",
    "# ///",
    "# /// script",
    "#x",
    "#\t",
    "",
    "x",
    "# a\x0cb",
    "# a\u2028b",
    "# \x85",
]


@st.composite
def scripts(draw: st.DrawFn) -> str:
    """Text in which blocks, near-misses of blocks and other lines follow one another, with all sorts of line ends."""
    blocks = st.tuples(
        st.sampled_from(_OPENINGS),
        st.lists(st.sampled_from(_CONTENTS), min_size=1, max_size=3),
        st.sampled_from(_CLOSINGS),
    ).map(lambda block: [block[0], *block[1], block[2]])
    stray = st.lists(st.sampled_from(_FRAGMENTS) | st.text("#/ \n\rscript\x0c\x85\u2028-", max_size=8), max_size=2)
    lines = [line for part in draw(st.lists(blocks | stray, min_size=1, max_size=5)) for line in part]
    end = draw(st.sampled_from(_LINE_ENDS))
    odd = draw(st.dictionaries(st.integers(0, len(lines)), st.sampled_from(_LINE_ENDS + _ODD_ENDS), max_size=2))
    text = "".join(line + odd.get(number, end) for number, line in enumerate(lines))
    return text.removesuffix(end) if draw(st.booleans()) else text


def test_the_generated_scripts_hold_every_case() -> None:
    """A generator that hardly makes a block would compare nothing with nothing."""
    seen: set[object] = set()

    @settings(max_examples=200, database=None, derandomize=True, deadline=None)
    @given(scripts())
    def look(text: str) -> None:
        spans = list(find_blocks(text))
        types = [span.type for span in spans]
        seen.update(types, [min(types.count("script"), 2)])
        if any("# ///\n" in universal_newlines(text[span.content_start : span.content_end]) for span in spans):
            seen.add("a closing line inside")

    look()
    assert seen >= {0, 1, 2, "script", "other", "a closing line inside"}


@settings(deadline=None)
@given(scripts())
def test_finds_the_blocks_that_the_reference_finds(text: str) -> None:
    plain = universal_newlines(text)
    expected = [(match["type"], match["content"], match[0]) for match in re.finditer(REFERENCE, plain)]
    found = [
        (
            span.type,
            universal_newlines(text[span.content_start : span.content_end]),
            universal_newlines(text[span.start : span.end]),
        )
        for span in find_blocks(text)
    ]
    assert found == expected


@settings(deadline=None)
@given(scripts())
def test_the_script_block_is_the_one_of_the_reference(text: str) -> None:
    plain = universal_newlines(text)
    matches = [match for match in re.finditer(REFERENCE, plain) if match["type"] == "script"]
    if len(matches) > 1:
        with pytest.raises(InvalidMetadata, match="two blocks"):
            find_block(text, "x.py")
        return
    found = find_block(text, "x.py")
    if not matches:
        assert found is None
        return
    assert found is not None
    assert found.metadata == reference_toml(matches[0]["content"])
    # Nothing is lost: what is around the block is as it was, and the lines are where the text has them.
    lines = split_lines(text)
    between = text[len(found.prelude) : len(text) - len(found.postlude)]
    assert split_lines(between) == lines[found.first_line - 1 : found.last_line]
    assert found.prelude + between + found.postlude == text


@pytest.mark.parametrize(
    "text",
    [
        "# /// script\n" * 80_000,
        "# /// script\n" + "# x\n" * 250_000,
        "# /// script\n\n" * 70_000,
        "# /// script\n# ///\n\n" * 50_000,
        "# /// script\n# x\n" + "# ///x\n" * 150_000,
        "# /// " * 160_000,
        "#/// scrip\n" * 100_000,
        "# /// " + "a" * 1_000_000,
        "\r" * 1_000_000,
    ],
    ids=lambda text: repr(text[:24]),
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    started = time.perf_counter()
    read_metadata(text, "x.py")
    # 0.03 to 0.5 s; quadratic behaviour took minutes on each of these.
    assert time.perf_counter() - started < 10


def test_a_large_file_is_read_in_no_time() -> None:
    text = block("dependencies = ['a']") + "x = 1  # a comment\n" * 500_000
    best = min(_seconds_to_read(text) for _ in range(3))
    assert best < 0.2


def _seconds_to_read(text: str) -> float:
    started = time.perf_counter()
    read_metadata(text, "x.py")
    return time.perf_counter() - started


# What a block may look like


def test_reads_what_the_block_says() -> None:
    text = "#!/usr/bin/env pyscript\n" + block(
        'requires-python = ">=3.12"',
        "dependencies = [",
        "  # a comment inside the TOML",
        '  "requests<3",',
        "",
        "  'rich', 'fire',",
        "]",
        "[tool.pyscript]",
        "offline = true",
        "[tool.other]",
        "anything = [1, 2]",
    )
    metadata, warnings = read_metadata(text + "import requests\n", "x.py")
    assert metadata.requires_python == ">=3.12"
    assert metadata.dependencies == (Dependency("requests<3", 6), Dependency("rich", 8), Dependency("fire", 8))
    assert metadata.tool == {"pyscript": {"offline": True}, "other": {"anything": [1, 2]}}
    assert metadata.block is not None
    assert (metadata.block.first_line, metadata.block.last_line) == (2, 14)
    assert metadata.block.prelude == "#!/usr/bin/env pyscript\n"
    assert metadata.block.postlude == "\nimport requests\n"
    assert warnings == ()


@pytest.mark.parametrize("text", ["", "\n", "print(1)\n", "# /// script", "# /// other\n# a = 1\n# ///\n"])
def test_a_text_without_a_script_block_needs_nothing(text: str) -> None:
    metadata, _ = read_metadata(text, "x.py")
    assert (metadata.requires_python, metadata.dependencies, metadata.tool, metadata.block) == (None, (), {}, None)


@pytest.mark.parametrize("content", [[""], ["dependencies = []"], ["# only a comment"]])
def test_an_empty_block_is_a_block(content: list[str]) -> None:
    metadata, warnings = read_metadata(block(*content), "x.py")
    assert metadata.block is not None
    assert metadata.dependencies == ()
    assert warnings == ()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_of_python_are_line_ends(end: str) -> None:
    text = "x\n" + block('dependencies = ["a",', '"b"]') + "y\n"
    metadata, _ = read_metadata(text.replace("\n", end), "x.py")
    assert metadata.dependencies == (Dependency("a", 3), Dependency("b", 4))
    assert metadata.block is not None
    assert metadata.block.prelude == f"x{end}"
    assert metadata.block.postlude == f"{end}y{end}"
    assert metadata.block.metadata == 'dependencies = ["a",\n"b"]\n'


def test_other_line_separators_are_ordinary_characters() -> None:
    text = block("a = 'x\u2028y\x85z'", 'dependencies = ["b"]')
    metadata, _ = read_metadata(text, "x.py")
    assert metadata.dependencies == (Dependency("b", 3),)
    assert metadata.block is not None
    assert "x\u2028y\x85z" in metadata.block.metadata


def test_the_file_may_end_with_the_closing_line() -> None:
    assert dependencies_of(block('dependencies = ["a"]').removesuffix("\n")) == ["a"]


@pytest.mark.parametrize(
    "around",
    [
        "import os\nprint(os)\n{}",
        '"""Docs.\n\n{}"""\n',
        "# /// other\n# ] not TOML\n# ///\n\n{}",
        "{}\n# /// other\n# a\n# ///",
    ],
    ids=["behind code", "in a docstring", "behind another block", "before another block"],
)
def test_a_block_may_stand_anywhere(around: str) -> None:
    assert dependencies_of(around.format(block('dependencies = ["a"]'))) == ["a"]


def test_the_last_closing_line_of_a_run_of_comments_counts() -> None:
    text = "# /// script\n# x = '''\n# ///\n# '''\n# ///\n"
    found = find_block(text, "x.py")
    assert found is not None
    assert found.metadata == "x = '''\n///\n'''\n"


def test_unknown_top_level_keys_are_ignored() -> None:
    assert read_metadata(block("version = 3", "[project]", "name = 'x'"), "x.py")[1] == ()


# Errors


def test_two_script_blocks_are_an_error_that_names_both() -> None:
    error = error_of(block("a = 1") + "\nx\n" + block("b = 1"))
    assert error.message == "x.py has two blocks of script metadata, in line 1 and in line 6."
    assert error.hint == "Put the lines of both into one block."
    assert shown(error.excerpt) == (6, "# /// script", "# /// script")
    assert error.exit_code == 2


def test_invalid_toml_is_shown_where_it_stands_in_the_script() -> None:
    error = error_of("x\r\n" + block("a = 1", "", "bc = ]").replace("\n", "\r\n"))
    assert error.message == "The metadata block of x.py is not valid TOML: Invalid value (line 5)."
    assert shown(error.excerpt) == (5, "# bc = ]", "]")
    assert error.reference is not None and "PEP 723" in error.reference
    assert error.hint is not None and "dependencies = " in error.hint


def test_an_unclosed_array_is_shown_at_the_end_of_the_block() -> None:
    error = error_of(block("dependencies = [", '"a"'))
    assert "Unclosed array (line 4)" in error.message
    assert shown(error.excerpt) == (4, "# ///", "# ///")


def test_two_blocks_that_run_into_one_another_are_explained() -> None:
    error = error_of(block("a = 1") + block("b = 1"))
    assert shown(error.excerpt)[0] == 3
    assert error.hint == (
        'A block goes on to the last "# ///" of an unbroken comment, here line 6. '
        "To end it in line 3, put an empty line behind that one."
    )


@pytest.mark.parametrize(
    ("value", "reason"), [("[" * 5_000, "nested"), ("9" * 5_000, "Exceeds the limit")], ids=["brackets", "digits"]
)
def test_toml_that_the_parser_gives_up_on_is_an_error(value: str, reason: str) -> None:
    error = error_of(block(f"a = {value}"))
    assert error.message.startswith("The metadata block of x.py cannot be read: ")
    assert reason in error.message


@pytest.mark.parametrize(
    ("line", "message", "underlined"),
    [
        ("requires-python = 3.12", "requires-python must be a string, not a float", "3.12"),
        ('requires-python = ["3.12"]', "requires-python must be a string, not an array", '["3.12"]'),
        ('dependencies = "a"', "dependencies must be an array of strings, not a string", '"a"'),
        ("dependencies = { a = 1 }", "dependencies must be an array of strings, not a table", "{ a = 1 }"),
        ("dependencies = true", "dependencies must be an array of strings, not a boolean", "true"),
        ("dependencies = 2020-01-01", "dependencies must be an array of strings, not a date or time", "2020-01-01"),
        ("tool = 3", "tool must be a table, not an integer", "3"),
        ("tool.pyscript = 3", "tool.pyscript must be a table, not an integer", "3"),
        ("[[tool.pyscript]]", "tool.pyscript must be a table, not an array", "pyscript]]"),
    ],
)
def test_a_wrong_type_is_shown_where_it_stands(line: str, message: str, underlined: str) -> None:
    error = error_of(block("a = 1", line))
    assert error.message == f"In the metadata block of x.py, {message}."
    assert shown(error.excerpt) == (3, f"# {line}", underlined)
    assert error.hint is not None and error.hint.startswith("Write, for example: ")


def test_a_dependency_that_is_no_string_is_shown() -> None:
    error = error_of(block("dependencies = [", '"a", # ] "', "['''b\n# ''', {x = ']'}],", "]"))
    assert error.message == "The dependencies of x.py must be strings; item 2 is an array."
    assert shown(error.excerpt) == (4, "# ['''b", "['''b")


# Places


@pytest.mark.parametrize(
    ("content", "line_numbers"),
    [
        (['dependencies = ["a", "b"]'], [2, 2]),
        (["dependencies = [", '"a",', "# \"no\", ']'", "", "'b' ]"], [3, 6]),
        (["'dependencies'=['a','''", "b''']"], [2, 2]),
        (['x = """', "dependencies = [", '"""', "dependencies = ['a','b']"], [3, 3]),
        (['"dependen\\u0063ies" = ["a","b"]'], [1, 1]),
        (["dependencies = [\"a]\\\"\", '''']''',", '"b\\\\",', "]"], [2, 2, 3]),
    ],
    ids=["one line", "comments", "quoted key", "key in a string", "escaped key", "quotes"],
)
def test_each_dependency_knows_its_line(content: list[str], line_numbers: list[int]) -> None:
    metadata, _ = read_metadata(block(*content), "x.py")
    assert [dependency.line_number for dependency in metadata.dependencies] == line_numbers


def test_the_excerpt_of_a_dependency_underlines_it() -> None:
    text = "\r\n" + block('dependencies = ["foobar", "foo", "b\\u0061r"]').replace("\n", "\r\n")
    line = '# dependencies = ["foobar", "foo", "b\\u0061r"]'
    first, second, third = read_metadata(text, "x.py")[0].dependencies
    assert shown(excerpt_of("x.py", text, first)) == (3, line, "foobar")
    assert excerpt_of("x.py", text, second) == Excerpt("x.py", 3, line, line.index('"foo"') + 2, 3)
    assert shown(excerpt_of("x.py", text, third)) == (3, line, line)


def test_the_excerpt_of_a_dependency_knows_escaped_quotes() -> None:
    line = 'dependencies = ["a; sys_platform == \\"linux\\""]'
    text = block(line)
    (dependency,) = read_metadata(text, "x.py")[0].dependencies
    assert dependency.text == 'a; sys_platform == "linux"'
    assert shown(excerpt_of("x.py", text, dependency)) == (2, f"# {line}", 'a; sys_platform == \\"linux\\"')


def test_the_excerpt_of_requires_python_underlines_its_value() -> None:
    text = "x\n" + block("dependencies = []", 'requires-python = ">=3.9"')
    metadata, _ = read_metadata(text, "x.py")
    assert shown(excerpt_of_requires_python("x.py", text, metadata)) == (4, '# requires-python = ">=3.9"', ">=3.9")
    metadata, _ = read_metadata(block("dependencies = []"), "x.py")
    assert excerpt_of_requires_python("x.py", text, metadata) is None


# Warnings about [tool.pyscript]


def test_an_unknown_key_gets_the_nearest_known_name() -> None:
    text = block("[tool.other]", "index_url = 1", "[tool.pyscript]", "index_url = 'x'", "zzz = 1", "permissions = 1")
    _, warnings = read_metadata(text, "x.py")
    assert warnings == (
        'x.py, line 5: [tool.pyscript] has no key "index_url". Did you mean "index-url"?',
        f'x.py, line 6: [tool.pyscript] has no key "zzz". Known are: {", ".join(TOOL_KEYS)}.',
        'x.py, line 7: "permissions" in [tool.pyscript] has no effect in this version of pyscript.',
    )


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("dependancies", "dependencies"),
        ("dependency", "dependencies"),
        ("Dependencies", "dependencies"),
        ("requirements", "dependencies"),
        ("require-python", "requires-python"),
        ("requires_python", "requires-python"),
        ("python-requires", "requires-python"),
        ("tools", "tool"),
    ],
)
def test_a_misspelled_key_of_the_block_is_not_passed_over_in_silence(key: str, meant: str) -> None:
    _, warnings = read_metadata(block("dependencies = []" if meant != "dependencies" else "", f'{key} = "x"'), "x.py")
    assert warnings == (f'x.py, line 3: "{key}" has no effect. Did you mean "{meant}"?',)


def test_known_keys_get_no_warning() -> None:
    text = block("[tool.pyscript]", *(f"{key} = 1" for key in TOOL_KEYS))
    assert read_metadata(text, "x.py")[1] == ()


def test_not_every_one_of_many_unknown_keys_is_named() -> None:
    text = block("[tool.pyscript]", *(f"key-{number} = 1" for number in range(100)))
    assert len(read_metadata(text, "x.py")[1]) == 5
