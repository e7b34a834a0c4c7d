"""The suite of gradient estimators: how near to the gradient they come; for what they ask see `asking`.

What an estimator does is found by trying: whether it *scatters* (a single estimate is far from the gradient, and their
mean is what counts), whether it has a step `h`, whether its cost depends on the function.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, cast

import numpy as np
from hypothesis import strategies as st

from optikit.component import Component
from optikit.errors import InputError, ObjectiveError
from optikit.gradient import ErrorEstimator, Estimate
from optikit.testing.check import Check
from optikit.testing.functions import SMOOTH, Smooth, Watched
from optikit.testing.subject import Subject, seeds
from optikit.testing.untouched import is_array, is_number
from optikit.types import Array

ROUGH, FINE = 1e-3, 1e-5
"""Digits that any difference quotient has in double precision, and those of one with a good step; as parts of the size
of value and gradient, plus 1."""
DRAWS = 400
"""Estimates of which a mean is taken."""

functions = st.sampled_from(sorted(SMOOTH))
sizes = st.integers(1, 14)


class GradientSubject(Subject):
    """An estimator under examination."""

    def estimate(self, objective: Watched, x: Array, rng: np.random.Generator, **fields: Any) -> Estimate:
        """Ask for an estimate, of the component with other fields if any are given, and see that it is one."""
        self.asked += 1
        self.note(objective=objective.formula, x=x, **fields)
        if objective.sides is not None:
            self.note(bounds=objective.sides)
        component = self.component.model_copy(update=fields) if fields else self.component
        with np.errstate(all="ignore"):
            adaptive = isinstance(component, ErrorEstimator)
            found: Any = (component.estimate if adaptive else component.value_and_grad)(objective, x, rng)
        assert isinstance(found, tuple), f"it returns {found!r}; return a value and a gradient"
        value, gradient, error = cast("Any", found if adaptive else (*cast("Any", found), np.full(len(x), np.nan)))
        assert is_number(value), f"the value is {value!r}; return a float"
        for what, array in (("gradient", gradient), ("error", error)):
            assert is_array(array), f"the {what} is {array!r}; return an array of shape {x.shape}"
            assert array.shape == x.shape, f"the {what} has shape {array.shape}, but x has {x.shape}"
        assert gradient.dtype == x.dtype, f"the gradient is {gradient.dtype}, but x is {x.dtype}; give it that dtype"
        return Estimate(float(value), gradient, error)

    @cached_property
    def scatters(self) -> bool:
        """Whether one estimate is another one than the next by more than a few digits."""
        x = np.linspace(-1, 1, 14)
        with self.aside():
            one, other = (self.estimate(watched(SMOOTH["ellipsoid"]), x, np.random.default_rng(i))[1] for i in (0, 1))
        return not abs(one - other).max() <= 1e-2

    @property
    def stepped(self) -> bool:
        """Whether there is a step `h` to choose."""
        component: Component = self.component
        return "h" in type(component).model_fields


def agrees_on_smooth_functions(subject: GradientSubject) -> None:
    """Come near to the gradient of smooth functions, or do so in the mean."""
    _agrees(subject, ROUGH)


def converges(subject: GradientSubject) -> None:
    """Come nearer to the gradient as the step h gets smaller, or without an h be near enough."""
    if not subject.stepped:
        _agrees(subject, FINE)
        return

    @subject.drawn(seed=seeds, n=sizes)
    def holds(seed: int, n: int) -> None:
        x = np.random.default_rng(seed).uniform(-1, 1, size=n)
        long, short, shortest = (
            subject.estimate(watched(SMOOTH["pole"]), x, np.random.default_rng(seed), h=h)[1]
            for h in (1e-1, 1e-3, 1e-5)
        )
        # One that scatters draws the same with the same seed, so that what is left is the error of its step.
        limit = shortest if subject.scatters else SMOOTH["pole"].gradient(x)
        before, after = abs(long - limit).max(), abs(short - limit).max()
        size = abs(limit).max() + abs(SMOOTH["pole"].value(x))
        # An error of first order becomes a hundredth; a third of that is for the terms of higher order.
        assert after <= before / 30 + 1e-9 * size, (
            f"the error is {before:.2g} for h = 0.1 and still {after:.2g} for h = 0.001; it should fall with h at least"
        )


def _agrees(subject: GradientSubject, tolerance: float) -> None:
    if subject.scatters:
        for seed in range(3):
            for name in ("linear", "sphere", "neighbours"):  # of which the mean has no bias, whatever the step
                _mean_agrees(subject, name, seed)
        return

    @subject.drawn(function=functions, seed=seeds, n=sizes)
    def holds(function: str, seed: int, n: int) -> None:
        rng = np.random.default_rng(seed)
        x = rng.uniform(-1.5, 1.5, size=n)
        found = subject.estimate(watched(SMOOTH[function]), x, rng)
        near(found, SMOOTH[function], x, tolerance)


def near(found: Estimate, function: Smooth, x: Array, tolerance: float) -> None:
    """See that an estimate is within a tolerance, and within its own error."""
    exact, value = function.gradient(x), float(function.value(x))
    size = abs(value) + abs(exact).max() + 1
    allowed = tolerance * size + 10 * np.nan_to_num(found.error)
    assert abs(found.value - value) <= tolerance * size, f"the value is {found.value:.6g}, but should be {value:.6g}"
    miss = abs(found.gradient - exact)
    i = int(np.argmax(miss - allowed)) if np.isfinite(miss).all() else int(np.argmin(np.isfinite(miss)))
    assert miss[i] <= allowed[i], f"the gradient is {found.gradient[i]:.6g} in x[{i}], but should be {exact[i]:.6g}"


def _mean_agrees(subject: GradientSubject, name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1.5, 1.5, size=(1, 3, 12)[seed])
    exact, value = SMOOTH[name].gradient(x), float(SMOOTH[name].value(x))
    drawn = [subject.estimate(watched(SMOOTH[name]), x, rng) for _ in range(DRAWS)]
    gradients, size = np.array([found.gradient for found in drawn]), abs(value) + abs(exact).max() + 1
    mean, error = gradients.mean(axis=0), gradients.std(axis=0, ddof=1) / DRAWS**0.5
    miss = abs(mean - exact)
    i = int(np.argmax(miss - 5 * error))
    assert miss[i] <= 5 * error[i] + 1e-6 * size, (
        f"the mean of {DRAWS} gradients of {name!r} is {mean[i]:.6g} in x[{i}], with a standard error of "
        f"{error[i]:.2g}, but should be {exact[i]:.6g}"
    )
    # A value may be that of the neighbourhood.
    about = float(np.mean([found.value for found in drawn]))
    said = f"the value of {name!r} is {about:.6g} in the mean, but should be {value:.6g}"
    assert abs(about - value) <= 0.1 * size, said


def endures_kinks(subject: GradientSubject) -> None:
    """Stay finite and bounded at a kink and next to it, or refuse it in a sentence."""

    @subject.drawn(seed=seeds, n=sizes, near=st.sampled_from([0.0, 1e-12, 1e-8, 1e-5, 1e-2]))
    def holds(seed: int, n: int, near: float) -> None:
        rng = np.random.default_rng(seed)
        x = near * rng.choice([-1, 0, 1], size=n)
        found = refusable(lambda: subject.estimate(Watched(lambda x: abs(x).sum(), np.sign, "sum(abs(x))"), x, rng))
        if found is None:
            return
        assert np.isfinite(found.gradient).all(), f"the gradient is {found.gradient} at a kink"
        # All slopes are between -1 and 1; extrapolation makes more of them, and so do few random directions.
        most = 100 * n if subject.scatters else 10
        assert abs(found.gradient).max() <= most, f"the gradient is {found.gradient} at a kink between -1 and 1"


def knows_its_error(subject: GradientSubject) -> None:
    """Estimate errors that cover the true ones, and are no larger than need be."""
    covered, wide, told = 0, 0, 0
    for number, (function, seed) in enumerate((name, seed) for name in SMOOTH for seed in range(8)):
        rng = np.random.default_rng(number)
        x = rng.uniform(-1.5, 1.5, size=1 + seed % 4)
        exact = SMOOTH[function].gradient(x)
        found = subject.estimate(watched(SMOOTH[function]), x, rng)
        known = ~np.isnan(found.error)
        assert (found.error[known] >= 0).all(), f"an error of {found.error} is no error"
        size = abs(exact).max() + abs(float(SMOOTH[function].value(x)))
        miss, rounding = abs(found.gradient - exact)[known], 64 * np.finfo(float).eps * size
        told += int(known.sum())
        covered += int((miss <= 10 * found.error[known] + rounding).sum())
        wide += int((found.error[known] > 1e-2 * (1 + size)).sum())
    # An estimate, no bound: of two random pairs one in twenty is off by more.
    assert covered >= 0.9 * told, f"{told - covered} of {told} true errors are more than ten times the estimated ones"
    assert subject.scatters or wide <= 0.1 * told, f"{wide} of {told} errors are as large as the gradient"


CHECKS = [
    Check(name="smooth functions", holds=agrees_on_smooth_functions),
    Check(name="order", holds=converges),
    Check(name="kinks", holds=endures_kinks),
    Check(name="error", holds=knows_its_error, needs=ErrorEstimator),
]


def watched(function: Smooth) -> Watched:
    """Make an objective of a function."""
    return Watched(function.value, function.gradient, function.formula)


def refusable(ask: Callable[[], Estimate]) -> Estimate | None:
    """Ask for an estimate; None if it is refused in a sentence."""
    try:
        return ask()
    except (InputError, ObjectiveError):
        return None
