"""Problems keep their contract, and the named functions have the values that are published or can be done by hand."""

import json

import numpy as np
import pytest
from drawn import classes
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit.cli import main
from optikit.experiment import read_experiment
from optikit.testing import checks, parametrize_checks, posed
from optikit.testing.components import CHECKS as SHARED

SUBJECTS = [
    posed(problem, examples=5)
    for cls in classes("problem")
    if cls.requires is None and "problem" not in cls.model_fields
    for problem in ([cls(), cls(dimension=8)] if "dimension" in cls.model_fields else [cls()])
]
SUBJECTS += [
    posed(optikit.get("problem", name, problem=inner, **fields), examples=5)
    for name, inner, fields in [
        ("noisy", "rosenbrock", {}), ("noisy", "ackley", {"sigma": 0.1, "scale": "absolute"}),
        ("noisy", {"name": "more-wild", "number": 4}, {}), ("kinked", "trid", {}), ("kinked", "rastrigin", {}),
    ]
]  # fmt: skip


@parametrize_checks(SUBJECTS)
def test_the_built_in_problems_pass(subject, check):
    if check not in SHARED:  # these are put to test_components.py
        check(subject)


def test_no_check_of_a_problem_is_lost():
    assert {len(checks(subject)) for subject in SUBJECTS} == {10}


FUNCTIONS = [cls for cls in classes("problem") if hasattr(cls, "sides")]
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


EXPERIMENT = """
seed = 3
[problem]
name = "rosenbrock"
dimension = 3
[runs.descent]
optimizer = "lbfgs"
max_evals = 300
[runs.search]
optimizer = "one-plus-one-es"
max_evals = 300
"""


def experiment(tmp_path, text=EXPERIMENT, overrides=()):
    path = tmp_path / "banana.toml"
    path.write_text(text)
    return read_experiment(path, overrides)


def test_an_experiment_takes_a_problem_by_its_name(tmp_path):
    found = experiment(tmp_path)
    assert found.task.prepare() == "rosenbrock of 3 parameters, minimum 0"
    problem, start = found.task.subject(found.rng)
    assert start.shape == (3,)
    assert np.array_equal(start, found.task.subject(3)[1])
    assert not np.array_equal(start, found.task.subject(4)[1])
    result = found.task.run(found.plans["descent"], lambda progress: None)
    assert result.fun < 1e-8
    assert result.history.fun[0] == problem.whole.value(start)
    assert experiment(tmp_path, overrides=["problem.dimension=6"]).task.subject(3)[1].shape == (6,)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('name = "rosenbrok"', r"\[problem\] there is no problem 'rosenbrok'; did you mean 'rosenbrock'"),
        ('name = "rosenbrock"\ndimensions = 3', r"\[problem\] .*no field 'dimensions'; did you mean 'dimension'"),
        ('name = "rosenbrock"\ndimension = 1', r"\[problem\] rosenbrock: dimension is 1, but must be greater"),
        ('name = "rosenbrock"\ndata = "mnist-sample"', r"\[problem\] rosenbrock has no field 'data'"),
        ("name = 3", r"\[problem\] .* is no problem"),
        ('name = "adam"', r"there is no problem 'adam'; that is a optimizer"),
    ],
)
def test_a_wrong_problem_in_an_experiment_is_refused_with_its_table(tmp_path, line, said):
    with pytest.raises(optikit.InputError, match=said) as caught:
        experiment(tmp_path, f'[problem]\n{line}\n[runs.one]\noptimizer = "lbfgs"\nmax_evals = 9')
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_command_line_runs_and_shows_a_problem(tmp_path, monkeypatch, capsys):
    def said(*words):
        monkeypatch.setattr("sys.argv", ["optikit", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return capsys.readouterr().out

    experiment(tmp_path)
    said("run", tmp_path / "banana.toml", "--out", tmp_path / "out")
    runs = json.loads((tmp_path / "out" / "results.json").read_text())["runs"]
    assert runs["descent"]["loss"] < 1e-8 < runs["search"]["loss"]
    assert '[problem]\nname = "rosenbrock"' in said("show", "rosenbrock")
    assert "rosenbrock" in said("list", "--kind", "problem")


def test_noise_is_a_function_of_the_seed_the_point_and_the_number_of_the_question():
    x, y = np.array([0.5, 0.5]), np.array([0.5, 0.6])
    noisy = made("noisy", problem="sphere", sigma=0.1, scale="absolute")
    first, second = noisy.pose().whole, noisy.pose().whole
    one = [first.value(x), first.value(y), first.value(x)]
    # In another order, each question at a point has the noise that it had.
    other = [second.value(y), second.value(x), second.value(x)]
    assert one == [other[1], other[0], other[2]]
    assert one[0] != one[2]
    assert made("noisy", problem="sphere", sigma=0.1, scale="absolute", seed=1).pose().whole.value(x) != one[0]
    assert noisy.judge(x) == 0.5


@settings(max_examples=10)
@given(sigma=st.floats(1e-6, 0.5), scale=st.sampled_from(["relative", "absolute"]), seed=st.integers(0, 9))
def test_noise_has_the_standard_deviation_that_it_should(sigma, scale, seed):
    x = np.array([3.0, 4.0])
    posed = made("noisy", problem="sphere", sigma=sigma, scale=scale, seed=seed).pose().whole
    noise = np.array([posed.value(x) for _ in range(600)]) - 25
    size = sigma * (25 if scale == "relative" else 1)
    # Five standard errors of a mean and of a standard deviation of 600.
    assert abs(noise.mean()) < 5 * size / 600**0.5
    assert abs(noise.std() / size - 1) < 5 / 1200**0.5


def test_a_noisy_problem_has_no_gradient_of_its_own():
    noisy = made("noisy", problem="sphere")
    with pytest.raises(optikit.InputError, match="gradient"):
        optikit.minimize(noisy.pose(), [1.0, 1.0], optimizer="gradient-descent", max_steps=3)


def test_kinks_leave_the_minimizer_where_it_is():
    kinked = made("kinked", problem={"name": "rosenbrock", "dimension": 3}, weight=5.0)
    assert kinked.judge(kinked.minimizer) == kinked.minimum == 0
    up, down = (kinked.judge(kinked.minimizer + step) for step in ([1e-9, 0, 0], [-1e-9, 0, 0]))
    assert up == pytest.approx(5e-9, rel=1e-5)
    assert down == pytest.approx(5e-9, rel=1e-5)


def test_kinks_need_a_minimizer():
    with pytest.raises(optikit.InputError, match="mnist-network does not know its minimizer; choose another problem"):
        made("kinked", problem="mnist-network").pose()


def test_training_gets_somewhere():
    for name, n in (("logistic-regression", 500), ("mnist-network", 610)):
        problem = made(name)
        start = problem.start(np.random.default_rng(0))
        assert len(start) == n
        result = optikit.minimize(problem.pose(), start, optimizer="lbfgs", max_evals=150)
        assert result.fun < 0.5 * problem.judge(start)
        assert problem.pose().score(result.x).accuracy > 0.85
