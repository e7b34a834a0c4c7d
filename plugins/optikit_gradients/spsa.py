"""Simultaneous perturbation: all coordinates at once, two evaluations whatever their number."""

import numpy as np
from pydantic import Field

from optikit import Array, ErrorEstimator, Estimate, Objective
from optikit_gradients import pairs, steps


class Spsa(ErrorEstimator):
    r"""Simultaneous perturbation: two evaluations for all coordinates, or the mean of several such pairs.

    .. math:: g_i = (f(x + h \Delta) - f(x - h \Delta)) / (2 h \Delta_i), \quad \Delta_i = \pm 1

    Costs 2 `pairs` evaluations.  The mean of the estimate is the gradient, up to order h^2; its scatter grows with
    the square root of n, and the error estimate is the standard error over the pairs, of which it needs two.  The
    value is their mean.  In a narrow box the perturbation shrinks to half its
    width, and near a bound the pair moves inwards.

    References
    ----------
    Spall (1992), "Multivariate stochastic approximation using a simultaneous perturbation gradient approximation",
    IEEE Transactions on Automatic Control 37(3).  There the user's schedule shrinks h (his c_k); here it is fixed.
    """

    name = "spsa"

    h: float | None = Field(default=None, gt=0)
    """Perturbation, for noisy functions about the size of the noise; by default eps^(1/3) max(1, abs(x_i))."""

    pairs: int = Field(default=1, ge=1)
    """Pairs to average over."""

    def estimate(self, objective: Objective, x: Array, rng: np.random.Generator) -> Estimate:
        """Compare the values at both ends of random diagonals."""
        h = pairs.reach(objective, x, self.h, 1 / 2)
        return pairs.mean_over_pairs(
            objective,
            x,
            self.pairs,
            draw=lambda: h * (2 * rng.integers(2, size=len(x)) - 1).astype(x.dtype),
            weigh=lambda v: steps.quotient(np.ones_like(v), v),
        )

    def cost(self, n: int) -> int:
        """Count two points a pair."""
        return 2 * self.pairs
