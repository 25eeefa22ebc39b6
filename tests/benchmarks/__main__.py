"""The command line of the benchmark: ``python -m tests.benchmarks [SCENARIO...]``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.budgets import verdicts
from tests.benchmarks.plan import SETS, Plan
from tests.benchmarks.result import Result, as_json, machine_facts
from tests.benchmarks.scenarios import SCENARIOS
from tests.benchmarks.table import results_as_text
from tests.benchmarks.tools import PEERS, default_directory, install_tools

_LINES_OF_A_FAILURE = 6


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for and print the tables; return 1 where pyscript itself failed, else 0."""
    options = _parser().parse_args(arguments)
    wanted = list(SCENARIOS) if "all" in options.scenario else options.scenario
    names = options.only or ["pyscript", *PEERS]
    tools, absent = install_tools(names, options.tools.absolute(), _announce, upgrade=options.upgrade)
    plan = Plan(tuple(tools), options.rounds, tuple(options.set) if options.set else None, _announce)
    machine = machine_facts()
    results: list[Result] = []
    for scenario in dict.fromkeys(wanted):
        results += SCENARIOS[scenario](plan)
    _announce("")
    versions = {tool.home: tool.version for tool in tools}
    facts = ", ".join(f"{name} {value}" for name, value in machine.items())
    print(f"{facts}\n{', '.join(f'{name} {version}' for name, version in versions.items())}\n")
    print(results_as_text(results, verdicts(results)))
    _print_failures(results, absent)
    if options.json:
        figures = json.dumps(as_json(results, machine, versions, list(absent)), indent=1)
        options.json.write_text(figures + "\n", encoding="utf-8")
    failed = {*absent, *(name for result in results for name in result.outcome.failures)}
    return 1 if any(name.startswith("pyscript") for name in failed) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    choices = [*SCENARIOS, "all"]
    parser.add_argument(
        "scenario",
        nargs="*",
        default="all",
        choices=choices,
        help=f"one or more of {', '.join(choices)} (default: all)",
    )
    parser.add_argument("--rounds", type=_positive, help="runs of each quick tool; slow peers get a share of them")
    parser.add_argument("--only", action="append", choices=["pyscript", *PEERS], help="take part (repeatable)")
    parser.add_argument("--set", action="append", choices=list(SETS), help="set of requirements (repeatable)")
    parser.add_argument("--tools", type=Path, default=default_directory(), help="where peers are installed and kept")
    parser.add_argument("--upgrade", action="store_true", help="bring the kept peers to their newest version")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _announce(text: str) -> None:
    """Say on stderr what is going on: in place on a terminal, nothing at all elsewhere."""
    if sys.stderr.isatty():
        print(f"\r{text[:78]:<78}\r", end="", file=sys.stderr, flush=True)


def _print_failures(results: Sequence[Result], absent: dict[str, str]) -> None:
    """Print the last words of whoever failed to stderr; they can hold paths of this machine."""
    for name, reason in absent.items():
        print(f"\n{name} takes no part: {reason}", file=sys.stderr)
    for result in results:
        for name, failure in result.outcome.failures.items():
            last_lines = "\n".join(failure.detail.splitlines()[-_LINES_OF_A_FAILURE:])
            print(f"\n{result.title}: {name} failed, {failure}:\n{last_lines}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
