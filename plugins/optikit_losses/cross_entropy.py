"""The loss of classification."""

import numpy as np

from optikit import Array, DifferentiableLoss, InputError, Targets


class CrossEntropy(DifferentiableLoss):
    r"""Softmax and cross-entropy in one, for logits and integer labels.

    .. math:: \frac{1}{m} \sum_{i=1}^{m} \Bigl( \log \sum_{j=1}^{k} e^{o_{ij}} - o_{i y_i} \Bigr)

    The largest logit of a row is subtracted first, so that no exponential overflows.
    """

    name = "cross-entropy"

    def __call__(self, outputs: Array, targets: Targets) -> float:
        """Compute the mean negative log-likelihood; targets are labels from 0 to k - 1, shape (batch,)."""
        return float(self.per_row(outputs, targets).mean(dtype=np.float64))

    def per_row(self, outputs: Array, targets: Targets) -> Array:
        """Compute the negative log-likelihood of every row, shape (batch,)."""
        self._check(outputs, targets)
        # One contiguous row a class: reducing over a few columns of many rows is three times as slow.
        shifted = np.array(outputs.T, order="C")
        shifted -= shifted.max(axis=0)
        own = shifted[targets, np.arange(len(targets))]
        return np.log(np.exp(shifted, out=shifted).sum(axis=0)) - own

    def grad(self, outputs: Array, targets: Targets) -> Array:
        """Compute ``(softmax(outputs) - one_hot(targets)) / batch``."""
        self._check(outputs, targets)
        gradient = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        gradient /= gradient.sum(axis=1, keepdims=True)
        gradient[np.arange(len(targets)), targets] -= 1
        gradient /= len(targets)
        return gradient

    def _check(self, outputs: Array, targets: Targets) -> None:
        if targets.shape != outputs.shape[:1] or not np.issubdtype(targets.dtype, np.integer):
            raise InputError(
                f"cross-entropy: the targets are {targets.dtype} of shape {targets.shape}; "
                f"it needs {len(outputs)} integer labels"
            )
        low, high = (targets.min(), targets.max()) if len(targets) else (0, 0)
        if low < 0 or high >= outputs.shape[1]:
            wrong, k = (low if low < 0 else high), outputs.shape[1]
            raise InputError(
                f"cross-entropy: there is a label {wrong}, but the model has {k} outputs, for labels 0 to {k - 1}; "
                "give the model's last layer one output a class"
            )
