"""Layered sweeps: exactly the losses of the naive loop, whatever the network, the data and the step."""

import numpy as np
import pytest
from drawn import ACTIVATIONS, classes, drawn_fields, small_model, targets_for
from hypothesis import example, given
from hypothesis import strategies as st

import optikit
from optikit import LayeredModel, Objective, Problem

MODELS = [cls for cls in classes("model") if issubclass(cls, LayeredModel)]


def naive(objective, x, step):
    """Shift one parameter after the other and compute the whole model each time."""
    if np.ndim(step) == 2:
        return np.stack([naive(objective, x, one) for one in step])
    values = np.empty(len(x))
    for i in range(len(x)):
        moved = x.copy()
        moved[i] += np.broadcast_to(step, x.shape)[i]
        values[i] = objective.value(moved)
    return values


def drawn_inputs(kind, rng, shape):
    if kind == "dense":
        return rng.normal(size=shape)
    pixels = rng.choice([0, 0, 0, 0.2, 0.5, 1.0], size=shape)
    return np.zeros(shape) if kind == "zeros" else pixels


@pytest.mark.parametrize("loss", classes("loss"), ids=lambda cls: cls.name)
@given(
    seed=st.integers(0, 2**32 - 1),
    widths=st.lists(st.integers(1, 7), min_size=2, max_size=5),
    rows=st.integers(1, 9),
    kind=st.sampled_from(["dense", "pixels", "zeros"]),
    activation=st.sampled_from(ACTIVATIONS),
    bias=st.booleans(),
    h=st.sampled_from([1e-6, 1e-4, 1e-2, 1.0, -0.3]),
    steps=st.sampled_from(["one", "rounded", "nearly one", "many", "some zero", "three", "three times many"]),
)
def test_a_sweep_gives_the_losses_of_the_naive_loop(loss, seed, widths, rows, kind, activation, bias, h, steps):
    rng = np.random.default_rng(seed)
    model = optikit.get("model", "mlp", layers=widths, activation=activation, bias=bias)
    criterion = loss(**drawn_fields(loss, rng))
    targets = targets_for(criterion, widths[-1], rows, rng)
    problem = Problem.of(model, criterion, drawn_inputs(kind, rng, (rows, widths[0])), targets)
    x = (model.init(rng) + 0.1 * rng.normal(size=len(model.init(rng)))) * rng.choice([0.1, 1.0, 3.0])  # biases, too
    n = len(x)
    step = {
        "one": h,
        "rounded": (x + h) - x,
        "nearly one": h * (1 + 1e-3 * rng.random(n)),
        "many": h * rng.uniform(0.5, 2, size=n),
        "some zero": h * rng.integers(2, size=n),
        "three": np.outer([h, -2 * h, h / 3], np.ones(n)),
        "three times many": h * rng.uniform(-2, 2, size=(3, n)),
    }[steps]
    objective = problem.at(0)
    assert type(objective).shifted is not Objective.shifted
    expected = naive(objective, x, step)
    assert np.allclose(objective.shifted(x, step), expected, rtol=1e-12, atol=1e-12 * abs(expected).max())


@pytest.mark.parametrize("width", [3, 40], ids=["few bends", "many bends"])
@given(seed=st.integers(0, 2**32 - 1), leaky=st.booleans(), h=st.sampled_from([1e-3, 0.1, 3.0]))
def test_relu_bends_and_blocks_change_no_loss(width, seed, leaky, h):
    rng = np.random.default_rng(seed)
    model = optikit.get("model", "mlp", layers=[3, 4, width, 2], activation="leaky-relu" if leaky else "relu")
    inputs = rng.choice([0, 0.5, 1.0], size=(7, 3)) * rng.choice([-1, 1], size=(7, 3))
    objective = Problem.of(model, optikit.get("loss", "mean-squared-error"), inputs, rng.normal(size=(7, 2))).at(0)
    x = model.init(rng)
    expected = naive(objective, x, np.outer([h, -h], np.ones(len(x))))
    for numbers in (1, 40, 1 << 17):  # tiny blocks, small ones, and one
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("optikit_models.sweep._NUMBERS", numbers)
            found = objective.sweep(x, h)
        assert np.allclose(found, expected, rtol=1e-12, atol=1e-12 * abs(expected).max()), f"blocks of {numbers}"


@pytest.mark.parametrize("model", MODELS, ids=lambda cls: cls.name)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@given(seed=st.integers(0, 2**32 - 1))
@example(seed=0)
def test_a_sweep_works_in_the_precision_of_the_model(model, dtype, seed):
    rng = np.random.default_rng(seed)
    made = small_model(model, 5, 3, 4, dtype=dtype)
    criterion = optikit.get("loss", "cross-entropy")
    problem = Problem.of(made, criterion, rng.normal(size=(6, 5)), rng.integers(3, size=6))
    x = made.init(rng)
    assert x.dtype == dtype
    found, expected = problem.at(0).shifted(x, np.float32(0.01)), naive(problem.at(0), x, np.float32(0.01))
    assert np.allclose(found, expected, rtol=1e-12 if dtype == "float64" else 2e-6)


@pytest.mark.parametrize(
    ("h", "activation", "initializer"),
    [
        (1e-4, "relu", "he"),
        (1e-2, "relu", "he"),
        (1e-4, "relu", "normal"),
        (1e-2, "relu", "xavier"),
        (1e-4, "tanh", "he"),
    ],
)
@pytest.mark.parametrize("dense", [False, True], ids=["digits", "dense"])
def test_the_gradient_of_the_main_job_is_that_of_the_naive_loop(h, activation, initializer, dense):
    rng = np.random.default_rng(1)
    model = optikit.get("model", "mlp", layers=[784, 50, 100, 10], activation=activation, initializer=initializer)
    data = optikit.get("data", "mnist-sample").load().train[np.arange(0, 4000, 40)]
    inputs = rng.normal(size=data.inputs.shape) if dense else data.inputs
    objective = Problem.of(model, optikit.get("loss", "cross-entropy"), inputs, data.targets).at(0)
    x = model.init(rng)
    _, gradient = optikit.get("gradient", "central-difference", h=h).value_and_grad(objective, x, rng)
    # Some coordinates of every layer: all of them would take as long as the naive loop.
    for i in [
        *rng.integers(39_250, size=60),
        *rng.integers(39_250, 44_350, size=40),
        *rng.integers(44_350, 45_360, size=20),
    ]:
        up, down = x.copy(), x.copy()
        up[i] += h
        down[i] -= h
        assert abs(gradient[i] - (objective.value(up) - objective.value(down)) / (2 * h)) < 1e-10


@given(seed=st.integers(0, 2**32 - 1), max_evals=st.integers(1, 120))
def test_the_budget_is_exact_and_the_best_point_is_right(seed, max_evals):
    rng = np.random.default_rng(seed)
    model = optikit.get("model", "mlp", layers=[2, 3, 2])
    problem = Problem.of(model, optikit.get("loss", "cross-entropy"), rng.normal(size=(9, 2)), rng.integers(2, size=9))
    descent = optikit.get("optimizer", "gradient-descent", learning_rate=0.5)
    result = optikit.minimize(
        problem, model.init(rng), optimizer=descent, gradient="central-difference", max_evals=max_evals
    )
    assert result.nfev == len(result.history) == max_evals
    assert result.fun == result.history.fun.min()
    assert np.isclose(problem.at(0).value(result.x), result.fun, rtol=1e-12)


@given(seed=st.integers(0, 2**32 - 1))
def test_the_best_point_of_a_sweep_has_the_best_value(seed):
    rng = np.random.default_rng(seed)
    model = optikit.get("model", "mlp", layers=[2, 3, 1])
    loss = optikit.get("loss", "mean-squared-error")
    problem = Problem.of(model, loss, rng.normal(size=(9, 2)), rng.normal(size=(9, 1)))
    x = model.init(rng)
    oracle = optikit.Oracle(problem, x, gradient=optikit.get("gradient", "central-difference", h=0.3))
    oracle.value_and_grad(x)
    value, best, _ = oracle.best
    assert value == oracle.history.fun.min()
    assert np.isclose(problem.at(0).value(best), value, rtol=1e-12)


def test_a_loss_without_rows_of_its_own_is_asked_row_by_row():
    class Absolute(optikit.Loss):
        """Mean absolute difference."""

        name = "absolute"

        def __call__(self, outputs, targets):
            return float(abs(outputs - targets).sum(axis=1).mean())

    rng = np.random.default_rng(0)
    model = optikit.get("model", "linear", inputs=3, outputs=2)
    objective = Problem.of(model, Absolute(), rng.normal(size=(5, 3)), rng.normal(size=(5, 2))).at(0)
    x = model.init(rng)
    assert np.allclose(objective.shifted(x, 0.1), naive(objective, x, 0.1), rtol=1e-13)
