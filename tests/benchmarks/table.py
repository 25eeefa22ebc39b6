"""Turn results into Markdown tables; pure."""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.budgets import Verdict
from tests.benchmarks.result import Result


def results_as_text(results: Sequence[Result], verdicts: Sequence[Verdict]) -> str:
    """Return a table for each result and, behind them, the table of budgets."""
    parts = [result_as_text(result) for result in results]
    if verdicts:
        parts.append(verdicts_as_text(verdicts))
    return "\n\n".join(parts)


def result_as_text(result: Result) -> str:
    """Return the title, the table, and below it the notes and those who failed."""
    rows = _launch_rows(result) if result.baselines else _plain_rows(result)
    parts = [f"### {result.title}", ""]
    parts += aligned(rows) if len(rows) > 1 else ["No figures."]
    lines = [*result.notes, *(f"{name} FAILED: {failure}" for name, failure in result.outcome.failures.items())]
    return "\n".join([*parts, *(["", *lines] if lines else [])])


def verdicts_as_text(verdicts: Sequence[Verdict]) -> str:
    """Return the table of budgets: ours, uv's or what else it is held against, their ratio, what is allowed."""
    rows = [["what", "pyscript ms", "against", "ratio", "budget", "met"]]
    for verdict in verdicts:
        figures = [milliseconds(verdict.ours_ms), milliseconds(verdict.against_ms), f"{verdict.ratio:.2f} x"]
        rows.append([verdict.what, *figures, verdict.budget, "yes" if verdict.is_met else "NO"])
    return "\n".join(["### Budgets", "", *aligned(rows)])


def milliseconds(value: float | None) -> str:
    """Return a number with three digits that matter, a dash where it is unknown.

    >>> [milliseconds(value) for value in (0.4567, 14.23, 145.6, None)]
    ['0.46', '14.2', '146', '-']
    """
    if value is None:
        return "-"
    return f"{value:.{2 if abs(value) < 10 else 1 if abs(value) < 100 else 0}f}"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table: the first row is its head, all columns but the first are right-aligned.

    >>> print("\\n".join(aligned([["tool", "ms"], ["uv", "24.2"]])))
    | tool |   ms |
    |------|-----:|
    | uv   | 24.2 |
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        first, *others = row
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        lines.append(f"| {' | '.join(cells)} |")
    rule = "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])])
    return [lines[0], f"|{rule}|", *lines[1:]]


def _launch_rows(result: Result) -> list[list[str]]:
    """Return rows with totals and with what is added to the environment's own Python, which the ratios compare."""
    other = "x small" if result.references else "x uv"
    rows = [["", "min ms", "median", "over python, min", "median", f"{other}, min", "median", "cpu ms", other, "runs"]]
    pythons = set(result.baselines.values())
    for name in sorted(result.outcome.figures, key=lambda name: name not in pythons):
        figures = result.outcome.figures[name]
        reference = result.references.get(name, "uv")
        row = [name, milliseconds(figures.minimum_ms), milliseconds(figures.median_ms)]
        row += [milliseconds(result.overhead_ms(name, of_medians=of_medians)) for of_medians in (False, True)]
        row += [
            _ratio(*(result.overhead_ms(who, of_medians=of_medians) for who in (name, reference)))
            for of_medians in (False, True)
        ]
        row += [milliseconds(figures.cpu_ms), _ratio(*map(result.overhead_cpu_ms, (name, reference)))]
        rows.append([*row, str(len(figures.samples))])
    return rows


def _plain_rows(result: Result) -> list[list[str]]:
    uv = result.figures("uv")
    uv_minimum_ms, uv_median_ms, uv_cpu_ms = (uv.minimum_ms, uv.median_ms, uv.cpu_ms) if uv else (None, None, None)
    has_memory = any(figures.peak_mib is not None for figures in result.outcome.figures.values())
    rows = [
        ["", "min ms", "median", "x uv, min", "median", *(["cpu ms", "x uv", "peak MiB"] if has_memory else []), "runs"]
    ]
    for name, figures in result.outcome.figures.items():
        row = [name, milliseconds(figures.minimum_ms), milliseconds(figures.median_ms)]
        row += [_ratio(figures.minimum_ms, uv_minimum_ms), _ratio(figures.median_ms, uv_median_ms)]
        if has_memory:
            peak = "-" if figures.peak_mib is None else f"{figures.peak_mib:.0f}"
            row += [milliseconds(figures.cpu_ms), _ratio(figures.cpu_ms, uv_cpu_ms), peak]
        rows.append([*row, str(len(figures.samples))])
    return rows


def _ratio(ours: float | None, theirs: float | None) -> str:
    """Return how many times as much ours is; a dash where that says nothing."""
    return "-" if ours is None or theirs is None or theirs <= 0 else f"{ours / theirs:.2f}"
