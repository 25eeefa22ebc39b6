"""METADATA: what is read of it, and from how few bytes of a wheel."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.resolve.metadata import (
    MissingBytes,
    PartialFile,
    WheelMetadata,
    is_static,
    metadata_in_wheel,
    parse_metadata,
)
from tests.support.wheels import Flaw, Wheel


def test_the_fields_that_matter() -> None:
    found = parse_metadata(
        b"Metadata-Version: 2.1\nName: Demo\nVersion: 1.0\r\nLicense: a\n        \n\tline of blanks above\n"
        b"requires-dist: a>=1\nRequires-Dist: b ;\n  extra == 'x'\nProvides-Extra: X_y\nProvides-Extra: x-Y\n"
        b"Requires-Python: >=3.8\n\nRequires-Dist: not a field\n"
    )
    assert found == WheelMetadata("Demo", "1.0", ("a>=1", "b ; extra == 'x'"), ">=3.8", ("x-y",))
    assert WheelMetadata.from_bytes(found.to_bytes()) == found


@pytest.mark.parametrize(
    "content", [b"", b"<html>not found</html>", b"Name: a\n", b"Version: 1\n", b"\nName: a\nVersion: 1\n"]
)
def test_what_is_none(content: bytes) -> None:
    with pytest.raises(ValueError, match="no Name or no Version"):
        parse_metadata(content)


def test_bytes_of_another_format_are_refused() -> None:
    for content in (b"", b"x", b"i\x01\x00\x00\x00"):
        with pytest.raises(ValueError, match=r".+"):
            WheelMetadata.from_bytes(content)


def test_spelling_of_name_and_version_does_not_matter() -> None:
    metadata = WheelMetadata("Some_Demo", "1.0.0", (), None, ())
    assert metadata.is_of("some-demo", "1.0")
    assert not metadata.is_of("some-demo", "1.1")
    assert not metadata.is_of("demo", "1.0")
    assert not WheelMetadata("demo", "odd", (), None, ()).is_of("demo", "1.0")


WHEEL = Wheel("demo", files={f"demo/m{number}.py": "x = 1\n" * number for number in range(40)}, requires=["a"])


@given(st.integers(1, len(WHEEL.content)), st.integers(1, 4000))
def test_any_parts_lead_to_the_same_metadata(tail: int, step: int) -> None:
    content = WHEEL.content
    partial = PartialFile(len(content))
    partial.add(len(content) - tail, content[-tail:])
    for _ in range(len(content)):
        try:
            assert metadata_in_wheel(partial) == WHEEL.metadata
            return
        except MissingBytes as missing:
            assert 0 <= missing.start < missing.end <= len(content)
            end = max(missing.end, missing.start + step)
            partial.add(max(missing.start - step, 0), content[max(missing.start - step, 0) : end])
    raise AssertionError("it never ends")


@pytest.mark.parametrize("flaw", [Flaw.NOT_A_ZIP, Flaw.NO_METADATA, Flaw.TRUNCATED, Flaw.TWO_DIST_INFOS])
def test_unsound_wheels_have_no_metadata(flaw: Flaw, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r".+"):
        metadata_in_wheel(Wheel("demo", flaw=flaw).write(tmp_path))


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "demo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("demo-1.0.dist-info/METADATA", b"\0" * (17 << 20))
    with pytest.raises(ValueError, match="too large"):
        metadata_in_wheel(path)


@pytest.mark.parametrize(
    ("pkg_info", "expected"),
    [
        (b"Metadata-Version: 2.2\nName: a\nVersion: 1\n", True),
        (b"Metadata-Version: 2.10\nName: a\nVersion: 1\nDynamic: Description\n\nDynamic: Requires-Dist\n", True),
        (b"Metadata-Version: 2.1\nName: a\nVersion: 1\n", False),
        (b"Metadata-Version: 2.4\nDynamic: requires-dist\nName: a\n", False),
        (b"Metadata-Version: 2.4\nDynamic: Requires-Python\nName: a\n", False),
        (b"Metadata-Version: 2.4\nDynamic: Provides-Extra\nName: a\n", False),
        (b"Metadata-Version: x\nName: a\n", False),
        (b"", False),
    ],
)
def test_whether_an_sdist_says_what_it_needs(pkg_info: bytes, expected: bool) -> None:
    assert is_static(pkg_info) is expected
