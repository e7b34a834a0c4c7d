"""Strategies: components with drawn fields, and problems to put them to."""

from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import numpy as np
from hypothesis import strategies as st

import optikit

st.register_type_strategy(Path, st.text("abc./~ ü", min_size=1).map(Path))


def fields_of(cls: type[Any]) -> dict[str, st.SearchStrategy[Any]]:
    """Draw every field of a component from its own type and range."""
    drawn = {}
    for name, field in cls.model_fields.items():
        limits = tuple(item for item in field.metadata if type(item).__module__ == "annotated_types")
        choices = [kind for kind in get_args(field.annotation) or [field.annotation] if kind is not type(None)]
        if get_origin(field.annotation) not in (Union, UnionType):
            choices = [field.annotation]
        choices = [get_args(kind)[0] if get_origin(kind) is Annotated else kind for kind in choices]
        kinds = [Annotated[(kind, *limits)] if limits else kind for kind in choices]
        drawn[name] = st.one_of([st.from_type(kind).filter(finite) for kind in kinds])
        if type(None) in get_args(field.annotation):
            drawn[name] |= st.none()
    if cls.name == "mlp":
        drawn["layers"] = st.lists(st.integers(1, 50), min_size=2, max_size=5).map(tuple)
    if cls.name == "csv":
        drawn["delimiter"] = st.sampled_from([",", ";", "\t"])
    return drawn


def finite(value: Any) -> bool:
    return not isinstance(value, float) or bool(np.isfinite(value))


def classes(kind: str) -> list[Any]:
    return [cls for name, cls in optikit.components(kind).items() if cls.__module__.startswith("optikit_")]


def every_class() -> list[Any]:
    return [cls for kind in ("model", "loss", "gradient", "optimizer", "data") for cls in classes(kind)]


def small_model(cls: Any, inputs: int, outputs: int, width: int, **fields: Any) -> Any:
    """Make a model of a class for rows of `inputs` numbers."""
    if cls.name == "linear":
        return cls(inputs=inputs, outputs=outputs, **fields)
    return cls(layers=(inputs, width, outputs), **fields)


def targets_for(loss: Any, outputs: int, rows: int, rng: np.random.Generator) -> Any:
    if loss.name == "cross-entropy":
        return rng.integers(outputs, size=rows)
    return rng.normal(size=(rows, outputs))
