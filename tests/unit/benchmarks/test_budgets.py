"""Which figures decide about which budget."""

from __future__ import annotations

import pytest

from tests.benchmarks.budgets import PYTHON_PATH, Verdict, verdicts
from tests.benchmarks.measure import Figures, Outcome, Sample
from tests.benchmarks.result import COLD_MIRROR, NEW_ENVIRONMENT, RESOLVING_AGAIN, Result

_SMALL = ("requests<3", "rich")


def _result(scenario: str, wall_ms: dict[str, list[float]], requirements: tuple[str, ...] = _SMALL) -> Result:
    outcome = Outcome({name: Figures(tuple(map(Sample, values))) for name, values in wall_ms.items()})
    baselines = {"uv": "python of uv", "pyscript (dash)": "python of pyscript", PYTHON_PATH: "python of pyscript"}
    return Result(scenario, requirements, outcome, baselines)


def test_launches_are_judged_by_their_overhead_over_their_own_python() -> None:
    figures = {"python of uv": [11.0, 12.0], "python of pyscript": [10.0], "uv": [21.0, 30.0]}
    result = _result("launch", figures | {"pyscript (dash)": [11.2, 99.0], PYTHON_PATH: [19.0]})
    dash, python_path = verdicts([result])
    assert (round(dash.ours_ms, 6), dash.against_ms, dash.limit_ms, dash.is_met) == (1.2, 10.0, 1.5, True)
    assert (python_path.ratio, python_path.ratio_limit, python_path.is_met) == (0.9, 0.8, False)


def test_composing_has_an_absolute_limit_for_the_nine_pure_wheels_only() -> None:
    figures = {"pyscript": [1.2], "uv": [7.0]}
    (small,) = verdicts([_result("compose", figures)])
    (large,) = verdicts([_result("compose", figures, ("jupyterlab",))])
    assert (small.is_met, small.budget) == (False, "<= 0.25 x and < 1 ms")
    assert (large.is_met, large.budget) == (True, "<= 0.25 x")


def test_first_launches_are_judged_by_medians_and_summed_over_the_sets() -> None:
    results = [
        _result("cold", {"pyscript": [1.0, 300.0, 301.0], "uv": [200.0]}),
        _result("cold", {"pyscript": [100.0], "uv": [400.0]}, ("django",)),
    ]
    first, second, total = verdicts(results)
    assert total.what == "cold, sum"
    assert [first.is_met, second.is_met] == [True, True]
    assert [first.ratio_limit, total.ratio_limit] == [1.5, 1.0]
    assert (total.ours_ms, total.against_ms, total.is_met) == (400.0, 600.0, True)


def test_launches_from_a_mirror_are_judged_by_the_sum_of_minima() -> None:
    figures = {"pyscript": [130.0, 900.0], "uv": [100.0, 200.0]}
    (total,) = verdicts([_result(COLD_MIRROR, figures), _result(COLD_MIRROR, figures, ("django",))])
    assert (total.ours_ms, total.against_ms, total.is_met) == (260.0, 200.0, True)


@pytest.mark.parametrize("missing", ["uv", "pyscript", "both"])
def test_without_both_figures_there_is_no_verdict(missing: str) -> None:
    figures = {name: [1.0] for name in ("uv", "pyscript") if missing not in {name, "both"}}
    assert verdicts([_result(scenario, figures) for scenario in ("launch", "compose", NEW_ENVIRONMENT, "cold")]) == []


def test_new_environments_are_judged_by_minima_with_and_without_a_remembered_resolution() -> None:
    figures = {"pyscript": [1.0, 9.0], RESOLVING_AGAIN: [3.0, 9.0], "uv": [2.0, 3.0]}
    results = [_result(NEW_ENVIRONMENT, figures), _result(NEW_ENVIRONMENT, figures, ("django",))]
    found = {verdict.what.removeprefix("new environment, "): verdict for verdict in verdicts(results)}
    assert list(found) == [
        *("resolution known, requests<3+rich", "resolving again, requests<3+rich"),
        *("resolution known, django", "resolving again, django"),
        *("resolution known, sum", "resolving again, sum"),
    ]
    assert [verdict.is_met for verdict in found.values()] == [True, False] * 3
    assert (found["resolving again, sum"].ours_ms, found["resolving again, sum"].against_ms) == (6.0, 4.0)


def test_where_the_network_takes_part_there_is_no_verdict_on_stored_wheels() -> None:
    assert verdicts([_result("warm-cache", {"pyscript": [1.0], "uv": [2.0]})]) == []


@pytest.mark.parametrize(("large_ms", "is_met"), [(11.9, True), (12.19, True), (12.21, False)])
def test_a_large_cache_is_judged_by_what_it_adds_to_the_overhead(large_ms: float, is_met: bool) -> None:
    figures = {name: Figures((Sample(ms),)) for name, ms in {"python": 10.0, "small": 12.0, "large": large_ms}.items()}
    baselines = {"small": "python", "large": "python"}
    (verdict,) = verdicts([Result("flat", _SMALL, Outcome(figures), baselines, {"large": "small"})])
    assert (verdict.what, verdict.against_ms, verdict.is_met) == ("flat, large, overhead", 2.0, is_met)


def test_a_small_difference_of_quick_launches_is_noise() -> None:
    assert Verdict("x", 0.9, 0.8, 1.1, noise_ms=0.15).is_met
    assert not Verdict("x", 1.0, 0.8, 1.1, noise_ms=0.15).is_met
    assert Verdict("x", 1.0, 0.8, 1.1, noise_ms=0.15).budget == "<= 1.1 x or + 0.15 ms"


def test_a_ratio_within_its_limit_is_not_enough_where_the_absolute_limit_is_broken() -> None:
    assert not Verdict("x", 1.5, 100.0, 0.15, 1.5).is_met
