"""Update rules: each is its formula, number by number, and PyTorch's where that has the same."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit import StopReason

SIZE, STEPS = 4, 30


def gradients(seed):
    """Draw gradients that do not depend on x, so that a rule cannot forgive itself an error."""
    return np.random.default_rng(seed).normal(size=(STEPS, SIZE))


def path(name, given, bounds=None, **fields):
    """Give all points that a rule visits when it meets these gradients."""
    turns, points = iter(given), []

    def gradient(x):
        points.append(x.copy())
        return next(turns)

    optikit.minimize(
        lambda x: 0.0, np.linspace(-1, 1, SIZE), optimizer=optikit.get("optimizer", name, **fields),
        gradient=gradient, bounds=bounds, max_steps=STEPS, check_gradient=False,
    )  # fmt: skip
    return np.array(points)


def textbook(name, given, rate):
    """Compute the same in plain Python, one number at a time, from the papers."""
    points = [list(np.linspace(-1, 1, SIZE))]
    m, s, u, before = ([0.0] * SIZE for _ in range(4))
    length = [rate] * SIZE
    for t, g in enumerate(given[:-1], start=1):
        x = list(points[-1])
        for i in range(SIZE):
            match name:
                case "gradient-descent":
                    m[i] = 0.9 * m[i] - rate * g[i]
                    x[i] += m[i]
                case "adagrad":
                    s[i] += g[i] ** 2
                    x[i] -= rate * g[i] / (math.sqrt(s[i]) + 1e-10)
                case "rmsprop":
                    s[i] = 0.99 * s[i] + 0.01 * g[i] ** 2
                    x[i] -= rate * g[i] / (math.sqrt(s[i]) + 1e-8)
                case "adadelta":
                    s[i] = 0.95 * s[i] + 0.05 * g[i] ** 2
                    d = math.sqrt(u[i] + 1e-6) / math.sqrt(s[i] + 1e-6) * g[i]
                    u[i] = 0.95 * u[i] + 0.05 * d**2
                    x[i] -= rate * d
                case "adam" | "adamw" | "amsgrad" | "nadam":
                    m[i] = 0.9 * m[i] + 0.1 * g[i]
                    s[i] = 0.999 * s[i] + 0.001 * g[i] ** 2
                    corrected, square = m[i] / (1 - 0.9**t), s[i] / (1 - 0.999**t)
                    if name == "nadam":
                        corrected = 0.9 * m[i] / (1 - 0.9 ** (t + 1)) + 0.1 * g[i] / (1 - 0.9**t)
                    if name == "amsgrad":
                        square = u[i] = max(u[i], square)
                    x[i] -= rate * corrected / (math.sqrt(square) + 1e-8) + (
                        rate * 0.01 * x[i] if name == "adamw" else 0
                    )
                case "lion":
                    x[i] -= rate * math.copysign(1, 0.9 * m[i] + 0.1 * g[i])
                    m[i] = 0.99 * m[i] + 0.01 * g[i]
                case "rprop":
                    agreement = g[i] * before[i]
                    if agreement > 0:
                        length[i] = min(1.2 * length[i], 50)
                    elif agreement < 0:
                        length[i] = max(0.5 * length[i], 1e-12)
                    before[i] = 0.0 if agreement < 0 else g[i]
                    x[i] -= length[i] * (math.copysign(1, before[i]) if before[i] else 0)
        points.append(x)
    return np.array(points)


RULES = ["gradient-descent", "adagrad", "rmsprop", "adadelta", "adam", "adamw", "amsgrad", "nadam", "lion", "rprop"]


@pytest.mark.parametrize("name", RULES)
@given(seed=st.integers(0, 2**32 - 1), rate=st.floats(1e-4, 0.5))
def test_a_rule_is_the_formula_of_its_paper(name, seed, rate):
    given = gradients(seed)
    fields = {"momentum": 0.9} if name == "gradient-descent" else {}
    points = path(name, given, learning_rate=rate, **fields)
    # Rounding differs by the order of the operations, and grows with the number of steps.
    assert np.allclose(points, textbook(name, given, rate), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    ("name", "theirs", "fields", "options"),
    [
        ("gradient-descent", "SGD", {"momentum": 0.9}, {"momentum": 0.9}),
        ("gradient-descent", "SGD", {"momentum": 0.9, "nesterov": True}, {"momentum": 0.9, "nesterov": True}),
        ("adagrad", "Adagrad", {}, {}),
        ("rmsprop", "RMSprop", {}, {}),
        ("rmsprop", "RMSprop", {"momentum": 0.8}, {"momentum": 0.8}),
        ("adadelta", "Adadelta", {}, {"rho": 0.95}),
        ("adam", "Adam", {}, {}),
        ("adamw", "AdamW", {}, {}),
        ("rprop", "Rprop", {"smallest": 1e-6}, {}),
    ],
)
def test_pytorch_goes_the_same_way(name, theirs, fields, options):
    torch = pytest.importorskip("torch")
    given = gradients(0)
    x = torch.tensor(np.linspace(-1, 1, SIZE), requires_grad=True)
    optimizer, points = getattr(torch.optim, theirs)([x], lr=0.05, **options), []
    for gradient in given:
        points.append(x.detach().numpy().copy())
        x.grad = torch.tensor(gradient)
        optimizer.step()
    assert np.allclose(path(name, given, learning_rate=0.05, **fields), points, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", RULES)
def test_a_schedule_scales_the_learning_rate(name):
    given = gradients(1)
    halved = path(name, given, learning_rate=0.1, schedule=optikit.get("schedule", "constant", factor=0.5))
    if name == "rprop":  # all of its steps, not the first alone
        assert np.allclose(np.diff(halved, axis=0), np.diff(path(name, given, learning_rate=0.1), axis=0) / 2)
    else:
        assert np.allclose(halved, path(name, given, learning_rate=0.05), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", RULES)
def test_weight_decay_is_apart_from_the_gradient(name):
    still = np.zeros((STEPS, SIZE))
    still[:, 0] = 1e-300  # so that it does not stop, and moves nothing but coordinate 0
    points = path(name, still, learning_rate=0.1, weight_decay=0.5, gtol=0)
    expected = np.linspace(-1, 1, SIZE) * 0.95 ** np.arange(STEPS)[:, None]
    assert np.allclose(points[:, 1:], expected[:, 1:], rtol=1e-13, atol=0)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_momentum_does_not_lean_on_a_bound(seed):
    # A long way into the bound, and then one gradient back: it leaves at once.
    given = np.full((STEPS, SIZE), -1.0) * np.random.default_rng(seed).uniform(0.5, 1.5, size=SIZE)
    given[20:] *= -1
    given[:, 0] = 1e-3  # in free space, so that the run does not end at the bound
    far = np.array([np.inf, 1, 1, 1])
    for name, fields in (("gradient-descent", {"momentum": 0.9}), ("adam", {}), ("rmsprop", {"momentum": 0.9})):
        points = path(name, given, bounds=(-far, far), learning_rate=0.5, **fields)
        assert (points[20, 1:] == 1).all()
        assert (points[21, 1:] < 1).all()


def test_barzilai_and_borwein_solve_a_quadratic_in_a_few_steps():
    scales = np.array([1.0, 3.0, 10.0, 30.0])
    result = optikit.minimize(
        lambda x: x @ (scales * x) / 2, np.ones(4), optimizer="barzilai-borwein", gradient=lambda x: scales * x,
        max_evals=100,
    )  # fmt: skip
    assert result.reason is StopReason.CONVERGED
    assert result.nfev < 60
    assert result.fun < 1e-15
