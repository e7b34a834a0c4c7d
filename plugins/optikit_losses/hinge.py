"""The losses of support vector machines: they ask for a margin, and are content with it."""

from abc import abstractmethod

import numpy as np

from optikit import Array, Targets
from optikit_losses.checks import check_labels
from optikit_losses.rowwise import RowwiseLoss


class _MarginLoss(RowwiseLoss):
    """Punishes how much the margin of a label over its strongest rival lacks to 1."""

    @abstractmethod
    def _penalty(self, lack: Array) -> Array:
        """Compute the loss from the lack, at least 0, shape (batch,)."""

    @abstractmethod
    def _slope(self, lack: Array) -> Array:
        """Compute the derivative of the penalty; 0 where nothing lacks."""

    def per_row(self, outputs: Array, targets: Targets) -> Array:
        """Compute the penalty of every row, shape (batch,)."""
        return self._penalty(self._lack(outputs, targets)[0])

    def grad(self, outputs: Array, targets: Targets) -> Array:
        """Raise the label and lower its strongest rival (the first of equals), by the slope over the batch."""
        lack, rival = self._lack(outputs, targets)
        slope = self._slope(lack) / len(outputs)
        gradient, rows = np.zeros_like(outputs), np.arange(len(outputs))
        gradient[rows, rival] = slope
        gradient[rows, targets] -= slope
        return gradient

    def _lack(self, outputs: Array, targets: Targets) -> tuple[Array, Targets]:
        """Compute what lacks, and who the strongest rival is; with one class there is none, and nothing lacks."""
        check_labels(self.name, outputs, targets)
        rows = np.arange(len(outputs))
        rivals = outputs.copy()
        rivals[rows, targets] = -np.inf
        rival = rivals.argmax(axis=1)
        return np.maximum(1 - (outputs[rows, targets] - rivals[rows, rival]), 0), rival


class Hinge(_MarginLoss):
    r"""Hinge loss for classes: what the margin over the strongest rival lacks to 1.

    .. math:: \frac{1}{m} \sum_{i=1}^{m} \max\Bigl(0,\; 1 + \max_{j \ne y_i} o_{ij} - o_{i y_i}\Bigr)

    Targets are labels from 0 to k - 1, shape (batch,).  This is the form of Crammer and Singer, which looks at the
    strongest rival only; that of Weston and Watkins sums over all rivals.  With two outputs the two are the same.
    Convex, and piecewise linear: at a kink the gradient is that of one of the sides.

    References
    ----------
    Crammer and Singer (2001), "On the algorithmic implementation of multiclass kernel-based vector machines", Journal
    of Machine Learning Research 2.
    """

    name = "hinge"

    def _penalty(self, lack: Array) -> Array:
        return lack

    def _slope(self, lack: Array) -> Array:
        return (lack > 0).astype(lack.dtype)


class SquaredHinge(_MarginLoss):
    r"""Squared hinge loss for classes: the square of what the margin lacks to 1.

    .. math:: \frac{1}{m} \sum_{i=1}^{m} \max\Bigl(0,\; 1 + \max_{j \ne y_i} o_{ij} - o_{i y_i}\Bigr)^2

    Targets are labels from 0 to k - 1, shape (batch,).  As in `hinge`, only the strongest rival counts.  Smooth where
    the margin is reached; where two rivals are equally strong there is a kink.

    References
    ----------
    Crammer and Singer (2001), "On the algorithmic implementation of multiclass kernel-based vector machines", Journal
    of Machine Learning Research 2.
    """

    name = "squared-hinge"

    def _penalty(self, lack: Array) -> Array:
        return lack**2

    def _slope(self, lack: Array) -> Array:
        return 2 * lack
