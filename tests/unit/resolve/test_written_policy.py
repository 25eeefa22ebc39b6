"""Constraints and overrides from settings: requirements, and files that start where their setting was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher.errors import InvalidMetadata, PyscriptError, UsageError
from launcher.resolve.resolution import Policy, Requested
from launcher.resolve.written_policy import WrittenPolicy, read_written_policy
from launcher.settings import Settings

IN_BLOCK = "[tool.pyscript] in the script"


def read(directory: Path, **settings: object) -> WrittenPolicy:
    origins = {name: settings.pop(f"{name}_from") for name in ("constraint", "override") if f"{name}_from" in settings}
    found = Settings(**settings, origins=origins)  # type: ignore[arg-type]
    directories = {"": str(directory), IN_BLOCK: str(directory / "scripts")}
    return read_written_policy(Policy(), found, directories, {"VERSION": "2"})


def test_requirements_keep_where_they_come_from(tmp_path: Path) -> None:
    policy = read(tmp_path, constraint=("a<2",), override=("b==1",), override_from=IN_BLOCK).policy
    assert policy.constraints == (Requested("a<2", "--constraint"),)
    assert policy.overrides == (Requested("b==1", "[tool.pyscript] in the script"),)


def test_a_name_alone_is_an_override_that_takes_any_version(tmp_path: Path) -> None:
    assert read(tmp_path, override=("zope.interface",)).policy.overrides == (Requested("zope.interface", "--override"),)


def test_files_with_their_lines_hashes_and_what_they_name(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text(f"a<2 --hash=sha256:{'0' * 64}\n-c more.txt\n")
    (tmp_path / "more.txt").write_text("b<${VERSION}\n")
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "o.txt").write_text("d==1\n")
    written = read(tmp_path, constraint=("c.txt",), override=("o.txt",), override_from=IN_BLOCK)
    assert [(each.text, each.hashes) for each in written.policy.constraints] == [
        ("a<2", (f"sha256:{'0' * 64}",)),
        ("b<2", ()),
    ]
    assert [each.text for each in written.policy.overrides] == ["d==1"]
    assert written.paths == tuple(str(tmp_path / name) for name in ("c.txt", "more.txt", "scripts/o.txt"))
    assert written.variables == ("VERSION",)


@pytest.mark.parametrize(
    ("text", "content", "error", "says"),
    [
        ("nothere.txt", None, UsageError, "--constraint: there is no file"),
        ("lists/old", None, UsageError, '--constraint "urllib3<2"'),
        ("./a<2", None, UsageError, "--constraint: there is no file"),
        ("c.txt", "-e .\n", InvalidMetadata, "A constraint cannot be editable"),
        ("c.txt", "a >>> 2\n", InvalidMetadata, "c.txt, line 1: 'a >>> 2' is not a valid requirement"),
        ("c.txt", "--frobnicate\n", InvalidMetadata, "pyscript does not know the option --frobnicate"),
    ],
)
def test_what_can_be_neither_is_an_error(
    text: str, content: str | None, error: type[PyscriptError], says: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / text).write_text(content)
    with pytest.raises(error) as caught:
        read(tmp_path, constraint=(text,))
    assert says in f"{caught.value.message} {caught.value.hint}"
