"""Local searches by random moves: what they share.

Moves are measured per coordinate in the side of the box, and in max(1, |x_i|) where a bound is missing, so that one
number says how large they are for parameters of any units.  The sizes adapt; how is what tells the searches apart.

A move that leaves the box is clipped, so that a minimum on the boundary is reached exactly.  Where a move changes all
coordinates, one that is at a bound takes part with probability 1/n only: if it always did, a point in a corner would
hardly ever get better in one coordinate without getting worse in another, and the search would starve there.
"""

import math
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from optikit import Array, Bounds, Optimizer, State, Stop


@dataclass(kw_only=True, slots=True)
class LocalState(State):
    """The best point, what was found there, and how far to move."""

    rng: np.random.Generator
    size: Array
    """How large moves are now, in each coordinate: shape (n,)."""
    fun: float = math.nan
    """The value at `x`; NaN until it is known."""


BoolArray: TypeAlias = NDArray[np.bool_]

L = TypeVar("L", bound=LocalState)


class LocalSearch(Optimizer[L], Generic[L]):
    """Makes random moves from the best point."""

    size: float = Field(default=0.1, gt=0, le=1)
    r"""First size of a move, in units of the side of the box, or of :math:`\max(1, |x_i|)` where a bound is missing; it
    adapts and never exceeds 1."""
    xtol: float = Field(default=1e-12, ge=0, lt=1)
    """Stop when moves are not larger than this, in the same units; or when they are lost in the rounding of x."""

    def moved(self, state: L, x: Array) -> L:
        """Keep the sizes, and ask for the value there first."""
        state.x, state.fun = x.copy(), math.nan
        return state

    def resized(self, bounds: Bounds, state: L, factor: float | Array) -> L:
        """Multiply the size of moves, and stop where that makes them tiny.

        While no finite value has been found nothing can be learnt about sizes, and they stay.
        """
        if not math.isfinite(state.fun):
            return state
        state.size = np.minimum(state.size * factor, 1)
        units = unit(bounds, state.x)
        lost = np.finfo(state.x.dtype).eps * abs(state.x)
        if (state.size * units <= np.maximum(self.xtol * units, lost)).all():
            state.stop = Stop(True, f"Moves have become tiny: {state.size.max():.1g} of the box, or of max(1, |x|).")
        return state


def moved(bounds: Bounds, x: Array, move: Array) -> Array:
    """Move from x and clip to the bounds.

    Parameters
    ----------
    bounds : (low, high)
        Those of the oracle.
    x : ndarray, shape (n,)
        Where from; not written to.
    move : ndarray, shape (n,)
        How far, in the units of each coordinate.

    Returns
    -------
    ndarray, shape (n,)
        In the dtype of x.
    """
    return np.clip((x + move * unit(bounds, x)).astype(x.dtype), *bounds)


def loose(bounds: Bounds, x: Array, rng: np.random.Generator) -> BoolArray:
    """Say which coordinates take part in a move of all: those at a bound with probability 1/n only."""
    low, high = bounds
    return ((low < x) & (x < high)) | (rng.random(len(x)) < 1 / len(x))


def unit(bounds: Bounds, x: Array) -> Array:
    """Give the length of a move of size 1 in every coordinate."""
    side = bounds[1] - bounds[0]
    return np.where(np.isfinite(side), side, np.maximum(abs(x), 1))
