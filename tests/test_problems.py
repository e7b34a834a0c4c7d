"""Problems keep their contract, and the named functions have the values that are published or can be done by hand."""

import numpy as np
import pytest
from drawn import classes
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit.testing import checks, parametrize_checks, posed
from optikit.testing.components import CHECKS as SHARED

SUBJECTS = [
    posed(problem, examples=5)
    for cls in classes("problem")
    if cls.requires is None
    for problem in ([cls(), cls(dimension=8)] if "dimension" in cls.model_fields else [cls()])
]


@parametrize_checks(SUBJECTS)
def test_the_built_in_problems_pass(subject, check):
    if check not in SHARED:  # these are put to test_components.py
        check(subject)


def test_no_check_of_a_problem_is_lost():
    assert {len(checks(subject)) for subject in SUBJECTS} == {10}


FUNCTIONS = [cls for cls in classes("problem") if hasattr(cls, "slope")]
SCALABLE = [cls for cls in FUNCTIONS if "dimension" in cls.model_fields]
PUBLISHED = [
    ("rosenbrock", {}, [-1.2, 1.0], 24.2),
    ("rosenbrock", {"dimension": 4}, [-1.2, 1.0, -1.2, 1.0], 532.4),
    ("powell", {}, [3.0, -1.0, 0.0, 1.0], 215.0),
    ("beale", {}, [1.0, 1.0], 14.203125),
    ("goldstein-price", {}, [1.2, 0.8], 840.0),
    ("goldstein-price", {}, [1.8, 0.2], 84.0),
    ("goldstein-price", {}, [-0.6, -0.4], 30.0),
    ("himmelblau", {}, [0.0, 0.0], 170.0),
    ("himmelblau", {}, [-2.805118086952745, 3.131312518250573], 0.0),
    ("branin", {}, [3 * np.pi, 2.475], 0.39788735772973816),
    ("branin", {}, [-np.pi, 12.275], 0.39788735772973816),
    ("booth", {}, [0.0, 0.0], 74.0),
    ("six-hump-camel", {}, [1.703606715, -0.796083569], -0.2154638244),
    ("bukin", {}, [-5.0, 0.25], 0.05),
    ("easom", {}, [0.0, 0.0], -np.exp(-2 * np.pi**2)),
    ("rastrigin", {"dimension": 3}, [1.0, 1.0, 1.0], 3.0),
    ("rastrigin", {}, [0.5, 0.5], 40.5),
    ("ackley", {}, [1.0, 1.0], 20 - 20 * np.exp(-0.2)),
    ("griewank", {"dimension": 1}, [np.pi], np.pi**2 / 4000 + 2),
    ("levy", {"dimension": 1}, [5.0], 1.0),
    ("schwefel", {"dimension": 2}, [0.0, 0.0], 837.9657745448674),
    ("styblinski-tang", {"dimension": 3}, [1.0, 1.0, 1.0], -15.0),
    ("zakharov", {"dimension": 3}, [1.0, 1.0, 1.0], 93.0),
    ("trid", {"dimension": 3}, [1.0, 1.0, 1.0], -2.0),
    ("dixon-price", {"dimension": 3}, [1.0, 1.0, 1.0], 5.0),
    ("ellipsoid", {"dimension": 3, "condition": 1e4}, [1.0, 1.0, 1.0], 10101.0),
    ("sphere", {"dimension": 3}, [1.0, 2.0, 3.0], 14.0),
    ("michalewicz", {}, [2.20290552, 1.57079633], -1.8013034),
]
MINIMA = [
    ("michalewicz", 2, -1.8013034100985537), ("michalewicz", 5, -4.687658179), ("michalewicz", 10, -9.660151716),
    ("trid", 6, -50.0), ("trid", 10, -210.0), ("styblinski-tang", 2, -78.33233140754282), ("rastrigin", 30, 0.0),
]  # fmt: skip


def made(name, **fields):
    return optikit.get("problem", name, **fields)


@pytest.mark.parametrize(("name", "fields", "x", "value"), PUBLISHED)
def test_a_function_has_its_published_values(name, fields, x, value):
    # Points and values are published with seven digits or more; those that are exact come out to rounding.
    assert made(name, **fields).judge(np.array(x)) == pytest.approx(value, rel=2e-8, abs=1e-13)


@pytest.mark.parametrize(("name", "dimension", "value"), MINIMA)
def test_a_function_has_its_published_minimum(name, dimension, value):
    problem = made(name, dimension=dimension)
    assert problem.minimum == pytest.approx(value, rel=1e-9)
    assert problem.judge(problem.minimizer) == pytest.approx(value, rel=1e-9, abs=1e-12)


def test_every_function_has_published_values():
    assert {cls.name for cls in FUNCTIONS} == {name for name, *_ in PUBLISHED}


@pytest.mark.parametrize("cls", FUNCTIONS, ids=lambda cls: cls.name)
def test_a_function_is_minimised_as_any_other(cls):
    problem = cls()
    start = problem.start(np.random.default_rng(0))
    result = optikit.minimize(problem.pose(), start, optimizer="lbfgs", max_evals=500)
    assert problem.minimum - 1e-9 <= result.fun <= problem.judge(start)
    assert result.njev > 0


@pytest.mark.parametrize("cls", SCALABLE, ids=lambda cls: cls.name)
@settings(max_examples=10)
@given(tens=st.integers(1, 12), seed=st.integers(0, 99))
def test_a_function_has_any_number_of_coordinates(cls, tens, seed):
    problem = cls(dimension=4 * tens)
    start = problem.start(np.random.default_rng(seed))
    low, high = problem.pose().bounds(4 * tens)
    assert start.shape == problem.minimizer.shape == (4 * tens,)
    assert ((low <= problem.minimizer) & (problem.minimizer <= high)).all()
    assert problem.judge(problem.minimizer) <= min(problem.judge(start), problem.minimum + 1e-9)


def test_michalewicz_is_lowest_in_each_coordinate():
    # The function is a sum of functions of one coordinate each, so that a fine grid can find no lower point.
    problem = made("michalewicz", dimension=25, steepness=3)
    grid = np.linspace(0, np.pi, 2001)
    terms = np.array([problem._terms(np.full(25, x)) for x in grid])
    assert (terms.min(axis=0) >= problem._terms(problem.minimizer) - 1e-12).all()


@pytest.mark.parametrize("name", ["griewank", "ackley", "bukin"])
def test_slopes_are_finite_where_a_formula_divides_by_nothing(name):
    problem = made(name)
    for x in ([0.0, 0.0], [np.pi / 2, np.pi / 2**0.5], [-10.0, 1.0], problem.minimizer.tolist()):
        assert np.isfinite(problem.slope(np.array(x))).all()


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("rosenbrock", {"dimension": 1}, "dimension is 1, but must be greater than or equal to 2"),
        ("powell", {"dimension": 6}, "dimension is 6, but must be a multiple of 4"),
        ("sphere", {"dimension": 0}, "dimension is 0, but must be greater"),
        ("ellipsoid", {"condition": 0.5}, "condition is 0.5"),
        ("beale", {"dimension": 3}, "beale has no field 'dimension'"),
        ("rosenbrok", {}, "did you mean 'rosenbrock'"),
    ],
)
def test_a_wrong_field_is_refused_in_a_sentence(name, fields, said):
    with pytest.raises(optikit.InputError, match=said) as caught:
        made(name, **fields)
    assert "\n" not in str(caught.value)
