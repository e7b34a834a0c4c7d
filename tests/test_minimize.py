"""`minimize`: what users hold in their hands."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import optikit
from optikit import InputError, ObjectiveError, StopReason


def rosenbrock(x):
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def rosenbrock_gradient(x):
    gradient = np.zeros_like(x)
    gradient[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    gradient[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return gradient


def sphere(x):
    return float(x @ x)


DESCENT = optikit.get("optimizer", "gradient-descent", learning_rate=5e-4, momentum=0.95)


@pytest.mark.parametrize("gradient", ["central-difference", "forward-difference", "analytic", rosenbrock_gradient])
@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_rosenbrock_with_each_estimator(n, gradient):
    fun = optikit.Problem(rosenbrock, gradient=rosenbrock_gradient) if gradient == "analytic" else rosenbrock
    x0 = np.zeros(n)
    result = optikit.minimize(fun, x0, optimizer=DESCENT, gradient=gradient, max_steps=20_000)
    # The forward formula leaves an error of 1e-8 times the curvature in the gradient, so it stops beside the minimum.
    assert np.allclose(result.x, 1, atol=1e-3 if gradient == "forward-difference" else 1e-6)
    assert result.fun == rosenbrock(result.x) < 1e-6
    assert result.nfev == result.njev * {"central-difference": 2 * n + 1, "forward-difference": n + 1}.get(gradient, 1)


def test_random_search_finds_the_neighbourhood():
    box = (-2, 2)
    result = optikit.minimize(rosenbrock, [0.0, 0.0], optimizer="random-search", bounds=box, max_evals=5000, rng=1)
    assert result.fun < 0.1
    assert not result.success


def test_momentum_and_nesterov_follow_their_formulas():
    rate, mass, curvature = 0.1, 0.8, np.array([1.0, 3.0])
    x = look = np.array([1.0, -2.0])
    velocity = np.zeros(2)
    asked = []
    for nesterov in (False, True):
        asked.clear()
        optikit.minimize(
            lambda x: asked.append(x) or float(curvature @ x**2 / 2), x, gradient=lambda x: curvature * x, max_steps=20,
            check_gradient=False,
            optimizer=optikit.get("optimizer", DESCENT.name, learning_rate=rate, momentum=mass, nesterov=nesterov),
        )  # fmt: skip
        position, velocity = x, np.zeros(2)
        for point in asked:
            # Nesterov's scheme in the form of its author: the gradient is taken where the momentum alone would lead.
            look = position + mass * velocity if nesterov else position
            assert np.allclose(point, look, rtol=1e-12)
            velocity = mass * velocity - rate * curvature * look
            position = position + velocity


def test_descent_stays_in_the_box_and_stops_at_its_face():
    result = optikit.minimize(
        lambda x: float(((x - 2) ** 2).sum()), [0.0, 0.0], bounds=([-1, -1], [1, 5]), gradient="central-difference",
        optimizer=optikit.get("optimizer", "gradient-descent", learning_rate=0.1),
    )  # fmt: skip
    assert result.success
    assert result.x[0] == 1.0
    assert abs(result.x[1] - 2) < 1e-6


def test_a_clipped_coordinate_keeps_no_velocity():
    asked = []
    optikit.minimize(
        lambda x: asked.append(x) or float(((x - [3.0, 0.0]) ** 2).sum()), [0.0, 1.0], bounds=(-1, 1), max_steps=30,
        gradient=lambda x: 2 * (x - [3.0, 0.0]) * np.where(len(asked) > 12, [-1, 1], 1),  # it turns round
        check_gradient=False,
        optimizer=optikit.get("optimizer", DESCENT.name, learning_rate=0.1, momentum=0.9),
    )  # fmt: skip
    face = [point[0] for point in asked]
    assert face[5:12] == [1.0] * 7
    # Once the slope is turned it leaves at once: no momentum was gathered against the wall.
    turned = next(step for step in range(12, 30) if face[step] < 1.0)
    assert turned <= 14


def test_a_run_without_limits_has_one():
    result = optikit.minimize(sphere, [1.0, 1.0], optimizer="random-search", bounds=(-1, 1))
    assert (result.nfev, result.reason) == (30_000, StopReason.MAX_EVALS)


@given(seed=st.integers(0, 2**63))
def test_the_same_seed_gives_the_same_run(seed):
    runs = [
        optikit.minimize(sphere, [1.0, 1.0], optimizer="random-search", bounds=(-1, 1), max_evals=20, rng=rng)
        for rng in (seed, np.random.SeedSequence(seed), np.random.default_rng(seed))
    ]
    for other in runs[1:]:
        assert np.array_equal(runs[0].history.fun, other.history.fun)
        assert np.array_equal(runs[0].x, other.x)


def test_float32_stays_float32():
    seen = set()

    def fun(x):
        seen.add(x.dtype)
        return float(x @ x)

    for gradient in ("central-difference", "forward-difference", lambda x: 2 * x):
        result = optikit.minimize(
            fun,
            np.ones(3, dtype=np.float32),
            optimizer="gradient-descent",
            gradient=gradient,
            max_steps=5,
            bounds=(-2, 2),
        )
        assert result.x.dtype == np.float32
        assert type(result.fun) is float
    assert seen == {np.dtype(np.float32)}


STRUCTURES = [
    np.ones((2, 3)),
    {"w": np.ones((2, 2)), "b": 0.5},
    {"layers": [{"w": np.ones(2)}, {"w": np.ones((1, 3)), "b": 1}], "scale": 2.0},
    [np.ones(2), 3.0],
    [np.zeros(2), np.ones(3)],
    {"nothing": {}, "something": np.ones(2)},
    [[1.0, 2.0], [3.0, 4.0]],
    2.5,
    [1, 2],
]


def squares(x):
    if isinstance(x, dict):
        return sum(squares(part) for part in x.values())
    if isinstance(x, list):
        return sum(squares(part) for part in x)
    return float(np.sum(np.square(x)))


def doubled(x):
    if isinstance(x, dict):
        return {key: doubled(part) for key, part in x.items()}
    return [doubled(part) for part in x] if isinstance(x, list) else 2 * x


def shape(x):
    if isinstance(x, dict):
        return {key: shape(part) for key, part in x.items()}
    if isinstance(x, list) and any(isinstance(part, dict | np.ndarray) for part in x):
        return [shape(part) for part in x]
    return float if np.ndim(x) == 0 else np.shape(x)


@pytest.mark.parametrize("x0", STRUCTURES, ids=str)
@pytest.mark.parametrize("gradient", ["central-difference", doubled])
def test_the_function_and_the_result_have_the_structure_of_x0(x0, gradient):
    seen = []

    def fun(x):
        seen.append(shape(x))
        return squares(x)

    rate = optikit.get("optimizer", "gradient-descent", learning_rate=0.4)
    result = optikit.minimize(fun, x0, optimizer=rate, gradient=gradient, bounds=(-9, 9))
    assert all(structure == shape(x0) for structure in [*seen, shape(result.x)])
    assert result.fun < 1e-12
    assert squares(result.x) == result.fun


def test_float32_arrays_beside_written_numbers_stay_float32():
    result = optikit.minimize(
        squares,
        {"w": np.ones(2, dtype=np.float32), "b": 1.0},
        optimizer="gradient-descent",
        gradient=doubled,
        max_steps=2,
    )
    assert result.x["w"].dtype == np.float32


def test_a_start_that_only_rounding_puts_outside_its_bounds_is_taken():
    result = optikit.minimize(
        sphere,
        np.full(1, 0.1, dtype=np.float32),
        optimizer="gradient-descent",
        gradient=doubled,
        bounds=(0, 0.1),
        max_steps=3,
    )
    assert result.nfev == 3


def test_a_problem_knows_how_many_parameters_it_has():
    model = optikit.get("model", "linear", inputs=2)
    problem = optikit.Problem.of(model, optikit.get("loss", "mean-squared-error"), np.ones((3, 2)), np.ones((3, 1)))
    with pytest.raises(InputError, match="x0 has 4 parameters, but the problem has 3"):
        optikit.minimize(problem, np.zeros(4), optimizer="gradient-descent", max_steps=3)


def test_bounds_may_have_the_structure_of_x0():
    x0 = {"w": np.full(2, 0.5), "b": 0.5}
    low, high = {"w": np.array([0.2, -1.0]), "b": 0.3}, {"w": np.ones(2), "b": 1.0}
    rate = optikit.get("optimizer", "gradient-descent", learning_rate=0.4)
    result = optikit.minimize(squares, x0, optimizer=rate, gradient=doubled, bounds=(low, high))
    assert np.allclose(result.x["w"], [0.2, 0.0])
    assert result.x["b"] == 0.3


def test_a_gradient_of_another_structure_is_an_error():
    x0 = {"w": np.ones(2), "b": 0.5}
    for gradient, said in (
        (lambda x: {"w": x["w"]}, r"must be a dict with the keys \['w', 'b'\]"),
        (lambda x: {"w": np.ones(3), "b": 1.0}, r"the gradient\['w'\] has shape \(3,\), but x0 has \(2,\) there"),
        (lambda x: np.ones(3), "must be a dict"),
    ):
        with pytest.raises(ObjectiveError, match=said):
            optikit.minimize(squares, x0, optimizer="gradient-descent", gradient=gradient)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"x0": []}, "x0 is empty"),
        ({"x0": {}}, "x0 is empty"),
        ({"x0": [1.0, np.nan]}, r"x0\[1\] is nan"),
        ({"x0": [1.0, np.inf]}, r"x0\[1\] is inf"),
        ({"x0": [3.0, 0.0]}, r"x0 is 3 at x\[0\], outside its bounds \[-2, 2\]"),
        ({"x0": np.array([1, 2])}, r"x0 has dtype int64; .*astype\(float\)"),
        ({"x0": np.array([1j, 2])}, "x0 has dtype complex128"),
        ({"x0": np.array([None, 2])}, "x0 has dtype object"),
        ({"x0": np.array([True, False])}, "x0 has dtype bool"),
        ({"x0": "zero"}, "x0 is 'zero'"),
        ({"x0": None}, "x0 is None"),
        ({"x0": [[1.0], [1.0, 2.0]]}, "ragged"),
        ({"x0": {"a": "b"}}, r"x0\['a'\] is 'b'"),
        ({"x0": np.ones(2, dtype=np.float16)}, "float16"),
        ({"bounds": (2, -2)}, r"lower bound 2 of x\[0\] is above its upper bound -2"),
        ({"bounds": (np.nan, 2)}, "NaN"),
        ({"bounds": ([-1, -1, -1], 1)}, "do not fit"),
        ({"bounds": 3}, "do not fit"),
        ({"bounds": [(-1, 1), (-1, 1), (-1, 1)]}, "do not fit"),
        ({"max_evals": 0}, "max_evals is 0"),
        ({"max_evals": -3}, "max_evals is -3"),
        ({"max_evals": float("nan")}, "max_evals is nan"),
        ({"max_evals": 1.5}, "max_evals is 1.5"),
        ({"max_evals": True}, "max_evals is True"),
        ({"bounds": [(-1, 1), (-1, 1)]}, "SciPy's pairs"),
        ({"callback": 5}, "callback is 5, which cannot be called"),
        ({"gradient": type(optikit.get("gradient", "analytic"))}, "gradient is the class Analytic"),
        ({"rng": np.random.RandomState(0)}, "rng is RandomState"),
        ({"max_steps": "many"}, "max_steps is 'many'"),
        ({"max_seconds": 0}, "max_seconds is 0"),
        ({"max_seconds": float("inf")}, "max_seconds is inf"),
        ({"optimizer": "adm"}, "there is no optimizer 'adm'"),
        ({"optimizer": 5}, "5 is no optimizer"),
        ({"optimizer": optikit.get("gradient", "analytic")}, "is no optimizer"),
        ({"gradient": "centraldifference"}, "did you mean 'central-difference'"),
        ({"gradient": 5}, "5 is no gradient"),
        ({"fun": 5}, "fun is 5, which cannot be called"),
        ({"rng": -1}, "rng is -1"),
        ({"rng": "seed"}, "rng is 'seed'"),
    ],
    ids=lambda value: str(value).partition(" at 0x")[0],
)
def test_bad_input_is_one_sentence_and_no_evaluation(arguments, said):
    calls = []
    good = {
        "fun": lambda x: calls.append(1) or 0.0, "x0": [0.0, 0.0], "optimizer": "gradient-descent",
        "gradient": "central-difference", "bounds": (-2, 2), "max_evals": 10,
    }  # fmt: skip
    with pytest.raises(InputError, match=said) as caught:
        optikit.minimize(**{**good, **arguments})
    assert "\n" not in str(caught.value)
    assert not calls


def test_a_budget_may_be_written_as_a_float():
    result = optikit.minimize(sphere, [1.0], optimizer="random-search", bounds=(-1, 1), max_evals=1e2)
    assert result.nfev == 100


def test_scipy_bounds_are_taken():
    class Bounds:
        lb, ub = np.array([0.5, -np.inf]), np.array([1.0, np.inf])

    rate = optikit.get("optimizer", "gradient-descent", learning_rate=0.4)
    result = optikit.minimize(sphere, [1.0, 1.0], optimizer=rate, gradient="central-difference", bounds=Bounds())
    assert np.allclose(result.x, [0.5, 0.0])


def test_the_callback_sees_every_step_and_may_end_the_run():
    seen = []

    def callback(progress):
        seen.append(progress)
        progress.x[:] = np.nan  # it is a copy
        if progress.step == 7:
            raise StopIteration

    result = optikit.minimize(sphere, [1.0], optimizer="gradient-descent", gradient=lambda x: 2 * x, callback=callback)
    assert [progress.step for progress in seen] == list(range(1, 8))
    assert [progress.nfev for progress in seen] == list(range(1, 8))
    assert (result.nit, result.reason, result.success) == (7, StopReason.CALLBACK, False)
    assert np.array_equal(result.history.steps["fun"], [progress.fun for progress in seen])


def test_what_the_callback_raises_carries_the_partial_result():
    def callback(progress):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError) as caught:
        optikit.minimize(sphere, [1.0], optimizer="gradient-descent", gradient=lambda x: 2 * x, callback=callback)
    assert caught.value.result.nit == 1


def test_ctrl_c_returns_what_was_found():
    calls = []

    def fun(x):
        calls.append(sphere(x))
        if len(calls) == 12:
            os.kill(os.getpid(), signal.SIGINT)
        return calls[-1]

    result = optikit.minimize(fun, [1.0, 1.0], optimizer="gradient-descent", gradient="central-difference")
    assert result.reason is StopReason.INTERRUPTED
    assert not result.success
    # The answer that the interrupt met may have been compared with the best one and not yet been counted.
    assert min(calls) <= result.fun <= min(calls[: result.nfev])
    assert 11 <= result.nfev <= 13


def test_the_check_of_the_gradient_takes_no_time_from_the_run():
    def slow(x):
        time.sleep(0.02)
        return sphere(x)

    result = optikit.minimize(slow, [1.0, 1.0], optimizer="gradient-descent", gradient=lambda x: 2 * x, max_seconds=0.3)
    assert result.nfev_check >= 17
    assert result.nfev > 0


def test_a_busy_thread_that_draws_from_the_global_generator_changes_nothing():
    def run():
        return optikit.minimize(sphere, [1.0, 1.0], optimizer="random-search", bounds=(-1, 1), max_evals=200, rng=3)

    expected, done = run(), threading.Event()
    generator_state = np.random.get_state()  # noqa: NPY002 - put back below

    def busy():
        while not done.is_set():
            np.random.random(10)  # noqa: NPY002 - what a foreign thread may do

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        assert np.array_equal(run().history.fun, expected.history.fun)
    finally:
        done.set()
        thread.join()
        np.random.set_state(generator_state)  # noqa: NPY002


def test_a_diverging_run_says_so_and_keeps_the_best_point():
    for rate in (1.5, 1e200):
        result = optikit.minimize(
            sphere, [1.0, 1.0], gradient=lambda x: 2 * x,
            optimizer=optikit.get("optimizer", "gradient-descent", learning_rate=rate),
        )  # fmt: skip
        assert result.reason is StopReason.DIVERGED
        assert "learning_rate below" in result.message
        assert result.fun == 2.0
        assert np.array_equal(result.x, [1.0, 1.0])


def test_the_result_prints_on_five_lines_at_most():
    result = optikit.minimize(sphere, [1.0], optimizer="gradient-descent", gradient=lambda x: 2 * x, max_steps=3)
    text = str(result)
    assert [line.partition(":")[0].strip() for line in text.splitlines()] == ["fun", "x", "stop", "cost", "next"]
    assert "max-steps: The budget of 3 steps is used up." in text
