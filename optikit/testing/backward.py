"""The suite of models, the way back: the gradient is that of the outputs, however it is asked for."""

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from optikit.model import DifferentiableModel, LayeredModel
from optikit.problem import Problem
from optikit.testing.agreement import wrong_coordinate
from optikit.testing.check import Check
from optikit.testing.models import Case, ModelSubject, variants
from optikit.testing.subject import seeds
from optikit.testing.untouched import is_array
from optikit.types import Array

MOST = 20
"""Coordinates that are compared one by one, drawn anew for each example."""


def has_its_gradient(subject: ModelSubject) -> None:
    """Have a gradient that agrees with central differences of the outputs, coordinate by coordinate."""

    @subject.drawn(seed=seeds, rows=st.integers(1, 4), variant=variants)
    def holds(seed: int, rows: int, variant: int) -> None:
        case = subject.case(seed, rows, variant)
        model, params, inputs, rng = case
        cotangent = case.noise(model(params, inputs))
        subject.note(cotangent=cotangent)
        gradient = model.vjp(params, inputs, cotangent)
        assert is_array(gradient), f"vjp gives {type(gradient).__name__}; return an array of shape (n,)"
        assert gradient.shape == params.shape, f"vjp gives shape {gradient.shape}, but parameters have {params.shape}"
        assert gradient.dtype == params.dtype, f"vjp gives {gradient.dtype}, but the parameters are {params.dtype}"
        # Whoever remembers something remembers another point then.
        model.vjp(params + case.noise(params), inputs, cotangent)
        chosen = np.sort(rng.choice(len(params), size=min(MOST, len(params)), replace=False))

        def at(some: Array) -> Array:
            moved = params.copy()
            moved[chosen] = some
            return moved

        def value(some: Array) -> float:
            outputs: Array = model(at(some), inputs)
            return float(np.vdot(cotangent, outputs))

        def slope(some: Array) -> Array:
            return model.vjp(at(some), inputs, cotangent)[chosen]

        wrong = wrong_coordinate(Problem(value, slope).at(0), params[chosen])
        if wrong is not None:
            h = 1e-3 if params.dtype == np.float32 else 1e-6
            up, down = (params[chosen] + side * (np.arange(len(chosen)) == wrong) for side in (h, -h))
            about = (value(up.astype(params.dtype)) - value(down.astype(params.dtype))) / (2 * h)
            i = int(chosen[wrong])
            said = f"vjp gives {gradient[i]:.6g} for {case.name(i)}, but it is about {about:.4g} by differences"
            raise AssertionError(said)


def is_the_adjoint(subject: ModelSubject) -> None:
    """Have in vjp the adjoint of the derivative of the outputs along any direction of the parameters."""

    @subject.drawn(seed=seeds, rows=st.integers(1, 6))
    def holds(seed: int, rows: int) -> None:
        case = subject.case(seed, rows)
        model, params, inputs, rng = case
        outputs = model(params, inputs)
        u = case.noise(outputs)
        subject.note(u=u)
        back = model.vjp(params, inputs, u).astype(np.float64)
        for _ in range(10):
            v = rng.standard_normal(len(params))
            v /= np.linalg.norm(v)
            subject.note(v=v)
            # <u, J v>, from outputs alone, is <J^T u, v>.  The derivative of the polynomial through nine points of a
            # short piece of a line is that of the outputs up to rounding, unless there is a kink on it: then two pieces
            # differ.  Where no piece is smooth, another direction may be.
            for reach in 2.0 ** -np.arange(4, 20, 2):
                slope, other = (_along(case, u, v, piece) for piece in (reach, reach / 2))
                noise = 100 * case.eps * float(abs(u * outputs).sum()) / reach
                tolerance = 5000 * case.eps * len(params) * float(np.linalg.norm(back)) + noise
                if abs(slope - other) <= tolerance:
                    given = float(back @ v)
                    said = f"<vjp(u), v> is {given:.9g}, but <u, J v> is {slope:.9g} by differences of the outputs"
                    assert abs(slope - given) <= 2 * tolerance, said
                    return
        raise AssertionError("its outputs have a kink along every direction, so that there is no derivative")


def _along(case: Case, u: Array, v: Array, reach: float) -> float:
    """Differentiate <u, outputs> along v by the polynomial through nine points, exact up to degree 8."""
    weights, step, slope = (4 / 5, -1 / 5, 4 / 105, -1 / 280), reach / 4, 0.0
    for k, weight in enumerate(weights, start=1):
        up, down = (case.params + side * k * step * v for side in (1, -1))
        there, back = (case.model(each.astype(case.params.dtype), case.inputs) for each in (up, down))
        change: Array = there.astype(np.float64) - back
        slope += weight * float(np.vdot(u, change)) / step
    return slope


def is_linear_in_the_cotangent(subject: ModelSubject) -> None:
    """Have a vjp that is linear in the cotangent, and the sum of those of the rows."""

    @subject.drawn(seed=seeds, rows=st.integers(1, 5), variant=variants)
    def holds(seed: int, rows: int, variant: int) -> None:
        case = subject.case(seed, rows, variant)
        model, params, inputs, _ = case
        u, w = (case.noise(model(params, inputs)) for _ in range(2))
        subject.note(u=u, w=w)
        of_u, of_w, of_both = (model.vjp(params, inputs, each) for each in (u, w, u - 2 * w))
        size = float((abs(of_u) + 2 * abs(of_w)).max())
        linear = (abs(of_u - 2 * of_w - of_both) <= 1000 * case.eps * size).all()
        assert linear, "vjp(u - 2 w) is not vjp(u) - 2 vjp(w)"
        parts = [model.vjp(params, inputs[i : i + 1], u[i : i + 1]) for i in range(rows)]
        size = float(np.sum([abs(part).max() for part in parts]))
        summed = (abs(np.sum(parts, axis=0) - of_u) <= 1000 * case.eps * size).all()
        assert summed, f"vjp over {rows} rows is not the sum of those of each row"


def pulls_back(subject: ModelSubject) -> None:
    """Give by `pullback` what the call and `vjp` give, to the last bit, however many are in hand."""

    @subject.drawn(seed=seeds, rows=st.integers(1, 5), variant=variants)
    def holds(seed: int, rows: int, variant: int) -> None:
        case = subject.case(seed, rows, variant)
        model, params, inputs, _ = case
        u, other = case.noise(model(params, inputs)), inputs[::-1].copy()
        subject.note(cotangent=u)
        taken = [model.pullback(params, each) for each in (inputs, other)]
        gradients = [[back(cotangent) for _, back in taken] for cotangent in (u, -2 * u)]
        for i, each in enumerate((inputs, other)):
            same = np.array_equal(taken[i][0], model(params, each))
            assert same, "pullback gives other outputs than the call, or has lost them meanwhile"
            for found, cotangent in zip(gradients, (u, -2 * u), strict=True):
                right = np.array_equal(found[i], model.vjp(params, each, cotangent))
                assert right, "pullback gives another gradient than vjp, the first time or when it is asked again"


def sums_the_shifted(subject: ModelSubject) -> None:
    """Sum by `shifted_sums` the changes that computing the whole model for each shifted parameter gives."""

    @subject.drawn(seed=seeds, rows=st.integers(1, 4), h=st.sampled_from([1e-4, 1e-2, 1.0]))
    def holds(seed: int, rows: int, h: float) -> None:
        case = subject.case(seed, rows)
        model, params, inputs, rng = case
        outputs = model(params, inputs)
        u = case.noise(outputs).astype(np.float64)

        def losses(rows: NDArray[np.intp], outputs: Array) -> Array:
            return (u[rows] * outputs).sum(axis=1) + (outputs**2).sum(axis=1)

        everything = np.arange(rows)
        before = losses(everything, outputs)

        def change(rows: NDArray[np.intp], outputs: Array) -> Array:
            return losses(rows, outputs) - before[rows]

        steps = (h * rng.uniform(0.5, 1, size=(2, len(params))) * [[1], [-1]]).astype(params.dtype)
        subject.note(steps=steps)
        sums = model.shifted_sums(params, inputs, steps, change)
        assert sums.shape == steps.shape, f"shifted_sums gives shape {sums.shape} for steps of shape {steps.shape}"
        for i in rng.choice(len(params), size=min(MOST, len(params)), replace=False).tolist():
            for which in (0, 1):
                moved = params.copy()
                moved[i] += steps[which, i]
                after = losses(everything, model(moved, inputs))
                right, size = float((after - before).sum()), float((abs(after) + abs(before)).sum()) + 1
                said = f"shifted_sums gives {sums[which, i]:.9g} for {case.name(i)}, but the change is {right:.9g}"
                assert abs(sums[which, i] - right) <= 1000 * case.eps * size, said


CHECKS = [
    Check(name="gradient", holds=has_its_gradient, needs=DifferentiableModel),
    Check(name="adjoint", holds=is_the_adjoint, needs=DifferentiableModel),
    Check(name="linear", holds=is_linear_in_the_cotangent, needs=DifferentiableModel),
    Check(name="pullback", holds=pulls_back, needs=DifferentiableModel),
    Check(name="shifted sums", holds=sums_the_shifted, needs=LayeredModel),
]
