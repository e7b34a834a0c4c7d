"""The loss of classification."""

import numpy as np
from pydantic import Field

from optikit import Array, Targets
from optikit_losses.checks import check_labels, probabilities
from optikit_losses.rowwise import RowwiseLoss
from optikit_losses.softmax import log_softmax, softmax


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
        if targets.ndim == 2:
            return -np.einsum("ij,ij->i", self._smoothed(outputs, targets), log_softmax(outputs))
        self._check(outputs, targets)
        # One contiguous row a class: reducing over a few columns of many rows is three times as slow.
        logits = np.ascontiguousarray(outputs.T)
        shifted = logits - logits.max(axis=0)
        own = shifted.ravel().take(targets * len(targets) + np.arange(len(targets)))
        if self.label_smoothing:
            own = (1 - self.label_smoothing) * own + self.label_smoothing * shifted.mean(axis=0)
        return np.log(np.exp(shifted, out=shifted).sum(axis=0)) - own

    def grad(self, outputs: Array, targets: Targets) -> Array:
        """Compute ``(softmax(outputs) - probabilities) / batch``; a label is one-hot."""
        gradient = softmax(outputs)
        if targets.ndim == 2:
            expected = self._smoothed(outputs, targets)
            gradient *= expected.sum(axis=1, keepdims=True)  # 1 up to rounding
            gradient -= expected
        else:
            self._check(outputs, targets)
            gradient[np.arange(len(targets)), targets] -= 1 - self.label_smoothing
            gradient -= self.label_smoothing / outputs.shape[1]
        gradient /= len(targets)
        return gradient

    def _smoothed(self, outputs: Array, targets: Targets) -> Array:
        expected = probabilities(self.name, outputs, targets)
        return (1 - self.label_smoothing) * expected + self.label_smoothing / outputs.shape[1]

    def _check(self, outputs: Array, targets: Targets) -> None:
        check_labels(self.name, outputs, targets, f", or probabilities of shape {outputs.shape}")
