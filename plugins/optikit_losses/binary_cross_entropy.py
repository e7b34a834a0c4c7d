"""The loss of yes or no."""

import numpy as np

from optikit import Array, InputError, Targets
from optikit_losses.checks import fractions
from optikit_losses.rowwise import RowwiseLoss


class BinaryCrossEntropy(RowwiseLoss):
    r"""Sigmoid and cross-entropy in one, for logits of independent yes-or-no questions.

    .. math:: \frac{1}{m} \sum_{i=1}^{m} \sum_{j=1}^{k} \Bigl( \log(1 + e^{o_{ij}}) - t_{ij} o_{ij} \Bigr)

    Targets are labels 0 or 1, shape (batch,), where the model has one output, or numbers from 0 to 1, shape (batch, k).
    The mean is over the rows, and summed over the outputs; some libraries divide by k, too.

    Computed as :math:`|o|\,|t - [o > 0]| + \log(1 + e^{-|o|})`: no exponential overflows and nothing cancels.
    """

    name = "binary-cross-entropy"

    def per_row(self, outputs: Array, targets: Targets) -> Array:
        """Compute the negative log-likelihood of every row, shape (batch,)."""
        expected = self._expected(outputs, targets)
        size = abs(outputs)
        return (size * abs(expected - (outputs > 0)) + np.log1p(np.exp(-size))).sum(axis=1)

    def grad(self, outputs: Array, targets: Targets) -> Array:
        """Compute ``(sigmoid(outputs) - targets) / batch``."""
        expected = self._expected(outputs, targets)
        small = np.exp(-abs(outputs))
        # With both probabilities nothing cancels where the answer is right, and the gradient is as exact as the value.
        yes, no = np.where(outputs > 0, 1, small) / (1 + small), np.where(outputs > 0, small, 1) / (1 + small)
        return ((1 - expected) * yes - expected * no) / len(outputs)

    def _expected(self, outputs: Array, targets: Targets) -> Array:
        if targets.ndim == 1:
            if outputs.shape[1] != 1 or not np.issubdtype(targets.dtype, np.integer):
                raise InputError(
                    f"{self.name}: the targets are {targets.dtype} of shape {targets.shape}, but the outputs have "
                    f"shape {outputs.shape}; it needs integer labels 0 and 1 with one output, or numbers from 0 to 1 "
                    "in the shape of the outputs"
                )
            targets = targets[:, None]
        return fractions(self.name, outputs, targets)
