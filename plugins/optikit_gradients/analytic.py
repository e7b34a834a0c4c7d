"""The exact gradient, as an estimator like the others."""

import numpy as np

from optikit import Array, GradientEstimator, Objective


class Analytic(GradientEstimator):
    """Exact gradient: back-propagation for a model, the user's own for a function.

    Costs one evaluation.
    """

    name = "analytic"

    def value_and_grad(self, objective: Objective, x: Array, rng: np.random.Generator) -> tuple[float, Array]:
        """Ask the objective for its exact gradient."""
        return objective.value_and_grad(x)

    def cost(self, n: int) -> int:
        """Count the one evaluation."""
        return 1
