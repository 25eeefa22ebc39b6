"""What a bundle says of itself, there and back, and what is not believed."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from launcher.errors import InvalidBundle
from launcher.script.bundle_file import open_in_bundle, read_bundle
from launcher.script.bundle_manifest import (
    BundledFile,
    BundledWheel,
    BundleManifest,
    BundleTarget,
    digest_of_manifest,
)

WHEEL = BundledWheel(BundledFile("wheels/a-1-py3-none-any.whl", "ab", 7), "a", "1")
TARGET = BundleTarget(((3, 9, 2), (3, 10, 0)), True, "cpython", False, "linux", "x86_64", ("glibc", 2, 28), (0,))
MANIFEST = BundleManifest(BundledFile("script/x.py", "cd", 3), (WHEEL,), (TARGET,), ">=3.9.2", "Python", "ef", "01")


def test_what_is_written_is_read() -> None:
    content = MANIFEST.to_bytes()
    assert BundleManifest.from_bytes(content) == MANIFEST
    assert digest_of_manifest(content) == digest_of_manifest(MANIFEST.to_bytes())


def changed(change: Callable[[Any], object]) -> bytes:
    table = json.loads(MANIFEST.to_bytes())
    change(table)
    return json.dumps(table).encode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.update(format=2), "its format is 2, and only 1 is known: update pyscript"),
        (lambda table: table["script"].update(file="script/../x.py"), "'script/../x.py' in it is not allowed"),
        (lambda table: table["script"].update(file="/etc/x.py"), "'/etc/x.py' in it is not allowed"),
        (lambda table: table["wheels"][0].update(file="wheels/.."), "'wheels/..' in it is not allowed"),
        (lambda table: table["wheels"][0].update(file="wheels/C:x.whl"), "'wheels/C:x.whl' in it is not allowed"),
        (lambda table: table["wheels"][0].update(size=-1), "bundle.json in it is not what it should be"),
        (lambda table: table["targets"][0].update(wheels=[1]), "it names a wheel that it does not have"),
        (lambda table: table["targets"][0].update(pythons=[["3"]]), "bundle.json in it is not what it should be"),
        (lambda table: table.pop("lock"), "bundle.json in it is not what it should be"),
        (lambda table: table.update(targets=None), "bundle.json in it is not what it should be"),
    ],
)
def test_what_makes_no_sense_is_refused(change: Callable[[Any], object], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        BundleManifest.from_bytes(changed(change))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"[" * 100_000, b'{"format": 1}', b"\xff"])
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        BundleManifest.from_bytes(content)


def test_only_an_archive_with_a_manifest_is_a_bundle(tmp_path: Path) -> None:
    path = tmp_path / "x.pyz"
    path.write_text("print(1)")
    assert read_bundle(str(path)) is None
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("__main__.py", "")
        archive.writestr("bundle.json", "somebody else's")
    assert read_bundle(str(path)) is None


def test_a_path_may_lead_into_a_bundle(tmp_path: Path) -> None:
    path = tmp_path / "x.pyz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("wheels/a.whl", "content")
    with open_in_bundle(str(path / "wheels" / "a.whl")) as stream:
        assert stream.read() == b"content"
    with pytest.raises(InvalidBundle, match=r"wheels/b\.whl in it cannot be read"):
        open_in_bundle(str(path / "wheels" / "b.whl")).__enter__()
    with pytest.raises(FileNotFoundError):
        open_in_bundle(str(tmp_path / "y" / "z")).__enter__()


def test_a_bundle_that_is_not_what_its_manifest_says_is_no_sound_one(tmp_path: Path) -> None:
    path = tmp_path / "x.pyz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pyscript_bundle/__init__.py", "")
        archive.writestr("bundle.json", MANIFEST.to_bytes())
        archive.writestr("script/x.py", "1\n")
        archive.writestr("pylock.toml", "")
    with pytest.raises(InvalidBundle, match=r"script/x\.py in it is not what its manifest says"):
        read_bundle(str(path))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pyscript_bundle/__init__.py", "")
        archive.writestr("bundle.json", MANIFEST.to_bytes())
    with pytest.raises(InvalidBundle, match=r"is no sound bundle: There is no item named 'script/x\.py'"):
        read_bundle(str(path))
