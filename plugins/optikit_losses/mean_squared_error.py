"""The loss of regression."""

import numpy as np

from optikit import Array, DifferentiableLoss, InputError, Targets


class MeanSquaredError(DifferentiableLoss):
    r"""Mean over the rows of the squared distance, summed over the outputs.

    .. math:: \frac{1}{m} \sum_{i=1}^{m} \sum_{j=1}^{k} (o_{ij} - t_{ij})^2

    With one output this is the mean squared error of the textbooks; with k outputs some libraries divide by k, too.
    """

    name = "mean-squared-error"

    def __call__(self, outputs: Array, targets: Targets) -> float:
        """Compute the mean squared error; targets have the shape of the outputs, (batch, k)."""
        difference = self._difference(outputs, targets)
        return float(np.vdot(difference, difference)) / len(outputs)

    def per_row(self, outputs: Array, targets: Targets) -> Array:
        """Compute the squared distance of every row, shape (batch,)."""
        return (self._difference(outputs, targets) ** 2).sum(axis=1)

    def grad(self, outputs: Array, targets: Targets) -> Array:
        """Compute ``2 (outputs - targets) / batch``."""
        return self._difference(outputs, targets) * outputs.dtype.type(2 / len(outputs))

    def _difference(self, outputs: Array, targets: Targets) -> Array:
        if outputs.shape != targets.shape:
            # NumPy would broadcast (m, 1) against (m,) to (m, m), and train on nonsense.
            raise InputError(
                f"mean-squared-error: the targets have shape {targets.shape}, but the outputs {outputs.shape}; "
                "make the model's outputs and the targets agree"
            )
        return outputs - targets.astype(outputs.dtype, copy=False)
