"""Who takes part, how often, and what the measured scripts ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.benchmarks.tools import Tool


@dataclass(frozen=True, slots=True)
class RequirementSet:
    """Requirements of a measured script, and modules that must be importable in it."""

    requirements: tuple[str, ...]
    modules: tuple[str, ...]

    @property
    def body(self) -> str:
        """A body that fails where a module is missing, but imports none: byte code is not what is measured."""
        return (
            "import sys\n"
            f"for name in {self.modules!r}:\n"
            "    if not any(finder.find_spec(name, None) for finder in sys.meta_path):\n"
            "        sys.exit(name + ' is missing')"
        )


SETS = {
    "requests+rich": RequirementSet(("requests<3", "rich"), ("requests", "rich")),
    "fastapi": RequirementSet(("fastapi[standard]",), ("fastapi", "uvicorn")),
    "pandas": RequirementSet(("pandas", "matplotlib"), ("pandas", "matplotlib")),
    "jupyterlab": RequirementSet(("jupyterlab",), ("jupyterlab",)),
    "django": RequirementSet(("django", "celery[redis]"), ("django", "celery", "redis")),
    "boto3": RequirementSet(("boto3<1.30", "urllib3>=2"), ("boto3", "urllib3")),
}
"""The sets by the names that the command line knows; the first is the small one."""

NAMED_SETS = ("requests+rich", "fastapi", "pandas", "jupyterlab", "django")
"""Those that the budget of a new environment is about."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Who takes part, how often, with which sets; None means a scenario's own number or sets."""

    tools: tuple[Tool, ...]
    rounds: int | None
    sets: tuple[str, ...] | None
    announce: Callable[[str], None]

    def runs(self, tool: Tool, default: int, share_of_slow: int) -> int:
        """Return how often `tool` runs where the quick ones run `default` times; slow peers get a share."""
        rounds = self.rounds or default
        return max(1, rounds // share_of_slow) if tool.is_slow else rounds

    def chosen(self, default: Sequence[str]) -> list[RequirementSet]:
        return [SETS[name] for name in self.sets or default]
