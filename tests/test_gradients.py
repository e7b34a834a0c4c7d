"""Gradients: exact ones agree with difference quotients, and difference quotients do what their formulas promise."""

import numpy as np
import pytest
from drawn import classes, drawn_fields, small_model, targets_for
from hypothesis import assume, given
from hypothesis import strategies as st

import optikit
from optikit import InputError, Problem

DIFFERENCES = {"forward-difference": 1, "central-difference": 2}
"""Estimators by the order of their error in h."""


@pytest.mark.parametrize("loss", classes("loss"), ids=lambda cls: cls.name)
@pytest.mark.parametrize("model", classes("model"), ids=lambda cls: cls.name)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(*[st.integers(1, 6)] * 3),
    depth=st.integers(0, 3),
    rows=st.integers(1, 8),
    scale=st.sampled_from([0.1, 1.0, 3.0]),
)
def test_back_propagation_agrees_with_central_differences(model, loss, seed, shape, depth, rows, scale):
    rng = np.random.default_rng(seed)
    inputs, outputs, width = shape
    made = small_model(model, inputs, outputs, width, depth, **drawn_fields(model, rng))
    criterion = loss(**drawn_fields(loss, rng))
    problem = Problem.of(
        made, criterion, scale * rng.normal(size=(rows, inputs)), targets_for(criterion, outputs, rows, rng)
    )
    x = made.init(rng) + 0.1 * rng.normal(size=len(made.init(rng)))
    value, exact = optikit.get("gradient", "analytic").value_and_grad(problem.at(0), x, rng)
    h = np.finfo(float).eps ** (1 / 3) * np.maximum(1, abs(x))
    central = [
        optikit.get("gradient", "central-difference", h=float(step)).value_and_grad(problem.at(0), x, rng)[1]
        for step in (h.max(), 2 * h.max())
    ]
    # Rounding of the values is divided by h; truncation, and a kink within h, show as a difference between the steps.
    # Only a kink within h/3 would not show enough; inputs, targets and parameters are continuous: none is there.
    tolerance = 1e-7 * (1 + abs(exact)) + 16 * np.finfo(float).eps * abs(value) / h + 4 * abs(central[0] - central[1])
    assert (abs(central[0] - exact) <= tolerance).all()
    assert value == problem.at(0).value(x)


@pytest.mark.parametrize(("name", "order"), DIFFERENCES.items())
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 6), at_bound=st.booleans())
def test_the_error_falls_with_the_order_of_the_formula(name, order, seed, n, at_bound):
    rng = np.random.default_rng(seed)
    a, x = rng.uniform(0.5, 1.5, size=n), rng.uniform(-1, 1, size=n)
    low = np.where(rng.random(n) < 0.5, x, -5.0) if at_bound else np.full(n, -5.0)
    problem = Problem(lambda x: np.exp(a * x).sum(), bounds=(low, 5.0))
    exact, steps, errors = a * np.exp(a * x), np.array([1e-2, 1e-3]), []
    for h in steps:
        _, gradient = optikit.get("gradient", name, h=h).value_and_grad(problem.at(0), x, rng)
        errors.append(abs(gradient - exact).max())
    assert abs(np.log10(errors[0] / errors[1]) - order) < 0.25


@pytest.mark.parametrize("name", DIFFERENCES)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 5), dtype=st.sampled_from(["float64", "float32"]))
def test_differences_stay_inside_the_bounds_and_the_point_is_not_touched(name, seed, n, dtype):
    rng = np.random.default_rng(seed)
    low = rng.uniform(-2, 1, size=n)
    high = low + rng.choice([1e-4, 1e-2, 1.0, np.inf], size=n)
    x = np.where(np.isfinite(high), rng.choice([0, 0.3, 1]) * (np.where(np.isfinite(high), high, 0) - low), 1.0) + low
    x = np.clip(x, low, high)
    asked = []

    def fun(x):
        asked.append(x.copy())
        return float(x.astype(float) @ x.astype(float))

    x = x.astype(dtype)
    assume(((x >= low) & (x <= high)).all())
    kept = x.copy()
    x.flags.writeable = False
    oracle = optikit.Oracle(Problem(fun, bounds=(low, high)), x, gradient=optikit.get("gradient", name))
    _, gradient = oracle.value_and_grad(x)
    assert np.array_equal(x, kept)
    assert all(((low <= point) & (point <= high)).all() for point in asked)
    assert gradient.dtype == x.dtype
    h = np.finfo(dtype).eps ** (1 / (DIFFERENCES[name] + 1))
    assert np.allclose(gradient, 2 * x, rtol=0, atol=50 * h * (1 + abs(x).max()))


@pytest.mark.parametrize("name", DIFFERENCES)
@given(n=st.integers(1, 40))
def test_evaluations_counted_are_those_of_the_formula(name, n):
    calls = []
    problem = Problem(lambda x: calls.append(1) or float(x.sum()))
    oracle = optikit.Oracle(problem, np.zeros(n), gradient=optikit.get("gradient", name))
    oracle.value_and_grad(np.zeros(n))
    assert len(calls) == oracle.nfev == len(oracle.history) == 1 + DIFFERENCES[name] * n
    assert oracle.njev == 1


def test_more_points_than_fit_into_one_chunk_are_all_evaluated():
    n = 1500  # n * n numbers are more than a chunk
    gradient = optikit.get("gradient", "central-difference", h=1e-3)
    weights = np.arange(n) / n
    _, found = gradient.value_and_grad(
        Problem(lambda x: float(weights @ x)).at(0), np.ones(n), np.random.default_rng(0)
    )
    assert np.allclose(found, weights, atol=1e-9)


@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_step_that_changes_nothing_is_refused(name):
    gradient = optikit.get("gradient", name, h=1e-20)
    with pytest.raises(InputError, match=r"does not change x\[1\] = 1e\+06; give a larger h"):
        gradient.value_and_grad(Problem(lambda x: 0.0).at(0), np.array([0.0, 1e6]), np.random.default_rng(0))


def test_a_difference_step_is_positive():
    for bad in (0.0, -1e-4, float("nan")):
        with pytest.raises(InputError, match="h is"):
            optikit.get("gradient", "central-difference", h=bad)


@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_fixed_parameter_has_no_slope(name):
    problem = Problem(lambda x: float(x @ x), bounds=([1.0, -5.0], [1.0, 5.0]))
    oracle = optikit.Oracle(problem, np.ones(2), gradient=optikit.get("gradient", name))
    _, gradient = oracle.value_and_grad(np.ones(2))
    assert gradient[0] == 0
    assert abs(gradient[1] - 2) < 1e-6


@pytest.mark.parametrize("name", DIFFERENCES)
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
