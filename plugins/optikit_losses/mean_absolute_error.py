"""The loss of regression that a few wild targets do not disturb."""

import numpy as np

from optikit import Array
from optikit_losses.differences import DifferenceLoss


class MeanAbsoluteError(DifferenceLoss):
    r"""Mean over the rows of the absolute differences, summed over the outputs.

    .. math:: \frac{1}{m} \sum_{i=1}^{m} \sum_{j=1}^{k} |o_{ij} - t_{ij}|

    Targets have the shape of the outputs.  Its minimum is at the median of the targets, not at their mean.  At the
    kink, where output and target are equal, the gradient is taken as 0.  Some libraries divide by k, too.
    """

    name = "mean-absolute-error"

    def _penalty(self, difference: Array) -> Array:
        return abs(difference)

    def _slope(self, difference: Array) -> Array:
        return np.sign(difference)
