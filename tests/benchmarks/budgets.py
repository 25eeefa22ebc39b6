"""Hold figures against the budgets of the design; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.benchmarks.result import FRESH_INDEX, Result

PYTHON_PATH = "pyscript (Python path)"
_FIRST_LAUNCHES = {FRESH_INDEX: "wheels stored, index fresh", "cold": "cold"}
"""What is said of scenarios with whole first launches that have a budget; plain warm-cache hangs on the network."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One budget: ours and uv's figure, the largest allowed ratio of the two, and the largest of ours by itself."""

    what: str
    ours_ms: float
    uv_ms: float
    ratio_limit: float
    limit_ms: float | None = None

    @property
    def ratio(self) -> float:
        return self.ours_ms / self.uv_ms

    @property
    def is_met(self) -> bool:
        return self.ratio <= self.ratio_limit and (self.limit_ms is None or self.ours_ms < self.limit_ms)

    @property
    def budget(self) -> str:
        absolute = "" if self.limit_ms is None else f" and < {self.limit_ms:g} ms"
        return f"<= {self.ratio_limit:g} x{absolute}"


def verdicts(results: Sequence[Result]) -> list[Verdict]:
    """Return a verdict for each budget that the results can say something about.

    Minima decide where a run takes milliseconds, because noise only ever adds; medians where the network takes part.
    """
    found = [verdict for result in results for verdict in _verdicts_of(result)]
    for scenario, what in _FIRST_LAUNCHES.items():
        pairs = [pair for result in results if result.scenario == scenario and (pair := _medians(result))]
        if len(pairs) > 1:
            found.append(Verdict(f"{what}, sum", sum(ours for ours, _ in pairs), sum(uv for _, uv in pairs), 1.0))
    return found


def _verdicts_of(result: Result) -> Iterator[Verdict]:
    label = "+".join(result.requirements)
    if result.scenario == "launch":
        uv_ms = result.overhead_ms("uv")
        for name in result.outcome.figures:
            ours_ms = result.overhead_ms(name)
            if not name.startswith("pyscript") or ours_ms is None or uv_ms is None or uv_ms <= 0:
                continue
            if name == PYTHON_PATH:
                yield Verdict("warm launch, the Python path, overhead", ours_ms, uv_ms, 0.8)
            else:
                yield Verdict(f"warm launch, {name}, overhead", ours_ms, uv_ms, 0.15, 1.5)
    elif result.scenario == "compose":
        ours, uv = result.figures("pyscript"), result.figures("uv")
        if ours and uv:
            # The absolute budget is for nine pure wheels, which is what this set has.
            limit_ms = 1.0 if set(result.requirements) == {"requests<3", "rich"} else None
            yield Verdict(f"compose, {label}", ours.minimum_ms, uv.minimum_ms, 0.25, limit_ms)
    elif result.scenario in _FIRST_LAUNCHES and (pair := _medians(result)):
        yield Verdict(f"{_FIRST_LAUNCHES[result.scenario]}, {label}", *pair, 1.0)


def _medians(result: Result) -> tuple[float, float] | None:
    ours, uv = result.figures("pyscript"), result.figures("uv")
    return (ours.median_ms, uv.median_ms) if ours and uv else None
