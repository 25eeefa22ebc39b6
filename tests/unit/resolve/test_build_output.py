"""What is shown of a failed build."""

from __future__ import annotations

import io

import pytest

from launcher.resolve.build_output import BuildOutput, lines_of

TRACEBACK = """\
Traceback (most recent call last):
  File "/x/site-packages/pyproject_hooks/_in_process/_in_process.py", line 389, in <module>
    main()
    ~~~~^^
  File "/x/site-packages/setuptools/build_meta.py", line 435, in build_wheel
    return _build(['bdist_wheel'])
  File "setup.py", line 3, in <module>
    import numpy
ModuleNotFoundError: No module named 'numpy'
"""


def output(text: str) -> BuildOutput:
    made = BuildOutput()
    for line in text.splitlines():
        made.add(line)
    return made


def test_frames_of_the_tools_are_left_out() -> None:
    assert output(TRACEBACK).last_lines().splitlines() == [
        "  | Traceback (most recent call last):",
        '  |   File "setup.py", line 3, in <module>',
        "  |     import numpy",
        "  | ModuleNotFoundError: No module named 'numpy'",
    ]


def test_only_the_end_is_shown() -> None:
    lines = output("\n".join(map(str, range(5000)))).last_lines().splitlines()
    assert (len(lines), lines[-1]) == (20, "  | 4999")


def test_a_line_without_end_comes_in_pieces_and_is_not_shown_whole() -> None:
    lines = list(lines_of(io.StringIO("x" * 25_000 + "\n\nlast")))
    assert [len(line) for line in lines] == [10_000, 10_000, 5000, 0, 4]
    assert output("x" * 1001).last_lines() == f"  | {'x' * 1000} …"
    assert output("x" * 1000).last_lines() == f"  | {'x' * 1000}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("error: command 'gcc' failed: No such file or directory", "a C compiler"),
        ("error: command '/usr/bin/x86_64-linux-gnu-gcc' failed: No such file or directory", "a C compiler"),
        ("unable to execute 'x86_64-linux-gnu-gcc': No such file or directory", "a C compiler"),
        ("error: Microsoft Visual C++ 14.0 or greater is required.", "a C compiler"),
        ("ERROR: Unknown compiler(s): [['cc'], ['gcc']]", "a C compiler"),
        ("  No CMAKE_C_COMPILER could be found.", "a C compiler"),
        ("error: can't find Rust compiler", "a Rust compiler"),
        (
            "Cargo, the Rust package manager, is not installed or is not on PATH.\ncargo is not installed",
            "a Rust compiler",
        ),
        ("x.c:1:10: fatal error: Python.h: No such file or directory", "the headers of Python"),
        ("a/_w.c:198:12: fatal error: longintrepr.h: No such file or directory", "an older Python, whose insides"),
        ("a/_w.c:198:12: fatal error: 'longintrepr.h' file not found", 'requires-python = "<3.11"'),
        ("error: 'PyThreadState' {aka 'struct _ts'} has no member named 'exc_type'", "an older Python, whose insides"),
        ("error: no member named 'ob_digit' in 'struct _longobject'", "an older Python, whose insides"),
        ("x.c:1:10: fatal error: libpq-fe.h: No such file or directory", "development files of a C library"),
        ("/usr/bin/ld: cannot find -lfoo: No such file", "development files of a C library"),
        ("ModuleNotFoundError: No module named 'distutils'", "written for an older Python"),
        ("AttributeError: module 'pkgutil' has no attribute 'ImpImporter'", "written for an older Python"),
        (TRACEBACK, "imports numpy while it is built"),
    ],
)
def test_well_known_failures_have_a_hint(text: str, said: str) -> None:
    assert said in (output(text).hint() or "")


def test_others_have_none() -> None:
    assert output("error: command '/usr/bin/gcc' failed with exit code 1").hint() is None
