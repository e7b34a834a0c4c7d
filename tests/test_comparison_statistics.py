"""The statistics of comparisons: their definitions, on cases made by hand and as properties of drawn arrays."""

import math

import numpy as np
import pytest
from contests import Bowl, Unknown
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import optikit
from optikit.comparison.bands import bands
from optikit.comparison.data_profile import data_profile
from optikit.comparison.expected_runtime import expected_runtime
from optikit.comparison.hits import PRECISIONS, after, hits, threshold
from optikit.comparison.performance_profile import performance_profile, ratios
from optikit.comparison.ranking import rank
from optikit.comparison.runtime_ecdf import restarted, runtime_ecdf

INF = math.inf
COSTS = arrays(
    np.float64, st.tuples(st.integers(1, 4), st.integers(1, 6)), elements=st.integers(1, 50).map(float) | st.just(INF)
)
"""Evaluations of optimizers on problems."""


@st.composite
def trials(draw):
    """Draw improvements: numbers that rise, and values that fall."""
    numbers = sorted(draw(st.sets(st.integers(1, 40), max_size=8)))
    values = sorted(draw(st.sets(st.floats(-10, 10), min_size=len(numbers), max_size=len(numbers))), reverse=True)
    return np.array(numbers, dtype=np.int64), np.array(values, dtype=np.float64)


# Hitting times


@given(trial=trials(), targets=st.lists(st.floats(-12, 12), max_size=6))
def test_a_hit_is_the_first_evaluation_at_or_below_the_target(trial, targets):
    numbers, values = trial
    found = hits(numbers, values, np.array(targets))
    for target, hit in zip(targets, found, strict=True):
        reached = [number for number, value in zip(numbers, values, strict=True) if value <= target]
        assert hit == min(reached, default=INF)


@given(trial=trials(), number=st.integers(0, 45))
def test_the_best_value_after_some_evaluations_is_that_of_the_last_improvement(trial, number):
    numbers, values = trial
    (found,) = after(numbers, values, np.array([float(number)]))
    assert found == min((value for at, value in zip(numbers, values, strict=True) if at <= number), default=INF)


@given(trial=trials(), target=st.floats(-12, 12))
def test_hits_and_values_are_two_readings_of_one_trial(trial, target):
    numbers, values = trial
    (hit,) = hits(numbers, values, np.array([target]))
    if math.isfinite(hit):
        before, at = after(numbers, values, np.array([hit - 1, hit]))
        assert at <= target < before
    else:
        assert after(numbers, values, np.array([1e9]))[0] > target


def test_the_targets_are_those_of_coco():
    assert len(PRECISIONS) == 51
    assert (PRECISIONS[0], PRECISIONS[-1]) == (100.0, 1e-8)
    assert np.allclose(PRECISIONS[:-1] / PRECISIONS[1:], 10**0.2)


@given(start=st.floats(-1e3, 1e3), way=st.floats(0, 1e3), tau=st.floats(1e-6, 0.5), down=st.floats(0, 1))
def test_what_is_solved_is_what_the_test_of_more_and_wild_says(start, way, tau, down):
    lowest = start - way
    value = start - down * way
    (limit,) = threshold(np.array([start]), lowest, tau)
    if abs(value - limit) > 1e-9:  # but for rounding
        assert (value <= limit) == (start - value >= (1 - tau) * (start - lowest))


# Performance profiles


def test_a_performance_profile_made_by_hand():
    costs = np.array([[10.0, 20.0, INF, INF], [20.0, 10.0, 30.0, INF]])
    assert np.array_equal(ratios(costs), [[1, 2, INF, INF], [2, 1, 1, INF]])
    found = performance_profile(costs, np.array([1.0, 1.99, 2.0, INF]))
    assert np.array_equal(found, [[0.25, 0.25, 0.5, 0.5], [0.5, 0.5, 0.75, 0.75]])


@given(costs=COSTS, factors=st.data())
def test_a_performance_profile_is_a_distribution_that_somebody_leads(costs, factors):
    alphas = np.array([1.0, 1.5, 2, 5, 1e3])
    found = performance_profile(costs, alphas)
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found, axis=1) >= 0).all()
    assert np.allclose(found[:, -1], np.isfinite(costs).mean(axis=1))
    solved = np.isfinite(costs).any(axis=0).mean()
    assert found[:, 0].sum() >= solved - 1e-12  # at least one is the best where anybody solved it
    scale = factors.draw(arrays(np.float64, costs.shape[1], elements=st.sampled_from([0.5, 1.0, 4.0])))
    assert np.array_equal(performance_profile(costs * scale, alphas), found)  # the unit of a problem does not matter


# Data profiles


def test_a_data_profile_made_by_hand():
    costs = np.array([[30.0, 22.0, INF], [3.0, INF, INF]])
    found = data_profile(costs, np.array([2, 10, 1]), np.array([0.5, 1.0, 2.0, 10.0, INF]))
    assert np.allclose(found, np.array([[0, 0, 1, 2, 2], [0, 1, 1, 1, 1]]) / 3)


@given(costs=COSTS)
def test_a_data_profile_does_not_depend_on_who_takes_part(costs):
    dimensions = np.arange(1, costs.shape[1] + 1)
    kappas = np.array([0.5, 1, 3, 10, 100])
    found = data_profile(costs, dimensions, kappas)
    for which in range(len(costs)):
        assert np.array_equal(data_profile(costs[which : which + 1], dimensions, kappas)[0], found[which])
        for at, kappa in enumerate(kappas):
            share = np.mean([cost <= kappa * (n + 1) for cost, n in zip(costs[which], dimensions, strict=True)])
            assert found[which, at] == pytest.approx(share)


# Runtime distributions


@given(runtimes=COSTS, budget=st.integers(0, 60))
def test_a_runtime_distribution_is_the_share_that_was_reached(runtimes, budget):
    found = runtime_ecdf(runtimes, np.array([float(budget), INF]))
    assert found == pytest.approx([(runtimes <= budget).mean(), np.isfinite(runtimes).mean()])


def test_simulated_restarts_add_up_the_trials_that_failed():
    rng = np.random.default_rng(0)
    runtimes, lengths = np.array([[7.0, INF], [INF, INF], [INF, INF]]), np.array([50.0, 100.0, 100.0])
    drawn = restarted(runtimes, lengths, 4000, rng)
    assert np.isinf(drawn[:, 1]).all()  # what nobody has reached is never reached
    assert set(np.unique((drawn[:, 0] - 7) % 100)) == {0.0}
    failures = (drawn[:, 0] - 7) / 100
    assert abs((failures == 0).mean() - 1 / 3) < 0.03  # four standard errors
    # The mean of simulated runtimes is the expected running time, apart from what was spent after a hit.
    assert drawn[:, 0].mean() == pytest.approx(expected_runtime(runtimes, lengths)[0], rel=0.06)


@given(runtimes=arrays(np.float64, (3, 2), elements=st.integers(1, 50).map(float)), seed=st.integers(0, 9))
def test_without_failures_simulated_restarts_are_the_trials(runtimes, seed):
    drawn = restarted(runtimes, runtimes.max(axis=1), 20, np.random.default_rng(seed))
    for target in range(2):
        assert set(drawn[:, target]) <= set(runtimes[:, target])


# Expected running time


def test_an_expected_running_time_made_by_hand():
    runtimes = np.array([[10.0, INF, INF], [30.0, 50.0, INF]])
    found = expected_runtime(runtimes, np.array([100.0, 60.0]))
    assert np.array_equal(found, [20.0, 150.0, INF])


@given(runtimes=arrays(np.float64, (4, 3), elements=st.integers(1, 50).map(float) | st.just(INF)))
def test_an_expected_running_time_is_at_least_the_mean_of_the_successes(runtimes):
    found = expected_runtime(runtimes, np.full(4, 50.0))
    for target, value in enumerate(found):
        successes = runtimes[np.isfinite(runtimes[:, target]), target]
        assert value >= (successes.mean() if len(successes) else INF)
        if len(successes) == 4:
            assert value == pytest.approx(successes.mean())


# Convergence curves


@given(values=arrays(np.float64, (5, 4), elements=st.floats(-5, 5) | st.just(INF)))
def test_a_band_has_the_quartiles_and_they_are_values_of_trials(values):
    low, middle, high = bands(values)
    assert np.array_equal(middle, np.sort(values, axis=0)[2])
    assert np.array_equal(low, np.sort(values, axis=0)[1])
    assert np.array_equal(high, np.sort(values, axis=0)[3])


# The ranking


SCORES = arrays(
    np.float64,
    st.tuples(st.integers(2, 4), st.integers(1, 4), st.integers(1, 4)),
    elements=st.sampled_from([0, 0.25, 1]),
)


@settings(max_examples=30)
@given(scores=SCORES, seed=st.integers(0, 5))
def test_a_ranking_orders_means_and_its_differences_are_antisymmetric(scores, seed):
    ranking = rank(scores, np.random.default_rng(seed), draws=200)
    assert np.allclose(ranking.scores, scores.mean(axis=(1, 2)))
    assert (np.diff(ranking.scores[list(ranking.order)]) <= 0).all()
    assert np.allclose(ranking.differences, -ranking.differences.T)
    assert np.allclose(ranking.low, -ranking.high.T)
    assert (ranking.low <= ranking.high).all()
    assert not any(ranking.separated(one, one) for one in ranking.order)
    for a in ranking.order:
        for b in ranking.order:
            assert ranking.separated(a, b) == ranking.separated(b, a)


@settings(max_examples=20)
@given(scores=SCORES.filter(lambda scores: scores.shape[2] > 1), seed=st.integers(0, 5))
def test_what_is_hard_for_everybody_cancels_out(scores, seed):
    twin = np.concatenate([scores[:1], scores[:1] - 0.1])
    ranking = rank(twin, np.random.default_rng(seed), draws=100)
    assert ranking.low[0, 1] == pytest.approx(0.1)
    assert ranking.high[0, 1] == pytest.approx(0.1)
    assert ranking.separated(0, 1)


def test_one_seed_separates_nobody():
    ranking = rank(np.stack([np.ones((5, 1)), np.zeros((5, 1))]), np.random.default_rng(0))
    assert not ranking.separated(0, 1)


def test_only_what_all_have_tried_counts():
    scores = np.full((2, 3, 2), np.nan)
    scores[:, 0] = [[1.0, 0.5], [0.5, 0.5]]
    scores[:, 1, 0] = [0.0, 1.0]
    scores[0, 1, 1] = scores[0, 2, 0] = 1.0  # which the other one has not tried
    ranking = rank(scores, np.random.default_rng(0), draws=50)
    assert np.allclose(ranking.scores, [0.375, 0.75])
    nothing = rank(np.full((2, 3, 2), np.nan), np.random.default_rng(0))
    assert np.isnan(nothing.scores).all()
    assert not nothing.separated(0, 1)


@pytest.mark.parametrize(("apart", "often"), [(0.0, (0.0, 0.16)), (0.5, (0.9, 1.0))])
def test_intervals_hold_as_often_as_they_say(apart, often):
    # Two optimizers of the same quality are told apart by chance only: in 5% of comparisons, somewhat more often with
    # as few as 12 problems, as the bootstrap is a little too narrow then; 60 comparisons, so up to 16% are no surprise.
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(60):
        hard = rng.random((1, 12, 1))
        scores = hard + rng.normal(size=(2, 12, 8)) * 0.3 + rng.normal(size=(2, 12, 1)) * 0.2
        scores[0] += apart
        wrong += rank(scores, rng, draws=200).separated(0, 1)
    assert often[0] <= wrong / 60 <= often[1]


def test_the_interval_on_one_problem_is_that_of_the_mean_of_its_seeds():
    scores = np.random.default_rng(2).normal(size=(2, 1, 50))
    low, high = rank(scores, np.random.default_rng(0)).intervals[0]
    error = scores[0].std() / 50**0.5
    # The quantiles of 2,000 draws have a standard error of 6% of that.
    assert low == pytest.approx(scores[0].mean() - 1.96 * error, abs=0.25 * error)
    assert high == pytest.approx(scores[0].mean() + 1.96 * error, abs=0.25 * error)


def test_intervals_of_problems_are_wider_than_those_of_seeds():
    # Ten seeds of each of two problems that say the opposite are no twenty independent answers.
    scores = np.zeros((2, 2, 10))
    scores[0, 0], scores[1, 1] = 1.0, 0.9
    assert not rank(scores, np.random.default_rng(0)).separated(0, 1)


# All of them on a comparison


@pytest.fixture(scope="module")
def comparison():
    return optikit.compare(
        [Bowl(bounded=True), Unknown(bounded=True, n=2)], optimizers=["lbfgs", "random-search", "scipy-nelder-mead"],
        max_evals="60d", seeds=4,
    )  # fmt: skip


def test_the_statistics_of_a_comparison_agree_with_its_trials(comparison):
    runtimes = comparison.runtimes()
    assert runtimes.shape == (3, 2, 4, 51)
    for o, optimizer in enumerate(comparison.optimizers):
        for p, case in enumerate(comparison.problems):
            for s, seed in enumerate(comparison.seeds):
                trial = comparison.trial(case.label, optimizer, seed)
                reached = np.isfinite(runtimes[o, p, s])
                assert np.array_equal(reached, comparison.targets(case.label) >= trial.best)
                assert comparison.lengths()[o, p, s] == trial.nfev
    everything = np.array([INF])
    ecdf = comparison.ecdf(everything)[:, 0]
    assert np.allclose(ecdf, np.isfinite(runtimes).mean(axis=(1, 2, 3)))
    assert np.allclose(ecdf, comparison.ranking().scores)
    assert (comparison.ecdf(np.array([1.0, 10.0]), restarts=50) >= 0).all()
    assert (comparison.ecdf(everything, restarts=50)[:, 0] >= ecdf - 1e-12).all()
    assert comparison.expected_runtime().shape == (3, 2, 51)


def test_profiles_of_a_comparison_go_up_to_what_was_solved(comparison):
    for tau in (1e-1, 1e-3):
        costs, dimensions = comparison.costs(tau)
        assert costs.shape == (3, 8)
        assert sorted(set(dimensions.tolist())) == [2, 3]
        solved = np.isfinite(costs).mean(axis=1)
        assert np.allclose(comparison.data_profile(tau, [INF])[:, 0], solved)
        assert np.allclose(comparison.performance_profile(tau, [INF])[:, 0], solved)
    assert np.isfinite(comparison.costs(1e-1)[0][0]).all()
    with pytest.raises(optikit.InputError, match="tau is 0"):
        comparison.costs(0)


def test_a_curve_ends_at_the_median_of_the_best_values(comparison):
    for optimizer in comparison.optimizers:
        ends = sorted(comparison.trial("bowl:bounded=true", optimizer, seed).best for seed in comparison.seeds)
        low, middle, high = comparison.curve("bowl:bounded=true", optimizer, [1e9])[:, 0]
        assert (low, middle, high) == (ends[0], ends[1], ends[2])
    with pytest.raises(optikit.InputError, match="there is no optimizer 'lbfsg'; did you mean 'lbfgs'"):
        comparison.curve("bowl:bounded=true", "lbfsg", [1])
    with pytest.raises(optikit.InputError, match="there is no problem 'bowll'"):
        comparison.curve("bowll", "lbfgs", [1])
