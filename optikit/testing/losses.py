"""The suite of losses: a mean over rows, and its gradient; for what it is compared with see `targets`."""

from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from optikit.loss import DifferentiableLoss, Loss
from optikit.problem import Problem
from optikit.testing.agreement import wrong_coordinate
from optikit.testing.check import Check
from optikit.testing.subject import seeds
from optikit.testing.targets import LossSubject
from optikit.testing.untouched import is_array, untouched
from optikit.types import Array, Targets

dtypes = st.sampled_from(["float64", "float32"])


def is_a_finite_number(subject: LossSubject) -> None:
    """Be a Python float, finite for outputs between -1000 and 1000, in both precisions."""

    @subject.drawn(case=subject.cased, seed=seeds, dtype=dtypes)
    def holds(case: tuple[str, int], seed: int, dtype: str) -> None:
        rng = np.random.default_rng(seed)
        outputs, targets = subject.drawn_rows(rng, *case, rows=6, dtype=dtype)
        outputs[:] = rng.choice([-1e3, -1, 0, 1, 1e3], size=outputs.shape)
        subject.note(outputs=outputs)
        loss = subject.loss
        with np.errstate(all="ignore"):
            value = loss(outputs, targets)
            assert type(value) is float, f"it returns {type(value).__name__}; return a float"
            assert np.isfinite(value), f"it is {value} for outputs of {outputs.tolist()}"
            if isinstance(loss, DifferentiableLoss):
                gradient = loss.grad(outputs, targets)
                assert np.isfinite(gradient).all(), f"its gradient is not finite for outputs of {outputs.tolist()}"


def is_the_mean_of_its_rows(subject: LossSubject) -> None:
    """Be the mean of the losses of the rows, each of which depends on its own row alone."""

    @subject.drawn(case=subject.cased, seed=seeds, rows=st.integers(1, 9))
    def holds(case: tuple[str, int], seed: int, rows: int) -> None:
        outputs, targets = subject.drawn_rows(np.random.default_rng(seed), *case, rows=rows)
        loss = subject.loss
        value, each = loss(outputs, targets), loss.per_row(outputs, targets)
        assert is_array(each), f"per_row gives {type(each).__name__}; return an array of shape (batch,)"
        assert each.shape == (rows,), f"per_row gives shape {each.shape} for {rows} rows; return (batch,)"
        alone = Loss.per_row(loss, outputs, targets)
        # Sums of numbers of about 1, in another order.
        same, i = np.allclose(each, alone, rtol=1e-9, atol=1e-12), int(np.argmax(abs(each - alone)))
        assert same, f"per_row gives {each[i]:.6g} for row {i}, but it is {alone[i]:.6g} if it is the only one"
        mean = float(alone.mean())
        same = np.isclose(value, mean, rtol=1e-9, atol=1e-12)
        assert same, f"it is {value:.6g}, but the mean of its {rows} rows is {mean:.6g}"


def counts_repetitions(subject: LossSubject) -> None:
    """Count a row of weight 2 as two rows."""

    @subject.drawn(case=subject.cased, seed=seeds, counts=st.lists(st.integers(1, 4), min_size=1, max_size=6))
    def holds(case: tuple[str, int], seed: int, counts: list[int]) -> None:
        outputs, targets = subject.drawn_rows(np.random.default_rng(seed), *case, rows=len(counts))
        weights, rows = np.array(counts) / np.mean(counts), np.repeat(np.arange(len(counts)), counts)
        loss = subject.loss
        weighted, repeated = loss.weighted(outputs, targets, weights), loss(outputs[rows], targets[rows])
        same = np.isclose(weighted, repeated, rtol=1e-9, atol=1e-12)
        assert same, f"rows repeated {counts} times give {repeated:.6g}, and weighted so {weighted:.6g}"


def has_its_gradient(subject: LossSubject) -> None:
    """Have a gradient that agrees with central differences, for outputs of all sizes."""
    scales = st.sampled_from([0.1, 1.0, 30.0])

    @subject.drawn(case=subject.cased, seed=seeds, rows=st.integers(1, 4), scale=scales, dtype=dtypes)
    def holds(case: tuple[str, int], seed: int, rows: int, scale: float, dtype: str) -> None:
        outputs, targets = subject.drawn_rows(np.random.default_rng(seed), *case, rows, scale, dtype)
        loss, shape = subject.loss, outputs.shape
        gradient = loss.grad(outputs, targets)
        assert is_array(gradient), f"grad gives {type(gradient).__name__}; return an array of shape (batch, k)"
        assert gradient.shape == shape, f"the gradient has shape {gradient.shape}, but the outputs {shape}"
        assert gradient.dtype == dtype, f"the gradient is {gradient.dtype}, but the outputs are {dtype}"

        def value(z: Array) -> float:
            return loss(z.reshape(shape), targets)

        def slope(z: Array) -> Array:
            return loss.grad(z.reshape(shape), targets).ravel()

        # Where it has vanished, there is nothing to compare.
        assume(loss(outputs, targets) != 0 or gradient.any())
        wrong = wrong_coordinate(Problem(value, slope).at(0), outputs.ravel(), terms=float(abs(outputs).max()))
        if wrong is not None:
            i, j = divmod(wrong, shape[1])
            up, down = outputs.copy(), outputs.copy()
            h = 1e-3 if dtype == "float32" else 1e-6
            up[i, j] += h
            down[i, j] -= h
            about = (loss(up, targets) - loss(down, targets)) / (2 * h)
            said = f"the gradient is {gradient[i, j]:.6g} in output [{i}, {j}], but about {about:.4g} by differences"
            raise AssertionError(said)


def gives_both_at_once(subject: LossSubject) -> None:
    """Give value and gradient at once as it gives them one by one, to the last bit."""

    @subject.drawn(case=subject.cased, seed=seeds, dtype=dtypes)
    def holds(case: tuple[str, int], seed: int, dtype: str) -> None:
        outputs, targets = subject.drawn_rows(np.random.default_rng(seed), *case, rows=6, dtype=dtype)
        loss = subject.loss
        value, gradient = loss.value_and_grad(outputs, targets)
        kept = gradient.copy()
        loss.value_and_grad(-outputs, targets)
        assert np.array_equal(kept, gradient), "a gradient that it has given changes with the next question"
        assert type(value) is float, f"value_and_grad gives a value of {type(value).__name__}; give a float"
        alone = loss(outputs, targets)
        assert value == alone, f"value_and_grad gives the value {value!r}, but the loss is {alone!r}"
        assert np.array_equal(gradient, loss.grad(outputs, targets)), "value_and_grad gives another gradient than grad"


def keeps_the_precision(subject: LossSubject) -> None:
    """Give for outputs in float32 what it gives in float64, up to their rounding."""

    @subject.drawn(case=subject.cased, seed=seeds)
    def holds(case: tuple[str, int], seed: int) -> None:
        outputs, targets = subject.drawn_rows(np.random.default_rng(seed), *case, rows=5, scale=1.0, dtype=np.float32)
        loss, double = subject.loss, outputs.astype(np.float64)
        parts = {"the loss": loss, "per_row": loss.per_row}
        if isinstance(loss, DifferentiableLoss):
            parts["grad"] = loss.grad
        for what, compute in parts.items():
            # A hundred times its rounding: fewer than a hundred operations, on numbers of about 1.
            near = np.allclose(compute(outputs, targets), compute(double, targets), rtol=1e-4, atol=1e-5)
            assert near, f"{what} is another one for float32 than for float64"


def leaves_what_it_is_given(subject: LossSubject) -> None:
    """Write into neither outputs nor targets, draw nothing, and give the same again."""

    @subject.drawn(case=subject.cased, seed=seeds)
    def holds(case: tuple[str, int], seed: int) -> None:
        outputs, targets = subject.drawn_rows(np.random.default_rng(seed), *case, rows=6)
        with untouched(outputs=outputs, targets=targets):
            first, again = (_everything(subject.loss, outputs, targets) for _ in range(2))
        assert all(map(np.array_equal, first, again)), "the same targets give something else the second time"


def is_convex(subject: LossSubject) -> None:
    """Lie below its chords, and above its tangents if it has a gradient."""

    @subject.drawn(case=subject.cased, seed=seeds, scale=st.sampled_from([0.1, 1.0, 10.0, 1e3]))
    def holds(case: tuple[str, int], seed: int, scale: float) -> None:
        rng, loss = np.random.default_rng(seed), subject.loss
        # The loss of a row is convex if the mean is; of many rows, some show it.
        a, targets = subject.drawn_rows(rng, *case, rows=64, scale=scale)
        b = a + scale * rng.choice([0.1, 1.0], size=(64, 1)) * rng.normal(size=a.shape)
        at_a, at_b, between = (loss.per_row(outputs, targets) for outputs in (a, b, (a + b) / 2))
        rounding = 1e-12 * (1 + scale + abs(at_a) + abs(at_b))
        above = between - (at_a + at_b) / 2
        i = int(np.argmax(above - rounding))
        assert above[i] <= rounding[i], (
            f"it is {between[i]:.6g} in the middle of a chord, and so {above[i]:.2g} above it"
        )
        if isinstance(loss, DifferentiableLoss):
            tangent = at_a + 64 * (loss.grad(a, targets) * (b - a)).sum(axis=1)
            i = int(np.argmax(tangent - at_b - rounding))
            assert tangent[i] <= at_b[i] + rounding[i], f"it is {at_b[i]:.6g} where a tangent of it is {tangent[i]:.6g}"


CHECKS = [
    Check(name="finite", holds=is_a_finite_number),
    Check(name="mean", holds=is_the_mean_of_its_rows),
    Check(name="weights", holds=counts_repetitions),
    Check(name="gradient", holds=has_its_gradient, needs=DifferentiableLoss),
    Check(name="value and gradient", holds=gives_both_at_once, needs=DifferentiableLoss),
    Check(name="float32", holds=keeps_the_precision),
    Check(name="untouched", holds=leaves_what_it_is_given),
    Check(name="convex", holds=is_convex, claim="convex"),
]


def _everything(loss: Any, outputs: Array, targets: Targets) -> list[Any]:
    found = [loss(outputs, targets), loss.per_row(outputs, targets)]
    return found if not isinstance(loss, DifferentiableLoss) else [*found, loss.grad(outputs, targets)]
