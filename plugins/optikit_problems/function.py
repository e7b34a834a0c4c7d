"""A function with a known minimum: what the named functions have in common, so that each of them is its formula alone.

An author writes `value` and `slope`; the lowest value is 0 at the origin unless the function says otherwise.  Functions
of any number of coordinates derive from `Scalable`, those of two from `Function`.

Every start is drawn from the whole box, even where the literature has a standard point: several seeds are then several
tries, and no optimizer gains from a point that it happens to suit.
"""

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from optikit import Array, Benchmark, Problem


class Function(Benchmark):
    """A function of two coordinates in a box."""

    box: ClassVar[tuple[Any, Any]]
    """Lowest and highest coordinates: two numbers, or two lists of one number for each."""

    @abstractmethod
    def value(self, x: Array) -> Any:
        """Compute the value, a real number, at a point, (n,)."""

    @abstractmethod
    def slope(self, x: Array) -> Array:
        """Compute the gradient, (n,)."""

    @property
    def n(self) -> int:
        """Number of coordinates."""
        return 2

    @property
    def sides(self) -> tuple[Array, Array]:
        """Lowest and highest coordinates, (n,)."""
        low, high = self.box
        return np.broadcast_to(np.float64(low), self.n).copy(), np.broadcast_to(np.float64(high), self.n).copy()

    @property
    def minimum(self) -> float:
        """The lowest value."""
        return 0.0

    @property
    def minimizer(self) -> Array:
        """A point, (n,), where it is."""
        return np.zeros(self.n)

    def pose(self) -> Problem:
        """Make the problem, with the exact gradient and the box."""
        return Problem(self.value, self.slope, self.sides)

    def start(self, rng: np.random.Generator) -> Array:
        """Draw a point, (n,), uniformly from the box."""
        return rng.uniform(*self.sides)


class Scalable(Function):
    """A function of any number of coordinates."""

    dimension: int = Field(default=2, ge=1)
    """Number of coordinates."""

    @property
    def n(self) -> int:
        """Number of coordinates."""
        return self.dimension
