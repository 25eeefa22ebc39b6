from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from launcher.errors import Excerpt, InvalidMetadata, UsageError
from launcher.resolve.requirements_file import (
    RequirementsFile,
    as_requested,
    read_requirements_file,
    with_index_options,
    with_policy_options,
)
from launcher.resolve.requirements_format import FileRequirement
from launcher.resolve.resolution import Policy, Requested
from launcher.settings import Settings

A = "sha256:" + "a" * 64
B = "sha256:" + "b" * 64

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a file below a fresh directory, which is also the current one."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return path

    return write


def read(text: str, write: Write, environ: Mapping[str, str] | None = None) -> RequirementsFile:
    write("r.txt", text)
    return read_requirements_file("r.txt", environ or {})


def texts(content: RequirementsFile) -> list[str]:
    return [requirement.text for requirement in content.requested]


def error_of(text: str, write: Write, environ: Mapping[str, str] | None = None) -> InvalidMetadata:
    with pytest.raises(InvalidMetadata) as caught:
        read(text, write, environ)
    return caught.value


def shown(excerpt: Excerpt | None) -> tuple[int, str, str]:
    assert excerpt is not None
    return (
        excerpt.line_number,
        excerpt.line,
        excerpt.line[excerpt.column - 1 : excerpt.column - 1 + excerpt.length],
    )


# Lines


def test_reads_requirements_with_their_lines(write: Write, tmp_path: Path) -> None:
    content = read("# tools\r\n\r\nrequests >=2, <3  # the client\nrich[jupyter]; python_version<'3.12'\n", write)
    assert content == RequirementsFile(
        requested=(
            FileRequirement("requests >=2, <3", "r.txt, line 3"),
            FileRequirement("rich[jupyter]; python_version<'3.12'", "r.txt, line 4"),
        ),
        paths=(str(tmp_path / "r.txt"),),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a\\\n==1\nb", ["a==1", "b"]),
        ("a \\\n# a comment ends a continued line \\\nb", ["a", "b"]),
        ("a#b @ https://host/x#egg=y # c", None),
        ("a @ https://host/a-1-py3-none-any.whl#sha256=12 # c", ["a @ https://host/a-1-py3-none-any.whl#sha256=12"]),
        ("https://host/a-1-py3-none-any.whl", ["https://host/a-1-py3-none-any.whl"]),
        ("git+https://host/a.git@main#egg=a", ["git+https://host/a.git@main#egg=a"]),
        ("a\\", ["a"]),
        ("a ; \\\n  extra == 'x'", ["a ;   extra == 'x'"]),
    ],
)
def test_comments_and_continued_lines(text: str, expected: list[str] | None, write: Write) -> None:
    if expected is None:
        assert "not a valid requirement" in error_of(text, write).message
    else:
        assert texts(read(text, write)) == expected


def test_a_continued_line_is_named_by_its_first_line(write: Write) -> None:
    content = read("\na==1 \\\n  --hash=sha256:" + "A" * 64 + " \\\n  --hash " + B + "\nb\n", write)
    assert content.requested == (
        FileRequirement("a==1", "r.txt, line 2", (A, B)),
        FileRequirement("b", "r.txt, line 5"),
    )


def test_variables_are_expanded_where_they_are_set(write: Write) -> None:
    environ = {"HOST": "mirror", "lower": "x"}
    content = read("-i https://${HOST}/${NO}/${lower}/\na==1\n", write, environ)
    assert content.index_url == "https://mirror/${NO}/${lower}/"
    assert content.variables == ("HOST", "NO")


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF16_LE + "ä==1".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "ä==1".encode("utf-16-be"),
        codecs.BOM_UTF8 + "ä==1".encode(),
        b"# coding: latin-1\n\xe4==1",
    ],
)
def test_encodings(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "r.txt"
    path.write_bytes(content)
    with pytest.raises(InvalidMetadata, match="'ä==1' is not a valid requirement"):
        read_requirements_file(str(path))


# Options


def test_reads_the_index_options(write: Write, tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    content = read(
        "-i https://first/\n--index-url=https://host/simple/ --extra-index-url https://a/\n--extra-index-url 'https://b/'\n"
        "-f wheels\n--find-links https://host/links\n--no-index\n--pre\n--require-hashes\n--prefer-binary\n"
        "--no-binary :all:\n--only-binary=a,b\n",
        write,
    )
    assert content == RequirementsFile(
        requested=(),
        index_url="https://host/simple/",
        extra_index_url=("https://a/", "https://b/"),
        find_links=(str(tmp_path / "wheels"), "https://host/links"),
        no_index=True,
        prerelease=True,
        require_hashes=True,
        no_binary=(":all:",),
        only_binary=("a,b",),
        paths=(str(tmp_path / "r.txt"),),
    )


@pytest.mark.parametrize(
    ("line", "message", "underlined"),
    [
        ("--trusted-host h", "pyscript does not know the option --trusted-host.", "--trusted-host"),
        ("-x", "pyscript does not know the option -x.", "-x"),
        ("a --global-option=x", "pyscript does not know the option --global-option=x.", "--global-option=x"),
        ("--no-index=1", "--no-index takes no value.", "--no-index=1"),
        ("--index-url", "--index-url lacks its value.", "--index-url"),
        ("-r", "--requirement lacks its value.", "-r"),
        ("-i https://a/ b", "there is something behind the option: b.", "b"),
        (f"--hash={A}", "--hash stands without a requirement.", "--hash"),
        ("a --pre", "--pre stands behind a requirement.", "--pre"),
        ("a --hash=md5:12", "md5:12 is no hash of sha256, sha384 or sha512.", "md5:12"),
        ("a --hash=sha256:12", "sha256:12 is no hash of sha256, sha384 or sha512.", "sha256:12"),
        ("-i 'x", "a quotation mark is not closed.", "-i 'x"),
    ],
)
def test_options_that_mean_nothing_are_errors(line: str, message: str, underlined: str, write: Write) -> None:
    error = error_of(f"\n{line}\n", write)
    assert error.message == f"r.txt, line 2: {message}"
    assert shown(error.excerpt) == (2, line, underlined)
    assert error.hint is not None
    assert error.exit_code == 2


def test_the_line_that_is_shown_is_the_physical_one(write: Write) -> None:
    error = error_of("a==1 \\\n  --hash=" + A + " \\\n  --oops\n", write)
    assert shown(error.excerpt) == (3, "  --oops", "--oops")


def test_credentials_are_masked(write: Write) -> None:
    error = error_of("a @@ https://me:secret@host/x\n", write)
    assert "secret" not in error.message
    assert shown(error.excerpt)[1] == "a @@ https://me:****@host/x"


# Requirements


@pytest.mark.parametrize("text", ["a b", "==1", "a=1", "a; nonsense == 1", "*"])
def test_an_invalid_requirement_is_shown(text: str, write: Write) -> None:
    error = error_of(f"good\n{text}  # why\n", write)
    assert error.message.startswith(f"r.txt, line 2: {text!r} is not a valid requirement: ")
    assert shown(error.excerpt) == (2, f"{text}  # why", text)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("./my wheels/a_b-1.0-py3-none-any.whl", "a_b @ {}/my%20wheels/a_b-1.0-py3-none-any.whl"),
        ("my wheels/a_b-1.0-py3-none-any.whl[x,y]", "a_b[x,y] @ {}/my%20wheels/a_b-1.0-py3-none-any.whl"),
        (
            "./my wheels/a_b-1.0-py3-none-any.whl[x] ; python_version > '3'",
            "a_b[x] @ {}/my%20wheels/a_b-1.0-py3-none-any.whl ; python_version > '3'",
        ),
        ("c-1-py3-none-any.whl", "c @ {}/c-1-py3-none-any.whl"),
        ("c @ ./c-1-py3-none-any.whl", "c @ {}/c-1-py3-none-any.whl"),
    ],
)
def test_a_local_wheel_gets_its_name_and_url(line: str, expected: str, write: Write, tmp_path: Path) -> None:
    write("sub/my wheels/a_b-1.0-py3-none-any.whl", "")
    write("sub/c-1-py3-none-any.whl", "")
    write("sub/r.txt", line)
    (text,) = texts(read_requirements_file("sub/r.txt", {}))
    assert text == expected.format((tmp_path / "sub").as_uri())
    assert Requirement(text).url is not None


def test_a_local_path_falls_back_to_the_current_directory(write: Write, tmp_path: Path) -> None:
    write("c-1-py3-none-any.whl", "")
    write("sub/r.txt", "./c-1-py3-none-any.whl")
    assert texts(read_requirements_file("sub/r.txt", {})) == [f"c @ {(tmp_path / 'c-1-py3-none-any.whl').as_uri()}"]


def test_a_project_directory_stays_a_path(write: Write, tmp_path: Path) -> None:
    write("project/pyproject.toml", "")
    content = read("-e ./project[x]\n./project\n", write)
    assert content.requested == (
        FileRequirement(f"{tmp_path / 'project'}[x]", "r.txt, line 1", editable=True),
        FileRequirement(str(tmp_path / "project"), "r.txt, line 2"),
    )


def test_a_path_where_nothing_is_is_an_error(write: Write) -> None:
    error = error_of("./gone-1-py3-none-any.whl\n", write)
    assert error.message == "r.txt, line 1: there is no file ./gone-1-py3-none-any.whl."


# Files that name files


def test_nested_files_start_at_the_file_that_names_them(write: Write, tmp_path: Path) -> None:
    write("sub/base.txt", "b\n-c limits.txt\n--extra-index-url https://x/\n")
    write("sub/limits.txt", "c<2\n-r more.txt\n")
    write("sub/more.txt", "d<3\n")
    content = read("a\n-r sub/base.txt\n", write)
    assert content.requested == (
        FileRequirement("a", "r.txt, line 1"),
        FileRequirement("b", "sub/base.txt, line 1"),
    )
    assert content.constraints == (
        FileRequirement("c<2", "sub/limits.txt, line 1"),
        FileRequirement("d<3", "sub/more.txt, line 1"),
    )
    assert content.extra_index_url == ("https://x/",)
    assert content.paths == tuple(
        str(tmp_path / name) for name in ("r.txt", "sub/base.txt", "sub/limits.txt", "sub/more.txt")
    )


def test_a_file_named_twice_is_read_once(write: Write) -> None:
    write("base.txt", "b\n")
    write("other.txt", "-r base.txt\n-c base.txt")
    content = read("-rbase.txt\n-r other.txt\n", write)
    assert texts(content) == ["b"]
    assert [requirement.text for requirement in content.constraints] == ["b"]


def test_a_loop_is_an_error(write: Write, tmp_path: Path) -> None:
    write("other.txt", "a\n-c r.txt\n")
    error = error_of("-r other.txt\n", write)
    chain = " -> ".join(str(tmp_path / name) for name in ("r.txt", "other.txt", "r.txt"))
    assert error.message == f"other.txt, line 2: r.txt ends up naming itself: {chain}."
    assert shown(error.excerpt) == (2, "-c r.txt", "r.txt")


def test_a_missing_nested_file_is_an_error(write: Write) -> None:
    error = error_of("\n-r gone.txt\n", write)
    assert error.message == "r.txt, line 2: the requirements file gone.txt cannot be read: No such file or directory."
    assert shown(error.excerpt) == (2, "-r gone.txt", "-r gone.txt")


def test_a_nested_url_is_an_error(write: Write) -> None:
    error = error_of("-r https://host/r.txt\n", write)
    assert error.message == "r.txt, line 1: a requirements file cannot be read from a URL."


def test_a_missing_file_is_an_error_of_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^The requirements file .*gone\.txt cannot be read: No such file"):
        read_requirements_file(str(tmp_path / "gone.txt"))


def test_a_wheel_is_not_a_requirements_file(tmp_path: Path) -> None:
    path = tmp_path / "a-1-py3-none-any.whl"
    path.write_bytes(b"PK\x03\x04\0")
    with pytest.raises(InvalidMetadata, match=r"is a binary file\.$") as caught:
        read_requirements_file(str(path))
    assert caught.value.hint is not None and "--with PATH" in caught.value.hint


# Scripts


@pytest.mark.parametrize("name", ["other.py", "other"])
def test_reads_the_dependencies_of_a_script(name: str, write: Write) -> None:
    write(name, "# /// script\n# requires-python = '>=3.9'\n# dependencies = [\n#   'a<2',\n# ]\n# ///\nx\n")
    content = read_requirements_file(name, {})
    assert content.requested == (FileRequirement("a<2", f"line 4 of {name}"),)
    assert content.requires_python == (">=3.9",)


def test_a_script_without_a_block_is_an_error(write: Write) -> None:
    write("other.py", "#/// script\n# dependencies = []\n# ///\n")
    with pytest.raises(InvalidMetadata, match=r"^other\.py is a script without inline metadata\.$") as caught:
        read_requirements_file("other.py", {})
    assert caught.value.hint is not None and 'Write "# /// script"' in caught.value.hint


def test_an_invalid_dependency_of_a_script_is_shown(write: Write) -> None:
    write("other.py", "# /// script\n# dependencies = ['a b']\n# ///\n")
    with pytest.raises(InvalidMetadata, match="'a b' is not a valid requirement") as caught:
        read_requirements_file("other.py", {})
    assert shown(caught.value.excerpt) == (2, "# dependencies = ['a b']", "a b")


# Locks

LOCK = f"""
lock-version = "1.0"
created-by = "a test"
requires-python = ">=3.9"
default-groups = ["default"]
dependency-groups = ["default", "dev"]
extras = ["fast"]

[[packages]]
name = "numpy"
version = "2.1"
[[packages.wheels]]
url = "https://host/numpy-2.1-cp312-cp312-win_amd64.whl"
hashes = {{ sha256 = "{"A" * 64}" }}
[[packages.wheels]]
url = "https://host/numpy-2.1-cp312-cp312-macosx_11_0_arm64.whl"
hashes = {{ sha256 = "{"b" * 64}" }}

[[packages]]
name = "local"
marker = "sys_platform == 'linux'"
[[packages.wheels]]
path = "wheels/local-1.0-py3-none-any.whl"
hashes = {{ sha256 = "{"a" * 64}" }}

[[packages]]
name = "optional"
version = "1"
marker = "'fast' in extras or 'dev' in dependency_groups"
[packages.sdist]
url = "https://host/optional-1.tar.gz"
hashes = {{ sha256 = "{"a" * 64}" }}

[[packages]]
name = "grouped"
version = "1"
marker = "'default' in dependency_groups and 'fast' not in extras and python_version > '3'"
[packages.sdist]
url = "https://host/grouped-1.tar.gz"
hashes = {{ sha256 = "{"a" * 64}" }}

[[packages]]
name = "archived"
[packages.archive]
url = "https://host/archived-1.0.zip"
subdirectory = "src"
hashes = {{ sha256 = "{"a" * 64}" }}

[[packages]]
name = "cloned"
[packages.vcs]
type = "git"
url = "https://host/cloned.git"
commit-id = "abc"

[[packages]]
name = "project"
[packages.directory]
path = "project"
editable = true
"""


def test_a_lock_becomes_exact_pins_with_hashes(write: Write, tmp_path: Path) -> None:
    write("sub/pylock.toml", LOCK)
    content = read_requirements_file("sub/pylock.toml", {})
    pins = {requirement.origin: requirement for requirement in content.requested}
    assert pins["sub/pylock.toml, package numpy"].text == "numpy==2.1"
    assert pins["sub/pylock.toml, package numpy"].hashes == (A, B)
    assert pins["sub/pylock.toml, package local"].text == 'local==1.0 ; sys_platform == "linux"'
    assert content.find_links == (str(tmp_path / "sub" / "wheels"),)
    assert content.requires_python == (">=3.9",)


def test_direct_packages_of_a_lock_keep_their_source(write: Write, tmp_path: Path) -> None:
    write("pylock.dev.toml", LOCK)
    *_, archived, cloned, project = read_requirements_file("pylock.dev.toml", {}).requested
    assert (archived.text, archived.hashes) == ("archived @ https://host/archived-1.0.zip#subdirectory=src", (A,))
    assert cloned.text == "cloned @ git+https://host/cloned.git@abc"
    assert (project.text, project.editable) == (f"project @ {(tmp_path / 'project').as_uri()}", True)


def test_markers_about_extras_and_groups_are_decided(write: Write) -> None:
    write("pylock.toml", LOCK)
    by_name = {
        Requirement(requirement.text).name: Requirement(requirement.text)
        for requirement in read_requirements_file("pylock.toml", {}).requested
    }
    optional, grouped = by_name["optional"].marker, by_name["grouped"].marker
    assert optional is not None and not optional.evaluate()
    assert grouped is not None and grouped.evaluate()
    assert not grouped.evaluate({"python_version": "2.7"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('lock-version = "1.0"\n', "pylock.toml is no valid lock: Missing required value in 'created-by'."),
        (
            'lock-version = "2.0"\ncreated-by = "x"\npackages = []\n',
            "pylock.toml has a format that is newer than pyscript: pylock version 2.0 is not supported.",
        ),
        ("[project]\nname = 'x'\n", "pylock.toml is no lock: it has no lock-version."),
        ("a = [\n1", "pylock.toml is not valid TOML: Unclosed array (line 2)."),
        ("a = " + "[" * 5_000, "pylock.toml cannot be read: "),
    ],
)
def test_what_is_no_lock_is_an_error(text: str, message: str, write: Write) -> None:
    write("pylock.toml", text)
    with pytest.raises(InvalidMetadata) as caught:
        read_requirements_file("pylock.toml", {})
    assert caught.value.message.startswith(message)


# For the resolver


def test_requirements_for_the_resolver(write: Write) -> None:
    content = read(f"a==1 --hash={A}\nb\n", write)
    assert as_requested(content) == [
        Requested("a==1", "r.txt, line 1", (A,)),
        Requested("b", "r.txt, line 2"),
    ]


@pytest.mark.parametrize(
    ("text", "no_build", "no_build_package", "no_binary", "no_binary_package"),
    [
        ("--only-binary :all:", True, ("given",), False, ()),
        ("--only-binary a,b\n--no-binary c", False, ("given", "a", "b"), False, ("c",)),
        ("--no-binary a\n--no-binary :none:", False, ("given",), False, ()),
        ("--no-binary :all:", False, ("given",), True, ()),
    ],
)
def test_formats_become_settings(
    text: str,
    no_build: bool,
    no_build_package: tuple[str, ...],
    no_binary: bool,
    no_binary_package: tuple[str, ...],
    write: Write,
) -> None:
    settings = with_index_options(Settings(no_build_package=("given",)), read(text, write))
    assert (settings.no_build, settings.no_build_package) == (no_build, no_build_package)
    assert (settings.no_binary, settings.no_binary_package) == (no_binary, no_binary_package)


def test_what_a_file_says_of_versions_becomes_policy(write: Write) -> None:
    write("c.txt", "a<2")
    content = read("-c c.txt\n--pre\n--require-hashes\na\n", write)
    policy = with_policy_options(Policy(constraints=(Requested("b<2", "x"),)), Settings(), content)
    assert policy == Policy(
        constraints=(Requested("b<2", "x"), Requested("a<2", "c.txt, line 1")), prerelease="allow", require_hashes=True
    )
    chosen = Settings(origins={"prerelease": "--prerelease"})
    assert with_policy_options(Policy(prerelease="disallow"), chosen, content).prerelease == "disallow"


def test_a_constraint_cannot_be_editable(write: Write) -> None:
    write("c.txt", "-e .")
    with pytest.raises(InvalidMetadata, match=r"A constraint cannot be editable: .*c\.txt, line 1"):
        with_policy_options(Policy(), Settings(), read("-c c.txt\n", write))


def test_index_options_add_places_and_yield_to_other_settings(write: Write) -> None:
    content = read("-i https://file/\n--extra-index-url https://a/\n--no-index\n", write)
    settings = with_index_options(Settings(extra_index_url=("https://b/",)), content)
    assert (settings.index_url, settings.no_index) == ("https://file/", True)
    assert settings.extra_index_url == ("https://b/", "https://a/")
    chosen = Settings(index_url="https://mine/", origins={"index_url": "--index-url", "no_index": "--no-index"})
    settings = with_index_options(chosen, content)
    assert (settings.index_url, settings.no_index) == ("https://mine/", False)
