r"""The empirical risk: the mean loss of a model over samples, as a function of its parameters.

With weights the mean is weighted, :math:`\frac{1}{m} \sum_i w_i \ell_i`: a row of weight 2 counts as two rows of
weight 1.  Weights are scaled once to have mean 1 over all training samples, not over each minibatch.  So the mean over
a minibatch is an unbiased estimate of the whole risk, and a minibatch whose weights are all zero has risk 0, not 0/0.

An L2 penalty, :math:`\frac{\lambda}{2} \sum_j x_j^2` over all parameters, biases included, is part of what is
minimised, so every estimator and every optimizer meets it.  It is no part of the loss, by which samples are scored.
"""

import numpy as np
from numpy.typing import NDArray

from optikit.errors import InputError
from optikit.loss import DifferentiableLoss, Loss
from optikit.model import DifferentiableModel, LayeredModel, Model
from optikit.objective import Objective
from optikit.types import Array, Targets


def empirical_risk(
    model: Model, loss: Loss, inputs: Array, targets: Targets, weights: Array | None = None, l2: float = 0.0
) -> Objective:
    """Give the objective of a model on samples.

    Parameters
    ----------
    model, loss : Model, Loss
        The parameters of the model are what the risk is a function of.
    inputs, targets : ndarray, shape (m, ...)
        The samples, by rows.
    weights : ndarray, shape (m,), optional
        What multiplies the loss of each row; none is a weight of 1 each.
    l2 : float
        Factor of half the sum of the squared parameters.

    Returns
    -------
    Objective
        One that shares work between shifted points, where the model can.
    """
    kind = _LayeredRisk if isinstance(model, LayeredModel) else _Risk
    risk = kind(model, loss, inputs, targets, weights)
    return _Penalized(risk, l2) if l2 else risk


class _Risk(Objective):
    """The mean of the losses of all rows, each multiplied with its weight."""

    def __init__(self, model: Model, loss: Loss, inputs: Array, targets: Targets, weights: Array | None) -> None:
        self._model, self._loss, self._inputs, self._targets, self._weights = model, loss, inputs, targets, weights

    def value(self, x: Array) -> float:
        return self._loss.weighted(self._model(x, self._inputs), self._targets, self._weights)

    def values(self, xs: Array) -> Array:
        outputs = self._model.ensemble(xs, self._inputs)
        return np.array([self._loss.weighted(each, self._targets, self._weights) for each in outputs])

    def value_and_grad(self, x: Array) -> tuple[float, Array]:
        model, loss = self._model, self._loss
        if not isinstance(model, DifferentiableModel) or not isinstance(loss, DifferentiableLoss):
            lacking = loss if isinstance(model, DifferentiableModel) else model
            raise InputError(
                f"the {lacking.kind} {lacking.name} has no gradient of its own; pass gradient='central-difference'"
            )
        outputs, back = model.pullback(x, self._inputs)
        value, cotangent = loss.weighted_value_and_grad(outputs, self._targets, self._weights)
        return value, back(cotangent)


class _LayeredRisk(_Risk):
    """The same, for a model that shares the work between shifted points."""

    _model: LayeredModel

    def shifted(self, x: Array, step: Array | float) -> Array:
        loss, targets, weights = self._loss, self._targets, self._weights
        losses = loss.per_row(self._model(x, self._inputs), targets)

        def change(rows: NDArray[np.intp], outputs: Array) -> Array:
            changes = loss.per_row(outputs, targets[rows]) - losses[rows]
            return changes if weights is None else weights[rows] * changes

        steps = np.broadcast_to(np.asarray(step, dtype=x.dtype), np.broadcast_shapes(np.shape(step), x.shape))
        sums = self._model.shifted_sums(x, self._inputs, np.atleast_2d(steps), change).reshape(steps.shape)
        here = losses.mean() if weights is None else (weights * losses).mean()
        return here + sums / len(losses)


class _Penalized(Objective):
    """A risk plus ``l2 / 2`` times the sum of the squared parameters, in double precision."""

    def __init__(self, risk: Objective, l2: float) -> None:
        self._risk, self._l2 = risk, l2

    def value(self, x: Array) -> float:
        return self._risk.value(x) + self._penalty(x)

    def values(self, xs: Array) -> Array:
        return self._risk.values(xs) + np.array([self._penalty(x) for x in xs])

    def value_and_grad(self, x: Array) -> tuple[float, Array]:
        value, gradient = self._risk.value_and_grad(x)
        if np.shape(gradient) == x.shape:  # else NumPy would broadcast, and the oracle not see that it is wrong
            gradient = gradient + self._l2 * x
        return value + self._penalty(x), gradient

    def shifted(self, x: Array, step: Array | float) -> Array:
        moved = x + np.asarray(step, dtype=x.dtype)
        here, there = x.astype(np.float64), moved.astype(np.float64)
        # A difference of squares, as a product: nothing cancels, and n points cost no more than one.
        return self._risk.shifted(x, step) + (self._penalty(x) + self._l2 / 2 * (there - here) * (there + here))

    def _penalty(self, x: Array) -> float:
        return float(self._l2 / 2 * np.square(x, dtype=np.float64).sum())
