"""What all networks share: layers in one flat vector of parameters, how they start, and the function between them.

A network says which weights its layers have.  From their names and shapes alone follow where everything lies in the
flat vector, which biases there are, and how large the weights should be at first.
"""

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field

from optikit import Array, DifferentiableModel
from optikit_models.activations import Name

Shape = tuple[int, ...]
Layer = tuple[Array, Array | None]
"""The weights of a layer, and its bias if it has one."""


def views(params: Array, shapes: Mapping[str, Shape]) -> list[Array]:
    """Read flat parameters, shape (n,), as arrays of the given shapes, one after the other and without copying.

    Rows of many, shape (k, n), are read as arrays of one more axis, the first.
    """
    arrays: list[Array] = []
    start = 0
    for shape in shapes.values():
        stop = start + math.prod(shape)
        arrays.append(params[..., start:stop].reshape(*params.shape[:-1], *shape))
        start = stop
    return arrays


class Network(DifferentiableModel):
    """Layers of weights and biases with an activation function between them."""

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

    @abstractmethod
    def _weights(self) -> dict[str, Shape]:
        """Give the shape of the weights of every layer, by its name and in its order.

        The last axis counts the outputs, the one before it the inputs, and those before the places of a kernel.
        """

    def shapes(self) -> dict[str, Shape]:
        """Name the weights of each layer and, after them, its bias."""
        shapes: dict[str, Shape] = {}
        for name, shape in self._weights().items():
            shapes[f"{name}.weights"] = shape
            if self.bias:
                shapes[f"{name}.bias"] = shape[-1:]
        return shapes

    def init(self, rng: np.random.Generator) -> Array:
        """Draw normal weights, scaled by layer; biases start at zero."""
        params = np.zeros(sum(map(math.prod, self.shapes().values())))
        for weights, _ in self._views(params):
            *places, inputs, outputs = weights.shape
            inputs, outputs = math.prod(places) * inputs, math.prod(places) * outputs
            deviation = {"he": (2 / inputs) ** 0.5, "xavier": (2 / (inputs + outputs)) ** 0.5, "normal": self.std}
            weights[:] = rng.normal(0.0, deviation[self.initializer], size=weights.shape)
        return params.astype(self.dtype)

    def _views(self, params: Array) -> list[Layer]:
        """Read the flat parameters as weights and biases, without copying."""
        arrays = iter(views(params, self.shapes()))
        return [(weights, next(arrays) if self.bias else None) for weights in arrays]
