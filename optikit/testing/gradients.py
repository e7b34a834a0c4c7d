"""The suite of gradient estimators: how near to the gradient they come, where they ask, and how often.

What an estimator does is found by trying: whether it *scatters* (a single estimate is far from the gradient, and their
mean is what counts), whether it has a step `h`, whether its cost depends on the function.
"""

import math
import warnings
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st

from optikit.component import Component
from optikit.errors import InputError, ObjectiveError
from optikit.gradient import ErrorEstimator, Estimate
from optikit.testing.check import Check
from optikit.testing.functions import ODD, SMOOTH, Smooth, Watched
from optikit.testing.subject import Subject, seeds
from optikit.testing.untouched import is_array, is_number, untouched
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
        component = self.component.model_copy(update=fields) if fields else self.component
        with np.errstate(all="ignore"):
            value, gradient, error = component.estimate(objective, x, rng)
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
        one, other = (self.estimate(_watched(SMOOTH["ellipsoid"]), x, np.random.default_rng(i))[1] for i in (0, 1))
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
            subject.estimate(_watched(SMOOTH["pole"]), x, np.random.default_rng(seed), h=h)[1]
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
        found = subject.estimate(_watched(SMOOTH[function]), x, rng)
        _near(found, SMOOTH[function], x, tolerance)


def _near(found: Estimate, function: Smooth, x: Array, tolerance: float) -> None:
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
    drawn = [subject.estimate(_watched(SMOOTH[name]), x, rng) for _ in range(DRAWS)]
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
        found = _refusable(lambda: subject.estimate(Watched(lambda x: abs(x).sum(), np.sign), x, rng))
        if found is None:
            return
        assert np.isfinite(found.gradient).all(), f"the gradient is {found.gradient} at a kink"
        # All slopes are between -1 and 1; extrapolation makes more of them, and so do few random directions.
        most = 100 * n if subject.scatters else 10
        assert abs(found.gradient).max() <= most, f"the gradient is {found.gradient} at a kink between -1 and 1"


def costs_what_it_declares(subject: GradientSubject) -> None:
    """Ask as often as `cost` says; at most so often, if that depends on the function."""
    exactly, adapts = dict[int, int](), False
    for n in (1, 2, 5, 13):
        declared = subject.component.cost(n)
        subject.asked += 1
        assert isinstance(declared, int | None), f"cost({n}) is {declared!r}; return an int, or None if it cannot tell"
        made = set[int]()
        for number, (name, function) in enumerate({**SMOOTH, **ODD}.items()):
            watched, rng = _watched(function), np.random.default_rng(number)
            subject.estimate(watched, rng.uniform(-1.5, 1.5, size=n), rng)
            asked = len(watched.points)
            made.add(asked)
            over = declared is not None and asked > declared
            assert not over, f"cost({n}) is {declared}, but it takes {asked} evaluations of {name!r}"
        adapts = adapts or len(made) > 1
        if declared not in (None, *made):
            exactly[n] = made.pop()
    for n, asked in exactly.items():
        cost = subject.component.cost(n)
        # Whoever takes the same number whatever the function can tell it.
        assert adapts, f"cost({n}) is {cost}, but it takes {asked} evaluations, whatever the function"


def stays_inside_the_bounds(subject: GradientSubject) -> None:
    """Ask inside the bounds only, also at a bound, in a narrow box and beside a fixed parameter."""
    steps = st.sampled_from([None, 1e-3, 0.3, 50.0]) if subject.stepped else st.none()

    @subject.drawn(seed=seeds, n=st.integers(1, 5), dtype=st.sampled_from(["float64", "float32"]), h=steps)
    def holds(seed: int, n: int, dtype: str, h: float | None) -> None:
        rng = np.random.default_rng(seed)
        low = rng.uniform(-2, 1, size=n).astype(dtype)
        high = (low + rng.choice([1e-4, 1e-2, 1, np.inf], size=n)).astype(dtype)
        high[0] = low[0] if rng.random() < 0.3 else high[0]
        width = np.where(np.isfinite(high), high, low) - low
        x = np.clip(low + rng.choice([0, 0.3, 1], size=n) * width, low, high).astype(dtype)
        linear = Watched(lambda x: x.sum(), np.ones_like, (low, high))
        found = subject.estimate(linear, x, rng, **({} if h is None else {"h": h}))
        _inside(linear, low, high)
        assert np.isfinite(found.gradient).all(), f"the gradient of a sum is {found.gradient} between {low} and {high}"
        # The slope is 1 wherever a bound moves the points; what rounding leaves of it in a box of 1e-4 is 1e-3.
        wrong = (abs(found.gradient - 1) > (0.1 if dtype == "float32" else ROUGH)) & (low < high)
        assert subject.scatters or not wrong.any(), f"the gradient of a sum is {found.gradient} next to bounds"

    @subject.drawn(x=st.floats(-100, 100, width=32), above=st.integers(0, 4), below=st.integers(0, 4))
    def few_numbers(x: float, above: int, below: int) -> None:
        at = np.array([x], dtype=np.float32)
        low, high = at.copy(), at.copy()
        for _ in range(above):
            high = np.nextafter(high, np.float32(np.inf))
        for _ in range(below):
            low = np.nextafter(low, np.float32(-np.inf))
        linear = Watched(lambda x: x.sum(), np.ones_like, (low, high))
        found = _refusable(lambda: subject.estimate(linear, at, np.random.default_rng(0)))
        _inside(linear, low, high)
        assert found is None or np.isfinite(found.gradient).all(), "the gradient is not finite in a box of few numbers"


def keeps_the_precision(subject: GradientSubject) -> None:
    """Ask float32 of a problem in float32, and be as good as that allows."""

    @subject.drawn(function=functions, seed=seeds, n=sizes)
    def holds(function: str, seed: int, n: int) -> None:
        rng = np.random.default_rng(seed)
        x = rng.uniform(-1.5, 1.5, size=n).astype(np.float32)
        watched = _watched(SMOOTH[function])
        found = subject.estimate(watched, x, rng)
        kinds = {str(point.dtype) for point in watched.points} - {"float32", "complex64"}
        assert not kinds, f"it asks at points of {', '.join(kinds)}, but x is float32"
        if not subject.scatters:
            # The same power of the rounding of float32.
            _near(found, SMOOTH[function], x.astype(np.float64), ROUGH ** (23 / 52))


def tells_what_is_not_finite(subject: GradientSubject) -> None:
    """Make no gradient out of values that are NaN or infinite; raise nothing but a sentence."""

    @subject.drawn(seed=seeds, n=sizes, bad=st.sampled_from([math.nan, math.inf, -math.inf]))
    def holds(seed: int, n: int, bad: float) -> None:
        rng = np.random.default_rng(seed)
        start = rng.uniform(0.5, 1.5, size=n)

        def lonely(x: Any) -> Any:
            return (x * x).sum() if (x == start).all() else bad

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = _refusable(lambda: subject.estimate(Watched(lonely, lambda x: 2 * x), start.copy(), rng))
        if found is None or not math.isfinite(found.value) or not np.isfinite(found.gradient).all():
            return
        right = (abs(found.gradient - 2 * start) <= 1e-6).all()
        assert right, f"all values next to x are {bad}, and yet the gradient is {found.gradient}"


def repeats_itself(subject: GradientSubject) -> None:
    """Give the same again for the same rng, draw from nothing else, and leave x as it is."""

    @subject.drawn(function=functions, seed=seeds, n=sizes)
    def holds(function: str, seed: int, n: int) -> None:
        x = np.random.default_rng(seed).uniform(-1.5, 1.5, size=n)
        with untouched(x=x):
            first = subject.estimate(_watched(SMOOTH[function]), x, np.random.default_rng(seed))
        subject.estimate(_watched(SMOOTH["sphere"]), x + 1, np.random.default_rng(seed + 1))
        again = subject.estimate(_watched(SMOOTH[function]), x, np.random.default_rng(seed))
        same = first.value == again.value and np.array_equal(first.gradient, again.gradient)
        assert same, "the same point and the same rng give another gradient the second time"


def knows_its_error(subject: GradientSubject) -> None:
    """Estimate errors that cover the true ones, and are no larger than need be."""
    covered, wide, told = 0, 0, 0
    for number, (function, seed) in enumerate((name, seed) for name in SMOOTH for seed in range(8)):
        rng = np.random.default_rng(number)
        x = rng.uniform(-1.5, 1.5, size=1 + seed % 4)
        exact = SMOOTH[function].gradient(x)
        found = subject.estimate(_watched(SMOOTH[function]), x, rng)
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
    Check(name="cost", holds=costs_what_it_declares),
    Check(name="bounds", holds=stays_inside_the_bounds),
    Check(name="float32", holds=keeps_the_precision),
    Check(name="not finite", holds=tells_what_is_not_finite),
    Check(name="seed", holds=repeats_itself),
    Check(name="error", holds=knows_its_error, needs=ErrorEstimator),
]


def _watched(function: Smooth) -> Watched:
    return Watched(function.value, function.gradient)


def _inside(watched: Watched, low: Array, high: Array) -> None:
    for point in watched.points:
        inside = ((low <= point.real) & (point.real <= high)).all()
        assert inside, f"it asks at {point}, outside the bounds {low} and {high}; see objective.bounds(n)"


def _refusable(ask: Callable[[], Estimate]) -> Estimate | None:
    """Ask for an estimate; None if it is refused in a sentence."""
    try:
        return ask()
    except (InputError, ObjectiveError):
        return None
