"""The affine map: the simplest model, and the yardstick for all others."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from optikit import Array, InputError, LayeredModel
from optikit_models.network import views
from optikit_models.sweep import Forward, shifted_sums


class Linear(LayeredModel):
    r"""Affine map of the inputs: every output is a weighted sum of them plus a constant.

    .. math:: \text{outputs} = \text{inputs}\, W + b

    With `mean-squared-error` it is linear regression, with `cross-entropy` multinomial logistic regression.

    Parameters are laid out as ``W`` (inputs, outputs) by rows, then ``b`` (outputs,).  They start from
    :math:`W_{ij} \sim N(0, 1/\text{inputs})`, :math:`b = 0`.
    """

    name = "linear"

    inputs: int = Field(ge=1, examples=[2])
    """Numbers in an input row."""
    outputs: int = Field(default=1, ge=1)
    """Numbers in an output row."""
    dtype: Literal["float64", "float32"] = "float64"
    """Precision of the parameters and of everything computed from them."""

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name weights and bias."""
        return {"weights": (self.inputs, self.outputs), "bias": (self.outputs,)}

    def init(self, rng: np.random.Generator) -> Array:
        """Draw weights from a normal distribution of variance 1/inputs; the bias starts at zero."""
        weights = rng.normal(0.0, self.inputs**-0.5, size=self.inputs * self.outputs)
        return np.concatenate([weights, np.zeros(self.outputs)]).astype(self.dtype)

    def __call__(self, params: Array, inputs: NDArray[Any]) -> Array:
        """Compute ``inputs @ W + b``, shape (batch, outputs)."""
        if inputs.shape[1:] != (self.inputs,):
            raise InputError(f"linear: inputs = {self.inputs}, but an input row has shape {inputs.shape[1:]}")
        weights, bias = self._views(params)
        return inputs @ weights + bias

    def shifted_sums(
        self, params: Array, inputs: NDArray[Any], steps: Array, change: Callable[[NDArray[np.intp], Array], Array]
    ) -> Array:
        """Recompute only the output that one shifted parameter changes; see `optikit_models.sweep`."""
        weights, bias = self._views(params)
        forward = Forward([(weights, bias)], [inputs], [self(params, inputs)], np.positive, leak=None)
        return shifted_sums(forward, steps, change)

    def vjp(self, params: Array, inputs: NDArray[Any], cotangent: Array) -> Array:
        """Compute ``inputs.T @ cotangent`` and the column sums of the cotangent."""
        gradient = np.empty_like(params)
        weights, bias = self._views(gradient)
        np.matmul(inputs.T, cotangent, out=weights)
        cotangent.sum(axis=0, out=bias)
        return gradient

    def _views(self, params: Array) -> list[Array]:
        return views(params, self.shapes())
