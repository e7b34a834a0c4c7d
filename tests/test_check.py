"""The gradient check: it finds planted faults, says which, and does not cry wolf."""

import numpy as np
import pytest
from drawn import classes, small_model, targets_for
from functions import SMOOTH
from hypothesis import given
from hypothesis import strategies as st

import optikit
from optikit import GradientError, GradientWarning, InputError, ObjectiveError, Problem, check_gradient


def quartic(x):
    return float((x**4).sum() + x[0] * x[-1])


def quartic_gradient(x):
    gradient = 4 * x**3
    gradient[0] += x[-1]
    gradient[-1] += x[0]
    return gradient


@pytest.mark.parametrize("loss", classes("loss"), ids=lambda cls: cls.name)
@pytest.mark.parametrize("model", classes("model"), ids=lambda cls: cls.name)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_exact_gradient_of_every_model_and_loss_passes(model, loss, seed):
    rng = np.random.default_rng(seed)
    made, criterion = small_model(model, 3, 2, 3), loss()
    problem = Problem.of(made, criterion, rng.normal(size=(5, 3)), targets_for(criterion, 2, 5, rng))
    x = made.init(rng) + 0.1 * rng.normal(size=problem.n)
    check = check_gradient(problem, None, x)
    assert check.success, check.message
    assert check.unseen == 0


@pytest.mark.parametrize("name", SMOOTH)
@given(seed=st.integers(0, 2**32 - 1), n=st.sampled_from([2, 3, 60]))
def test_the_right_gradient_of_a_smooth_function_passes(name, seed, n):
    check = check_gradient(*SMOOTH[name], np.random.default_rng(seed).uniform(-2, 2, size=n))
    assert check.success, check.message


FAULTS = {
    "flipped sign": (lambda x, g: -g, "opposite sign"),
    "factor 2": (lambda x, g: 2 * g, "2 times what it should be"),
    "mean forgotten": (lambda x, g: 10 * g, "10 times what it should be"),
    "zero": (lambda x, g: 0 * g, "It is missing: it is zero"),
    "constant added": (lambda x, g: g + 0.3, r"\+0.3 off everywhere"),
    "off by one": (lambda x, g: np.roll(g, 1), "wrong in"),
    "stale point": (lambda x, g: quartic_gradient(x + 0.01), "wrong in"),
    "term missing": (lambda x, g: 4 * x**3, "wrong in 2 of"),
    "one coordinate": (lambda x, g: g + 0.1 * (np.arange(len(x)) == 2), r"wrong in 1 of .*: x\[2\]: "),
}


@pytest.mark.parametrize("fault", FAULTS)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(4, 50))
def test_a_planted_fault_is_found_and_named(fault, seed, n):
    break_it, said = FAULTS[fault]
    x = np.random.default_rng(seed).uniform(0.5, 2, size=n)
    check = check_gradient(quartic, lambda x: break_it(x, quartic_gradient(x)), x)
    assert not check.success
    assert check.comparisons[0].wrong
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(check.message)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(60, 2000))
def test_of_many_parameters_a_single_wrong_one_is_seen_by_the_directions(seed, n):
    rng = np.random.default_rng(seed)
    x, wrong = rng.uniform(0.5, 2, size=n), int(rng.integers(n))
    check = check_gradient(quartic, lambda x: quartic_gradient(x) * np.where(np.arange(n) == wrong, 1.5, 1), x)
    assert not check.success
    assert check.unseen < 1e-6
    assert check.nfev < 400


def test_parameters_are_named_and_a_transposed_block_is_recognised():
    rng = np.random.default_rng(0)
    x, u, v = {"w": rng.normal(size=(3, 4)), "b": 1.0}, rng.normal(size=3), rng.normal(size=4)

    def fun(x):
        return float((u @ (x["w"] @ v)) ** 2 + x["b"] ** 2)

    def right(x):
        return {"w": np.outer(2 * (u @ (x["w"] @ v)) * u, v), "b": 2 * x["b"]}

    assert check_gradient(fun, right, x).success
    turned = check_gradient(fun, lambda x: {**right(x), "w": right(x)["w"].T.copy().reshape(3, 4)}, x)
    assert "The part of x['w'] is transposed." in turned.message
    assert "x['w'][" in turned.message
    missing = check_gradient(fun, lambda x: {**right(x), "b": 0.0}, x)
    assert "x['b']: 0 given, 2 by differences" in missing.message
    assert "The part of x['b'] is missing" in missing.message


def test_at_a_kink_any_slope_between_the_two_sides_is_right():
    def fun(x):
        return float(abs(x).sum())

    for slope, right in ((0.0, True), (1.0, True), (-0.7, True), (1.2, False), (-3.0, False)):
        check = check_gradient(fun, lambda x, slope=slope: np.array([slope, 1.0]), [0.0, 2.0])
        assert check.success is right
        assert next(c for c in check.comparisons if c.name == "x[0]").kink


@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([1e-8, 1e-5, 1e-3]))
def test_noise_is_no_fault_of_the_gradient(seed, size):
    rng = np.random.default_rng(seed)
    x = np.array([1.0, -2.0, 0.5])
    check = check_gradient(lambda x: float(x @ x) + size * rng.standard_normal(), lambda x: 2 * x, x)
    assert check.success, check.message
    # Nine values say little of a standard deviation: its order of magnitude.
    assert size / 20 < check.noise < 20 * size


@given(seed=st.integers(0, 2**32 - 1), n=st.sampled_from([1, 3, 60]))
def test_a_function_that_computes_in_single_precision_is_known_by_its_noise(seed, n):
    x = np.random.default_rng(seed).uniform(0.5, 2, size=n)
    check = check_gradient(lambda x: quartic(x.astype(np.float32)), quartic_gradient, x)
    assert check.success, check.message
    assert check.noise > 1e-9


def test_what_cannot_be_checked_is_refused():
    with pytest.raises(InputError, match="the function is nan at x"):
        check_gradient(lambda x: np.nan, lambda x: x, [1.0])
    with pytest.raises(ObjectiveError, match=r"the gradient has shape \(2,\), but x has \(1,\)"):
        check_gradient(lambda x: 1.0, lambda x: np.ones(2), [1.0])
    with pytest.raises(InputError, match="no gradient of its own"):
        check_gradient(Problem(quartic), None, [1.0, 2.0])


def test_the_check_is_reproducible_and_counts_its_evaluations():
    calls = []
    x = np.linspace(0.5, 2, 80)
    checks = [check_gradient(lambda x: calls.append(1) or quartic(x), quartic_gradient, x, rng=3) for _ in range(2)]
    assert checks[0] == checks[1]
    assert len(calls) == 2 * checks[0].nfev
    assert optikit.check_gradient is check_gradient


@given(
    seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-9, 1e-6, 1e-3, 1e3]), size=st.sampled_from([1e-9, 1.0])
)
def test_functions_that_change_on_the_scale_of_their_parameters_are_checked(seed, scale, size):
    x = scale * np.random.default_rng(seed).uniform(1, 2, size=3)

    def fun(x):
        return size * float(np.sin(x / scale).sum())

    def gradient(x):
        return size * np.cos(x / scale) / scale

    check = check_gradient(fun, gradient, x)
    assert check.success, check.message
    if abs(gradient(x)).min() > 1e-5:  # less than the tolerance, which is absolute there
        wrong = check_gradient(fun, lambda x: 1.5 * gradient(x), x)
        assert len([c for c in wrong.comparisons if c.wrong]) >= 2, wrong.message


@pytest.mark.parametrize("frequency", [1e2, 1e4, 1e6])
@given(seed=st.integers(0, 2**32 - 1))
def test_fast_oscillations_are_no_fault_of_the_gradient(frequency, seed):
    x = np.random.default_rng(seed).uniform(-2, 2, size=2)
    check = check_gradient(lambda x: np.sin(frequency * x).sum(), lambda x: frequency * np.cos(frequency * x), x)
    assert check.success, check.message
    turned = check_gradient(lambda x: np.sin(frequency * x).sum(), lambda x: -frequency * np.cos(frequency * x), x)
    assert not turned.success


@given(seed=st.integers(0, 2**32 - 1), digits=st.integers(1, 8))
def test_a_function_that_rounds_is_no_fault_of_the_gradient(seed, digits):
    x = np.random.default_rng(seed).uniform(-1, 1, size=3)
    check = check_gradient(lambda x: round(float(np.sin(x).sum()), digits), np.cos, x)
    assert check.success, check.message
    assert digits < 3 or not check_gradient(
        lambda x: round(float(np.sin(x).sum()), digits), lambda x: -np.cos(x), x
    ).success  # fmt: skip


def test_near_the_end_of_the_domain_the_steps_are_smaller():
    x = np.array([1e-8, 1e-5, 1.0])
    assert check_gradient(lambda x: float(np.log(x).sum()), lambda x: 1 / x, x).success
    check = check_gradient(lambda x: float(np.log(x).sum()), lambda x: 0.5 / x, x)
    assert len([c for c in check.comparisons if c.wrong]) == 3


def test_what_could_not_be_compared_is_said():
    fixed = Problem(lambda x: x @ x, lambda x: -99 * x, (np.array([1.0, 0.0]), np.array([1.0, 5.0])))
    check = check_gradient(fixed, None, [1.0, 2.0])
    assert "wrong in 1 of 2" in check.message
    assert "x[0] could not be compared: the function is not finite beside x, or bounds leave no room." in check.message
    right = Problem(lambda x: x @ x, lambda x: 2 * x, (np.array([1.0, 0.0]), np.array([1.0, 5.0])))
    assert "agrees with differences of the function in 1 of 2 coordinates. x[0] could" in str(
        check_gradient(right, None, [1.0, 2.0])
    )
    nothing = check_gradient(lambda x: 0.0 if x[0] == 1 else np.nan, lambda x: np.array([7.0]), [1.0])
    assert not nothing.success
    assert nothing.message.startswith("Nothing could be compared")


def test_points_outside_and_second_gradients_are_refused():
    with pytest.raises(InputError, match=r"x0 is 7 in coordinate 0, outside its bounds \[1, 2\]"):
        check_gradient(Problem(lambda x: x @ x, lambda x: 2 * x, (1.0, 2.0)), None, [7.0, 2.0])
    with pytest.raises(InputError, match="fun is a Problem, which has its own gradient"):
        check_gradient(Problem(lambda x: x @ x, lambda x: 2 * x), lambda x: 2 * x, [1.0])
    with pytest.raises(InputError, match="rng is 'a'"):
        check_gradient(lambda x: x @ x, lambda x: 2 * x, [1.0], rng="a")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda g, x: g - 0.1 * x, "It lacks 0.1 times the parameters, as of an L2 term."),
        (lambda g, x: np.append(-g[:3], g[3:]), "The part of x['a'] has the opposite sign."),
        (lambda g, x: np.append(g[:3], 3 * g[3:]), "The part of x['b'] is 3 times what it should be."),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_more_faults_are_named(fault, said, dtype):
    weights = np.array([1.0, 2.0, 3.0, -1.0, 0.5], dtype=dtype)

    def fun(p):
        x = np.concatenate([p["a"], p["b"]])
        return float(weights @ x**3 + 0.05 * x @ x)

    def gradient(p):
        x = np.concatenate([p["a"], p["b"]])
        wrong = fault(3 * weights * x**2 + 0.1 * x, x)
        return {"a": wrong[:3], "b": wrong[3:]}

    x = {"a": np.array([0.7, -1.1, 0.4], dtype=dtype), "b": np.array([1.3, 0.9], dtype=dtype)}
    message = check_gradient(fun, gradient, x).message
    number = said if dtype == "float64" else said.split("0.1")[0]
    assert number in message


# The cheap check that `minimize` begins with.


def minimized(fun, gradient, x0, **more):
    descent = optikit.get("optimizer", "gradient-descent", learning_rate=0.01)
    return optikit.minimize(fun, x0, optimizer=descent, gradient=gradient, max_steps=3, **more)


@pytest.mark.parametrize("fault", FAULTS)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(4, 200))
def test_minimize_warns_of_a_wrong_gradient_with_the_numbers(fault, seed, n):
    break_it, _ = FAULTS[fault]
    x = np.random.default_rng(seed).uniform(0.5, 2, size=n)

    def gradient(x):
        return break_it(x, quartic_gradient(x))

    with pytest.warns(GradientWarning, match=r"given, .* by differences.*check_gradient=False") as caught:
        result = minimized(quartic, gradient, x)
    assert len(caught) == 1
    assert caught[0].filename.endswith("test_check.py"), "the warning points to the caller"
    assert result.nfev > 0
    with pytest.raises(GradientError, match="by differences") as error:
        minimized(quartic, gradient, x, check_gradient="raise")
    assert error.value.result.nit == error.value.result.nfev == 0
    assert np.array_equal(error.value.result.x, x)
    assert minimized(quartic, gradient, x, check_gradient=False).nfev_check == 0


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@given(seed=st.integers(0, 2**32 - 1), n=st.sampled_from([1, 2, 3, 60]), at_bound=st.floats(0, 1))
def test_a_right_gradient_is_let_pass_inside_its_bounds_at_a_small_price(name, dtype, seed, n, at_bound):
    fun, gradient = SMOOTH[name]
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, size=n).astype(dtype)
    side, room = rng.random(n) < at_bound, rng.choice([0, 1e-9, 1e-3, 1.0], size=n)
    low = np.where(side, x, x - 3)
    high = np.where(side, x + room, x + 3)
    asked = []

    def watched(x):
        asked.append(x.copy())
        return float(fun(x))

    problem = Problem(watched, lambda x: gradient(x).astype(dtype), (low, high))
    optimizer = optikit.get("optimizer", "gradient-descent", learning_rate=1e-3)
    kept = x.copy()
    result = optikit.minimize(problem, x, optimizer=optimizer, max_evals=5, rng=1)
    # In float32 a function may bend within a step, or have fewer digits below the normal numbers.
    assert 0 < result.nfev_check <= (25 if dtype == "float64" else 1 + 5 * 8 + 5 * 2 * 4)
    assert 5 >= result.nfev == len(asked) - result.nfev_check
    assert all(((low <= point) & (point <= high)).all() for point in asked)
    assert {point.dtype for point in asked} == {np.dtype(dtype)}
    assert np.array_equal(x, kept)


def test_the_automatic_check_leaves_the_run_as_it_would_be_without():
    x = np.array([1.0, -2.0, 0.5])
    results = [minimized(quartic, quartic_gradient, x, check_gradient=how, rng=0) for how in (True, "raise", False)]
    for result in results[:2]:
        assert np.array_equal(result.x, results[2].x)
        assert np.array_equal(result.history.fun, results[2].history.fun)
        assert (result.nfev, result.njev) == (results[2].nfev, results[2].njev)
    assert [result.nfev_check for result in results] == [17, 17, 0]


def test_only_a_gradient_that_the_user_gives_and_the_run_uses_is_checked():
    def wrong(x):
        return -quartic_gradient(x)

    x = [1.0, 2.0]
    assert minimized(Problem(quartic, wrong), "central-difference", x).nfev_check == 0
    assert minimized(quartic, "central-difference", x).nfev_check == 0
    assert optikit.minimize(Problem(quartic, wrong), x, optimizer="one-plus-one-es", max_evals=9).nfev_check == 0
    clipped = optikit.get("gradient", "clipped", gradient="analytic", norm=1.0)
    for gradient in (None, "analytic", clipped):
        with pytest.raises(GradientError):
            minimized(Problem(quartic, wrong), gradient, x, check_gradient="raise")


def test_what_the_check_cannot_do_is_left_to_the_run():
    def fails_beside(x):
        if x[0] != 1.0:
            raise ZeroDivisionError("only the check comes here")
        return 1.0

    descent = optikit.get("optimizer", "gradient-descent")
    result = optikit.minimize(fails_beside, [1.0], optimizer=descent, gradient=lambda x: 0 * x)
    assert result.success
    assert result.nfev_check == 2
    with pytest.raises(ObjectiveError, match=r"the gradient has shape \(3,\), but x has \(1,\)"):
        minimized(fails_beside, lambda x: np.ones(3), [1.0])
    result = minimized(lambda x: np.nan, lambda x: 0 * x, [1.0], check_gradient="raise")
    assert result.nans


def test_ctrl_c_in_the_check_ends_the_run():
    def impatient(x):
        raise KeyboardInterrupt

    result = minimized(impatient, lambda x: x, [1.0])
    assert result.reason is optikit.StopReason.INTERRUPTED
    assert (result.nfev, result.x) == (0, [1.0])


def test_check_gradient_is_true_false_or_raise():
    for wrong in ("yes", 1, None):
        with pytest.raises(InputError, match=r"check_gradient is .*; pass True, False or 'raise'"):
            minimized(quartic, quartic_gradient, [1.0], check_gradient=wrong)
