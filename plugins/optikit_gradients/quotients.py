"""Difference quotients at steps that halve from level to level, each asked for once."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from optikit import Array, Objective
from optikit_gradients import steps
from optikit_gradients.block import Block

Mask: TypeAlias = NDArray[np.bool_]
Levels: TypeAlias = NDArray[np.int_]


class Quotients:
    """Quotients of all coordinates at one point.

    Parameters
    ----------
    objective : Objective
        The function.
    x : ndarray, shape (n,)
        The point.
    first : ndarray, shape (n,)
        The step of level 0; inside the bounds.
    central : ndarray of bool, shape (n,)
        Where the step is taken to both sides.
    levels : int
        How many there are.
    """

    def __init__(self, objective: Objective, x: Array, first: Array, central: Mask, levels: int) -> None:
        self._objective, self._x, self._first, self._central = objective, x, first, central
        self.value = objective.value(x)
        self._slope, self._rounding = np.full((2, levels, len(x)), np.nan)
        self._asked = np.zeros((levels, len(x)), dtype=bool)

    def at(self, level: Levels, where: Mask) -> tuple[Array, Array]:
        """Give the quotients of some coordinates, each at its own level, and their rounding; NaN where not finite."""
        columns = np.arange(len(self._x))
        new = where & ~self._asked[level, columns]
        if new.any():
            rows = level[new], columns[new]
            self._slope[rows], self._rounding[rows] = self._measured(self._first / 2.0**level, new)
            self._asked[rows] = True
        return self._slope[level, columns], self._rounding[level, columns]

    def _measured(self, step: Array, where: Mask) -> tuple[Array, Array]:
        """Compute the quotients of the coordinates chosen, and of no other."""
        x, (low, high) = self._x, self._objective.bounds(len(self._x))
        step = step.astype(x.dtype)
        back = where & self._central
        up, down = steps.made(x, step, low, high), np.where(back, steps.made(x, -step, low, high), 0)
        above, below = self._moved(up, where)[where], self._moved(down, back)[where]
        span = (up.astype(np.float64) - down)[where]
        usable = (span != 0) & np.isfinite(above) & np.isfinite(below)
        slope, rounding = np.full((2, len(span)), np.nan)
        span, above, below = span[usable], above[usable], below[usable]
        slope[usable] = (above - below) / span
        # A function of products with x rounds these too.
        carried = abs(x[where][usable] * slope[usable])
        largest = np.maximum(abs(self.value), np.maximum(abs(above), abs(below))) + carried
        rounding[usable] = 2 * np.finfo(x.dtype).eps * largest / abs(span)
        return slope, rounding

    def _moved(self, step: Array, where: Mask) -> Array:
        """Compute the values at the shifted points of some coordinates, and put the value at `x` for the others."""
        values, rows = np.full(len(self._x), self.value), np.flatnonzero(where)
        part = self._objective if len(rows) == len(self._x) else Block(self._objective, self._x, rows)
        if len(rows):
            values[rows] = part.shifted(self._x[rows], step[rows])
        return values
