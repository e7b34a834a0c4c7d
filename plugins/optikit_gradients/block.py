"""A block: the objective as a function of some of its coordinates, the others held."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from optikit import Array, Bounds, Objective

_CHUNK = 1 << 20
"""Numbers in one batch of points, so that n points of n coordinates never exist at once."""


class Block(Objective):
    """The objective as a function of the coordinates `rows` of `x`.

    Estimators find its gradient as that of any other; a block of all coordinates is better asked directly, since the
    objective may share work between them.
    """

    def __init__(self, objective: Objective, x: Array, rows: NDArray[Any]) -> None:
        self._objective, self._x, self._rows = objective, x, rows

    def bounds(self, n: int) -> Bounds:
        """Give the bounds of the block."""
        low, high = self._objective.bounds(len(self._x))
        return low[self._rows], high[self._rows]

    def label(self, i: int) -> str:
        """Name a coordinate of the block."""
        return self._objective.label(int(self._rows[i]))

    def value(self, x: Array) -> float:
        """Compute the value at a point of the block."""
        return float(self.values(x[None])[0])

    def values(self, xs: Array) -> Array:
        """Compute the values at points of the block, some at a time."""
        size = max(1, _CHUNK // len(self._x))
        return np.concatenate([self._part(xs[start : start + size]) for start in range(0, len(xs), size)])

    def _part(self, xs: Array) -> Array:
        points = np.repeat(self._x[None], len(xs), axis=0)
        points[:, self._rows] = xs
        return self._objective.values(points)

    def value_and_grad(self, x: Array) -> tuple[float, Array]:
        """Compute the value and the exact gradient along the block."""
        point = self._x.copy()
        point[self._rows] = x
        value, gradient = self._objective.value_and_grad(point)
        return value, gradient[self._rows]
