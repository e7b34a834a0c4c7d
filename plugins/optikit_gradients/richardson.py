"""Richardson extrapolation: differences at shrinking steps, and where they tend to as the step vanishes.

The error of a central difference is a series in h^2, so two of them, at h and h/2, tell its first term, three tell
two, and so on.  Steps may then be large, where rounding does no harm.  Every coordinate takes the entry of its
own table whose error is least, and is asked no more once that error is down to rounding.

At steps longer than what a function does, entries agree by accident.  So each must also foretell a difference at a
far shorter step, the anchor.  A function that is too noisy for an anchor is told from one that does much on little
room by a second one: noise is gone at a longer step.
"""

from typing import NamedTuple

import numpy as np
from pydantic import Field

from optikit import Array, ErrorEstimator, Estimate, Objective
from optikit_gradients import steps
from optikit_gradients.quotients import Levels, Mask, Quotients

_SETTLED = 3
"""Error in units of rounding, at which a coordinate is done."""

_PATIENCE = 3
"""Levels without a better entry, after which a coordinate whose first digit is known is done."""

_SHARE = 3
"""The second anchor is this part of the levels above the first."""


class Richardson(ErrorEstimator):
    r"""Differences at shrinking steps, extrapolated to a step of zero, with an error estimate.

    .. math:: T_{k,0} = \frac{f(x + h 2^{-k} e_i) - f(x - h 2^{-k} e_i)}{2 h 2^{-k}}, \quad
              T_{k,j} = T_{k,j-1} + \frac{T_{k,j-1} - T_{k-1,j-1}}{4^j - 1}

    Costs at most 2 `levels` n + 1 evaluations, and less the smoother the function: a coordinate whose table has
    settled to rounding, or gets worse, is done.  The error of an entry is its larger distance to the two it was made
    of, rounding, and by how much it misses a difference at a step of about eps^(1/3) max(1, abs(x_i)), which no
    noise explains; the entry with the least is the answer.  What a function does on less room than that step, like
    a kink next to x, is not seen.  Near a bound the steps shrink to the room there is, or, with little room, are all
    taken on the wider side, with 2^j in place of 4^j.  A step at which the function is not finite is left out, so a
    large first step may leave the domain.

    References
    ----------
    Lyness and Moler (1966), "Van der Monde systems and numerical differentiation", Numerische Mathematik 8.
    Ridders (1982), "Accurate computation of F'(x) and F'(x) F''(x)", Advances in Engineering Software 4(2); there
    the steps shrink by 1.4, and a table ends when its error grows.
    """

    name = "richardson"

    h: float | None = Field(default=None, gt=0)
    """Largest step; by default max(1, abs(x_i)) / 4."""

    levels: int = Field(default=16, ge=2, le=30)
    """Most steps for one coordinate."""

    def estimate(self, objective: Objective, x: Array, rng: np.random.Generator) -> Estimate:
        """Extrapolate, coordinate by coordinate."""
        n = len(x)
        low, high = objective.bounds(n)
        free = low < high
        h = np.maximum(1, abs(x)) / 4 if self.h is None else np.full(n, self.h)
        room, wider = np.minimum(high - x, x - low), steps.wider(x, low, high)
        central = room >= h / 8
        first = np.where(central, np.minimum(h, room), np.copysign(np.minimum(h, abs(wider)), wider))
        steps.representable(objective, x, first.astype(x.dtype))
        quotients = Quotients(objective, x, first, central, self.levels)
        order, last = np.where(central, 2.0, 1.0), self._anchor_level(x, first)
        anchor, tolerance = quotients.at(last, free)
        tolerance *= 16
        active, known, tables = free, ~free, _Tables(n)
        for level in range(self.levels):
            slope, rounding = quotients.at(np.full(n, level), active)
            tables.extend(slope, rounding, order, np.where(level < last, anchor, np.nan), 2.0 ** (level - last))
            # They would be done, were it not for an anchor that may be noisy.
            doubtful = active & ~known & tables.best(np.inf).ended(rounding) & ~tables.best(tolerance).ended(rounding)
            if doubtful.any():
                other, _ = quotients.at(last - last // _SHARE, doubtful)
                tolerance += np.where(doubtful & np.isfinite(other), 4 * abs(other - anchor), 0)
                known = known | doubtful
            active = active & ~tables.best(tolerance).ended(rounding)
            if not active.any():
                break
        best = tables.best(tolerance)
        gradient, error = np.where(free, best.entry, 0), np.where(free, best.error, 0)
        return Estimate(quotients.value, gradient.astype(x.dtype), error)

    def cost(self, n: int) -> int:
        """Count x, and two points a coordinate and level: at most."""
        return 1 + 2 * self.levels * n

    def _anchor_level(self, x: Array, first: Array) -> Levels:
        """Choose the level whose step is about the best of a central difference."""
        step = steps.scaled(x, None, 1 / 3)
        return np.clip(np.rint(np.log2(np.maximum(abs(first) / step, 1))), 1, self.levels - 1).astype(int)


class _Best(NamedTuple):
    """The entry of each coordinate whose error is least."""

    entry: Array
    """NaN where there is none."""
    error: Array
    missed: Array
    """The part of the error that is a miss of the anchor."""
    age: Levels
    """Levels since it was found."""

    def ended(self, rounding: Array) -> Mask:
        """Tell where nothing better can come, as rounding doubles from level to level.

        Noise makes that early, but far from where the function is smooth, as next to a pole, the first levels
        tell nothing.
        """
        stalled = (self.age >= _PATIENCE) & (self.error <= abs(self.entry) / 10) & (self.missed == 0)
        return stalled | (self.error <= _SETTLED * rounding)


class _Tables:
    """The tables of all coordinates: of the rows the last one, of the entries error and miss."""

    def __init__(self, n: int) -> None:
        self._row = np.empty((0, 2, n))
        self._entries = self._errors = self._misses = np.empty((0, n))
        self._level = np.empty(0, dtype=int)

    def extend(self, slope: Array, rounding: Array, order: Array, anchor: Array, closer: Array) -> None:
        """Add a row.

        Parameters
        ----------
        slope, rounding : ndarray, shape (n,)
            Quotients, and what rounding may change of them.
        order : ndarray, shape (n,)
            The powers of the step of which their errors are series.
        anchor : ndarray, shape (n,)
            The quotient to foretell; NaN if there is none.
        closer : ndarray, shape (n,)
            The step of the anchor, in units of that of this row.
        """
        # One column extrapolates to a step of 0, the other to that of the anchor.
        weight = np.stack([np.ones_like(closer), 1 - closer**order])
        row, change = [np.stack([slope, slope])], [np.full(len(slope), np.inf)]
        for j, older in enumerate(self._row, start=1):
            row.append(row[-1] + weight * (row[-1] - older) / (2.0 ** (order * j) - 1))
            change.append(np.maximum(abs(row[-1] - row[-2])[0], abs(row[-1] - older)[0]))
        self._row = np.array(row)
        misses = np.nan_to_num(abs(self._row[:, 1] - anchor))
        # Were the miss noise, this much of it would be in the entry, whose step is longer.
        errors = np.array(change) + rounding + misses * closer
        self._entries = np.concatenate([self._entries, self._row[:, 0]])
        self._errors = np.concatenate([self._errors, errors])
        self._misses = np.concatenate([self._misses, misses])
        self._level = np.append(self._level, np.full(len(row), len(row) - 1))

    def best(self, tolerance: Array | float) -> _Best:
        """Choose the entries, where a miss within the tolerance is none."""
        missed = np.fmax(self._misses - tolerance, 0)
        errors = self._errors + missed
        # The error of a lone quotient is not known, and it is better than none.
        rank = np.where(np.isnan(self._entries), np.inf, np.fmin(errors, np.finfo(np.float64).max))
        chosen = rank.argmin(axis=0)[None]
        entry, error, beyond = (np.take_along_axis(kept, chosen, 0)[0] for kept in (self._entries, errors, missed))
        return _Best(entry, error, beyond, self._level[-1] - self._level[chosen[0]])
