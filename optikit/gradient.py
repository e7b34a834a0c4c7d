"""A gradient estimator: how a gradient is found, apart from what is done with it.

Estimators see an `Objective` whose every evaluation is counted by the oracle.  They ask it and do one line of
mathematics; how evaluations are made fast, or parallel, is the objective's business.
"""

from abc import abstractmethod
from typing import ClassVar, NamedTuple, final

import numpy as np

from optikit.component import Component
from optikit.objective import Objective
from optikit.types import Array


class Estimate(NamedTuple):
    """A gradient, and how far to trust it."""

    value: float
    """The value at the point."""
    gradient: Array
    """Shape (n,)."""
    error: Array
    """Estimated absolute error of each coordinate, shape (n,); no bound, and NaN where it is unknown."""


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

    def estimate(self, objective: Objective, x: Array, rng: np.random.Generator) -> Estimate:
        """Find value, gradient and error; takes what `value_and_grad` takes.  Here the error is unknown, NaN."""
        value, gradient = self.value_and_grad(objective, x, rng)
        return Estimate(value, gradient, np.full(len(x), np.nan))

    def cost(self, n: int) -> int | None:
        """Say how many evaluations one gradient of n coordinates takes.

        Returns
        -------
        int or None
            Exactly so many, or, where the estimator adapts to the function, at most; None if it cannot tell.
        """
        return None


class ErrorEstimator(GradientEstimator):
    """A gradient estimator that knows how wrong it may be; authors write `estimate` instead."""

    @abstractmethod
    def estimate(self, objective: Objective, x: Array, rng: np.random.Generator) -> Estimate:
        """Find value, gradient and error; takes what `value_and_grad` takes."""

    @final
    def value_and_grad(self, objective: Objective, x: Array, rng: np.random.Generator) -> tuple[float, Array]:
        """Find value and gradient: the first two of `estimate`."""
        value, gradient, _ = self.estimate(objective, x, rng)
        return value, gradient
