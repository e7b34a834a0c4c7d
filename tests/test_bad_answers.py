"""Functions that answer wrongly: each wrong answer is an error that says what to do, or the stated policy.

Whatever estimator and optimizer ask, at the first evaluation or in the middle of a gradient: never a silent number.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
from drawn import estimators

import optikit
from optikit import ObjectiveError, Problem, StopReason

ESTIMATORS = [cls.name for cls in estimators()]
OPTIMIZERS = ["random-search", "gradient-descent", "conjugate-gradients"]
"""One that asks for values, one for a gradient a step, and one for as many as it likes."""
NO_NUMBERS = {
    "a complex number": 1 + 1j,
    "a complex number that is real": np.complex128(1),
    "two numbers": np.ones(2),
    "an array of one number": np.ones(1),
    "a list": [1.0],
    "a value with its gradient": (1.0, np.ones(2)),
    "a bool": True,
    "a bool of NumPy's": np.True_,
    "None": None,
    "a string": "1.0",
    "an object": object(),
    "a fraction": Fraction(1, 2),
    "an integer beyond floats": 10**400,
    "a masked number": np.ma.masked,
}
NUMBERS = [3, 3.0, np.float32(3), np.int64(3), np.uint8(3), np.array(3.0), np.longdouble(3), np.ma.array(3.0)]

with_each_estimator = pytest.mark.parametrize("gradient", ESTIMATORS)
with_each_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS)
at_first_or_later = pytest.mark.parametrize("evaluation", [1, 2, 4])


def minimized(answer, evaluation, gradient="analytic", optimizer="gradient-descent", kept=True, max_evals=60):
    """Minimise a function that gives a wrong answer at one evaluation, or, unless it is `kept`, from then on."""
    asked = []

    def fun(x):
        asked.append(x)
        wrong = len(asked) >= evaluation if kept else len(asked) == evaluation
        return answer() if wrong and not np.iscomplexobj(x) else np.sum(x * x + x**4)

    # A box for random search; a start at which no random slope is zero by chance, which would end the run too soon.
    problem = Problem(fun, gradient=lambda x: 2 * x + 4 * x**3, bounds=(-3, 3))
    x0 = np.sqrt([0.5, 1.0, 2.0, 3.0])
    # The look at the gradient before the first step would meet the wrong answer first.
    return optikit.minimize(
        problem, x0, optimizer=optimizer, gradient=gradient, max_evals=max_evals, check_gradient=False, rng=0
    )


@with_each_estimator
@with_each_optimizer
@at_first_or_later
def test_what_is_no_number_is_refused(gradient, optimizer, evaluation):
    for what, answer in NO_NUMBERS.items():
        with pytest.raises(ObjectiveError, match=r"objective returned .*; it must return one real number$") as caught:
            minimized(lambda answer=answer: answer, evaluation, gradient, optimizer)
        said, partial = str(caught.value), caught.value.result
        assert len(said) < 120, what
        assert "\n" not in said, what
        assert partial.reason is StopReason.ERROR, what
        assert partial.nfev >= evaluation - 1, what
        assert np.isfinite(partial.fun) == (evaluation > 1), what


@with_each_estimator
@with_each_optimizer
@at_first_or_later
def test_what_the_function_raises_comes_out_with_the_partial_result(gradient, optimizer, evaluation):
    class Mine(Exception):
        pass

    def fail():
        raise Mine("of my own")

    with pytest.raises(Mine, match="of my own") as caught:
        minimized(fail, evaluation, gradient, optimizer)
    assert caught.value.result.reason is StopReason.ERROR


@with_each_estimator
@with_each_optimizer
@at_first_or_later
def test_minus_infinity_is_an_error_wherever_it_comes(gradient, optimizer, evaluation):
    with pytest.raises(ObjectiveError, match=r"returned -inf at evaluation .*, which nothing can beat$"):
        minimized(lambda: -math.inf, evaluation, gradient, optimizer)


@with_each_estimator
@with_each_optimizer
@at_first_or_later
@pytest.mark.parametrize("answer", [math.nan, math.inf])
def test_no_gradient_is_made_of_values_that_are_not_finite(gradient, optimizer, evaluation, answer):
    try:
        result = minimized(lambda: answer, evaluation, gradient, optimizer)
    except ObjectiveError as caught:
        error, result = caught, caught.result
        # The exact gradient goes on by its policy, and random search asks for none.
        assert (gradient, optimizer) != ("analytic", "gradient-descent")
        assert optimizer != "random-search"
    else:
        error = None
    assert error is None or "\n" not in str(error)
    assert not result.success
    # A slope that is not finite is refused; an optimizer that followed it would seem to have diverged.
    assert "left the finite numbers" not in result.message
    assert (result.nans > 0) == math.isnan(answer)
    assert math.isfinite(result.fun) == (evaluation > 1)
    assert np.isfinite(result.x).all()


@with_each_estimator
@pytest.mark.parametrize("answer", NUMBERS, ids=lambda answer: type(answer).__name__)
def test_every_kind_of_real_number_is_one(gradient, answer):
    result = minimized(lambda: answer, 1, gradient, kept=False, max_evals=1)
    assert type(result.fun) is float
    assert result.fun == 3


@pytest.mark.parametrize(
    ("gradient", "said"),
    [
        (lambda x: np.ones(3), r"the gradient has shape \(3,\), but x has \(2,\)"),
        (lambda x: np.ones((2, 1)), r"has shape \(2, 1\)"),
        (lambda x: 1.0, r"has shape \(\)"),
        (lambda x: None, r"has shape \(\)"),
        (lambda x: np.ones(2, dtype=int), "has dtype int64, but real floating-point numbers are needed"),
        (lambda x: np.ones(2, dtype=bool), "has dtype bool"),
        (lambda x: np.ones(2) * 1j, "has dtype complex128"),
        (lambda x: np.array(["1", "2"]), "has dtype <U1"),
        (lambda x: np.array([1.0, None]), "has dtype object"),
        (lambda x: np.array([1.0, np.nan]), r"is nan at x\[1\], where the value, 2, is finite"),
        (lambda x: np.array([np.inf, 1.0]), r"is inf at x\[0\]"),
        (lambda x: np.ma.array([1.0, 2.0], mask=[False, True]), "has masked components"),
        (lambda x: [1.0, [2.0, 3.0]], "the gradient is a ragged list; give rows of equal length"),
    ],
    ids=[
        *("3 numbers", "column", "number", "None", "int", "bool", "complex", "str", "object", "nan", "inf", "masked"),
        "ragged",
    ],
)
@pytest.mark.parametrize("own", [False, True], ids=["argument", "problem"])
def test_what_is_no_gradient_is_refused(gradient, said, own):
    def fun(x):
        return float(x @ x)

    problem, given = (Problem(fun, gradient=gradient), "analytic") if own else (fun, gradient)
    with pytest.raises(ObjectiveError, match=said) as caught:
        optikit.minimize(problem, [1.0, 1.0], optimizer="gradient-descent", gradient=given)
    assert "\n" not in str(caught.value)


@with_each_estimator
@with_each_optimizer
def test_a_function_that_writes_into_its_argument_changes_nothing(gradient, optimizer):
    def run(spoil):
        def fun(x):
            value = np.sum(x * x)
            if spoil:
                x[:] = 7
            return value

        def slope(x):
            gradient = 2 * x
            if spoil:
                x[:] = 7
            return gradient

        problem = Problem(fun, gradient=slope, bounds=(-3, 3))
        x0 = np.ones(3)
        result = optikit.minimize(problem, x0, optimizer=optimizer, gradient=gradient, max_evals=40, rng=0)
        assert np.array_equal(x0, np.ones(3))
        return result

    spoilt, clean = run(True), run(False)
    assert np.array_equal(spoilt.x, clean.x)
    assert np.array_equal(spoilt.history.fun, clean.history.fun)


@with_each_estimator
@with_each_optimizer
def test_a_run_inside_the_function_of_another_changes_nothing(gradient, optimizer):
    def run(seed, inner):
        def fun(x):
            if inner:
                run(seed + 1, False)
            return np.sum((x - 0.5) ** 2)

        problem = Problem(fun, gradient=lambda x: 2 * (x - 0.5), bounds=(-3, 3))
        return optikit.minimize(problem, np.ones(12), optimizer=optimizer, gradient=gradient, max_evals=30, rng=seed)

    alone, beside = run(0, False), run(0, True)
    assert np.array_equal(alone.history.fun, beside.history.fun)
    assert np.array_equal(alone.x, beside.x)
