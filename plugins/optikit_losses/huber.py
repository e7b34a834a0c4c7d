"""The loss of regression that is a square nearby and a line far off."""

import numpy as np
from pydantic import Field

from optikit import Array
from optikit_losses.differences import DifferenceLoss


class Huber(DifferenceLoss):
    r"""Huber's loss: half the squared difference up to delta, and linear beyond.

    .. math:: \frac{1}{m} \sum_{i=1}^{m} \sum_{j=1}^{k} \rho(o_{ij} - t_{ij}), \qquad
        \rho(d) = \begin{cases} d^2/2 & |d| \le \delta \\ \delta\,(|d| - \delta/2) & |d| > \delta \end{cases}

    Targets have the shape of the outputs; their penalties are summed, and the mean is over the rows.
    Computed as :math:`c\,(d - c/2)` with c the difference clipped to :math:`\pm\delta`, which is both cases at once and
    squares no large number.

    References
    ----------
    Huber (1964), "Robust estimation of a location parameter", Annals of Mathematical Statistics 35.
    """

    name = "huber"

    delta: float = Field(default=1.0, gt=0)
    """The difference beyond which the loss is linear, in units of the targets."""

    def _penalty(self, difference: Array) -> Array:
        clipped = self._slope(difference)
        return clipped * (difference - clipped / 2)

    def _slope(self, difference: Array) -> Array:
        return np.clip(difference, -self.delta, self.delta)
