"""What all built-in losses have in common: they compute all rows at once, and the loss is the mean of the rows."""

from abc import abstractmethod

import numpy as np

from optikit import Array, DifferentiableLoss, Targets


class RowwiseLoss(DifferentiableLoss):
    """The mean of what `per_row` computes for all rows at once."""

    def __call__(self, outputs: Array, targets: Targets) -> float:
        """Compute the mean over the rows, summed in double precision."""
        return float(self.per_row(outputs, targets).mean(dtype=np.float64))

    @abstractmethod
    def per_row(self, outputs: Array, targets: Targets) -> Array:
        """Compute the loss of every row, shape (batch,), in the dtype of the outputs."""
