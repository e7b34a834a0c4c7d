"""PyTorch's optimizers: the same numbers as when PyTorch is driven by hand, from a state of plain arrays."""

import inspect
import math
from copy import deepcopy

import numpy as np
import pytest
from driven import path
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit import InputError, StopReason

torch = pytest.importorskip("torch", reason="needs torch: python -m pip install 'optikit[torch]'")

CLASSES = {name: cls for name, cls in optikit.components("optimizer").items() if name.startswith("torch-")}
RULES = sorted(set(CLASSES) - {"torch-lbfgs"})
OTHERS = {
    "torch-sgd": {"momentum": 0.9, "dampening": 0.3},
    "torch-asgd": {"lambd": 0.1, "alpha": 0.5, "t0": 3.0},
    "torch-adagrad": {"lr_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3},
    "torch-adadelta": {"rho": 0.5, "eps": 1e-2},
    "torch-adafactor": {"beta2_decay": -0.5, "eps": (1e-2, 0.5), "d": 2.0},
    "torch-rmsprop": {"alpha": 0.5, "eps": 1e-2, "momentum": 0.9, "centered": True},
    "torch-rprop": {"etas": (0.3, 1.5), "step_sizes": (1e-3, 0.1)},
    "torch-adam": {"betas": (0.5, 0.9), "eps": 1e-2, "amsgrad": True},
    "torch-adamw": {"betas": (0.5, 0.9), "eps": 1e-2, "amsgrad": True},
    "torch-adamax": {"betas": (0.5, 0.9), "eps": 1e-2},
    "torch-nadam": {"betas": (0.5, 0.9), "eps": 1e-2, "momentum_decay": 0.1, "decoupled_weight_decay": True},
    "torch-radam": {"betas": (0.5, 0.9), "eps": 1e-2, "decoupled_weight_decay": True},
}
"""Every option of every rule, but the learning rate and the weight decay."""
NESTEROV = {"momentum": 0.9, "nesterov": True}
"""What does not go with a dampening."""
LBFGS_OPTIONS = {"tolerance_grad": 1e-9, "tolerance_change": 1e-12, "history_size": 5}

each = pytest.mark.parametrize("name", RULES)


def by_hand(name, slopes, dtype, options):
    x = torch.from_numpy(np.linspace(-1, 1, slopes.shape[1], dtype=dtype))
    rule, points = getattr(torch.optim, CLASSES[name].rule)([x], **options), []
    for slope in slopes:
        points.append(x.numpy().copy())
        x.grad = torch.from_numpy(slope.astype(dtype))
        rule.step()
    return np.array(points)


def slopes_of(seed, steps=12):
    return np.random.default_rng(seed).normal(size=(steps, 4))


@each
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@settings(max_examples=5)
@given(seed=st.integers(0, 2**32), lr=st.floats(1e-3, 1), other=st.booleans())
def test_a_rule_goes_bitwise_where_pytorch_goes(name, dtype, seed, lr, other):
    options = {"lr": lr, **(OTHERS[name] if other else {})}
    if other and name != "torch-rprop":
        options["weight_decay"] = 0.1
    slopes = slopes_of(seed)
    ours = path(CLASSES[name](**options), slopes, dtype)
    assert ours.dtype == dtype
    assert np.array_equal(ours, by_hand(name, slopes, dtype, options))


def test_nesterov_goes_bitwise_where_pytorch_goes():
    slopes = slopes_of(3)
    ours = path(CLASSES["torch-sgd"](**NESTEROV), slopes)
    assert np.array_equal(ours, by_hand("torch-sgd", slopes, np.float64, NESTEROV))


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_fields_are_pytorchs_options_with_pytorchs_defaults(name):
    cls = CLASSES[name]
    theirs = inspect.signature(getattr(torch.optim, getattr(cls, "rule", "LBFGS"))).parameters
    ours = set(cls.model_fields) - {"gtol"}
    given = set(OTHERS.get(name, LBFGS_OPTIONS)) | {"lr", "weight_decay", "max_iter", "line_search_fn"} | set(NESTEROV)
    assert ours <= given  # so that the tests above reach all of them
    how = {"foreach", "fused", "capturable", "differentiable", "maximize", "params", "max_eval"}
    # PyTorch's Adam is AdamW with `decoupled_weight_decay`; there is a name for that.
    assert set(theirs) - ours - how <= ({"decoupled_weight_decay"} if name == "torch-adam" else set())
    for field in ours - {"max_iter"}:  # the limits of the run count
        # None leaves it to PyTorch, where it is a pair with a None in it, which TOML could not say.
        assert cls.model_fields[field].default in (
            theirs[field].default,
            *([None] if name == "torch-adafactor" else []),
        )


@each
def test_every_option_changes_the_path(name):
    slopes, options = slopes_of(1), {**OTHERS[name], "lr": 0.3, "weight_decay": 0.2}
    if name == "torch-rprop":
        del options["weight_decay"]
    most = path(CLASSES[name](**options), slopes)
    for option in options:
        rest = {key: value for key, value in options.items() if key != option}
        if name == "torch-asgd" and option == "t0":
            continue  # begins PyTorch's own averaging, which moves nothing
        if name == "torch-rprop" and option == "lr":
            rest["step_sizes"] = (1e-3, 1.0)
        assert not np.array_equal(path(CLASSES[name](**rest), slopes), most), option


@each
def test_the_state_is_plain_data_and_a_copy_of_it_goes_the_same_way(name):
    problem = optikit.Problem(lambda x: float(x @ x), lambda x: 2 * x)
    rule, x0 = CLASSES[name](), np.array([1.0, -2.0])
    state = rule.init(x0, np.random.default_rng(0))
    for _ in range(3):
        state = rule.step(optikit.Oracle(problem, x0), state)
    assert {type(kept) for kept in state.memory.values()} <= {np.ndarray}
    saved = deepcopy(state)
    saved.memory = {key: np.array(kept.tolist(), dtype=kept.dtype) for key, kept in saved.memory.items()}
    on = [rule.step(optikit.Oracle(problem, x0), kept).x for kept in (state, saved)]
    assert np.array_equal(*on)
    assert np.array_equal(x0, [1.0, -2.0])


@each
def test_bounds_clip_every_move(name):
    slopes = slopes_of(2)
    points = path(CLASSES[name](lr=1.0), slopes, bounds=(-1.0, 1.0))
    assert (abs(points) <= 1).all()
    assert (abs(points[1:]) == 1).any()


@each
def test_it_stops_at_the_bottom_at_a_start_without_value_and_where_the_loss_explodes(name):
    def run(fun, gradient, **options):
        return optikit.minimize(
            fun, [1.0, 2.0], optimizer=CLASSES[name](**options), gradient=gradient, check_gradient=False, max_evals=50
        )

    flat = run(lambda x: 1.0, np.zeros_like)
    assert (flat.reason, flat.nfev) == (StopReason.CONVERGED, 1)
    for lost in (math.nan, math.inf):
        hole = run(lambda x, lost=lost: lost, lambda x: x)
        assert (hole.reason, hole.nfev) == (StopReason.FAILED, 1)
    values = iter([1.0, *[1e6] * 50])
    burst = run(lambda x: next(values), lambda x: x, lr=0.25)
    assert (burst.reason, burst.nfev) == (StopReason.DIVERGED, 2)
    assert "a lr below 0.25 may help" in burst.message


def test_options_that_do_not_fit_are_one_sentence():
    for options, said in [
        ({"lr": 0.0}, "lr is 0.0, but must be greater than 0"),
        ({"foreach": True}, "torch-sgd has no field 'foreach'"),
        ({"nesterov": True}, "torch-sgd: nesterov needs a momentum above 0"),
    ]:
        with pytest.raises(InputError, match=said):
            optikit.get("optimizer", "torch-sgd", **options)


def test_a_network_learns_as_with_adam_of_our_own():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(60, 3))
    targets = inputs @ rng.normal(size=(3, 1))
    linear = optikit.get("model", "linear", inputs=3)
    runs = [
        optikit.fit(
            linear, "mean-squared-error", (inputs, targets), optimizer=optimizer, epochs=3, batch_size=10, rng=1
        )
        for optimizer in ({"name": "torch-adam", "lr": 0.1}, {"name": "adam", "learning_rate": 0.1})
    ]
    assert np.allclose(runs[0].x, runs[1].x, rtol=1e-10)
    assert runs[0].nit == 18


@pytest.mark.parametrize("options", [{}, {"line_search_fn": "strong_wolfe", **LBFGS_OPTIONS}, {"max_iter": 4}])
def test_lbfgs_asks_where_pytorch_asks(options):
    weights, asked = np.array([1.0, 4.0, 9.0]), ([], [])
    ours = optikit.minimize(
        lambda x: asked[0].append(x.copy()) or float(weights @ (x - 0.3) ** 4), [1.0, -1.0, 0.5],
        optimizer=CLASSES["torch-lbfgs"](**options), gradient=lambda x: 4 * weights * (x - 0.3) ** 3,
        check_gradient=False,
    )  # fmt: skip
    x = torch.tensor([1.0, -1.0, 0.5], dtype=torch.float64)
    solver = torch.optim.LBFGS([x], **{"max_iter": 10_000, "max_eval": 10_000, **options})

    def closure():
        asked[1].append(x.numpy().copy())
        x.grad = torch.from_numpy(4 * weights * (asked[1][-1] - 0.3) ** 3)
        return torch.tensor(float(weights @ (asked[1][-1] - 0.3) ** 4), dtype=torch.float64)

    solver.step(closure)
    assert np.array_equal(*asked)
    assert ours.reason is (StopReason.FAILED if "max_iter" in options else StopReason.CONVERGED)
    assert ours.fun < 1e-5 or "max_iter" in options
