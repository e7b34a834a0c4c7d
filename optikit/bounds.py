"""Bounds: the lowest and the highest allowed value of every parameter.

Users give two numbers or two arrays; everything inside sees two arrays of shape (n,), infinite where there is no bound.
"""

from typing import Any, TypeAlias, cast

import numpy as np

from optikit.errors import InputError
from optikit.types import Array

Bounds: TypeAlias = tuple[Array, Array]
"""Low and high, both of shape (n,)."""


def read_bounds(given: Any, n: int) -> Bounds:
    """Read bounds as a user gave them.

    Parameters
    ----------
    given : None, (low, high), or an object with `lb` and `ub`
        Numbers or arrays of shape (n,); `scipy.optimize.Bounds` is such an object.
    n : int
        Number of parameters.

    Returns
    -------
    low, high : ndarray, shape (n,)
        Float64, infinite where there is no bound.

    Raises
    ------
    InputError
        If they do not fit n parameters, contain NaN, or a lower bound is above its upper one.
    """
    if given is None:
        return np.full(n, -np.inf), np.full(n, np.inf)
    pair = (given.lb, given.ub) if hasattr(given, "lb") and hasattr(given, "ub") else given
    # For two parameters SciPy's pairs have the shape of (low, high) and another meaning.
    pairs = isinstance(given, list) and all(isinstance(side, tuple) for side in cast("list[Any]", given))
    wanted = f"pass bounds=(low, high), each a number or an array of {n} numbers"
    try:
        if pairs:
            raise ValueError
        low, high = (np.array(np.broadcast_to(np.asarray(side, dtype=np.float64), (n,))) for side in pair)
    except (TypeError, ValueError):
        raise InputError(
            f"the bounds {given!r} do not fit; {wanted} (SciPy's pairs become that by zip(*pairs))"
        ) from None
    if np.isnan(low).any() or np.isnan(high).any():
        raise InputError("the bounds contain NaN; use -inf and inf where there is no bound")
    if (low > high).any():
        i = int(np.argmax(low > high))
        raise InputError(f"the lower bound {low[i]:g} of x[{i}] is above its upper bound {high[i]:g}; {wanted}")
    return low, high


def rounded_inward(bounds: Bounds, dtype: np.dtype[Any]) -> Bounds:
    """Bring bounds to the dtype of x, so that clipping to them never ends a rounding error outside.

    Where no number of that dtype lies between two bounds, both become the nearest one.
    """
    low, high = (side.astype(dtype) for side in bounds)
    up = np.where(low < bounds[0], np.nextafter(low, dtype.type(np.inf)), low)
    down = np.where(high > bounds[1], np.nextafter(high, dtype.type(-np.inf)), high)
    return np.where(up <= down, up, low), np.where(up <= down, down, low)


def outside(x: Array, bounds: Bounds) -> tuple[int, ...] | None:
    """Find the place of the first number of `x`, (n,) or (k, n), that lies outside the bounds, or None."""
    low, high = bounds
    wrong = (x < low) | (x > high)
    if not wrong.any():
        return None
    return tuple(int(index) for index in np.unravel_index(np.argmax(wrong), wrong.shape))
