"""All losses of a layered network with one parameter shifted, without computing the network anew for each.

Shifting one weight of a layer changes one unit of that layer, and only in the rows whose input to that weight is not
zero.  The change goes on into the next layer as a multiple of one row of its weights, and from there through what is
left of the network.  So only pairs (row, unit) are computed, many at a time, and what does not change is not touched:
rows with a zero input, units that relu keeps at zero.  In a row of data, inputs of equal value are computed once.

Nothing is approximated.  Where relu is linear between the two points (no unit of the layer above changes its sign,
which is checked for every pair), the outputs are computed from their slope; all others go through the layers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optikit import Array

Integers = NDArray[np.intp]
Change = Callable[[Integers, Array], Array]

_PAIRS = 1 << 14
"""Pairs computed at a time, so that a few arrays of ten numbers a pair stay in the cache."""


@dataclass(frozen=True, slots=True)
class Forward:
    """A network at one point: its layers, and what they computed from a batch of m rows."""

    layers: list[tuple[Array, Array | None]]
    """Weights (inputs, outputs) and bias (outputs,), if there is one, of each layer."""
    below: list[Array]
    """What each layer got, (m, inputs)."""
    z: Sequence[Array]
    """What each layer computed before its activation function, (m, outputs)."""
    activate: Callable[[Array], Array]
    """The function between layers; may work in place."""
    leak: float | None
    """Its slope below zero if it is relu or leaky, so linear where no sign changes; None if it is not."""


def shifted_sums(forward: Forward, step: Array, change: Change) -> Array:
    """Sum, for every parameter, the changes of the losses of all rows when that parameter alone is shifted.

    Parameters
    ----------
    forward : Forward
        The network where it stands.
    step : ndarray, shape (n,)
        Shift of every parameter; laid out as the parameters, layer by layer, weights by rows, then the bias if any.
    change : callable
        Takes rows (p,) and their new outputs (p, k); returns by how much their losses change, (p,).

    Returns
    -------
    ndarray, shape (n,)
        The sums over the rows.
    """
    sums: list[Array] = []
    start = 0
    for depth, (weights, bias) in enumerate(forward.layers):
        below = forward.below[depth]
        if bias is not None:  # the weight of one more input, which is always 1
            below = np.concatenate([below, np.ones_like(below[:, :1])], axis=1)
        inputs, outputs = below.shape[1], weights.shape[1]
        stop = start + inputs * outputs
        sums.append(_layer(forward, depth, below, step[start:stop].reshape(inputs, outputs), change).ravel())
        start = stop
    return np.concatenate(sums)


def _layer(forward: Forward, depth: int, below: Array, step: Array, change: Change) -> Array:
    """Compute the sums for the weights and bias of one layer, (inputs, outputs), the bias as one more input."""
    _, outputs = step.shape
    columns, rows = np.nonzero(below.T)  # by columns, so that the entries of an input stand together
    values = below[rows, columns]
    uniform = _uniform(step)
    place = np.arange(len(rows))
    if uniform is not None and depth == 0:  # equal values are common in data, such as pixels, and rare above
        _, first, place = np.unique(rows + 1j * values, return_index=True, return_inverse=True)
        rows, values = rows[first], values[first]
    tail = _Tail(forward, depth)
    sums = np.zeros(step.shape)
    present, starts = np.unique(columns, return_index=True)
    width = max(1, _PAIRS // max(1, len(rows)))
    for left in range(0, outputs, width):
        units = np.arange(left, min(left + width, outputs))
        each = step[columns][:, units] if uniform is None else np.full(len(units), uniform, dtype=step.dtype)
        shifts = values[:, None] * each
        changes = _changes(forward, tail, depth, rows, units, shifts, change)
        sums[np.ix_(present, units)] = np.add.reduceat(np.take(changes, place, axis=0), starts, axis=0)
    return sums


def _uniform(step: Array) -> float | None:
    """Give the step that all have in common, up to the last bits, in which representable steps differ."""
    low, high = float(step.min()), float(step.max())
    return (low + high) / 2 if high - low <= 1e-9 * abs(high) else None


def _changes(
    forward: Forward, tail: "_Tail", depth: int, rows: Integers, units: Integers, shifts: Array, change: Change
) -> Array:
    """Compute the change of the loss of each row when the z of each unit is shifted, (rows, units)."""
    changes = np.zeros((len(rows), len(units)))
    if depth < len(forward.layers) - 1:
        # np.take copies whole rows, which is several times faster than indexing by rows and units at once.
        before, after = forward.below[depth + 1][:, units], np.take(forward.z[depth][:, units], rows, axis=0)
        after += shifts
        shifts = forward.activate(after)
        shifts -= np.take(before, rows, axis=0)
    for top in range(0, len(rows), _PAIRS):
        part = slice(top, top + _PAIRS)
        moved, of = np.nonzero(shifts[part])
        at, by = rows[part][moved], shifts[part][moved, of]
        changes[part][moved, of] = change(at, tail.outputs(at, units[of], by))
    return changes


class _Tail:
    """What comes above a layer: from the change of one of its units to the outputs."""

    def __init__(self, forward: Forward, depth: int) -> None:
        self._forward, self._depth, self._above = forward, depth, forward.layers[depth + 1 :]
        leak = forward.leak if len(self._above) == 2 else None
        self._straight = leak is not None
        if leak is not None:
            self._slopes, self._room = self._linearized(leak)

    def _linearized(self, leak: float) -> tuple[Array, Array]:
        """Compute, by row and unit, the slopes of the outputs, and how far the unit may go before relu bends."""
        (weights, _), (last, _) = self._above
        z = self._forward.z[self._depth + 1]
        slopes = np.empty((len(z), len(weights), last.shape[1]), dtype=z.dtype)
        room = np.empty((len(z), len(weights)), dtype=z.dtype)
        size, leaked = abs(weights), leak * last
        with np.errstate(divide="ignore", invalid="ignore"):
            for row, at in enumerate(z):
                slopes[row] = weights @ np.where((at > 0)[:, None], last, leaked)
                room[row] = (abs(at) / size).min(axis=1)
        return slopes.reshape(-1, last.shape[1]), room.ravel()

    def outputs(self, rows: Integers, units: Integers, by: Array) -> Array:
        """Compute the outputs of rows when one unit of the layer changes, each pair on its own, (p, k)."""
        if not self._above:
            outputs = self._forward.z[-1][rows]
            outputs[np.arange(len(rows)), units] += by
            return outputs
        if not self._straight:
            return self._through(rows, units, by)
        pairs = rows * len(self._above[0][0]) + units
        outputs = np.take(self._slopes, pairs, axis=0)
        outputs *= by[:, None]
        outputs += np.take(self._forward.z[-1], rows, axis=0)
        bent = np.flatnonzero(~(abs(by) < self._room[pairs]))
        if len(bent):
            outputs[bent] = self._through(rows[bent], units[bent], by[bent])
        return outputs

    def _through(self, rows: Integers, units: Integers, by: Array) -> Array:
        z = self._above[0][0][units]
        z *= by[:, None]
        z += self._forward.z[self._depth + 1][rows]
        for weights, bias in self._above[1:]:
            z = self._forward.activate(z) @ weights
            if bias is not None:
                z += bias
        return z
