from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterator

import pytest
from packaging.version import Version

from launcher.errors import HashMismatch, IndexUnreachable, UsageError
from launcher.python import downloads
from launcher.python.demand import Demand
from launcher.python.discovery import InterpreterRequest
from launcher.python.downloads import Build, Machine, PublishedBuilds, find_build, newest_builds, open_catalogue
from tests.support.pythons import Shelf

LINUX = Machine("linux", "x86_64", "gnu")


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    _be(LINUX, monkeypatch)


def _be(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Machine, "here", classmethod(lambda cls: machine))


def _find(python: str | None = None, requires: str | None = None) -> Build | None:
    return find_build(Demand(InterpreterRequest(requires, python)), PublishedBuilds())


def _version(build: Build | None) -> str:
    assert build is not None
    return build.version


def test_the_newest_of_the_series_that_scripts_are_tested_on() -> None:
    # pbs-installer's list may grow beyond these at any time.
    assert _version(_find()).startswith("3.14.")
    assert Version(_version(_find("3.13"))) >= Version("3.13.17")
    assert _version(_find(requires=">=3.12,<3.14")) == _version(_find("3.13"))
    assert _version(_find(requires=">=3.15")).startswith("3.15.")
    assert _version(_find("3.12.1")) == "3.12.1"
    assert _version(_find(requires="!=3.13.17,<3.13.18,>=3.13")) == "3.13.16"


def test_implementations_by_name() -> None:
    free_threaded, pypy = _find("3.14t"), _find("pypy3.10")
    assert free_threaded is not None and pypy is not None
    assert free_threaded.free_threaded
    assert "freethreaded" in free_threaded.filename
    assert free_threaded.label == f"Python {free_threaded.version}t"
    assert pypy.filename.startswith("pypy3.10-")
    assert pypy.label == f"PyPy {pypy.version}"
    assert pypy.directory_name == f"pypy-{pypy.version}-x86_64-unknown-linux-gnu"


@pytest.mark.parametrize("spec", ["graalpy", "3.13d", "3.15.0rc1", "3.99", "3.12.99", "pypy3.10t"])
def test_what_nobody_builds(spec: str) -> None:
    assert _find(spec) is None


@pytest.mark.parametrize(
    "machine",
    [LINUX, Machine("macos", "aarch64", ""), Machine("windows", "x86_64", ""), Machine("linux", "x86", "gnu")],
)
def test_every_build_can_be_verified_and_unpacked(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    _be(machine, monkeypatch)
    catalogue = PublishedBuilds()
    builds = [
        build
        for implementation, free_threaded in downloads.KINDS
        for minor in range(5, 16)
        for build in catalogue.builds(implementation, free_threaded, minor)
    ]
    assert len(builds) > 20
    for build in builds:
        assert len(build.sha256) == 64
        assert build.filename.endswith((".tar.gz", ".tar.bz2", ".zip"))
        assert build.urls[0].startswith("https://")


@pytest.mark.parametrize("machine", [Machine("linux", "x86_64", "musl"), Machine("sunos", "sparc", "")])
def test_a_machine_that_nothing_is_built_for(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    _be(machine, monkeypatch)
    assert list(newest_builds(PublishedBuilds())) == []


def test_newest_builds_of_each_series() -> None:
    names = [(build.implementation, build.version.rpartition(".")[0]) for build in newest_builds(PublishedBuilds())]
    assert ("cpython", "3.8") in names
    assert ("cpython", "3.7") not in names
    assert names.index(("cpython", "3.14")) < names.index(("cpython", "3.13")) < names.index(("pypy", "3.10"))


def test_variables_of_pbs_installer_decide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads PBS_INSTALLER_BASE_URL when it is imported, into what it uses where no base URL is given."""
    monkeypatch.setattr("pbs_installer._versions.PYTHON_VERSIONS", {})
    assert ".invalid" not in _version_url(_find("3.12"))


def _version_url(build: Build | None) -> str:
    assert build is not None
    return build.urls[0]


def test_a_mirror_has_the_same_files_and_checksums_stay() -> None:
    (published,) = _first(PublishedBuilds().builds("cpython", False, 13))
    (mirrored,) = _first(open_catalogue("https://m.invalid/py/", Shelf()).builds("cpython", False, 13))
    folder, name = published.urls[0].split("/")[-2:]
    assert mirrored.urls == (f"https://m.invalid/py/{folder}/{name}", f"https://m.invalid/py/{name}")
    assert mirrored.sha256 == published.sha256


def _first(builds: Iterator[Build]) -> list[Build]:
    return [next(builds)]


def _vouched(*names: str, extra: bytes = b"") -> tuple[str, Shelf]:
    sums = "".join(f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n" for name in names).encode() + extra
    return f"https://m.invalid/#sha256={hashlib.sha256(sums).hexdigest()}", Shelf(
        {"https://m.invalid/SHA256SUMS": sums}
    )


def test_builds_of_a_mirrors_own() -> None:
    names = [
        "cpython-3.13.1+20250101-x86_64-unknown-linux-gnu-install_only.tar.gz",
        "cpython-3.13.10+20250101-x86_64-unknown-linux-gnu-install_only.tar.gz",
        "cpython-3.13.10+20250202-x86_64-unknown-linux-gnu-install_only.tar.gz",
        "cpython-3.13.10+20250202-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz",
        "cpython-3.13.11-x86_64-unknown-linux-musl-install_only.tar.gz",
        "cpython-3.13.12-aarch64-unknown-linux-gnu-install_only.tar.gz",
        "cpython-3.13.2+20250101-x86_64-unknown-linux-gnu-freethreaded-install_only.tar.gz",
        "graalpy-3.12.8-x86_64-unknown-linux-gnu-install_only.tar.gz",
        "cpython-3.13.99-x86_64-unknown-linux-gnu-install_only.tar.zst",
        "evil name; rm",
    ]
    catalogue = open_catalogue(*_vouched(*names, extra=b"no checksum  at all\n\xff\n"))
    assert [build.filename for build in catalogue.builds("cpython", False, 13)] == [names[3], names[0]]
    assert [build.sha256 for build in catalogue.builds("cpython", False, 13)] == [
        hashlib.sha256(name.encode()).hexdigest() for name in (names[3], names[0])
    ]
    assert [build.version for build in catalogue.builds("cpython", True, 13)] == ["3.13.2"]
    assert [build.label for build in newest_builds(catalogue)] == ["Python 3.13.10", "Python 3.13.2t", "GraalPy 3.12.8"]
    assert list(catalogue.builds("cpython", False, 12)) == []


def test_a_launcher_that_has_grown_old_gets_what_is_still_built() -> None:
    versions = ("3.20.4", "3.21.1", "3.22.0")
    names = [f"cpython-{version}-x86_64-unknown-linux-gnu-install_only.tar.gz" for version in versions]
    catalogue = open_catalogue(*_vouched(*names))
    for requires, version in ((None, "3.20.4"), (">=3.11", "3.20.4"), (">=3.21", "3.21.1"), ("==3.22.*", "3.22.0")):
        build = find_build(Demand(InterpreterRequest(requires)), catalogue)
        assert build is not None and build.version == version
    assert Demand(InterpreterRequest(">=3.21")).name_to_install == "3.21"


def test_a_list_that_is_not_the_one_vouched_for() -> None:
    mirror, shelf = _vouched("cpython-3.13.1-x86_64-unknown-linux-gnu-install_only.tar.gz")
    content = shelf.contents["https://m.invalid/SHA256SUMS"] + b"\n"
    shelf.contents = {"https://me:secret@m.invalid/SHA256SUMS": content}
    with pytest.raises(
        HashMismatch, match=r"^https://m.invalid/SHA256SUMS is not the list that python-mirror vouches for: its"
    ):
        open_catalogue(mirror.replace("://", "://me:secret@"), shelf)


def test_a_list_that_is_missing_or_endless() -> None:
    mirror, shelf = _vouched()
    with pytest.raises(IndexUnreachable) as raised:
        open_catalogue(mirror.replace("://", "://me:secret@"), Shelf())
    assert raised.value.message == "The list of builds https://m.invalid/SHA256SUMS answered 404."
    shelf.contents["https://m.invalid/SHA256SUMS"] = b"x" * 5_000_000
    with pytest.raises(IndexUnreachable, match="longer than any list can be"):
        open_catalogue(mirror, shelf)


@pytest.mark.parametrize(
    ("mirror", "message"),
    [
        ("ftp://m.invalid/", "python-mirror is not an http or https URL."),
        ("/srv/python", "python-mirror is not an http or https URL."),
        ("https://m.invalid/#md5=12", "python-mirror: `#md5=12` is no checksum."),
        ("https://m.invalid/#sha256=12", "python-mirror: `#sha256=12` is no checksum."),
    ],
)
def test_a_mirror_that_makes_no_sense(mirror: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        open_catalogue(mirror, Shelf())
    assert raised.value.message == message


@pytest.mark.parametrize(
    ("system", "architecture", "maxsize", "triple"),
    [
        ("linux", "x86_64", 2**63, "x86_64-unknown-linux-musl"),
        ("linux", "x86_64", 2**31, "i686-unknown-linux-musl"),
        ("linux", "aarch64", 2**63, "aarch64-unknown-linux-musl"),
        ("darwin", "arm64", 2**63, "aarch64-apple-darwin"),
        ("win32", "AMD64", 2**63, "x86_64-pc-windows-msvc"),
        ("sunos5", "sparc", 2**63, "sparc-sunos5"),
    ],
)
def test_machines(system: str, architecture: str, maxsize: int, triple: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(sys, "maxsize", maxsize)
    monkeypatch.setattr(platform, "machine", lambda: architecture)
    monkeypatch.delattr(os, "confstr", raising=False)  # as where there is no glibc
    assert Machine.here().triple == triple
