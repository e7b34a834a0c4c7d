"""The Moré-Wild set: the sums of squares at the starts are those of its public data, and the Jacobians are exact."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit.testing import checks, parametrize_checks, posed
from optikit.testing.components import CHECKS as SHARED

AT_THE_STARTS = (
    "7.20000e+01 1.12500e+03 1.16542e+07 1.16859e+09 4.98920e+06 5.00936e+08 2.42000e+01 1.79577e+06 2.50000e+03 "
    "1.06000e+04 2.15000e+02 1.61540e+06 4.00500e+02 1.54575e+08 4.16817e+01 1.30623e+03 5.31317e-03 1.69361e+09 "
    "1.64308e+01 2.32337e+06 2.69042e+01 8.15888e+06 7.36782e+01 2.05938e+07 1.03115e+03 4.17131e+03 7.92669e+06 "
    "3.08106e+11 4.64282e-02 3.37706e-02 3.86177e-02 2.88830e-02 3.37633e-02 2.67406e-02 2.73248e+02 1.61741e+01 "
    "2.09342e+00 1.99685e+02 9.04000e+02 1.35600e+03 1.58200e+03 1.80800e+03 5.65000e+01 7.05625e+01 9.86875e+01 "
    "2.53908e+09 6.87380e+12 3.36796e+09 3.73513e+09 3.99107e+09 1.13001e+13 9.38567e+00 3.36582e+10"
)
"""Of the file data/testout.dat of the repository POptUS/BenDFO, in which its authors keep the values of their code."""
ABSOLUTE = (
    "5.40000e+01 2.25000e+02 1.76050e+04 1.76365e+05 1.11890e+04 1.12169e+05 6.60000e+00 1.35300e+03 5.00000e+01 "
    "1.40000e+02 2.28852e+01 1.45727e+03 2.40000e+01 1.73760e+04 2.18829e+01 1.39339e+02 1.95153e-01 1.33046e+05 "
    "1.58545e+01 5.42767e+03 2.24125e+01 8.54458e+03 3.43398e+01 1.18978e+04 9.91512e+01 1.20588e+02 1.13038e+04 "
    "2.41278e+06 3.29087e-01 2.75893e-01 3.46953e-01 2.91449e-01 3.53857e-01 3.16982e-01 5.04990e+01 1.63733e+01 "
    "9.60594e+00 5.49148e+01 6.40000e+01 9.60000e+01 1.12000e+02 1.28000e+02 1.55000e+01 1.92500e+01 2.67500e+01 "
    "1.12235e+05 5.83904e+06 1.62440e+05 1.90072e+05 2.13528e+05 1.13405e+07 4.92225e+00 2.64839e+05"
)
"""Of the same file: the sums of the absolute values."""
NUMBERS = range(1, 54)


def made(number, **fields):
    return optikit.get("problem", "more-wild", number=number, **fields)


@pytest.mark.parametrize(("published", "absolute"), [(AT_THE_STARTS, False), (ABSOLUTE, True)])
def test_the_values_at_the_starts_are_those_that_are_published(published, absolute):
    problems = [made(number, absolute=absolute) for number in NUMBERS]
    values = [problem.judge(problem.start(np.random.default_rng(0))) for problem in problems]
    assert values == pytest.approx(list(map(float, published.split())), rel=5e-6)  # six digits


@pytest.mark.parametrize("number", NUMBERS)
@settings(max_examples=5)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_jacobian_is_that_of_the_residuals(number, seed):
    problem, rng = made(number), np.random.default_rng(seed)
    start = problem.start(rng)
    x = start * rng.uniform(0.9, 1.1, size=len(start)) + 0.01 * rng.normal(size=len(start))
    jacobian = problem.jacobian(x)
    # Along one direction, as coordinates may differ by orders of magnitude; h balances rounding and truncation.
    direction = rng.normal(size=len(x)) * np.maximum(abs(x), 1e-2)
    h = 1e-5
    difference = (problem.residuals(x + h * direction) - problem.residuals(x - h * direction)) / (2 * h)
    size = abs(problem.residuals(x)).max() + abs(jacobian @ direction).max()
    assert difference == pytest.approx(jacobian @ direction, abs=1e-6 * size, rel=1e-5)


SUBJECTS = [posed(made(number, absolute=number % 10 == 3), examples=3) for number in [*range(1, 53, 3), 9, 53]]


@parametrize_checks(SUBJECTS)
def test_they_pass(subject, check):
    if check not in SHARED:
        check(subject)


def test_no_check_is_lost():
    assert {len(checks(subject)) for subject in SUBJECTS} == {10}


@pytest.mark.parametrize(
    ("number", "near"),
    [(1, 9 * [-1.0]), (7, [1, 1]), (9, [1, 0, 0]), (13, [5, 4]), (18, [0.0056, 6181, 345]), (25, [1, 10, 1])],
)
def test_the_minimum_is_reached_from_near_the_known_minimizer(number, near):
    problem = made(number)
    x = np.array(near) * 1.0001
    result = optikit.minimize(problem.pose(), x, optimizer="lbfgs", max_steps=500)
    assert result.fun == pytest.approx(problem.minimum, rel=1e-4, abs=1e-8)
    assert result.fun >= problem.minimum * (1 - 1e-14)


def test_absolute_values_have_the_minimum_that_is_sure():
    assert made(7, absolute=True).minimum == 0
    assert made(1, absolute=True).minimum is None


def test_there_are_53():
    with pytest.raises(optikit.InputError, match="number is 54"):
        made(54)
