"""Gaussian smoothing: the gradient of the function blurred by a small normal distribution."""

import numpy as np
from pydantic import Field

from optikit import Array, ErrorEstimator, Estimate, Objective
from optikit_gradients import pairs, steps

_CUT = 8.0
"""Standard deviations; one normal number in 10^15 lies beyond and is cut, so that it fits into the box."""


class GaussianSmoothing(ErrorEstimator):
    r"""Gaussian smoothing: differences along random normal directions, in antithetic pairs.

    .. math:: g = \frac{1}{k} \sum_{j=1}^k \frac{f(x + h u_j) - f(x - h u_j)}{2 h} u_j, \quad u_j \sim N(0, I)

    Costs 2 `pairs` evaluations.  The mean of the estimate is the gradient of the smoothed function
    E f(x + h u), which exists where f has kinks or jumps.  The error estimate is the
    standard error over the pairs, of which it needs two; the value is their mean.  In a
    box narrower than 16 h the perturbation shrinks, and near a bound the pair moves inwards.

    References
    ----------
    Nesterov and Spokoiny (2017), "Random gradient-free minimization of convex functions", Foundations of
    Computational Mathematics 17(2), the oracle of equation (30); their mu is h, which here may differ between
    coordinates.
    """

    name = "gaussian-smoothing"

    h: float | None = Field(default=None, gt=0)
    """Standard deviation of the perturbation; by default eps^(1/3) max(1, abs(x_i))."""

    pairs: int = Field(default=1, ge=1)
    """Pairs to average over."""

    def estimate(self, objective: Objective, x: Array, rng: np.random.Generator) -> Estimate:
        """Compare the values at both ends of random lines."""
        h = pairs.reach(objective, x, self.h, 1 / (2 * _CUT))
        variance = h.astype(np.float64) ** 2
        return pairs.mean_over_pairs(
            objective,
            x,
            self.pairs,
            draw=lambda: h * np.clip(rng.standard_normal(len(x)), -_CUT, _CUT),
            weigh=lambda v: steps.quotient(v, variance),
        )

    def cost(self, n: int) -> int:
        """Count two points a pair."""
        return 2 * self.pairs
