"""Searches that ask for values only: random, from designs, and local ones that adapt their moves."""

import math
import sys
from dataclasses import fields, is_dataclass
from functools import cache, partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit import InputError, StopReason

LOCAL = ["adaptive-random-search", "one-plus-one-es", "simulated-annealing"]
DESIGNS = ["sobol", "latin-hypercube"]
SEARCHES = {name: {} for name in LOCAL} | {f"random-search {draw}": {"draw": draw} for draw in ["initial", *DESIGNS]}

with_each_search = pytest.mark.parametrize("name", SEARCHES)
with_each_local_search = pytest.mark.parametrize("name", LOCAL)
with_each_design = pytest.mark.parametrize("draw", DESIGNS)
seeds = st.integers(0, 2**32 - 1)


def search(name, **options):
    return optikit.get("optimizer", name.partition(" ")[0], **SEARCHES[name], **options)


def asked(optimizer, n=2, bounds=(0, 1), rng=0, dtype="float64", fun=np.sum, **limits):
    """Give the result and all points asked for."""
    points = []

    def recorded(x):
        points.append(x.copy())
        return fun(x)

    x0 = np.zeros(n, dtype)
    return optikit.minimize(recorded, x0, optimizer=optimizer, bounds=bounds, rng=rng, **limits), np.array(points)


def quadratic(d, condition, seed):
    """Draw a rotated quadratic with its minimum inside (-1, 1)."""
    rng = np.random.default_rng(seed)
    turned, _ = np.linalg.qr(rng.normal(size=(d, d)))
    curvature = np.geomspace(1, condition, d)
    centre = rng.uniform(-1, 1, size=d)
    return lambda x: float(curvature @ (turned.T @ (x - centre)) ** 2)


def sphere(x):
    return float(x @ x)


@with_each_search
@settings(max_examples=30)
@given(
    seed=seeds,
    n=st.integers(1, 5),
    dtype=st.sampled_from(["float64", "float32"]),
    bounded=st.sampled_from(["box", "thin", "half"]),
    max_evals=st.integers(1, 300),
    share=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_nothing_is_asked_outside_the_bounds_and_the_budget_is_exact(name, seed, n, dtype, bounded, max_evals, share):
    rng = np.random.default_rng(seed)
    low = rng.normal(size=n) * 10.0 ** rng.integers(-3, 7)
    high = low + rng.uniform(0, 3, size=n)
    if bounded == "thin":  # no wider than a few numbers of that precision, or not at all
        high = low + rng.integers(0, 4, size=n) * np.finfo(dtype).eps * abs(low)
    if bounded == "half" and name in LOCAL:
        high = np.full(n, np.inf)
    noise, centre = np.random.default_rng(seed), low + rng.normal(size=n)

    def sometimes_nan(x):
        assert x.dtype == dtype
        return math.nan if noise.random() < share else sphere(x - centre)

    x0 = low.astype(dtype)  # on the bound, where rounding matters
    result = optikit.minimize(
        sometimes_nan, x0, optimizer=search(name), bounds=(low, high), max_evals=max_evals, rng=seed
    )
    assert result.x.dtype == dtype
    assert result.nfev <= max_evals
    assert result.reason is StopReason.CONVERGED or (result.reason, result.nfev) == (StopReason.MAX_EVALS, max_evals)


@with_each_search
def test_runs_are_the_same_alone_and_among_others(name):
    def run():
        return asked(search(name), n=3, fun=quadratic(3, 10, 0), rng=7, max_evals=150)[1]

    alone = run()
    for other in SEARCHES:
        asked(search(other), n=3, rng=1, max_evals=50)
    assert np.array_equal(run(), alone)
    assert not np.array_equal(asked(search(name), n=3, fun=quadratic(3, 10, 0), rng=8, max_evals=150)[1], alone)


@with_each_search
@pytest.mark.parametrize("samples", [1, 3])
def test_the_state_is_plain_data(name, samples):
    optimizer = search(name, **({"samples": samples} if "random" in name and name not in LOCAL else {}))
    problem, x0 = optikit.Problem(sphere, bounds=(-1, 1)), np.array([0.5, 0.5])
    oracle, state = optikit.Oracle(problem, x0), optimizer.init(x0, np.random.default_rng(0))
    for _ in range(5):
        state = optimizer.step(oracle, state)

    def plain(value):
        if is_dataclass(value):
            assert not hasattr(value, "__dict__"), "slots"
            return all(plain(getattr(value, field.name)) for field in fields(value))
        return value is None or isinstance(value, int | float | str | np.ndarray | np.random.Generator)

    assert plain(state)


@with_each_search
def test_an_objective_of_only_nan_ends_by_the_budget(name):
    result, _ = asked(search(name), fun=lambda x: math.nan, max_evals=500)
    assert result.reason is StopReason.MAX_EVALS
    assert result.message == (
        "The budget of 500 evaluations is used up. (500 of 500 evaluations gave NaN; history.failures says which.)"
    )


@with_each_local_search
def test_a_start_where_nothing_is_finite_is_left(name):
    for seed in range(5):
        result, _ = asked(
            search(name), bounds=None, fun=lambda x: math.nan if x[0] < 1 else sphere(x - 2), rng=seed, max_evals=20_000
        )
        assert result.fun < 1e-8


@cache
def lowest(name, d, condition, seed):
    x0 = np.random.default_rng(seed).uniform(-2, 2, size=d)
    fun = quadratic(d, condition, seed)
    return optikit.minimize(fun, x0, optimizer=name, bounds=(-2, 2), max_evals=1000 * d, rng=seed).fun


@with_each_local_search
@pytest.mark.parametrize("condition", [1, 1e3])
@pytest.mark.parametrize("d", [2, 3, 5])
def test_on_quadratics_none_is_worse_than_random_search(name, condition, d):
    pairs = [(lowest(name, d, condition, seed), lowest("random-search", d, condition, seed)) for seed in range(20)]
    assert sum(found <= random for found, random in pairs) >= 16


@with_each_local_search
@settings(max_examples=8)
@given(seed=seeds, n=st.integers(1, 8), scale=st.sampled_from([1e-3, 1.0, 1e6]))
def test_they_arrive_at_the_bottom_of_a_sphere_without_bounds(name, seed, n, scale):
    x0 = scale * np.random.default_rng(seed).normal(size=n)
    result = optikit.minimize(sphere, x0, optimizer=name, rng=seed)
    assert result.success
    assert result.fun < 1e-8


@with_each_local_search
def test_moves_that_begin_too_small_grow(name):
    # Annealing takes its temperature from the first moves, so tiny ones would also be cold.
    hot = {"temperature": 1.0} if name == "simulated-annealing" else {}
    for seed in range(3):
        optimizer, x0 = search(name, size=1e-9, **hot), np.full(2, 3.0)
        assert optikit.minimize(sphere, x0, optimizer=optimizer, max_evals=5000, rng=seed).fun < 1e-3


def test_the_es_arrives_within_a_hundred_evaluations_a_parameter():
    for seed in range(10):
        result = optikit.minimize(sphere, np.full(10, 3.0), optimizer="one-plus-one-es", max_evals=1000, rng=seed)
        assert result.fun < 1e-8


@with_each_local_search
@settings(max_examples=8)
@given(seed=seeds, n=st.integers(1, 12))
def test_corners_of_the_box_are_reached_and_the_run_ends(name, seed, n):
    slope = np.random.default_rng(seed).normal(size=n)
    result, _ = asked(search(name), n=n, bounds=(-1, 1), fun=lambda x: float(slope @ x), rng=seed)
    assert np.array_equal(result.x, -np.sign(slope))
    assert result.success
    assert result.nfev < 5000 * (n + 1)


@with_each_local_search
def test_a_start_in_a_corner_is_left(name):
    for seed in range(3):
        result, _ = asked(search(name), n=6, bounds=(0, 1), fun=lambda x: sphere(x - 0.3), rng=seed)
        assert result.fun < 1e-8


@with_each_local_search
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_run_ends_where_rounding_swallows_the_moves(name, dtype):
    def fun(x):
        return sphere(x.astype(float) - 0.7)

    # Without that, it would go on until the size itself is zero.
    enough = 20_000 if name == "simulated-annealing" else 1_000
    result, points = asked(search(name, xtol=0.0), bounds=(-1e3, 1e3), dtype=dtype, max_evals=enough, fun=fun)
    assert points.dtype == dtype
    assert result.success
    assert abs(result.x - 0.7).max() < 100 * np.finfo(dtype).eps


def test_annealing_leaves_local_minima_behind_where_a_local_search_does_not():
    def rastrigin(x):
        return float(10 * len(x) + (x * x - 10 * np.cos(2 * np.pi * x)).sum())

    def median(name, **options):
        found = []
        for seed in range(20):
            x0 = np.random.default_rng(seed).uniform(-5, 5, size=2)
            run = partial(optikit.minimize, rastrigin, x0, bounds=(-5.12, 5.12), max_evals=3000, rng=seed)
            found.append(run(optimizer=optikit.get("optimizer", name, **options)).fun)
        return np.median(found)

    # Minima differ by 1; from where these start the nearest one is at about 16.
    assert median("simulated-annealing", cooling=0.95) < 0.1
    assert median("simulated-annealing", temperature=1e-9) > 0.5
    assert median("one-plus-one-es") > 2


def test_the_first_temperature_makes_the_median_rise_as_likely_as_not():
    optimizer = optikit.get("optimizer", "simulated-annealing", moves=50)
    values = []

    def fun(x):
        values.append(float(abs(x).sum()))
        return values[-1]

    x0 = np.ones(3)
    oracle = optikit.Oracle(optikit.Problem(fun), x0)
    state = optimizer.step(oracle, optimizer.init(x0, np.random.default_rng(0)))
    assert len(values) == 151
    assert math.isclose(math.exp(-(np.median(values) - min(values)) / state.temperature), 0.5)
    assert state.fun == min(values)


@pytest.mark.parametrize("temperature", [1.0, 10.0])
def test_annealing_makes_rises_as_often_as_metropolis_says(temperature):
    def stairs(x):
        values.append(1.0 if values else 0.0)  # every move is a rise by 1 from the first value
        return values[-1]

    made = []
    for seed in range(300):
        values = []
        optimizer = optikit.get("optimizer", "simulated-annealing", temperature=temperature, moves=1, size=0.1)
        x0 = np.zeros(1)
        state = optimizer.init(x0, np.random.default_rng(seed))
        state = optimizer.step(optikit.Oracle(optikit.Problem(stairs), x0), state)
        made.append(state.size[0] > 0.1)  # of one move, all or none
    # Three standard deviations of 300 draws.
    assert abs(np.mean(made) - math.exp(-1 / temperature)) < 3 * math.sqrt(0.25 / 300)


@settings(max_examples=30)
@given(seed=seeds, n=st.integers(1, 6), samples=st.integers(1, 9), dtype=st.sampled_from(["float64", "float32"]))
def test_sobol_points_are_stratified_whatever_the_batch(seed, n, samples, dtype):
    optimizer = optikit.get("optimizer", "random-search", draw="sobol", samples=samples)
    _, points = asked(optimizer, n=n, rng=seed, bounds=(-3, 5), dtype=dtype, max_evals=512)
    for run in (points[:64], points[64:128], points[256:], points):
        # Every such run is a net in base 2: so many strata of each coordinate have one point each.
        strata = np.sort(np.floor((run.astype(float) + 3) / 8 * len(run)), axis=0)
        if dtype == "float64":
            assert np.array_equal(strata, np.tile(np.arange(len(run))[:, None], n))
        else:  # rounding moves a few points to the next one
            assert (strata == np.arange(len(run))[:, None]).mean() > 0.9


@settings(max_examples=30)
@given(seed=seeds, n=st.integers(1, 6), samples=st.integers(1, 40))
def test_every_step_is_a_latin_hypercube_of_its_own(seed, n, samples):
    optimizer = optikit.get("optimizer", "random-search", draw="latin-hypercube", samples=samples)
    _, points = asked(optimizer, n=n, rng=seed, bounds=(-3, 5), max_steps=3)
    for design in points.reshape(3, samples, n):
        strata = np.sort(np.floor((design + 3) / 8 * samples), axis=0)
        assert np.array_equal(strata, np.tile(np.arange(samples)[:, None], n))
    assert len(np.unique(points, axis=0)) == 3 * samples


def test_sobol_points_go_on_where_the_last_block_ended():
    draw = partial(optikit.get, "optimizer", "random-search", draw="sobol")
    one, many = (asked(draw(samples=k), n=3, max_evals=1000)[1] for k in (1, 1000))
    assert np.array_equal(one, many)
    assert len(np.unique(one, axis=0)) == 1000


@with_each_design
def test_designs_fill_a_box_whose_side_overflows(draw):
    side = 1.7e308
    optimizer = optikit.get("optimizer", "random-search", draw=draw, samples=8)
    _, points = asked(optimizer, bounds=(-side, side), fun=lambda x: float(x[0] / side), max_evals=8)
    assert (points > 0).any()
    assert (points < 0).any()


@with_each_design
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_designs_stay_in_a_box_without_room(draw, dtype):
    sides = np.array([0.1, 0.3, 0.7, 1.1, 1e-3])
    optimizer = optikit.get("optimizer", "random-search", draw=draw, samples=64)
    fixed = (sides.astype(dtype), sides.astype(dtype))
    result = optikit.minimize(np.sum, fixed[0], optimizer=optimizer, bounds=fixed, max_evals=512)
    assert np.array_equal(result.x, fixed[0])


@with_each_design
def test_designs_need_a_box(draw):
    optimizer = optikit.get("optimizer", "random-search", draw=draw)
    with pytest.raises(InputError, match=r"pass finite bounds=\(low, high\)") as caught:
        asked(optimizer, bounds=(0, np.inf))
    assert caught.value.result.nfev == 0


@with_each_design
def test_without_scipy_one_sentence_says_how_to_install_it(draw, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.stats.qmc", None)  # to Python, that is as if it were not there
    optimizer = optikit.get("optimizer", "random-search", draw=draw)
    with pytest.raises(InputError) as caught:
        asked(optimizer)
    assert str(caught.value) == (
        f"draw = '{draw}' needs scipy, which is not installed; run `python -m pip install 'optikit[scipy]'`"
    )
    assert caught.value.result.nfev == 0
    assert asked(optikit.get("optimizer", "random-search"), max_evals=10)[0].nfev == 10


def test_too_many_coordinates_for_sobol_are_refused():
    with pytest.raises(InputError, match=r"30,000 coordinates, but .* at most 21,201; use 'latin-hypercube'") as caught:
        asked(optikit.get("optimizer", "random-search", draw="sobol"), n=30_000)
    assert caught.value.result.nfev == 0
