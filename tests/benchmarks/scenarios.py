"""What is measured: warm launches, composing, a new environment from warm caches, and everything from nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.launches import flat, launch
from tests.benchmarks.measure import Contestant, RunFailed, Sample, compete
from tests.benchmarks.mirror import Mirror
from tests.benchmarks.plan import NAMED_SETS, SETS, Plan, RequirementSet
from tests.benchmarks.result import COLD_MIRROR, NEW_ENVIRONMENT, RESOLVING_AGAIN, Result
from tests.benchmarks.tools import Tool, base_python, default_directory
from tests.benchmarks.workspace import Workspace, script_text, temporary_workspace

_INSTALLED = re.compile(r"^Installed (\d+) packages? in (?:(\d+)m )?([\d.]+)(ms|s)$", re.MULTILINE)


def compose(plan: Plan) -> list[Result]:
    """Measure our `create_environment` from stored wheels against uv's own "Installed N packages in X ms"."""
    return [_compose(plan, chosen) for chosen in plan.chosen(["requests+rich"])]


def new_environment(plan: Plan) -> list[Result]:
    """Measure first launches where wheels are stored and metadata is fresh: nobody may ask the index."""
    # Behind a proxy that strips Cache-Control no page is ever fresh to uv; offline is what fresh means for all.
    offline = [replace(tool, variables={**tool.variables, **tool.offline}) for tool in plan.tools if tool.offline]
    with temporary_workspace() as workspace:
        return [_new_environment(replace(plan, tools=tuple(offline)), workspace, s) for s in plan.chosen(NAMED_SETS)]


def warm_cache(plan: Plan) -> list[Result]:
    """Measure first launches where wheels and metadata are cached, and everybody asks the index what they want to."""
    with temporary_workspace() as workspace:
        return [_first_launches("warm-cache", plan, workspace, chosen) for chosen in plan.chosen(list(SETS))]


def cold(plan: Plan) -> list[Result]:
    """Measure first launches with empty caches, from the default index."""
    with temporary_workspace() as workspace:
        return [_first_launches("cold", plan, workspace, chosen) for chosen in plan.chosen(list(SETS))]


def cold_mirror(plan: Plan) -> list[Result]:
    """Measure the same from an index on this machine, which the first runs fill: the network and TLS have no part."""
    with temporary_workspace() as workspace, Mirror(default_directory().parent / "mirror") as mirror:
        tools = [
            replace(tool, variables={**tool.variables, **dict.fromkeys(tool.index_variables, mirror.index_url)})
            for tool in plan.tools
        ]
        plan = replace(plan, tools=tuple(tools))
        return [_first_launches(COLD_MIRROR, plan, workspace, chosen) for chosen in plan.chosen(list(SETS))]


SCENARIOS: dict[str, Callable[[Plan], list[Result]]] = {
    "launch": launch,
    "flat": flat,
    "compose": compose,
    NEW_ENVIRONMENT: new_environment,
    "warm-cache": warm_cache,
    "cold": cold,
    COLD_MIRROR: cold_mirror,
}


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


def _new_environment(plan: Plan, workspace: Workspace, chosen: RequirementSet) -> Result:
    """The first launch of each tool has the network, and fills its cache."""
    text, filled, failures = script_text(chosen.requirements, chosen.body), [], dict[str, RunFailed]()
    for tool in _one_per_home(plan.tools):
        plan.announce(f"{NEW_ENVIRONMENT}, {chosen.requirements[0]}: first run of {tool.home}")
        online = {name: value for name, value in tool.variables.items() if name not in tool.offline}
        try:
            _first_launch(workspace, replace(tool, variables=online), text, ())()
        except RunFailed as failure:
            failures[tool.home] = failure
        else:
            filled.append(tool)
    result = _first_launches(NEW_ENVIRONMENT, replace(plan, tools=tuple(filled)), workspace, chosen)
    result.outcome.failures.update(failures)
    return result


def _first_launches(scenario: str, plan: Plan, workspace: Workspace, chosen: RequirementSet) -> Result:
    is_cold = scenario in ("cold", COLD_MIRROR)
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
            contestants.append(Contestant(RESOLVING_AGAIN, _first_launch(workspace, tool, text, anew), runs, warm_ups))
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
