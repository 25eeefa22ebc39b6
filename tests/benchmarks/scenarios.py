"""What is measured: a warm launch, composing, a new environment from warm caches, and everything from nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks.measure import Contestant, Outcome, RunFailed, Sample, compete
from tests.benchmarks.result import FRESH_INDEX, Result
from tests.benchmarks.tools import Tool, base_python
from tests.benchmarks.workspace import Workspace, script_text, temporary_workspace

_NOT_REMEMBERED = "pyscript, resolving again"
_INSTALLED = re.compile(r"^Installed (\d+) packages? in (?:(\d+)m )?([\d.]+)(ms|s)$", re.MULTILINE)


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


def launch(plan: Plan) -> list[Result]:
    """Measure launches of a script that was launched before; its body does nothing."""
    return [_launch(plan, chosen) for chosen in plan.chosen(["requests+rich"])]


def compose(plan: Plan) -> list[Result]:
    """Measure our `create_environment` from stored wheels against uv's own "Installed N packages in X ms"."""
    return [_compose(plan, chosen) for chosen in plan.chosen(["requests+rich"])]


def warm_cache(plan: Plan) -> list[Result]:
    """Measure first launches of scripts whose metadata and wheels are cached but which have no environment."""
    offline = [replace(tool, variables={**tool.variables, **tool.offline}) for tool in plan.tools if tool.offline]
    results = []
    with temporary_workspace() as workspace:
        for chosen in plan.chosen(list(SETS)):
            results.append(_first_launches("warm-cache", plan, workspace, chosen))
            # Behind a proxy that strips Cache-Control no page is ever fresh to uv: this is what a fresh index means.
            results.append(_first_launches(FRESH_INDEX, replace(plan, tools=tuple(offline)), workspace, chosen))
    return results


def cold(plan: Plan) -> list[Result]:
    """Measure first launches with empty caches, from the default index."""
    with temporary_workspace() as workspace:
        return [_first_launches("cold", plan, workspace, chosen) for chosen in plan.chosen(list(SETS))]


SCENARIOS: dict[str, Callable[[Plan], list[Result]]] = {
    "launch": launch,
    "compose": compose,
    "warm-cache": warm_cache,
    "cold": cold,
}


def _launch(plan: Plan, chosen: RequirementSet) -> Result:
    outcome, contestants = Outcome(), []
    baselines: dict[str, str] = {}
    versions: dict[str, list[str]] = {}
    pythons: dict[str, str] = {}
    with temporary_workspace() as workspace:
        for tool in plan.tools:
            plan.announce(f"launch: first run of {tool.name}")
            script = workspace.fresh_script("")
            command = workspace.command(tool, [*tool.run, str(script)])
            try:
                # The body is no part of what tools key their environments by, so it can change under the same path.
                script.write_text(script_text(chosen.requirements, chosen.body + _WHO), encoding="utf-8")
                command.run()
                python, version = command.stdout.strip().splitlines()[-2:]
            except RunFailed as failure:
                outcome.failures[tool.name] = failure
                continue
            script.write_text(script_text(chosen.requirements, ""), encoding="utf-8")
            versions.setdefault(version, []).append(tool.name)
            runs = plan.runs(tool, 60, share_of_slow=4)
            contestants.append(Contestant(tool.name, command.run, runs, warm_ups=2))
            if python not in pythons:
                pythons[python] = f"python of {tool.home}"
                alone = replace(command, arguments=(python, str(script)))
                # As often as the quick ones, also for slow tools: it is what all overheads are counted from.
                contestants.append(Contestant(pythons[python], alone.run, plan.rounds or 60, warm_ups=2))
            baselines[tool.name] = pythons[python]
        measured = compete(contestants, lambda text: plan.announce(f"launch: {text}"))
    measured.failures.update(outcome.failures)
    notes = [f"Python {version}: {', '.join(names)}" for version, names in versions.items()]
    return Result("launch", chosen.requirements, measured, baselines, tuple(notes) if len(notes) > 1 else ())


_WHO = "\nprint(sys.executable)\nprint(sys.version.split()[0])"


def _compose(plan: Plan, chosen: RequirementSet) -> Result:
    """A workspace of its own: its store holds the wheels of this set and no others."""
    text, contestants, counts = script_text(chosen.requirements, chosen.body), [], dict[str, int]()
    rounds, unprepared = plan.rounds or 20, dict[str, RunFailed]()
    with temporary_workspace() as workspace:
        for tool in _one_per_home(plan.tools):
            if tool.home == "uv":
                contestants.append(Contestant("uv", _uv_installs(workspace, tool, text, counts), rounds, warm_ups=3))
            elif tool.home == "pyscript":
                try:
                    _first_launch(workspace, tool, text, ())()
                except RunFailed as failure:
                    unprepared[tool.home] = failure
                    continue
                workspace.forget(tool, tool.environments)
                # The first two in a process pay for imports and cold code. A launch composes once: both are shown.
                for name, times in {"pyscript": 3, "pyscript, first in its process": 1}.items():
                    composes = _pyscript_composes(workspace, tool, times, counts)
                    contestants.append(Contestant(name, composes, rounds, warm_ups=3))
        outcome = compete(contestants, lambda text: plan.announce(f"compose: {text}"))
    outcome.failures.update(unprepared)
    wheels = ", ".join(f"{name} {count}" for name, count in counts.items())
    notes = (f"wheels: {wheels}", "uv tells whole milliseconds, and not what making an empty environment took")
    return Result("compose", chosen.requirements, outcome, notes=notes)


def _first_launches(scenario: str, plan: Plan, workspace: Workspace, chosen: RequirementSet) -> Result:
    is_cold = scenario == "cold"
    text, contestants = script_text(chosen.requirements, chosen.body), []
    # Shells make no difference to what takes this long: the command as installed stands for all.
    for tool in _one_per_home(plan.tools):
        runs = plan.runs(tool, 3, share_of_slow=3) if is_cold else plan.runs(tool, 10, share_of_slow=5)
        # The first of a workspace also sets up what is no cache, such as pipx's shared libraries.
        warm_ups = 1 if is_cold or tool.is_slow else 2
        forgotten = (*tool.environments, *tool.caches) if is_cold else tool.environments
        run = _first_launch(workspace, tool, text, forgotten)
        contestants.append(Contestant(tool.home, run, runs, warm_ups))
        if tool.home == "pyscript" and not is_cold:
            anew = (*tool.environments, ".cache/pyscript/resolutions-v*")
            contestants.append(Contestant(_NOT_REMEMBERED, _first_launch(workspace, tool, text, anew), runs, warm_ups))
    outcome = compete(contestants, lambda text: plan.announce(f"{scenario}, {chosen.requirements[0]}: {text}"))
    return Result(scenario, chosen.requirements, outcome)


def _one_per_home(tools: Sequence[Tool]) -> list[Tool]:
    """Return the first of the tools that share a home."""
    return list({tool.home: tool for tool in reversed(tools)}.values())[::-1]


def _first_launch(workspace: Workspace, tool: Tool, text: str, forgotten: Sequence[str]) -> Callable[[], Sample]:
    """Return a run of `text` on a fresh path, after the tool's home has forgotten what the patterns name."""

    def run() -> Sample:
        workspace.forget(tool, forgotten)
        return workspace.command(tool, [*tool.run, str(workspace.fresh_script(text))]).run()

    return run


def _uv_installs(workspace: Workspace, tool: Tool, text: str, counts: dict[str, int]) -> Callable[[], Sample]:
    def run() -> Sample:
        command = workspace.command(tool, [*tool.run, str(workspace.fresh_script(text))])
        command.run()
        counts["uv"], wall_ms = installed(command.stderr)
        return Sample(wall_ms)

    return run


def installed(output: str) -> tuple[int, float]:
    """Return number and milliseconds of uv's "Installed N packages in X"; raises `RunFailed` where it is missing.

    >>> installed("Installed 9 packages in 11ms"), installed("Installed 1 package in 1.24s")
    ((9, 11.0), (1, 1240.0))
    """
    found = _INSTALLED.search(output)
    if found is None:
        raise RunFailed('printed no line "Installed N packages in X"', output[-2000:])
    count, minutes, number, unit = found.groups()
    return int(count), int(minutes or 0) * 60_000 + float(number) * (1 if unit == "ms" else 1000)


def _pyscript_composes(workspace: Workspace, tool: Tool, times: int, counts: dict[str, int]) -> Callable[[], Sample]:
    """Return a run of the probe that gives the last of `times` compositions in one process."""
    probe = Path(__file__).with_name("compose_probe.py")
    cache = workspace.home(tool) / ".cache" / "pyscript"

    def run() -> Sample:
        arguments = ["-I", str(probe), str(cache), base_python(), str(workspace.kept_aside()), str(times)]
        command = workspace.command(tool, [tool.python or base_python(), *arguments])
        command.run()
        answer = json.loads(command.stdout)
        counts["pyscript"] = answer["wheels"]
        if not answer["wheels"]:
            raise RunFailed("found no wheels in the store")
        return Sample(answer["ms"][-1])

    return run
