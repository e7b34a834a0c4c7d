"""The suite of problems: the same one wherever it is posed, with the gradient and the minimum that it says it has."""

from typing import Any

import numpy as np

from optikit.component import Component
from optikit.errors import UnsupportedError
from optikit.problem import Problem
from optikit.run import minimize
from optikit.testing.agreement import wrong_coordinate
from optikit.testing.check import Check
from optikit.testing.optimizers import elsewhere
from optikit.testing.subject import Subject, seeds
from optikit.testing.untouched import is_array, untouched

SEARCHES, EVALUATIONS = 3, 400
"""How many searches look for a point below the minimum, and how long each of them is."""
_NEAR = 1e-8
"""By how much a minimum may be missed, beside its own size: a minimizer is rounded, and so is the sum at it."""


def answers(component: Component, seed: int) -> list[str]:
    """Give what a problem answers along a path of its own draws, to the last bit."""
    given: Any = component
    problem, rng, found = given.pose(), np.random.default_rng(seed), list[str]()
    points = [given.start(rng) for _ in range(4)]
    for step, x in enumerate([*points, *points]):  # the second time noise may be other, but the same in all processes
        value = problem.at(step).value(x)
        found += [float(number).hex() for number in (*x, value, *(_gradient(problem.at(step), x) or ()))]
    return found


def is_the_same_each_time(subject: Subject) -> None:
    """Pose the same problem each time, whatever was asked before, in this process and in another one."""

    @subject.drawn(seed=seeds)
    def holds(seed: int) -> None:
        subject.asked += 1
        with untouched():
            first = answers(subject.component, seed)
        answers(subject.component, seed + 1)
        assert answers(subject.component, seed) == first, "it is another one when it is posed again"

    there = elsewhere.found(subject.component, 3, answers)
    assert there == answers(subject.component, 3), "it is another one in another process"


def starts_inside(subject: Subject) -> None:
    """Start inside the bounds, where the value is finite, at a point drawn from the given rng alone."""

    @subject.drawn(seed=seeds)
    def holds(seed: int) -> None:
        problem = _posed(subject)
        with untouched():
            x = subject.component.start(np.random.default_rng(seed))
        subject.note(start=x)
        assert is_array(x), f"start gives {type(x).__name__}; return an array of shape (n,)"
        assert x.ndim == 1, f"start gives an array of shape {x.shape}; return one of shape (n,)"
        assert x.dtype.kind == "f", f"start gives {x.dtype}; return floats"
        assert problem.n in (None, len(x)), f"the start has {len(x)} coordinates, and the problem {problem.n}"
        _see_inside(problem, x, "the start")
        value = problem.whole.value(x)
        assert np.isfinite(value), f"the value at the start is {value}"
        again = subject.component.start(np.random.default_rng(seed))
        assert np.array_equal(x, again), "the same rng gives another start the second time"


def has_the_gradient_of_its_values(subject: Subject) -> None:
    """Have a gradient that agrees with central differences, coordinate by coordinate, or refuse one."""

    @subject.drawn(seed=seeds)
    def holds(seed: int) -> None:
        problem, rng = _posed(subject), np.random.default_rng(seed)
        x = _around(problem, subject.component.start(rng), rng)
        subject.note(x=x)
        if _gradient(problem.whole, x) is None:
            return
        i = wrong_coordinate(problem.whole, x)
        assert i is None, f"coordinate {i} of the gradient is not the slope of the values, at {x}"


def has_its_minimum(subject: Subject) -> None:
    """Have the minimum at the minimizer, and no lower value at any point that is drawn or found by a search."""
    component = subject.component
    minimum, minimizer, problem = component.minimum, component.minimizer, _posed(subject)
    near = _NEAR * max(1.0, abs(minimum or 0.0))
    starts = [component.start(np.random.default_rng(seed)) for seed in range(SEARCHES)]
    if minimum is not None:
        assert np.isfinite(minimum), f"the minimum is {minimum}; a number, or None where nobody knows"
    if minimizer is not None:
        assert minimum is not None, "there is a minimizer but no minimum; say its value, too"
        subject.note(x=minimizer)
        assert minimizer.shape == starts[0].shape, (
            f"the minimizer has shape {minimizer.shape}, a start {starts[0].shape}"
        )
        _see_inside(problem, minimizer, "the minimizer")
        value = component.judge(minimizer)
        assert abs(value - minimum) <= near, f"at the minimizer the value is {value!r}, and the minimum {minimum!r}"
        starts.append(_around(problem, minimizer, np.random.default_rng(0)))
    for start in starts:
        # Differences, as a wrong gradient is for another check, and would lead nowhere.
        found = minimize(
            component.pose(), start, optimizer="lbfgs", gradient="central-difference", max_evals=EVALUATIONS,
            on_error="penalise",
        )  # fmt: skip
        for x in (start, found.x):
            subject.note(x=x)
            value = component.judge(x)
            assert minimum is None or value >= minimum - near, f"the value is {value!r} at {x}, below {minimum!r}"


def judges_the_same(subject: Subject) -> None:
    """Judge a point the same each time, by a finite number without noise, and leave the point as it is."""

    @subject.drawn(seed=seeds)
    def holds(seed: int) -> None:
        problem, rng = _posed(subject), np.random.default_rng(seed)
        x = subject.component.start(rng)
        subject.note(x=x)
        with untouched(point=x):
            first = subject.component.judge(x)
        problem.whole.value(x)
        assert isinstance(first, float), f"judge gives {type(first).__name__}; return a float"
        assert np.isfinite(first), f"judge gives {first}"
        assert subject.component.judge(x) == first, "it judges the same point otherwise the second time"


CHECKS = [
    Check(name="same", holds=is_the_same_each_time),
    Check(name="start", holds=starts_inside),
    Check(name="gradient", holds=has_the_gradient_of_its_values),
    Check(name="minimum", holds=has_its_minimum),
    Check(name="judge", holds=judges_the_same),
]


def _posed(subject: Subject) -> Problem:
    subject.asked += 1
    problem: Any = subject.component.pose()
    assert isinstance(problem, Problem), f"pose gives {type(problem).__name__}; return an optikit.Problem"
    return problem


def _gradient(objective: Any, x: Any) -> Any:
    """Give the exact gradient; None where there is none."""
    try:
        return objective.value_and_grad(x)[1].tolist()
    except UnsupportedError:
        return None


def _around(problem: Problem, x: Any, rng: np.random.Generator) -> Any:
    """Draw a point near another one, inside the bounds, as a start may be the same for all seeds."""
    moved = x * (1 + 0.1 * rng.normal(size=len(x))) + 0.1 * rng.normal(size=len(x))
    return np.clip(moved, *problem.bounds(len(x))).astype(x.dtype)


def _see_inside(problem: Problem, x: Any, what: str) -> None:
    low, high = problem.bounds(len(x))
    assert np.isfinite(x).all(), f"{what} is not finite: {x}"
    assert ((low <= x) & (x <= high)).all(), f"{what} is outside the bounds: {x}"
