"""Strategies: components with drawn fields, and problems to put them to."""

from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import numpy as np
from hypothesis import strategies as st
from pydantic import ValidationError

import optikit

st.register_type_strategy(Path, st.text("abc./~ ü", min_size=1).map(Path))


def fields_of(cls: type[Any]) -> dict[str, st.SearchStrategy[Any]]:
    """Draw every field of a component from its own type and range."""
    drawn = {}
    for name, field in cls.model_fields.items():
        if any(hasattr(item, "multiple_of") for item in field.metadata):  # Hypothesis knows no multiples
            drawn[name] = st.integers(1, 99).map(lambda number: 20 * number)
            continue
        limits = tuple(item for item in field.metadata if type(item).__module__ == "annotated_types")
        choices = [kind for kind in get_args(field.annotation) or [field.annotation] if kind is not type(None)]
        if get_origin(field.annotation) not in (Union, UnionType):
            choices = [field.annotation]
        plain = get_args(choices[0])[0] if get_origin(choices[0]) is Annotated else choices[0]
        if isinstance(plain, type) and issubclass(plain, optikit.Component):
            if cls.name in ("nlopt-auglag", "nlopt-mlsl"):  # these take NLopt's own only
                drawn[name] = st.builds(optikit.components("optimizer")["nlopt-lbfgs"])
                continue
            drawn[name] = st.sampled_from(simple(plain.kind)).flatmap(component)
            if len(get_args(field.annotation)) > 1:
                drawn[name] |= st.none()
            continue
        kinds = [Annotated[(kind, *limits)] if limits else kind for kind in choices]
        drawn[name] = st.one_of([st.from_type(kind).filter(finite) for kind in kinds])
        if type(None) in get_args(field.annotation):
            drawn[name] |= st.none()
    if cls.name == "mlp":
        drawn["layers"] = st.lists(st.integers(1, 50), min_size=2, max_size=5).map(tuple)
    if cls.name == "cnn":  # any two blocks of these leave something of an image of 12 pixels
        drawn["image"] = st.tuples(st.integers(12, 40), st.integers(12, 40)) | st.just((12, 15, 3))
        drawn |= {"kernel": st.integers(1, 3), "pool": st.integers(1, 2)}
        drawn["filters"] = st.lists(st.integers(1, 9), min_size=1, max_size=2).map(tuple)
        drawn["dense"] = st.lists(st.integers(1, 9), max_size=2).map(tuple)
    for lower, upper in getattr(cls, "below", {}).items():
        drawn |= {lower: st.floats(1e-9, 0.4), upper: st.floats(0.5, 0.9)}
    if cls.name == "csv":
        drawn["delimiter"] = st.sampled_from([",", ";", "\t"])
    return drawn


def component(cls: type[Any]) -> st.SearchStrategy[Any]:
    return options(cls).map(lambda fields: cls(**fields))


def options(cls: type[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw all fields of a component, so that they fit together."""
    return st.fixed_dictionaries(fields_of(cls)).filter(lambda fields: fit(cls, fields))


def fit(cls: type[Any], fields: dict[str, Any]) -> bool:
    """Say whether no validator of the whole component objects; what is wrong with a single field is another matter."""
    try:
        cls(**fields)
    except ValidationError as error:
        return any(each["loc"] for each in error.errors())
    return True


def finite(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(finite, value))
    return not isinstance(value, float) or bool(np.isfinite(value))


def classes(kind: str) -> list[Any]:
    return [cls for name, cls in optikit.components(kind).items() if cls.__module__.startswith("optikit_")]


def simple(kind: str) -> list[Any]:
    """List the components of a kind that have no parts and need no library."""
    return [
        cls for cls in classes(kind)
        if cls.requires is None and not any("Part" in repr(field) for field in cls.model_fields.values())
    ]  # fmt: skip


def estimators() -> list[Any]:
    """The gradient estimators for functions written in plain NumPy, as those of most tests are."""
    return simple("gradient")


def every_class() -> list[Any]:
    kinds = ("model", "loss", "gradient", "optimizer", "data", "schedule", "stopping", "observer", "problem")
    return [cls for kind in kinds for cls in classes(kind)]


def small_model(cls: Any, inputs: int, outputs: int, width: int, depth: int = 1, **fields: Any) -> Any:
    """Make a model of a class for rows of `inputs` numbers, with `depth` layers in between if it has such."""
    if cls.name == "linear":
        return cls(inputs=inputs, outputs=outputs, **fields)
    if cls.name == "cnn":  # of prime numbers, images are a line; test_cnn.py draws larger ones
        height = next(side for side in (3, 2, 1) if inputs % side == 0)
        dense = (width,) * (depth // 2)
        blocks = {"filters": (width,), "kernel": min(2, height, inputs // height), "pool": 1}
        return cls(image=(height, inputs // height), outputs=outputs, dense=dense, **blocks, **fields)
    return cls(layers=(inputs, *[width] * depth, outputs), **fields)


ACTIVATIONS = get_args(optikit.components("model")["mlp"].model_fields["activation"].annotation)


def drawn_fields(cls: Any, rng: np.random.Generator) -> dict[str, Any]:
    """Draw values for what changes the formula of a model or a loss."""
    choices = {
        "mlp": {"activation": ACTIVATIONS, "bias": (True, False)},
        "cnn": {"activation": ACTIVATIONS, "bias": (True, False), "pooling": ("max", "average")},
        "cross-entropy": {"label_smoothing": (0.0, 0.1, 0.7)},
        "focal": {"gamma": (0.0, 0.5, 1.0, 2.0, 5.0)},
        "huber": {"delta": (0.1, 1.0, 3.0)},
    }
    return {field: values[rng.integers(len(values))] for field, values in choices.get(cls.name, {}).items()}


TARGETS = {
    "binary-cross-entropy": ("answers", "fractions"),
    "cross-entropy": ("labels", "probabilities", "one-hot"),
    "focal": ("labels",),
    "hinge": ("labels",),
    "kullback-leibler": ("probabilities", "one-hot"),
    "squared-hinge": ("labels",),
}
"""The kinds of targets that a loss takes; those that are not listed take real numbers."""


def targets_for(loss: Any, outputs: int, rows: int, rng: np.random.Generator) -> Any:
    """Draw targets of one of the kinds that a loss takes."""
    kinds = TARGETS.get(loss.name, ("numbers",))
    return targets_of(kinds[rng.integers(len(kinds))], outputs, rows, rng)


def targets_of(kind: str, outputs: int, rows: int, rng: np.random.Generator) -> Any:
    match kind:
        case "labels":
            return rng.integers(outputs, size=rows)
        case "one-hot":
            return np.eye(outputs, dtype=int)[rng.integers(outputs, size=rows)]
        case "probabilities":
            return rng.dirichlet(np.full(outputs, 0.7), size=rows)
        case "answers" if outputs == 1:
            return rng.integers(2, size=rows)
        case "answers":
            return rng.integers(2, size=(rows, outputs))
        case "fractions":
            return rng.random((rows, outputs))
        case _:
            return rng.normal(size=(rows, outputs))


def drawn_objective(
    model: Any, loss: Any, rng: np.random.Generator, shape: tuple[int, int, int], depth: int, rows: int,
    dtype: str = "float64", parameters: float = 1.0, inputs: float = 1.0, targets: float = 1.0, **fields: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """Draw data, fields and parameters of the given sizes: the objective of one minibatch out of two, and a point."""
    columns, outputs, width = shape
    made = small_model(model, columns, outputs, width, depth, dtype=dtype, **{**drawn_fields(model, rng), **fields})
    criterion = loss(**drawn_fields(loss, rng))
    true = targets_for(criterion, outputs, 2 * rows, rng)
    if loss.name not in TARGETS:
        true = targets * true
    problem = optikit.Problem.of(made, criterion, inputs * rng.normal(size=(2 * rows, columns)), true, rows)
    x = made.init(rng)
    return problem.at(int(rng.integers(2))), (parameters * (x + 0.1 * rng.normal(size=len(x)))).astype(dtype)
