"""All losses of a layered network with one parameter shifted, without computing the network anew for each.

Shifting one weight of a layer changes one unit of that layer.  The change goes on into the next layer as a multiple of
one row of its weights, and from there through what is left of the network.  So all that is computed is, for every row,
unit and shift of that unit, the outputs; and a shift is a step times an input.  They come as dense blocks: some rows,
the units that move in any of them, the steps (up and down, say), and the inputs that are not zero in all of them.
Where a row is wide enough to be a block of its own, zero inputs and units that relu keeps at zero cost nothing, and
inputs of equal value, such as pixels, are computed once.

Nothing is approximated.  With relu the outputs are piecewise linear in the shift: a line, and a bend for each unit
above that changes its sign, which is looked for in every block.  Where there are many, and for functions that are
nowhere linear, the shifted rows go through the layers.

In all arrays that are made here the units of the last layer computed come first and the rows last, so the loss sees one
contiguous row a class, and the inner loops are long: over many rows where rows are short, over the shifts of one row
where it is long.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optikit import Array

Integers = NDArray[np.intp]
Change = Callable[[Integers, Array], Array]

_NUMBERS = 1 << 17
"""Numbers in one array: a mebibyte, between the time of a call to NumPy and the size of the cache."""

_ROWS = 8
"""Fewest rows in a block of several: loops over fewer are slower than a block a row."""

_BENDS = 16
"""Most units above that may change their sign in one line, until going through the layers is as fast."""


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


def shifted_sums(forward: Forward, steps: Array, change: Change) -> Array:
    """Sum, for every parameter, the changes of the losses of all rows when that parameter alone is shifted.

    Parameters
    ----------
    forward : Forward
        The network where it stands.
    steps : ndarray, shape (s, n)
        Shifts of every parameter; laid out as the parameters, layer by layer, weights by rows, then the bias if any.
    change : callable
        Takes rows (p,) and their new outputs (p, k); returns by how much their losses change, (p,).

    Returns
    -------
    ndarray, shape (s, n)
        The sums over the rows.
    """
    sums: list[Array] = []
    start = 0
    for depth, (weights, bias) in enumerate(forward.layers):
        inputs, outputs = weights.shape[0] + (bias is not None), weights.shape[1]
        stop = start + inputs * outputs
        part = _layer(forward, depth, steps[:, start:stop].reshape(-1, inputs, outputs), change)
        sums.append(part.reshape(len(steps), -1))
        start = stop
    return np.concatenate(sums, axis=1)


def _layer(forward: Forward, depth: int, steps: Array, change: Change) -> Array:
    """Compute the sums for the weights and bias of one layer, (s, inputs, outputs), the bias as one more input."""
    tail, uniform = _Tail(forward, depth), _uniform(steps)
    below, outputs = np.ascontiguousarray(forward.below[depth].T), steps.shape[2]
    if len(below) < steps.shape[1]:  # the weight of one more input, which is always 1
        below = np.concatenate([below, np.ones_like(below[:1])])
    height = _NUMBERS // (outputs * max(tail.width * steps[..., 0].size, tail.widest))
    height = height if height >= _ROWS else 1
    sums = np.zeros(steps.shape)
    for top in range(0, below.shape[1], height):
        rows = slice(top, top + height)
        inputs = np.flatnonzero(below[:, rows].any(axis=1))
        values, place = below[inputs, rows], np.arange(len(inputs))
        if uniform is not None and height == 1 and depth == 0:  # equal values are common in pixels, and rare above
            values, place = np.unique(values, return_inverse=True)
            values, place = values[:, None], place.ravel()
        changes = np.empty((outputs, len(steps), len(values)))
        width = max(1, _NUMBERS // max(1, tail.width * len(steps) * values.size))
        for left in range(0, outputs, width):
            units = np.arange(left, min(left + width, outputs))
            each = steps[:, inputs][:, :, units].transpose(2, 0, 1) if uniform is None else uniform
            changes[units] = _changes(forward, tail, depth, rows, units, values * each[..., None], change)
        sums[:, inputs] += np.take(changes.transpose(1, 2, 0), place, axis=1)
    return sums


def _uniform(steps: Array) -> Array | None:
    """Give the steps that all parameters have in common, up to the last bits, in which representable ones differ."""
    low, high = steps.min(axis=(1, 2)), steps.max(axis=(1, 2))
    same = (high - low <= 1e-9 * abs(high)).all()
    return ((low + high) / 2)[None, :, None] if same else None


def _changes(
    forward: Forward, tail: "_Tail", depth: int, rows: slice, units: Integers, shifts: Array, change: Change
) -> Array:
    """Sum, over rows, the changes of their losses when z is shifted by (units, s, inputs, rows): (units, s, inputs)."""
    if depth < len(forward.layers) - 1:
        shifts = forward.activate(forward.z[depth][rows].T[units, None, None] + shifts)
        shifts -= forward.below[depth + 1][rows].T[units, None, None]
    else:
        shifts = np.broadcast_to(shifts, (len(units), *shifts.shape[1:]))
    moving = np.flatnonzero(shifts.any(axis=(1, 2, 3)))
    changes = np.zeros(shifts.shape[:-1])
    if len(moving):
        by = np.take(shifts, moving, axis=0)
        outputs = tail.outputs(rows, units[moving], by.reshape(len(by), -1, by.shape[-1]))
        at = np.tile(np.arange(len(forward.z[0]))[rows], by[..., 0].size)
        changes[moving] = change(at, outputs.reshape(len(outputs), -1).T).reshape(by.shape).sum(axis=-1)
    return changes


class _Tail:
    """What comes above a layer: from the change of its units to the outputs."""

    def __init__(self, forward: Forward, depth: int) -> None:
        self._z = [np.ascontiguousarray(z.T) for z in forward.z[depth + 1 :] or forward.z[-1:]]
        self._above, self._activate, self._leak = forward.layers[depth + 1 :], forward.activate, forward.leak or 0.0
        self._straight = len(self._above) < (2 if forward.leak is None else 3)
        self.widest = max(len(z) for z in self._z)
        """Numbers that one unit takes in a row, however often it is shifted."""
        self.width = len(self._z[-1]) if self._straight else self.widest
        """Numbers that one shift takes."""

    def outputs(self, rows: slice, units: Integers, by: Array) -> Array:
        """Compute the outputs when one unit changes, by (units, shifts, rows): (k, units, shifts, rows)."""
        if not self._straight:
            return self._through(rows, units, by)
        outputs = self._slopes(rows, units)[:, :, None] * by
        outputs += self._z[-1][:, None, None, rows]
        if len(self._above) == 2 and not self._bend(outputs, rows, units, by):
            width = max(1, _NUMBERS // (self.widest * by[0].size))
            for left in range(0, len(units), width):
                some = slice(left, left + width)
                outputs[:, some] = self._through(rows, units[some], by[some])
        return outputs

    def _slopes(self, rows: slice, units: Integers) -> Array:
        """Compute the slopes of the outputs in the units, (k, units, rows), or (k, units, 1) if all rows share them."""
        if not self._above:
            return np.eye(len(self._z[-1]), dtype=self._z[-1].dtype)[:, units, None]
        weights = self._above[0][0][units]
        if len(self._above) == 1:
            return weights.T[..., None]
        last = self._above[1][0].T
        on = self._z[0][:, rows].T > 0
        return (np.where(on[:, None], last, self._leak * last) @ weights.T).transpose(1, 2, 0)

    def _bend(self, outputs: Array, rows: slice, units: Integers, by: Array) -> bool:
        """Add to the straight lines what relu bends them by; say no, and add nothing, if one bends too often."""
        (weights, _), (last, _) = self._above
        z, weights = self._z[0][:, rows], weights[units]
        low, high = by.min(axis=1, initial=0)[:, None], by.max(axis=1, initial=0)[:, None]
        steep = weights[..., None]
        crossing = (z + low * steep > 0) != (z + high * steep > 0)  # of units, units above, and rows
        unit, row = np.nonzero(crossing.any(axis=1))
        if len(unit) == 0:
            return True
        crossing = crossing[unit, :, row]
        most = int(crossing.sum(axis=1).max())
        if most > _BENDS:
            return False
        # Those that cross come first in each line; others fill up the table, and add nothing, as they do not cross.
        above = np.argsort(~crossing, axis=1)[:, :most]
        z, weights = z[above, row[:, None]][..., None], weights[unit[:, None], above][..., None]
        beyond = np.where(z > 0, -weights, weights) * by[unit, :, row][:, None]
        beyond -= abs(z)
        np.maximum(beyond, 0, out=beyond)
        outputs[:, unit, :, row] += ((1 - self._leak) * last[above]).transpose(0, 2, 1) @ beyond
        return True

    def _through(self, rows: slice, units: Integers, by: Array) -> Array:
        """Go through all layers above."""
        z = self._above[0][0][units].T[..., None, None] * by
        z += self._z[0][:, None, None, rows]
        z = z.reshape(len(z), -1)
        for weights, bias in self._above[1:]:
            z = weights.T @ self._activate(z)
            if bias is not None:
                z += bias[:, None]
        return z.reshape(len(z), *by.shape)
