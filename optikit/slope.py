"""A slope by differences, with how far it can be trusted: what a given gradient is compared with.

Differences cannot tell everything: the function may be noisy, have a kink, bend within a step, or be defined inside
bounds only.  Each comparison says how much of the disagreement these explain; only the rest is the gradient's fault.
"""

import math
from dataclasses import dataclass

import numpy as np

from optikit.bounds import rounded_inward
from optikit.errors import InputError, ObjectiveError
from optikit.objective import Objective
from optikit.types import Array

_TABLE = 8
"""Neighbours of x in the difference table that shows the noise."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A slope by the gradient and by differences, along a coordinate or a direction."""

    name: str
    given: float
    numerical: float
    tolerance: float
    """By how much they may differ, as far as noise, rounding and truncation are known."""
    kink: bool
    """Whether the function has a kink here; the slope may then lie anywhere between those of both sides."""
    wrong: bool

    def __str__(self) -> str:
        """Say both numbers."""
        return f"{self.name}: {self.given:.6g} given, {self.numerical:.6g} by differences"


class Slopes:
    """The slopes of an objective at a point, beside those of its own gradient; every evaluation is counted.

    Parameters
    ----------
    objective : Objective
        With an exact gradient.  Values that are not finite count as +inf.
    x : ndarray, shape (n,)
        The point, inside the bounds.
    rng : numpy.random.Generator
        Draws the directions.
    """

    def __init__(self, objective: Objective, x: Array, rng: np.random.Generator) -> None:
        self._objective, self._x, self._rng = objective, x, rng
        self._eps = float(np.finfo(x.dtype).eps)
        low, high = rounded_inward(objective.bounds(len(x)), x.dtype)
        self._bounds = low, high
        self._above, self._below = (np.maximum(room.astype(np.float64), 0) for room in (high - x, x - low))
        self.nfev, self.value, self.noise = 0, math.inf, 0.0
        self.given: Array = np.zeros(len(x))

    def measure(self) -> None:
        """Find the value, the given gradient, and the noise.

        Raises
        ------
        InputError
            If the function is not finite at x.
        ObjectiveError
            If the gradient has another shape than x, or is not finite.
        """
        self.nfev += 1
        value, gradient = self._objective.value_and_grad(self._x)
        if not math.isfinite(value):
            raise InputError(f"the function is {value} at x; check the gradient where the function is finite")
        if gradient.shape != self._x.shape or gradient.dtype.kind != "f" or not np.isfinite(gradient).all():
            what = f"{gradient.dtype} of shape {gradient.shape}, or not finite"
            raise ObjectiveError(f"the gradient is {what}; it must be {len(self._x)} finite floats, one a parameter")
        self.value, self.given = float(value), gradient.astype(np.float64)
        self.measure_noise()

    def measure_noise(self) -> None:
        """Estimate the standard deviation of the noise: high differences of a smooth function vanish, noise stays."""
        direction, scale = self._direction()
        longest = self._room(direction)[0] / _TABLE
        t = self._eps**0.5 * scale
        table = self._table(direction, min(t, longest))
        jumps = abs(np.diff(table))
        if np.count_nonzero(jumps == 0) >= _TABLE / 2:
            # Too close for a function that rounds to fewer digits than x has, as one that computes in float32.  Its
            # steps are seen here; a wider table shows their irregularity, unless it happens to keep in step with them.
            steps = jumps[(jumps > 0) & np.isfinite(jumps)]
            self.noise = max(self.noise, float(steps.min()) / math.sqrt(12) if len(steps) else 0.0)
            table = self._table(direction, min(50 * t, longest))
        if not np.isfinite(table).all():
            return
        levels: list[float] = []
        factor = 1.0
        for k in range(1, 7):
            table = np.diff(table)
            # The variance of a k-th difference of white noise is (2k)! / (k!)² times its own.
            factor *= k / (2 * (2 * k - 1))
            levels.append(math.sqrt(factor * float(np.mean(table**2))))
        # Low orders still hold the slope of the function.  Of so few values the estimates scatter; the largest is the
        # one that does not take noise for a fault, and measuring again helps.
        self.noise = max(self.noise, *levels[2:])

    def _table(self, direction: Array, t: float) -> Array:
        return np.array([self.value, *(self._at(k * t * direction) for k in range(1, _TABLE + 1))])

    def along_coordinate(self, i: int, name: str) -> Comparison:
        """Compare the slope along one coordinate."""
        direction = np.zeros(len(self._x))
        direction[i] = 1.0
        return self._compare(direction, max(1.0, float(abs(self._x[i]))), name)

    def along_direction(self, name: str) -> Comparison:
        """Compare the slope along a random direction, to which every coordinate that may move contributes."""
        return self._compare(*self._direction(), name)

    def _direction(self) -> tuple[Array, float]:
        """Draw a direction of length 1 that leads inside, and give the scale of steps along it."""
        scale = max(1.0, float(abs(self._x).max()))
        reach = 4 * scale * self._eps ** (1 / 3)
        direction = self._rng.standard_normal(len(self._x))
        direction /= np.linalg.norm(direction)
        # What cannot go both ways goes the way that is longer, but not out of its bounds within a step.
        inward = np.where(self._above >= self._below, 1.0, -1.0) * abs(direction)
        direction = np.where(np.minimum(self._above, self._below) >= reach, direction, inward)
        wider = np.maximum(self._above, self._below) / reach
        return np.clip(direction, -wider, wider), scale

    def _room(self, direction: Array) -> tuple[float, float]:
        """Compute how far the bounds let one go, forth and back."""
        moving = direction != 0
        size = abs(direction[moving])
        forth = np.where(direction > 0, self._above, self._below)[moving] / size
        back = np.where(direction > 0, self._below, self._above)[moving] / size
        return float(forth.min(initial=math.inf)), float(back.min(initial=math.inf))

    def _at(self, move: Array) -> float:
        self.nfev += 1
        value = self._objective.value(np.clip((self._x + move).astype(self._x.dtype), *self._bounds))
        return math.inf if math.isnan(value) else float(value)

    def _compare(self, direction: Array, scale: float, name: str) -> Comparison:
        given = float(direction @ self.given)
        # Noise above rounding asks for a larger step.
        h = scale * max(self._eps, self.noise / max(abs(self.value), 1.0)) ** (1 / 3)
        forth, back = self._room(direction)
        two_sided = min(forth, back) >= 2 * h
        sign = 1.0 if forth >= back else -1.0
        h = h if two_sided else min(h, max(forth, back) / 4)
        if h <= self._eps * scale:  # a parameter that its bounds fix has no slope
            return Comparison(name, given, math.nan, math.inf, kink=False, wrong=False)
        steps = [1, -1, 2, -2] if two_sided else [sign, 2 * sign, 4 * sign]
        values = np.array([self._at(t * h * direction) for t in steps])
        if not np.isfinite([self.value, *values]).all():
            # At the edge of where the function is finite nothing can be told.
            return Comparison(name, given, math.nan, math.inf, kink=False, wrong=False)
        # Rounding of the values, and of the points in the direction of the gradient, and noise, all divided by h.
        largest = max(abs(self.value), float(abs(values).max()))
        slip = abs(self.given * (direction != 0)) @ abs(self._x)
        blur = (self._eps * (16 * largest + float(slip)) + (4 if two_sided else 14) * self.noise) / h
        if two_sided:
            near, far = (values[0] - values[1]) / (2 * h), (values[2] - values[3]) / (4 * h)
        else:
            # The parabolas through x and two more points on the one side.
            changes = sign * (values - self.value)
            near, far = (4 * changes[0] - changes[1]) / (2 * h), (4 * changes[1] - changes[2]) / (4 * h)
        tolerance = 1e-7 * (1 + abs(given)) + blur + 4 * abs(near - far)
        kink = inside = False
        if two_sided:
            # One-sided slopes that do not come nearer to each other as the step is halved mean a kink.
            left, right = sorted(((self.value - values[1]) / h, (values[0] - self.value) / h))
            far_left, far_right = sorted(((self.value - values[3]) / (2 * h), (values[2] - self.value) / (2 * h)))
            kink = right - left > 4 * blur and right - left > 0.75 * (far_right - far_left)
            inside = left - blur <= given <= right + blur
        wrong = abs(given - near) > tolerance and not (kink and inside)
        return Comparison(name, given, float(near), float(tolerance), bool(kink), bool(wrong))
