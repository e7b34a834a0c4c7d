"""Many networks of one shape on the same inputs: the outputs of each, for a search that compares them.

The first layers of all networks are put side by side, so that one product serves them all and every input is read
once.  The inputs come in blocks of rows small enough to stay in the cache through all layers, and an input that is zero
in all rows of a block, as half of the pixels of digits are, is left out with its weights: too dear for one network,
nearly free for many.
"""

from collections.abc import Sequence

import numpy as np

from optikit import Array
from optikit_models.activations import Activation
from optikit_models.network import Layer

_ROWS = 256
"""Rows in a block."""


def propagate_ensemble(layers: Sequence[Layer], inputs: Array, activation: Activation) -> Array:
    """Compute the outputs of k networks.

    Parameters
    ----------
    layers : sequence of (weights, bias or None)
        Of all networks at once: weights of shape (k, inputs, outputs), biases (k, outputs).
    inputs : ndarray, shape (m, inputs)
        What all of them get.
    activation : Activation
        The function between the layers.

    Returns
    -------
    ndarray, shape (k, m, outputs of the last layer)
        The last layer has no activation function.
    """
    (first, _), *above = layers
    k, width, units = first.shape
    beside = first.transpose(1, 0, 2).reshape(width, k * units)
    outputs = np.empty((k, len(inputs), layers[-1][0].shape[2]), dtype=first.dtype)
    for start in range(0, len(inputs), _ROWS):
        block = inputs[start : start + _ROWS]
        used = np.flatnonzero(block.any(axis=0))
        sums = block @ beside if len(used) == width else block[:, used] @ beside[used]
        z = _with_bias(sums.reshape(-1, k, units).transpose(1, 0, 2).copy(), layers[0][1])
        for weights, bias in above:
            z = _with_bias(activation.value(z) @ weights, bias)
        outputs[:, start : start + _ROWS] = z
    return outputs


def _with_bias(z: Array, bias: Array | None) -> Array:
    if bias is not None:
        z += bias[:, None]
    return z
