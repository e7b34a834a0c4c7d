"""The distance of distributions."""

import numpy as np

from optikit import Array, Targets
from optikit_losses.checks import probabilities
from optikit_losses.rowwise import RowwiseLoss
from optikit_losses.softmax import log_softmax, softmax


class KullbackLeibler(RowwiseLoss):
    r"""Kullback-Leibler divergence of the softmax of the outputs from rows of probabilities.

    .. math:: \frac{1}{m} \sum_{i=1}^{m} \sum_{j=1}^{k} t_{ij} \bigl( \log t_{ij} - \log \operatorname{softmax}(o_i)_j
        \bigr), \qquad 0 \log 0 = 0

    Targets are probabilities, shape (batch, k).  It is the cross-entropy less the entropy of the targets, so that it is
    0 where the model is right; the gradient is that of the cross-entropy.  Near 0 the difference is exact to the
    rounding of the logarithms, and may be negative by that much.

    References
    ----------
    Kullback and Leibler (1951), "On information and sufficiency", Annals of Mathematical Statistics 22.
    """

    name = "kullback-leibler"

    def per_row(self, outputs: Array, targets: Targets) -> Array:
        """Compute the divergence of every row, shape (batch,)."""
        expected = probabilities(self.name, outputs, targets)
        logarithms = np.log(np.where(expected > 0, expected, 1))
        return np.einsum("ij,ij->i", expected, logarithms - log_softmax(outputs))

    def grad(self, outputs: Array, targets: Targets) -> Array:
        """Compute ``(softmax(outputs) - targets) / batch``."""
        expected = probabilities(self.name, outputs, targets)
        # The sums are 1 up to rounding.
        return (softmax(outputs) * expected.sum(axis=1, keepdims=True) - expected) / len(outputs)
