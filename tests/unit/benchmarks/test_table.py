"""The tables, line by line, and that JSON tells nothing about the machine that it should not."""

from __future__ import annotations

import json

from tests.benchmarks.budgets import Verdict
from tests.benchmarks.measure import Figures, Outcome, RunFailed, Sample
from tests.benchmarks.result import Result, as_json
from tests.benchmarks.table import result_as_text, verdicts_as_text


def _figures(*wall_ms: float) -> Figures:
    return Figures(tuple(Sample(value, value / 2, 20.0) for value in wall_ms))


_LAUNCH = Result(
    "launch",
    ("rich",),
    Outcome(
        {"uv": _figures(24.0, 26.0), "python of uv": _figures(10.0, 11.0), "pipx": _figures(150.0)},
        {"hatch": RunFailed("exit status 1", "/home/somebody/secret")},
    ),
    {"uv": "python of uv", "pipx": "python of pipx"},
)


def test_a_launch_shows_pythons_first_and_overheads_beside_totals() -> None:
    assert result_as_text(_LAUNCH).splitlines() == [
        "### launch: rich",
        "",
        "|              | min ms | median | over python, min | median | x uv, min | median | cpu ms | x uv | runs |",
        "|--------------|-------:|-------:|-----------------:|-------:|----------:|-------:|-------:|-----:|-----:|",
        "| python of uv |   10.0 |   10.5 |                - |      - |         - |      - |   5.25 |    - |    2 |",
        "| uv           |   24.0 |   25.0 |             14.0 |   14.5 |      1.00 |   1.00 |   12.5 | 1.00 |    2 |",
        "| pipx         |    150 |    150 |                - |      - |         - |      - |   75.0 |    - |    1 |",
        "",
        "hatch FAILED: exit status 1",
    ]


def test_large_and_small_are_compared_with_each_other() -> None:
    figures = {"python": _figures(10.0), "small": _figures(12.0), "large": _figures(13.0)}
    baselines = {"small": "python", "large": "python"}
    assert result_as_text(Result("flat", ("rich",), Outcome(figures), baselines, {"large": "small"})).splitlines()[
        2:
    ] == [
        "|        | min ms | median | over python, min | median | x small, min | median | cpu ms | x small | runs |",
        "|--------|-------:|-------:|-----------------:|-------:|-------------:|-------:|-------:|--------:|-----:|",
        "| python |   10.0 |   10.0 |                - |      - |            - |      - |   5.00 |       - |    1 |",
        "| small  |   12.0 |   12.0 |             2.00 |   2.00 |            - |      - |   6.00 |       - |    1 |",
        "| large  |   13.0 |   13.0 |             3.00 |   3.00 |         1.50 |   1.50 |   6.50 |    1.50 |    1 |",
    ]


def test_other_scenarios_show_ratios_of_totals() -> None:
    outcome = Outcome({"uv": _figures(100.0), "pyscript": _figures(50.0, 150.0)})
    assert result_as_text(Result("cold", ("rich",), outcome)).splitlines()[2:] == [
        "|          | min ms | median | x uv, min | median | cpu ms | x uv | peak MiB | runs |",
        "|----------|-------:|-------:|----------:|-------:|-------:|-----:|---------:|-----:|",
        "| uv       |    100 |    100 |      1.00 |   1.00 |   50.0 | 1.00 |       20 |    1 |",
        "| pyscript |   50.0 |    100 |      0.50 |   1.00 |   50.0 | 1.00 |       20 |    2 |",
    ]


def test_nothing_measured_is_said_in_words() -> None:
    outcome = Outcome(failures={"uv": RunFailed("cannot be started")})
    text = result_as_text(Result("cold", ("rich",), outcome))
    assert text.splitlines() == ["### cold: rich", "", "No figures.", "", "uv FAILED: cannot be started"]


def test_budgets_say_what_is_allowed_and_whether_it_was_met() -> None:
    text = verdicts_as_text([Verdict("compose", 0.45, 7.0, 0.25, 1.0), Verdict("cold", 900.0, 600.0, 1.0)])
    assert text.splitlines()[4:] == [
        "| compose |        0.45 |    7.00 | 0.06 x | <= 0.25 x and < 1 ms | yes |",
        "| cold    |         900 |     600 | 1.50 x |               <= 1 x |  NO |",
    ]


def test_json_has_every_sample_and_no_words_of_a_failed_tool() -> None:
    written = as_json([_LAUNCH], {"cores": 2}, {"uv": "0.13.9"}, ["pip-run"])
    (scenario,) = json.loads(json.dumps(written))["scenarios"]
    assert scenario["figures"]["uv"]["all_wall_ms"] == [24.0, 26.0]
    assert scenario["failures"] == {"hatch": "exit status 1"}
    assert "somebody" not in json.dumps(written)
