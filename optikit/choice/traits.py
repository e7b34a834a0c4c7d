"""Traits: what can be found out about a problem with a small share of the evaluations that it is worth.

The same point twice tells noise from a function.  Nine points close together tell smooth from kinked: where a function
is smooth its third differences shrink eightfold when the step is halved, at a kink twofold, at a jump not at all.  A
line through the whole region tells one valley from many.  Everything is asked where the problem is defined, and what
fails is counted.
"""

import math
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import numpy as np
from pydantic import Field

from optikit.bounds import rounded_inward
from optikit.described import Described
from optikit.problem import Problem
from optikit.types import Array

REPEATS = 8
"""Evaluations at one point, where the second has shown that they differ."""
WINDOWS, LINES = 4, 4
"""Where is looked at most."""
_SPAN = 1e-3
"""The step of a window, as a share of the region."""
_WINDOW, _LINE = 9, 17
"""Evaluations of a window and of a line."""
_SMOOTH = 4.0
"""By how much third differences shrink at least where it is smooth: between 2, at a kink, and 8."""
_REACH = 5.0
"""How far the region goes where there are no bounds, in units of the larger of 1 and the coordinate."""


class Traits(Described):
    """What is known of a problem; None where nothing was found out."""

    n: int
    """Number of parameters."""
    budget: int
    """Evaluations that the run may make."""
    gradient: bool
    """Whether it has an exact gradient."""
    box: bool
    """Whether every parameter has two finite bounds."""
    bounded: bool
    """Whether any parameter has a bound."""
    constrained: bool
    """Whether it has constraints besides."""
    minibatches: bool
    """Whether it is another function at each step."""
    noise: float | None = None
    """Standard deviation at one point, over that along a line; 0 if the same point has the same value."""
    smooth: bool | None = None
    """Whether it looks smooth where it was looked at."""
    rugged: bool | None = None
    """Whether lines through the region have several minima."""
    failing: float = 0.0
    """The share of evaluations that raised, or gave no finite number."""
    seconds: float | None = None
    """Of one evaluation."""
    spent: int = Field(default=0, ge=0)
    """Evaluations that all this took."""

    @property
    def each(self) -> float:
        """Evaluations for each parameter."""
        return self.budget / self.n

    @property
    def noisy(self) -> bool:
        """Whether the same point gives different values."""
        return self.noise is not None and self.noise > 0


def look(problem: Problem, x0: Array, budget: int, allowance: int, rng: np.random.Generator) -> Traits:
    """Look at a problem.

    Parameters
    ----------
    problem : Problem
        As the optimizer would see it.
    x0 : ndarray, shape (n,)
        Where it would start.
    budget : int
        Evaluations that the run may make.
    allowance : int
        Evaluations that may be spent here; what does not fit into it is not found out.
    rng : numpy.random.Generator
        Draws where to look.

    Returns
    -------
    Traits
        Whatever is raised by the function is counted as a failure; Ctrl-C is not.
    """
    low, high = problem.bounds(len(x0))
    finite = np.isfinite(low) & np.isfinite(high)
    given: dict[str, Any] = {
        **{"n": len(x0), "budget": budget, "gradient": problem.differentiable},
        **{"box": bool(finite.all()), "bounded": bool((np.isfinite(low) | np.isfinite(high)).any())},
        **{"constrained": bool(problem.constraints), "minibatches": problem.stochastic},
    }
    probe = _Probe(problem, x0, allowance, rng)
    probe.look()
    return Traits(**given, **probe.found())


class _Probe:
    def __init__(self, problem: Problem, x0: Array, allowance: int, rng: np.random.Generator) -> None:
        self._value, self._x0, self._left, self._rng = problem.at(0).value, x0, allowance, rng
        low, high = rounded_inward(problem.bounds(len(x0)), x0.dtype)
        reach = _REACH * np.maximum(1, np.abs(x0))
        self._low, self._high = (
            np.where(np.isfinite(low), low, x0 - reach),
            np.where(np.isfinite(high), high, x0 + reach),
        )
        self._seconds: list[float] = []
        self._lost = 0
        self._noise: float | None = None
        self._windows: list[bool] = []
        self._lines: list[bool] = []
        self._spreads: list[float] = []

    def look(self) -> None:
        """Look as far as the allowance goes: at the noise first, then in turn at a line and a window."""
        deviation = self._deviation()
        for each in range(max(WINDOWS, LINES)):
            if each < LINES:
                self._line(deviation)
            if each < WINDOWS and not deviation:
                self._window()
        if deviation is not None:
            spread = median(self._spreads) if self._spreads else 0.0
            self._noise = 0.0 if deviation == 0 else deviation / spread if spread > 0 else 1.0

    def found(self) -> dict[str, Any]:
        spent = len(self._seconds)
        return {
            "noise": self._noise,
            "smooth": all(self._windows) if self._windows else None,
            "rugged": 2 * sum(self._lines) > len(self._lines) if self._lines else None,
            "failing": self._lost / spent if spent else 0.0,
            "seconds": median(self._seconds) if spent else None,
            "spent": spent,
        }

    def _deviation(self) -> float | None:
        """Give the standard deviation at the start point; None where there are no two numbers."""
        values = self._values(self._x0 for _ in range(2))
        if len(values) == 2 and values[0] != values[1]:
            values = np.append(values, self._values(self._x0 for _ in range(REPEATS - 2)))
        return float(np.std(values, ddof=1)) if len(values) > 1 else None

    def _line(self, deviation: float | None) -> None:
        """Go through the whole region on a line, and count the minima that noise does not explain."""
        if self._left < _LINE:
            return
        direction = self._rng.standard_normal(len(self._x0)) * (self._high - self._low)
        within = self._rng.random(len(self._x0))
        centre = self._low * (1 - within) + self._high * within
        with np.errstate(divide="ignore", invalid="ignore"):
            sides = np.stack([(self._low - centre) / direction, (self._high - centre) / direction])
        first = centre + float(np.nanmax(sides.min(axis=0))) * direction
        last = centre + float(np.nanmin(sides.max(axis=0))) * direction
        values = self._values(first + k / (_LINE - 1) * (last - first) for k in range(_LINE))
        if len(values) == _LINE:
            self._spreads.append(float(np.std(values)))
            self._lines.append(_minima(values, 4 * (deviation or 0.0)) > 1)

    def _window(self) -> None:
        """Look at nine points close together, and at how third differences shrink with the step."""
        if self._left < _WINDOW:
            return
        step = _SPAN * (self._high - self._low) * self._rng.standard_normal(len(self._x0))
        margin = 4 * np.abs(step)
        within = self._rng.random(len(self._x0))
        centre = (self._low + margin) * (1 - within) + (self._high - margin) * within
        values = self._values(centre + k * step for k in range(-4, 5))
        if len(values) == _WINDOW:
            # Around the same places: further out the smaller ones may be larger, where the third derivative is 0 here.
            small = float(np.abs(np.diff(values, 3)[1:-1]).max())
            large = float(np.abs(np.diff(values[::2], 3)).max())
            rounding = 64 * float(np.finfo(self._x0.dtype).eps) * float(np.abs(values).max())
            self._windows.append(large <= 8 * rounding or small <= rounding or large > _SMOOTH * small)

    def _values(self, points: Iterator[Array]) -> Array:
        """Evaluate as long as the allowance lasts; gives those that are finite."""
        found = list[float]()
        for x in points:
            if self._left == 0:
                break
            self._left -= 1
            began = time.perf_counter()
            try:
                value = self._value(np.clip(x, self._low, self._high).astype(self._x0.dtype))
            except Exception:  # what the function raises is what is looked for
                value = math.nan
            self._seconds.append(time.perf_counter() - began)
            if math.isfinite(value):
                found.append(value)
            else:
                self._lost += 1
        return np.array(found)


def _minima(values: Array, threshold: float) -> int:
    """Count the valleys of a line that are deeper than a threshold, the ends of the line included."""
    threshold = max(threshold, 1e-9 * float(np.ptp(values)))
    count, lowest, highest, falling = 0, values[0], values[0], True
    for value in values[1:]:
        if falling:
            lowest = min(lowest, value)
            if value > lowest + threshold:
                count, falling, highest = count + 1, False, value
        else:
            highest = max(highest, value)
            if value < highest - threshold:
                falling, lowest = True, value
    return count + falling
