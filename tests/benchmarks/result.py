"""What one scenario found out, and how it is written as JSON."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.benchmarks.measure import Figures, Outcome

NEW_ENVIRONMENT = "new-environment"
"""The scenario in which wheels are stored and metadata is fresh: nobody may ask the index about it."""

COLD_MIRROR = "cold-mirror"
"""The scenario with empty caches and an index on this machine."""

RESOLVING_AGAIN = "pyscript, resolving again"
"""The row of a first launch where the same requirements are not known from another script; uv knows them never."""


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of one scenario on one set of requirements.

    `baselines` names, for a contestant, the row with what its environment's own Python needs for the same script;
    `references` the one that it is compared with where that is not uv.
    """

    scenario: str
    requirements: tuple[str, ...]
    outcome: Outcome
    baselines: Mapping[str, str] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.scenario}: {', '.join(self.requirements)}"

    def figures(self, name: str) -> Figures | None:
        """Return the figures of a contestant, None where it did not take part or failed."""
        return self.outcome.figures.get(name)

    def overhead_ms(self, name: str, *, of_medians: bool = False) -> float | None:
        """Return what a contestant needs beyond its environment's own Python; None where either is unknown."""
        own = self.figures(name)
        python = self.figures(self.baselines.get(name, ""))
        if own is None or python is None:
            return None
        return own.median_ms - python.median_ms if of_medians else own.minimum_ms - python.minimum_ms

    def overhead_cpu_ms(self, name: str) -> float | None:
        """Return the same for the medians of user plus system time, which other load on the machine disturbs least."""
        own = self.figures(name)
        python = self.figures(self.baselines.get(name, ""))
        if own is None or python is None or own.cpu_ms is None or python.cpu_ms is None:
            return None
        return own.cpu_ms - python.cpu_ms


def machine_facts() -> dict[str, object]:
    """Return what a reader has to know about the machine; nothing that names it or a path on it."""
    cores, load = os.cpu_count(), None
    if sys.platform == "linux":
        cores = len(os.sched_getaffinity(0))
    if sys.platform != "win32":
        load = round(os.getloadavg()[0], 1)
    return {
        "cores": cores,
        "system": platform.system(),
        "machine": platform.machine(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        # Above the number of cores, others took time away from everybody: trust CPU figures only.
        "load": load,
    }


def as_json(
    results: Sequence[Result], machine: Mapping[str, object], versions: Mapping[str, str], absent: Sequence[str]
) -> dict[str, object]:
    """Return everything that was measured as JSON values: all samples, not only what the tables show.

    `absent` names the tools that could not be installed. Why something failed is given without its own words, which
    can hold paths.
    """
    return {
        "machine": dict(machine),
        "tools": dict(versions),
        "not_installed": list(absent),
        "scenarios": [
            {
                "scenario": result.scenario,
                "requirements": list(result.requirements),
                "notes": list(result.notes),
                "failures": {name: str(failure) for name, failure in result.outcome.failures.items()},
                "baselines": dict(result.baselines),
                "references": dict(result.references),
                "figures": {name: _figures_as_json(figures) for name, figures in result.outcome.figures.items()},
            }
            for result in results
        ],
    }


def _figures_as_json(figures: Figures) -> dict[str, object]:
    return {
        "runs": len(figures.samples),
        "minimum_ms": round(figures.minimum_ms, 4),
        "median_ms": round(figures.median_ms, 4),
        "cpu_ms": None if figures.cpu_ms is None else round(figures.cpu_ms, 4),
        "peak_mib": None if figures.peak_mib is None else round(figures.peak_mib, 1),
        "all_wall_ms": [round(sample.wall_ms, 4) for sample in figures.samples],
        "all_cpu_ms": [None if sample.cpu_ms is None else round(sample.cpu_ms, 4) for sample in figures.samples],
    }
