"""The loss of regression."""

from optikit import Array
from optikit_losses.differences import DifferenceLoss


class MeanSquaredError(DifferenceLoss):
    r"""Mean over the rows of the squared distance, summed over the outputs.

    .. math:: \frac{1}{m} \sum_{i=1}^{m} \sum_{j=1}^{k} (o_{ij} - t_{ij})^2

    Targets have the shape of the outputs.  With one output this is the mean squared error of the textbooks; with k
    outputs some libraries divide by k, too.
    """

    name = "mean-squared-error"

    def _penalty(self, difference: Array) -> Array:
        return difference**2

    def _slope(self, difference: Array) -> Array:
        return 2 * difference
