"""`auto` and those that it is made of: what each finds, and that `auto` does what its log says."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optikit_optimizers.axes import searched, separable
from optikit_optimizers.portfolio import shares

import optikit

seeds = st.integers(0, 2**32 - 1)
MEMBERS = ["bfgs", "nelder-mead", "covariance-adaptation", "differential-evolution"]


def turned(seed, n, condition):
    """Give a rotated quadratic with its minimum, 0, inside (-1, 1), and where that is."""
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(n, n)))
    centre, curvature = rng.uniform(-1, 1, size=n), np.geomspace(1, condition, n)
    return lambda x: float(curvature @ (rotation.T @ (x - centre)) ** 2), centre


def rosenbrock(x):
    return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))


def rastrigin(x):
    return float(10 * len(x) + np.sum((x - 0.3) ** 2 - 10 * np.cos(2 * np.pi * (x - 0.3))))


def best(fun, n, optimizer="auto", bounds=(-5, 5), evals=200, x0=None, **given):
    x0 = np.full(n, 2.0) if x0 is None else x0
    return optikit.minimize(fun, x0, optimizer=optimizer, bounds=bounds, max_evals=evals * n, **given)


@pytest.mark.parametrize(("name", "evals"), [("bfgs", 80), ("nelder-mead", 300), ("covariance-adaptation", 800)])
@settings(max_examples=5)
@given(seed=seeds, bounded=st.booleans())
def test_a_member_finds_the_minimum_of_an_ill_conditioned_quadratic(name, evals, seed, bounded):
    fun, centre = turned(seed, 3, 1e3)
    result = best(fun, 3, name, (-5, 5) if bounded else None, evals, rng=seed)
    assert abs(result.x - centre).max() <= 1e-3


@settings(max_examples=5)
@given(seed=seeds)
def test_differential_evolution_finds_the_lowest_of_many_minima(seed):
    result = best(rastrigin, 2, "differential-evolution", evals=2000, rng=seed)
    assert abs(result.x - 0.3).max() <= 1e-3


@pytest.mark.parametrize("name", [*MEMBERS, "auto"])
@pytest.mark.parametrize("low", [0.0, 1.5])
def test_a_minimum_on_a_bound_is_found(name, low):
    evals = 1000 if name == "differential-evolution" else 300
    result = best(lambda x: float(((x + 1) ** 2).sum()), 3, name, (low, 4), evals, rng=0)
    assert abs(result.x - low).max() <= 1e-3


@settings(max_examples=30)
@given(seed=seeds)
def test_bfgs_arrives_where_bounds_cut_the_minimum_off(seed):
    """Clipped to the bounds, a quasi-Newton step need not lead down; here half of the coordinates end at a bound."""
    n, rng = 6, np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(n, n)))
    hessian, centre = (rotation * np.geomspace(1, 1e4, n)) @ rotation.T, rng.uniform(-3, 3, size=n)
    low, high = np.full(n, -1.0), np.full(n, 1.0)
    result = best(lambda x: float((x - centre) @ hessian @ (x - centre)), n, "bfgs", (low, high), 60, np.zeros(n))
    slope = 2 * hessian @ (result.x - centre)
    left = np.clip(result.x - slope, low, high) - result.x
    assert abs(left).max() <= 1e-2 * abs(hessian @ centre).max() ** 0.5


def test_bfgs_takes_the_gradient_that_there_is():
    gradients = []

    def gradient(x):
        gradients.append(x)
        return 2 * (x - 1)

    result = best(lambda x: float(((x - 1) ** 2).sum()), 20, "bfgs", gradient=gradient, check_gradient=False)
    assert result.success
    assert result.nfev == len(gradients) <= 20
    assert best(lambda x: float(((x - 1) ** 2).sum()), 20, "bfgs").njev == 0


def test_bfgs_makes_its_differences_inside_the_bounds_and_as_one_batch():
    sizes = []

    class Watching(optikit.Oracle):
        def values(self, xs):
            sizes.append(len(xs))
            return super().values(xs)

    problem = optikit.Problem(lambda x: float((x**2).sum()), bounds=(0, 1))
    bfgs = optikit.get("optimizer", "bfgs")
    oracle, x0 = Watching(problem, np.ones(4)), np.ones(4)
    state = bfgs.init(x0, np.random.default_rng(0))
    oracle.begin_step()
    bfgs.step(oracle, state)
    assert sizes[0] == 5


@settings(max_examples=30)
@given(seed=seeds, n=st.integers(2, 6))
def test_a_sum_over_the_parameters_is_told_from_what_is_none(seed, n):
    rng = np.random.default_rng(seed)
    weights = rng.uniform(1, 100, size=n)
    found = []
    for mixed in (0.0, 1e-3):

        def fun(x, mixed=mixed):
            return float(weights @ (x**2 + np.cos(5 * x))) + mixed * float(np.prod(x[:2]) * weights[0])

        oracle = optikit.Oracle(optikit.Problem(fun, bounds=(-5, 5)), np.zeros(n))
        _ = oracle.bounds
        x = rng.uniform(-5, 5, size=n)
        found.append(separable(oracle, x, fun(x), rng, trials=20))
    assert found == [True, False]


@settings(max_examples=30)
@given(centre=st.floats(-4.9, 4.9), offset=st.floats(0, 1, exclude_max=True))
def test_a_search_of_one_axis_finds_the_lowest_well_and_moves_nothing_else(centre, offset):
    def fun(x):
        return float((x[0] - centre) ** 2 + 2 - 2 * np.cos(2 * np.pi * (x[0] - centre)) + x[1])

    oracle, x0 = optikit.Oracle(optikit.Problem(fun, bounds=(-5, 5)), np.zeros(2)), np.array([4.0, 1.0])
    _ = oracle.bounds
    x, value = searched(oracle, x0, fun(x0), 0, offset)
    assert x[1] == 1.0
    assert value == fun(x)
    assert abs(x[0] - centre) <= 1e-3


@pytest.mark.parametrize("n", [1, 2, 5, 600])
@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("boxed", [False, True])
@pytest.mark.parametrize("evaluations", [100, 10**7, math.inf])
def test_all_evaluations_are_shared_out_to_those_who_can_use_them(n, noisy, boxed, evaluations):
    among = shares(n, evaluations, noisy=noisy, boxed=boxed)
    assert all(share > 0 for share in among.values())
    assert boxed or "differences" not in among


def test_auto_goes_down_a_curved_valley_by_quasi_newton_steps():
    result = best(rosenbrock, 5, evals=100, x0=np.full(5, -1.2), rng=0)
    assert result.fun <= 1e-6


def test_auto_searches_a_sum_axis_by_axis_and_says_so():
    result = best(rastrigin, 10, evals=200, rng=0)
    assert result.fun <= 1e-8
    assert any("sum over its parameters" in sentence for sentence in result.log)
    assert result.log[0] in result.report()


def test_auto_finds_the_lowest_of_many_minima_that_no_axis_leads_to():
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    result = best(lambda x: rastrigin(rotation @ x), 3, evals=4000, rng=0)
    assert result.fun <= 1e-6
    assert not any("sum over its parameters" in sentence for sentence in result.log)


def test_auto_asks_twice_and_leaves_noise_to_populations():
    noise = np.random.default_rng(0)
    result = best(lambda x: float(x @ x) + 0.01 * noise.normal(), 5, evals=300, rng=0)
    assert "differ" in result.log[0]
    assert "descents" not in result.log[1]
    assert np.linalg.norm(result.x) <= 0.5


def test_auto_needs_no_box():
    result = best(rosenbrock, 3, bounds=None, evals=500, x0=np.zeros(3), rng=0)
    assert result.fun <= 1e-6


def test_auto_ends_when_all_restarts_are_done():
    result = best(lambda x: float(abs(x).sum()), 3, optikit.get("optimizer", "auto", restarts=0), evals=10**4, rng=0)
    assert result.success
    assert "CMA-ES number 1" in result.message


@settings(max_examples=5)
@given(seed=seeds, n=st.integers(1, 4), evals=st.integers(1, 200))
def test_auto_recommends_the_best_point_that_it_has_seen(seed, n, evals):
    seen = []

    def recommended(progress):
        assert rastrigin(progress.x) == min(seen)

    result = best(lambda x: seen.append(rastrigin(x)) or seen[-1], n, evals=evals, rng=seed, callback=recommended)
    assert result.fun == min(seen)
    assert len(seen) == result.nfev <= evals * n


def test_auto_is_better_than_its_members_alone_on_a_few_of_all_sorts():
    """By the mean of the logarithms of what is left, at equal budgets."""
    rotation, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(4, 4)))
    sorts = [rosenbrock, rastrigin, turned(5, 4, 1e6)[0], lambda x: rastrigin(rotation @ x)]

    def left(name):
        return np.mean([math.log10(max(best(fun, 4, name, evals=1000, rng=1).fun, 1e-8)) for fun in sorts])

    reached = {name: left(name) for name in ["auto", *MEMBERS]}
    assert min(reached, key=reached.get) == "auto", reached
