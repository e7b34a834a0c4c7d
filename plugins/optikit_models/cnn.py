"""The convolutional network: small kernels that look everywhere, then a perceptron that looks at what they saw."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from optikit import Array, InputError
from optikit_models.activations import ACTIVATIONS
from optikit_models.convolution import POOLINGS, PoolingName, convolve, cotangent_below, weight_gradients
from optikit_models.dense import back_propagate, propagate, propagate_and_trace
from optikit_models.network import Layer, Network

Size = Annotated[int, Field(ge=1)]

_CHUNK = 1 << 20
"""Numbers in the largest array of patches: 8 MiB, so that scoring thousands of rows takes no more than a batch."""


class CNN(Network):
    r"""Convolutional network for images: blocks of convolution and pooling, then fully connected layers.

    A block computes, from the image a with pixels (y, x) and channels c,

    .. math:: z_{yxf} = b_f + \sum_{i,j,c} W_{ijcf}\, a_{y+i,\,x+j,\,c}, \qquad
        p_{yxf} = \operatorname{pooling}_{0 \le i,j < s} \varphi(z_{sy+i,\,sx+j,\,f}), \quad s = \text{pool}.

    This is a cross-correlation, as in all networks of that name: the kernel is not mirrored.  It moves by one pixel
    and stays inside the image, without padding, so an image loses kernel - 1 rows and columns.  Pooling windows do not
    overlap; rows and columns at the lower and right edge that fill no window are left out.  Among equally large pixels
    of a window the derivative of the maximum is that of the first one, by rows.

    What the last block gives is read as one row, channel by channel, each by rows, and goes through the layers of an
    `mlp` with the widths `dense`; the last layer is affine, so the outputs are logits or values.

    Input rows are images, (height, width) or (height, width, channels), or the same numbers flat in that order.

    Parameters are laid out block by block, each as ``W`` (kernel, kernel, channels, filters), then ``b`` (filters,),
    then layer by layer as ``W`` (inputs, outputs), then ``b`` (outputs,); all by rows, and without ``b`` if there is
    no bias.  For the initial weights of a block, inputs and outputs are kernel² times its channels and its filters.
    Activation functions are those of `mlp`.

    References
    ----------
    Fukushima (1980), "Neocognitron", Biological Cybernetics 36; LeCun, Boser, Denker, Henderson, Howard, Hubbard and
    Jackel (1989), "Backpropagation applied to handwritten zip code recognition", Neural Computation 1; LeCun, Bottou,
    Bengio and Haffner (1998), "Gradient-based learning applied to document recognition", Proceedings of the IEEE 86.
    Their LeNet-5 differs: it learns a factor and a bias for each averaging, and connects only some of the maps.
    Chellapilla, Puri and Simard (2006), "High performance convolutional neural networks for document processing",
    IWFHR (for the patches as one matrix).
    """

    name = "cnn"

    image: tuple[Size, ...] = Field(min_length=2, max_length=3, examples=[(12, 12)])
    """Height and width of the images, such as 28, 28, and their channels if there are more, such as 32, 32, 3."""
    outputs: int = Field(ge=1, examples=[3])
    """Numbers in an output row, such as the number of classes."""
    filters: tuple[Size, ...] = Field(default=(8, 16), min_length=1)
    """Channels that each block of convolution and pooling gives, from the first to the last."""
    kernel: int = Field(default=3, ge=1)
    """Height and width of the kernels of a convolution, in pixels."""
    pool: int = Field(default=2, ge=1)
    """Height and width of the windows that a pooling makes one pixel of; 1 for no pooling."""
    pooling: PoolingName = "max"
    """What is taken of a window."""
    dense: tuple[Size, ...] = (64,)
    """Widths of the fully connected layers between the blocks and the outputs; may be empty."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self._sides()
        return self

    def _weights(self) -> dict[str, tuple[int, ...]]:
        """Name the layers by the fields that they come from."""
        channels = (self._channels, *self.filters)
        shapes = {
            f"filters[{block}]": (self.kernel, self.kernel, *pair) for block, pair in enumerate(pairwise(channels))
        }
        widths = (math.prod(self._sides()[-1]) * channels[-1], *self.dense, self.outputs)
        names = (*(f"dense[{layer}]" for layer in range(len(self.dense))), "outputs")
        return {**shapes, **dict(zip(names, pairwise(widths), strict=True))}

    def __call__(self, params: Array, inputs: NDArray[Any]) -> Array:
        """Compute the outputs of the last layer, shape (batch, outputs)."""
        blocks, layers = self._layers(params)
        activation, pooling = ACTIVATIONS[self.activation], POOLINGS[self.pooling]
        outputs = np.empty((len(inputs), self.outputs), dtype=params.dtype)
        for rows, images in self._chunks(params, inputs):
            for weights, bias in blocks:
                z, _ = convolve(images, weights, bias)
                images = pooling.value(activation.value(z), self.pool)
            outputs[rows] = propagate(layers, _flat(images), activation)[-1]
        return outputs

    def vjp(self, params: Array, inputs: NDArray[Any], cotangent: Array) -> Array:
        """Propagate the cotangent back through layers and blocks, and add up what the chunks of rows give."""
        gradient, part = np.zeros_like(params), np.empty_like(params)
        for rows, images in self._chunks(params, inputs):
            self._back_propagate(params, part, images, cotangent[rows])
            gradient += part
        return gradient

    def _back_propagate(self, params: Array, gradient: Array, images: Array, cotangent: Array) -> None:
        """Write the gradient over some rows."""
        (blocks, layers), (block_gradients, layer_gradients) = self._layers(params), self._layers(gradient)
        activation, pooling = ACTIVATIONS[self.activation], POOLINGS[self.pooling]
        passes: list[_Pass] = []
        for weights, bias in blocks:
            z, columns = convolve(images, weights, bias)
            value, slope = activation.value_and_slope(z)
            pooled = pooling.value(value, self.pool)
            passes.append(_Pass(images.shape, columns, value, slope, pooled))
            images = pooled
        _, trace = propagate_and_trace(layers, _flat(images), activation)
        first = back_propagate(layers, layer_gradients, trace, cotangent)
        cotangent = (layers[0][0] @ first.T).reshape(images.shape)
        for depth in reversed(range(len(blocks))):
            shape, columns, value, slope, pooled = passes[depth]
            cotangent = pooling.adjoint(value, pooled, cotangent, self.pool)
            cotangent *= slope
            weight_gradients(columns, cotangent, *block_gradients[depth])
            if depth:
                cotangent = cotangent_below(cotangent, blocks[depth][0], shape)

    def _layers(self, params: Array) -> tuple[list[Layer], list[Layer]]:
        """Read the flat parameters as those of the blocks and those of the fully connected layers."""
        views = self._views(params)
        return views[: len(self.filters)], views[len(self.filters) :]

    @property
    def _channels(self) -> int:
        return self.image[2] if len(self.image) == 3 else 1

    def _sides(self) -> list[tuple[int, ...]]:
        """Compute height and width of the image, and of what each block leaves of it."""
        sides = [self.image[:2]]
        for block in range(len(self.filters)):
            height, width = (side - self.kernel + 1 for side in sides[-1])
            if min(height, width) < 1:
                raise ValueError(
                    f"cnn: kernel = {self.kernel} is larger than the {_by(sides[-1])} pixels that filters[{block}] "
                    "gets; take a smaller kernel or pool, or fewer filters"
                )
            sides.append((height // self.pool, width // self.pool))
            if min(sides[-1]) < 1:
                raise ValueError(
                    f"cnn: pool = {self.pool} leaves nothing of the {_by((height, width))} pixels that "
                    f"filters[{block}] gives; take a smaller pool or kernel, or fewer filters"
                )
        return sides

    def _chunks(self, params: Array, inputs: NDArray[Any]) -> Iterator[tuple[slice, Array]]:
        """Give a few rows at a time, as images of shape (channels, height, width, rows)."""
        flat = (math.prod(self.image),)
        if inputs.shape[1:] not in (flat, self.image):
            raise InputError(
                f"cnn: image = {list(self.image)} needs input rows of shape {flat} or {self.image}, "
                f"but they have shape {inputs.shape[1:]}"
            )
        places = ((height - self.kernel + 1) * (width - self.kernel + 1) for height, width in self._sides()[:-1])
        channels = (self._channels, *self.filters)
        largest = self.kernel**2 * max(map(math.prod, zip(places, channels, strict=False)))
        step = max(1, _CHUNK // largest)
        for start in range(0, len(inputs), step):
            rows = slice(start, start + step)
            images = inputs[rows].reshape(-1, *self.image[:2], self._channels)
            yield rows, np.ascontiguousarray(images.transpose(3, 1, 2, 0), dtype=params.dtype)


class _Pass(NamedTuple):
    """What the way back through a block needs of the way forward."""

    shape: tuple[int, ...]
    """Of the images that it got."""
    columns: Array
    value: Array
    slope: Array
    pooled: Array


def _flat(images: Array) -> Array:
    """View images as rows, (rows, channels * height * width)."""
    return images.reshape(-1, images.shape[-1]).T


def _by(sides: tuple[int, ...]) -> str:
    return " x ".join(map(str, sides))
