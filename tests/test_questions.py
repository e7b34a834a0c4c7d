"""Questions: a foreign solver asks in float64, what rounding puts outside is clipped, bounds are read when wanted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optikit import Oracle, Problem, Questions


def asking(bounds=None, dtype=np.float64, x0=(0.0, 1e-3)):
    points = []

    def fun(x):
        points.append(x.copy())
        return float(x.sum())

    x0 = np.array(x0, dtype=dtype)
    return Questions(Oracle(Problem(fun, np.ones_like, bounds), x0), x0), points


def test_what_rounding_puts_outside_is_clipped_and_what_is_further_outside_is_a_fault():
    ask, points = asking(([-1, 1e-3], [0, np.inf]))
    assert ask.bounded
    ask.value([1e-16, 1e-3 * (1 - 1e-15)])
    ask.values([[1e-16, 1e-3], [-1 - 1e-15, 2e-3]])
    ask.value_and_grad([1e-16, 1.0])
    assert np.array_equal(points, [[0.0, 1e-3], [0.0, 1e-3], [-1.0, 2e-3], [0.0, 1.0]])
    with pytest.raises(BaseException, match="a point outside the bounds was asked for"):
        ask.value([1e-9, 1.0])
    assert len(points) == 4


@given(seed=st.integers(0, 2**32 - 1))
def test_a_point_is_inside_just_when_clipping_moves_it_by_rounding_only(seed):
    rng = np.random.default_rng(seed)
    low = rng.normal(size=2) * 10.0 ** rng.integers(-3, 4)
    high = low + rng.exponential(size=2)
    x = rng.uniform(low, high)
    ask, _ = asking((low, high), x0=x)
    assert ask.contains(x)
    far = x.copy()
    far[rng.integers(2)] = rng.choice([low.min() - 0.1, high.max() + 0.1])
    assert not ask.contains(far)
    assert not ask.contains(np.array([x, far]))


def test_answers_are_float64_whatever_the_parameters():
    ask, points = asking(([0.1, -1], [0.3, 1]), np.float32, (0.2, 0.0))
    value, gradient = ask.value_and_grad(ask.x0)
    assert (ask.x0.dtype, gradient.dtype, points[0].dtype) == (np.float64, np.float64, np.float32)
    low, high = ask.bounds
    assert low.dtype == high.dtype == np.float64
    assert np.array_equal(low, np.float32(low))  # a point at a bound is inside in the dtype of the parameters too
    assert isinstance(value, float)


def test_a_capped_value_is_never_infinite():
    ask, _ = asking()
    assert ask.capped(np.array([1.0, 2.0])) == 3
    assert ask.capped(np.array([1e120, 0.0])) == ask.LARGE
    ask = Questions(Oracle(Problem(lambda x: np.nan), np.zeros(1)), np.zeros(1))
    assert ask.capped(np.zeros(1)) == ask.LARGE


def test_bounds_are_read_only_by_who_asks_for_them():
    class Noticing(Oracle):
        read = 0

        @property
        def bounds(self):
            self.read += 1
            return super().bounds

    oracle = Noticing(Problem(lambda x: 0.0, bounds=(-1, 1)), np.zeros(1))
    ask = Questions(oracle, np.zeros(1))
    ask.value(np.array([0.5]))
    ask.values(np.array([[0.5]]))
    assert oracle.read == 0
    assert ask.bounded
    assert ask.contains(np.array([1.0]))
    assert oracle.read == 1


def test_a_box_is_the_bounds_and_refuses_what_is_infinite():
    ask, _ = asking((-1, 2))
    assert np.array_equal(ask.box, [[-1, -1], [2, 2]])
    ask, points = asking(([-1, 0], np.inf))
    with pytest.raises(BaseException, match="searches a box; pass finite bounds"):
        _ = ask.box
    assert not points
