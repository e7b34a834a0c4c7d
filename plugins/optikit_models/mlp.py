"""The multilayer perceptron, and its gradient by back-propagation."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from optikit import Array, InputError, LayeredModel
from optikit_models.activations import ACTIVATIONS, Name
from optikit_models.sweep import Forward, shifted_sums

Width = Annotated[int, Field(ge=1)]


class MLP(LayeredModel):
    r"""Fully connected network; its last layer is affine, so its outputs are logits or values.

    .. math:: a_0 = \text{inputs}, \quad z_l = a_{l-1} W_l + b_l, \quad a_l = \varphi(z_l)

    Parameters are laid out layer by layer, each as ``W`` (inputs, outputs) by rows, then ``b`` (outputs,) unless
    there is none.  The activation functions are

    - relu: :math:`\max(0, z)`, and leaky-relu: :math:`\max(0.01 z, z)`, with the derivative of the left side at 0;
    - tanh, and sigmoid: :math:`1 / (1 + e^{-z})`;
    - softplus: :math:`\log(1 + e^z)`;
    - gelu: :math:`z \Phi(z)` with :math:`\Phi` the normal distribution function, not its approximation by tanh.

    References
    ----------
    Rumelhart, Hinton and Williams (1986), "Learning representations by back-propagating errors", Nature 323.
    He, Zhang, Ren and Sun (2015), "Delving deep into rectifiers", ICCV; Glorot and Bengio (2010), "Understanding
    the difficulty of training deep feedforward neural networks", AISTATS (for the initial distributions).
    Maas, Hannun and Ng (2013), "Rectifier nonlinearities improve neural network acoustic models", ICML (leaky-relu);
    Dugas, Bengio, Bélisle, Nadeau and Garcia (2000), "Incorporating second-order functional knowledge for better option
    pricing", NIPS (softplus); Hendrycks and Gimpel (2016), "Gaussian error linear units", arXiv:1606.08415 (gelu).
    """

    name = "mlp"

    layers: tuple[Width, ...] = Field(min_length=2)
    """Widths from the inputs to the outputs, such as 784, 50, 100, 10."""
    activation: Name = "relu"
    """Function between the layers."""
    bias: bool = True
    """Whether the layers add a bias."""
    initializer: Literal["he", "xavier", "normal"] = "he"
    """Initial weights are normal; their variance is 2/inputs (he), 2/(inputs + outputs) (xavier) or std² (normal)."""
    std: float = Field(default=0.01, gt=0)
    """Standard deviation of the initial weights, where the initializer is normal; biases start at zero."""
    dtype: Literal["float64", "float32"] = "float64"
    """Precision of the parameters and of everything computed from them."""

    def init(self, rng: np.random.Generator) -> Array:
        """Draw normal weights, scaled by layer; biases start at zero."""
        params = np.zeros(sum((fan_in + self.bias) * fan_out for fan_in, fan_out in pairwise(self.layers)))
        for weights, _ in self._views(params):
            inputs, outputs = weights.shape
            deviation = {"he": (2 / inputs) ** 0.5, "xavier": (2 / (inputs + outputs)) ** 0.5, "normal": self.std}
            weights[:] = rng.normal(0.0, deviation[self.initializer], size=weights.shape)
        return params.astype(self.dtype)

    def __call__(self, params: Array, inputs: NDArray[Any]) -> Array:
        """Compute the outputs of the last layer, shape (batch, layers[-1])."""
        return self._forward(params, inputs)[-1]

    def vjp(self, params: Array, inputs: NDArray[Any], cotangent: Array) -> Array:
        """Propagate the cotangent back through the layers."""
        layers = list(self._views(params))
        below, slopes = [self._checked(inputs)], list[Array]()
        for weights, bias in layers[:-1]:
            value, slope = ACTIVATIONS[self.activation].value_and_slope(_affine(below[-1], weights, bias))
            below.append(value)
            slopes.append(slope)
        gradient = np.empty_like(params)
        to = list(self._views(gradient))
        for depth in reversed(range(len(layers))):
            to_weights, to_bias = to[depth]
            np.matmul(below[depth].T, cotangent, out=to_weights)
            if to_bias is not None:
                cotangent.sum(axis=0, out=to_bias)
            if depth:
                cotangent = cotangent @ layers[depth][0].T
                cotangent *= slopes[depth - 1]
        return gradient

    def shifted_sums(
        self, params: Array, inputs: NDArray[Any], steps: Array, change: Callable[[NDArray[np.intp], Array], Array]
    ) -> Array:
        """Recompute only what one shifted parameter changes; see `optikit_models.sweep`."""
        activations = self._forward(params, inputs)
        layers = list(self._views(params))
        z = [_affine(below, weights, bias) for (weights, bias), below in zip(layers, activations[:-1], strict=True)]
        activation = ACTIVATIONS[self.activation]
        forward = Forward(layers, activations[:-1], z, activation.value, activation.leak)
        return shifted_sums(forward, steps, change)

    def _forward(self, params: Array, inputs: NDArray[Any]) -> list[Array]:
        """Compute the inputs and what each layer puts out."""
        activations = [self._checked(inputs)]
        last = len(self.layers) - 2
        for depth, (weights, bias) in enumerate(self._views(params)):
            z = _affine(activations[-1], weights, bias)
            activations.append(ACTIVATIONS[self.activation].value(z) if depth < last else z)
        return activations

    def _checked(self, inputs: NDArray[Any]) -> Array:
        if inputs.shape[1:] != (self.layers[0],):
            raise InputError(
                f"mlp: layers begin with {self.layers[0]} inputs, but an input row has shape {inputs.shape[1:]}"
            )
        return inputs

    def _views(self, params: Array) -> Iterator[tuple[Array, Array | None]]:
        """Read the flat parameters as weights and biases, without copying."""
        start = 0
        for fan_in, fan_out in pairwise(self.layers):
            middle = start + fan_in * fan_out
            stop = middle + self.bias * fan_out
            yield params[start:middle].reshape(fan_in, fan_out), params[middle:stop] if self.bias else None
            start = stop


def _affine(below: Array, weights: Array, bias: Array | None) -> Array:
    z = below @ weights
    if bias is not None:
        z += bias
    return z
