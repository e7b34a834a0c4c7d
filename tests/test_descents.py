"""Line searches and the descents that go by them."""

import math
from itertools import pairwise

import numpy as np
import pytest
from functions import SMOOTH
from hypothesis import given
from hypothesis import strategies as st
from optikit_optimizers.line_search import DECREASE, Place, armijo, strong_wolfe

import optikit
from optikit import StopReason

seeds = st.integers(0, 2**32 - 1)
names = pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("line-search-descent", {}),
        ("line-search-descent", {"condition": "strong-wolfe"}),
        ("conjugate-gradients", {}),
        ("lbfgs", {}),
    ],
)


def way(fun, slope, places):
    def place(t):
        places.append(t)
        value, steep = fun(t), slope(t)
        return Place(t, np.array([t]), value, np.array([steep]), steep if math.isfinite(value) else math.nan)

    return place


FALLS = {
    "parabola": (lambda t: (t - 1) ** 2, lambda t: 2 * (t - 1)),
    "quartic": (lambda t: (t - 1) ** 4, lambda t: 4 * (t - 1) ** 3),
    "wavy": (lambda t: (t - 2) ** 2 + math.sin(9 * t) / 3, lambda t: 2 * (t - 2) + 3 * math.cos(9 * t)),
    "pole": (
        lambda t: math.inf if t >= 3 else 1 / (3 - t) - 2 * t,
        lambda t: 1 / (3 - t) ** 2 - 2 if t != 3 else math.inf,
    ),
    "far": (lambda t: -math.sqrt(1 + t), lambda t: -0.5 / math.sqrt(1 + t)),
}


@pytest.mark.parametrize("name", FALLS)
@given(first=st.floats(-4, 4).map(lambda power: 10**power), curvature=st.sampled_from([0.1, 0.5, 0.9]))
def test_a_step_fulfils_what_was_asked(name, first, curvature):
    fun, slope = FALLS[name]
    places = []
    go = way(fun, slope, places)
    start = go(0.0)
    found = armijo(go, start, first)
    assert found.value <= start.value + DECREASE * found.t * start.slope * (1 - 1e-9)
    found = strong_wolfe(go, start, first, curvature)
    assert found.value <= start.value + DECREASE * found.t * start.slope
    assert abs(found.slope) <= curvature * abs(start.slope)
    assert len(places) <= 62


@pytest.mark.parametrize("search", [armijo, lambda way, start, t: strong_wolfe(way, start, t, 0.5)])
def test_uphill_nothing_is_found_and_the_search_ends(search):
    places = []
    go = way(lambda t: t, lambda t: -1.0, places)  # a gradient of the wrong sign
    assert search(go, go(0.0), 1.0) is None
    assert len(places) <= 31


@names
@pytest.mark.parametrize("function", ["sphere", "ellipsoid", "rosenbrock", "quartic", "exponential"])
@given(seed=seeds)
def test_every_step_goes_down(name, fields, function, seed):
    fun, gradient = SMOOTH[function]
    x0 = np.random.default_rng(seed).uniform(-1.5, 1.5, size=4)
    seen = [fun(x0)]
    optikit.minimize(
        fun, x0, optimizer=optikit.get("optimizer", name, **fields), gradient=gradient, max_evals=200,
        callback=lambda progress: seen.append(fun(progress.x)), check_gradient=False,
    )  # fmt: skip
    assert all(after <= before for before, after in pairwise(seen))


def test_conjugate_gradients_find_the_bottom_of_the_valley():
    fun, gradient = SMOOTH["rosenbrock"]
    result = optikit.minimize(fun, [-1.2, 1.0], optimizer="conjugate-gradients", gradient=gradient, max_evals=1000)
    assert result.success
    assert np.allclose(result.x, 1, atol=1e-6)
    assert result.nfev < 300


@given(seed=seeds, n=st.integers(2, 8))
def test_on_a_quadratic_conjugate_gradients_need_hardly_more_steps_than_coordinates(seed, n):
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(n, n)))
    hessian = (turn * rng.uniform(1, 50, size=n)) @ turn.T
    optimizer = optikit.get("optimizer", "conjugate-gradients", curvature=1e-3, gtol=1e-6)
    result = optikit.minimize(
        lambda x: x @ hessian @ x / 2, rng.normal(size=n), optimizer=optimizer, gradient=lambda x: hessian @ x,
        max_evals=2000,
    )  # fmt: skip
    assert result.success
    assert result.nit <= 4 * n + 2  # with exact line searches n + 1


@given(seed=seeds, n=st.integers(1, 6), pairs=st.integers(1, 5), stuck=st.integers(0, 2))
def test_two_loops_are_the_product_with_the_inverse_hessian_of_bfgs(seed, n, pairs, stuck):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n, n))
    hessian = root @ root.T + np.eye(n)
    gradient = rng.normal(size=n)
    gradient[:stuck] = 0
    free = np.flatnonzero(gradient)
    optimizer = optikit.get("optimizer", "lbfgs", memory=3)
    state = optimizer.init(np.zeros(n), rng)
    for step in rng.normal(size=(pairs, n)):
        optimizer.learn(state, step, hessian @ step)
    known = [(s[free], (hessian @ s)[free]) for s in state.steps]
    known = [(s, y) for s, y in known if s @ y > 1e-10 * np.linalg.norm(s) * np.linalg.norm(y)]
    unit = np.eye(len(free))
    inverse = unit * (known[-1][0] @ known[-1][1] / (known[-1][1] @ known[-1][1]) if known else 1.0)
    for s, y in known:
        turn = unit - np.outer(s, y) / (s @ y)
        inverse = turn @ inverse @ turn.T + np.outer(s, s) / (s @ y)
    wanted = np.zeros(n)
    wanted[free] = -inverse @ gradient[free]
    assert np.allclose(optimizer.direct(state, gradient), wanted, rtol=1e-6, atol=1e-8 * np.abs(wanted).max(initial=1))
    assert len(state.steps) == min(3, pairs)


@pytest.mark.parametrize("bounds", [None, (-1.5, 0.9)])
def test_lbfgs_goes_through_the_valley_in_few_evaluations(bounds):
    fun, gradient = SMOOTH["rosenbrock"]
    x0 = np.clip(np.tile([-1.2, 1.0], 10), *(bounds or (-np.inf, np.inf)))
    result = optikit.minimize(fun, x0, optimizer="lbfgs", gradient=gradient, bounds=bounds, max_evals=300)
    assert result.success
    free = (result.x > -1.5) & (result.x < 0.9) if bounds else slice(None)
    assert abs(gradient(result.x)[free]).max() <= 1e-6


@names
@given(seed=seeds)
def test_a_minimum_at_the_bounds_is_found(name, fields, seed):
    rng = np.random.default_rng(seed)
    bottom, scales = rng.uniform(-2, 2, size=4), rng.uniform(1, 10, size=4)
    result = optikit.minimize(
        lambda x: scales @ (x - bottom) ** 2, rng.uniform(-1, 1, size=4),
        optimizer=optikit.get("optimizer", name, gtol=1e-6, **fields), gradient=lambda x: 2 * scales * (x - bottom),
        bounds=(-1, 1), max_evals=3000,
    )  # fmt: skip
    assert result.success
    assert np.allclose(result.x, np.clip(bottom, -1, 1), atol=1e-5)


@names
def test_a_wrong_gradient_ends_with_a_sentence(name, fields):
    result = optikit.minimize(
        lambda x: x @ x, [1.0, 2.0], optimizer=optikit.get("optimizer", name, **fields), gradient=lambda x: -2 * x,
        check_gradient=False,
    )  # fmt: skip
    assert result.reason is StopReason.FAILED
    assert "No lower value was found along the gradient" in result.message
    assert "or the gradient is wrong" in result.message
