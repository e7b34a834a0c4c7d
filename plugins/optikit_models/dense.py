"""Fully connected layers, forward and back: all of an `mlp`, and the last layers of a `cnn`."""

from collections.abc import Sequence

import numpy as np

from optikit import Array
from optikit_models.activations import Activation
from optikit_models.network import Layer


def affine(below: Array, weights: Array, bias: Array | None) -> Array:
    """Compute what a layer makes of its inputs, (m, inputs), before its activation function, (m, outputs)."""
    z = below @ weights
    if bias is not None:
        z += bias
    return z


def propagate(layers: Sequence[Layer], inputs: Array, activation: Activation) -> list[Array]:
    """Compute the inputs, (m, inputs), and what each layer puts out; the last layer has no activation function."""
    activations = [inputs]
    for depth, (weights, bias) in enumerate(layers, start=1):
        z = affine(activations[-1], weights, bias)
        activations.append(activation.value(z) if depth < len(layers) else z)
    return activations


def back_propagate(
    layers: Sequence[Layer], gradients: Sequence[Layer], inputs: Array, cotangent: Array, activation: Activation
) -> Array:
    """Propagate a cotangent back through the layers.

    Parameters
    ----------
    layers : sequence of (weights, bias or None)
        The layers.
    gradients : sequence of (weights, bias or None)
        Of the same shapes; the gradient is written into them.
    inputs : ndarray, shape (m, inputs)
        What the first layer gets.
    cotangent : ndarray, shape (m, outputs)
        The gradient of a scalar in what the last layer puts out.

    Returns
    -------
    ndarray, shape (m, outputs of the first layer)
        Its gradient in what the first layer computes before its activation function.  To go on below, multiply it with
        the weights of that layer; to stop here, do not: of a wide input this is the dearest product of all.
    """
    below, slopes = [inputs], list[Array]()
    for weights, bias in layers[:-1]:
        value, slope = activation.value_and_slope(affine(below[-1], weights, bias))
        below.append(value)
        slopes.append(slope)
    for depth in reversed(range(len(layers))):
        to_weights, to_bias = gradients[depth]
        np.matmul(below[depth].T, cotangent, out=to_weights)
        if to_bias is not None:
            cotangent.sum(axis=0, out=to_bias)
        if depth:
            cotangent = cotangent @ layers[depth][0].T
            cotangent *= slopes[depth - 1]
    return cotangent
