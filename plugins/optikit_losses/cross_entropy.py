"""The loss of classification."""

from typing import NamedTuple

import numpy as np
from pydantic import Field

from optikit import Array, Targets
from optikit_losses.checks import check_labels, probabilities
from optikit_losses.rowwise import RowwiseLoss


class CrossEntropy(RowwiseLoss):
    r"""Softmax and cross-entropy in one, for logits, and labels or rows of probabilities.

    .. math:: \frac{1}{m} \sum_{i=1}^{m} \Bigl( \log \sum_{j=1}^{k} e^{o_{ij}} - o_{i y_i} \Bigr)
        \quad\text{or}\quad
        \frac{1}{m} \sum_{i=1}^{m} \sum_{j=1}^{k} t_{ij} \Bigl( \log \sum_{l=1}^{k} e^{o_{il}} - o_{ij} \Bigr)

    Targets are labels from 0 to k - 1, shape (batch,), or probabilities, one-hot ones among them, shape (batch, k).
    The largest logit of a row is subtracted first, so that no exponential overflows.

    References
    ----------
    Szegedy, Vanhoucke, Ioffe, Shlens and Wojna (2016), "Rethinking the Inception architecture for computer vision",
    CVPR (for label smoothing).
    """

    name = "cross-entropy"

    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share s of every target that is spread evenly over the k classes: t becomes (1 - s) t + s/k."""

    def per_row(self, outputs: Array, targets: Targets) -> Array:
        """Compute the negative log-likelihood of every row, shape (batch,)."""
        return self._terms(outputs, targets).losses

    def grad(self, outputs: Array, targets: Targets) -> Array:
        """Compute ``(softmax(outputs) - probabilities) / batch``; a label is one-hot."""
        return CrossEntropy.value_and_grad(self, outputs, targets)[1]  # that of a subclass may be made of this

    def value_and_grad(self, outputs: Array, targets: Targets) -> tuple[float, Array]:
        """Compute both from the same exponentials."""
        losses, gradient, sums, expected = self._terms(outputs, targets)
        gradient /= sums
        if expected is None:
            gradient[targets, np.arange(len(targets))] -= 1 - self.label_smoothing
            if self.label_smoothing:
                gradient -= self.label_smoothing / len(gradient)
        else:
            gradient *= expected.sum(axis=0)  # 1 up to rounding
            gradient -= expected
        gradient /= len(targets)
        return float(losses.mean(dtype=np.float64)), gradient.T

    def _terms(self, outputs: Array, targets: Targets) -> "_Terms":
        # One contiguous row a class: reducing over a few columns of many rows is three times as slow.
        logits = np.ascontiguousarray(outputs.T)
        if targets.ndim == 2:
            expected = np.ascontiguousarray(self._smoothed(outputs, targets).T)
            shifted = logits - logits.max(axis=0)
            own = np.einsum("ji,ji->i", expected, shifted)
        else:
            check_labels(self.name, outputs, targets, f", or probabilities of shape {outputs.shape}")
            expected = None
            shifted = logits - logits.max(axis=0)
            own = shifted[targets, np.arange(len(targets))]
            if self.label_smoothing:
                own = (1 - self.label_smoothing) * own + self.label_smoothing * shifted.mean(axis=0)
        powers = np.exp(shifted, out=shifted)
        sums = powers.sum(axis=0)
        logarithms = np.log(sums) if expected is None else np.log(sums) * expected.sum(axis=0)
        return _Terms(logarithms - own, powers, sums, expected)

    def _smoothed(self, outputs: Array, targets: Targets) -> Array:
        expected = probabilities(self.name, outputs, targets)
        return (1 - self.label_smoothing) * expected + self.label_smoothing / outputs.shape[1]


class _Terms(NamedTuple):
    """What value and gradient have in common; one row a class, (k, batch)."""

    losses: Array
    """Of every row, (batch,)."""
    powers: Array
    """Exponentials of the logits, the largest of a row being 1."""
    sums: Array
    """Their sums over the classes, (batch,)."""
    expected: Array | None
    """The probabilities that are the targets; None where these are labels."""
