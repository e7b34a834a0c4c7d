"""A loss: one number that says how far outputs are from targets, the mean over the batch.

The mean, not the sum, so that a learning rate means the same for every batch size.  A weighted mean needs nothing of
an author: the losses of the rows, and the rows of the gradient, are multiplied with the weights.
"""

from abc import abstractmethod
from typing import Any, ClassVar, final

import numpy as np

from optikit.component import Component
from optikit.errors import InputError
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

    @final
    def weighted(self, outputs: Array, targets: Targets, weights: Array | None) -> float:
        """Compute the mean over the batch of the loss of each row, multiplied with its weight.

        It is divided by the number of rows, not by the sum of the weights: weights of mean 1 give the weighted mean.

        Parameters
        ----------
        outputs, targets : ndarray
            As for the loss.
        weights : ndarray, shape (batch,), or None
            How much each row counts; None for the loss itself.

        Returns
        -------
        float
            ``(weights * per_row).mean()``, in double precision.

        Raises
        ------
        InputError
            If the targets or the weights do not fit the outputs.
        """
        if weights is None:
            return float(self(outputs, targets))
        _check_weights(outputs, weights)
        return float((weights * self.per_row(outputs, targets)).mean(dtype=np.float64))


class DifferentiableLoss(Loss):
    """A loss with a gradient in the outputs."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give back the default `value_and_grad` to who overrides a part of a loss that has its own."""
        super().__init_subclass__(**kwargs)
        if "value_and_grad" not in vars(cls) and not {"__call__", "per_row", "grad"}.isdisjoint(vars(cls)):
            cls.value_and_grad = DifferentiableLoss.value_and_grad

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

    def value_and_grad(self, outputs: Array, targets: Targets) -> tuple[float, Array]:
        """Compute the mean loss and its gradient in the outputs.

        An author may override it, where the two share work; the value is then that of the loss, to the last bit.

        Parameters
        ----------
        outputs, targets : ndarray
            As for the loss.

        Returns
        -------
        value : float
            The mean over the rows.
        gradient : ndarray, shape (batch, k)
            In the dtype of the outputs.
        """
        return float(self(outputs, targets)), self.grad(outputs, targets)

    @final
    def weighted_value_and_grad(self, outputs: Array, targets: Targets, weights: Array | None) -> tuple[float, Array]:
        """Compute the weighted loss and its gradient in the outputs.

        Parameters
        ----------
        outputs, targets : ndarray
            As for the loss.
        weights : ndarray, shape (batch,), or None
            How much each row counts; None for the loss itself.

        Returns
        -------
        value : float
            As from `weighted`.
        gradient : ndarray, shape (batch, k)
            The rows of `grad`, each multiplied with its weight; in the dtype of the outputs.

        Raises
        ------
        InputError
            If the targets or the weights do not fit the outputs.
        """
        if weights is None:
            return self.value_and_grad(outputs, targets)
        value = self.weighted(outputs, targets, weights)
        return value, self.grad(outputs, targets) * weights.astype(outputs.dtype)[:, None]


def _check_weights(outputs: Array, weights: Array) -> None:
    """Refuse weights of a shape that NumPy would broadcast."""
    if weights.shape != outputs.shape[:1]:
        raise InputError(f"the weights have shape {weights.shape}, but there are {len(outputs)} rows; give one a row")
