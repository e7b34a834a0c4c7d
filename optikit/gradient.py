"""A gradient estimator: how a gradient is found, apart from what is done with it.

Estimators see an `Objective` whose every evaluation is counted by the oracle.  They ask it and do one line of
mathematics; how evaluations are made fast, or parallel, is the objective's business.
"""

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from optikit.component import Component
from optikit.objective import Objective
from optikit.types import Array


class GradientEstimator(Component):
    """Finds the value and the gradient of an objective at a point."""

    kind: ClassVar[str] = "gradient"

    @abstractmethod
    def value_and_grad(self, objective: Objective, x: Array, rng: np.random.Generator) -> tuple[float, Array]:
        """Find value and gradient.

        Parameters
        ----------
        objective : Objective
            The function; its `bounds` must be respected.
        x : ndarray, shape (n,)
            The point; not written to.
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        value : float
            The value at `x`, or an estimate of it.
        gradient : ndarray, shape (n,)
            In the dtype of `x`.
        """
