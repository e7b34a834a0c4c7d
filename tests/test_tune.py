"""Tuning: what comes out is never worse than what went in, and what it cost is what was spent."""

import math
from statistics import mean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit import InputError
from optikit.tuning.space import axes, made


def bowl(x):
    return float((x * x * np.arange(1, len(x) + 1)).sum())


def tuned(optimizer="gradient-descent", fun=bowl, **options):
    options = {"max_evals": 90, "gradient": "forward-difference", "tries": 9, "seeds": 2} | options
    return optikit.tune(optimizer, fun, [1.0, -2.0], **options)


@given(rate=st.floats(1e-6, 1e3), tries=st.integers(1, 12), rng=st.integers(0, 99))
@settings(max_examples=10)
def test_it_is_never_worse_than_before_and_counts_what_it_cost(rate, tries, rng):
    asked = []

    def fun(x):
        asked.append(x)
        return bowl(x)

    found = tuned(optikit.get("optimizer", "gradient-descent", learning_rate=rate), fun, tries=tries, rng=rng)
    assert found.value <= found.before
    # Looking at a start takes one evaluation that no optimizer asked for.
    runs = 2 * len(found.settings)
    assert len(asked) - runs <= found.nfev <= len(asked)
    lengths = [setting.max_evals for setting in found.settings]
    assert lengths == sorted(lengths)
    assert lengths.count(10) <= tries
    whole = [setting.value for setting in found.settings if setting.max_evals == 90]
    assert found.value == min(whole)
    assert found.before == whole[0]
    assert found.settings[0].fields == {"learning_rate": rate}


def test_the_value_is_what_such_runs_give():
    found = tuned(max_evals=60)
    runs = optikit.compare(
        bowl,
        x0=[1.0, -2.0],
        optimizers={"found": found.optimizer},
        max_evals=60,
        seeds=2,
        rng=0,
        gradient="forward-difference",
    )
    assert found.value == mean(trial.best for trial in runs.trials)


def test_it_finds_a_learning_rate_that_is_far_off():
    slow = optikit.get("optimizer", "gradient-descent", learning_rate=1e-4)
    found = tuned(slow, tries=27, max_evals=270)
    assert found.value < 1e-6 < 1 < found.before
    assert found.optimizer.model_copy(update={"learning_rate": 1e-4}) == slow
    assert "learning_rate = " in str(found)


def test_it_is_the_same_again():
    assert tuned().settings == tuned().settings
    assert tuned(rng=1).settings != tuned().settings


def test_runs_that_fail_are_no_better():
    def fun(x):
        if abs(x).max() > 2.5:
            raise ValueError("too far")
        return bowl(x)

    found = tuned(fun=fun, tries=15, fields={"learning_rate": (0.1, 1e3)})
    assert math.isinf(max(setting.value for setting in found.settings))
    assert found.value < 1


@given(data=st.data())
def test_every_axis_goes_there_and_back_inside_the_range(data):
    names = sorted(name for name, cls in optikit.components("optimizer").items() if "learning_rate" in cls.model_fields)
    cls = optikit.components("optimizer")[data.draw(st.sampled_from(names))]
    if cls.requires is not None:
        return
    optimizer = cls()
    fields = [
        name for name, field in cls.model_fields.items() if isinstance(field.default, float) and field.default > 0
    ]
    along = axes(optimizer, [data.draw(st.sampled_from(fields))])
    u = data.draw(st.lists(st.floats(0, 1), min_size=len(along), max_size=len(along)))
    other = made(optimizer, along, u)  # pydantic refuses what is outside
    for axis, share in zip(along, u, strict=True):
        assert axis.place(getattr(other, axis.field)) == pytest.approx(share, abs=1e-5)
    assert made(optimizer, along, [axis.place(getattr(optimizer, axis.field)) for axis in along]) == optimizer


def test_whole_numbers_stay_whole():
    (axis,) = axes(optikit.get("optimizer", "lbfgs"), "memory")
    assert {type(axis.value(u)) for u in np.linspace(0, 1, 9)} == {int}
    assert axis.value(0) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fields": ["lr"]}, "'lr' is no field of gradient-descent .* known are"),
        ({"fields": "nesterov"}, "'nesterov' is no number of gradient-descent"),
        ({"fields": {"learning_rate": (0, 1)}}, "learning_rate = 0: is 0.0, but must be greater than 0"),
        ({"fields": {"learning_rate": (2, 1)}}, "the lower one first"),
        ({"fields": {"learning_rate": 3}}, r"is no range; pass \(low, high\)"),
        ({"fields": []}, "fields names none"),
        ({"fields": ["weight_decay"]}, "weight_decay of gradient-descent is 0.0, .* give a range"),
        ({"tries": 0}, "how many settings to try, at least 1"),
        ({"max_evals": 0}, "max_evals is 0"),
        ({"optimizer": "lbfgs"}, "lbfgs has no learning_rate; say by fields"),
        ({"seeds": 0}, "seeds is 0"),
    ],
    ids=str,
)
def test_wrong_input_is_one_sentence(options, said):
    with pytest.raises(InputError, match=said) as caught:
        tuned(**options)
    assert "\n" not in str(caught.value)
