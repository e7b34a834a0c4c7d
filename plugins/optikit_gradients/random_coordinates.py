"""Random coordinates: the slope along a few coordinates, drawn anew each time."""

import numpy as np
from pydantic import Field

from optikit import Array, GradientEstimator, Objective
from optikit_gradients import steps
from optikit_gradients.block import Block
from optikit_gradients.differences import central


class RandomCoordinates(GradientEstimator):
    r"""Central differences of a few coordinates drawn at random, zero elsewhere, right on average.

    .. math:: g_i = \frac{n}{b} \frac{f(x + h e_i) - f(x - h e_i)}{2h} \text{ if } i \text{ is drawn, else } 0

    Costs 2 b + 1 evaluations, with b the smaller of `block` and n.  Each coordinate is drawn with probability b / n,
    so the mean of the estimate is that of `central-difference`.  Bounds are kept as there.

    References
    ----------
    Nesterov (2012), "Efficiency of coordinate descent methods on huge-scale optimization problems", SIAM Journal on
    Optimization 22(2), with differences in place of exact slopes.
    """

    name = "random-coordinates"

    block: int = Field(default=10, ge=1)
    """Coordinates a step."""

    h: float | None = Field(default=None, gt=0)
    """Step; by default eps^(1/3) max(1, abs(x_i)), with the eps of the dtype of x."""

    def value_and_grad(self, objective: Objective, x: Array, rng: np.random.Generator) -> tuple[float, Array]:
        """Compare the values on both sides of `x` along the coordinates drawn."""
        n, h = len(x), steps.scaled(x, self.h, 1 / 3)
        if self.block >= n:
            return central(objective, x, h)
        steps.representable(objective, x, np.where(x + h <= objective.bounds(n)[1], h, -h))
        rows = np.sort(rng.choice(n, size=self.block, replace=False))
        value, slopes = central(Block(objective, x, rows), x[rows], h[rows])
        gradient = np.zeros_like(x)
        gradient[rows] = slopes * (n / self.block)
        return value, gradient

    def cost(self, n: int) -> int:
        """Count x, and two shifted points a coordinate drawn."""
        return 1 + 2 * min(self.block, n)
