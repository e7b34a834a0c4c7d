"""Every component is its own configuration: frozen, strict, comparable, and the same after JSON and TOML."""

import json
import tomllib
from importlib.util import find_spec
from typing import get_args

import numpy as np
import pytest
import tomli_w
from drawn import every_class, options
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError

import optikit
from optikit import Loss

CLASSES = every_class()
by_name = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: f"{cls.kind}:{cls.name}")


def test_the_built_in_components_are_there():
    assert {f"{cls.kind}:{cls.name}" for cls in CLASSES} >= {
        "model:mlp", "model:linear", "model:cnn", "loss:cross-entropy", "loss:binary-cross-entropy", "loss:hinge",
        "loss:squared-hinge", "loss:kullback-leibler", "loss:focal", "loss:mean-squared-error",
        "loss:mean-absolute-error", "loss:huber", "loss:log-cosh", "gradient:analytic", "gradient:central-difference",
        "gradient:forward-difference", "gradient:backward-difference", "gradient:complex-step",
        "gradient:gaussian-smoothing", "gradient:random-coordinates", "gradient:spsa", "gradient:richardson",
        "gradient:noise-aware", "optimizer:random-search",
        "optimizer:gradient-descent", "data:mnist-sample", "data:idx", "data:npz", "data:csv",
    }  # fmt: skip


def without_nulls(table):
    """TOML has none; a field that is left out has its default."""
    return {
        key: without_nulls(value) if isinstance(value, dict) else value
        for key, value in table.items() if value is not None
    }  # fmt: skip


NESTED = ["nlopt-auglag", "nlopt-mlsl"]
"""Their part is read by the registry, which needs the library."""


@pytest.mark.parametrize(
    "cls",
    [cls for cls in CLASSES if cls.name not in NESTED or find_spec("nlopt")],
    ids=lambda cls: f"{cls.kind}:{cls.name}",
)
@settings(max_examples=30)
@given(data=st.data())
def test_a_component_is_the_same_after_json_and_toml(cls, data):
    component = cls(**data.draw(options(cls)))

    def made(fields):
        return (
            optikit.get(cls.kind, cls.name, **fields)
            if cls.requires is None or find_spec(cls.requires)
            else cls(**fields)
        )

    assert made(json.loads(component.model_dump_json())) == component
    assert made(component.model_dump()) == component
    written = without_nulls(component.model_dump(mode="json"))
    read = tomllib.loads(tomli_w.dumps(written))
    assert made(read) == component
    assert hash(made(read)) == hash(component)


@by_name
def test_none_is_the_default_where_it_is_a_value(cls):
    # TOML has no null: another default could not be replaced by None in an experiment file.
    for name, field in cls.model_fields.items():
        if type(None) in get_args(field.annotation) and not field.is_required():
            assert field.default is None, name


@by_name
def test_every_field_is_described_and_every_class_has_a_summary(cls):
    schema = cls.model_json_schema()
    json.dumps(schema)
    for name, field in schema.get("properties", {}).items():
        assert field.get("description"), f"{cls.name}.{name} has no description"
    assert cls.__doc__.splitlines()[0].endswith(".")
    assert ":math:" not in cls.__doc__.splitlines()[0], "the summary is shown as plain text"


@by_name
def test_a_misspelt_field_names_the_nearest_one(cls):
    for name in cls.model_fields:
        with pytest.raises(ValidationError, match=f"did you mean '{name}'"):
            cls(**{name + "x": 1})


def test_a_component_cannot_be_changed():
    optimizer = optikit.get("optimizer", "gradient-descent")
    with pytest.raises(ValidationError, match="frozen"):
        optimizer.learning_rate = 1.0


@pytest.mark.parametrize("bad", [0, -1.0, float("nan"), float("inf"), "0.1", "fast", None, True, [0.1]])
def test_a_learning_rate_is_a_positive_finite_number(bad):
    with pytest.raises(ValueError, match="learning_rate") as caught:
        optikit.get("optimizer", "gradient-descent", learning_rate=bad)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("good", [1, 0.5, np.float64(0.5), np.float32(0.5), np.int64(1)])
def test_numpy_numbers_are_numbers(good):
    rate = optikit.get("optimizer", "gradient-descent", learning_rate=good).learning_rate
    assert type(rate) is float
    assert rate == good


def test_lists_and_arrays_become_tuples_that_hash():
    made = [optikit.get("model", "mlp", layers=layers) for layers in ([3, 2], (3, 2), np.array([3, 2]))]
    assert len(set(made)) == 1


def test_an_unknown_name_names_the_nearest_one():
    with pytest.raises(optikit.InputError, match=r"no optimizer 'gradient-decent'; did you mean 'gradient-descent'\?"):
        optikit.get("optimizer", "gradient-decent")
    with pytest.raises(optikit.InputError, match=r"no kind 'optimiser'; did you mean 'optimizer'\?"):
        optikit.get("optimiser", "gradient-descent")


def test_authors_add_fields_with_ranges_and_descriptions():
    class Scaled(Loss):
        """A loss for this test."""

        name = "scaled"
        factor: float = Field(default=2.0, gt=0)
        """How much."""

        def __call__(self, outputs, targets):
            return self.factor * float(np.mean(outputs - targets))

    assert Scaled(factor=3) == Scaled(factor=3.0)
    assert Scaled.model_json_schema()["properties"]["factor"]["description"] == "How much."
