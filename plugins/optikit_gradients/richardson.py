"""Richardson extrapolation: differences at shrinking steps, and where they tend to as the step vanishes.

The error of a central difference is a series in h^2, so two of them, at h and h/2, tell its first term, three tell
two, and so on.  Steps may then be large, where rounding does no harm.  Every coordinate takes the entry of its
own table that changed least, and is asked no more once that change is down to rounding.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from optikit import Array, ErrorEstimator, Estimate, Objective
from optikit_gradients import steps
from optikit_gradients.block import Block

Mask: TypeAlias = NDArray[np.bool_]


_PATIENCE = 3
"""Levels without a better entry, after which a coordinate whose first digit is known is done."""


class Richardson(ErrorEstimator):
    r"""Differences at shrinking steps, extrapolated to a step of zero, with an error estimate.

    .. math:: T_{k,0} = \frac{f(x + h 2^{-k} e_i) - f(x - h 2^{-k} e_i)}{2 h 2^{-k}}, \quad
              T_{k,j} = T_{k,j-1} + \frac{T_{k,j-1} - T_{k-1,j-1}}{4^j - 1}

    Costs at most 2 `levels` n + 1 evaluations, and less the smoother the function: a coordinate whose table has
    settled to rounding, or gets worse, is done.  The error of an entry is its larger distance to the two it was made
    of, and rounding; the entry with the least is the answer.  Near a bound the steps shrink to the room there is, or,
    with little room, are all taken on the wider side, with 2^j in place of 4^j.  A step at which the function is not
    finite is left out, so a large first step may leave the domain.

    References
    ----------
    Lyness and Moler (1966), "Van der Monde systems and numerical differentiation", Numerische Mathematik 8.
    Ridders (1982), "Accurate computation of F'(x) and F'(x) F''(x)", Advances in Engineering Software 4(2); there
    the steps shrink by 1.4, and a table ends when its error grows.
    """

    name = "richardson"

    h: float | None = Field(default=None, gt=0)
    """Largest step; by default max(1, abs(x_i)) / 4."""

    levels: int = Field(default=14, ge=2, le=30)
    """Most steps for one coordinate."""

    def estimate(self, objective: Objective, x: Array, rng: np.random.Generator) -> Estimate:
        """Extrapolate, coordinate by coordinate."""
        n = len(x)
        low, high = objective.bounds(n)
        h = np.maximum(1, abs(x)) / 4 if self.h is None else np.full(n, self.h)
        room, wider = np.minimum(high - x, x - low), steps.wider(x, low, high)
        central = room >= h / 8
        first = np.where(central, np.minimum(h, room), np.copysign(np.minimum(h, abs(wider)), wider))
        steps.representable(x, first.astype(x.dtype), low, high)
        value = objective.value(x)
        gradient, error = np.where(low < high, np.nan, 0), np.where(low < high, np.inf, 0)
        active, table, stalled = low < high, np.empty((0, n)), np.zeros(n, dtype=int)
        for level in range(self.levels):
            if not active.any():
                break
            step = (first / 2**level).astype(x.dtype)
            slope, rounding = _slopes(objective, x, value, step, active, active & central)
            table, changes = _extrapolated(table, slope, np.where(central, 4.0, 2.0))
            entry, change = _best(table, changes)
            settled = active & (change <= rounding)
            better = active & (np.isnan(gradient) | (change + rounding < error))
            gradient, error = np.where(better, entry, gradient), np.where(better, change + rounding, error)
            stalled = np.where(better, 0, stalled + 1)
            # Rounding doubles from level to level: nothing better can come.  Noise makes that early, but far from
            # where the function is smooth, as next to a pole, the first levels tell nothing.
            worse = (rounding >= error) | ((stalled >= _PATIENCE) & (error <= abs(gradient) / 10))
            active = active & ~settled & ~worse
        return Estimate(value, gradient.astype(x.dtype), error)

    def cost(self, n: int) -> int:
        """Count x, and two points a coordinate and level: at most."""
        return 1 + 2 * self.levels * n


def _slopes(objective: Objective, x: Array, value: float, step: Array, active: Mask, both: Mask) -> tuple[Array, Array]:
    """Compute the quotients of the active coordinates, NaN elsewhere and where not finite, and their rounding."""
    low, high = objective.bounds(len(x))
    up, down = steps.made(x, step, low, high), np.where(both, steps.made(x, -step, low, high), 0)
    above, below = _moved(objective, x, value, up, active), _moved(objective, x, value, down, both)
    span = up.astype(np.float64) - down
    usable = active & (span != 0) & np.isfinite(above) & np.isfinite(below)
    slope, rounding = np.full((2, len(x)), np.nan)
    span, above, below = span[usable], above[usable], below[usable]
    slope[usable] = (above - below) / span
    largest = np.maximum(abs(value), np.maximum(abs(above), abs(below)))
    rounding[usable] = 2 * np.finfo(x.dtype).eps * largest / abs(span)
    return slope, rounding


def _moved(objective: Objective, x: Array, value: float, step: Array, where: Mask) -> Array:
    """Compute the values at the shifted points of some coordinates, and put the value at `x` for the others."""
    values, rows = np.full(len(x), value), np.flatnonzero(where)
    part = objective if len(rows) == len(x) else Block(objective, x, rows)
    if len(rows):
        values[rows] = part.shifted(x[rows], step[rows])
    return values


def _extrapolated(table: Array, slope: Array, ratio: Array) -> tuple[Array, Array]:
    """Add a row to the tables of all coordinates; only the last row is kept, with how much each entry changed."""
    row, change = [slope], [np.full(len(slope), np.inf)]
    for j, older in enumerate(table, start=1):
        row.append(row[-1] + (row[-1] - older) / (ratio**j - 1))
        change.append(np.fmax(abs(row[-1] - row[-2]), abs(row[-1] - older)))
    return np.array(row), np.array(change)


def _best(row: Array, change: Array) -> tuple[Array, Array]:
    """Choose the entry of each coordinate that changed least."""
    column = np.where(np.isnan(row), np.inf, change).argmin(axis=0)[None]
    return np.take_along_axis(row, column, 0)[0], np.take_along_axis(change, column, 0)[0]
