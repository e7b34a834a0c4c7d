"""Noise-aware differences: a step that balances the noise of the function against its curvature."""

from typing import Literal

import numpy as np
from pydantic import Field

from optikit import Array, ErrorEstimator, Estimate, Objective
from optikit_gradients import steps
from optikit_gradients.differences import central, central_steps, one_sided, one_sided_step
from optikit_gradients.ecnoise import POINTS, TRIES, along, noise_level

_LARGEST = 0.25
"""Largest step, in units of max(1, abs(x_i)): a linear function would have none."""

_STEPS = 2
"""Steps at which the curvature is looked for."""


class NoiseAware(ErrorEstimator):
    r"""Difference quotients whose step comes from the function's own noise.

    .. math:: h = 8^{1/4} (\varepsilon / \mu_2)^{1/2} \text{ (forward)}, \quad
              h = 3^{1/3} (\varepsilon / \mu_3)^{1/3} \text{ (central)}

    with the standard deviation of the noise from `optikit_gradients.ecnoise` and mu_k the size of the k-th derivative.
    Costs at most n + 43 evaluations (forward) or 2n + 45 (central); the error estimate is the root mean square that the
    formula has at the step really taken.  It is too small where the derivative of a coordinate is far above that of the
    direction, by as much.  A function that is one number as far as max(1, abs(x_i)) / 4 along it is taken for constant.

    References
    ----------
    Moré and Wild (2012), "Estimating derivatives of noisy simulations", ACM TOMS 38(3).  Deviations: steps are in units
    of max(1, abs(x_i)); one derivative for all coordinates, averaged by taking it along a random direction; it
    counts if its difference is 100 times the noise (their first condition; the second, of small change, is not asked).
    """

    name = "noise-aware"

    formula: Literal["forward", "central"] = "forward"
    """One more evaluation a coordinate, or two and an error that falls faster with the noise."""

    noise: float | None = Field(default=None, gt=0)
    """Standard deviation of the noise of one value, if it is known; by default it is estimated."""

    def estimate(self, objective: Objective, x: Array, rng: np.random.Generator) -> Estimate:
        """Find the noise, then the curvature, then the quotients."""
        scale = np.maximum(1, abs(x)).astype(np.float64)
        # Of unequal lengths: along an exact diagonal a softmax often does not change, and seems to have no curvature.
        diagonal = scale * (2 * rng.integers(2, size=len(x)) - 1) * rng.uniform(0.75, 1.25, size=len(x))
        noise = noise_level(objective, x, diagonal) if self.noise is None else self.noise
        noise = max(noise, float(np.finfo(np.float64).tiny))
        size = _derivative(objective, x, diagonal, noise, 2 if self.formula == "forward" else 3)
        smallest = 8 * float(np.finfo(x.dtype).eps)
        if self.formula == "forward":
            h = float(np.clip(8**0.25 * (noise / size) ** 0.5, smallest, _LARGEST)) * scale
            step = one_sided_step(objective, x, h.astype(x.dtype)) / scale
            error = np.hypot(size * step / 2, steps.quotient(np.full(len(x), 2**0.5 * noise), step)) / scale
            return Estimate(*one_sided(objective, x, h.astype(x.dtype)), error)
        h = float(np.clip((3 * noise / size) ** (1 / 3), smallest, _LARGEST)) * scale
        near, far = (step / scale for step in central_steps(objective, x, h.astype(x.dtype)))
        # The weights of the values at both steps; that at x has what makes the sum 0.
        weights = steps.quotient(far, near * (far - near)), steps.quotient(near, far * (near - far))
        spread = np.sqrt(weights[0] ** 2 + weights[1] ** 2 + (weights[0] + weights[1]) ** 2)
        error = np.hypot(size * near * far / 6, noise * spread) / scale
        return Estimate(*central(objective, x, h.astype(x.dtype)), error)

    def cost(self, n: int) -> int:
        """Count x, the noise table, the curvature and the shifted points: at most."""
        table = POINTS * TRIES if self.noise is None else 0
        return 1 + table + (3 * _STEPS + n if self.formula == "forward" else 4 * _STEPS + 2 * n)


def _derivative(objective: Objective, x: Array, diagonal: Array, noise: float, order: int) -> float:
    """Estimate the size of the second or third derivative of a coordinate, in units of its scale; never 0."""
    t, weights = (np.arange(-1, 2), [1, -2, 1]) if order == 2 else (np.array([-2, -1, 1, 2]), [-0.5, 1, -1, 0.5])
    step, difference = 1e-3, 0.0
    for _ in range(_STEPS):
        values = along(objective, x, diagonal, step * t)
        if not np.isfinite(values).all():
            break
        difference = abs(float(values @ np.array(weights)))
        if difference >= 100 * noise or step == _LARGEST / 2:
            break
        step = _LARGEST / 2
    # Along a diagonal the second derivatives of n coordinates add up, third ones with random signs.
    n = len(x)
    return max(difference, noise, float(np.finfo(np.float64).tiny)) / step**order / (n if order == 2 else n**0.5)
