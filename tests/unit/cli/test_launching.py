"""What the command line asks for, made ready for the data path."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from launcher.cache import Bucket, Cache
from launcher.cli import launching
from launcher.cli.arguments import NoOptions, SplitArguments
from launcher.cli.launching import run_request, split_requirements
from launcher.cli.parser import build_parser
from launcher.launch import warm
from launcher.request import TargetKind
from launcher.settings import Settings
from launcher.value import names_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rich", ["rich"]),
        ("rich,cowsay", ["rich", "cowsay"]),
        ("rich>=13,<15,cowsay==6", ["rich>=13,<15", "cowsay==6"]),
        ("rich >= 13, != 14, cowsay", ["rich >= 13, != 14", "cowsay"]),
        ("rich[jupyter,extra],./a.whl", ["rich[jupyter,extra]", "./a.whl"]),
        ("rich (>=1,<2),b", ["rich (>=1,<2)", "b"]),
        ("a; python_version in '3.8,3.9',b", ["a; python_version in '3.8,3.9'", "b"]),
        ("a @ https://127.0.0.1/x,y.whl", ["a @ https://127.0.0.1/x,y.whl"]),
        ("rich,", ["rich"]),
        (",", [","]),
        ("", [""]),
    ],
)
def test_commas_separate_requirements_unless_they_are_part_of_one(text: str, expected: list[str]) -> None:
    assert split_requirements(text) == expected


def test_every_option_that_is_a_setting_reaches_it() -> None:
    parser = build_parser()
    others = {
        "module",
        "code",
        "script",
        "trust",
        "watch",
        "with_",
        "with_requirements",
        "with_editable",
        "cache_dir",
        "quiet",
        "verbose",
    }
    actions = {each.dest: each for each in parser._actions if each.dest not in {*others, "version", "help"}}
    words = [
        word
        for each in actions.values()
        for word in ([each.option_strings[-1]] if each.nargs == 0 else [each.option_strings[-1], "given"])
    ]
    request = run_request(TargetKind.CODE, "", parser.parse_args(words), (), 0)
    given = {name for name, value in request.command_line.items() if value is not None}
    assert given == {f"{name}_s" if name in ("max_age", "timeout") else name for name in actions}
    assert given == set(names_of(Settings)) - {"index", "sources", "gui", "pause", "verbosity", "origins"}


def test_what_threads_have_half_made_is_removed_before_the_script_takes_our_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(tmp_path)
    left: list[Path] = []

    def execute(*_: Any) -> int:
        left.extend(cache.path(Bucket.TMP, "").iterdir())
        return 0

    prepared = SimpleNamespace(argv=["python", "x.py"], variables={}, source=None, record=None)
    monkeypatch.setattr(launching, "prepare", lambda *_: prepared)
    monkeypatch.setattr(warm, "launch", execute)
    with cache.temporary_directory():
        launching.launch(SplitArguments((), ("x.py",), ()), NoOptions(), ("x.py",), cache)
    assert left == []
