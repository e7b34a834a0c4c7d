"""Activation functions: each gives its value, and its value together with its derivative.

The two come from one place because they share their work: the derivative of tanh is read off its value, and gelu and
its derivative need the same distribution function.  All take the pre-activations z and may write over them; a forward
pass needs them no more.  None overflows: exponentials are taken of numbers that are not positive.
"""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from optikit import Array
from optikit_models.normal import normal_cdf

Name = Literal["relu", "leaky-relu", "tanh", "sigmoid", "softplus", "gelu"]

LEAK = 0.01
"""Slope of leaky-relu below zero, as in Maas, Hannun and Ng (2013)."""


class Activation(NamedTuple):
    """A function between layers."""

    value: Callable[[Array], Array]
    """Takes z, which it may write over; gives the value, in the shape and dtype of z."""
    value_and_slope: Callable[[Array], tuple[Array, Array]]
    """The same, and the derivative, in the shape of z; where there is a kink, at 0, that of the left side."""
    leak: float | None = None
    """Slope below zero if the function is linear on both sides and the identity above; None if it is not."""


def _relu(z: Array) -> Array:
    # A row of zeros: NumPy's loop over two arrays is vectorised, that over an array and a number is not.
    return np.maximum(z, np.zeros(z.shape[-1:], dtype=z.dtype), out=z)


def _relu_and_slope(z: Array) -> tuple[Array, Array]:
    slope = (z > 0).astype(z.dtype)
    return _relu(z), slope


def _leaky(z: Array) -> Array:
    return np.maximum(z, LEAK * z, out=z)


def _leaky_and_slope(z: Array) -> tuple[Array, Array]:
    slope = np.full_like(z, LEAK)
    slope[z > 0] = 1
    return _leaky(z), slope


def _tanh(z: Array) -> Array:
    return np.tanh(z, out=z)


def _tanh_and_slope(z: Array) -> tuple[Array, Array]:
    value = _tanh(z)
    return value, 1 - value**2


def _sigmoid(z: Array) -> Array:
    small = np.exp(-abs(z))
    return np.where(z > 0, 1, small) / (1 + small)


def _sigmoid_and_slope(z: Array) -> tuple[Array, Array]:
    value = _sigmoid(z)
    return value, value * (1 - value)


def _softplus(z: Array) -> Array:
    """Compute log(1 + exp(z))."""
    return np.maximum(z, 0) + np.log1p(np.exp(-abs(z)))


def _softplus_and_slope(z: Array) -> tuple[Array, Array]:
    return _softplus(z), _sigmoid(z)


def _gelu(z: Array) -> Array:
    """Compute z times the normal distribution function, exactly (Hendrycks and Gimpel, 2016)."""
    z *= normal_cdf(z)
    return z


def _gelu_and_slope(z: Array) -> tuple[Array, Array]:
    below = normal_cdf(z)
    density = np.exp(-(np.clip(z, -40, 40) ** 2) / 2) / math.sqrt(2 * math.pi)  # 0 beyond, in double precision, too
    return z * below, below + z * density


ACTIVATIONS: dict[Name, Activation] = {
    "relu": Activation(_relu, _relu_and_slope, leak=0.0),
    "leaky-relu": Activation(_leaky, _leaky_and_slope, leak=LEAK),
    "tanh": Activation(_tanh, _tanh_and_slope),
    "sigmoid": Activation(_sigmoid, _sigmoid_and_slope),
    "softplus": Activation(_softplus, _softplus_and_slope),
    "gelu": Activation(_gelu, _gelu_and_slope),
}
