"""Fully connected layers, forward and back: all of an `mlp`, and the last layers of a `cnn`."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from optikit import Array
from optikit_models.activations import Activation
from optikit_models.network import Layer


class Trace(NamedTuple):
    """What the way back needs of the way forward."""

    below: list[Array]
    """What each layer got, (m, inputs)."""
    slopes: list[Array]
    """Derivatives of the activation functions between the layers, (m, outputs)."""


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


def propagate_and_trace(layers: Sequence[Layer], inputs: Array, activation: Activation) -> tuple[Array, Trace]:
    """Compute the outputs of the last layer, and keep what the way back needs."""
    below, slopes = [inputs], list[Array]()
    for weights, bias in layers[:-1]:
        value, slope = activation.value_and_slope(affine(below[-1], weights, bias))
        below.append(value)
        slopes.append(slope)
    return affine(below[-1], *layers[-1]), Trace(below, slopes)


def back_propagate(layers: Sequence[Layer], gradients: Sequence[Layer], trace: Trace, cotangent: Array) -> Array:
    """Propagate a cotangent back through the layers.

    Parameters
    ----------
    layers : sequence of (weights, bias or None)
        The layers.
    gradients : sequence of (weights, bias or None)
        Of the same shapes; the gradient is written into them.
    trace : Trace
        Of the way forward.
    cotangent : ndarray, shape (m, outputs)
        The gradient of a scalar in what the last layer puts out.

    Returns
    -------
    ndarray, shape (m, outputs of the first layer)
        Its gradient in what the first layer computes before its activation function.  To go on below, multiply it with
        the weights of that layer; to stop here, do not: of a wide input this is the dearest product of all.
    """
    for depth in reversed(range(len(layers))):
        to_weights, to_bias = gradients[depth]
        np.matmul(trace.below[depth].T, cotangent, out=to_weights)
        if to_bias is not None:
            cotangent.sum(axis=0, out=to_bias)
        if depth:
            cotangent = cotangent @ layers[depth][0].T
            cotangent *= trace.slopes[depth - 1]
    return cotangent
