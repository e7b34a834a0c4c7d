"""Optax's update rules: the same numbers, up to rounding, as when optax is driven by hand, from a state of arrays."""

import inspect
import math
from copy import deepcopy

import numpy as np
import pytest
from driven import path

import optikit
from optikit import InputError, StopReason

optax = pytest.importorskip("optax", reason="needs optax: python -m pip install 'optikit[optax]'")
jax = pytest.importorskip("jax")

CLASSES = {name: cls for name, cls in optikit.components("optimizer").items() if name.startswith("optax-")}
OTHERS = {
    "optax-sgd": {"momentum": 0.9, "nesterov": True},
    "optax-adagrad": {"initial_accumulator_value": 0.5, "eps": 1e-2},
    "optax-rmsprop": {"decay": 0.5, "eps": 1e-2, "initial_scale": 0.5, "eps_in_sqrt": False, "centered": True,
                      "momentum": 0.5, "nesterov": True, "bias_correction": True},
    "optax-lion": {"b1": 0.5, "b2": 0.7, "weight_decay": 0.1},
    "optax-lars": {"weight_decay": 0.1, "trust_coefficient": 0.1, "eps": 0.1, "momentum": 0.5, "nesterov": True},
    "optax-lamb": {"b1": 0.5, "b2": 0.9, "eps": 1e-2, "eps_root": 1e-2, "weight_decay": 0.1},
    "optax-novograd": {"b1": 0.5, "b2": 0.9, "eps": 1e-2, "eps_root": 1e-2, "weight_decay": 0.1},
    "optax-fromage": {"min_norm": 2.0},
    "optax-sm3": {"momentum": 0.5},
    "optax-adafactor": {"decay_rate": 0.5, "multiply_by_parameter_scale": False,
                        "clipping_threshold": 0.5, "momentum": 0.5, "weight_decay_rate": 0.1, "eps": 0.1},
    "optax-polyak-sgd": {"max_learning_rate": 0.4, "scaling": 0.5, "f_min": -0.5, "eps": 0.1, "variant": "sps+"},
    "optax-adam": {"b1": 0.5, "b2": 0.9, "eps": 1e-2, "eps_root": 1e-2, "nesterov": True},
    "optax-adamw": {"b1": 0.5, "b2": 0.9, "eps": 1e-2, "eps_root": 1e-2, "nesterov": True, "weight_decay": 0.1},
    "optax-adamax": {"b1": 0.5, "b2": 0.9, "eps": 1e-2},
    "optax-nadam": {"b1": 0.5, "b2": 0.9, "eps": 1e-2, "eps_root": 1e-2, "nesterov": False},
    "optax-radam": {"b1": 0.5, "b2": 0.9, "eps": 1e-2, "eps_root": 1e-2, "nesterov": True, "threshold": 6.0},
    "optax-amsgrad": {"b1": 0.5, "b2": 0.9, "eps": 1e-2, "eps_root": 1e-2},
    "optax-adabelief": {"b1": 0.5, "b2": 0.9, "eps": 1e-2, "eps_root": 1e-2, "nesterov": True},
    "optax-adan": {"b1": 0.5, "b2": 0.6, "b3": 0.7, "eps": 1e-2, "eps_root": 1e-2, "weight_decay": 0.1},
    "optax-yogi": {"b1": 0.5, "b2": 0.9, "eps": 1e-2},
}  # fmt: skip
"""Every option of every rule, but the learning rate."""
START, STEPS = np.linspace(-1, 1, 4), 8

each = pytest.mark.parametrize("name", sorted(CLASSES))


def slopes_of(seed):
    return np.random.default_rng(seed).normal(size=(STEPS, len(START)))


def by_hand(name, slopes, dtype, options):
    rate = {} if name == "optax-polyak-sgd" else {"learning_rate": CLASSES[name]().learning_rate}
    rule, points = getattr(optax, CLASSES[name].rule)(**{**rate, **options}), []
    with jax.enable_x64(True) if hasattr(jax, "enable_x64") else jax.experimental.enable_x64():
        x = jax.numpy.asarray(START.astype(dtype))
        state = rule.init(x)
        for slope in slopes:
            points.append(np.array(x))
            more = {"value": 1.0} if name == "optax-polyak-sgd" else {}
            move, state = rule.update(jax.numpy.asarray(slope.astype(dtype)), state, x, **more)
            x = optax.apply_updates(x, move)
    return np.array(points)


@each
@pytest.mark.parametrize("other", [False, True])
def test_a_rule_goes_where_optax_goes(name, other):
    options = OTHERS[name] if other else {}
    for dtype, seed in [(np.float64, 1), (np.float32, 2)]:
        slopes = slopes_of(seed)
        ours = path(CLASSES[name](**options), slopes, dtype)
        assert len(ours) == STEPS
        assert ours.dtype == dtype
        # Compiled in one piece or operation by operation: a matter of rounding.  Adafactor has a momentum in float32.
        close = 1e-5 if dtype == np.float32 or name == "optax-adafactor" else 1e-12
        assert np.allclose(ours, by_hand(name, slopes, dtype, options), rtol=close, atol=close)
    assert not jax.config.jax_enable_x64


@each
def test_fields_are_optaxs_options_with_optaxs_defaults(name):
    cls = CLASSES[name]
    theirs, ours = inspect.signature(getattr(optax, cls.rule)).parameters, set(cls.model_fields) - {"gtol"}
    assert ours == set(OTHERS[name]) | ({"learning_rate"} if name != "optax-polyak-sgd" else set())
    left_out = {"mask", "weight_decay_mask", "trust_ratio_mask", "accumulator_dtype", "mu_dtype", "dtype_momentum",
                "min_dim_size_to_factor", "decay_offset", "factored",
                "bias_correction_mu", "bias_correction_nu"}  # fmt: skip
    assert set(theirs) - ours <= left_out
    for field in ours - {"learning_rate"}:
        assert cls.model_fields[field].default == theirs[field].default


@pytest.mark.parametrize("name", ["optax-sgd", "optax-adam", "optax-adan", "optax-sm3"])
def test_the_state_is_plain_data_and_a_copy_of_it_goes_the_same_way(name):
    problem = optikit.Problem(lambda x: float(x @ x), lambda x: 2 * x)
    rule, x0 = CLASSES[name](), np.array([1.0, -2.0])
    state = rule.init(x0, np.random.default_rng(0))
    for _ in range(3):
        state = rule.step(optikit.Oracle(problem, x0), state)
    assert {type(kept) for kept in state.memory} <= {np.ndarray}
    assert all(kept.flags.writeable and kept.flags.owndata for kept in state.memory)
    saved = deepcopy(state)
    saved.memory = tuple(np.array(kept.tolist(), dtype=kept.dtype) for kept in saved.memory)
    on = [rule.step(optikit.Oracle(problem, x0), kept).x for kept in (state, saved)]
    assert np.array_equal(*on)
    assert np.array_equal(x0, [1.0, -2.0])


def test_bounds_clip_every_move():
    points = path(CLASSES["optax-sgd"](learning_rate=1.0, momentum=0.9), slopes_of(2), bounds=(-1.0, 1.0))
    assert (abs(points) <= 1).all()
    assert (abs(points[1:]) == 1).any()


def test_it_stops_at_a_start_without_value_and_where_the_loss_explodes():
    def run(fun):
        return optikit.minimize(
            fun, [1.0, 2.0], optimizer=CLASSES["optax-adam"](learning_rate=0.25), gradient=lambda x: x,
            check_gradient=False, max_evals=50,
        )  # fmt: skip

    assert (run(lambda x: math.nan).reason, run(lambda x: math.nan).nfev) == (StopReason.FAILED, 1)
    values = iter([1.0, *[1e6] * 50])
    burst = run(lambda x: next(values))
    assert (burst.reason, burst.nfev) == (StopReason.DIVERGED, 2)
    assert "a learning_rate below 0.25 may help" in burst.message


def test_polyaks_step_reaches_a_minimum_of_known_value():
    result = optikit.minimize(
        lambda x: float((x - 0.3) @ (x - 0.3)) + 2, [1.0, -1.0], optimizer={"name": "optax-polyak-sgd", "f_min": 2.0},
        gradient=lambda x: 2 * (x - 0.3), max_evals=100,
    )  # fmt: skip
    assert result.success
    assert np.allclose(result.x, 0.3)


def test_options_that_do_not_fit_are_one_sentence():
    for options, said in [
        ({"learning_rate": 0.0}, "learning_rate is 0.0, but must be greater than 0"),
        ({"mask": None}, "optax-adam has no field 'mask'"),
    ]:
        with pytest.raises(InputError, match=said):
            optikit.get("optimizer", "optax-adam", **options)
