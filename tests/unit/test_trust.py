from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import tomli
from hypothesis import example, given
from hypothesis import strategies as st

from launcher import trust as module
from launcher.errors import DataUnusable
from launcher.trust import Agreement, Trust

SHA256 = "ab" * 32
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="owners and permissions are POSIX's")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data" / "pyscript" / "trust"


@pytest.fixture
def trust(directory: Path) -> Trust:
    return Trust(directory)


def test_nothing_is_agreed_to_at_first_and_nothing_is_made(trust: Trust, directory: Path) -> None:
    assert trust.of_content(SHA256) is None
    assert trust.of_address("https://host/a/x.py") is None
    assert trust.all() == ([], [])
    assert not trust.remove(Agreement(sha256=SHA256))
    trust.add()
    assert not directory.exists()


def test_content_is_agreed_to_by_its_hash(trust: Trust) -> None:
    trust.add(Agreement(sha256=SHA256, url="https://host/x.py", agreed_at=7))
    assert trust.of_content(SHA256) == Agreement(sha256=SHA256, url="https://host/x.py", agreed_at=7)
    assert trust.of_content("cd" * 32) is None
    assert trust.of_address("https://host/x.py") is None


def test_a_place_is_the_beginning_of_addresses_up_to_a_slash(trust: Trust) -> None:
    trust.add(Agreement(place="https://host/me/"))
    assert trust.of_address("https://host/me/a/x.py") is not None
    assert trust.of_address("https://host/me") is None
    assert trust.of_address("https://host/meteor/x.py") is None
    assert trust.of_address("https://host.example/me/x.py") is None
    assert trust.of_address("http://host/me/x.py") is None
    assert trust.of_content(SHA256) is None


def test_a_removed_agreement_is_gone(trust: Trust) -> None:
    agreement = Agreement(place="https://host/")
    trust.add(agreement)
    assert trust.remove(agreement)
    assert trust.of_address("https://host/x.py") is None


def test_all_are_told_the_oldest_first(trust: Trust) -> None:
    trust.add(Agreement(sha256=SHA256, agreed_at=9), Agreement(place="https://host/", agreed_at=3))
    assert [each.agreed_at for each in trust.all()[0]] == [3, 9]


def test_without_a_directory_nothing_can_be_agreed_to() -> None:
    assert Trust(None).of_content(SHA256) is None
    with pytest.raises(DataUnusable, match="no place"):
        Trust(None).add(Agreement(sha256=SHA256))


@posix_only
def test_everything_is_the_owner_s_alone(trust: Trust, directory: Path) -> None:
    trust.add(Agreement(sha256=SHA256))
    (file,) = directory.iterdir()
    assert (directory.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


def test_what_cannot_be_written_leaves_nothing_behind(
    trust: Trust, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust.add(Agreement(sha256=SHA256, url="before"))

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(DataUnusable, match="No space left"):
        trust.add(Agreement(sha256=SHA256, url="after"))
    assert [path.name for path in directory.iterdir()] == [f"sha256-{SHA256}.toml"]
    found = trust.of_content(SHA256)
    assert found is not None
    assert found.url == "before"


def damage(directory: Path, content: bytes) -> Path:
    (path,) = directory.iterdir()
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"version = 1\n",
        b"\xff\xfe",
        b"version = 2\nsha256 = '" + SHA256.encode() + b"'\nurl = ''\nagreed_at = 1\n",
        b"version = 1\nsha256 = '" + b"cd" * 32 + b"'\nurl = ''\nagreed_at = 1\n",
        b"version = 1\nsha256 = '*'\nurl = ''\nagreed_at = 1\n",
        b"version = 1\nplace = 'https://'\nurl = ''\nagreed_at = 1\n",
        b"version = 1\nsha256 = '" + SHA256.encode() + b"'\nplace = 'https://host/'\nurl = ''\nagreed_at = 1\n",
    ],
)
def test_a_damaged_agreement_is_an_error_that_says_how_to_mend_it(
    content: bytes, trust: Trust, directory: Path
) -> None:
    trust.add(Agreement(sha256=SHA256))
    path = damage(directory, content)
    with pytest.raises(DataUnusable, match="damaged") as error:
        trust.of_content(SHA256)
    assert error.value.hint is not None
    assert f"rm {path}" in error.value.hint
    agreements, errors = trust.all()
    assert (agreements, len(errors)) == ([], 1)
    assert trust.remove(Agreement(sha256=SHA256))


def test_a_damaged_agreement_says_nothing_about_others(trust: Trust, directory: Path) -> None:
    trust.add(Agreement(sha256=SHA256))
    damage(directory, b"")
    trust.add(Agreement(sha256="cd" * 32))
    assert trust.of_content("cd" * 32) is not None


@posix_only
def test_a_planted_link_is_refused(trust: Trust, directory: Path, tmp_path: Path) -> None:
    trust.add(Agreement(sha256=SHA256))
    (path,) = directory.iterdir()
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataUnusable, match="symbolic link"):
        trust.of_content(SHA256)


@posix_only
def test_a_directory_behind_a_link_is_refused(trust: Trust, directory: Path, tmp_path: Path) -> None:
    trust.add(Agreement(sha256=SHA256))
    directory.rename(tmp_path / "elsewhere")
    directory.symlink_to(tmp_path / "elsewhere")
    for ask in (lambda: trust.of_content(SHA256), trust.all, lambda: trust.add(Agreement(sha256=SHA256))):
        with pytest.raises(DataUnusable, match="no directory"):
            ask()


@posix_only
@pytest.mark.parametrize("mode", [0o720, 0o702])
def test_a_directory_that_others_may_write_to_is_refused(mode: int, trust: Trust, directory: Path) -> None:
    trust.add(Agreement(sha256=SHA256))
    directory.chmod(mode)
    with pytest.raises(DataUnusable, match="Others may write"):
        trust.of_content(SHA256)


@posix_only
def test_a_file_that_others_may_write_to_is_refused(trust: Trust, directory: Path) -> None:
    trust.add(Agreement(sha256=SHA256))
    (path,) = directory.iterdir()
    path.chmod(0o622)
    with pytest.raises(DataUnusable, match="Others may write"):
        trust.of_content(SHA256)


@posix_only
def test_what_belongs_to_somebody_else_is_refused(
    trust: Trust, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust.add(Agreement(sha256=SHA256))
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    with pytest.raises(DataUnusable, match="belongs to another user"):
        trust.of_content(SHA256)


@posix_only
def test_a_pipe_is_no_agreement_and_nobody_waits_for_it(trust: Trust, directory: Path) -> None:
    trust.add(Agreement(place="https://host/"))
    os.mkfifo(directory / f"sha256-{SHA256}.toml")
    with pytest.raises(DataUnusable, match="no file"):
        trust.of_content(SHA256)


@given(st.text(st.characters()))
@example("\udc80")
def test_any_text_is_written_such_that_toml_reads_it(text: str) -> None:
    assert tomli.loads(f"x = {module._quoted(text)}")["x"] == text.encode("utf-8", "replace").decode()
