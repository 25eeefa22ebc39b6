"""What all commands have in common."""

from __future__ import annotations

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
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_reads_the_general_options(name: str) -> None:
    first, *others = WORDS.get(name, ["x.py"])
    with pytest.raises(UsageError, match="'purple' is not a valid value"):
        COMMANDS[name].main([first, "--color", "purple", *others])
