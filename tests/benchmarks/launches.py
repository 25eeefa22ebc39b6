"""Launches of scripts that were launched before: against the peers, and against themselves where there is more of all.

Each is held against its environment's own Python, started with the same script: the rest is what the launcher adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks.crowd import fill
from tests.benchmarks.measure import Command, Contestant, RunFailed, compete
from tests.benchmarks.plan import Plan, RequirementSet
from tests.benchmarks.result import Result
from tests.benchmarks.tools import Tool
from tests.benchmarks.workspace import Workspace, script_text, temporary_workspace

_CASES = {
    "10 environments, 20 lines": (10, 20),
    "10,000 environments": (10_000, 20),
    "5,000 lines": (10, 5_000),
}
"""What there is in the cache and in the script, by name; the first is what the others are held against."""

_WHO = "\nprint(sys.executable)\nprint(sys.version.split()[0])"


def launch(plan: Plan) -> list[Result]:
    """Measure launches of a script that was launched before; its body does nothing."""
    return [_launch(plan, chosen) for chosen in plan.chosen(["requests+rich"])]


def flat(plan: Plan) -> list[Result]:
    """Measure such launches of ours with a large cache and with a long script, against a small and a short one."""
    ours = [tool for tool in plan.tools if tool.home == "pyscript"]
    # One shell stands for all, and the last one is the Python path.
    return [_flat(plan, chosen, [ours[0], ours[-1]]) for chosen in plan.chosen(["requests+rich"]) if ours]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A launch that was made once, and what the script said about where it ran."""

    command: Command
    script: Path
    python: str
    version: str

    @property
    def alone(self) -> Command:
        """The same script, started by the environment's own Python."""
        return replace(self.command, arguments=(self.python, str(self.script)))


def _prepare(workspace: Workspace, tool: Tool, chosen: RequirementSet, body: str) -> _Prepared:
    """Launch a new script once and give it `body` then; raises `RunFailed` where it cannot be launched."""
    script = workspace.fresh_script("")
    command = workspace.command(tool, [*tool.run, str(script)])
    # The body is no part of what tools key their environments by, so it can change under the same path.
    script.write_text(script_text(chosen.requirements, chosen.body + _WHO), encoding="utf-8")
    command.run()
    python, version = command.stdout.strip().splitlines()[-2:]
    script.write_text(script_text(chosen.requirements, body), encoding="utf-8")
    return _Prepared(command, script, python, version)


def _launch(plan: Plan, chosen: RequirementSet) -> Result:
    failures, contestants = dict[str, RunFailed](), []
    baselines: dict[str, str] = {}
    versions: dict[str, list[str]] = {}
    pythons: dict[str, str] = {}
    with temporary_workspace() as workspace:
        for tool in plan.tools:
            plan.announce(f"launch: first run of {tool.name}")
            try:
                prepared = _prepare(workspace, tool, chosen, "")
            except RunFailed as failure:
                failures[tool.name] = failure
                continue
            versions.setdefault(prepared.version, []).append(tool.name)
            # The slow ones run as often as the others: minima of fewer runs would not compare.
            contestants.append(Contestant(tool.name, prepared.command.run, plan.rounds or 60, warm_ups=2))
            if prepared.python not in pythons:
                name = pythons[prepared.python] = f"python of {tool.home}"
                contestants.append(Contestant(name, prepared.alone.run, plan.rounds or 60, warm_ups=2))
            baselines[tool.name] = pythons[prepared.python]
        measured = compete(contestants, lambda text: plan.announce(f"launch: {text}"))
    measured.failures.update(failures)
    notes = [f"Python {version}: {', '.join(names)}" for version, names in versions.items()]
    return Result("launch", chosen.requirements, measured, baselines, notes=tuple(notes) if len(notes) > 1 else ())


def _flat(plan: Plan, chosen: RequirementSet, tools: Sequence[Tool]) -> Result:
    """Each case has a cache of its own, and all are measured in turn: noise hits the small and the large alike."""
    contestants, failures = [], dict[str, RunFailed]()
    baselines: dict[str, str] = {}
    references: dict[str, str] = {}
    smallest = next(iter(_CASES))
    with temporary_workspace() as workspace:
        for case, (environments, lines) in _CASES.items():
            plan.announce(f"flat: {case}")
            home = replace(tools[0], home=f"pyscript, {case}")
            # A comment right behind the block could belong to it, so the first line is empty.
            body = "\n" + "# a line of a script\n" * (lines - script_text(chosen.requirements, "").count("\n") - 1)
            try:
                prepared = _prepare(workspace, home, chosen, body)
            except RunFailed as failure:
                failures[case] = failure
                continue
            fill(workspace.home(home) / ".cache" / "pyscript", prepared.script, environments)
            python = f"python, {lines:,} lines"
            if python not in baselines.values():
                contestants.append(Contestant(python, prepared.alone.run, plan.rounds or 100, warm_ups=2))
            for tool in tools:
                name = f"{tool.name}, {case}"
                command = replace(prepared.command, arguments=(*tool.run, str(prepared.script)))
                contestants.append(Contestant(name, command.run, plan.rounds or 100, warm_ups=2))
                baselines[name] = python
                if case != smallest:
                    references[name] = f"{tool.name}, {smallest}"
        measured = compete(contestants, lambda text: plan.announce(f"flat: {text}"))
    measured.failures.update(failures)
    return Result("flat", chosen.requirements, measured, baselines, references)
