"""The multilayer perceptron, and its gradient by back-propagation."""

from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from optikit import Array, InputError, LayeredModel
from optikit_models.activations import ACTIVATIONS
from optikit_models.dense import affine, back_propagate, propagate, propagate_and_trace
from optikit_models.ensemble import propagate_ensemble
from optikit_models.network import Network
from optikit_models.sweep import Forward, shifted_sums

Width = Annotated[int, Field(ge=1)]


class MLP(Network, LayeredModel):
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

    layers: tuple[Width, ...] = Field(min_length=2, examples=[(2, 8, 8, 3)])
    """Widths from the inputs to the outputs, such as 784, 50, 100, 10."""

    def _weights(self) -> dict[str, tuple[int, ...]]:
        """Give the widths on both sides of each layer."""
        return {f"layers[{layer}]": widths for layer, widths in enumerate(pairwise(self.layers))}

    def __call__(self, params: Array, inputs: NDArray[Any]) -> Array:
        """Compute the outputs of the last layer, shape (batch, layers[-1])."""
        return self._forward(params, inputs)[-1]

    def vjp(self, params: Array, inputs: NDArray[Any], cotangent: Array) -> Array:
        """Propagate the cotangent back through the layers."""
        return MLP.pullback(self, params, inputs)[1](cotangent)  # that of a subclass may be made of this

    def pullback(self, params: Array, inputs: NDArray[Any]) -> tuple[Array, Callable[[Array], Array]]:
        """Compute the outputs, and keep what each layer puts out for the way back."""
        layers = self._views(params)
        outputs, trace = propagate_and_trace(layers, self._checked(inputs), ACTIVATIONS[self.activation])

        def back(cotangent: Array) -> Array:
            gradient = np.empty_like(params)
            back_propagate(layers, self._views(gradient), trace, cotangent)
            return gradient

        return outputs, back

    def ensemble(self, params: Array, inputs: NDArray[Any]) -> Array:
        """Let all networks read each block of the inputs together; see `optikit_models.ensemble`."""
        return propagate_ensemble(self._views(params), self._checked(inputs), ACTIVATIONS[self.activation])

    def shifted_sums(
        self, params: Array, inputs: NDArray[Any], steps: Array, change: Callable[[NDArray[np.intp], Array], Array]
    ) -> Array:
        """Recompute only what one shifted parameter changes; see `optikit_models.sweep`."""
        activations = self._forward(params, inputs)
        layers = self._views(params)
        z = [affine(below, weights, bias) for (weights, bias), below in zip(layers, activations[:-1], strict=True)]
        activation = ACTIVATIONS[self.activation]
        forward = Forward(layers, activations[:-1], z, activation.value, activation.leak)
        return shifted_sums(forward, steps, change)

    def _forward(self, params: Array, inputs: NDArray[Any]) -> list[Array]:
        """Compute the inputs and what each layer puts out."""
        return propagate(self._views(params), self._checked(inputs), ACTIVATIONS[self.activation])

    def _checked(self, inputs: NDArray[Any]) -> Array:
        if inputs.shape[1:] != (self.layers[0],):
            raise InputError(
                f"mlp: layers begin with {self.layers[0]} inputs, but an input row has shape {inputs.shape[1:]}"
            )
        return inputs
