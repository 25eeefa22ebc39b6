"""Who runs when, what is kept of it, and what becomes of those who fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.measure import Contestant, Figures, RunFailed, Sample, compete, schedule


def _named(name: str, runs: int, run: Callable[[], Sample] = lambda: Sample(1.0), warm_ups: int = 0) -> Contestant:
    return Contestant(name, run, runs, warm_ups)


def _ignore(text: str) -> None:
    pass


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_everybody_runs_as_often_as_asked_and_once_a_round(runs: list[int]) -> None:
    contestants = [_named(str(number), count) for number, count in enumerate(runs)]
    rounds = list(schedule(contestants, max(runs)))
    assert Counter(c.name for due in rounds for c in due) == {c.name: c.runs for c in contestants}
    assert all(len({c.name for c in due}) == len(due) for due in rounds)


def test_the_order_turns_with_the_rounds() -> None:
    rounds = schedule([_named("a", 3), _named("b", 3), _named("c", 3)], 3)
    assert ["".join(c.name for c in due) for due in rounds] == ["abc", "bca", "cab"]


def test_slow_ones_are_spread_over_the_rounds() -> None:
    rounds = list(schedule([_named("quick", 12), _named("slow", 3)], 12))
    assert [number for number, due in enumerate(rounds) if any(c.name == "slow" for c in due)] == [3, 7, 11]


def test_figures_are_minimum_median_and_the_largest_memory() -> None:
    figures = Figures((Sample(3.0, 2.0, 10.0), Sample(1.0, 1.0, 30.0), Sample(8.0, 9.0, 20.0)))
    assert (figures.minimum_ms, figures.median_ms, figures.cpu_ms, figures.peak_mib) == (1.0, 3.0, 2.0, 30.0)


def test_what_is_unknown_stays_unknown() -> None:
    figures = Figures((Sample(3.0),))
    assert (figures.cpu_ms, figures.peak_mib) == (None, None)


def test_warm_ups_are_run_and_dropped() -> None:
    times = iter([100.0, 50.0, 1.0, 2.0])
    outcome = compete([_named("a", 2, lambda: Sample(next(times)), warm_ups=2)], _ignore)
    assert [sample.wall_ms for sample in outcome.figures["a"].samples] == [1.0, 2.0]


@pytest.mark.parametrize("good_runs", [0, 1, 2])
def test_who_fails_once_has_no_figures_and_is_not_run_again(good_runs: int) -> None:
    calls = []

    def run() -> Sample:
        calls.append(1)
        if len(calls) > good_runs:
            raise RunFailed("exit status 1", "its last word")
        return Sample(1.0)

    outcome = compete([_named("bad", 5, run, warm_ups=1), _named("good", 5)], _ignore)
    assert list(outcome.figures) == ["good"]
    assert len(outcome.figures["good"].samples) == 5
    assert (str(outcome.failures["bad"]), outcome.failures["bad"].detail) == ("exit status 1", "its last word")
    assert len(calls) == good_runs + 1
