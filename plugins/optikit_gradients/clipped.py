"""Clipping: a gradient that is never larger than a limit, so that one odd minibatch cannot throw a run off its way."""

from typing import Annotated

import numpy as np
from pydantic import Field

from optikit import Array, GradientEstimator, Objective, Part
from optikit_gradients.analytic import Analytic


class Clipped(GradientEstimator):
    r"""Clipping: another gradient, cut to a largest component, a largest norm, or both in this order.

    .. math:: g_i \leftarrow \min(\max(g_i, -c), c), \qquad g \leftarrow g \min(1, r / |g|)

    Costs what the other costs.  Whatever optimizer asks, gets the clipped gradient.

    References
    ----------
    Pascanu, Mikolov and Bengio (2013), "On the difficulty of training recurrent neural networks", ICML.
    """

    name = "clipped"

    gradient: Annotated[GradientEstimator, Part("gradient")] = Field(default_factory=Analytic)
    """How the gradient is found."""
    value: float | None = Field(default=None, gt=0)
    """Largest absolute component c."""
    norm: float | None = Field(default=None, gt=0)
    """Largest Euclidean norm r."""

    def value_and_grad(self, objective: Objective, x: Array, rng: np.random.Generator) -> tuple[float, Array]:
        """Ask the other, and cut."""
        value, gradient = self.gradient.value_and_grad(objective, x, rng)
        if self.value is not None:
            gradient = np.clip(gradient, -self.value, self.value)
        # Scaled first, as the squares of large numbers overflow.
        largest = float(abs(gradient).max(initial=0.0))
        if self.norm is not None and np.isfinite(largest) and largest > 0:
            length = largest * float(np.linalg.norm(gradient / largest))
            if length > self.norm:
                gradient = gradient * (self.norm / length)
        return value, gradient

    def cost(self, n: int) -> int | None:
        """Count what the other costs."""
        return self.gradient.cost(n)
