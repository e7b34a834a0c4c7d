"""The suite of models: what they compute from flat parameters, row by row; for the way back see `backward`.

What a row of inputs looks like is found by trying 1, 2, 3, ... columns; an author may give it instead.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from optikit.component import Component
from optikit.errors import InputError
from optikit.files import load_arrays, save_arrays
from optikit.model import DifferentiableModel
from optikit.names import blocks, label
from optikit.testing.check import Check
from optikit.testing.components import remade
from optikit.testing.subject import Subject, Unposed, seeds
from optikit.testing.untouched import is_array, untouched
from optikit.types import Array

MOST = 256
"""Columns that are tried."""

batches = st.integers(1, 6)
variants = st.integers(0, 1)


class Case(NamedTuple):
    """A model with something to compute."""

    model: Any
    params: Array
    """Shape (n,); not quite as `init` draws them, so that nothing is zero by chance."""
    inputs: Any
    """Shape (batch, ...)."""
    rng: np.random.Generator
    """For what else is to be drawn."""

    @property
    def eps(self) -> float:
        """The rounding of its numbers."""
        return float(np.finfo(self.params.dtype).eps)

    def noise(self, like: Any) -> Array:
        """Draw numbers in the shape of an array and in the precision of the model."""
        shape: tuple[int, ...] = like.shape
        return self.rng.standard_normal(shape).astype(self.params.dtype)

    def name(self, i: int) -> str:
        """Name a parameter."""
        return label(blocks(self.model.shapes().items()) or blocks([("params", (len(self.params),))]), i)


@dataclass(eq=False, kw_only=True)
class ModelSubject(Subject):
    """A model under examination.

    Parameters
    ----------
    inputs : int or tuple or callable, optional
        The shape of one row of inputs, or a function that draws them: ``inputs(rng, rows)``.
    """

    inputs: Any = None

    def __post_init__(self) -> None:
        """Refuse what is no shape."""
        if isinstance(self.inputs, int):
            self.inputs = (self.inputs,)
        if not (self.inputs is None or isinstance(self.inputs, tuple) or callable(self.inputs)):
            known = "pass the shape of one row, or a function (rng, rows) -> inputs"
            raise InputError(f"inputs is {self.inputs!r}; {known}")

    @cached_property
    def variants(self) -> list[Any]:
        """The model, and the same in the other precision if it has a field `dtype`."""
        component: Component = self.component
        if "dtype" not in type(component).model_fields:
            return [component]
        fields = component.model_dump(mode="json")
        other = "float64" if fields["dtype"] == "float32" else "float32"
        return [component, remade(type(component), {**fields, "dtype": other})]

    @cached_property
    def draw(self) -> Callable[[np.random.Generator, int], Any]:
        """Draws inputs that fit."""
        if callable(self.inputs):
            return self.inputs
        # One column last, as NumPy broadcasts it to the width of many a model.
        columns = [(width,) for width in (*range(2, MOST + 1), 1)]
        said, tried = "", columns if self.inputs is None else [self.inputs]
        params = self.component.init(np.random.default_rng(0))
        for shape in tried:
            try:
                outputs = self.component(params, np.ones((2, *shape), dtype=params.dtype))
            except Exception as error:
                said = said or f"{type(error).__name__}: {error}"
                continue
            if is_array(outputs) and outputs.ndim == 2:
                return lambda rng, rows: rng.normal(size=(rows, *shape))
            said = said or f"its outputs are no array of shape (batch, k) for inputs of shape {(2, *shape)}"
        tries = f"rows of 1 to {MOST} numbers" if self.inputs is None else f"rows of shape {self.inputs}"
        known = (
            "pass inputs=, the shape of one row or a function (rng, rows) -> inputs (to optikit check: --inputs 28,28)"
        )
        raise Unposed(f"{self.name} takes no {tries} ({said}); {known}")

    def case(self, seed: int, rows: int = 4, variant: int = 0) -> Case:
        """Make a case of one of the variants."""
        self.asked += 1
        rng, model = np.random.default_rng(seed), self.variants[variant % len(self.variants)]
        inputs: Any = np.asarray(self.draw(rng, rows))
        case = Case(model, model.init(rng), inputs, rng)
        params = (case.params + 0.1 * case.noise(case.params)).astype(case.params.dtype)
        if inputs.dtype.kind == "f":
            inputs = inputs.astype(params.dtype)
        self.note(model=model, params=params, inputs=inputs)
        return case._replace(params=params, inputs=inputs)


def draws_its_start(subject: ModelSubject) -> None:
    """Draw flat and finite parameters from the given rng alone, and the same from the same."""

    @subject.drawn(seed=seeds, variant=variants)
    def holds(seed: int, variant: int) -> None:
        model = subject.variants[variant % len(subject.variants)]
        subject.asked += 1
        subject.note(model=model)
        with untouched():
            first, again = (model.init(np.random.default_rng(seed)) for _ in range(2))
        assert is_array(first), f"init gives {type(first).__name__}; return an array of shape (n,)"
        assert first.ndim == 1, f"init gives shape {first.shape}; return flat parameters, shape (n,)"
        assert str(first.dtype) in ("float64", "float32"), f"init gives {first.dtype}; return float64 or float32"
        assert np.isfinite(first).all(), "init gives parameters that are not finite"
        assert np.array_equal(first, again), "init gives other parameters for the same rng"
        assert not np.shares_memory(first, again), "init gives one array twice; make a new one each time"
        told = str(getattr(model, "dtype", first.dtype))
        assert first.dtype == told, f"init gives {first.dtype}, but the field dtype says {told}"
        sizes = [math.prod(shape) for shape in model.shapes().values()]
        accounted = not sizes or sum(sizes) == len(first)
        assert accounted, f"shapes() accounts for {sum(sizes)} parameters, but init gives {len(first)}"


def computes_rows(subject: ModelSubject) -> None:
    """Compute finite outputs (batch, k) in the precision of the parameters, and the same again."""

    @subject.drawn(seed=seeds, rows=batches, variant=variants)
    def holds(seed: int, rows: int, variant: int) -> None:
        model, params, inputs, _ = subject.case(seed, rows, variant)
        outputs = model(params, inputs)
        assert is_array(outputs), f"it gives {type(outputs).__name__}; return an array of shape (batch, k)"
        shape = outputs.shape
        assert len(shape) == 2, f"the outputs have shape {shape}, not (batch, k)"
        assert len(outputs) == rows, f"the outputs of {rows} rows have shape {shape}, not (batch, k)"
        assert outputs.dtype == params.dtype, f"the outputs are {outputs.dtype}, but the parameters {params.dtype}"
        assert np.isfinite(outputs).all(), "the outputs are not finite"
        kept = outputs.copy()
        model(-params, inputs)
        assert np.array_equal(kept, outputs), "outputs that it has given change with the next question"
        assert np.array_equal(kept, model(params, inputs)), "the same parameters and inputs give other outputs"


def keeps_rows_apart(subject: ModelSubject) -> None:
    """Let each row of the outputs depend on its own row of the inputs alone."""

    @subject.drawn(seed=seeds, rows=st.integers(2, 6), variant=variants)
    def holds(seed: int, rows: int, variant: int) -> None:
        case = subject.case(seed, rows, variant)
        outputs = case.model(case.params, case.inputs)
        alone = np.concatenate([case.model(case.params, case.inputs[i : i + 1]) for i in range(rows)])
        assert alone.shape == outputs.shape, f"rows alone give shape {alone.shape}, together {outputs.shape}"
        miss = abs(alone - outputs).max(axis=1)
        i = int(np.argmax(miss))
        # Sums of a few hundred numbers, in another order.
        near = miss[i] <= 1000 * case.eps * (1 + abs(outputs).max())
        assert near, f"row {i} of the outputs changes by {miss[i]:.2g} if it is the only one"


def takes_any_batch(subject: ModelSubject) -> None:
    """Take a batch of no rows, and of one."""
    for rows in (0, 1):
        model, params, inputs, _ = subject.case(rows, 4)
        k = model(params, inputs).shape[1]
        outputs = model(params, inputs[:rows])
        assert outputs.shape == (rows, k), f"the outputs of {rows} rows have shape {outputs.shape}, not {(rows, k)}"
        if isinstance(model, DifferentiableModel):
            with np.errstate(all="ignore"):
                gradient = model.vjp(params, inputs[:rows], np.ones((rows, k), dtype=params.dtype))
            fits = gradient.shape == params.shape
            assert fits, f"the gradient over {rows} rows has shape {gradient.shape}, not {params.shape}"
            assert rows or not gradient.any(), "the gradient over no rows is not zero"


def leaves_what_it_is_given(subject: ModelSubject) -> None:
    """Write into neither parameters nor inputs nor cotangents, and draw nothing."""

    @subject.drawn(seed=seeds, variant=variants)
    def holds(seed: int, variant: int) -> None:
        case = subject.case(seed, 5, variant)
        model, params, inputs, _ = case
        cotangent = case.noise(model(params, inputs))
        subject.note(cotangent=cotangent)
        with untouched(parameters=params, inputs=inputs, cotangent=cotangent):
            model(params, inputs)
            model.ensemble(params[None], inputs)
            if isinstance(model, DifferentiableModel):
                model.vjp(params, inputs, cotangent)
                model.pullback(params, inputs)[1](cotangent)


def survives_being_saved(subject: ModelSubject) -> None:
    """Compute the same, to the last bit, from parameters that were written as shaped arrays and read again."""
    for variant in range(len(subject.variants)):
        model, params, inputs, _ = subject.case(variant, 5, variant)
        parts = blocks(model.shapes().items()) or blocks([("parameters", params.shape)])
        shaped = {part.name: params[part.start : part.stop].reshape(part.shape) for part in parts}
        with TemporaryDirectory() as folder:
            save_arrays(Path(folder) / "parameters.npz", shaped)
            read = load_arrays(Path(folder) / "parameters.npz", shaped)
        again = np.concatenate([each.ravel() for each in read.values()])
        assert again.tobytes() == params.tobytes(), "the parameters are others when they are read again"
        written: Component = model
        other: Any = remade(type(written), written.model_dump(mode="json"))
        # Within a larger array, as a row of many.
        row = np.concatenate([again[:1], again])[1:]
        same = np.array_equal(model(params, inputs), other(row, inputs))
        assert same, "the model that was read again computes something else"


def computes_many_at_once(subject: ModelSubject) -> None:
    """Compute by `ensemble` what each of its models computes alone."""

    @subject.drawn(seed=seeds, k=st.integers(1, 3), rows=st.sampled_from([1, 5, 300]), variant=variants)
    def holds(seed: int, k: int, rows: int, variant: int) -> None:
        case = subject.case(seed, rows, variant)
        model, inputs = case.model, case.inputs
        many = np.stack([case.params * (1 + i / 3) for i in range(k)]).astype(case.params.dtype)
        subject.note(params=many)
        with untouched(parameters=many, inputs=inputs):
            outputs = model.ensemble(many, inputs)
        alone = np.stack([model(params, inputs) for params in many])
        assert outputs.shape == alone.shape, f"ensemble gives shape {outputs.shape}, and not {alone.shape}"
        assert outputs.dtype == alone.dtype, f"ensemble gives {outputs.dtype}, but the parameters are {many.dtype}"
        miss = float(abs(outputs - alone).max(initial=0))
        near = miss <= 1000 * case.eps * (1 + abs(alone).max(initial=0))
        assert near, f"ensemble is off by {miss:.2g} from what each model gives alone"


CHECKS = [
    Check(name="init", holds=draws_its_start),
    Check(name="outputs", holds=computes_rows),
    Check(name="rows", holds=keeps_rows_apart),
    Check(name="batches", holds=takes_any_batch),
    Check(name="untouched", holds=leaves_what_it_is_given),
    Check(name="saved", holds=survives_being_saved),
    Check(name="ensemble", holds=computes_many_at_once),
]
