"""The gradient check: it finds planted faults, says which, and does not cry wolf."""

import numpy as np
import pytest
from drawn import classes, small_model, targets_for
from functions import SMOOTH
from hypothesis import given
from hypothesis import strategies as st

import optikit
from optikit import InputError, ObjectiveError, Problem, check_gradient


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
    "zero": (lambda x, g: 0 * g, "zero everywhere"),
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
    assert check.nfev < 300


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


def test_what_cannot_be_checked_is_refused():
    with pytest.raises(InputError, match="the function is inf at x"):
        check_gradient(lambda x: np.nan, lambda x: x, [1.0])
    with pytest.raises(ObjectiveError, match=r"the gradient has shape \(2,\)"):
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
