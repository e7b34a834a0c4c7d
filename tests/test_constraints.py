"""Constraints: what solvers are told, what the accounts keep, and what a user is told.

What is right is computed here by other means: by trying all active sets of a quadratic program, and by a function that
watches what is asked.
"""

import itertools
import json
import math
import os
import signal
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from drawn import classes
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit import (
    InputError,
    LinearConstraint,
    NonlinearConstraint,
    ObjectiveError,
    Solver,
    Stop,
    StopReason,
    UnsupportedError,
)
from optikit.cli import main

optimize = pytest.importorskip("scipy.optimize")

SOLVERS = ["scipy-cobyla", "scipy-cobyqa", "scipy-slsqp", "scipy-trust-constr"]
INSIDE = ["scipy-cobyqa", "scipy-slsqp", "scipy-trust-constr"]
"""Those that take bounds, too."""
TOL = 1e-6

every = pytest.mark.parametrize("name", SOLVERS)
seeds = st.integers(0, 2**32 - 1)


class Program:
    """A seeded strictly convex quadratic program with a feasible point; it notes where it was asked."""

    def __init__(self, seed, n=3, m=3, equalities=0):
        rng = np.random.default_rng(seed)
        root = rng.normal(size=(n, n))
        self.hessian, self.slope = root @ root.T + np.eye(n), 3 * rng.normal(size=n)
        self.matrix, feasible = rng.normal(size=(m, n)), rng.uniform(-1, 1, n)
        middle = self.matrix @ feasible
        self.lower = middle - rng.uniform(0.1, 1, m)
        self.upper = np.where(rng.random(m) < 0.5, np.inf, middle + rng.uniform(0.1, 1, m))
        self.lower[:equalities] = self.upper[:equalities] = middle[:equalities]
        self.x0, self.points, self.values = rng.uniform(-1, 1, n), [], []

    @property
    def linear(self):
        return LinearConstraint(self.matrix, self.lower, self.upper)

    def __call__(self, x):
        self.points.append(x.copy())
        self.values.append(float(x @ self.hessian @ x / 2 + self.slope @ x))
        x[:] = np.nan  # what an objective may do
        return self.values[-1]

    def gradient(self, x):
        return self.hessian @ x + self.slope

    def violation(self, x):
        rows = self.matrix @ x
        return float(max((self.lower - rows).max(), (rows - self.upper).max(), 0))

    def minimum(self):
        """Try every set of rows that may be active: the lowest of the feasible stationary points."""
        n, found = len(self.slope), []
        sides = [{low, high} - {-np.inf, np.inf} for low, high in zip(self.lower, self.upper, strict=True)]
        choices = [[*side] if low == high else [None, *side]
                   for side, low, high in zip(sides, self.lower, self.upper, strict=True)]  # fmt: skip
        for chosen in itertools.product(*choices):
            active = [i for i, side in enumerate(chosen) if side is not None]
            if len(active) <= n:
                rows = self.matrix[active]
                system = np.block([[self.hessian, rows.T], [rows, np.zeros((len(active), len(active)))]])
                x = np.linalg.solve(system, [*-self.slope, *(chosen[i] for i in active)])[:n]
                if self.violation(x) <= 1e-9:
                    found.append((x @ self.hessian @ x / 2 + self.slope @ x, x))
        return min(found, key=lambda pair: pair[0])

    def best(self, violation=None, tol=TOL):
        """Say what the result shall be: value, point and violation of the best point that was asked for."""
        judged = [(violation or self.violation)(x) for x in self.points]
        ranks = [(v if v > tol else 0.0, value) for v, value in zip(judged, self.values, strict=True)]
        i = ranks.index(min(ranks))
        return self.values[i], self.points[i], judged[i]


def minimize(name, program, constraints, **arguments):
    given = {"gradient": program.gradient, "check_gradient": False, "max_evals": 2000, "x0": program.x0}
    return optikit.minimize(program, optimizer=name, constraints=constraints, **{**given, **arguments})


# What solvers find


@every
@given(seed=seeds, equalities=st.integers(0, 2), nonlinear=st.booleans(), slopes=st.booleans())
@settings(max_examples=12)
def test_a_quadratic_program_ends_at_its_minimum(name, seed, equalities, nonlinear, slopes):
    program = Program(seed, equalities=equalities)
    constraint = program.linear
    if nonlinear:
        constraint = NonlinearConstraint(
            lambda x: program.matrix @ x, program.lower, program.upper, (lambda x: program.matrix) if slopes else None
        )
    tight = {"scipy-cobyla": {"tol": 1e-6}, "scipy-slsqp": {"ftol": 1e-10}}.get(name, {})
    result = minimize(optikit.get("optimizer", name, **tight), program, [constraint])
    lowest, x = program.minimum()
    assert result.violation <= TOL
    # Trust-constr stops at a barrier in front of the constraints.
    assert abs(result.fun - lowest) <= 1e-3 * (1 + abs(lowest))
    assert abs(result.x - x).max() <= 0.05


@every
@pytest.mark.parametrize("given_gradient", [True, False])
@pytest.mark.parametrize("equality", [True, False])
def test_a_curved_constraint_holds_at_the_end(name, given_gradient, equality):
    gradient = (lambda x: 2 * x) if given_gradient else None
    ball = NonlinearConstraint(lambda x: x @ x, 1.0 if equality else -np.inf, 1.0, gradient)
    target = np.array([2.0, 1.0])
    for x0 in ([0.1, 0.2], [-2.0, 3.0]):  # feasible or not
        result = optikit.minimize(
            lambda x: ((x - target) ** 2).sum(), x0, optimizer=name, gradient=lambda x: 2 * (x - target),
            constraints=ball, max_evals=2000,
        )  # fmt: skip
        assert result.success, result
        assert result.violation <= TOL
        assert abs(result.x - target / np.sqrt(5)).max() <= 1e-3


@every
def test_constraints_that_contradict_each_other_are_no_success(name):
    program = Program(0)
    result = minimize(name, program, [LinearConstraint([1, 1, 1], 1.0), LinearConstraint([1, 1, 1], upper=0.0)])
    assert not result.success
    assert "No point that was evaluated satisfies the constraints" in result.message
    assert result.violation >= 0.5 - 1e-9  # the least that is possible
    assert "constraints violated by" in str(result)
    assert result.history.steps["best"].tolist() in ([], [math.inf])


# What the accounts keep


def accounts(result, program, violation=None, tol=TOL):
    fun, x, violated = program.best(violation, tol)
    assert result.fun == fun
    assert np.array_equal(result.x, x)
    assert result.violation == violated
    assert result.nfev == len(program.values)
    feasible = [(violation or program.violation)(point) <= tol for point in program.points]
    best = np.minimum.accumulate(np.where(feasible, program.values, np.inf))
    assert np.array_equal(result.history.best, best)


@every
@given(
    seed=seeds, max_evals=st.integers(1, 60), equalities=st.integers(0, 1), tol=st.sampled_from([0.0, TOL, 0.1]),
    by_differences=st.booleans(), nonlinear=st.booleans(),
)  # fmt: skip
@settings(max_examples=25)
def test_the_best_feasible_point_seen_is_returned_bitwise(
    name, seed, max_evals, equalities, tol, by_differences, nonlinear
):
    program = Program(seed, equalities=equalities)
    constraint = program.linear
    if nonlinear:
        constraint = NonlinearConstraint(lambda x: program.matrix @ x, program.lower, program.upper)
    gradient = "central-difference" if by_differences else program.gradient
    result = minimize(name, program, [constraint], gradient=gradient, max_evals=max_evals, feasibility_tol=tol)
    accounts(result, program, tol=tol)
    assert result.success <= (result.violation <= tol)


def test_the_best_column_is_infinite_until_a_feasible_point_was_seen():
    class Walking(optikit.Optimizer):
        """Goes from 3 down to 0."""

        name = "walking"

        def init(self, x0, rng):
            return optikit.State(x=x0)

        def step(self, oracle, state):
            assert oracle.constraints.lower.tolist() == [-math.inf]
            oracle.value(state.x)
            return optikit.State(x=state.x - 1, stop=Stop(True, "There.") if state.x[0] == 0 else None)

    seen = []
    result = optikit.minimize(
        lambda x: -x[0], [3.0], optimizer=Walking(), constraints=[LinearConstraint([1.0], upper=1.5)],
        callback=lambda progress: seen.append(progress.best),
    )  # fmt: skip
    assert seen == result.history.steps["best"].tolist() == [math.inf, math.inf, -1.0, -1.0]
    assert result.history.best.tolist() == [math.inf, math.inf, -1.0, -1.0]
    assert (result.x[0], result.fun, result.violation) == (1.0, -1.0, 0.0)


class At(Solver):
    """Asks at the points it is given, and recommends the last one."""

    name = "at"
    points: tuple[float, ...]

    def solve(self, oracle, x0, rng):
        assert oracle.constraints is not None
        for x in self.points:
            oracle.value(np.array([x]))
        return np.array([self.points[-1]]), Stop(True, "Arrived.")


def test_who_arrives_where_a_constraint_is_violated_has_no_success_but_the_best_feasible_point():
    result = optikit.minimize(
        lambda x: x[0], [1.0], optimizer=At(points=(2.0, 0.5, -1.0)), constraints=LinearConstraint(1.0, lower=0.0)
    )
    assert (result.x[0], result.violation, result.success) == (0.5, 0.0, False)
    assert result.reason is StopReason.FAILED
    assert "Arrived. It arrived where a constraint is violated by 1; x is the best feasible point" in result.message


@given(
    points=st.lists(st.integers(-8, 8).map(lambda i: i / 8), min_size=1, max_size=8), tol=st.sampled_from([0.0, 0.3])
)
def test_of_points_that_are_not_feasible_the_least_violating_is_the_best(points, tol):
    result = optikit.minimize(
        lambda x: x[0], [0.0], optimizer=At(points=tuple(points)), constraints=LinearConstraint([[1.0]], lower=2.0),
        feasibility_tol=tol,
    )  # fmt: skip
    assert result.x[0] == max(points)
    assert result.violation == 2.0 - max(points)
    assert not result.success


@every
@given(seed=seeds)
@settings(max_examples=10)
def test_a_constraint_is_called_once_for_each_point(name, seed):
    program, asked = Program(seed), []

    def rows(x):
        asked.append(x.tobytes())
        return program.matrix @ x

    constraint = NonlinearConstraint(rows, program.lower, program.upper, lambda x: program.matrix)
    minimize(name, program, [constraint], max_evals=100)
    assert len(asked) == len(set(asked)) > 0


def test_answers_are_forgotten_before_they_fill_the_memory():
    n, asked = 5_000, []
    problem = optikit.Problem(lambda x: 0.0, constraints=NonlinearConstraint(lambda x: asked.append(1) or x[0], 0.0))
    constraints = optikit.Oracle(problem, np.zeros(n)).constraints
    for i in range(100):
        constraints.values(np.full(n, float(i)))
    assert len(asked) == 100
    constraints.values(np.full(n, 99.0))
    assert len(asked) == 100
    constraints.values(np.zeros(n))
    assert len(asked) == 101


# Gradients


def rows(x):
    return np.array([np.sin(x[0]) * x[1], np.exp(x[1] / 2), x[0] ** 2 - x[1]])


def slopes(x):
    return np.array([[np.cos(x[0]) * x[1], np.sin(x[0])], [0.0, np.exp(x[1] / 2) / 2], [2 * x[0], -1.0]])


@given(
    place=st.tuples(st.floats(-2, 2), st.floats(-2, 2)),
    width=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    share=st.tuples(st.sampled_from([0.0, 1e-9, 0.5, 1.0]), st.sampled_from([0.0, 1e-6, 0.5, 1.0])),
)
def test_a_jacobian_by_differences_is_right_and_asks_inside_the_bounds_only(place, width, share):
    low = np.array(place)
    high = low + width
    x, asked = np.clip(low + np.array(share) * width, low, high), []
    curved = NonlinearConstraint(lambda x: asked.append(x.copy()) or rows(x), -1.0)
    problem = optikit.Problem(lambda x: 0.0, bounds=(low, high), constraints=[curved, LinearConstraint([1.0, 2.0], 0)])
    constraints = optikit.Oracle(problem, x).constraints
    jacobian = constraints.jacobian(x)
    assert all((low <= point).all() and (point <= high).all() for point in asked)
    free = high > low
    # A step of h = 6e-6 leaves truncation of h² and rounding of eps / h; less room makes it eps / room.
    room = np.where(free, np.minimum(1e-5, width), 1)
    error = abs(jacobian[:3] - slopes(x)) * room
    assert (error[:, free] <= 1e-14 + 1e-9 * room[free]).all()
    assert not jacobian[:3, ~free].any()
    assert jacobian[3].tolist() == [1.0, 2.0]
    assert constraints.linear.tolist() == [False, False, False, True]
    assert constraints.lower.tolist() == [-1.0, -1.0, -1.0, 0.0]
    assert constraints.matrix.tolist() == [[1.0, 2.0]]


@every
@given(seed=seeds)
@settings(max_examples=8)
def test_constraints_are_asked_inside_the_bounds(name, seed):
    program = Program(seed)
    if name not in INSIDE:
        return
    low, high = program.x0 - 0.3, program.x0 + np.random.default_rng(seed).uniform(0, 1, 3)
    asked = []
    curved = NonlinearConstraint(lambda x: asked.append(x.copy()) or program.matrix @ x, program.lower, program.upper)
    minimize(name, program, [curved], bounds=(low, high), max_evals=60)
    assert all((low <= x).all() and (x <= high).all() for x in [*asked, *program.points])
    assert asked


def test_where_a_method_leaves_the_bounds_constraints_are_asked_inside():
    from optikit_scipy.constrained import between, signed

    from optikit import Questions

    asked = []
    curved = NonlinearConstraint(lambda x: asked.append(x.copy()) or x @ x, upper=1.0, gradient=lambda x: 2 * x)
    problem = optikit.Problem(lambda x: 0.0, bounds=(-1, 1), constraints=curved)
    ask = Questions(optikit.Oracle(problem, np.zeros(2)), np.zeros(2))
    assert ask.bounded
    assert signed(ask, equalities=True)["constraints"][0]["fun"](np.array([3.0, 0.0])).tolist() == [0.0]
    assert between(ask)["constraints"][0].fun(np.array([0.0, -3.0])).tolist() == [1.0]
    assert max(abs(x).max() for x in asked) == 1.0


def test_answers_of_every_allowed_form_are_numbers():
    problem = optikit.Problem(
        lambda x: 0.0,
        constraints=[
            NonlinearConstraint(lambda x: 1, 0.0, gradient=lambda x: [3, 4]),
            NonlinearConstraint(lambda x: [2.0, 3.0], [0.0, -np.inf], 5.0, gradient=lambda x: np.ones((2, 2), "f4")),
            NonlinearConstraint(lambda x: np.float32(4), 0.0, gradient=lambda x: np.array([[5.0, 6.0]])),
        ],
    )
    constraints = optikit.Oracle(problem, np.zeros(2)).constraints
    values, jacobian = constraints.values(np.ones(2)), constraints.jacobian(np.ones(2))
    assert values.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert jacobian.tolist() == [[3, 4], [1, 1], [1, 1], [5, 6]]
    assert {values.dtype, jacobian.dtype} == {np.dtype(np.float64)}
    values[:], jacobian[:] = np.nan, np.nan  # what a solver may do
    assert constraints.values(np.ones(2)).tolist() == [1.0, 2.0, 3.0, 4.0]
    assert np.isfinite(constraints.jacobian(np.ones(2))).all()


# What users' functions may do


def holed(program, away):
    return lambda x: np.nan if (x - program.x0) @ away > away @ away / 2 else 0.0


@every
def test_nan_is_not_feasible_and_no_obstacle(name):
    program = Program(1)
    away = -np.linalg.solve(program.hessian, program.slope) - program.x0
    # No method gets away from NaN at the start, and all want to go where it is.
    result = minimize(name, program, [NonlinearConstraint(holed(program, away), upper=0.5, gradient=lambda x: 0 * x)],
                      max_evals=200)  # fmt: skip

    def violation(x):
        return math.inf if math.isnan(holed(program, away)(x)) else 0.0

    assert any(violation(x) for x in program.points)
    accounts(result, program, violation)
    assert result.violation == 0.0


@every
def test_nan_everywhere_is_no_success(name):
    program = Program(1)
    result = minimize(name, program, [NonlinearConstraint(lambda x: np.nan, 0.0)], max_evals=100)
    assert not result.success
    assert result.violation == math.inf
    assert result.fun == min(program.values)


@every
@pytest.mark.parametrize("error", [ValueError, StopIteration, np.linalg.LinAlgError, SystemExit])
@pytest.mark.parametrize("where", ["fun", "gradient"])
def test_what_a_constraint_raises_ends_the_run_with_the_partial_result(name, error, where):
    program, calls = Program(2), []

    def fails(x):
        calls.append(1)
        if len(calls) == 4:
            raise error("the gauge is unplugged")
        return program.matrix @ x if where == "fun" else program.matrix

    given = {"fun": lambda x: program.matrix @ x, "gradient": lambda x: program.matrix, where: fails}
    constraint = NonlinearConstraint(lower=program.lower, upper=program.upper, **given)
    if where == "gradient" and name in ("scipy-cobyla", "scipy-cobyqa"):
        assert minimize(name, program, [constraint]).success
        assert not calls
        return
    with pytest.raises(error, match="unplugged") as caught:
        minimize(name, program, [constraint])
    result = caught.value.result
    assert len(calls) == 4
    assert result.reason is StopReason.ERROR
    assert result.nfev == len(program.values) > 0
    # The constraint of the last point is what failed.
    assert result.fun in program.values


@every
def test_ctrl_c_in_a_constraint_returns_what_was_found(name):
    program, calls = Program(2), []

    def interrupted(x):
        calls.append(1)
        if len(calls) == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return program.matrix @ x

    result = minimize(name, program, [NonlinearConstraint(interrupted, program.lower, program.upper)])
    assert result.reason is StopReason.INTERRUPTED
    assert result.nfev == len(program.values)


@every
def test_a_constraint_may_overwrite_and_keep_its_argument(name):
    def found(spoil):
        program = Program(3)

        def fun(x):
            answer = program.matrix @ x
            if spoil:
                x[:] = np.nan
            return answer

        def gradient(x):
            if spoil:
                x[:] = np.nan
            return program.matrix

        spoiling = NonlinearConstraint(fun, program.lower, program.upper, gradient)
        behind = NonlinearConstraint(lambda x: x @ x, upper=9.0, gradient=lambda x: 2 * x)
        return minimize(name, program, [spoiling, behind]), program

    (clean, asked), (spoilt, asked_too) = found(False), found(True)
    assert np.array_equal(asked.points, asked_too.points)
    assert (clean.fun, clean.violation) == (spoilt.fun, spoilt.violation)


def test_a_constraint_that_reuses_its_buffer_changes_nothing():
    buffer = np.zeros(2)

    def fun(x):
        buffer[:] = x
        return buffer

    problem = optikit.Problem(lambda x: 0.0, constraints=NonlinearConstraint(fun, 0.0))
    constraints = optikit.Oracle(problem, np.zeros(2)).constraints
    first = constraints.values(np.ones(2))
    constraints.values(np.full(2, 7.0))
    assert first.tolist() == constraints.values(np.ones(2)).tolist() == [1.0, 1.0]


def test_time_is_up_for_constraints_too():
    program = Program(4)

    class Waiting(Solver):
        """Asks constraints only."""

        name = "waiting"

        def solve(self, oracle, x0, rng):
            for i in itertools.count():
                oracle.constraints.values(x0 + i)

    result = minimize(Waiting(), program, [program.linear], max_seconds=0.05, max_evals=None)
    assert result.reason is StopReason.MAX_SECONDS
    assert result.nfev == 0


@every
def test_single_precision_stays_what_it_is(name):
    program, seen = Program(5), set()
    program.x0 = program.x0.astype(np.float32)
    curved = NonlinearConstraint(lambda x: seen.add(x.dtype) or program.matrix @ x, program.lower, program.upper)
    result = minimize(name, program, [curved, program.linear], max_evals=60, feasibility_tol=1e-4)
    assert seen == {np.dtype(np.float32)} == {point.dtype for point in program.points} == {result.x.dtype}


# Who does not take them


OTHERS = [
    cls.name for cls in classes("optimizer") if cls.__module__.startswith(("optikit_optimizers", "optikit_scipy"))
]


@pytest.mark.parametrize("name", sorted(set(OTHERS) - set(SOLVERS)))
def test_an_optimizer_that_does_not_honour_constraints_is_refused(name):
    program, calls = Program(6), []
    within = {"optimizer": "gradient-descent"} if name in ("averaging", "lookahead", "multistart") else {}
    optimizer = optikit.get("optimizer", name, **within)
    constraint = NonlinearConstraint(lambda x: calls.append(1) or x[0], 0.0)
    demands = set()
    for bounds in (None, (-2.0, 2.0)):  # some need them, and some do not take them
        with pytest.raises(InputError) as caught:
            minimize(optimizer, program, [constraint], bounds=bounds)
        demands.add(getattr(caught.value, "demand", None))
        assert not program.points
        assert not calls
        assert caught.value.result.nfev == 0
    assert "constraints" in demands


class Ignoring(Solver):
    """Goes its way, as a wrapper of a library without constraints."""

    name = "ignoring"

    def solve(self, oracle, x0, rng):
        for size in (1.0, 0.5):
            oracle.value(np.clip(x0 - size, *oracle.bounds))
        return x0, Stop(True, "Done.")


def test_who_ignores_constraints_is_refused_before_anything_is_evaluated():
    program = Program(7)
    with pytest.raises(UnsupportedError, match="constraints") as caught:
        minimize(Ignoring(), program, [program.linear], check_gradient=True)
    assert not program.points
    assert caught.value.demand == "constraints"


def test_constraints_are_not_asked_of_who_has_not_read_the_bounds():
    asked = []

    class Unbounded(Solver):
        """Honours constraints and knows no bounds."""

        name = "unbounded"

        def solve(self, oracle, x0, rng):
            oracle.constraints.values(x0 + 9)
            return x0, Stop(True, "Done.")

    with pytest.raises(UnsupportedError, match="bounds"):
        optikit.minimize(
            lambda x: 0.0, [0.0], optimizer=Unbounded(), bounds=(-1, 1),
            constraints=NonlinearConstraint(lambda x: asked.append(x[0]) or x[0], 0.0),
        )  # fmt: skip
    assert asked == [0.0]  # the start point, to see how many numbers there are


# Compositions


@every
@given(seed=seeds)
@settings(max_examples=5)
def test_multistart_ends_at_the_best_feasible_of_its_starts(name, seed):
    program = Program(seed)
    if name not in INSIDE:
        return
    multistart = optikit.get("optimizer", "multistart", optimizer=name, starts=3)
    result = minimize(multistart, program, [program.linear], bounds=(program.x0 - 3, program.x0 + 3), rng=seed)
    accounts(result, program)
    assert result.success


def test_multistart_prefers_a_feasible_end_to_a_lower_value():
    class There(Solver):
        """Arrives where it starts."""

        name = "there"

        def solve(self, oracle, x0, rng):
            assert oracle.constraints is not None
            assert oracle.bounded
            return x0, Stop(bool(np.isfinite(oracle.value(x0))), "There.")

    multistart = optikit.get("optimizer", "multistart", optimizer=There(), starts=5)
    result = optikit.minimize(
        lambda x: x[0], [0.9], optimizer=multistart, bounds=(-1, 1), constraints=LinearConstraint(1.0, 0.5), rng=0
    )
    assert result.success
    assert result.violation == 0.0


@pytest.mark.parametrize("outer", ["averaging", "lookahead"])
def test_other_compositions_hand_constraints_to_their_optimizer(outer):
    program = Program(8)
    # Whoever takes constraints is a solver, and goes in steps only from start to start.
    once = {"name": "multistart", "optimizer": "scipy-slsqp", "starts": 1}
    optimizer = optikit.get("optimizer", outer, optimizer=once)
    result = minimize(optimizer, program, [program.linear])
    assert result.success
    accounts(result, program)


# What users write


def test_structured_parameters_are_constrained_in_their_own_words():
    x0 = {"w": np.array([[0.5, 0.2], [0.1, 0.4]]), "b": 1.0}

    def fun(p):
        return (p["w"] ** 2).sum() + (p["b"] - 3) ** 2

    def total(p):
        assert p["w"].shape == (2, 2)
        return [p["w"].sum(), p["b"]]

    def gradient(p):
        return {"w": np.array([np.ones((2, 2)), np.zeros((2, 2))]), "b": np.array([0.0, 1.0])}

    forms = [
        [NonlinearConstraint(total, [4.0, -np.inf], [np.inf, 2.0], gradient)],
        [NonlinearConstraint(total, [4.0, -np.inf], [np.inf, 2.0])],
        [LinearConstraint(gradient(x0), [4.0, -np.inf], [np.inf, 2.0])],
        [LinearConstraint({"w": np.ones((2, 2))}, 4.0), LinearConstraint({"b": 1.0}, upper=2.0)],
        [LinearConstraint({"w": [[[1, 1], [1, 1]]]}, 4.0), LinearConstraint({"b": [[1.0]]}, upper=2.0)],
        [LinearConstraint({"w": [[1, 1, 1, 1]]}, 4.0),
         NonlinearConstraint(lambda p: p["b"], upper=2.0, gradient=lambda p: {"b": 1.0})],
    ]  # fmt: skip
    for constraints in forms:
        result = optikit.minimize(fun, x0, optimizer="scipy-slsqp", gradient="central-difference",
                                  constraints=constraints)  # fmt: skip
        assert result.success
        assert abs(result.x["w"] - 1).max() < 1e-5
        assert abs(result.x["b"] - 2) < 1e-5


def test_arrays_and_lists_of_any_shape_are_constrained():
    for x0, matrix in [
        (np.zeros((2, 2)), [[1, 1, 1, 1]]), (np.zeros((2, 2)), np.ones((1, 2, 2))), (np.zeros((2, 2)), np.ones((2, 2))),
        ([np.zeros(2), np.zeros(2)], [[1, 1], [1, 1]]), ([np.zeros(2), np.zeros(2)], [[[1, 1]], [[1, 1]]]),
    ]:  # fmt: skip
        result = optikit.minimize(
            lambda x: sum((np.asarray(part) ** 2).sum() for part in x), x0, optimizer="scipy-slsqp",
            gradient="central-difference", constraints=LinearConstraint(matrix, lower=4.0),
        )  # fmt: skip
        assert abs(np.ravel(result.x) - 1).max() < 1e-5


@every
def test_scipys_own_objects_and_dicts_are_taken(name):
    forms = [
        [optimize.LinearConstraint([[1, 1]], 1, 1)],
        [optimize.NonlinearConstraint(lambda x: x.sum(), 1, 1)],
        [optimize.NonlinearConstraint(lambda x: x.sum(), 1, 1, jac=lambda x: np.ones(2))],
        [{"type": "eq", "fun": lambda x, s: x.sum() - s, "args": (1.0,)}],
        [{"type": "eq", "fun": lambda x: x.sum() - 1, "jac": lambda x: np.ones(2)}],
        [{"type": "ineq", "fun": lambda x: x.sum() - 1}, {"type": "ineq", "fun": lambda x: 1 - x.sum()}],
    ]
    for constraints in forms:
        result = optikit.minimize(lambda x: x @ x, [1.0, 3.0], optimizer=name, gradient=lambda x: 2 * x,
                                  constraints=constraints)  # fmt: skip
        assert abs(result.x - 0.5).max() < 1e-3
        assert result.success


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: LinearConstraint([1, 2]), "neither lower nor upper is finite"),
        (
            lambda: LinearConstraint(np.array([1, 2]), 2.0, 1.0),
            r"LinearConstraint\(array\(\[1, 2\]\), \.\.\.\): lower is 2 and upper 1 in row 0; swap them",
        ),
        (lambda: LinearConstraint(np.eye(9), 2.0, 1.0), r"LinearConstraint\(array.*, \.\.\.\): lower is 2 and upper 1"),
        (lambda: NonlinearConstraint(np.linalg.norm, 2.0, 1.0), r"NonlinearConstraint\(norm, \.\.\.\): lower is 2"),
        (lambda: LinearConstraint([1, 2], [0.0, 3.0], [1.0, 2.0]), "lower is 3 and upper 2 in row 1"),
        (lambda: LinearConstraint([1, 2], np.nan), "lower or upper is NaN; use -inf and inf"),
        (lambda: LinearConstraint([1, 2], np.inf, np.inf), "which nothing satisfies"),
        (lambda: LinearConstraint([1, 2], "low"), "do not fit; pass a number or an array"),
        (lambda: LinearConstraint([1, 2], [0, 0], [1, 1, 1]), "do not fit; pass a number or an array"),
        (lambda: LinearConstraint([1, 2], [[0]], 1), "do not fit; pass a number or an array"),
        (lambda: NonlinearConstraint(3.0, 0.0), "NonlinearConstraint: fun is 3.0, which cannot be called"),
        (lambda: NonlinearConstraint(sum, 0.0, gradient="2-point"), "gradient is '2-point', which cannot be called"),
    ],
)
def test_a_wrong_constraint_is_refused_where_it_is_made(make, said):
    with pytest.raises(InputError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("constraints", "said"),
    [
        ([LinearConstraint([1, 2, 3], 0.0)], r"constraints\[0\]: A has shape \(3,\); pass numbers of shape \(m, 2\)"),
        ([LinearConstraint(np.ones((2, 2, 2)), 0.0)], r"A has shape \(2, 2, 2\); pass numbers"),
        ([LinearConstraint(np.ones((0, 2)), 0.0)], r"A has shape \(0, 2\)"),
        ([LinearConstraint([[1], [1, 2]], 0.0)], "A is no array of numbers"),
        ([LinearConstraint([1, np.nan], 0.0)], "A has numbers that are not finite"),
        ([LinearConstraint(np.ones((3, 2)), [0.0, 1.0])], r"constraints\[0\] has 3 rows, but 2 bounds"),
        ([LinearConstraint([1, 2], 0.0), 7], r"constraints\[1\] is 7; pass LinearConstraint"),
        ([optimize.Bounds(0, 1)], r"constraints\[0\] is Bounds.*; pass LinearConstraint"),
        (
            [LinearConstraint([1, 2], 0.0), optimize.LinearConstraint([1, 2], 2, 1)],
            r"constraints\[1\]: LinearConstraint\(.*\): lower is 2 and upper 1 in row 0; swap them",
        ),
        ([{"type": "equality", "fun": sum}], r"constraints\[0\] is \{.*; pass LinearConstraint"),
        ([{"type": "eq", "fun": None}], r"constraints\[0\]: NonlinearConstraint: fun is None"),
        (NonlinearConstraint(lambda x: x, [0, 1, 2]), r"constraints\[0\] has 2 rows, but 3 bounds"),
        (NonlinearConstraint(lambda x: "no", 0), r"constraints\[0\] gave 'no'; it must return real numbers"),
        (NonlinearConstraint(lambda x: x[0] > 0, 0), "it must return real numbers"),
        (NonlinearConstraint(lambda x: 1j, 0), "it must return real numbers"),
        (NonlinearConstraint(lambda x: [1.0, [2.0, 3.0]], 0), r"constraints\[0\] is a ragged list"),
        (NonlinearConstraint(lambda x: None, 0), "it must return real numbers"),
        (NonlinearConstraint(lambda x: np.ma.masked_less(x, 1), 0), "it must return real numbers"),
        (NonlinearConstraint(lambda x: [], 0), "return a number or an array"),
        (NonlinearConstraint(lambda x: np.eye(2), 0), r"array of shape \(2, 2\); return a number or an array"),
    ],
)
@pytest.mark.parametrize("name", ["scipy-slsqp", "scipy-cobyqa"])
def test_a_constraint_that_does_not_fit_is_refused_before_anything_is_evaluated(name, constraints, said):
    calls = []
    with pytest.raises((InputError, ObjectiveError), match=said) as caught:
        optikit.minimize(lambda x: calls.append(1) or 0.0, [0.0, 0.0], optimizer=name,
                         gradient=lambda x: 0 * x, check_gradient=False, constraints=constraints)  # fmt: skip
    assert not calls
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("gradient", "said"),
    [
        (lambda x: [1.0], r"the gradient of constraints\[0\] has shape \(1, 1\), and must have \(1, 2\)"),
        (lambda x: [[1.0, 2.0]] * 3, r"has shape \(3, 2\), and must have \(1, 2\)"),
        (lambda x: [1.0, np.inf], "is not finite where its value is"),
        (lambda x: None, r"the gradient of constraints\[0\] gave None"),
    ],
)
def test_a_wrong_gradient_of_a_constraint_says_so(gradient, said):
    with pytest.raises(ObjectiveError, match=said):
        minimize("scipy-slsqp", Program(0, n=2, m=1), NonlinearConstraint(lambda x: x[0], 0.0, gradient=gradient))


def test_a_constraint_keeps_its_number_of_rows():
    growing = NonlinearConstraint(lambda x: np.zeros(1 + (x[0] != 0)), 0.0)
    problem = optikit.Problem(lambda x: 0.0, constraints=growing)
    constraints = optikit.Oracle(problem, np.zeros(2)).constraints
    with pytest.raises(BaseException, match="gave 2 numbers, and 1 at the start point"):
        constraints.values(np.ones(2))


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        ({}, "must be a dict with some of the keys"),
        ({"v": [1, 1]}, r"constraints\[0\]: A has the key 'v', which x0 has not; known are b, w"),
        ({"w": [1, 1], "ww": [1, 1]}, r"constraints\[0\]: A has the key 'ww', which x0 has not; did you mean 'w'"),
        ([[1, 1, 1]], r"constraints\[0\]: A must be a dict with some of the keys \['w', 'b'\]"),
        ({"w": [1, 1, 1]}, r"A\['w'\] has shape \(3,\), and must have"),
        ({"w": [[1, 1], [1, 1]], "b": [1.0]}, r"the same number of rows everywhere, not \[2, 1\]"),
        ({"w": [[1], [1, 1]]}, r"A\['w'\] is a ragged list"),
    ],
)
def test_a_matrix_of_another_structure_is_refused(matrix, said):
    calls = []
    with pytest.raises(InputError, match=said):
        optikit.minimize(
            lambda p: calls.append(1) or 0.0, {"w": np.zeros(2), "b": 0.0}, optimizer="scipy-cobyla",
            constraints=LinearConstraint(matrix, 0.0),
        )  # fmt: skip
    assert not calls


@pytest.mark.parametrize("tol", [-1e-9, np.nan, np.inf, "tight"])
def test_a_tolerance_is_a_finite_number_of_at_least_0(tol):
    with pytest.raises(InputError, match=r"feasibility_tol is .*; pass a finite number of at least 0"):
        optikit.Problem(lambda x: 0.0, constraints=LinearConstraint([1.0], 0.0), feasibility_tol=tol)


def test_a_problem_has_its_constraints_and_takes_no_others():
    program = Program(9)
    problem = optikit.Problem(program, program.gradient, None, [program.linear], 1e-3)
    result = optikit.minimize(problem, program.x0, optimizer="scipy-slsqp", check_gradient=False)
    accounts(result, program, tol=1e-3)
    for given_too in ({"constraints": [program.linear]}, {"feasibility_tol": 1e-3}):
        with pytest.raises(InputError, match=f"which has its own {next(iter(given_too))}; pass it to the Problem"):
            optikit.minimize(problem, program.x0, optimizer="scipy-slsqp", **given_too)


def test_constraints_need_an_objective_that_stays_the_same():
    class Changing(optikit.Problem):
        stochastic = True

    problem = Changing(lambda x: 0.0, constraints=LinearConstraint([1.0], 0.0))
    with pytest.raises(InputError, match="need an objective that is the same at every step"):
        optikit.minimize(problem, [0.0], optimizer="scipy-slsqp", gradient="central-difference")


def test_a_start_point_outside_the_bounds_is_refused_and_one_that_violates_a_constraint_is_not():
    program = Program(10)
    far = LinearConstraint(np.ones(3), lower=float(program.x0.sum()) + 1)
    assert minimize("scipy-slsqp", program, [far]).success
    with pytest.raises(InputError, match="outside its bounds"):
        minimize("scipy-slsqp", program, [far], bounds=(program.x0 + 1, np.inf))


@every
def test_without_constraints_nothing_is_different(name):
    with_none, without = Program(11), Program(11)
    first = minimize(name, with_none, [])
    second = minimize(name, without, None)
    assert np.array_equal(with_none.points, without.points)
    assert first.violation == second.violation == 0.0
    assert "violated" not in str(first)


def test_an_object_that_only_looks_like_scipys_is_taken():
    ball = SimpleNamespace(fun=lambda x: x @ x, lb=-np.inf, ub=1.0, jac="2-point")
    result = optikit.minimize(lambda x: x[0], [0.1, 0.1], optimizer="scipy-cobyla", constraints=ball)
    assert abs(result.x - [-1, 0]).max() < 1e-3


# Experiment files


FILE = """
[problem]
function = "parts.py:cost"
gradient = "parts.py:slope"
x0 = [0.2, 0.3]
constraints = [%s]

[runs.slsqp]
optimizer = "scipy-slsqp"
check_gradient = false
max_evals = 200
"""
PARTS = """
import numpy as np
cost = lambda x: (x[0] - 2) ** 2 + (x[1] - 1) ** 2
slope = lambda x: 2 * (x - np.array([2.0, 1.0]))
norm = lambda x: x @ x
norm_slope = lambda x: 2 * x
"""


@pytest.fixture
def experiment(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts.py").write_text(PARTS)

    def run(constraints):
        (tmp_path / "file.toml").write_text(FILE % constraints)
        monkeypatch.setattr(sys, "argv", ["optikit", "run", "file.toml", "--json"])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return ended.value.code, json.loads(out or "{}"), err

    return run


@pytest.mark.parametrize(
    ("constraints", "fun"),
    [
        ("{ A = [[1.0, 1.0]], upper = 1.0 }", 2.0),
        ("{ A = [1, 1], lower = 1, upper = 1 }", 2.0),
        ('{ fun = "parts.py:norm", upper = 1.0 }', (5**0.5 - 1) ** 2),
        ('{ fun = "parts.py:norm", gradient = "parts.py:norm_slope", lower = -inf, upper = 1.0 }', (5**0.5 - 1) ** 2),
        ('{ fun = "parts.py:norm", upper = 1.0 }, { A = [[1.0, 0.0], [0.0, 1.0]], upper = [0.6, inf] }', 2.0),
    ],
)
def test_a_file_may_have_constraints(experiment, constraints, fun):
    status, document, _ = experiment(constraints)
    assert status == 0
    assert abs(document["runs"]["slsqp"]["loss"] - fun) < 1e-5
    assert document["runs"]["slsqp"]["violation"] <= TOL


def test_a_file_whose_constraints_cannot_hold_ends_in_no_success(experiment):
    status, document, _ = experiment("{ A = [[1.0, 0.0], [1.0, 0.0]], lower = [1.0, -1.0], upper = [inf, 0.0] }")
    assert status == 2
    assert not document["runs"]["slsqp"]["success"]
    assert document["runs"]["slsqp"]["violation"] >= 0.5 - 1e-9


@pytest.mark.parametrize(
    ("constraints", "said"),
    [
        ("{ upper = 1.0 }", "[problem] constraints.0 must have A, or fun and perhaps its gradient"),
        ('{ A = [1, 1], fun = "parts.py:norm", upper = 1.0 }', "[problem] constraints.0 must have A, or fun"),
        ("{ A = [1, 1] }", "[problem] constraints.0: LinearConstraint([1, 1], ...): neither lower nor upper is finite"),
        ("{ A = [1, 1], lower = 2, upper = 1 }", "[problem] constraints.0: LinearConstraint([1, 1], ...): lower is 2"),
        ("{ A = [1, 1, 1], upper = 1.0 }", "[problem] constraints[0]: A has shape (3,)"),
        ('{ fun = "parts.py:nom", upper = 1.0 }', "parts.py has no 'nom'; did you mean 'norm'?"),
        ("{ A = [1, 1], uper = 1.0 }", "uper is no field of this table; did you mean 'upper'?"),
    ],
)
def test_a_wrong_constraint_in_a_file_is_said_with_file_table_and_field(experiment, constraints, said):
    status, _, err = experiment(constraints)
    assert status == 2
    assert "file.toml" in err
    assert said in " ".join(err.split())
