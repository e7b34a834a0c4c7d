"""Losses of regression: a penalty of the difference between output and target, summed over the outputs."""

from abc import abstractmethod

from optikit import Array, InputError, Targets
from optikit_losses.rowwise import RowwiseLoss


class DifferenceLoss(RowwiseLoss):
    """Mean over the rows of a penalty of the difference, summed over the outputs."""

    @abstractmethod
    def _penalty(self, difference: Array) -> Array:
        """Compute the penalty of every difference, shape (batch, k)."""

    @abstractmethod
    def _slope(self, difference: Array) -> Array:
        """Compute the derivative of the penalty, shape (batch, k)."""

    def per_row(self, outputs: Array, targets: Targets) -> Array:
        """Compute the penalty of every row, shape (batch,); targets have the shape of the outputs, (batch, k)."""
        return self._penalty(self._difference(outputs, targets)).sum(axis=1)

    def grad(self, outputs: Array, targets: Targets) -> Array:
        """Compute the slope of the penalty over the batch."""
        return self._slope(self._difference(outputs, targets)) / len(outputs)

    def _difference(self, outputs: Array, targets: Targets) -> Array:
        if outputs.shape != targets.shape:
            # NumPy would broadcast (m, 1) against (m,) to (m, m), and train on nonsense.
            raise InputError(
                f"{self.name}: the targets have shape {targets.shape}, but the outputs {outputs.shape}; "
                "make the model's outputs and the targets agree"
            )
        return outputs - targets.astype(outputs.dtype, copy=False)
