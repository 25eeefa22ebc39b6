from __future__ import annotations

import pytest

from launcher.script.inline_metadata import read_metadata

_CONTENT = "# dependencies = ['a']\n"


def warnings_of(text: str) -> tuple[str, ...]:
    metadata, warnings = read_metadata(text, "x.py")
    assert metadata.dependencies == ()
    return warnings


@pytest.mark.parametrize(
    ("line", "flaw"),
    [
        ("#/// script", 'one space must stand on either side of "///"'),
        ("#///script", 'one space must stand on either side of "///"'),
        ("# ///script", 'one space must stand on either side of "///"'),
        ("#  /// script", 'one space must stand on either side of "///"'),
        ("#\t/// script", "a tab stands where one space belongs"),
        ("# ///\tscript", "a tab stands where one space belongs"),
        ("# /// script ", "nothing may follow it, spaces neither"),
        ("# /// script\t", "nothing may follow it, spaces neither"),
        ("  # /// script", "it must begin in the first column"),
        ("\t# /// script", "it must begin in the first column"),
        ("# /// Script", "it must be written in small letters"),
    ],
)
def test_a_line_that_nearly_opens_a_block_is_named_with_its_mend(line: str, flaw: str) -> None:
    assert warnings_of(f"x\n{line}\n{_CONTENT}# ///\n") == (
        f'x.py, line 2: "{line.strip()}" opens no metadata block: {flaw}. Write "# /// script".',
    )


@pytest.mark.parametrize(
    ("line", "flaw"),
    [
        ("#///", 'one space must stand between "#" and "///"'),
        ("#  ///", 'one space must stand between "#" and "///"'),
        ("#\t///", "a tab stands where one space belongs"),
        ("# /// ", "nothing may follow it, spaces neither"),
        ("  # ///", "it must begin in the first column"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_that_nearly_closes_a_block_is_named_with_its_mend(line: str, flaw: str, end: str) -> None:
    text = f"x\n# /// script\n{_CONTENT}{line}\nprint(1)\n"
    assert warnings_of(text.replace("\n", end)) == (
        f'x.py, line 4: "{line.strip()}" does not close the metadata block of line 2: {flaw}. Write "# ///".',
    )


def test_a_block_that_is_never_closed() -> None:
    assert warnings_of(f"# /// script\n{_CONTENT}\nprint(1)\n") == (
        'x.py, line 1: this metadata block is never closed. Write "# ///" behind its last line, before line 3.',
    )


@pytest.mark.parametrize("text", ["# /// script", f"# /// script\n{_CONTENT.rstrip()}"])
def test_a_block_that_the_end_of_the_file_cuts_off(text: str) -> None:
    assert warnings_of(text) == (
        'x.py, line 1: this metadata block is never closed. Write "# ///" behind its last line.',
    )


@pytest.mark.parametrize("line", ["", "x = 1"])
def test_a_line_that_is_no_comment_breaks_a_block(line: str) -> None:
    assert warnings_of(f"# /// script\n{_CONTENT}{line}\n{_CONTENT}# ///\n") == (
        'x.py, line 3: this line does not begin with "#", so the metadata block of line 1 ends before it is closed. '
        'Begin every line of the block with "# ".',
    )


def test_a_comment_without_its_space_breaks_a_block() -> None:
    assert warnings_of("# /// script\n#dependencies = []\n# ///\n") == (
        'x.py, line 2: "#dependencies = []" breaks the metadata block of line 1. Put one space behind the "#".',
    )


def test_only_the_first_near_miss_is_named() -> None:
    assert len(warnings_of(f"#/// script\n{_CONTENT}# ///\n\n#///script\n{_CONTENT}# ///\n")) == 1


def test_a_long_line_is_shown_in_part() -> None:
    (warning,) = warnings_of("# /// script\n#" + "x" * 1_000 + "\n# ///\n")
    assert len(warning) < 200


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\n",
        "//// script\n",
        "#/// pyproject\n# a = 1\n# ///\n",
        "# ///\n# a\n#///\n",
        "print('# /// script')\n",
        "# The block begins with # /// script and ends with # ///\n",
        "# /// script\n# ///\n",
        "# /// script-2\n# a = 1\n",
    ],
)
def test_what_is_not_meant_for_a_script_block_is_left_alone(text: str) -> None:
    assert warnings_of(text) == ()


def test_a_valid_block_silences_near_misses_elsewhere() -> None:
    _, warnings = read_metadata(f"#/// script\n\n# /// script\n{_CONTENT}# ///\n\n  # /// script\n", "x.py")
    assert warnings == ()


def test_a_near_miss_behind_an_empty_block_is_found() -> None:
    (warning,) = warnings_of("# /// script\n# ///\n\n#/// script\n")
    assert "line 4" in warning
