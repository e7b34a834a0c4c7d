"""The oracle: exact budgets, right counts, the best point, and no way around it."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import optikit
from optikit import ContractError, InputError, Optimizer, State, Stop, StopReason, UnsupportedError

OPTIMIZERS = ["random-search", "gradient-descent"]
GRADIENTS = ["analytic", "central-difference", "forward-difference"]


def sphere(x):
    return float(x @ x)


def answering(step, name="test-optimizer", **fields):
    """Make an optimizer of a function ``step(oracle, state)``."""

    class Made(Optimizer[State]):
        """An optimizer for one test."""

        def init(self, x0, rng):
            return State(x=x0)

        def step(self, oracle, state):
            return step(oracle, state)

    Made.name = name
    return Made()


@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@given(
    n=st.integers(1, 6),
    max_evals=st.integers(1, 60),
    max_steps=st.integers(1, 30),
    samples=st.integers(1, 7),
    seed=st.integers(0, 2**32 - 1),
)
def test_budgets_are_exact_and_the_history_is_consistent(optimizer, gradient, n, max_evals, max_steps, samples, seed):
    rng = np.random.default_rng(seed)
    target, calls = rng.uniform(-1, 1, size=n), []

    def fun(x):
        calls.append((x.copy(), float(((x - target) ** 2).sum())))
        return calls[-1][1]

    fields = {"samples": samples} if optimizer == "random-search" else {"learning_rate": 0.1, "gtol": 0.0}
    result = optikit.minimize(
        optikit.Problem(fun, gradient=lambda x: 2 * (x - target), bounds=(-2, 2)),
        np.zeros(n),
        optimizer=optikit.get("optimizer", optimizer, **fields),
        gradient=gradient,
        max_evals=max_evals,
        max_steps=max_steps,
        check_gradient=False,
        rng=seed,
    )
    assert len(calls) == result.nfev == len(result.history) <= max_evals
    assert result.nit <= max_steps
    assert result.reason in (StopReason.MAX_EVALS, StopReason.MAX_STEPS)
    if result.reason is StopReason.MAX_EVALS:
        assert result.nfev == max_evals, "what is left of the budget is used"
    else:
        assert result.nit == max_steps
    points, values = zip(*calls, strict=True)
    assert np.array_equal(result.history.fun, values)
    assert result.fun == min(values) == result.history.best[-1]
    assert np.array_equal(result.x, points[int(np.argmin(values))]), "the best point is bitwise one that was asked"
    assert all(((point >= -2) & (point <= 2)).all() for point in points)
    steps = result.history.steps
    assert len(steps) == len(result.history.seconds) == result.nit
    assert (np.diff(steps["nfev"]) > 0).all()
    assert (np.diff(steps["best"]) <= 0).all()
    assert all(steps["nfev"] <= result.nfev)
    assert all(steps["njev"] <= result.njev)


def test_a_batch_is_evaluated_up_to_the_last_evaluation_of_the_budget():
    result = optikit.minimize(
        sphere,
        [1.0, 1.0],
        optimizer=optikit.get("optimizer", "random-search", samples=64),
        bounds=(-1, 1),
        max_evals=100,
    )
    assert (result.nfev, result.nit, result.reason) == (100, 1, StopReason.MAX_EVALS)


def test_no_evaluation_begins_after_the_time_is_up():
    begun = []

    def slow(x):
        begun.append(1)
        return float(sum(range(200_000)) * 0 + x @ x)

    result = optikit.minimize(slow, [1.0], optimizer="random-search", bounds=(-1, 1), max_seconds=0.05)
    assert result.reason is StopReason.MAX_SECONDS
    assert result.nfev == len(begun) >= 1


def test_nan_counts_as_infinity_and_is_reported():
    result = optikit.minimize(
        lambda x: math.nan if x[0] < 0 else float(x[0]),
        [0.5],
        optimizer="random-search",
        bounds=(-1, 1),
        max_evals=200,
        rng=0,
    )
    assert 0 < result.nans < 200
    assert f"{result.nans} of 200 evaluations gave NaN" in result.message
    assert np.isinf(result.history.fun).sum() == result.nans
    assert 0 <= result.fun < 0.1


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("boom"), StopIteration("boom"), KeyError("boom"), InputError("boom")]
)
@pytest.mark.parametrize("gradient", ["central-difference", "analytic"])
def test_what_the_objective_raises_ends_the_run_with_the_partial_result(error, gradient):
    calls = []

    def failing(x):
        calls.append(sphere(x))
        if len(calls) == 8:
            raise error
        return calls[-1]

    problem = optikit.Problem(failing, gradient=lambda x: 2 * x)
    with pytest.raises(type(error)) as caught:
        optikit.minimize(problem, [1.0, 2.0], optimizer="gradient-descent", gradient=gradient, check_gradient=False)
    assert caught.value is error
    partial = error.result
    assert partial.reason is StopReason.ERROR
    assert not partial.success
    assert partial.nfev == 7
    assert partial.fun == min(calls[:7])
    assert sphere(partial.x) == partial.fun
    del error.result


def test_no_except_exception_of_a_foreign_solver_swallows_the_end():
    def stubborn(oracle, state):
        while True:
            try:
                oracle.value(state.x)
            except Exception:  # what a foreign solver may well do
                continue

    result = optikit.minimize(sphere, [1.0], optimizer=answering(stubborn), max_evals=10)
    assert (result.nfev, result.reason) == (10, StopReason.MAX_EVALS)
    with pytest.raises(ZeroDivisionError):
        optikit.minimize(lambda x: 1 / 0, [1.0], optimizer=answering(stubborn), max_evals=10)


def test_who_catches_everything_gets_the_end_again():
    tries = []

    def deaf(oracle, state):
        for _ in range(3):
            try:
                while True:
                    oracle.value(state.x)
            except BaseException:
                tries.append(1)
        return State(x=state.x)

    result = optikit.minimize(sphere, [1.0], optimizer=answering(deaf), max_evals=10, max_steps=1)
    assert result.nfev == 10
    assert len(tries) == 3


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (
            lambda oracle: oracle.bounded and oracle.value(np.array([3.0, 0.0])),
            r"outside the bounds was asked for: x\[0\] = 3",
        ),
        (
            lambda oracle: oracle.values(np.array([[0.0, 0.0], [0.0, -3.0]]) * oracle.bounded),
            r"outside the bounds .* x\[1\] = -3",
        ),
        (lambda oracle: oracle.bounded and oracle.value_and_grad(np.array([3.0, 0.0])), "outside the bounds"),
        (lambda oracle: oracle.value(np.zeros(3)), r"shape \(3,\)"),
        (lambda oracle: oracle.values(np.zeros((2, 3))), r"shape \(3,\)"),
        (lambda oracle: oracle.value(0.0), r"shape \(\)"),
    ],
)
def test_an_optimizer_that_breaks_the_contract_is_stopped_before_the_evaluation(ask, said):
    calls = []
    with pytest.raises(ContractError, match=said):
        optikit.minimize(
            lambda x: calls.append(1) or 0.0, [0.0, 0.0], bounds=(-2, 2), gradient="central-difference", max_steps=5,
            optimizer=answering(lambda oracle, state: ask(oracle)),
        )  # fmt: skip
    assert not calls


def test_an_optimizer_that_asks_at_nan_has_diverged():
    result = optikit.minimize(
        sphere, [1.0], optimizer=answering(lambda oracle, state: oracle.value(state.x * np.nan)), max_steps=5
    )
    assert result.reason is StopReason.DIVERGED
    assert result.nfev == 0


def test_what_the_oracle_hands_out_is_not_what_it_keeps():
    kept = []

    def scribble(oracle, state):
        low, high = oracle.bounds
        values = oracle.values(np.array([[0.5], [0.6]]))
        low[:], high[:], values[:] = 9, 9, 9
        kept.append(oracle)
        return State(x=state.x, stop=Stop(True, "done"))

    result = optikit.minimize(sphere, [1.0], optimizer=answering(scribble), bounds=(-1, 1), max_steps=5)
    assert result.fun == 0.25
    assert np.array_equal(kept[0].bounds, [[-1], [1]])
    assert result.success
    assert result.message == "done"


def test_the_box_is_refused_without_finite_bounds_before_anything_is_evaluated():
    calls = []
    for optimizer in ("random-search", answering(lambda oracle, state: oracle.box)):
        for bounds in (None, (-1, np.inf), (-np.inf, 1)):
            with pytest.raises(InputError, match=r"pass finite bounds=\(low, high\)"):
                optikit.minimize(lambda x: calls.append(1), [0.0], optimizer=optimizer, bounds=bounds, max_evals=9)
    assert not calls


@pytest.mark.parametrize("gradient", [None, "central-difference"])
@pytest.mark.parametrize("ask", ["value", "value_and_grad", "estimate"])
def test_who_never_read_the_bounds_is_refused_before_anything_is_evaluated(ask, gradient):
    calls = []
    problem = optikit.Problem(lambda x: calls.append(1) or 0.0, lambda x: calls.append(2) or np.zeros(1), (-1, np.inf))
    blind = answering(lambda oracle, state: State(x=state.x, stop=Stop(True, str(getattr(oracle, ask)(state.x)))))
    with pytest.raises(UnsupportedError, match="the problem has bounds, which this optimizer does not take") as caught:
        optikit.minimize(problem, [0.5], optimizer=blind, gradient=gradient)
    assert (caught.value.demand, caught.value.result.nfev, calls) == ("bounds", 0, [])


@pytest.mark.parametrize(
    "read",
    [
        lambda oracle: oracle.bounds,
        lambda oracle: oracle.bounded,
        lambda oracle: oracle.box,
        lambda oracle: oracle.draw(np.random.default_rng(0)),
        lambda oracle: oracle.draws(np.random.default_rng(0), 2),
    ],
)
def test_who_has_read_the_bounds_has_promised_to_keep_them(read):
    for point, kept in (([0.5], True), ([2.0], False)):
        reading = answering(
            lambda oracle, state, point=point: (
                read(oracle),
                State(x=state.x, stop=Stop(True, str(oracle.value(point)))),
            )[1]
        )
        if kept:
            assert optikit.minimize(sphere, [0.0], optimizer=reading, bounds=(-1, 1)).fun == 0.25
        else:
            with pytest.raises(ContractError, match="outside the bounds"):
                optikit.minimize(sphere, [0.0], optimizer=reading, bounds=(-1, 1))


@given(seed=st.integers(0, 2**32 - 1), number=st.integers(1, 5), n=st.integers(1, 4), model=st.booleans())
def test_points_drawn_at_once_are_those_drawn_one_by_one(seed, number, n, model):
    problem = optikit.Problem(sphere, bounds=(-1, 2))
    if model:
        problem = optikit.Problem.of(
            optikit.get("model", "linear", inputs=n, outputs=2), optikit.get("loss", "mean-squared-error"),
            np.ones((3, n)), np.ones((3, 2)),
        )  # fmt: skip
    oracle = optikit.Oracle(problem, np.zeros(problem.n or n))
    one, all_at_once = np.random.default_rng(seed), np.random.default_rng(seed)
    assert np.array_equal([oracle.draw(one) for _ in range(number)], oracle.draws(all_at_once, number))


@pytest.mark.parametrize("model", [True, False])
def test_no_points_are_drawn_without_touching_the_generator(model):
    fitted = optikit.Problem.of(
        optikit.get("model", "linear", inputs=2), optikit.get("loss", "mean-squared-error"), np.ones((3, 2)), np.ones(3)
    )
    problem = fitted if model else optikit.Problem(sphere, bounds=(-1, 2))
    rng = np.random.default_rng(0)
    assert optikit.Oracle(problem, np.zeros(3)).draws(rng, 0).shape == (0, 3)
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state


@pytest.mark.parametrize(("bounds", "demand"), [((-1, 1), "bounds"), ((-1, np.inf), "box"), (None, "box")])
def test_who_draws_no_points_has_promised_nothing_and_needs_a_box_nonetheless(bounds, demand):
    drawing = answering(lambda oracle, state: oracle.draws(np.random.default_rng(0), 0) is oracle.value(state.x))
    with pytest.raises(UnsupportedError) as caught:
        optikit.minimize(sphere, [0.0], optimizer=drawing, bounds=bounds)
    assert (caught.value.demand, caught.value.result.nfev) == (demand, 0)


def test_a_gradient_is_refused_before_anything_is_evaluated():
    calls = []
    for gradient in (None, "analytic"):
        with pytest.raises(InputError, match="pass gradient='central-difference'"):
            optikit.minimize(lambda x: calls.append(1), [0.0], optimizer="gradient-descent", gradient=gradient)
    assert not calls


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 5))
def test_bounds_in_float32_are_rounded_inward(seed, n):
    rng = np.random.default_rng(seed)
    low, high = -rng.random(n), rng.random(n)
    x0 = np.zeros(n, dtype=np.float32)
    oracle = optikit.Oracle(optikit.Problem(sphere, bounds=(low, high)), x0)
    for side, given_side in zip(oracle.bounds, (low, high), strict=True):
        assert side.dtype == np.float32
        assert np.allclose(side, given_side, rtol=1e-6)
    assert (oracle.bounds[0] >= low).all()
    assert (oracle.bounds[1] <= high).all()


@dataclass(kw_only=True, slots=True)
class Counting(State):
    step: int = 0


def test_a_state_may_be_reused_by_its_step():
    class Reusing(Optimizer[Counting]):
        """Counts its steps."""

        name = "reusing"

        def init(self, x0, rng):
            return Counting(x=x0)

        def step(self, oracle, state):
            oracle.value(state.x)
            state.step += 1
            if state.step == 4:
                state.stop = Stop(False, "four")
            return state

    result = optikit.minimize(sphere, [1.0], optimizer=Reusing())
    assert (result.nit, result.reason, result.message) == (4, StopReason.FAILED, "four")


def swallowing(outcome):
    """Make a step that catches the end of the run and does something else instead."""

    def step(oracle, state):
        try:
            while True:
                oracle.value(state.x)
        except BaseException:
            return outcome(state)

    return answering(step)


def raise_system_error(state):
    raise SystemError("what a foreign library makes of it")


@pytest.mark.parametrize(
    "outcome",
    [lambda state: State(x=state.x, stop=Stop(True, "done")), lambda state: state, raise_system_error],
    ids=["claims success", "goes on", "raises something else"],
)
def test_the_end_of_the_run_wins_over_what_a_step_makes_of_it(outcome):
    result = optikit.minimize(sphere, [1.0], optimizer=swallowing(outcome), max_evals=25)
    assert (result.nfev, result.nit, result.reason) == (25, 0, StopReason.MAX_EVALS)
    with pytest.raises(ZeroDivisionError) as caught:
        optikit.minimize(lambda x: 1 / 0, [1.0], optimizer=swallowing(outcome), max_evals=25)
    assert caught.value.result.reason is StopReason.ERROR


def test_ctrl_c_in_the_objective_cannot_be_swallowed():
    calls = []

    def interrupted(x):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return 0.0

    result = optikit.minimize(interrupted, [1.0], optimizer=swallowing(lambda state: state), max_steps=5)
    assert (result.reason, result.nfev) == (StopReason.INTERRUPTED, 2)


def test_sys_exit_in_the_objective_exits_with_the_partial_result():
    with pytest.raises(SystemExit) as caught:
        optikit.minimize(
            lambda x: raise_exit(), [1.0], optimizer="random-search", bounds=(-1, 1), max_evals=5
        )  # fmt: skip
    assert caught.value.result.nfev == 0


def raise_exit():
    raise SystemExit(3)


def test_an_optimizer_that_never_asks_does_not_hang():
    with pytest.raises(ContractError, match="1,000 steps without asking"):
        optikit.minimize(sphere, [1.0], optimizer=answering(lambda oracle, state: state), max_evals=5)
    result = optikit.minimize(sphere, [1.0], optimizer=answering(lambda oracle, state: state), max_seconds=1e-9)
    assert result.reason is StopReason.MAX_SECONDS


def test_a_step_that_returns_no_state_is_named():
    with pytest.raises(ContractError, match="test-optimizer gave None for a state"):
        optikit.minimize(sphere, [1.0], optimizer=answering(lambda oracle, state: oracle.value(state.x) and None))


def test_a_value_of_nan_with_a_gradient_of_zero_is_no_success():
    result = optikit.minimize(lambda x: math.nan, [1.0], optimizer="gradient-descent", gradient=lambda x: 0 * x)
    assert not result.success
    assert result.fun == math.inf


def test_an_estimate_of_nan_is_infinity():
    class Blind(optikit.GradientEstimator):
        """Estimates nothing."""

        name = "blind"

        def value_and_grad(self, objective, x, rng):
            return math.nan, np.ones_like(x)

    seen = []
    optikit.minimize(
        sphere, [1.0], gradient=Blind(), max_steps=1,
        optimizer=answering(lambda oracle, state: seen.append(oracle.value_and_grad(state.x)[0]) or state),
    )  # fmt: skip
    assert seen == [math.inf]


def test_a_complex_point_is_refused():
    with pytest.raises(ContractError, match="dtype complex128 were asked for"):
        optikit.minimize(sphere, [1.0], optimizer=answering(lambda oracle, state: oracle.value(state.x + 1j)))


@given(seed=st.integers(0, 2**32 - 1))
def test_what_the_problem_draws_is_inside_the_bounds_in_every_precision(seed):
    rng = np.random.default_rng(seed)
    x0 = np.ones(3, dtype=np.float32)
    for bounds in ((1 + 1e-8, 1 + 1e-6), (-1.7e308, 1.7e308), (1.0, 1.0)):
        start = x0 if bounds[0] > -2 else x0.astype(np.float64)
        oracle = optikit.Oracle(optikit.Problem(sphere, bounds=bounds), start)
        low, high = oracle.bounds
        point = oracle.draw(rng)
        assert ((low <= point) & (point <= high)).all()
        assert point.dtype == start.dtype


def test_a_start_that_is_not_finite_is_named():
    result = optikit.minimize(lambda x: math.nan, [1.0], optimizer="gradient-descent", gradient="central-difference")
    assert result.reason is StopReason.FAILED
    assert "value at the start is not finite" in result.message
