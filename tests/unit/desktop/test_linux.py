"""The plan for desktops of freedesktop.org."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.desktop import applications, linux
from launcher.desktop.applications import Homes
from launcher.desktop.association_file import value_of
from launcher.desktop.changes import MARK, Kind
from launcher.errors import RegistrationFailed

HOMES = Homes("/h/.local/share", "/h/.config", (), ())
NAMESPACE = "{http://www.freedesktop.org/standards/shared-mime-info}"


def entry_of(handler: str, *, is_for_all_python: bool = False) -> bytes:
    plan = linux.plan(handler, HOMES, is_for_all_python=is_for_all_python)
    return next(each.content for each in plan.wanted if each.place.path.endswith(".desktop"))


def test_the_type_is_below_python_and_loses_to_its_names() -> None:
    package = ElementTree.fromstring(linux.mime_package())
    ours = package.find(f"{NAMESPACE}mime-type[@type='text/x-pep723-script']")
    assert ours is not None
    parents = [each.get("type") for each in ours.findall(f"{NAMESPACE}sub-class-of")]
    globs = {each.get("pattern"): each.get("weight") for each in ours.findall(f"{NAMESPACE}glob")}
    assert (parents, globs) == (["text/x-python"], {"*.py": "10", "*.pyw": "10"})
    magic = ours.find(f"{NAMESPACE}magic")
    assert magic is not None
    assert magic.get("priority") == "90"


def matches(content: bytes) -> bool:
    """Tell what the magic says, as update-mime-database reads the values."""
    for value, begin, end in re.findall(r'value="([^"]*)" offset="(\d+)(?::(\d+))?"', linux.mime_package()):
        wanted = value.encode().decode("unicode_escape").encode("latin-1")
        if content.find(wanted, int(begin), int(end or begin) + len(wanted)) >= 0:
            return True
    return False


@pytest.mark.parametrize(
    ("content", "is_script"),
    [
        (b"# /// script\n", True),
        (b"\xef\xbb\xbf# /// script\r\n", True),
        (b"#!/usr/bin/env pyscript\n# /// script\n", True),
        (b'"""doc"""\r\n\r\n# /// script\r\n', True),
        (b"# /// scripts\n", False),
        (b"# /// pylock\n", False),
        (b"x = '# /// script'\n", False),
        (b"\n" * 5000 + b"# /// script\n", False),
    ],
)
def test_a_block_is_known_by_its_first_line(content: bytes, is_script: bool) -> None:
    assert matches(content) == is_script


def test_ordinary_python_files_are_claimed_only_when_asked() -> None:
    assert value_of(entry_of("/p"), "Desktop Entry", "MimeType") == "text/x-pep723-script;"
    all_types = "text/x-pep723-script;text/x-python;text/x-python3;"
    assert value_of(entry_of("/p", is_for_all_python=True), "Desktop Entry", "MimeType") == all_types


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/p/pyscript", '"/p/pyscript"'),
        ("/my tools/pyscript", '"/my tools/pyscript"'),
        ("/é/pyscript", '"/é/pyscript"'),
        ('/a"b/pyscript', r'"/a\\"b/pyscript"'),
        ("/a$b`c/pyscript", r'"/a\\$b\\`c/pyscript"'),
        (r"/a\b/pyscript", r'"/a\\\\b/pyscript"'),
    ],
)
def test_the_handler_is_quoted_and_escaped(path: str, written: str) -> None:
    assert value_of(entry_of(path), "Desktop Entry", "Exec") == f"{written} open %f"


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="%"), min_size=1))
def test_an_entry_is_read_as_it_was_written(name: str) -> None:
    if not name.isprintable():
        return
    line = value_of(entry_of(f"/{name}/pyscript"), "Desktop Entry", "Exec")
    assert applications._words(line or "") == [f"/{name}/pyscript", "open", "%f"]


@pytest.mark.parametrize("path", ["/100%/pyscript", "/a\nb/pyscript", "/a\udcff/pyscript", "/a\u202eb/pyscript"])
def test_a_handler_that_no_entry_can_name_is_refused(path: str) -> None:
    with pytest.raises(RegistrationFailed, match="No desktop can be told to start"):
        entry_of(path)


def test_every_file_of_ours_says_so() -> None:
    for each in linux.plan("/p", HOMES, is_for_all_python=True).wanted:
        assert MARK.encode() in each.content or each.place.kind is Kind.SHARED
