"""Estimators: each finds the gradient as well as its formula promises, at the cost that it declares."""

import math
from itertools import product

import numpy as np
import pytest
from drawn import ACTIVATIONS, classes, drawn_objective, estimators
from functions import RESTLESS, SMOOTH
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit import InputError, ObjectiveError, Problem

ESTIMATORS = {cls.name: cls for cls in estimators() if cls.name != "analytic"}
"""All that are installed, so that a new one is put to the tests of all."""
WITH_H = [name for name, cls in ESTIMATORS.items() if "h" in cls.model_fields]
ADAPTIVE = [name for name, cls in ESTIMATORS.items() if issubclass(cls, optikit.ErrorEstimator)]
STOCHASTIC = ["spsa", "gaussian-smoothing", "random-coordinates"]
DETERMINISTIC = [name for name in ESTIMATORS if name not in STOCHASTIC]
ALL = list(ESTIMATORS)
NO_GENERATOR = None  # an estimator that draws from it where it should not fails

seeds = st.integers(0, 2**32 - 1)
functions = st.sampled_from(sorted(SMOOTH))


def asked(fun, x, name, bounds=None, **fields):
    """Give gradient, oracle and all points asked for."""
    points = []

    def recorded(x):
        points.append(x.copy())
        return fun(x)

    estimator = optikit.get("gradient", name, **fields)
    oracle = optikit.Oracle(Problem(recorded, bounds=bounds), x, gradient=estimator, rng=np.random.default_rng(1))
    _, gradient = oracle.value_and_grad(x)
    return gradient, oracle, points


TOLERANCES = [
    # sqrt(eps) and eps^(2/3) for the formulas, times the derivatives of these functions, up to about 1e4.
    ("forward-difference", {}, 1e-5),
    ("backward-difference", {}, 1e-5),
    ("central-difference", {}, 1e-7),
    ("random-coordinates", {}, 1e-7),
    ("complex-step", {}, 2e-14),
    ("richardson", {}, 1e-11),
    # One curvature for all coordinates: off by a few where the curvatures differ.
    ("noise-aware", {"formula": "forward"}, 1e-4),
    ("noise-aware", {"formula": "central"}, 1e-5),
]
known = {name for name, _, _ in TOLERANCES}
TOLERANCES += [(name, {}, 1e-5) for name in DETERMINISTIC if name not in known]
each_formula = pytest.mark.parametrize(("name", "fields", "tolerance"), TOLERANCES)


@each_formula
@given(function=functions, seed=seeds, dtype=st.sampled_from(["float64", "float32"]), scale=st.sampled_from([1.0, 1e8]))
def test_smooth_functions_have_their_gradients(name, fields, tolerance, function, seed, dtype, scale):
    fun, exact = SMOOTH[function]
    scale = np.dtype(dtype).type(scale)
    rng = np.random.default_rng(seed)
    # Steps are in units of max(1, |x_i|): of the size at which the function changes.
    x = (scale * rng.uniform(0.5 if scale > 1 else 0, 1.9, size=5) * rng.choice([-1, 1], size=5)).astype(dtype)
    gradient, _, _ = asked(lambda x: fun(x / scale), x, name, **fields)
    within = (x / scale).astype(float)
    expected, size = exact(within) / scale, abs(fun(within)) + abs(exact(within)).max() + 1e-2
    # The same powers of the eps of float32.
    tolerance = tolerance if dtype == "float64" else tolerance ** (math.log(2**-23) / math.log(2**-52))
    assert (abs(gradient - expected) <= tolerance * size / scale).all()


@given(function=functions, seed=seeds, dtype=st.sampled_from(["float64", "float32"]))
def test_complex_steps_are_exact_for_functions_of_tiny_numbers_too(function, seed, dtype):
    fun, exact = SMOOTH[function]
    scale = np.dtype(dtype).type(1e-8)
    x = (scale * np.random.default_rng(seed).uniform(-1.9, 1.9, size=5)).astype(dtype)
    gradient, _, _ = asked(lambda x: fun(x / scale), x, "complex-step")
    within = (x / scale).astype(float)
    size = abs(fun(within)) + abs(exact(within)).max() + 1e-2
    assert (abs(gradient * scale - exact(within)) <= 100 * np.finfo(dtype).eps * size).all()


SMOOTH_ACTIVATIONS = [name for name in ACTIVATIONS if "relu" not in name]
KINKED = ["hinge", "squared-hinge", "mean-absolute-error", "huber"]
"""Losses with a kink in their value or their slope, at which an estimator that looks further sees what is beyond."""


@each_formula
@settings(max_examples=50)
@given(
    model=st.sampled_from(classes("model")),
    loss=st.sampled_from([cls for cls in classes("loss") if cls.name not in KINKED]),
    activation=st.sampled_from(SMOOTH_ACTIVATIONS),
    seed=seeds,
    dtype=st.sampled_from(["float64", "float32"]),
)
def test_smooth_models_have_their_gradients(name, fields, tolerance, model, loss, activation, seed, dtype):
    rng = np.random.default_rng(seed)
    smooth = {"activation": activation} if "activation" in model.model_fields else {}
    objective, x = drawn_objective(model, loss, rng, (2, 2, 2), 1, 3, dtype=dtype, **smooth)
    estimator = optikit.get("gradient", name, **fields, **({"block": len(x)} if name == "random-coordinates" else {}))
    value, exact = objective.value_and_grad(x)
    if name == "complex-step":
        with pytest.raises(InputError, match="takes no complex numbers"):
            estimator.value_and_grad(objective, x, rng)
        return
    found, gradient = estimator.value_and_grad(objective, x, rng)
    tolerance = tolerance if dtype == "float64" else tolerance ** (math.log(2**-23) / math.log(2**-52))
    assert np.isclose(found, value, rtol=8 * np.finfo(dtype).eps)
    assert gradient.dtype == dtype
    assert (abs(gradient - exact) <= tolerance * (abs(value) + abs(exact).max() + 1e-2)).all()


def test_backward_and_forward_differences_are_mirror_images():
    forward, _, _ = asked(lambda x: x[0] ** 3, np.array([0.5]), "forward-difference", h=0.1)
    backward, _, points = asked(lambda x: -((-x[0]) ** 3), np.array([-0.5]), "backward-difference", h=0.1)
    assert abs(forward - backward) < 1e-12
    assert points[1][0] == -0.6


def test_the_error_estimate_of_richardson_is_honest():
    rng, right, drawn = np.random.default_rng(0), 0, 0
    for fun, exact in SMOOTH.values():
        for _ in range(10):
            x = rng.uniform(-2, 2, size=4)
            low = np.where(rng.random(4) < 0.2, x - rng.choice([0, 1e-3]), -5)
            estimator = optikit.get("gradient", "richardson")
            _, gradient, error = estimator.estimate(Problem(fun, bounds=(low, 5)).at(0), x, NO_GENERATOR)
            rounding = 16 * np.finfo(float).eps * (abs(exact(x)) + abs(fun(x)))
            right += np.count_nonzero(abs(gradient - exact(x)) <= 10 * error + rounding)
            drawn += len(x)
            assert (error <= 1e-3 * (1 + abs(exact(x)).max())).all(), "an estimate that warns of nothing"
    assert right >= 0.95 * drawn


NARROW = ["griewank", "ripples", "sine of 1000 x"]
"""What these do is narrower than the shortest step in float32."""


@pytest.mark.parametrize(
    ("function", "dtype"),
    [(name, "float64") for name in RESTLESS] + [(name, "float32") for name in RESTLESS if name not in NARROW],
)
def test_richardson_is_not_taken_in_by_what_is_small(function, dtype):
    fun, exact, size = RESTLESS[function]
    rng, right, drawn, claims = np.random.default_rng(0), 0, 0, list[float]()
    richardson, central = (optikit.get("gradient", name) for name in ("richardson", "central-difference"))
    for _ in range(20):
        x = rng.uniform(-size, size, size=3).astype(dtype)
        objective, expected = Problem(lambda x: fun(x.astype(float))).at(0), exact(x.astype(float))
        _, gradient, error = richardson.estimate(objective, x, NO_GENERATOR)
        miss = abs(gradient - expected)
        rounding = 16 * np.finfo(dtype).eps * (abs(expected) * np.maximum(1, abs(x)) + abs(fun(x)))
        right += np.count_nonzero(miss <= 10 * error + rounding)
        drawn += len(x)
        claims.extend(error / abs(expected).max())
        plain = abs(central.value_and_grad(objective, x, NO_GENERATOR)[1] - expected)
        scale = abs(expected).max() + abs(fun(x))
        assert (miss <= np.maximum(2 * plain, np.finfo(dtype).eps ** (1 / 2) * scale)).all()
    assert right >= 0.99 * drawn
    assert dtype == "float32" or np.median(claims) < 1e-10


@pytest.mark.parametrize("sd", [1e-3, 1e-6, 1e-9])
def test_under_noise_richardson_stays_at_long_steps_and_says_so(sd):
    rng = np.random.default_rng(0)
    objective = Problem(lambda x: np.sum(np.exp(x)) + sd * rng.normal()).at(0)
    misses, errors = [], []
    for _ in range(200):
        x = rng.uniform(-1, 1, size=2)
        _, gradient, error = optikit.get("gradient", "richardson").estimate(objective, x, NO_GENERATOR)
        misses.extend(abs(gradient - np.exp(x)))
        errors.extend(error)
    # The difference at the shortest step would be wrong by 1e5 sd.
    assert np.quantile(misses, 0.95) <= 200 * sd
    assert np.quantile(errors, 0.95) <= 200 * sd
    assert np.mean(np.array(misses) <= 10 * np.array(errors)) >= 0.97


def test_richardson_asks_most_of_what_it_declares_where_a_function_is_restless():
    x = np.array([0.3, -1.2, 1.7])
    _, oracle, _ = asked(RESTLESS["sine of 1000 x"][0], x, "richardson")
    declared = optikit.get("gradient", "richardson").cost(3)
    assert 0.75 * declared < oracle.nfev <= declared <= 1 + 32 * 3


def test_richardson_takes_fewer_evaluations_where_the_function_is_smoother():
    x = np.full(5, 0.4)
    counts = [asked(SMOOTH[name][0], x, "richardson")[1].nfev for name in ("sphere", "sine", "rastrigin")]
    assert counts[0] <= 1 + 5 * 6
    assert counts[0] < counts[1] < counts[2] <= optikit.get("gradient", "richardson").cost(5)


def test_richardson_steps_back_from_where_the_function_ends():
    gradient, oracle, _ = asked(lambda x: math.log(x[0]) if x[0] > 0 else math.nan, np.array([0.05]), "richardson")
    assert oracle.nans
    assert abs(gradient[0] - 20) < 1e-6


@pytest.mark.parametrize(("formula", "power"), [("forward", 1 / 2), ("central", 2 / 3)])
@pytest.mark.parametrize("sd", [1e-10, 1e-6, 1e-3])
def test_noise_is_found_and_the_step_fits_it(formula, power, sd):
    estimator, near, honest = optikit.get("gradient", "noise-aware", formula=formula), [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x, a = rng.uniform(-1, 1, size=4), rng.uniform(0.5, 1.5, size=4)
        objective = Problem(lambda x, a=a, rng=rng: float(np.cosh(a * x).sum()) + sd * rng.normal()).at(0)
        _, gradient, error = estimator.estimate(objective, x, rng)
        miss = abs(gradient - a * np.sinh(a * x))
        # 6 standard deviations of noise, and a curvature that is one for all coordinates.
        near.append((miss <= 30 * sd**power).all() and (error <= 30 * sd**power).all())
        honest.append((miss <= 30 * error).all())
    # Nine values may by chance be so close to each other that there seems to be no noise: seldom.
    assert np.mean(near) >= 0.98
    assert np.mean(honest) >= 0.98


@pytest.mark.parametrize("formula", ["forward", "central"])
@pytest.mark.parametrize("digits", [2, 3, 4, 6, 8])
def test_rounding_to_few_digits_is_found_as_noise(formula, digits):
    rng, estimator = np.random.default_rng(0), optikit.get("gradient", "noise-aware", formula=formula)
    right, unit = 0, 10.0**-digits
    for _ in range(50):
        x, a = rng.uniform(-1, 1, size=3), rng.uniform(0.5, 1.5, size=3)
        objective = Problem(lambda x, a=a: round(float(np.exp(a * x).sum()), digits)).at(0)
        _, gradient, error = estimator.estimate(objective, x, rng)
        right += np.count_nonzero(abs(gradient - a * np.exp(a * x)) <= 10 * error)
        assert (error <= 10 * unit ** (1 / 2 if formula == "forward" else 2 / 3)).all()
    assert right >= 0.94 * 150


@pytest.mark.parametrize("digits", [2, 3, 6])
def test_the_noise_of_rounding_is_nearly_a_third_of_the_last_digit(digits):
    from optikit_gradients.ecnoise import noise_level

    rng, found = np.random.default_rng(0), []
    for _ in range(200):
        x, a = rng.uniform(-1, 1, size=3), rng.uniform(0.5, 1.5, size=3)
        objective = Problem(lambda x, a=a: round(float(np.exp(a * x).sum()), digits)).at(0)
        found.append(10**digits * noise_level(objective, x, rng.choice([-1.2, -0.9, 0.8, 1], size=3)))
    assert 0.2 < np.median(found) < 0.4  # the standard deviation of a uniform error is 1 / sqrt(12)
    assert 0.09 < np.quantile(found, 0.05) < np.quantile(found, 0.95) < 1


@pytest.mark.parametrize("formula", ["forward", "central"])
@pytest.mark.parametrize("where", [0, 0.3, 1])
def test_where_bounds_shorten_the_step_the_error_is_that_of_the_step_taken(formula, where):
    rng, sd, width = np.random.default_rng(0), 1e-3, 1e-2
    low = np.array([0.2, 0.4, 0.6])
    x = np.clip(low + where * width, low, low + width)
    objective = Problem(lambda x: np.sum(np.exp(x)) + sd * rng.normal(), bounds=(low, low + width)).at(0)
    estimator = optikit.get("gradient", "noise-aware", formula=formula, noise=sd)
    drawn = [estimator.estimate(objective, x, rng) for _ in range(100)]
    misses = np.array([abs(found.gradient - np.exp(x)) for found in drawn])
    errors = np.array([found.error for found in drawn])
    ratio = np.sqrt(np.mean(misses**2, axis=0)) / np.sqrt(np.mean(errors**2, axis=0))
    assert ((ratio > 0.75) & (ratio < 1.33)).all()


@pytest.mark.parametrize("formula", ["forward", "central"])
def test_a_constant_takes_all_that_noise_aware_declares(formula):
    _, oracle, _ = asked(lambda x: 1.0, np.ones(3), "noise-aware", formula=formula)
    declared = optikit.get("gradient", "noise-aware", formula=formula).cost(3)
    assert oracle.nfev == declared == {"forward": 3 + 43, "central": 2 * 3 + 45}[formula]


def test_the_noise_of_a_value_is_estimated():
    from optikit_gradients.ecnoise import noise_level

    rng = np.random.default_rng(0)
    # Not where the slope over one spacing, 1.5e-8, is as large as the noise and is taken for a part of it.
    for sd in (1e-12, 1e-2):
        objective = Problem(lambda x, sd=sd: math.exp(x[0]) + sd * rng.uniform(-1, 1) * 3**0.5).at(0)
        found = [noise_level(objective, np.array([0.3]), np.ones(1)) / sd for _ in range(200)]
        # One estimate scatters by a third, the median of 200 by 0.03; a table off by one order of 2 is out by 1.4.
        assert 0.8 < np.median(found) < 1.2
        assert np.mean([0.25 < ratio < 4 for ratio in found]) >= 0.9


@pytest.mark.parametrize("name", STOCHASTIC)
@settings(max_examples=25)
@given(seed=seeds, n=st.integers(1, 6), at_bound=st.booleans())
def test_the_mean_of_random_estimates_is_the_gradient(name, seed, n, at_bound):
    rng = np.random.default_rng(seed)
    a, x = rng.normal(size=n), rng.uniform(-1, 1, size=n)
    low = np.where(rng.random(n) < 0.5, x, -2.0) if at_bound else -np.inf
    # At a bound the pairs move by h, which a slope that changes would show.
    curved = 0.0 if at_bound else 1.0
    objective = Problem(lambda x: float(a @ x + curved * x @ x), bounds=(low, np.inf)).at(0)
    fields = {"block": 2} if name == "random-coordinates" else {}
    estimator = optikit.get("gradient", name, h=1e-2, **fields)
    drawn = np.array([estimator.value_and_grad(objective, x, rng)[1] for _ in range(400)])
    exact, rounding = a + 2 * curved * x, 1e-11
    assert (abs(drawn.mean(axis=0) - exact) <= 5 * drawn.std(axis=0, ddof=1) / 20 + rounding).all()


def blurred(a, x, h):
    """Compute the gradient of E exp(a (x + h u)) for normal u."""
    return a * math.exp(a @ x + h * h * (a @ a) / 2)


def over_diagonals(a, x, h):
    """Compute the mean of the differences of exp(a x) over all diagonals of the cube."""
    signs = np.array(list(product([-1, 1], repeat=len(x))))
    change = np.exp((x + h * signs) @ a) - np.exp((x - h * signs) @ a)
    return (change[:, None] / (2 * h * signs)).mean(axis=0)


def by_coordinates(a, x, h):
    """Compute the central differences of exp(a x)."""
    return math.exp(a @ x) * np.sinh(h * a) / h


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("gaussian-smoothing", {"pairs": 2}, blurred),
        ("spsa", {"pairs": 2}, over_diagonals),
        ("random-coordinates", {"block": 2}, by_coordinates),
    ],
)
@settings(max_examples=10)
@given(seed=seeds, n=st.integers(2, 4))
def test_with_a_long_step_the_mean_is_that_of_the_smoothed_function(name, fields, expected, seed, n):
    rng = np.random.default_rng(seed)
    # Steps of 0.7 make the three means differ from the gradient, and from each other, by up to a half.
    a, x, h = rng.uniform(0.5, 1, size=n), rng.uniform(-1, 1, size=n), 0.7
    estimator, objective = optikit.get("gradient", name, h=h, **fields), Problem(lambda x: math.exp(a @ x)).at(0)
    drawn = np.array([estimator.value_and_grad(objective, x, rng)[1] for _ in range(1000)])
    assert (abs(drawn.mean(axis=0) - expected(a, x, h)) <= 5 * drawn.std(axis=0, ddof=1) / 1000**0.5 + 1e-11).all()


@pytest.mark.parametrize("name", ["spsa", "gaussian-smoothing"])
def test_averaging_pairs_reduces_the_scatter(name):
    rng, objective = np.random.default_rng(0), Problem(lambda x: float(np.arange(5) @ x)).at(0)
    scatter = []
    for pairs in (1, 16):
        estimator = optikit.get("gradient", name, pairs=pairs)
        drawn = [estimator.value_and_grad(objective, np.ones(5), rng)[1] for _ in range(300)]
        scatter.append(np.std(drawn, axis=0).mean())
    assert 3 < scatter[0] / scatter[1] < 5  # sqrt(16), and the scatter of 300 draws


@pytest.mark.parametrize(
    ("name", "field"),
    [("spsa", "pairs"), ("gaussian-smoothing", "pairs"), ("random-coordinates", "block"), ("richardson", "levels")],
)
def test_the_cost_follows_the_fields(name, field):
    for k in (2, 3, 7):
        estimator = optikit.get("gradient", name, **{field: k})
        _, oracle, _ = asked(lambda x: np.sum(np.cos(9 * x)), np.arange(4.0), name, **{field: k})
        assert oracle.nfev <= estimator.cost(4)
        assert oracle.nfev == estimator.cost(4) or name == "richardson"


@pytest.mark.parametrize("name", [name for name in ALL if name != "complex-step"])
def test_a_fixed_parameter_has_no_slope(name):
    x = np.array([0.3, 0.7])
    gradient, _, _ = asked(lambda x: np.sum(x), x, name, bounds=(np.array([0.3, 0.0]), np.array([0.3, 1.0])))
    assert gradient[0] == 0


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_function_that_is_not_finite_nearby_is_an_error(name, bad):
    x = np.ones(3)

    def fun(x):
        return x.sum() if np.array_equal(x, np.ones(3)) else bad

    with pytest.raises(optikit.stop.Unwind) as caught:
        asked(fun, x, name)
    assert isinstance(caught.value.error, ObjectiveError)


@pytest.mark.parametrize("name", WITH_H)
@pytest.mark.parametrize("bad", [0.0, -1e-4, math.nan, math.inf])
def test_a_step_is_positive_and_finite(name, bad):
    with pytest.raises(InputError, match="h is"):
        optikit.get("gradient", name, h=bad)


@pytest.mark.parametrize("name", WITH_H)
def test_a_step_that_is_lost_in_rounding_is_refused(name):
    fields = {"block": 1} if name == "random-coordinates" else {}
    estimator = optikit.get("gradient", name, h=1e-20, **fields)
    with pytest.raises(InputError, match=r"does not change x\[1\] = 1e\+06; give a larger h"):
        estimator.value_and_grad(Problem(lambda x: 0.0).at(0), np.array([0.0, 1e6]), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("fun", "said"),
    [
        (lambda x: np.sum(abs(x)), "drops the imaginary part"),
        (lambda x: np.linalg.norm(x), "drops the imaginary part"),
        (lambda x: x.real.sum(), "drops the imaginary part"),
        (lambda x: math.exp(x[0]), "takes no complex numbers"),
        (lambda x: float(x[0]), "takes no complex numbers"),
        (lambda x: x.astype(float).sum(), "takes no complex numbers"),
        (lambda x: math.floor(x[0]), "takes no complex numbers"),
        (lambda x: np.sum(abs(x)) + x[0], "loses imaginary parts"),
        (lambda x: np.sum(x * x.conj()), "loses imaginary parts"),
        (lambda x: np.vdot(x, x) if np.iscomplexobj(x) else x @ x, "loses imaginary parts"),
        (lambda x: x[0] ** 2 + 1e-3 * x[1].real, "loses imaginary parts"),
        (lambda x: 1e3 * np.sum(x[:1] ** 2) + abs(x[1]), "loses imaginary parts"),
        (lambda x: x[0] ** 2 + 0.03 * abs(x[0]), "loses imaginary parts"),
        (lambda x: abs(x[0]) + np.sum(np.ones(3000) * x[1] ** 2), "loses imaginary parts"),
    ],
)
@given(seed=seeds)
@settings(max_examples=10)
def test_a_function_that_loses_imaginary_parts_has_no_complex_step(fun, said, seed):
    estimator, rng = optikit.get("gradient", "complex-step"), np.random.default_rng(seed)
    with pytest.raises(ObjectiveError, match=said):
        estimator.value_and_grad(Problem(fun).at(0), np.array([1.5, -0.5]), rng)


ANALYTIC = RESTLESS | {
    "sine far out": (*SMOOTH["sine"], 1e6),
    "cube": (lambda x: np.sum(x**3), lambda x: 3 * x**2, 0),
    "cosine of 9 x": (lambda x: np.sum(np.cos(9 * x)), lambda x: -9 * np.sin(9 * x), 0),
    "first coordinate": (lambda x: x[0] ** 2, lambda x: 2 * x * (np.arange(len(x)) == 0), 1),
}


@given(function=st.sampled_from(sorted(ANALYTIC)), seed=seeds)
def test_analytic_functions_have_complex_steps_however_they_bend(function, seed):
    fun, exact, size = ANALYTIC[function]
    x = np.random.default_rng(seed).uniform(-size, size, size=3)
    gradient, oracle, _ = asked(fun, x, "complex-step")
    assert (abs(gradient - exact(x)) <= 1e-12 * (1 + abs(exact(x)).max()) * np.maximum(1, abs(x))).all()
    assert oracle.nfev <= optikit.get("gradient", "complex-step").cost(3)


def test_far_out_where_real_differences_are_coarse_no_complex_step_is_refused():
    rng, objective = np.random.default_rng(0), Problem(SMOOTH["sine"][0]).at(0)
    for x in rng.uniform(1e6, 2e6, size=(500, 1)):
        _, gradient = optikit.get("gradient", "complex-step").value_and_grad(objective, x, rng)
        assert abs(gradient - np.cos(x)) <= 1e-9


def test_complex_steps_take_more_real_points_only_where_something_is_doubtful():
    x = np.array([1e5, 2.0, 3.0])
    counts = [
        asked(fun, x, "complex-step")[1].nfev
        for fun in (
            lambda x: np.sum(x**2),
            lambda x: x[1] * x[2],
            lambda x: np.sum(np.sin(x)),
            # Of x[0] no imaginary part is left, and there is slope where the real step leads.
            lambda x: np.sum(np.sin(x[1:] * 1e5)) + (x[0].real - 1e5) ** 3,
        )
    ]
    assert counts == [6, 8, 8, 12]
    assert optikit.get("gradient", "complex-step").cost(3) == 12


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_complex_steps_from_where_the_function_is_not_finite_ask_no_more(bad):
    value, gradient = optikit.get("gradient", "complex-step").value_and_grad(
        Problem(lambda x: bad).at(0), np.ones(2), np.random.default_rng(0)
    )
    assert not math.isfinite(value)
    assert np.isnan(gradient).all()


def test_a_model_with_data_takes_no_complex_numbers():
    problem = Problem.of(
        optikit.get("model", "linear", inputs=2, outputs=1),
        optikit.get("loss", "mean-squared-error"), np.ones((3, 2)), np.ones((3, 1)),
    )  # fmt: skip
    with pytest.raises(InputError, match="takes no complex numbers; pass gradient='richardson'"):
        optikit.get("gradient", "complex-step").value_and_grad(problem.at(0), np.ones(3), np.random.default_rng(0))


def test_complex_points_are_counted_and_never_the_result():
    result = optikit.minimize(
        lambda p: p["a"] ** 2 + np.sum((p["b"] - 1) ** 2), {"a": 1.0, "b": np.zeros(2)},
        optimizer="gradient-descent", gradient="complex-step", max_evals=20,
    )  # fmt: skip
    assert result.nfev == 20
    assert isinstance(result.x["a"], float)


def test_the_catalogue_shows_the_cost():
    from optikit import catalogue
    from optikit.page import described, page

    text = page(catalogue.find("central-difference"))
    assert "evaluations for 10 coordinates, with the defaults: 21\n" in text
    assert "evaluations for 1,000 coordinates, with the defaults: 2,001\n" in text
    assert "error estimate for every coordinate: no\n" in text
    assert "error estimate for every coordinate: yes\n" in page(catalogue.find("richardson"))
    assert "error estimate" not in page(catalogue.find("mlp"))
    assert "evaluations for" not in page(catalogue.find("mlp"))
    assert described(catalogue.find("spsa"))["cost"] == {"10": 2, "1000": 2}
