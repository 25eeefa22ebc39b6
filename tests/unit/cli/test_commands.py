"""What all commands have in common."""

from __future__ import annotations

import re

import pytest

from launcher.cli.commands import COMMANDS
from launcher.errors import UsageError

WORDS = {
    "run": ["run", "x.py"],
    "completion": ["bash"],
    "cache": ["dir"],
    "python": ["list"],
    "list": ["--json"],
    "trust": ["list"],
    "desktop": ["status"],
    "open": ["--gui", "x.py"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_reads_the_general_options(name: str) -> None:
    first, *others = WORDS.get(name, ["x.py"])
    with pytest.raises(UsageError, match="'purple' is not a valid value"):
        COMMANDS[name].main([first, "--color", "purple", *others])


SHARED = ["environment", "packages", "versions", "scripts from elsewhere", "general"]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_the_options_of_the_command_before_those_of_all(name: str) -> None:
    groups = re.findall(r"^(\S.*):$", COMMANDS[name].build_parser().format_help(), re.MULTILINE)
    shared = [group for group in groups if group in SHARED]
    assert groups[-len(shared) :] == shared == sorted(shared, key=SHARED.index)
    assert "general" in shared
