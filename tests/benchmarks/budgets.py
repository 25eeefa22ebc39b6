"""Hold figures against the budgets of the design; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.benchmarks.result import COLD_MIRROR, NEW_ENVIRONMENT, RESOLVING_AGAIN, Result

PYTHON_PATH = "pyscript (Python path)"
_FLAT_NOISE_MS = 0.15
"""Two series of the very same launch differ by as much, which is a tenth of a launch through a shell."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One budget: our figure, uv's (or another of ours), and what is allowed.

    That is the largest ratio of the two, and the largest of ours by itself. A difference up to `noise_ms` is none,
    where that is given.
    """

    what: str
    ours_ms: float
    against_ms: float
    ratio_limit: float
    limit_ms: float | None = None
    noise_ms: float = 0.0

    @property
    def ratio(self) -> float:
        return self.ours_ms / self.against_ms

    @property
    def is_met(self) -> bool:
        is_noise = self.noise_ms > 0 and self.ours_ms - self.against_ms <= self.noise_ms
        return (is_noise or self.ratio <= self.ratio_limit) and (self.limit_ms is None or self.ours_ms < self.limit_ms)

    @property
    def budget(self) -> str:
        absolute = "" if self.limit_ms is None else f" and < {self.limit_ms:g} ms"
        noise = f" or + {self.noise_ms:g} ms" if self.noise_ms else ""
        return f"<= {self.ratio_limit:g} x{noise}{absolute}"


def verdicts(results: Sequence[Result]) -> list[Verdict]:
    """Return a verdict for each budget that the results can say something about.

    Minima decide, because noise only ever adds; medians where the network takes part.
    """
    found = [verdict for result in results for verdict in _verdicts_of(result)]
    for scenario, what, name, _, limit in _FIRST_LAUNCHES:
        pairs = [pair for result in results if result.scenario == scenario and (pair := _first_launch(result, name))]
        if len(pairs) > 1:
            found.append(Verdict(f"{what}, sum", sum(ours for ours, _ in pairs), sum(uv for _, uv in pairs), limit))
    return found


_FIRST_LAUNCHES = (
    (NEW_ENVIRONMENT, "new environment, resolution known", "pyscript", 1.0, 1.0),
    (NEW_ENVIRONMENT, "new environment, resolving again", RESOLVING_AGAIN, 1.0, 1.0),
    ("cold", "cold", "pyscript", 1.5, 1.0),
    (COLD_MIRROR, "cold, local mirror", "pyscript", None, 1.3),
)
"""What is said of rows in scenarios with whole first launches: the limits of each set and of their sum.

warm-cache has none: it hangs on the network.
"""


def _verdicts_of(result: Result) -> Iterator[Verdict]:
    label = "+".join(result.requirements)
    if result.scenario == "launch":
        yield from _launch_verdicts(result)
    elif result.scenario == "flat":
        yield from _flat_verdicts(result)
    elif result.scenario == "compose":
        ours, uv = result.figures("pyscript"), result.figures("uv")
        if ours and uv:
            # The absolute budget is for nine pure wheels, which is what this set has.
            limit_ms = 1.0 if set(result.requirements) == {"requests<3", "rich"} else None
            yield Verdict(f"compose, {label}", ours.minimum_ms, uv.minimum_ms, 0.25, limit_ms)
    for scenario, what, name, limit, _ in _FIRST_LAUNCHES:
        if limit is not None and result.scenario == scenario and (pair := _first_launch(result, name)):
            yield Verdict(f"{what}, {label}", *pair, limit)


def _launch_verdicts(result: Result) -> Iterator[Verdict]:
    uv_ms = result.overhead_ms("uv")
    for name in result.outcome.figures:
        ours_ms = result.overhead_ms(name)
        if not name.startswith("pyscript") or ours_ms is None or uv_ms is None or uv_ms <= 0:
            continue
        if name == PYTHON_PATH:
            yield Verdict("warm launch, the Python path, overhead", ours_ms, uv_ms, 0.8)
        else:
            yield Verdict(f"warm launch, {name}, overhead", ours_ms, uv_ms, 0.15, 1.5)


def _flat_verdicts(result: Result) -> Iterator[Verdict]:
    for name, reference in result.references.items():
        ours_ms, against_ms = result.overhead_ms(name), result.overhead_ms(reference)
        # Not even positive: the machine was too busy to tell anything.
        if ours_ms is not None and against_ms is not None and against_ms > 0:
            yield Verdict(f"flat, {name}, overhead", ours_ms, against_ms, 1.1, noise_ms=_FLAT_NOISE_MS)


def _first_launch(result: Result, name: str) -> tuple[float, float] | None:
    """Return (ours, uv's) in milliseconds, None where one of them is unknown."""
    ours, uv = result.figures(name), result.figures("uv")
    if not ours or not uv:
        return None
    has_network = result.scenario == "cold"
    return (ours.median_ms, uv.median_ms) if has_network else (ours.minimum_ms, uv.minimum_ms)
