"""`differentiate`: the gradient at one point, by any estimator, with its error and its cost."""

import math

import numpy as np
import pytest
from drawn import estimators
from functions import SMOOTH
from hypothesis import given
from hypothesis import strategies as st

import optikit
from optikit import InputError, ObjectiveError, differentiate

NAMES = [cls.name for cls in estimators() if cls.name != "analytic"]


@given(name=st.sampled_from(NAMES), seed=st.integers(0, 2**32 - 1))
def test_it_is_what_the_estimator_says_in_the_structure_of_x(name, seed):
    rng = np.random.default_rng(seed)
    fun, _ = SMOOTH["rosenbrock"]
    x = {"w": rng.uniform(-1, 1, size=(2, 3)), "b": float(rng.uniform(-1, 1))}
    flat = np.append(x["w"].ravel(), x["b"])
    before = flat.copy()
    calls = []

    def structured(x):
        calls.append(1)
        return float(fun(np.append(x["w"].ravel(), np.asarray(x["b"]).ravel()))) if name != "complex-step" else fun(
            np.concatenate([x["w"].ravel(), np.reshape(x["b"], 1)])
        )  # fmt: skip

    found = differentiate(structured, x, name, rng=seed)
    estimator = optikit.get("gradient", name)
    objective = optikit.Problem(fun).at(0)
    value, gradient, error = estimator.estimate(objective, flat, np.random.default_rng(seed))
    assert found.value == value
    assert np.array_equal(np.append(found.gradient["w"].ravel(), found.gradient["b"]), gradient)
    assert np.array_equal(np.append(found.error["w"].ravel(), found.error["b"]), error, equal_nan=True)
    assert found.gradient["w"].shape == found.error["w"].shape == (2, 3)
    assert found.nfev == len(calls) <= estimator.cost(7)
    assert np.array_equal(np.append(x["w"].ravel(), x["b"]), before)


@pytest.mark.parametrize("function", sorted(SMOOTH))
def test_by_default_it_is_exact_to_twelve_digits_and_knows_it(function):
    fun, exact = SMOOTH[function]
    x = np.array([0.3, -0.7, 1.1, 0.9])
    found = differentiate(fun, x)
    size = abs(exact(x)).max() + abs(fun(x))
    assert (abs(found.gradient - exact(x)) <= 1e-11 * size).all()
    assert (abs(found.gradient - exact(x)) <= 10 * found.error + 1e-15 * size).all()
    assert (found.error <= 1e-9 * size).all()


def test_bounds_and_problems():
    root = differentiate(lambda x: math.sqrt(x[0]), [1e-3], bounds=(0, 1))  # math.sqrt raises below 0
    assert root.gradient == pytest.approx(0.5 / math.sqrt(1e-3), rel=1e-6)
    assert abs(root.gradient - 0.5 / math.sqrt(1e-3)) < root.error < 1e-3
    problem = optikit.Problem(lambda x: x @ x, lambda x: 2 * x)
    assert np.array_equal(differentiate(problem, [1.0, 2.0], "analytic").gradient, [2, 4])
    with pytest.raises(InputError, match="its own bounds; pass them to the Problem"):
        differentiate(problem, [1.0, 2.0], bounds=(0, 5))
    with pytest.raises(InputError, match=r"x0 is 1 at x\[0\], outside its bounds \[2, 3\]"):
        differentiate(lambda x: x @ x, [1.0], bounds=(2, 3))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_where_the_function_is_not_finite_there_is_no_gradient(value):
    with pytest.raises((InputError, ObjectiveError), match=r"finite|inf"):
        differentiate(lambda x: value, [1.0])


def test_what_goes_wrong_is_raised_as_it_is():
    with pytest.raises(ZeroDivisionError):
        differentiate(lambda x: 1 / 0, [1.0])
    with pytest.raises(ObjectiveError, match=r"returned an array of shape \(2,\)"):
        differentiate(lambda x: np.ones(2), [1.0])
    with pytest.raises(InputError, match="rng is 'seed'"):
        differentiate(lambda x: x @ x, [1.0], "spsa", rng="seed")
    with pytest.raises(InputError, match="did you mean 'richardson'"):
        differentiate(lambda x: x @ x, [1.0], "richardsen")

    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        differentiate(interrupted, [1.0])


@pytest.mark.parametrize("name", ["spsa", "gaussian-smoothing"])
@given(seed=st.integers(0, 2**32 - 1))
def test_random_pairs_know_their_standard_error(name, seed):
    a = np.random.default_rng(seed).normal(size=3)
    many = optikit.get("gradient", name, pairs=400)
    found = differentiate(lambda x: a @ x, [1.0, 2.0, 3.0], many, rng=seed)
    assert (abs(found.gradient - a) <= 5.5 * found.error + 1e-9).all()
    # The variance of one pair, about |a|² for each coordinate, but for its own part in spsa; steps grow with x.
    scale = np.array([1.0, 2.0, 3.0])
    spread = np.sqrt(((a * scale) @ (a * scale) + (1 if name == "gaussian-smoothing" else -1) * (a * scale) ** 2) / 400)
    assert np.allclose(found.error, spread / scale, rtol=0.35, atol=1e-9)
    alone = differentiate(lambda x: a @ x, [1.0, 2.0, 3.0], name, rng=seed)
    assert np.isnan(alone.error).all()
