"""The programs of entry points, compared with what installer writes."""

from __future__ import annotations

import io
import zipfile

import pytest
from installer.scripts import Script

from launcher.environment.console_scripts import posix_script, rewrite_shebang, shebang, windows_launcher_tail
from launcher.environment.manifest import EntryPoint
from launcher.value import replace

POINT = EntryPoint("demo", "demo.cli", "Program.main", False)


def test_a_script_imports_the_first_name_and_calls_the_attribute() -> None:
    assert posix_script(POINT, "/env/bin/python") == (
        b"#!/env/bin/python\n"
        b"import sys\n"
        b"from demo.cli import Program\n"
        b'if __name__ == "__main__":\n'
        b"    sys.exit(Program.main())\n"
    )


@pytest.mark.parametrize(
    "python",
    [
        "/e/bin/python",
        "/my env/bin/python",
        "/it's/bin/python",
        "/" + "x" * 122 + " y",
        "/é/bin/python",
        "/" + "x" * 123,
    ],
)
def test_the_first_lines_are_those_of_installer(python: str) -> None:
    _, reference = Script("demo", "demo", "main", "console").generate(python, "posix")
    assert reference.startswith(shebang(python))


def test_a_long_path_does_not_fit_into_a_first_line() -> None:
    assert shebang("/" + "x" * 123).startswith(b"#!/xxx")
    assert shebang("/" + "x" * 124).startswith(b"#!/bin/sh\n")


@pytest.mark.parametrize("white", ["\t", "\n", "\u00a0"])
def test_no_white_space_gets_into_a_first_line(white: str) -> None:
    assert shebang(f"/a{white}b/python").startswith(b"#!/bin/sh\n")


def test_the_trampoline_is_a_string_for_python() -> None:
    script = posix_script(EntryPoint("x", "sys", "exit", False), "/it's a/python")
    compile(script, "x", "exec")


def test_a_script_of_the_wheel_gets_its_first_line_replaced() -> None:
    assert rewrite_shebang(b"#!python -u\nx = 1\n", "/e/python") == b"#!/e/python\nx = 1\n"
    assert rewrite_shebang(b"#!pythonw", "/e/python") == b"#!/e/python\n"


@pytest.mark.parametrize(("is_gui", "program"), [(False, b"python.exe"), (True, b"pythonw.exe")])
def test_a_windows_launcher_ends_in_a_zip_with_the_code(is_gui: bool, program: bytes) -> None:
    tail = windows_launcher_tail(replace(POINT, is_gui=is_gui), "C:\\my env\\Scripts\\python.exe")
    line, _, archive = tail.partition(b"\n")
    assert line == b"#!C:\\my env\\Scripts\\" + program
    code = zipfile.ZipFile(io.BytesIO(archive)).read("__main__.py")
    compile(code, "x", "exec")
    assert b"Program.main()" in code
