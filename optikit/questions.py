"""Questions: the oracle as the solver of another library asks it.

Such a solver thinks in float64, whatever the dtype of the parameters, and its arithmetic puts points outside the bounds
by a unit in the last place.  The first is converted, the second is clipped; a point further outside is a fault, which
the oracle shall see.

Bounds are read when they are asked for and not before, since reading them is claiming to honour them: a wrapper of a
solver without bounds never does, and the oracle then refuses a problem that has some.
"""

from functools import cached_property
from typing import ClassVar

import numpy as np

from optikit.bounds import Bounds
from optikit.errors import InputError
from optikit.feasibility import Constraints
from optikit.oracle import Oracle
from optikit.types import Array

_ROUNDING = 1e-12
"""How far outside, relative to bounds and start point, counts as rounding."""


class Questions:
    """Asks an oracle in float64.

    Parameters
    ----------
    oracle : Oracle
        Who answers.
    x0 : ndarray, shape (n,)
        The start point, of any floating-point dtype.
    """

    LARGE: ClassVar[float] = 1e100
    """The largest value that `capped` gives; it stands for +inf."""

    def __init__(self, oracle: Oracle, x0: Array) -> None:
        self.oracle = oracle
        self.x0: Array = np.array(x0, dtype=np.float64)
        """A copy of the start point in float64, for the solver to keep."""

    @cached_property
    def bounds(self) -> Bounds:
        """Lowest and highest allowed values in float64, infinite where there is none; reading claims to honour them."""
        low, high = self.oracle.bounds
        return low.astype(np.float64), high.astype(np.float64)

    @property
    def box(self) -> Bounds:
        """The same, where the solver needs all of them finite; otherwise the run ends here."""
        _ = self.oracle.box
        return self.bounds

    @property
    def wide_box(self) -> Bounds:
        """The same, where the solver needs a distance between them, too; otherwise the run ends here."""
        low, high = self.box
        if (low == high).any():
            name = self.oracle.label(int(np.argmax(low == high)))
            raise InputError(
                f"the bounds of {name} are equal, and this optimizer needs room; give fixed= what is fixed"
            )
        return low, high

    @property
    def bounded(self) -> bool:
        """Whether there is any finite bound."""
        return bool(np.isfinite(self.bounds).any())

    @property
    def constraints(self) -> Constraints | None:
        """What the result shall satisfy besides, None if there is nothing; reading claims to honour them."""
        return self.oracle.constraints

    def contains(self, x: Array) -> bool:
        """Say whether `x`, (n,) or (k, n), is inside the bounds, rounding aside."""
        return bool((abs(np.clip(x, *self.bounds) - x) <= self._rounding).all())

    def clipped(self, x: Array) -> Array:
        """Clip to the bounds, where constraints are asked; without bounds that anyone has read, change nothing."""
        x = np.asarray(x, dtype=np.float64)
        return np.clip(x, *self.bounds) if "bounds" in self.__dict__ else x

    def inside(self, x: Array) -> Array:
        """Clip what only rounding has put outside the bounds; without bounds that anyone has read, change nothing."""
        x, clipped = np.asarray(x, dtype=np.float64), self.clipped(x)
        return x if clipped is x or (abs(clipped - x) > self._rounding).any() else clipped

    def value(self, x: Array) -> float:
        """Ask for the value at `x`, (n,)."""
        return self.oracle.value(self.inside(x))

    def capped(self, x: Array) -> float:
        """Ask for the value, but give at most `LARGE`: infinity makes some solvers crash, or go on forever."""
        return min(self.value(x), self.LARGE)

    def values(self, xs: Array) -> Array:
        """Ask for the values at the rows of `xs`, (k, n)."""
        return self.oracle.values(self.inside(xs))

    def value_and_grad(self, x: Array) -> tuple[float, Array]:
        """Ask for the value at `x`, (n,), and the gradient in float64."""
        value, gradient = self.oracle.value_and_grad(self.inside(x))
        return value, gradient.astype(np.float64)

    @cached_property
    def _rounding(self) -> Array:
        sides = np.array([*self.bounds, self.x0])
        return _ROUNDING * np.where(np.isfinite(sides), abs(sides), 0.0).max(axis=0)
