"""The smooth sister of the absolute error."""

from math import log

import numpy as np

from optikit import Array
from optikit_losses.differences import DifferenceLoss


class LogCosh(DifferenceLoss):
    r"""Log-cosh loss: half the square of small differences, the absolute value of large ones.

    .. math:: \frac{1}{m} \sum_{i=1}^{m} \sum_{j=1}^{k} \log \cosh (o_{ij} - t_{ij})

    Targets have the shape of the outputs.  Like :math:`d^2/2` nearby and like :math:`|d| - \log 2` far off, with
    derivatives of all orders.  Computed as :math:`|d| + \log(1 + e^{-2|d|}) - \log 2`, which does not overflow, and
    below 1, where that would cancel, as :math:`\log(1 + 2 \sinh^2(d/2))`.
    """

    name = "log-cosh"

    def _penalty(self, difference: Array) -> Array:
        size = abs(difference)
        near = np.log1p(2 * np.sinh(np.minimum(size, 1) / 2) ** 2)
        return np.where(size < 1, near, size + np.log1p(np.exp(-2 * size)) - log(2))

    def _slope(self, difference: Array) -> Array:
        return np.tanh(difference)
