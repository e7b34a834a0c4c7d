"""The multilayer perceptron, and its gradient by back-propagation."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from optikit import Array, InputError, LayeredModel
from optikit_models.sweep import Forward, shifted_sums

Width = Annotated[int, Field(ge=1)]


class MLP(LayeredModel):
    r"""Fully connected network; its last layer is affine, so its outputs are logits or values.

    .. math:: a_0 = \text{inputs}, \quad z_l = a_{l-1} W_l + b_l, \quad a_l = \varphi(z_l)

    Parameters are laid out layer by layer, each as ``W`` (inputs, outputs) by rows, then ``b`` (outputs,).

    References
    ----------
    Rumelhart, Hinton and Williams (1986), "Learning representations by back-propagating errors", Nature 323.
    He, Zhang, Ren and Sun (2015), "Delving deep into rectifiers", ICCV; Glorot and Bengio (2010), "Understanding
    the difficulty of training deep feedforward neural networks", AISTATS (for the initial distributions).
    """

    name = "mlp"

    layers: tuple[Width, ...] = Field(min_length=2)
    """Widths from the inputs to the outputs, such as 784, 50, 100, 10."""
    activation: Literal["relu", "tanh"] = "relu"
    """Function between the layers."""
    initializer: Literal["he", "xavier", "normal"] = "he"
    """Initial weights are normal; their variance is 2/inputs (he), 2/(inputs + outputs) (xavier) or std² (normal)."""
    std: float = Field(default=0.01, gt=0)
    """Standard deviation of the initial weights, where the initializer is normal; biases start at zero."""
    dtype: Literal["float64", "float32"] = "float64"
    """Precision of the parameters and of everything computed from them."""

    def init(self, rng: np.random.Generator) -> Array:
        """Draw normal weights, scaled by layer; biases start at zero."""
        params = np.zeros(sum(fan_in * fan_out + fan_out for fan_in, fan_out in pairwise(self.layers)))
        for weights, _ in self._views(params):
            inputs, outputs = weights.shape
            deviation = {"he": (2 / inputs) ** 0.5, "xavier": (2 / (inputs + outputs)) ** 0.5, "normal": self.std}
            weights[:] = rng.normal(0.0, deviation[self.initializer], size=weights.shape)
        return params.astype(self.dtype)

    def __call__(self, params: Array, inputs: NDArray[Any]) -> Array:
        """Compute the outputs of the last layer, shape (batch, layers[-1])."""
        return self._forward(params, inputs)[-1]

    def vjp(self, params: Array, inputs: NDArray[Any], cotangent: Array) -> Array:
        """Propagate the cotangent back through the layers.

        The derivative of relu at 0 is taken as 0.
        """
        activations = self._forward(params, inputs)
        gradient = np.empty_like(params)
        layers = list(zip(self._views(params), self._views(gradient), activations[:-1], strict=True))
        for depth, ((weights, _), (to_weights, to_bias), below) in reversed(list(enumerate(layers))):
            np.matmul(below.T, cotangent, out=to_weights)
            cotangent.sum(axis=0, out=to_bias)
            if depth:
                cotangent = (cotangent @ weights.T) * self._slope(below)
        return gradient

    def shifted_sums(
        self, params: Array, inputs: NDArray[Any], step: Array, change: Callable[[NDArray[np.intp], Array], Array]
    ) -> Array:
        """Recompute only what one shifted parameter changes; see `optikit_models.sweep`."""
        activations = self._forward(params, inputs)
        layers = list(self._views(params))
        z = [below @ weights + bias for (weights, bias), below in zip(layers, activations[:-1], strict=True)]
        forward = Forward(layers, activations[:-1], z, self._activate, linear=self.activation == "relu")
        return shifted_sums(forward, step, change)

    def _forward(self, params: Array, inputs: NDArray[Any]) -> list[Array]:
        """Compute the inputs and what each layer puts out."""
        if inputs.shape[1:] != (self.layers[0],):
            raise InputError(
                f"mlp: layers begin with {self.layers[0]} inputs, but an input row has shape {inputs.shape[1:]}"
            )
        activations: list[Array] = [inputs]
        last = len(self.layers) - 2
        for depth, (weights, bias) in enumerate(self._views(params)):
            z = activations[-1] @ weights
            z += bias
            if depth < last:
                self._activate(z)
            activations.append(z)
        return activations

    def _views(self, params: Array) -> Iterator[tuple[Array, Array]]:
        """Read the flat parameters as weights and biases, without copying."""
        start = 0
        for fan_in, fan_out in pairwise(self.layers):
            middle = start + fan_in * fan_out
            yield params[start:middle].reshape(fan_in, fan_out), params[middle : middle + fan_out]
            start = middle + fan_out

    def _activate(self, z: Array) -> Array:
        """Apply the activation function in place."""
        return np.maximum(z, 0, out=z) if self.activation == "relu" else np.tanh(z, out=z)

    def _slope(self, activation: Array) -> Array:
        """Compute the derivative of the activation function from its value."""
        if self.activation == "relu":
            return (activation > 0).astype(activation.dtype)
        return 1 - activation**2
