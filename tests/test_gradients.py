"""Gradients: exact ones agree with difference quotients, and difference quotients do what their formulas promise."""

import numpy as np
import pytest
from drawn import classes, drawn_objective
from hypothesis import assume, given, reject
from hypothesis import strategies as st

import optikit
from optikit import Problem
from optikit.testing.agreement import wrong_coordinate

sizes = st.sampled_from([1e-8, 0.1, 1.0, 3.0, 1e8])


@pytest.mark.parametrize("loss", classes("loss"), ids=lambda cls: cls.name)
@pytest.mark.parametrize("model", classes("model"), ids=lambda cls: cls.name)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(*[st.integers(1, 6)] * 3),
    depth=st.integers(0, 3),
    rows=st.integers(1, 4),
    dtype=st.sampled_from(["float64", "float32"]),
    parameters=sizes,
    inputs=sizes,
    targets=sizes,
)
def test_back_propagation_agrees_with_central_differences(
    model, loss, seed, shape, depth, rows, dtype, parameters, inputs, targets
):
    rng = np.random.default_rng(seed)
    with np.errstate(over="ignore", invalid="ignore"):
        objective, x = drawn_objective(
            model, loss, rng, shape, depth, rows, dtype=dtype, parameters=parameters, inputs=inputs, targets=targets
        )
        value, exact = optikit.get("gradient", "analytic").value_and_grad(objective, x, rng)
    # Where the loss has vanished (one class, all labels right), or overflows at a step, nothing can be compared.
    assume(0 < value < np.inf and np.isfinite(exact).all())
    try:
        with np.errstate(over="raise", invalid="raise"):  # an overflow in BLAS may show as its inf - inf alone
            assert wrong_coordinate(objective, x, scale=parameters) is None
    except FloatingPointError:
        reject()
    assert value == objective.value(x)
    assert exact.dtype == dtype


ORDERS = {"forward-difference": 1, "backward-difference": 1, "central-difference": 2, "random-coordinates": 2}
"""Estimators by the order of their error in h; the last takes all coordinates here, as there are fewer than ten."""


@pytest.mark.parametrize(("name", "order"), [*ORDERS.items(), ("richardson", 4)])
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 6), bound=st.sampled_from(["none", "below", "above"]))
def test_the_error_falls_with_the_order_of_the_formula(name, order, seed, n, bound):
    rng = np.random.default_rng(seed)
    a, x = rng.uniform(0.5, 1.5, size=n), rng.uniform(-1, 1, size=n)
    at = (rng.random(n) < 0.5) | (np.arange(n) == 0)
    low, high = np.where(at & (bound == "below"), x, -5.0), np.where(at & (bound == "above"), x, 5.0)
    problem = Problem(lambda x: np.exp(a * x).sum(), bounds=(low, high))
    # Two levels of Richardson's table remove the first term of the error: h^2, or with all points on one side h.
    fields, order = ({"levels": 2}, 4 if bound == "none" else 2) if name == "richardson" else ({}, order)
    # Where rounding is still far below the error, and where it is that of the formula's first term.
    steps = (0.1, 0.05) if order == 4 else (1e-2, 1e-3)
    exact, errors = a * np.exp(a * x), []
    for h in steps:
        _, gradient = optikit.get("gradient", name, h=h, **fields).value_and_grad(problem.at(0), x, rng)
        errors.append(abs(gradient - exact)[at].max())
    assert abs(np.log(errors[0] / errors[1]) / np.log(steps[0] / steps[1]) - order) < 0.25


def test_more_points_than_fit_into_one_chunk_are_all_evaluated():
    n = 1500  # n * n numbers are more than a chunk
    gradient = optikit.get("gradient", "central-difference", h=1e-3)
    weights = np.arange(n) / n
    _, found = gradient.value_and_grad(
        Problem(lambda x: float(weights @ x)).at(0), np.ones(n), np.random.default_rng(0)
    )
    assert np.allclose(found, weights, atol=1e-9)


@pytest.mark.parametrize("name", ["forward-difference", "backward-difference", "central-difference"])
@given(x=st.floats(-100, 100, width=32), ulps=st.integers(1, 5), where=st.integers(0, 5))
def test_a_box_of_a_few_floating_point_numbers_gives_a_finite_gradient(name, x, ulps, where):
    x = np.array([x], dtype=np.float32)
    low, high = x.copy(), x.copy()
    for _ in range(ulps):
        high = np.nextafter(high, np.float32(np.inf))
    for _ in range(where):
        low = np.nextafter(low, np.float32(-np.inf))
    problem = Problem(lambda x: float(x[0]), bounds=(low, high))
    oracle = optikit.Oracle(problem, x, gradient=optikit.get("gradient", name))
    _, gradient = oracle.value_and_grad(x)
    assert np.isfinite(gradient).all()
    assert abs(gradient[0] - 1) < 1e-3
