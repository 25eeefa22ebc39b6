"""Written requirements: paths and URLs of wheels, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.cache import Cache
from launcher.errors import InvalidMetadata, PyscriptError, SourceUnreachable, UsageError
from launcher.resolve.dependencies import DependencyReader
from launcher.resolve.index import Index
from launcher.resolve.index_settings import IndexSettings
from launcher.resolve.resolution import Requested
from launcher.resolve.roots import Root, read_roots
from tests.scenarios.interpreters import make_interpreter
from tests.support.sdists import Sdist


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index(IndexSettings(no_index=True), make_interpreter(), Cache(tmp_path / "cache")) as made:
        yield made


def read(text: str, index: Index) -> list[Root]:
    return read_roots([Requested(text, "--with")], DependencyReader(make_interpreter().markers), index)


@pytest.mark.parametrize(
    ("text", "extras"),
    [
        ("{path}", ()),
        ("{path}[x,Y]", ("x", "y")),
        ("{url}", ()),
        ("{url} ; python_version > '3'", ()),
        ("demo @ {url}", ()),
        ("Demo[x] @ {url} ; python_version > '3'", ("x",)),
    ],
)
def test_a_wheel_on_this_machine(text: str, extras: tuple[str, ...], index: Index, tmp_path: Path) -> None:
    path = tmp_path / "a directory" / "demo-1.0-py3-none-any.whl"
    (root,) = read(text.format(path=path, url=path.as_uri()), index)
    assert root.candidate is not None
    assert (root.dependency.name, root.dependency.extras) == ("demo", extras)
    assert (root.candidate.version, root.candidate.url) == ("1.0", path.as_uri())


def test_a_marker_that_does_not_hold(index: Index) -> None:
    assert read("https://h/demo-1.0-py3-none-any.whl ; python_version < '3'", index) == []
    assert read("demo; sys_platform == 'win32'", index) == []


@pytest.mark.parametrize("url", ["https://h/demo-1.0-py3-none-any.whl", "demo @ https://h/demo.tar.gz"])
def test_a_hash_that_would_not_be_checked_is_refused(url: str, index: Index) -> None:
    with pytest.raises(InvalidMetadata, match="states a hash that cannot be checked: sha512"):
        read(f"{url}#egg=demo&sha512=AB", index)


def test_a_hash_and_no_credentials_are_kept(index: Index) -> None:
    (root,) = read("demo @ https://me:secret@h/demo-1.0-py3-none-any.whl#sha256=AB", index)
    assert root.candidate is not None
    assert root.candidate.sha256 == "ab"
    assert "secret" not in repr(root.candidate) + repr(root.dependency)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("/nowhere/project", SourceUnreachable),
        ("demo @ file:///nowhere/demo-1.0.tar.gz", SourceUnreachable),
        ("demo @ ./relative", InvalidMetadata),
        ("git+https://h/demo.git@", InvalidMetadata),
        ("git@h:demo.git", InvalidMetadata),
        ("demo @ git+ssh://git@h:me/demo.git@v1", InvalidMetadata),
        ("demo @ https://h/demo-1.0-any.whl", InvalidMetadata),
        ("demo @ ftp://h/demo-1.0-py3-none-any.whl", InvalidMetadata),
        ("other @ https://h/demo-1.0-py3-none-any.whl", InvalidMetadata),
        ("demo >>> 1", InvalidMetadata),
        ("", InvalidMetadata),
    ],
)
def test_what_is_refused(text: str, error: type[PyscriptError], index: Index) -> None:
    with pytest.raises(error) as caught:
        read(text, index)
    assert "--with" in caught.value.message or "/nowhere" in caught.value.message


@pytest.mark.parametrize(
    ("text", "meant"),
    [("demo=>3", "demo>=3"), ("demo[a]=<3; python_version>'3'", "demo[a]<=3"), ("demo=3.1", "demo==3.1")],
)
def test_an_operator_that_does_not_exist_is_put_right(text: str, meant: str, index: Index) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        read(text, index)
    assert (caught.value.hint or "").startswith(f'Did you mean "{meant}')


@pytest.mark.parametrize("text", ["demo >>> 1", "demo =< x y", "demo @ https://h/demo.zip?a=b c"])
def test_what_cannot_be_guessed_has_an_example(text: str, index: Index) -> None:
    with pytest.raises(InvalidMetadata, match="not a valid requirement") as caught:
        read(text, index)
    assert (caught.value.hint or "").startswith("Write it as in")


def test_an_sdist_without_a_name_gets_the_one_it_says(index: Index, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir(exist_ok=True)
    path = Sdist("demo", "2.0", is_static=True).write(tmp_path / "files")
    (root,) = read(f"{path}[x] ; python_version > '3'", index)
    assert root.candidate is not None
    assert (root.dependency.name, root.dependency.extras, root.candidate.version) == ("demo", ("x",), "2.0")
    assert root.dependency.url == root.candidate.url == path.as_uri()


def test_only_a_directory_can_be_editable(index: Index) -> None:
    requested = Requested("https://h/demo-1.0.zip", "--with-editable", is_editable=True)
    with pytest.raises(UsageError, match="cannot be used in place"):
        read_roots([requested], DependencyReader(make_interpreter().markers), index)
