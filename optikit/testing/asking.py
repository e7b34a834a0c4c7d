"""The suite of gradient estimators, what they ask: how often, where, in which precision, and what they make of NaN."""

import math
import warnings
from typing import Any

import numpy as np
from hypothesis import strategies as st

from optikit.testing.check import Check
from optikit.testing.functions import ODD, SMOOTH, Watched
from optikit.testing.gradients import ROUGH, GradientSubject, functions, near, refusable, sizes, watched
from optikit.testing.subject import seeds
from optikit.testing.untouched import untouched
from optikit.types import Array


def costs_what_it_declares(subject: GradientSubject) -> None:
    """Ask as often as `cost` says; at most so often, if that depends on the function."""
    exactly, adapts = dict[int, int](), False
    for n in (1, 2, 5, 13):
        declared = subject.component.cost(n)
        subject.asked += 1
        assert isinstance(declared, int | None), f"cost({n}) is {declared!r}; return an int, or None if it cannot tell"
        made = set[int]()
        for number, (name, function) in enumerate({**SMOOTH, **ODD}.items()):
            objective, rng = watched(function), np.random.default_rng(number)
            subject.estimate(objective, rng.uniform(-1.5, 1.5, size=n), rng)
            asked = len(objective.points)
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
        linear = Watched(lambda x: x.sum(), np.ones_like, "sum(x)", (low, high))
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
        linear = Watched(lambda x: x.sum(), np.ones_like, "sum(x)", (low, high))
        found = refusable(lambda: subject.estimate(linear, at, np.random.default_rng(0)))
        _inside(linear, low, high)
        assert found is None or np.isfinite(found.gradient).all(), "the gradient is not finite in a box of few numbers"


def keeps_the_precision(subject: GradientSubject) -> None:
    """Ask float32 of a problem in float32, and be as good as that allows."""

    @subject.drawn(function=functions, seed=seeds, n=sizes)
    def holds(function: str, seed: int, n: int) -> None:
        rng = np.random.default_rng(seed)
        x = rng.uniform(-1.5, 1.5, size=n).astype(np.float32)
        objective = watched(SMOOTH[function])
        found = subject.estimate(objective, x, rng)
        kinds = {str(point.dtype) for point in objective.points} - {"float32", "complex64"}
        assert not kinds, f"it asks at points of {', '.join(kinds)}, but x is float32"
        if not subject.scatters:
            # The same power of the rounding of float32.
            near(found, SMOOTH[function], x.astype(np.float64), ROUGH ** (23 / 52))


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
            found = refusable(
                lambda: subject.estimate(
                    Watched(lonely, lambda x: 2 * x, f"sum(x**2) at this x, and {bad} elsewhere"), start.copy(), rng
                )
            )
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
            first = subject.estimate(watched(SMOOTH[function]), x, np.random.default_rng(seed))
        subject.estimate(watched(SMOOTH["sphere"]), x + 1, np.random.default_rng(seed + 1))
        again = subject.estimate(watched(SMOOTH[function]), x, np.random.default_rng(seed))
        same = first.value == again.value and np.array_equal(first.gradient, again.gradient)
        assert same, "the same point and the same rng give another gradient the second time"


def _inside(objective: Watched, low: Array, high: Array) -> None:
    for point in objective.points:
        inside = ((low <= point.real) & (point.real <= high)).all()
        assert inside, f"it asks at {point}, outside the bounds {low} and {high}; see objective.bounds(n)"


CHECKS = [
    Check(name="cost", holds=costs_what_it_declares),
    Check(name="bounds", holds=stays_inside_the_bounds),
    Check(name="float32", holds=keeps_the_precision),
    Check(name="not finite", holds=tells_what_is_not_finite),
    Check(name="seed", holds=repeats_itself),
]
