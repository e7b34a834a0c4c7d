"""A loss: one number that says how far outputs are from targets, the mean over the batch.

The mean, not the sum, so that a learning rate means the same for every batch size.
"""

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from optikit.component import Component
from optikit.types import Array, Targets


class Loss(Component):
    """Compares outputs with targets."""

    kind: ClassVar[str] = "loss"

    @abstractmethod
    def __call__(self, outputs: Array, targets: Targets) -> float:
        """Compute the mean loss over the batch.

        Parameters
        ----------
        outputs : ndarray, shape (batch, k)
            What the model says.
        targets : ndarray, shape (batch,) or (batch, k)
            What is true: integer labels or real numbers, as the loss documents.

        Returns
        -------
        float
            The mean over the rows.

        Raises
        ------
        InputError
            If the targets do not fit the outputs.
        """

    def per_row(self, outputs: Array, targets: Targets) -> Array:
        """Compute the loss of every row alone, shape (batch,): what the loss is the mean of.

        Losses that can do this for all rows at once should: the difference quotients of a network call it with
        many thousands of rows.
        """
        rows = range(len(outputs))
        return np.array([self(outputs[row : row + 1], targets[row : row + 1]) for row in rows], dtype=np.float64)


class DifferentiableLoss(Loss):
    """A loss with a gradient in the outputs."""

    @abstractmethod
    def grad(self, outputs: Array, targets: Targets) -> Array:
        """Compute the gradient of the mean loss in the outputs.

        Parameters
        ----------
        outputs : ndarray, shape (batch, k)
            What the model says.
        targets : ndarray, shape (batch,) or (batch, k)
            What is true.

        Returns
        -------
        ndarray, shape (batch, k)
            In the dtype of the outputs.
        """
