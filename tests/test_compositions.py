"""Compositions: components that take any other as a field."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import optikit
from optikit import InputError, Optimizer, Pace, Solver, State, Stop, StopReason, UnsupportedError

seeds = st.integers(0, 2**32 - 1)


def get(kind, name, **fields):
    return optikit.get(kind, name, **fields)


def points(optimizer, steps=20, **options):
    """Give what an optimizer recommends after each step on a bowl."""
    seen = []
    optikit.minimize(
        lambda x: x @ x, [3.0, -2.0], optimizer=optimizer, gradient=lambda x: 2 * x, max_steps=steps, rng=0,
        callback=lambda progress: seen.append(progress.x), check_gradient=False, **options,
    )  # fmt: skip
    return np.array(seen)


INNER = {"name": "gradient-descent", "learning_rate": 0.1}


def test_a_part_is_written_by_name_or_table_to_any_depth():
    deep = get("optimizer", "lookahead", optimizer={"name": "averaging", "optimizer": {"name": "adam", "beta1": 0.5}})
    assert deep.optimizer.optimizer == get("optimizer", "adam", beta1=0.5)
    assert deep.model_dump()["optimizer"]["optimizer"]["name"] == "adam"
    assert get("optimizer", "lookahead", optimizer="adam") == get(
        "optimizer", "lookahead", optimizer=get("optimizer", "adam")
    )
    assert get("optimizer", "lookahead", **{"optimizer": deep.model_dump()["optimizer"]}) == deep


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("adm", "lookahead: optimizer is wrong: there is no optimizer 'adm'; did you mean 'adam'"),
        ("cosine", "there is no optimizer 'cosine'; that is a schedule"),
        (3, "lookahead: optimizer is 3; give a component"),
        ({"name": "adam", "bta1": 0.5}, "adam has no field 'bta1'; did you mean 'beta1'"),
        ({"name": "adam", "beta1": 1.5}, "adam: beta1 is 1.5, but must be less than 1"),
        ({"beta1": 0.5}, "is no optimizer; give a component"),
    ],
)
def test_a_wrong_part_is_one_sentence(given, said):
    with pytest.raises(InputError) as error:
        get("optimizer", "lookahead", optimizer=given)
    assert said in str(error.value)
    with pytest.raises(ValidationError, match=r"as by optikit.get\('optimizer', \.\.\.\)"):
        type(get("optimizer", "lookahead", optimizer="adam"))(optimizer="adam")


class Whole(Solver):
    """Does everything in one step."""

    name = "whole"

    def solve(self, oracle, x0, rng):
        low, high = oracle.bounds
        return x0, Stop(True, f"{oracle.value(np.clip(x0, low, high))}")


@pytest.mark.parametrize("name", ["averaging", "lookahead"])
def test_what_acts_between_steps_takes_no_solver_that_makes_only_one(name):
    said = f"{name}: optimizer must go in steps, and whole does everything in one; take a rule such as adam"
    with pytest.raises(InputError) as caught:
        get("optimizer", name, optimizer=Whole())
    assert str(caught.value) == said
    assert get("optimizer", name, optimizer=get("optimizer", "multistart", optimizer=Whole()))


def test_multistart_counts_no_steps_of_a_solver_that_makes_only_one():
    with pytest.raises(InputError, match=r"max_steps is 3, but whole does everything in one step; leave it out"):
        get("optimizer", "multistart", optimizer=Whole(), max_steps=3)
    many = get("optimizer", "multistart", optimizer=Whole(), starts=3)
    result = optikit.minimize(lambda x: x @ x, [1.0, 1.0], optimizer=many, bounds=(-2, 2), rng=0)
    assert (result.nfev, result.message) == (6, "All 3 starts are done.")


def test_lookahead_steps_back_part_of_the_way():
    ahead = points(get("optimizer", "lookahead", optimizer=INNER, steps=5, share=0.5))
    slow = np.array([3.0, -2.0])
    for block in ahead.reshape(4, 5, 2):
        assert (block[:4] == slow).all()
        slow = slow + 0.5 * (0.8**5 * slow - slow)
        assert np.allclose(block[4], slow, rtol=1e-14)
        slow = block[4]


@given(after=st.integers(0, 5))
def test_averaging_is_the_mean_of_the_points(after):
    alone = points(get("optimizer", **INNER))
    mean = points(get("optimizer", "averaging", optimizer=INNER, after=after))
    assert np.array_equal(mean[:after], alone[:after])
    for k in range(after, 20):
        assert np.allclose(mean[k], alone[after : k + 1].mean(axis=0), rtol=1e-12)
    moving, expected = points(get("optimizer", "averaging", optimizer=INNER, decay=0.9)), alone[0]
    for k in range(1, 20):
        expected = 0.9 * expected + 0.1 * alone[k]
        assert np.allclose(moving[k], expected, rtol=1e-12)


def test_averaging_scatters_less_than_its_optimizer_on_minibatches():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(400, 3))
    data = inputs, inputs @ [1.0, -2.0, 0.5] + rng.normal(size=400)
    line = get("model", "linear", inputs=3)
    fast = {"name": "gradient-descent", "learning_rate": 0.1}
    whole = np.column_stack([inputs, np.ones(400)])
    best = np.linalg.lstsq(whole, data[1], rcond=None)[0]
    distances = []
    for optimizer in (get("optimizer", **fast), get("optimizer", "averaging", optimizer=fast, after=400)):
        result = optikit.fit(line, "mean-squared-error", data, optimizer=optimizer, epochs=20, batch_size=10, rng=1)
        distances.append(np.linalg.norm(result.x - best))
    assert distances[1] < distances[0] / 3


def test_multistart_finds_the_deeper_valley():
    def valleys(x):
        return float((x[0] ** 2 - 1) ** 2 + 0.3 * x[0])

    def slope(x):
        return np.array([4 * x[0] * (x[0] ** 2 - 1) + 0.3])

    descent = {"name": "gradient-descent", "learning_rate": 0.05}
    alone = optikit.minimize(valleys, [1.0], optimizer=get("optimizer", **descent), gradient=slope, bounds=(-2, 2))
    many = get("optimizer", "multistart", optimizer=descent, starts=6)
    result = optikit.minimize(valleys, [1.0], optimizer=many, gradient=slope, bounds=(-2, 2), rng=0)
    assert alone.x[0] > 0 > result.x[0]
    assert result.reason is StopReason.CONVERGED
    assert result.message == "All 6 starts are done."


@given(starts=st.integers(1, 4), bounds=st.sampled_from([None, (-2, math.inf), (-math.inf, 2)]))
def test_multistart_without_a_box_is_refused_before_anything_is_evaluated(starts, bounds):
    optimizer = get("optimizer", "multistart", optimizer="one-plus-one-es", starts=starts, max_steps=3)
    if starts == 1:
        assert optikit.minimize(lambda x: x @ x, [1.0], optimizer=optimizer, bounds=bounds, rng=0).nfev
        return
    calls = []
    with pytest.raises(InputError, match="pass finite bounds") as caught:
        optikit.minimize(lambda x: calls.append(x) or 1.0, [1.0], optimizer=optimizer, bounds=bounds, rng=0)
    assert (calls, caught.value.result.nfev) == ([], 0)


class Blind(Optimizer[State]):
    """Evaluates its start, whatever the bounds."""

    name = "blind"

    def init(self, x0, rng):
        return State(x=x0)

    def step(self, oracle, state):
        return State(x=state.x, stop=Stop(True, f"{oracle.value(state.x)}"))


@pytest.mark.parametrize("starts", [1, 2])
def test_multistart_does_not_promise_bounds_that_its_optimizer_does_not_take(starts):
    calls = []
    with pytest.raises(UnsupportedError) as caught:
        optikit.minimize(
            lambda x: calls.append(x) or 1.0, [1.0], bounds=(-2, 2),
            optimizer=get("optimizer", "multistart", optimizer=Blind(), starts=starts),
        )  # fmt: skip
    assert (caught.value.demand, calls, caught.value.result.nfev) == ("bounds", [], 0)


@given(seed=seeds, size=st.sampled_from([1e-200, 1e-3, 1.0, 1e3, 1e200]), n=st.integers(1, 5))
def test_a_clipped_gradient_is_within_its_limits_and_points_the_same_way(seed, size, n):
    slope = size * np.random.default_rng(seed).normal(size=n)
    problem = optikit.Problem(lambda x: 0.0, lambda x: slope.copy())
    clipped = get("gradient", "clipped", norm=0.5).value_and_grad(problem.at(0), np.zeros(n), None)[1]
    length = abs(slope).max() * np.linalg.norm(slope / abs(slope).max())
    assert np.linalg.norm(clipped) <= 0.5 * (1 + 1e-12)
    assert np.allclose(clipped, slope * min(1, 0.5 / length), rtol=1e-12, atol=0)
    cut = get("gradient", "clipped", value=0.5).value_and_grad(problem.at(0), np.zeros(n), None)[1]
    assert np.array_equal(cut, np.clip(slope, -0.5, 0.5))


def test_clipping_takes_any_estimator_and_costs_the_same():
    clipped = get("gradient", "clipped", gradient={"name": "central-difference", "h": 1e-3}, norm=1.0)
    assert clipped.cost(7) == 15
    result = optikit.minimize(
        lambda x: x @ x, [3.0, 4.0], optimizer=get("optimizer", **INNER), gradient=clipped, max_steps=1
    )
    assert result.nfev == 5


TIMED = {
    "constant": ({"factor": 0.5}, lambda t: 0.5),
    "step": ({"every": 3, "decay": 0.5}, lambda t: 0.5 ** (t // 3)),
    "exponential": ({"decay": 0.9}, lambda t: 0.9**t),
    "cosine": ({"steps": 10, "floor": 0.1}, lambda t: 0.1 + 0.9 * (1 + math.cos(math.pi * min(t, 10) / 10)) / 2),
    "warm-up": ({"steps": 4}, lambda t: min((t + 1) / 5, 1)),
}


def factors(schedule, values):
    pace, found = Pace(), []
    for value in values:
        pace = schedule.advance(pace, value)
        found.append(pace.factor)
    return found


@pytest.mark.parametrize("name", TIMED)
def test_a_schedule_is_its_formula(name):
    fields, formula = TIMED[name]
    found = factors(get("schedule", name, **fields), [0.0] * 20)
    assert np.allclose(found, [formula(t) for t in range(20)], rtol=1e-14)


def test_one_cycle_rises_and_falls():
    found = factors(get("schedule", "one-cycle", steps=11, rise=0.3), [0.0] * 15)
    assert found[0] == pytest.approx(0.04)
    assert max(found) == found[3] == 1.0
    assert np.diff(found[:4]).min() > 0 > np.diff(found[3:11]).max()
    assert found[10:] == pytest.approx([4e-6] * 5)


def test_on_a_plateau_the_rate_falls_and_progress_is_waited_for():
    values = [5.0, 4.0, 4.0, 4.0, 4.0, 3.0, 3.0, 3.0, 3.0, math.inf, math.inf, math.inf]
    found = factors(get("schedule", "reduce-on-plateau", decay=0.5, patience=3), values)
    assert found == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]
    floored = factors(get("schedule", "reduce-on-plateau", decay=0.1, patience=1, floor=0.05), [1.0] * 5)
    assert floored == pytest.approx([1, 0.1, 0.05, 0.05, 0.05])


def test_after_the_warm_up_another_schedule_begins_from_its_own_start():
    then = {"name": "step", "every": 2, "decay": 0.5}
    found = factors(get("schedule", "warm-up", steps=3, then=then), [0.0] * 8)
    assert found == pytest.approx([0.25, 0.5, 0.75, 1, 1, 0.5, 0.5, 0.25])
    plateau = {"name": "reduce-on-plateau", "decay": 0.5, "patience": 2}
    found = factors(get("schedule", "warm-up", steps=2, then=plateau), [1.0] * 8)
    assert found == pytest.approx([1 / 3, 2 / 3, 1, 1, 0.5, 0.5, 0.25, 0.25])


MOVED = ["lbfgs", "conjugate-gradients", "line-search-descent", "one-plus-one-es", "adaptive-random-search",
         "simulated-annealing", "barzilai-borwein", "rprop"]  # fmt: skip


@pytest.mark.parametrize("name", MOVED)
@pytest.mark.parametrize("wrap", ["lookahead", "averaging in lookahead", "lookahead in lookahead"])
def test_who_is_taken_to_another_point_believes_nothing_of_the_old_one(name, wrap):
    inner = optikit.get("optimizer", name)
    if " in " in wrap:
        inner = optikit.get("optimizer", wrap.split()[0], optimizer=inner)
    optimizer = optikit.get("optimizer", "lookahead", optimizer=inner, steps=3)
    point, asked = np.array([3.0, -1.0]), []
    problem = optikit.Problem(
        lambda x: asked.append(x.copy()) or float((x - 1) @ (x - 1)), lambda x: 2 * (x - 1), (-4, 4)
    )
    oracle = optikit.Oracle(problem, np.zeros(2))
    state = optimizer.init(np.zeros(2), np.random.default_rng(0))
    for _ in range(2):
        state = optimizer.step(oracle, state)
    state = optimizer.moved(state, point)
    assert np.array_equal(state.x, point)
    point[:] = 9.0
    asked.clear()
    state.stop = None
    optimizer.step(oracle, state)
    assert np.array_equal(asked[0], [3.0, -1.0]), "the first question is at the new point"


@pytest.mark.parametrize("name", ["lbfgs", "conjugate-gradients", "one-plus-one-es"])
def test_lookahead_around_one_that_remembers_claims_no_success_away_from_a_minimum(name):
    def valley(x):
        return float((1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2)

    def gradient(x):
        return np.array([-2 * (1 - x[0]) - 400 * x[0] * (x[1] - x[0] ** 2), 200 * (x[1] - x[0] ** 2)])

    optimizer = optikit.get("optimizer", "lookahead", optimizer=name)
    result = optikit.minimize(valley, [-1.2, 1.0], optimizer=optimizer, gradient=gradient, max_evals=20_000, rng=0)
    assert "the gradient is wrong" not in result.message
    assert not result.success or result.fun < 1e-6
