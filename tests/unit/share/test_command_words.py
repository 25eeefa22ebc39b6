"""The options of a command mean the same wherever it is called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from launcher.errors import UsageError
from launcher.request import RunRequest, TargetKind
from launcher.share.command_words import command_words, meaning_the_same_anywhere

pytestmark = pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")


def request(directory: Path | str = "/work", target: str = "/opt/x.py", **fields: object) -> RunRequest:
    return RunRequest(TargetKind.SCRIPT, target, (), ("x.py",), 0, str(directory), **fields)  # type: ignore[arg-type]


def words(asked: RunRequest) -> tuple[str, ...]:
    settled = meaning_the_same_anywhere(asked, {"PATH": "/nowhere"})
    assert settled.means_the_same_anywhere
    return command_words(settled)


def test_options_are_kept_in_one_way_of_writing() -> None:
    asked = request(
        with_=("rich", "cowsay<7"),
        command_line={
            "python": "3.12",
            "no_build": True,
            "max_age_s": "7 days",
            "extra_index_url": ["https://a/", "b"],
        },
    )
    settled = meaning_the_same_anywhere(asked, {})
    assert command_words(settled) == (
        *("--with", "rich", "--with", "cowsay<7", "--python", "3.12"),
        *("--extra-index-url", "https://a/", "--extra-index-url", "b", "--no-build", "--max-age", "7 days"),
    )


def test_what_only_says_how_to_prepare_is_not_kept() -> None:
    once = {"refresh": True, "upgrade": True, "offline": True, "timeout_s": "3", "retries": "1", "verbosity": 2}
    assert words(request(command_line={**once, "color": "never"})) == ()


def test_paths_become_absolute(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    asked = request(
        tmp_path,
        with_=("./a-1.0-py3-none-any.whl",),
        with_requirements=("reqs.txt",),
        with_editable=("lib[x]",),
        command_line={"find_links": ["wheels"], "env_file": ["./.env"], "python": "venv/bin/python"},
    )
    assert words(asked) == (
        *("--with", f"{tmp_path}/a-1.0-py3-none-any.whl", "--with-requirements", f"{tmp_path}/reqs.txt"),
        *("--with-editable", f"{tmp_path}/lib[x]", "--python", f"{tmp_path}/venv/bin/python"),
        *("--find-links", f"{tmp_path}/wheels", "--env-file", f"{tmp_path}/.env"),
    )


def test_a_python_on_path_is_pinned_to_where_it_is(tmp_path: Path) -> None:
    python = tmp_path / "ourpython"
    python.write_text("")
    python.chmod(0o755)
    settled = meaning_the_same_anywhere(request(command_line={"python": "ourpython"}), {"PATH": str(tmp_path)})
    assert command_words(settled) == ("--python", str(python))


def test_credentials_are_not_written_down() -> None:
    with pytest.raises(UsageError, match="user name or password"):
        command_words(request(command_line={"index_url": "https://me:secret@127.0.0.1/simple/"}))


@pytest.mark.parametrize(
    "asked",
    [
        request(target="x.py"),
        request(with_=("./x.whl",)),
        request(with_editable=("lib",)),
        request(with_requirements=("reqs.txt",)),
        request(command_line={"python": "./python"}),
        request(command_line={"find_links": ["wheels"]}),
        request(command_line={"cert": "ca.pem"}),
    ],
)
def test_what_counts_from_the_current_directory_does_not_mean_the_same_anywhere(asked: RunRequest) -> None:
    assert not asked.means_the_same_anywhere
