"""COCO's functions are COCO's, in its own suite, in several threads and in other processes."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit

cocoex = pytest.importorskip("cocoex")

which = st.fixed_dictionaries(
    {"function": st.integers(1, 24), "dimension": st.sampled_from([2, 3, 5, 10]), "instance": st.integers(1, 15)}
)


@settings(max_examples=40)
@given(fields=which, seed=st.integers(0, 2**32 - 1))
def test_the_values_are_those_of_cocos_own_suite(fields, seed):
    problem = optikit.get("problem", "bbob", **fields)
    x = problem.start(np.random.default_rng(seed))
    options = "dimensions: {dimension} function_indices: {function} instance_indices: {instance}".format(**fields)
    suite = cocoex.Suite("bbob", "instances: 1-15", options)  # its problems end with it
    assert [problem.judge(x)] == [theirs(x) for theirs in suite]
    assert (abs(x) <= 4).all()


@settings(max_examples=40)
@given(fields=which, seed=st.integers(0, 2**32 - 1))
def test_the_minimum_is_where_coco_says(fields, seed):
    problem = optikit.get("problem", "bbob", **fields)
    assert problem.judge(problem.minimizer) == pytest.approx(problem.minimum, abs=1e-8)
    assert (abs(problem.minimizer) <= 5).all()
    start = problem.start(np.random.default_rng(seed))
    result = optikit.minimize(problem.pose(), start, optimizer="one-plus-one-es", max_evals=300, rng=seed)
    assert result.fun >= problem.minimum - 1e-8


def test_it_is_the_same_function_in_threads_and_after_a_pipe():
    problem = optikit.get("problem", "bbob", function=21, dimension=4, instance=3)
    points = np.random.default_rng(0).uniform(-5, 5, size=(400, 4))
    posed = problem.pose().whole
    here = [posed.value(x) for x in points]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(posed.value, points)) == here
    there = pickle.loads(pickle.dumps(problem.pose()))
    assert [there.whole.value(x) for x in points] == here
    result = optikit.minimize(
        problem.pose(), points[0], optimizer="random-search", max_evals=40, rng=0, workers=2, history="points"
    )
    assert [posed.value(x) for x in result.history.points] == list(result.history.fun)


def test_a_point_of_another_dimension_is_refused():
    posed = optikit.get("problem", "bbob", dimension=3).pose()
    with pytest.raises(optikit.InputError, match=r"shape \(2,\), but the dimension is 3"):
        posed.whole.value(np.zeros(2))


@pytest.mark.parametrize("fields", [{"function": 25}, {"function": 0}, {"dimension": 1}, {"instance": 0}])
def test_there_are_24_functions(fields):
    ((name, number),) = fields.items()
    with pytest.raises(optikit.InputError, match=f"{name} is {number}"):
        optikit.get("problem", "bbob", **fields)
