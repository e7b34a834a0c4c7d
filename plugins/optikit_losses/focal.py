"""The loss of classes of which one is rare."""

import numpy as np
from pydantic import Field

from optikit import Array, Targets
from optikit_losses.checks import check_labels
from optikit_losses.rowwise import RowwiseLoss
from optikit_losses.softmax import log_softmax, softmax


class Focal(RowwiseLoss):
    r"""Focal loss: cross-entropy that counts rows less, the better they are classified.

    .. math:: \frac{1}{m} \sum_{i=1}^{m} -(1 - p_i)^\gamma \log p_i, \qquad p_i = \operatorname{softmax}(o_i)_{y_i}

    Targets are labels from 0 to k - 1, shape (batch,).  Not convex.  The weights :math:`\alpha` of the paper, one a
    class, are left out.  :math:`q = 1 - p` is computed as the sum of the other probabilities, and the gradient as

    .. math:: \bigl(\gamma q^\gamma p \log p - q^{\gamma + 1}\bigr) \bigl([j = y] - s_j\bigr)

    with s the softmax over the other classes: nothing cancels, and no power of q is negative where q is 0.

    References
    ----------
    Lin, Goyal, Girshick, He and Dollár (2017), "Focal loss for dense object detection", ICCV.
    """

    name = "focal"

    gamma: float = Field(default=2.0, ge=0)
    """How fast well classified rows cease to count; 0 is cross-entropy."""

    def per_row(self, outputs: Array, targets: Targets) -> Array:
        """Compute the loss of every row, shape (batch,)."""
        log_p, q = self._own(outputs, targets)
        return -(q**self.gamma) * log_p

    def grad(self, outputs: Array, targets: Targets) -> Array:
        """Compute the formula above, over the batch."""
        log_p, q = self._own(outputs, targets)
        if outputs.shape[1] == 1:  # no other class
            return np.zeros_like(outputs)
        rows = np.arange(len(outputs))
        others = outputs.copy()
        others[rows, targets] = -np.inf
        gradient = -softmax(others)
        gradient[rows, targets] = 1
        gradient *= (q**self.gamma * (self.gamma * np.exp(log_p) * log_p - q) / len(outputs))[:, None]
        return gradient

    def _own(self, outputs: Array, targets: Targets) -> tuple[Array, Array]:
        """Compute the logarithm of the probability of the label, and the probability of all others, (batch,)."""
        check_labels(self.name, outputs, targets)
        rows = np.arange(len(outputs))
        logarithms = log_softmax(outputs)
        log_p = logarithms[rows, targets]
        logarithms[rows, targets] = -np.inf
        return log_p, np.exp(logarithms).sum(axis=1)
