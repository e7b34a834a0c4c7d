"""A slope by differences, with how far it can be trusted: what a given gradient is compared with.

Differences cannot tell everything: the function may be noisy, have a kink, bend within a step, or be defined inside
bounds only.  Each comparison says how much of the disagreement these explain; only the rest is the gradient's fault.
"""

import math
from dataclasses import dataclass

import numpy as np

from optikit.bounds import rounded_inward
from optikit.errors import InputError, ObjectiveError
from optikit.problem import Problem
from optikit.types import Array

_TABLE = 8
"""Neighbours of x in the difference table that shows the noise."""
_WIDER = 50
"""From one difference table, or one step, to the next."""
_TABLES = 5
_TRIES = 4
_STEPS = 5


@dataclass(frozen=True, slots=True)
class Comparison:
    """A slope by the gradient and by differences, along a coordinate or a direction."""

    name: str
    given: float
    numerical: float
    """NaN where nothing can be compared: bounds fix the parameter, or the function is not finite beside x."""
    tolerance: float
    """By how much they may differ, as far as noise, rounding and truncation are known."""
    kink: bool
    """Whether the function has a kink here; the slope may then lie anywhere between those of both sides."""
    wrong: bool

    @property
    def compared(self) -> bool:
        """Whether there was anything to compare with."""
        return math.isfinite(self.numerical)

    def __str__(self) -> str:
        """Say both numbers, with as many digits as tell them apart."""
        digits = 6 if f"{self.given:.6g}" != f"{self.numerical:.6g}" else 12
        return f"{self.name}: {self.given:.{digits}g} given, {self.numerical:.{digits}g} by differences"


class Slopes:
    """The slopes of an objective at a point, beside those of its own gradient; every evaluation is counted.

    Parameters
    ----------
    problem : Problem
        Whose objective at step 0 has an exact gradient.  Values that are not finite count as +inf.
    x : ndarray, shape (n,)
        The point, inside the bounds.
    rng : numpy.random.Generator
        Draws the directions.
    """

    def __init__(self, problem: Problem, x: Array, rng: np.random.Generator) -> None:
        self._objective, self._label, self.x, self._rng = problem.at(0), problem.label, x, rng
        self._eps = float(np.finfo(x.dtype).eps)
        low, high = rounded_inward(problem.bounds(len(x)), x.dtype)
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
        value, gradient = self._objective.value_and_grad(self.x)
        if not math.isfinite(value):
            raise InputError(f"the function is {value} at x; check the gradient where the function is finite")
        wrong = ""
        if gradient.shape != self.x.shape:
            wrong = f"has shape {gradient.shape}, but x has {self.x.shape}"
        elif gradient.dtype.kind != "f":
            wrong = f"has dtype {gradient.dtype}, but real floating-point numbers are needed"
        elif not np.isfinite(gradient).all():
            i = int(np.argmin(np.isfinite(gradient)))
            wrong = f"is {gradient[i]} at {self._label(i)}, where the value, {value:g}, is finite"
        if wrong:
            raise ObjectiveError(f"the gradient {wrong}")
        self.value, self.given = float(value), gradient.astype(np.float64)
        self.measure_noise()

    def measure_noise(self) -> None:
        """Estimate the standard deviation of the noise: high differences of a smooth function vanish, noise stays."""
        # The steepest of some directions: along a level one, a function that rounds does not change at all.
        direction, scale = max((self._direction() for _ in range(_TRIES)), key=lambda drawn: abs(drawn[0] @ self.given))
        nearer = float(abs(self.x).max())
        noise = self._noise_along(direction, scale)
        if 0 < nearer < 1e-3 * scale and noise:
            # What changes on the scale of small parameters looks like noise from afar.
            noise = min(noise, self._noise_along(direction, nearer) or math.inf)
        # Measuring again helps.
        self.noise = max(self.noise, noise)

    def _noise_along(self, direction: Array, scale: float) -> float:
        """Estimate the noise from values along a direction; 0 if they are not finite."""
        longest = self._room(direction)[0] / _TABLE
        t, slope, noise = self._eps**0.5 * scale, abs(float(direction @ self.given)), 0.0
        table, blank = np.empty(0), False
        for _ in range(_TABLES):
            table = self._table(direction, min(t, longest))
            jumps = abs(np.diff(table))
            steps = jumps[(jumps > 0) & np.isfinite(jumps)]
            coarse = np.count_nonzero(jumps == 0) >= _TABLE / 2 and _TABLE * slope * t > self._eps * abs(self.value)
            if (coarse or blank) and len(steps):
                # Too close for a function that rounds to fewer digits than x has, as one that computes in float32: what
                # is seen are its steps.  A wider table shows their irregularity, unless it keeps in step with them.
                noise = max(noise, float(steps.min()) / math.sqrt(12))
            if not coarse:
                break
            t, blank = _WIDER * t, not len(steps)
        if not np.isfinite(table).all():
            return noise
        levels: list[float] = []
        factor = 1.0
        for k in range(1, 7):
            table = np.diff(table)
            # The variance of a k-th difference of white noise is (2k)! / (k!)² times its own.
            factor *= k / (2 * (2 * k - 1))
            levels.append(math.sqrt(factor * float(np.mean(table**2))))
        # Low orders still hold the slope of the function.  Of so few values the estimates scatter; the largest is the
        # one that does not take noise for a fault.
        return max(noise, *levels[2:])

    def _table(self, direction: Array, t: float) -> Array:
        return np.array([self.value, *(self._at(k * t * direction) for k in range(1, _TABLE + 1))])

    def along_coordinate(self, i: int, name: str) -> Comparison:
        """Compare the slope along one coordinate."""
        direction = np.zeros(len(self.x))
        direction[i] = 1.0
        return self._compare(direction, max(1.0, float(abs(self.x[i]))), name)

    def along_direction(self, name: str) -> Comparison:
        """Compare the slope along a random direction, to which every coordinate that may move contributes."""
        return self._compare(*self._direction(), name)

    def _direction(self) -> tuple[Array, float]:
        """Draw a direction of length 1 that leads inside, and give the scale of steps along it."""
        scale = max(1.0, float(abs(self.x).max()))
        reach = 4 * scale * self._eps ** (1 / 3)
        direction = self._rng.standard_normal(len(self.x))
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
        value = self._objective.value(np.clip((self.x + move).astype(self.x.dtype), *self._bounds))
        return math.inf if math.isnan(value) else float(value)

    def _compare(self, direction: Array, scale: float, name: str) -> Comparison:
        """Compare at a step that fits most functions, and nearer where that one tells nothing, or something false.

        A slope is wrong if no nearer step contradicts the first one, by more than it is uncertain itself, and agrees.
        """
        # Noise above rounding asks for a larger step.
        h = scale * max(self._eps, self.noise / max(abs(self.value), 1.0)) ** (1 / 3)
        found, bent = self._compared(direction, h, name)
        for k in range(1, _STEPS):
            if found.compared and not found.wrong and not bent:
                break
            nearer, still = self._compared(direction, h / _WIDER**k, name)
            contradicts = abs(nearer.numerical - found.numerical) > nearer.tolerance and not nearer.wrong
            sharper = bent and nearer.compared and nearer.tolerance < found.tolerance / 10
            if not found.compared or contradicts or sharper:
                found, bent = nearer, still
        return found

    def _compared(self, direction: Array, h: float, name: str) -> tuple[Comparison, bool]:
        """Compare at one step; and say whether the function bends so much within it that this says little."""
        given = float(direction @ self.given)
        untold = Comparison(name, given, math.nan, math.inf, kink=False, wrong=False), False
        forth, back = self._room(direction)
        two_sided = min(forth, back) >= 2 * h
        sign = 1.0 if forth >= back else -1.0
        h = h if two_sided else min(h, max(forth, back) / 4)
        if h <= self._eps * float((abs(self.x) * (direction != 0)).max()):  # lost in rounding, or fixed by its bounds
            return untold
        steps = [1, -1, 2, -2] if two_sided else [sign, 2 * sign, 4 * sign]
        values = np.array([self._at(t * h * direction) for t in steps])
        if not np.isfinite([self.value, *values]).all():
            return untold
        # Rounding of the values, and of the points in the direction of the gradient, and noise, all divided by h.
        largest = max(abs(self.value), float(abs(values).max()))
        slip = abs(self.given * (direction != 0)) @ abs(self.x)
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
        bent = 4 * abs(near - far) > max(abs(given), abs(near), tolerance / 2, 1e-3 * float(abs(self.given).max()))
        return Comparison(name, given, float(near), float(tolerance), bool(kink), bool(wrong)), bool(bent)
