"""What a failing check shows: the arrays and settings that the component was given, and not a seed alone."""

import linecache
import re
import warnings
from contextlib import nullcontext

import numpy as np
import planted_optimizers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from planted_optimizers import OPTIMIZERS

import optikit
from optikit import get
from optikit.testing import checks, examine, posed
from optikit.testing.shown import LONGEST, MOST, written
from optikit.testing.subject import Subject

HUBER = get("loss", "huber")


def shown(value):
    """Write a value down, and give what stands on the right."""
    first, second = written(HUBER, {"value": value}).splitlines()
    assert first == f"loss = {HUBER!r}"
    return second.removeprefix("value = ")


numbers = st.floats(allow_nan=False)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | st.text(max_size=5),
    lambda each: st.lists(each, max_size=3) | st.tuples(each) | st.tuples(each, each),
    max_leaves=6,
)


@given(plain)
def test_plain_data_reads_as_python(value):
    assert eval(shown(value), {"inf": np.inf}) == value


sides = arrays.array_shapes(max_dims=3, max_side=3)
kinds = st.sampled_from(["float64", "float32", "int64", "bool"])


@given(st.data(), kinds, sides)
def test_a_short_array_reads_as_python_to_the_last_bit(data, kind, shape):
    array = data.draw(arrays.arrays(kind, shape))
    text = shown(array)
    if array.size > MOST:
        assert f"of shape {shape}" in text
        return
    again = eval(text, {"array": np.array, "inf": np.inf, "nan": np.nan})
    assert again.dtype == array.dtype
    assert np.array_equal(again, array, equal_nan=True)


@given(arrays.array_shapes(max_dims=3, max_side=60))
def test_a_long_array_is_cut_and_says_its_shape(shape):
    array = np.random.default_rng(0).normal(size=shape)
    text = shown(array)
    assert "\n" not in text
    assert len(text) <= 25 * 4**3, "four of each side"
    assert (f"of shape {shape}" in text) == (array.size > MOST)


def test_nothing_shows_an_address_or_has_no_end():
    for value in (lambda x: x, object(), [object()], {"a": object()}, HUBER, "a" * 9999, list(range(9999)), np.sin):
        text = shown(value)
        assert not re.search("0x[0-9a-f]{5}", text)
        assert len(text) <= LONGEST + 3


def test_what_is_shown_is_what_was_given_before_the_component_wrote_into_it():
    subject, x = Subject(component=HUBER), np.zeros(2)
    subject.note(x=x)
    x[:] = 1
    assert "x = array([0.0, 0.0])" in subject.example


def test_what_is_tried_aside_is_not_shown():
    subject = Subject(component=HUBER)
    subject.note(x=1)
    with subject.aside():
        subject.note(x=2, y=3)
    assert subject.noted == {"x": 1}


@pytest.mark.parametrize("least", [0, 7, 900])
@pytest.mark.parametrize("tries", [0, 5, 30])
def test_a_failing_example_is_made_smaller_in_as_many_tries_as_there_are(least, tries):
    subject, made = Subject(component=HUBER), []
    subject.shrinks = tries

    def check(number):
        made.append(number)
        assert number < least, f"{number} is too large"

    with pytest.raises(AssertionError) as found:
        subject.drawn(number=st.integers(0, 10**6))(check)
    failed = [number for number in made if number >= least]
    assert subject.noted == {"number": min(failed)}
    assert str(found.value).startswith(f"{min(failed)} is too large")
    first = made.index(failed[0])
    assert len(made[first:]) <= tries + 4, "the first, those that were tried, and the last again"


def failing(name):
    subject = posed(OPTIMIZERS[name], examples=4)
    verdicts = examine(subject, [check for check in checks(subject) if check.name in ("best", "bounds")]).verdicts
    return {verdict.check: verdict.example for verdict in verdicts if not verdict.good}


def test_what_an_optimizer_may_not_ask_is_told_with_the_line_of_its_own_that_asked():
    subject = posed(OPTIMIZERS["steps-outside"], examples=4)
    (verdict,) = examine(subject, [check for check in checks(subject) if check.name == "bounds"]).verdicts
    place = re.search(r"\(planted_optimizers\.py:(\d+)\)$", verdict.message)
    assert "oracle.value_and_grad(" in linecache.getline(planted_optimizers.__file__, int(place[1]))


@pytest.mark.parametrize(("name", "check"), [("believes-its-model", "best"), ("steps-outside", "bounds")])
def test_an_optimizer_fails_again_on_the_example_that_is_shown(name, check):
    example = failing(name)[check]
    assert failing(name)[check] == example, "it is the same each time"
    lines = dict(line.split(" = ", 1) for line in example.splitlines())
    assert lines.pop("optimizer") == repr(OPTIMIZERS[name])
    given = {key: eval(text, {"array": np.array, "inf": np.inf}) for key, text in lines.items()}
    formula, asked = given["objective"], []

    def fun(x):
        asked.append(eval(formula, {**given, "x": x}))
        return asked[-1]

    options = {key: given[key] for key in ("bounds", "max_evals", "rng")}
    outside = pytest.raises(optikit.ContractError, match="outside the bounds") if check == "bounds" else nullcontext()
    with warnings.catch_warnings(), outside:
        warnings.simplefilter("ignore")
        result = optikit.minimize(
            fun,
            given["x0"],
            optimizer=OPTIMIZERS[name],
            gradient=lambda x: given["hessian"] @ (x - given["lowest"]),
            check_gradient=False,
            **options,
        )
        assert result.fun != min(asked)
